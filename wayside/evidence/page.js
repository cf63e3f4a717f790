"use strict";
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const words = JSON.parse(byId("words").textContent);
const recorded = JSON.parse(byId("recorded").textContent);
const memory = {
  get(key) { try { return localStorage.getItem("wayside." + key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem("wayside." + key, value); } catch { /* a file may have no storage */ } },
};
const language = () => (root.lang.startsWith("zh") ? "zh" : "en");
const say = (texts) => (texts ? texts[language()] : "");
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
let redraw = () => {};

function setLanguage(wish) {
  const tag = wish.startsWith("zh") ? "zh-CN" : "en";
  root.lang = tag;
  for (const b of document.querySelectorAll("[data-language]")) b.setAttribute("aria-pressed", b.dataset.language === tag);
  for (const e of document.querySelectorAll("[data-name]")) {
    const text = say(words[e.dataset.name]);
    e.setAttribute("aria-label", text);
    if (e.tagName === "BUTTON") e.title = text;
  }
  redraw();
}

function setTheme(name) {
  root.dataset.theme = name;
  for (const b of document.querySelectorAll("[data-theme-choice]")) b.setAttribute("aria-pressed", b.dataset.themeChoice === name);
  redraw();
}

for (const b of document.querySelectorAll("[data-language]"))
  b.addEventListener("click", () => { setLanguage(b.dataset.language); memory.set("language", b.dataset.language); });
for (const b of document.querySelectorAll("[data-theme-choice]"))
  b.addEventListener("click", () => { setTheme(b.dataset.themeChoice); memory.set("theme", b.dataset.themeChoice); });
byId("only-open").addEventListener("change", (e) => document.querySelector("table.lines").classList.toggle("only-open", e.target.checked));
const asked = new URLSearchParams(location.hash.slice(1));
setTheme(asked.get("theme") || memory.get("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
setLanguage(asked.get("lang") || memory.get("language") || root.lang);

addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });

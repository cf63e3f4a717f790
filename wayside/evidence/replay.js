// The map's replay. It follows page.js in one script and shares its names.
async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function reader(buffer) {
  let at = 0;
  return (type, count) => {
    const column = new type(buffer, at, count);
    at += count * type.BYTES_PER_ELEMENT;
    return column;
  };
}

function summed(differences) {
  const values = new differences.constructor(differences.length);
  let value = 0;
  for (let i = 0; i < values.length; i++) { values[i] = value + differences[i]; value = values[i]; }
  return values;
}

const hex = (high, low) => high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
const short = (id) => (id.startsWith("00000000000") ? String(parseInt(id, 16)) : id);

async function replay() {
  const step = recorded.step_m;
  const lanes = await readLanes();
  const t = recorded.tracks;
  const read = reader(await unpack(t.data));
  const n = t.stretches;
  const idHigh = read(Uint32Array, n), idLow = read(Uint32Array, n), senderHigh = read(Uint32Array, n), senderLow = read(Uint32Array, n);
  const first = read(Uint16Array, n), count = read(Uint16Array, n);
  const xs = summed(read(Int16Array, t.samples)), ys = summed(read(Int16Array, t.samples));
  const kind = read(Uint8Array, n), cls = read(Uint8Array, n), length = read(Uint8Array, n), width = read(Uint8Array, n);
  const headings = summed(read(Uint8Array, t.samples)), speeds = summed(read(Uint8Array, t.samples));
  const start = new Uint32Array(n);
  for (let i = 1; i < n; i++) start[i] = start[i - 1] + count[i - 1];
  const ids = Array.from({ length: n }, (_, i) => hex(idHigh[i], idLow[i]));
  const senders = Array.from({ length: n }, (_, i) => (senderHigh[i] || senderLow[i] ? hex(senderHigh[i], senderLow[i]) : ""));
  const stretchesOf = new Map();
  for (let i = 0; i < n; i++)
    for (const name of new Set([ids[i], senders[i]])) if (name) (stretchesOf.get(name) || stretchesOf.set(name, []).get(name)).push(i);

  const canvas = byId("map"), pen = canvas.getContext("2d");
  const moment = byId("moment"), playButton = byId("play");
  const last = recorded.frames - 1;
  moment.max = last;
  let now = 0, playing = false, drawnAt = 0, picked = null, view = null, pending = false;

  // where a stretch is at a moment between two pictures; null if it is not there
  function place(i, at) {
    const offset = at - first[i];
    if (offset < 0 || offset > count[i] - 1 + 0.5) return null;
    const a = start[i] + Math.min(Math.floor(offset), count[i] - 1), b = Math.min(a + 1, start[i] + count[i] - 1);
    const share = Math.min(1, offset - (a - start[i]));
    let turn = headings[b] - headings[a];
    if (turn > 128) turn -= 256;
    if (turn < -128) turn += 256;
    return {
      x: (xs[a] + (xs[b] - xs[a]) * share) * step,
      y: (ys[a] + (ys[b] - ys[a]) * share) * step,
      heading: ((headings[a] + turn * share) * Math.PI) / 128,
      speed: (speeds[a] + (speeds[b] - speeds[a]) * share) * t.speed_step,
    };
  }

  function find(name, at) {
    for (const i of stretchesOf.get(name) || []) {
      const p = place(i, at);
      if (p) return { i, ...p };
    }
    return null;
  }

  async function readLanes() {
    const m = recorded.map;
    const get = reader(await unpack(m.data));
    const points = get(Uint16Array, m.lanes), px = summed(get(Int16Array, m.points)), py = summed(get(Int16Array, m.points));
    const laneKind = get(Uint8Array, m.lanes), laneWidth = get(Uint8Array, m.lanes);
    const paths = new Map();
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    let at = 0;
    for (let i = 0; i < m.lanes; i++) {
      const name = laneKind[i] * 256 + laneWidth[i];
      if (!paths.has(name)) paths.set(name, { kind: laneKind[i], width: laneWidth[i] / 10, path: new Path2D() });
      const path = paths.get(name).path;
      for (let j = 0; j < points[i]; j++, at++) {
        const x = px[at] * step, y = py[at] * step;
        if (j) path.lineTo(x, y); else path.moveTo(x, y);
        box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y); box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
      }
    }
    return { box, paths: [...paths.values()].sort((a, b) => LAYERS.indexOf(a.kind) - LAYERS.indexOf(b.kind)) };
  }

  const lightAt = (group, at) => {
    const changes = recorded.signals.changes[group];
    if (!changes) return 0;
    let low = 0, high = changes.length / 2;
    while (low < high) { const middle = (low + high) >> 1; if (changes[middle * 2] <= at) low = middle + 1; else high = middle; }
    return low ? changes[low * 2 - 1] : 0;
  };

  function fit() {
    const [x0, y0, x1, y1] = lanes.box;
    const s = Math.min(canvas.clientWidth / (x1 - x0 + 60), canvas.clientHeight / (y1 - y0 + 60));
    view = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, scale: s };
    redraw();
  }

  const toScreen = (x, y) => [canvas.clientWidth / 2 + (x - view.x) * view.scale, canvas.clientHeight / 2 - (y - view.y) * view.scale];
  const colours = () => {
    const style = getComputedStyle(root);
    return (name) => style.getPropertyValue("--" + name).trim();
  };

  function draw() {
    pending = false;
    const dots = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
    if (canvas.width !== Math.round(w * dots) || canvas.height !== Math.round(h * dots)) { canvas.width = Math.round(w * dots); canvas.height = Math.round(h * dots); }
    const colour = colours(), s = view.scale;
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.fillStyle = colour("map");
    pen.fillRect(0, 0, w, h);
    const world = () => pen.setTransform(dots * s, 0, 0, -dots * s, dots * (w / 2 - view.x * s), dots * (h / 2 + view.y * s));
    const screen = () => pen.setTransform(dots, 0, 0, dots, 0, 0);
    world();
    pen.lineJoin = "round";
    for (const lane of lanes.paths) {
      pen.lineWidth = Math.max(lane.width, 1 / s);
      pen.setLineDash(lane.kind === CROSSING ? [0.6, 0.6] : []);
      pen.strokeStyle = colour({ 2: "bus", 3: "side", 4: "side", 5: "crossing" }[lane.kind] || "road");
      pen.stroke(lane.path);
      if (s > 1.2 && lane.kind < 4) { // the edges of lanes show once there is room for them
        pen.strokeStyle = colour("map"); pen.lineWidth = lane.width; pen.stroke(lane.path);
        pen.strokeStyle = colour({ 2: "bus", 3: "side" }[lane.kind] || "road"); pen.lineWidth = lane.width - 0.22; pen.stroke(lane.path);
      }
    }
    pen.setLineDash([]);
    screen();
    drawZones(colour);
    drawPoles(colour);
    if (s > 0.25) drawSignals(s);
    drawUsers(colour, s);
    drawWarnings(colour);
    drawCases(colour);
    const seconds = now * recorded.spacing_s;
    byId("clock").textContent = Math.floor(seconds / 60) + ":" + String(Math.floor(seconds % 60)).padStart(2, "0");
    moment.value = now;
    moment.setAttribute("aria-valuetext", byId("clock").textContent);
    playButton.textContent = playing ? "❚❚" : "▶";
    playButton.setAttribute("aria-label", say(words[playing ? "pause" : "play"]));
    readouts();
  }

  const inForce = () => recorded.measures.filter((m) => m.from <= now && (m.until === null || now < m.until));

  function drawZones(colour) {
    const active = new Set(inForce().map((m) => m.zone)), closed = new Set(inForce().filter((m) => m.closed).map((m) => m.zone));
    for (const zone of recorded.zones) {
      pen.beginPath();
      zone.outline.forEach(([x, y], j) => { const p = toScreen(x, y); if (j) pen.lineTo(...p); else pen.moveTo(...p); });
      pen.closePath();
      if (closed.has(zone.zone)) {
        pen.save();
        pen.clip();
        pen.strokeStyle = colour("unknown"); pen.globalAlpha = 0.28; pen.lineWidth = 2;
        pen.beginPath();
        for (let k = -canvas.clientHeight; k < canvas.clientWidth; k += 13) { pen.moveTo(k, canvas.clientHeight); pen.lineTo(k + canvas.clientHeight, 0); }
        pen.stroke();
        pen.restore();
      }
      pen.beginPath();
      zone.outline.forEach(([x, y], j) => { const p = toScreen(x, y); if (j) pen.lineTo(...p); else pen.moveTo(...p); });
      pen.closePath();
      pen.strokeStyle = colour(active.has(zone.zone) ? "unknown" : "quiet");
      pen.lineWidth = active.has(zone.zone) ? 2.5 : 1.5; pen.setLineDash([7, 5]);
      pen.stroke();
      pen.setLineDash([]);
    }
  }

  function drawPoles(colour) {
    pen.strokeStyle = pen.fillStyle = colour("accent");
    for (const [x, y, range] of recorded.poles) {
      const [px, py] = toScreen(x, y);
      pen.lineWidth = 1; pen.setLineDash([3, 5]);
      pen.beginPath(); pen.arc(px, py, range * view.scale, 0, 7); pen.stroke();
      pen.setLineDash([]);
      pen.fillRect(px - 3, py - 3, 6, 6);
    }
  }

  function drawSignals(s) {
    for (const [x, y, across, wide, group] of recorded.signals.bars) {
      const [px, py] = toScreen(x, y);
      if (px < -20 || py < -20 || px > canvas.clientWidth + 20 || py > canvas.clientHeight + 20) continue;
      const light = lightAt(group, now);
      const look = LIGHTS[light];
      if (!look) continue;
      const half = Math.max(wide * s, 3) / 2;
      pen.strokeStyle = look.colour; pen.lineWidth = look.thick; pen.setLineDash(look.dash);
      pen.beginPath();
      pen.moveTo(px - Math.sin(across) * half, py - Math.cos(across) * half);
      pen.lineTo(px + Math.sin(across) * half, py + Math.cos(across) * half);
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  function drawUsers(colour, s) {
    const paint = { automated: colour("automated"), vehicle: colour("vehicle"), rider: colour("rider"), person: colour("person") };
    const ink = colour("ink");
    for (let i = 0; i < n; i++) {
      const p = place(i, now);
      if (!p) continue;
      const [px, py] = toScreen(p.x, p.y);
      if (px < -20 || py < -20 || px > canvas.clientWidth + 20 || py > canvas.clientHeight + 20) continue;
      const sort = cls[i] ? "automated" : kind[i] === 6 ? "person" : kind[i] === 5 || kind[i] === 4 ? "rider" : "vehicle";
      pen.fillStyle = paint[sort];
      if (sort === "person") {
        pen.beginPath(); pen.arc(px, py, Math.max(1.8, 0.35 * s), 0, 7); pen.fill();
      } else {
        const long = Math.max((length[i] / 10) * s, sort === "rider" ? 4 : 6), wide = Math.max((width[i] / 10) * s, sort === "rider" ? 1.8 : 3);
        pen.save();
        pen.translate(px, py); pen.rotate(-p.heading);
        pen.fillRect(-long / 2, -wide / 2, long, wide);
        if (sort === "automated") { pen.strokeStyle = ink; pen.lineWidth = 1; pen.strokeRect(-long / 2 - 0.5, -wide / 2 - 0.5, long + 1, wide + 1); }
        pen.restore();
      }
      if (picked === ids[i]) { pen.strokeStyle = ink; pen.lineWidth = 2; pen.beginPath(); pen.arc(px, py, Math.max(11, 4 * s), 0, 7); pen.stroke(); }
    }
  }

  function drawWarnings(colour) {
    const span = 2 / recorded.spacing_s;
    pen.strokeStyle = colour("unknown"); pen.lineWidth = 2;
    for (const [at, subject] of recorded.warnings) {
      if (at > now) break;
      if (now - at > span) continue;
      const p = find(subject, now);
      if (!p) continue;
      const [px, py] = toScreen(p.x, p.y);
      pen.beginPath(); pen.arc(px, py, 6 + 8 * ((now - at) / span), 0, 7); pen.stroke();
    }
  }

  function drawCases(colour) {
    const taken = []; // boxes of labels, which must not cover each other
    for (const c of recorded.cases) {
      if (c.from > now || now > c.until + 10 / recorded.spacing_s) continue;
      const p = find(c.subject, now) || (c.at[0] === null ? null : { x: c.at[0], y: c.at[1] });
      if (!p) continue;
      const [px, py] = toScreen(p.x, p.y);
      pen.strokeStyle = colour("case"); pen.lineWidth = 2;
      pen.beginPath(); pen.arc(px, py, 9, 0, 7); pen.moveTo(px, py - 9); pen.lineTo(px, py - 15); pen.stroke();
      pen.save();
      pen.translate(px, py - 25); pen.rotate(Math.PI / 4);
      pen.fillStyle = colour("case"); pen.fillRect(-8, -8, 16, 16);
      pen.restore();
      pen.fillStyle = colour("panel"); pen.font = "700 11px system-ui"; pen.textAlign = "center"; pen.textBaseline = "middle";
      pen.fillText(c.case, px, py - 25);
      const text = say(recorded.words.rule[c.rule]);
      pen.font = "600 12px system-ui"; pen.textAlign = "left";
      const room = pen.measureText(c.case + "  " + text).width + 10;
      let top = py - 34;
      while (taken.some((b) => px + 13 < b.right && px + 13 + room > b.left && Math.abs(b.top - top) < 19)) top += 19.5;
      taken.push({ left: px + 13, right: px + 13 + room, top });
      pen.globalAlpha = 0.9; pen.fillRect(px + 13, top, room, 18); pen.globalAlpha = 1;
      pen.fillStyle = colour("case"); pen.fillText(c.case + "  " + text, px + 18, top + 9.5);
    }
  }

  function readouts() {
    let users = 0;
    for (let i = 0; i < n; i++) if (now >= first[i] && now <= first[i] + count[i] - 0.5) users++;
    byId("users").textContent = users;
    let seen = null;
    for (let i = 0; i < recorded.visibility.length && recorded.visibility[i] <= now; i += 2) seen = recorded.visibility[i + 1];
    byId("visibility").textContent = seen === null ? "–" : seen.toLocaleString("en") + " m";
    const texts = inForce().map((m) => fill(say(words[m.closed ? "readout_closed" : "readout_capped"]), { zone: m.zone, speed: m.cap_km_h }));
    byId("measure").textContent = texts.join(" · ") || say(words.readout_none);
    const box = byId("picked");
    box.hidden = picked === null;
    if (picked === null) return;
    const p = find(picked, now);
    const facts = [[words.readout_identity, picked]];
    if (p) {
      facts.push([words.readout_kind, cls[p.i] ? say(recorded.words.class[cls[p.i]]) : say(recorded.words.kind[kind[p.i]])]);
      facts.push([words.readout_speed, (p.speed * 3.6).toFixed(0) + " km/h"]);
      facts.push([words.readout_sender, senders[p.i] || say(words.readout_unequipped)]);
    } else facts.push([words.readout_kind, say(words.readout_gone)]);
    const list = document.createElement("dl");
    for (const [name, value] of facts) {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = say(name); dd.textContent = value;
      list.append(dt, dd);
    }
    box.replaceChildren(list);
  }

  redraw = () => { if (!pending) { pending = true; requestAnimationFrame(draw); } };
  function go(at) { now = Math.max(0, Math.min(last, at)); redraw(); }
  function run(time) {
    if (!playing) return;
    const passed = Math.min(0.2, (time - drawnAt) / 1000);
    drawnAt = time;
    go(now + (passed * Number(byId("pace").value)) / recorded.spacing_s);
    if (now >= last) playing = false;
    requestAnimationFrame(run);
  }
  function toggle() {
    playing = !playing;
    if (playing) { if (now >= last) now = 0; drawnAt = performance.now(); requestAnimationFrame(run); }
    redraw();
  }
  function zoom(factor, px = canvas.clientWidth / 2, py = canvas.clientHeight / 2) {
    const dx = px - canvas.clientWidth / 2, dy = canvas.clientHeight / 2 - py;
    const scale = Math.max(0.02, Math.min(24, view.scale * factor));
    view.x += dx / view.scale - dx / scale; view.y += dy / view.scale - dy / scale; view.scale = scale;
    redraw();
  }
  function pick(px, py) {
    let best = null, nearest = 16;
    for (let i = 0; i < n; i++) {
      const p = place(i, now);
      if (!p) continue;
      const [x, y] = toScreen(p.x, p.y), d = Math.hypot(x - px, y - py);
      if (d < nearest) { nearest = d; best = ids[i]; }
    }
    picked = best;
    redraw();
  }

  playButton.addEventListener("click", toggle);
  moment.addEventListener("input", () => go(Number(moment.value)));
  byId("zoom-in").addEventListener("click", () => zoom(1.5));
  byId("zoom-out").addEventListener("click", () => zoom(1 / 1.5));
  byId("zoom-all").addEventListener("click", fit);
  canvas.addEventListener("wheel", (e) => {
    if (!e.ctrlKey && document.activeElement !== canvas) return; // the page scrolls until the map is chosen
    e.preventDefault();
    zoom(Math.exp(-e.deltaY / 400), e.offsetX, e.offsetY);
  }, { passive: false });
  let grip = null;
  canvas.addEventListener("pointerdown", (e) => { grip = { x: e.offsetX, y: e.offsetY, moved: 0 }; canvas.setPointerCapture(e.pointerId); canvas.focus({ preventScroll: true }); });
  canvas.addEventListener("pointermove", (e) => {
    if (!grip) return;
    const dx = e.offsetX - grip.x, dy = e.offsetY - grip.y;
    grip = { x: e.offsetX, y: e.offsetY, moved: grip.moved + Math.abs(dx) + Math.abs(dy) };
    view.x -= dx / view.scale; view.y += dy / view.scale;
    redraw();
  });
  canvas.addEventListener("pointerup", (e) => { if (grip && grip.moved < 5) pick(e.offsetX, e.offsetY); grip = null; });
  canvas.addEventListener("keydown", (e) => {
    const second = (e.shiftKey ? 10 : 1) / recorded.spacing_s;
    const act = { " ": toggle, ArrowLeft: () => go(now - second), ArrowRight: () => go(now + second), "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), 0: fit, Escape: () => { picked = null; redraw(); } }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  for (const button of document.querySelectorAll("[data-case]"))
    button.addEventListener("click", () => {
      const c = recorded.cases.find((one) => one.case === Number(button.dataset.case));
      if (!c) return;
      go(c.from);
      const p = find(c.subject, now) || (c.at[0] === null ? null : { x: c.at[0], y: c.at[1] });
      if (p) Object.assign(view, { x: p.x, y: p.y, scale: Math.max(view.scale, 1.6) });
      picked = find(c.subject, now) ? ids[find(c.subject, now).i] : null;
      byId("replay").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      canvas.focus({ preventScroll: true });
      redraw();
    });
  const marks = byId("marks");
  for (const c of recorded.cases) { const i = document.createElement("i"); i.style.left = (c.from / last) * 100 + "%"; marks.append(i); }
  for (const m of recorded.measures) {
    const i = document.createElement("i");
    i.className = "measure"; i.style.left = (m.from / last) * 100 + "%";
    i.style.width = (((m.until === null ? last : m.until) - m.from) / last) * 100 + "%";
    marks.append(i);
  }
  new ResizeObserver(() => { if (view) redraw(); }).observe(canvas);
  fit();
  go(asked.has("t") ? Number(asked.get("t")) / recorded.spacing_s : recorded.cases.length ? recorded.cases[0].from : last / 4);
}

const CROSSING = 5;
const LAYERS = [4, 3, 1, 2, 5];
const RED = { colour: "#d3392f", thick: 4, dash: [] }, GREEN = { colour: "#2f9b5d", thick: 1.6, dash: [] }, YELLOW = { colour: "#c88a00", thick: 3, dash: [3, 2] };
const LIGHTS = { 2: RED, 3: RED, 4: GREEN, 5: GREEN, 6: GREEN, 7: YELLOW, 8: YELLOW };
if (!recorded.frames) { byId("replay-nothing").hidden = false; byId("stage").hidden = true; }
else if (typeof DecompressionStream === "undefined") { byId("replay-problem").hidden = false; byId("stage").hidden = true; }
else replay();

"""Texts and numbers as the page shows them: both languages at once, of which the page shows one."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from wayside.language import LANGUAGES, Language, catalogue, say

TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}


def in_both(text: str) -> dict[Language, str]:
    """Return the text of a catalogue key in each language; what is no key stands for itself.

    >>> in_both("wayside.verdict_pass")
    {'en': 'met', 'zh': '符合'}
    >>> in_both("pole 3")
    {'en': 'pole 3', 'zh': 'pole 3'}
    """
    if text in catalogue():
        return {language: say(text, language) for language in LANGUAGES}
    return dict.fromkeys(LANGUAGES, text)


def both(text: str, tag: str = "span", attributes: str = "", **values: object) -> Markup:
    """Return an element per language, or the bare text where the languages agree.

    Args:
        text: catalogue key, or a text that needs no translation.
        tag: name of the element, such as `text` inside an SVG.
        attributes: further attributes, ready for HTML.
        values: what to fill into the text.
    """
    said = {language: t.format(**values) if values else t for language, t in in_both(text).items()}
    if len(set(said.values())) == 1 and tag == "span" and not attributes:
        return escape(said["en"])
    if len(set(said.values())) == 1:
        return Markup("<{0} {1}>{2}</{0}>").format(Markup(tag), Markup(attributes), said["en"])
    parts = (
        Markup('<{0} lang="{1}" {2}>{3}</{0}>').format(
            Markup(tag), TAGS[language], Markup(attributes), said[language]
        )
        for language in LANGUAGES
    )
    return Markup("").join(parts)


def number(value: float | int | None) -> str:
    """Return a number with as many digits as a reader can use; a dash where it is unknown.

    >>> [number(v) for v in (None, 3, 12345, 0.012345, 7.25, 812.55, 0.0, -2.0)]
    ['–', '3', '12,345', '0.0123', '7.25', '812.5', '0', '-2']
    """
    if value is None or math.isnan(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    if size >= 100:
        return f"{value:,.1f}"
    if size >= 1:
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.3g}"

"""Words in Chinese and English, from the `strings.toml` of each room."""

from __future__ import annotations

import os
import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


@cache
def catalogue() -> dict[str, dict[Language, str]]:
    """Return every text by its key, `<room>.<key>`; texts of the spine have the room `wayside`."""
    texts: dict[str, dict[Language, str]] = {}
    root = files("wayside")
    for folder in (root, *sorted((f for f in root.iterdir() if f.is_dir()), key=lambda f: f.name)):
        source = folder.joinpath("strings.toml")
        if source.is_file():
            room = "wayside" if folder is root else folder.name
            for key, text in tomllib.loads(source.read_text("utf-8")).items():
                texts[f"{room}.{key}"] = text
    return texts


def say(key: str, language: Language, /, **values: object) -> str:
    """Return the text of that key in that language with the values filled in.

    Raises:
        KeyError: the catalogue has no such key; the text names it.

    >>> say("wayside.verdict_pass", "zh")
    '符合'
    """
    try:
        text = catalogue()[key][language]
    except KeyError:
        raise KeyError(f"no text {key!r} in language {language!r}; add it to the room's strings.toml") from None
    return text.format(**values) if values else text


def preferred() -> Language:
    """Return the user's language: WAYSIDE_LANGUAGE, else the locale's, else English."""
    for name in ("WAYSIDE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"

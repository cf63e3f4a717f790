"""The repository about itself."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from wayside.declared import declared_tables
from wayside.language import LANGUAGES, catalogue

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "wayside"
SOURCES = sorted(PACKAGE.rglob("*.py"))
SPINE = {p.stem for p in PACKAGE.glob("*.py")}
GROUND = {"maps", "asn1"}  # rooms that any other may build on
ROOMS = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file()}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "core", "base", "misc", "manager"}
FILES = {"evidence.json"}  # texts that look like a key and are a file's name
OUTSIDE = {"worlds", "cli", "commands", "operate", "run"}  # where clocks and files may be


def imports(source: Path) -> list[str]:
    tree = ast.parse(source.read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    return [name for name in found if name.startswith("wayside.")]


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_the_spine_the_map_and_tables_of_others(room: str) -> None:
    wrong = []
    for source in (PACKAGE / room).rglob("*.py"):
        for name in imports(source):
            parts = name.split(".")[1:]
            free = parts[0] in SPINE or parts[0] in {room, *GROUND} or parts[0] not in ROOMS
            if not free and parts[1:2] not in ([], ["tables"]):
                wrong.append(f"{source.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_every_room_says_what_it_is() -> None:
    missing = [r for r in sorted(ROOMS) if not (PACKAGE / r / "README.md").is_file()]
    assert not missing


def test_no_file_is_a_drawer_and_few_are_long() -> None:
    assert not [s for s in SOURCES if s.stem in DRAWERS or s.parent.name in DRAWERS]
    lengths = {s.relative_to(ROOT): len(s.read_text("utf-8").splitlines()) for s in SOURCES}
    assert not {s: n for s, n in lengths.items() if n > 450}
    assert sum(n > 400 for n in lengths.values()) <= 3


def test_only_worlds_and_the_command_line_know_a_clock() -> None:
    pattern = re.compile(r"time\.time\(|datetime\.now\(|date\.today\(|if .*\bsimulation\b", re.IGNORECASE)
    wrong = []
    for source in SOURCES:
        where = source.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if where not in OUTSIDE and pattern.search(source.read_text("utf-8")):
            wrong.append(str(source.relative_to(ROOT)))
    assert not wrong


def test_nothing_is_left_open() -> None:
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert not [s for s in SOURCES if pattern.search(s.read_text("utf-8"))]


def test_every_text_stands_in_both_languages_with_the_same_blanks() -> None:
    for key, text in catalogue().items():
        assert set(text) == set(LANGUAGES), key
        assert all(t.strip() for t in text.values()), key
        blanks = [{name for _, name, _, _ in string.Formatter().parse(t) if name} for t in text.values()]
        assert blanks[0] == blanks[1], key


def test_every_text_the_source_asks_for_is_there() -> None:
    rooms = "|".join(sorted(ROOMS | {"wayside"}))
    asked = re.compile(rf'"((?:{rooms})\.[a-z0-9_]*[a-z0-9])"')
    missing = []
    for source in SOURCES:
        text = source.read_text("utf-8")
        for key in asked.findall(text):
            module = PACKAGE / Path(*key.split("."))
            is_module = (
                key.startswith("wayside.")
                or key in FILES
                or module.with_suffix(".py").is_file()
                or module.is_dir()
            )
            if key not in catalogue() and not is_module:
                missing.append(f"{source.relative_to(ROOT)}: {key}")
    assert not missing


def test_every_column_has_a_meaning_and_every_measure_a_unit() -> None:
    for kind in declared_tables().values():
        assert kind.__doc__, kind
        for declared in kind.columns.values():
            where = f"{kind.__name__}.{declared.name}"
            assert declared.meaning, where
            if declared.name.endswith("_ns"):
                assert declared.unit == "ns", where
            for suffix, unit in (("_kw", "kW"), ("_kwh", "kWh"), ("_c", "degC"), ("_mm_per_h", "mm/h")):
                if declared.name.endswith(suffix):
                    assert declared.unit == unit, where


def test_rooms_that_write_tables_do_not_share_a_name_by_chance() -> None:
    names = [kind.table_name for kind in declared_tables().values()]
    assert len(names) == len(set(names))

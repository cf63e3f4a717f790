from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from wayside.asn1 import parsed as parsing
from wayside.asn1.parsed import cache_folder, parsed

TEXT = "M DEFINITIONS AUTOMATIC TAGS ::= BEGIN A ::= INTEGER (0..7) B ::= SEQUENCE { a A, ... } END"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = cache_folder()
    assert found == tmp_path / "wayside" / "asn1"
    return found


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    real = parsing._parse

    def counted(text: str) -> bytes:
        texts.append(text)
        return real(text)

    monkeypatch.setattr(parsing, "_parse", counted)
    return texts


def test_a_text_is_parsed_once(parses: list[str]) -> None:
    assert parsed(TEXT) == parsed(TEXT)
    assert parses == [TEXT]


def test_the_parser_is_not_needed_for_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    first = parsed(TEXT)
    monkeypatch.setitem(sys.modules, "asn1tools", None)
    assert parsed(TEXT) == first


def test_another_text_is_parsed_anew(parses: list[str]) -> None:
    parsed(TEXT)
    assert parsed(TEXT.replace("7", "9")) != parsed(TEXT)
    assert len(parses) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: kept[:-9],
        lambda kept: kept.replace(b"[0,7]", b"[0,9]"),
        lambda kept: kept.replace(b'"form":1', b'"form":2'),
        lambda kept: b"[" * 100_000,
        lambda kept: b"\xff\x00 not JSON",
        lambda kept: b'{"form":1}',
    ],
)
def test_a_broken_or_foreign_file_is_ignored_and_replaced(damage: Any, folder: Path, parses: list[str]) -> None:
    first = parsed(TEXT)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert file.read_bytes() != whole
    assert parsed(TEXT) == first
    assert len(parses) == 2
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_done_without(folder: Path, parses: list[str]) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder would be", "utf-8")
    assert parsed(TEXT) == parsed(TEXT)
    assert len(parses) == 2


def test_nothing_is_left_behind_but_the_file(folder: Path) -> None:
    parsed(TEXT)
    assert [file.suffix for file in folder.iterdir()] == [".json"]

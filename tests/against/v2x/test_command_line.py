"""Every vector through `wayside decode` and `wayside encode` under its edition, and certificates too."""

from __future__ import annotations

import io
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from wayside.cli import main

VECTORS = Path(__file__).parents[4] / "shared" / "data" / "v2x"
CERTIFICATES = Path(__file__).parents[4] / "shared" / "data" / "security" / "certs.json"
EDITION_OF = {"2020": "csae53-2020", "2019": "gbt31024-3-2019", "day2": "csae157-2020"}


def vectors() -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Return hex and value of every vector, by edition."""
    if not VECTORS.is_dir():
        pytest.skip(f"no vectors in {VECTORS}")
    found: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for one in json.loads((VECTORS / "real_vectors.json").read_text("utf-8")):
        found[one["edition"].replace("_", "-")].append((one["hex"], {one["type"]: one["value"]}))
    for source in sorted(VECTORS.glob("random_*.json")):
        _, year, name = source.stem.split("_", 2)
        for one in json.loads(source.read_text("utf-8")):
            value = {f"{name.removeprefix('ext_')}Frame": one["value"]}
            if "messageId" in one:
                value = {"msgFrameExt": {"messageId": one["messageId"], "value": {name: one["value"]}}}
            found[EDITION_OF[year]].append((one["hex"], value))
    return found


class Source:
    """What stands in for standard input."""

    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


def run(monkeypatch: pytest.MonkeyPatch, capsys: Any, text: str, *arguments: str) -> list[str]:
    monkeypatch.setattr(sys, "stdin", Source(text))
    assert main(list(arguments)) == 0
    lines: list[str] = capsys.readouterr().out.splitlines()
    return lines


@pytest.mark.parametrize("edition", ["gbt31024-3-2019", "csae53-2020", "csae157-2020"])
def test_every_vector_goes_there_and_back(monkeypatch: pytest.MonkeyPatch, capsys: Any, edition: str) -> None:
    given = vectors()[edition]
    assert len(given) > 30
    decoded = run(monkeypatch, capsys, "\n".join(text for text, _ in given), "decode", "--edition", edition)
    assert [json.loads(line) for line in decoded] == [value for _, value in given]
    encoded = run(monkeypatch, capsys, "\n".join(decoded), "encode", "--edition", edition)
    assert encoded == [text for text, _ in given]


def test_certificates_of_the_field_go_there_and_back(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    if not CERTIFICATES.is_file():
        pytest.skip(f"no certificates in {CERTIFICATES}")
    given = json.loads(CERTIFICATES.read_text("utf-8"))["certificates"]
    decoded = run(monkeypatch, capsys, "\n".join(one["hex"] for one in given), "decode", "--as", "certificate")
    assert [json.loads(line) for line in decoded] == [one["value"] for one in given]
    encoded = run(monkeypatch, capsys, "\n".join(decoded), "encode", "--as", "certificate")
    assert encoded == [one["hex"] for one in given]


@pytest.mark.parametrize("edition", ["gbt31024-3-2019", "csae53-2020", "csae157-2020"])
def test_the_probe_finds_the_edition_of_every_vector(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, edition: str
) -> None:
    given = vectors()[edition]
    (tmp_path / "a.hex").write_text("\n".join(text for text, _ in given))
    assert main(["check", str(tmp_path / "a.hex"), "--edition", "any", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    (table,) = (one for one in facts["tables"] if one["id"] == "check-editions")
    understood = {row[0]: row[1] for row in table["rows"]}
    assert understood[edition] == len(given)
    assert all(count <= len(given) for count in understood.values())
    if edition == "gbt31024-3-2019":
        assert understood["csae53-2020"] < len(given)  # every MAP at least reads wrongly

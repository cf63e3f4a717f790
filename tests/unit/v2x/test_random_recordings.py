"""Checks take any valid message of any edition, however odd, and say something about it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from wayside.asn1.samples import sample
from wayside.v2x.conformance import messages
from wayside.v2x.editions import TEXTS, codec_of, schema_of


@pytest.mark.parametrize("edition", TEXTS)
def test_no_valid_message_breaks_a_check(tmp_path: Path, edition: str) -> None:
    from argparse import Namespace

    random, codec = Random(3), codec_of(edition)
    values = [sample(schema_of(edition), random) for _ in range(150)]
    lines = [
        json.dumps({"time_ns": n * 100_000_000, "link": "a", "hex": codec.encode(value).hex()})
        for n, value in enumerate(values)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = messages.check(tmp_path / "a.jsonl", Namespace(edition=edition))
    assert found.facts["frames"] + found.facts["heard twice"] == 150
    assert found.report is not None and len(found.report.lines) > 20

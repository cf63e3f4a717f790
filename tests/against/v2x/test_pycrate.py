"""pycrate, a codec by other people, must agree with ours on every random value."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from wayside.asn1.samples import sample
from wayside.asn1.schema import Sequence
from wayside.v2x.editions import EDITION, TEXTS, codec_of, text_of

MESSAGES = 80  # of each type; the slow test takes 10,000 of each message of the default edition
DAY_ONE = ("bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame")


@cache
def reference(edition: str) -> Any:
    """Return pycrate's MessageFrame; it writes a module of its own, which is then imported."""
    from pycrate_asn1c.asnproc import GLOBAL, compile_text, generate_modules
    from pycrate_asn1c.generator import PycrateGenerator

    with TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        file = Path(folder) / f"pycrate_{edition.replace('-', '_')}.py"
        GLOBAL.clear()
        compile_text(text_of(edition))
        generate_modules(PycrateGenerator, str(file))
        found = importlib.util.spec_from_file_location(file.stem, file)
        assert found and found.loader
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    return module.Frame.MessageFrame


def bits(text: str) -> tuple[int, int]:
    return int(text, 2), len(text)


def spared(value: Any) -> Any:
    """Return a value without the character 127, which is one of IA5 but which pycrate refuses."""
    match value:
        case str():
            return value.replace("\x7f", "~")
        case list():
            return [spared(item) for item in value]
        case dict():
            return {name: spared(item) for name, item in value.items()}
        case _:
            return value


def agree(edition: str, value: dict[str, Any], foreign: Any) -> None:
    codec, theirs_of = codec_of(edition), reference(edition)
    value = spared(value)
    octets, theirs = codec.encode(value), foreign(codec.root, value, bits)
    theirs_of.set_val(theirs)
    assert theirs_of.to_uper() == octets
    theirs_of.from_uper(octets)
    assert theirs_of.get_val() == theirs
    assert codec.decode(octets) == value


def agree_often(edition: str, message: str, frames: int, foreign: Any) -> None:
    random = Random(message)
    (node,) = (f.node for f in codec_of(edition).root.alternatives if f.name == message)
    for _ in range(frames):
        agree(edition, {message: sample(node, random, most_items=3)}, foreign)


@pytest.mark.parametrize("message", DAY_ONE)
@pytest.mark.parametrize("edition", TEXTS)
def test_random_values_have_the_same_octets_in_both_codecs(edition: str, message: str, foreign: Any) -> None:
    agree_often(edition, message, MESSAGES, foreign)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("message", DAY_ONE)
def test_ten_thousand_random_values_have_the_same_octets_in_both_codecs(message: str, foreign: Any) -> None:
    agree_often(EDITION, message, 10_000, foreign)


def test_random_values_of_day_two_have_the_same_octets_in_both_codecs(foreign: Any) -> None:
    (added,) = codec_of("csae157-2020").root.additions
    assert isinstance(added.node, Sequence)
    random = Random(2)
    seen = set()
    for _ in range(5 * MESSAGES):
        value = {added.name: sample(added.node, random, most_items=2)}
        seen.add(value[added.name]["messageId"])
        agree("csae157-2020", value, foreign)
    assert seen == {0, 10, 11, 12, 13, 14, 15, 16, 17}


@pytest.mark.parametrize("participants", [400, 512])
def test_a_message_above_16383_octets_comes_in_the_same_fragments(participants: int, foreign: Any) -> None:
    codec, random = codec_of("csae157-2020"), Random(3)
    (added,) = codec.root.additions
    value = sample(added.node, random)
    while value["messageId"] != 12 or "participants" not in value["value"]["SensorSharingMsg"]:
        value = sample(added.node, random)
    message = value["value"]["SensorSharingMsg"]
    one = {**message["participants"][0], "polygon": [point() for _ in range(12)]}
    message["participants"] = [one] * participants
    agree("csae157-2020", {added.name: value}, foreign)
    assert len(codec.encode({added.name: value})) > 16383


def point() -> dict[str, Any]:
    return {"offsetLL": {"position-LL6": {"lon": -83, "lat": 92}}}

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from wayside.asn1.errors import Fault
from wayside.asn1.samples import sample
from wayside.v2x.editions import TEXTS, codec_of
from wayside.v2x.probe import Verdict, difference, in_words, probe, verdict

FRAMES = 220  # of each message, as many as the reference counted
ALWAYS, NEVER = (lambda value: True), (lambda value: False)


def holds(value: Any, name: str) -> bool:
    """Tell whether a field of that name stands anywhere in a value."""
    if isinstance(value, dict):
        return name in value or any(holds(inner, name) for inner in value.values())
    return isinstance(value, list) and any(holds(inner, name) for inner in value)


def frames(edition: str, message: str) -> list[tuple[dict[str, Any], bytes]]:
    codec, random = codec_of(edition), Random(message)
    (node,) = (f.node for f in codec.root.alternatives if f.name == message)
    values = [{message: sample(node, random, most_items=2)} for _ in range(FRAMES)]
    return [(value, codec.encode(value)) for value in values]


@pytest.mark.parametrize(
    ("message", "right"),
    [
        ("bsmFrame", lambda value: not holds(value, "initialPosition")),
        ("mapFrame", NEVER),
        ("rsmFrame", ALWAYS),
        ("spatFrame", ALWAYS),
        ("rsiFrame", lambda value: not holds(value, "activePath")),
    ],
)
def test_a_frame_of_2020_reads_right_as_one_of_2019_only_without_what_changed(
    message: str, right: Callable[[Any], bool]
) -> None:
    seen = Counter[str]()
    for value, octets in frames("csae53-2020", message):
        (older,) = (reading for reading in probe(octets) if reading.edition == "gbt31024-3-2019")
        found = "error" if older.error else "right" if older.value == value else "wrong"
        assert (found == "right") is right(value)
        seen[found] += 1
    if right is ALWAYS:
        assert seen == {"right": FRAMES}
    elif right is NEVER:
        assert seen["right"] == 0 and seen["wrong"] > 0 and seen["error"] > seen["wrong"]
    else:
        assert min(seen.values()) > 0 and seen["right"] > FRAMES / 3


@pytest.mark.parametrize("message", ["bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame"])
@pytest.mark.parametrize("edition", TEXTS)
def test_the_edition_that_wrote_a_frame_always_reads_it(edition: str, message: str) -> None:
    for value, octets in frames(edition, message)[:60]:
        readings = probe(octets)
        (own,) = (reading for reading in readings if reading.edition == edition)
        assert own.exact and own.complete and own.error is None and own.value == value
        assert verdict(readings) in (Verdict.ONE, Verdict.SAME, Verdict.DIFFERENT)


def test_a_frame_that_two_editions_read_differently_is_ambiguous_and_says_where() -> None:
    found = [probe(octets) for _, octets in frames("csae53-2020", "mapFrame")]
    ambiguous = [readings for readings in found if verdict(readings) == Verdict.DIFFERENT]
    assert ambiguous
    words = in_words(ambiguous[0], "en")
    assert words.startswith("Ambiguous: ") and "first at mapFrame" in words
    assert "有歧义" in in_words(ambiguous[0], "zh")


def test_a_day_two_message_is_read_by_its_edition_alone() -> None:
    codec = codec_of("csae157-2020")
    test = {"msgFrameExt": {"messageId": 0, "value": {"TestMsg": {"msgCnt": 3, "userData": "0102"}}}}
    readings = probe(codec.encode(test))
    assert [reading.exact for reading in readings] == [True] * 4
    assert [reading.complete for reading in readings] == [False, False, False, True]
    assert readings[0].same == ("gbt31024-3-2019", "csae53-2020") and readings[3].same == ()
    assert verdict(readings) == Verdict.ONE
    assert in_words(readings, "en") == "Only csae157-2020 reads all of it."


def test_what_nobody_knows_is_carried_and_what_nobody_reads_is_said() -> None:
    unknown = codec_of("csae157-2020").encode({"msgFrameExt": {"messageId": 99, "value": {"...": "0102"}}})
    assert verdict(probe(unknown)) == Verdict.PARTLY
    none = probe(b"\x70")
    assert verdict(none) == Verdict.NONE and in_words(none, "zh")
    assert {reading.error.reason for reading in none if reading.error} == {Fault.UNKNOWN_MESSAGE}


def test_a_difference_is_found_where_one_value_ends() -> None:
    assert difference({"a": [1]}, {"a": [1, 2]}) == "a"
    assert difference({"a": 1}, {"a": 1, "b": 2}) == "b"
    assert difference({"a": 1}, {"a": 1}) is None
    assert difference([{"a": {"b": 1}}], [{"a": {"b": 2}}], "x") == "x[0].a.b"

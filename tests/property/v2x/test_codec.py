"""What holds for every frame of every edition, valid or not."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.asn1.codec import Codec
from wayside.asn1.errors import WireError
from wayside.asn1.generate import Generated
from wayside.asn1.samples import sample
from wayside.asn1.schema import Field
from wayside.asn1.walk import read_frame, write_frame
from wayside.v2x.editions import TEXTS, codec_of

EDITIONS = st.sampled_from(list(TEXTS)).map(codec_of)
FIRST_OCTETS = st.sampled_from([0x80, 0x00, 0x04, 0x10, 0x20, 0x24, 0x30, 0x40])  # of messages that may go on


@st.composite
def frames(draw: st.DrawFn) -> tuple[Codec, dict[str, Any]]:
    codec = draw(EDITIONS)
    random = Random(draw(st.integers(0, 2**64)))
    field = random.choice(codec.root.alternatives + codec.root.additions)
    return codec, {field.name: sample(field.node, random, most_items=2)}


def read_or_refused(codec: Codec, octets: bytes) -> dict[str, Any] | None:
    """Return what a frame reads as; it is the only frame of that, whichever way it is read and written."""
    try:
        value = codec.decode(octets)
    except WireError as error:
        assert 0 <= error.bit <= 8 * len(octets)
        assert error.found
        with pytest.raises(WireError):
            read_frame(codec.root, octets)
        return None
    assert read_frame(codec.root, octets) == value
    assert codec.encode(value) == write_frame(codec.root, value) == octets
    return value


@settings(max_examples=120, deadline=None)
@given(frame=frames())
def test_what_is_written_reads_the_same_by_either_way(frame: tuple[Codec, dict[str, Any]]) -> None:
    codec, value = frame
    octets = codec.encode(value)
    assert octets == write_frame(codec.root, value)
    assert codec.decode(octets) == read_frame(codec.root, octets) == value


@settings(max_examples=60, deadline=None)
@given(frame=frames(), data=st.data())
def test_a_frame_cut_short_is_refused(frame: tuple[Codec, dict[str, Any]], data: st.DataObject) -> None:
    codec, value = frame
    octets = codec.encode(value)
    with pytest.raises(WireError):
        codec.decode(octets[: data.draw(st.integers(0, len(octets) - 1))])


@settings(max_examples=300, deadline=None)
@given(frame=frames(), other=EDITIONS, flips=st.lists(st.integers(0, 2**32), max_size=4))
def test_a_damaged_frame_is_refused_or_is_the_one_frame_of_what_it_reads_as(
    frame: tuple[Codec, dict[str, Any]], other: Codec, flips: list[int]
) -> None:
    codec, value = frame
    octets = bytearray(codec.encode(value))
    for flip in flips:
        octets[flip // 8 % len(octets)] ^= 1 << flip % 8
    read_or_refused(codec, bytes(octets))
    read_or_refused(other, bytes(octets))


@settings(max_examples=150, deadline=None)
@given(frame=frames(), data=st.data())
def test_octets_put_in_or_taken_out_do_no_harm(frame: tuple[Codec, dict[str, Any]], data: st.DataObject) -> None:
    codec, value = frame
    octets = codec.encode(value)
    start = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(start, min(len(octets), start + 3)))
    read_or_refused(codec, octets[:start] + data.draw(st.binary(max_size=4)) + octets[end:])


@settings(max_examples=300, deadline=None)
@given(codec=EDITIONS, first=FIRST_OCTETS, octets=st.binary(max_size=80))
def test_noise_is_refused_or_is_the_one_frame_of_what_it_reads_as(codec: Codec, first: int, octets: bytes) -> None:
    read_or_refused(codec, octets)
    read_or_refused(codec, bytes([first]) + octets)


@settings(max_examples=30, deadline=None)
@given(codec=EDITIONS, first=FIRST_OCTETS, octets=st.binary(min_size=1, max_size=4), times=st.integers(1, 20_000))
def test_long_noise_is_read_in_bounded_time(codec: Codec, first: int, octets: bytes, times: int) -> None:
    read_or_refused(codec, bytes([first]) + octets * (times // len(octets)))


def needs_the_walk(field: Field, value: Any) -> bool:
    """Tell whether a valid value holds what is left to the walk: a long open type, or an added name."""
    text = str(value)
    return field.name == "msgFrameExt" and (len(text) > 16_000 or "None" in text)


@pytest.mark.parametrize("edition", TEXTS)
def test_generated_functions_and_not_the_walk_handle_what_the_edition_knows(edition: str) -> None:
    codec, generated, random = codec_of(edition), Generated("test"), Random(edition)
    for field in codec.root.alternatives + codec.root.additions:
        opened = field in codec.root.additions
        encode = generated.encoder(field.node, field.name, opened=opened)
        decode = generated.decoder(field.node, field.name, opened=opened)
        for _ in range(40):
            value = sample(field.node, random, most_items=2)
            if needs_the_walk(field, value):
                continue
            number = encode(value)
            width = number.bit_length() - 1
            assert decode(number ^ 1 << width, width) == (value, 0)

"""What holds for every frame, valid or not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.asn1.errors import WireError
from wayside.asn1.samples import sample
from wayside.asn1.walk import read_frame, write_frame
from wayside.v2x.editions import EDITION, codec_of

CODEC = codec_of(EDITION)
VALUES = st.integers(0, 2**64).map(lambda seed: sample(CODEC.root, Random(seed), most_items=2))


@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_what_is_written_reads_the_same_by_either_way(value: dict[str, object]) -> None:
    octets = CODEC.encode(value)
    assert octets == write_frame(CODEC.root, value)
    assert CODEC.decode(octets) == read_frame(CODEC.root, octets) == value


@settings(max_examples=60, deadline=None)
@given(value=VALUES, data=st.data())
def test_a_frame_cut_short_is_refused(value: dict[str, object], data: st.DataObject) -> None:
    octets = CODEC.encode(value)
    with pytest.raises(WireError):
        CODEC.decode(octets[: data.draw(st.integers(0, len(octets) - 1))])


@settings(max_examples=150, deadline=None)
@given(value=VALUES, flips=st.lists(st.integers(0, 400), min_size=1, max_size=4))
def test_a_damaged_frame_is_refused_or_is_the_one_frame_of_what_it_reads_as(
    value: dict[str, object], flips: list[int]
) -> None:
    octets = bytearray(CODEC.encode(value))
    for flip in flips:
        octets[flip // 8 % len(octets)] ^= 1 << flip % 8
    try:
        read = CODEC.decode(bytes(octets))
    except WireError as error:
        assert 0 <= error.bit <= 8 * len(octets)
        return
    assert CODEC.encode(read) == octets


@settings(max_examples=200, deadline=None)
@given(octets=st.binary(max_size=60))
def test_noise_is_refused_or_is_the_one_frame_of_what_it_reads_as(octets: bytes) -> None:
    try:
        read = CODEC.decode(octets)
    except WireError:
        return
    assert CODEC.encode(read) == octets

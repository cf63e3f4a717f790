from __future__ import annotations

from random import Random

import numpy as np
import pytest

from wayside.asn1.errors import WireError
from wayside.asn1.samples import sample
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.layout import Layout, assemble

CODEC = codec_of(EDITION)
HEAD = {"msgCnt": 1, "id": "00" * 8, "refPos": {"lat": 5, "long": -5}, "participants": []}


def test_a_layout_writes_its_sample_as_the_codec_does() -> None:
    random, written = Random(3), 0
    while written < 40:
        value = sample(CODEC.root, random)
        try:
            layout = Layout(CODEC.root, value)
        except ValueError:  # it has lists or texts
            continue
        (octets,) = assemble(1, [(layout.rows(1, {}), np.zeros(1, np.int64))])
        assert octets == CODEC.encode(value)
        written += 1


def test_columns_replace_slots_in_each_row() -> None:
    value = {"spatFrame": {"msgCnt": 0, "timeStamp": 0, "intersections": []}}
    layout = Layout(CODEC.root, value)
    rows = layout.rows(3, {"spatFrame.msgCnt": np.array([1, 2, 127]), "spatFrame.timeStamp": 65535})
    first = assemble(3, [(rows, np.arange(3))])
    assert len(set(first)) == 3 and len({len(one) for one in first}) == 1


def test_a_number_that_does_not_fit_its_slot_is_refused() -> None:
    layout = Layout(CODEC.root, {"rsmFrame": HEAD})
    with pytest.raises(WireError, match="128 needs more than 7 bits"):
        assemble(1, [(layout.rows(1, {"rsmFrame.msgCnt": 128}), np.zeros(1, np.int64))])


def test_a_slot_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Layout(CODEC.root, {"rsmFrame": HEAD}).rows(1, {"rsmFrame.moy": 1})

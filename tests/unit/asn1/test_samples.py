from __future__ import annotations

from random import Random

from wayside.asn1.samples import sample
from wayside.asn1.schema import (
    Boolean,
    Choice,
    Enumerated,
    Field,
    Integer,
    Null,
    Octets,
    Open,
    Sequence,
    SequenceOf,
)

NUMBERED = Sequence((Field("id", Integer(0, 9)), Field("value", Open("id", ((3, "Flag", Boolean()),)))), True)


def test_the_same_chance_makes_the_same_value() -> None:
    node = SequenceOf(Octets(0, 9), 0, 9)
    assert sample(node, Random(3)) == sample(node, Random(3))
    assert sample(node, Random(3)) != sample(node, Random(4))


def test_a_number_tells_the_open_type_beside_it() -> None:
    for seed in range(20):
        value = sample(NUMBERED, Random(seed))
        assert value["id"] == 3 and value["value"].keys() == {"Flag"}


def test_what_stands_behind_the_marker_is_met_too() -> None:
    node = Sequence((Field("a", Null()),), True, (Field("b", Null()),))
    assert {tuple(sample(node, Random(seed))) for seed in range(40)} == {("a",), ("a", "b")}
    name = Enumerated(("a",), True, ("b",))
    assert {sample(name, Random(seed)) for seed in range(40)} == {"a", "b"}
    one = Choice((Field("a", Null()),), True, (Field("b", Null()),))
    assert {next(iter(sample(one, Random(seed)))) for seed in range(40)} == {"a", "b"}


def test_a_long_list_holds_short_things() -> None:
    node = SequenceOf(SequenceOf(Null(), 1, 500), 1, 500)
    values = [sample(node, Random(seed), most_items=3) for seed in range(200)]
    longest = max(values, key=len)
    assert len(longest) == 500 and {len(inner) for inner in longest} == {1}

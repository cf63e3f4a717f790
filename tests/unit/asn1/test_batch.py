"""Columns of batches: names, levels, what is missing, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from wayside.asn1.batch import Plan
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.machine import OTHER
from wayside.asn1.program import ABSENT
from wayside.asn1.remarks import Remarks
from wayside.asn1.schema import Choice, SchemaError, read_schema
from wayside.asn1.tabled import table_of, table_type
from wayside.asn1.walk import write_frame

TEXT = """M DEFINITIONS AUTOMATIC TAGS ::= BEGIN
Frame ::= CHOICE { report Report, other INTEGER (0..7), ... }
Report ::= SEQUENCE {
  id       OCTET STRING (SIZE(8)),
  speed    Speed OPTIONAL,
  light    ENUMERATED { red, green, ... },
  flags    BIT STRING (SIZE(5, ...)),
  name     IA5String (SIZE(1..8)) OPTIONAL,
  offset   CHOICE { near SEQUENCE { x INTEGER (-8..7) }, far SEQUENCE { x INTEGER (-128..127) } },
  detail   SEQUENCE { old OCTET STRING (SIZE(8)) OPTIONAL, on BOOLEAN OPTIONAL, ... } OPTIONAL,
  items    SEQUENCE (SIZE(0..300)) OF Item,
  ...
}
Item ::= SEQUENCE { code INTEGER (0..999), marks SEQUENCE (SIZE(1..4)) OF INTEGER (0..15) OPTIONAL }
Speed ::= INTEGER (0..8191)  -- 0.02 m/s; 8191 unavailable
END"""
ROOT = read_schema(TEXT, "Frame")
assert isinstance(ROOT, Choice)
PLAN = Plan.of(ROOT, "report")


def report(**changed: object) -> bytes:
    value = {
        "id": "8000000000000001",
        "speed": 700,
        "light": "green",
        "flags": {"bits": "10100"},
        "offset": {"far": {"x": -100}},
        "items": [{"code": 5, "marks": [1, 2]}, {"code": 999}],
        **changed,
    }
    return write_frame(ROOT, {"report": {name: one for name, one in value.items() if one is not None}})


def test_a_level_holds_one_row_per_item_with_the_row_it_belongs_to() -> None:
    batch = PLAN.decode([report(), report(items=[]), report(items=[{"code": 7, "marks": [9]}])])
    assert batch[""]["items#"].tolist() == [2, 0, 1]
    assert batch["items"]["parent"].tolist() == [0, 0, 2]
    assert batch["items"]["code"].tolist() == [5, 999, 7]
    assert batch["items"]["marks#"].tolist() == [2, ABSENT, 1]
    assert batch["items.marks"]["parent"].tolist() == [0, 0, 2]
    assert batch["items.marks"]["frame"].tolist() == [0, 0, 2]
    assert batch["items.marks"]["value"].tolist() == [1, 2, 9]


def test_numbers_are_those_of_the_wire() -> None:
    row = PLAN.decode([report()])[""]
    assert row["id"].dtype == np.uint64 and row["id"][0] == 0x8000_0000_0000_0001
    assert (row["speed"][0], row["light"][0], row["flags"][0]) == (700, 1, 0b10100)


def test_alternatives_that_say_the_same_share_their_columns() -> None:
    batch = PLAN.decode([report(), report(offset={"near": {"x": 3}})])
    assert batch[""]["offset#"].tolist() == [1, 0]
    assert batch[""]["offset.x"].tolist() == [-100, 3]


def test_what_is_absent_is_told_from_every_number() -> None:
    octets = "80" + "00" * 7  # as a number the same as ABSENT
    batch = PLAN.decode([report(speed=None), report(detail={}), report(detail={"old": octets, "on": False})])
    assert batch[""]["speed"].tolist() == [ABSENT, 700, 700]
    assert batch[""]["detail?"].tolist() == [ABSENT, 1, 1]
    assert batch[""]["detail.old?"].tolist() == [ABSENT, ABSENT, 1]
    assert batch[""]["detail.on"].tolist() == [ABSENT, ABSENT, 0]
    assert list(PLAN.encode(batch.levels)) == list(batch.frames)


def test_texts_lie_in_the_pool() -> None:
    batch = PLAN.decode([report(name="north"), report(), report(name="e")])
    assert batch.texts("", "name") == [b"north", None, b"e"]
    assert list(PLAN.encode(batch.levels, batch.pool)) == list(batch.frames)


def test_what_the_edition_does_not_know_is_stepped_over_and_flagged() -> None:
    frames = [
        report(),
        report(light="...3"),
        report(flags={"bits": "1111111"}),
        report(**{"...": ["aabb", None]}),
        write_frame(ROOT, {"...": {"index": 0, "octets": "00"}}),
    ]
    batch = PLAN.decode(frames)
    assert batch.fault.tolist() == [0, 0, 0, 0, OTHER]
    assert batch.extended[:4].tolist() == [False, True, True, True]
    assert batch[""]["light"].tolist() == [1, 5, 1, 1]  # two names, and then the fourth addition
    assert batch[""]["flags"].tolist() == [0b10100, 0b10100, 0b11111, 0b10100]


def test_bad_frames_are_counted_and_leave_no_rows() -> None:
    good = report(name="a")
    frames = [good[:9], good, report(items=[{"code": 999}]) + b"\0", b"", good, write_frame(ROOT, {"other": 3})]
    batch = PLAN.decode(frames)
    assert batch.fault.tolist() == [Fault.TRUNCATED, 0, Fault.TRAILING_BITS, Fault.TRUNCATED, 0, OTHER]
    assert batch.counts() == {Fault.TRUNCATED: 2, Fault.TRAILING_BITS: 1}
    assert batch[""]["frame"].tolist() == [1, 4]
    assert batch["items"]["parent"].tolist() == [0, 0, 1, 1]
    assert batch.texts("", "name") == [b"a", b"a"]


def test_an_error_names_the_field_and_the_bit() -> None:
    octets = report(items=[{"code": 1}, {"code": 2, "marks": [3, 4, 5, 6]}])
    batch = PLAN.decode([octets[:-2], octets])
    error = batch.error_of(0)
    assert error is not None and error.path == "report.items[1].marks[0]"
    assert batch.path_of(0) == "report.items[].marks[]" and batch.bit[0] == error.bit
    assert batch.error_of(1) is None and batch.path_of(1) == ""


def test_chosen_columns_are_kept_and_everything_is_checked() -> None:
    batch = PLAN.decode([report(), report()[:-2]], columns=["speed", "items.code"])
    assert list(batch[""]) == ["frame", "parent", "speed"]
    assert batch["items"]["code"].tolist() == [5, 999]
    assert batch.fault.tolist() == [0, Fault.TRUNCATED]
    with pytest.raises(KeyError, match=r"no columns items\.nonsense"):
        PLAN.decode([], columns=["items.nonsense"])


def test_rows_grow_with_what_is_read_and_not_with_what_is_claimed() -> None:
    many = [report(items=[{"code": n % 1000, "marks": [n % 16]} for n in range(300)]) for _ in range(40)]
    batch = PLAN.decode(many)
    assert batch["items"].count == 12_000
    assert batch["items"]["code"].tolist() == [n % 1000 for n in range(300)] * 40
    claimed = [many[0][:14]] * 2000  # says 300 items, holds none of them
    assert PLAN.decode(claimed)["items"].count == 0


def test_an_empty_batch_has_all_levels() -> None:
    batch = PLAN.decode([])
    assert [rows.count for rows in batch.levels.values()] == [0, 0, 0]
    assert len(PLAN.encode(batch.levels)) == 0


def test_columns_are_enough_to_write_with_counts_and_presence_left_out() -> None:
    frames = PLAN.encode(
        {
            "": {"id": np.array([1, 2], np.uint64), "light": 0, "flags": 3, "offset#": 0, "offset.x": [1, 2]},
            "items": {"parent": [1, 1], "code": [8, 9]},
            "items.marks": {"parent": [0, 1, 1], "value": [4, 5, 6]},
        }
    )
    plain = {"speed": None, "light": "red", "flags": {"bits": "00011"}}
    items = [{"code": 8, "marks": [4]}, {"code": 9, "marks": [5, 6]}]
    first = report(**plain, id=f"{1:016x}", offset={"near": {"x": 1}}, items=[])
    assert list(frames) == [first, report(**plain, id=f"{2:016x}", offset={"near": {"x": 2}}, items=items)]


@pytest.mark.parametrize(
    ("column", "value", "reason", "words"),
    [
        ("speed", 8192, Fault.OUT_OF_RANGE, "speed is 8192 in row 1 of the message, expected 0 to 8191"),
        ("speed", -1, Fault.OUT_OF_RANGE, "speed is -1 in row 1"),
        ("light", ABSENT, Fault.MALFORMED, "light is missing in row 1"),
        ("light", -4, Fault.OUT_OF_RANGE, "light is -4"),
        ("offset#", 2, Fault.OUT_OF_RANGE, "offset# is 2"),
        ("offset.x", 128, Fault.OUT_OF_RANGE, r"offset\.x is 128"),
        ("items#", 3, Fault.MALFORMED, "items# is 3 in row 1 of the message, which its rows"),
    ],
)
def test_a_number_that_cannot_be_written_is_named_with_its_row(
    column: str, value: int, reason: Fault, words: str
) -> None:
    levels = {name: dict(rows) for name, rows in PLAN.decode([report(), report()]).levels.items()}
    levels[""][column] = np.array([levels[""][column][0], value])
    with pytest.raises(WireError, match=words) as caught:
        PLAN.encode(levels)
    assert caught.value.reason is reason


def test_rows_that_belong_to_nothing_are_refused() -> None:
    levels = {name: dict(rows) for name, rows in PLAN.decode([report(), report()]).levels.items()}
    levels["items"]["parent"] = np.array([0, 0, 1, 0])
    with pytest.raises(WireError, match="items# is 2 in row 1"):
        PLAN.encode(levels)
    del levels[""]["items#"]
    levels["items"]["parent"] = np.array([0, 0, 1, 2])
    with pytest.raises(ValueError, match="parents are rows 0 to 2, but there are 2"):
        PLAN.encode(levels)


def test_columns_that_do_not_fit_are_named() -> None:
    with pytest.raises(KeyError, match="no column 'spede'"):
        PLAN.encode({"": {"spede": [1]}})
    with pytest.raises(KeyError, match="no level 'item'"):
        PLAN.encode({"item": {}})
    with pytest.raises(ValueError, match="different lengths: speed 2, light 3"):
        PLAN.encode({"": {"speed": [1, 2], "light": [0, 0, 0]}})
    with pytest.raises(ValueError, match="speed holds float64"):
        PLAN.encode({"": {"speed": [1.5]}})


def test_a_message_that_is_not_there_is_named() -> None:
    with pytest.raises(SchemaError, match="no message 'raport'; there are: report, other"):
        Plan.of(ROOT, "raport")


def test_a_table_of_a_level_carries_units_and_meanings() -> None:
    remarks = Remarks(TEXT, "Frame")
    table = table_of(PLAN.decode([report(), report(speed=None)]), "", remarks)
    speed = type(table).columns["speed"]
    assert (speed.unit, speed.meaning) == ("0.02 m/s", "speed: Speed; 8191 unavailable")
    assert table.speed.tolist() == [700, ABSENT]  # type: ignore[attr-defined]
    assert len(table.canonical()) == 2
    assert list(table_type(PLAN, "items").columns) == ["row", "frame", "parent", "code", "marks_count"]

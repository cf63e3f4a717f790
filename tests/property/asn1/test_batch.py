"""Columns say what the record codec says, of every frame, valid or not."""

from __future__ import annotations

import re
from collections import defaultdict
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.asn1.batch import Batch, Plan
from wayside.asn1.errors import WireError
from wayside.asn1.machine import OTHER
from wayside.asn1.program import ABSENT, Kind
from wayside.asn1.samples import sample
from wayside.asn1.schema import (
    Bits,
    Boolean,
    Choice,
    Enumerated,
    Field,
    Integer,
    Node,
    Null,
    Octets,
    Open,
    Sequence,
    SequenceOf,
    Text,
)
from wayside.asn1.walk import read_frame, write_frame
from wayside.v2x.editions import TEXTS, schema_of

Cells = dict[tuple[str, str], list[Any]]  # (level, column) -> values in the order of rows


class Expected:
    """The columns that a record's value stands for, by the rules of `Plan` and the schema alone."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.extended = False

    def message(self, value: dict[str, Any], frame: int) -> None:
        fields = (*self.plan.root.alternatives, *self.plan.root.additions)
        node = fields[self.plan.index].node
        row = {"frame": frame, "parent": frame}
        self.rows[""].append(row)
        self.put(node, value[self.plan.message], "", "", row)

    def put(self, node: Node, value: Any, level: str, name: str, row: dict[str, Any]) -> None:
        own = name.removeprefix(".") or "value"
        match node:
            case Integer() | Boolean():
                row[own] = int(value)
            case Null():
                pass
            case Enumerated():
                names = (*node.names, *node.additions)
                unknown = value.startswith("...")
                self.extended |= unknown
                row[own] = len(node.names) + int(value[3:]) if unknown else names.index(value)
            case Bits():
                bits = value["bits"]
                self.extended |= len(bits) != node.size
                row[own] = int(bits[: node.size].ljust(node.size, "0"), 2)
            case Octets() if node.low == node.high <= 8 and not node.extensible:
                row[own] = int(value, 16)
            case Octets():
                row[f"{own}#"], row[f"{own}@"] = len(value) // 2, bytes.fromhex(value)
            case Text():
                row[f"{own}#"], row[f"{own}@"] = len(value), value.encode("ascii")
            case SequenceOf():
                row[f"{own}#"] = len(value)
                below = ".".join(filter(None, (level, name.removeprefix(".")))) if name else f"{level}[]"
                parent = len(self.rows[level]) - 1
                for item in value:
                    inner = {"frame": row["frame"], "parent": parent}
                    self.rows[below].append(inner)
                    self.put(node.element, item, below, "", inner)
            case Choice():
                self.choose(node, value, level, name, row)
            case Sequence():
                self.fields(node, value, level, name, row)

    def choose(self, node: Choice, value: dict[str, Any], level: str, name: str, row: dict[str, Any]) -> None:
        ((chosen, inner),) = value.items()
        fields = (*node.alternatives, *node.additions)
        names = [f.name for f in fields]
        index = f"{name.removeprefix('.') or 'value'}#"
        if chosen == "...":
            row[index], self.extended = len(node.alternatives) + inner["index"], True
            return
        row[index] = names.index(chosen)
        apart = f"{name}.{chosen}".removeprefix(".")
        known = [c.name for c in self.plan.levels[level].cells]
        separate = any(c == apart or c.startswith((f"{apart}.", f"{apart}#")) for c in known)
        field: Field = fields[row[index]]
        self.put(field.node, inner, level, f".{apart}" if separate else name, row)

    def fields(self, node: Sequence, value: dict[str, Any], level: str, name: str, row: dict[str, Any]) -> None:
        self.extended |= "..." in value
        for field in (*node.fields, *node.additions):
            if field.name not in value:
                continue
            path = f"{name}.{field.name}"
            if isinstance(field.node, Open):
                types = {number: inner for number, _, inner in field.node.types}
                (inner,) = value[field.name].values()
                self.put(types[self.plan.select or 0], inner, level, name, row)
                continue
            if (row_name := f"{path}?".removeprefix(".")) in (c.name for c in self.plan.levels[level].cells):
                row[row_name] = 1
            self.put(field.node, value[field.name], level, path, row)


def check(batch: Batch, values: list[Any]) -> None:
    """Hold a batch against the records of its frames: values, errors, or None for other messages."""
    expected = Expected(batch.plan)
    for frame, value in enumerate(values):
        fault = batch.fault[frame]
        if value is None:
            assert fault == OTHER
        elif isinstance(value, WireError):
            assert (fault, batch.bit[frame]) == (value.reason, value.bit), value
            assert batch.path_of(frame) == re.sub(r"\[\d+\]", "[]", value.path), value
            assert batch.error_of(frame).args == value.args
        else:
            assert fault == 0, (frame, fault, batch.path_of(frame), value)
            expected.extended = False
            expected.message(value, frame)
            assert batch.extended[frame] == expected.extended
    for level in batch.plan.program.levels:
        rows, wanted = batch[level.name], expected.rows[level.name]
        assert rows.count == len(wanted), level.name
        for cell in level.cells:
            found = rows[cell.name].tolist()
            if cell.kind is Kind.START:
                counts = rows[cell.name[:-1] + "#"].tolist()
                pool = batch.pool.tobytes()
                found = [ABSENT if n == ABSENT else pool[s : s + n] for s, n in zip(found, counts, strict=True)]
            absent = 2**63 if rows[cell.name].dtype.kind == "u" else ABSENT
            assert found == [row.get(cell.name, absent) for row in wanted], (level.name, cell.name)


PLANS = [
    Plan.of(schema_of(edition), field.name, select)
    for edition in TEXTS
    for field in (*schema_of(edition).alternatives, *schema_of(edition).additions)
    for select in (
        [number for f in field.node.fields if isinstance(f.node, Open) for number, _, _ in f.node.types]
        if isinstance(field.node, Sequence) and any(isinstance(f.node, Open) for f in field.node.fields)
        else [None]
    )
]
NAMES = [f"{plan.message}-{plan.select}-{number}" for number, plan in enumerate(PLANS)]


def of_plan(plan: Plan, random: Random, most_items: int) -> dict[str, Any]:
    """Return a random value of the message of a plan."""
    field = (*plan.root.alternatives, *plan.root.additions)[plan.index]
    if plan.select is None:
        return {field.name: sample(field.node, random, most_items=most_items)}
    assert isinstance(field.node, Sequence)
    value: dict[str, Any] = {}
    for inner in field.node.fields:
        if isinstance(inner.node, Open):
            name, node = next((n, t) for number, n, t in inner.node.types if number == plan.select)
            value[inner.name] = {name: sample(node, random, most_items=most_items)}
        else:
            value[inner.name] = plan.select
    return {field.name: value}


def record(plan: Plan, octets: bytes) -> Any:
    """Return what the record codec makes of a frame, None where it is another message."""
    try:
        value = read_frame(plan.root, octets)
    except WireError as error:
        return error
    if plan.message not in value:
        return None
    inner = value[plan.message]
    if plan.select is not None and inner.get("messageId") != plan.select:
        return None
    return value


def hold(plan: Plan, frames: list[bytes]) -> None:
    """Decode and compare; a frame that is another message may be wrong in it as it likes."""
    batch = plan.decode(frames)
    values = [None if f == OTHER else record(plan, octets) for f, octets in zip(batch.fault, frames, strict=True)]
    for frame, octets in enumerate(frames):
        if batch.fault[frame] == OTHER:
            found = record(plan, octets)
            assert found is None or isinstance(found, WireError)
    check(batch, values)
    kept = [
        octets
        for octets, fault, more in zip(frames, batch.fault, batch.extended, strict=True)
        if not (fault or more)
    ]
    clean = plan.decode(kept)
    assert list(plan.encode(clean.levels, clean.pool)) == kept


def damage(octets: bytes, random: Random) -> bytes:
    """Return a frame with a few bits or octets changed, cut or added."""
    changed = bytearray(octets)
    match random.randrange(5):
        case 0:
            del changed[random.randrange(len(changed) + 1) :]
        case 1:
            changed += random.randbytes(random.randint(1, 3))
        case 2:
            changed[random.randrange(len(changed))] = random.randrange(256)
        case _:
            for _ in range(random.randint(1, 4)):
                bit = random.randrange(8 * len(changed))
                changed[bit // 8] ^= 128 >> bit % 8
    return bytes(changed)


@pytest.mark.parametrize("plan", PLANS, ids=NAMES)
def test_columns_hold_what_records_hold_of_valid_and_damaged_frames(plan: Plan) -> None:
    random = Random(plan.message)
    frames = []
    for _ in range(30):
        octets = write_frame(plan.root, of_plan(plan, random, 3))
        frames += [octets, damage(octets, random), damage(octets, random)]
    hold(plan, frames)


@pytest.mark.slow
def test_open_types_that_come_in_parts_are_put_together() -> None:
    plan, random = next(plan for plan in PLANS if plan.select == 12), Random(4)
    node = plan.root.additions[plan.index - len(plan.root.alternatives)].node
    assert isinstance(node, Sequence)
    types = next(f.node.types for f in node.fields if isinstance(f.node, Open))
    message = next(inner for number, _, inner in types if number == 12)
    assert isinstance(message, Sequence)
    listed = next(f.node for f in message.fields if f.name == "participants")
    assert isinstance(listed, SequenceOf)
    value, frames = of_plan(plan, random, 2), []
    for count in (60, 200, 512):
        (inner,) = value["msgFrameExt"]["value"].values()
        inner["participants"] = [sample(listed.element, random, most_items=2) for _ in range(count)]
        octets = write_frame(plan.root, value)
        frames += [octets, *(damage(octets, random) for _ in range(12))]
    assert max(map(len, frames)) > 3 << 14
    hold(plan, frames)


@settings(max_examples=40, deadline=None)
@given(
    plan=st.sampled_from(PLANS),
    seed=st.integers(0, 2**64),
    most=st.integers(1, 6),
)
def test_columns_hold_what_records_hold(plan: Plan, seed: int, most: int) -> None:
    random = Random(seed)
    octets = write_frame(plan.root, of_plan(plan, random, most))
    hold(plan, [octets, damage(octets, random), random.randbytes(20), damage(octets, random), octets])

"""The column codec: batches of every message of every edition, beside the record codec on a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from zlib import crc32

import numpy as np

from fuzz.frames import any_frame, messages_of, valid_frame
from fuzz.mutators import Pool
from fuzz.target import READ, Together, expect
from wayside.asn1.batch import Batch, Plan
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.machine import OTHER
from wayside.asn1.program import ABSENT, Kind
from wayside.asn1.schema import Field, Open
from wayside.asn1.schema import Sequence as SequenceNode
from wayside.asn1.walk import read_frame
from wayside.v2x.editions import TEXTS, codec_of, schema_of

COMPARED = 64  # one frame in so many is read by the record codec too
NUMBERS = (-1, 0, 1, 7, 127, 128, 1 << 16, (1 << 31) - 1, 1 << 40, (1 << 63) - 1, ABSENT)  # put into a column


def selects_of(field: Field) -> list[int | None]:
    """Return the numbers of the types that an open type in a message may have; None where there is none."""
    if isinstance(field.node, SequenceNode):
        for inner in field.node.fields:
            if isinstance(inner.node, Open):
                return [number for number, _, _ in inner.node.types]
    return [None]


def _numbers(value: Any) -> Iterator[int | str]:
    """Yield all numbers and texts of a record, but for what the edition does not know."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "...":
                yield from _numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, (int, str)):
        yield int(value) if isinstance(value, bool) else value


def _cells(batch: Batch, frame: int) -> tuple[Counter[int], Counter[str]]:
    """Return the numbers and the names that the columns hold of a frame."""
    numbers, names = Counter[int](), Counter[str]()
    for level in batch.plan.program.levels:
        rows = batch[level.name]
        mine = np.flatnonzero(rows["frame"] == frame)
        for cell in level.cells:
            if cell.kind in (Kind.NUMBER, Kind.FLAG):
                numbers.update(one for one in rows[cell.name][mine].tolist() if one != ABSENT)
            elif cell.kind is Kind.NAME:
                known = cell.names
                there = [one for one in rows[cell.name][mine].tolist() if one != ABSENT]
                names.update(known[one] for one in there if one < len(known))
    return numbers, names


class Columns(Together):
    """Batches of one message."""

    def __init__(self, edition: str, field: Field, select: int | None) -> None:
        suffix = "" if select is None else f":{select}"
        self.name = f"columns:{edition}:{field.name}{suffix}"
        self.edition, self.select = edition, select
        self._pool = Pool(lambda random: valid_frame(edition, field, random, select))
        self.plan = Plan.of(schema_of(edition), field.name, select)
        self.names = sorted(self.plan.columns())

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated frames of the message, and some of others."""
        return self._pool.crowd(random, count, [any_frame(self.edition, random) for _ in range(3)])

    def all(self, inputs: Sequence[bytes]) -> Counter[str]:
        """Decode, and compare some frames with their records and with a batch of them alone."""
        frames = list(inputs)
        batch = self.plan.decode(frames)
        fault, lengths = batch.fault, np.array([len(one) for one in frames], np.int64)
        expect(bool(np.isin(fault, (OTHER, 0, *Fault)).all()), "unknown faults", set(fault.tolist()))
        bad = fault > 0
        expect(bool((batch.bit[bad] >= 0).all() and (batch.bit[bad] <= 8 * lengths[bad]).all()), "bits outside")
        for level in batch.plan.program.levels:
            rows = batch[level.name]
            expect(bool((fault[rows["frame"]] == 0).all()), "rows of refused frames in", level.name)
            if level.parent >= 0:
                above = batch[batch.plan.program.levels[level.parent].name]
                expect(bool((above["frame"][rows["parent"]] == rows["frame"]).all()), "rows astray in", level.name)
        expect(batch[""].count == int((fault == 0).sum()), "rows are not the frames that were read")
        chosen = range(len(frames) % COMPARED if len(frames) > COMPARED else 0, len(frames), COMPARED)
        for frame in chosen:
            self.compare(batch, frame, frames[frame])
        self.alone(batch, [frames[frame] for frame in chosen], list(chosen))
        self.back([frames[frame] for frame in chosen if fault[frame] == 0 and not batch.extended[frame]])
        outcomes = Counter({READ: int((fault == 0).sum()), "other message": int((fault == OTHER).sum())})
        outcomes.update({reason.name.lower(): count for reason, count in batch.counts().items()})
        return +outcomes

    def compare(self, batch: Batch, frame: int, octets: bytes) -> None:
        """Hold a frame's columns against its record."""
        fault = int(batch.fault[frame])
        try:
            value = read_frame(self.plan.root, octets)
        except WireError as error:
            if fault == OTHER:
                return
            said = (fault, int(batch.bit[frame]), batch.path_of(frame))
            told = (int(error.reason), error.bit, re.sub(r"\[\d+\]", "[]", error.path))
            expect(said == told, f"columns refuse with {said}, records with {told}: {octets.hex()}")
            return
        inner = value.get(self.plan.message)
        mine = inner is not None and (self.select is None or inner.get("messageId") == self.select)
        expect(fault == (0 if mine else OTHER), f"fault {fault} of {str(value)[:80]}: {octets.hex()}")
        if mine:
            numbers, names = _cells(batch, frame)
            there = list(_numbers(inner))
            same = numbers == Counter(one for one in there if isinstance(one, int))
            expect(same, f"columns hold other numbers than the record: {octets.hex()}")
            same = names <= Counter(one for one in there if isinstance(one, str))
            expect(same, f"columns hold other names than the record: {octets.hex()}")
            same = codec_of(self.edition).encode(value) == octets
            expect(same, f"the record encodes to other octets: {octets.hex()}")

    def alone(self, batch: Batch, frames: list[bytes], rows: list[int]) -> None:
        """Decode some frames without their neighbours, and half of the columns only: nothing else may change."""
        wanted = self.names[len(frames) % 2 :: 2]
        fewer = self.plan.decode(frames, wanted)
        expect(bool((fewer.fault == batch.fault[rows]).all()), "faults depend on neighbours or columns")
        expect(bool((fewer.bit == batch.bit[rows])[fewer.fault != OTHER].all()), "bits depend on neighbours")
        for level in batch.plan.program.levels:
            mine, theirs = fewer[level.name], batch[level.name]
            kept = np.isin(theirs["frame"], rows)
            expect(mine.count == int(kept.sum()), "rows depend on neighbours in", level.name)
            for name in mine:
                if name not in ("frame", "parent") and not name.endswith("@"):
                    expect(bool((mine[name] == theirs[name][kept]).all()), "cells depend on neighbours:", name)

    def back(self, frames: list[bytes]) -> None:
        """Write frames from their columns, as they are and with one number changed."""
        batch = self.plan.decode(frames)
        written = list(self.plan.encode(batch.levels, batch.pool))
        for octets, again in zip(frames, written, strict=True):
            expect(octets == again, f"columns are written as {again.hex()}: {octets.hex()}")
        random = Random(crc32(b"".join(frames)))
        levels = {name: dict(rows) for name, rows in batch.levels.items() if rows.count}
        if not levels:
            return
        name = random.choice(sorted(levels))
        column = random.choice(sorted(set(levels[name]) - {"frame"}))
        cells = levels[name][column] = levels[name][column].copy()
        cells.view(np.int64)[random.randrange(len(cells))] = random.choice(NUMBERS)
        try:
            written = list(self.plan.encode(levels, batch.pool))
        except (WireError, KeyError, ValueError):
            return
        known = self.plan.decode(written)
        expect(bool((known.fault == 0).all()), f"{name}.{column} as {cells.tolist()} writes what is not read")


def every_plan() -> list[Columns]:
    """Return a target for each message of each edition, and each type of an open type."""
    return [
        Columns(edition, field, select)
        for edition in TEXTS
        for field in messages_of(edition)
        for select in selects_of(field)
    ]

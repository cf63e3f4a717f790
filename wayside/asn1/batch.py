"""Batches of frames of one message to columns and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from wayside.asn1.compiling import Compiler
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.frames import SPARE, Frames
from wayside.asn1.loading import Columns, Loader, Loading
from wayside.asn1.machine import read_frames
from wayside.asn1.program import ABSENT, Cell, Operation, Program
from wayside.asn1.rows import Rows
from wayside.asn1.schema import Choice, SchemaError
from wayside.asn1.storage import Layouts, Storage
from wayside.asn1.walk import read_frame
from wayside.asn1.writing import write_frames
from wayside.table import I64, U8, U64, Bool


@dataclass(frozen=True)
class Batch:
    """What was read from a batch of frames.

    Attributes:
        plan: how they were read.
        frames: the frames.
        levels: columns by the level's name; "" is the message itself. Only frames that were read have rows.
        fault: of each frame 0 where it was read, OTHER (-1) where it is another message, else its `Fault`.
        bit: where reading stopped in each frame [bits from its start].
        field: number of the field there, for `path_of`.
        extended: frames with something that the edition does not know or that columns do not keep (see `Plan`).
        pool: octets and characters of texts.
    """

    plan: Plan
    frames: Frames
    levels: Mapping[str, Rows]
    fault: NDArray[np.int8]
    bit: I64
    field: I64
    extended: Bool
    pool: U8

    def __getitem__(self, level: str) -> Rows:
        """Return the columns of a level."""
        try:
            return self.levels[level]
        except KeyError:
            raise KeyError(f"no level {level!r}; there are {', '.join(map(repr, self.levels))}") from None

    def counts(self) -> dict[Fault, int]:
        """Return how many frames were refused for each reason."""
        reasons, numbers = np.unique(self.fault[self.fault > 0], return_counts=True)
        return {Fault(reason): int(number) for reason, number in zip(reasons, numbers, strict=True)}

    def path_of(self, frame: int) -> str:
        """Return the field at which reading stopped, with `[]` for any item of a list; empty for the frame."""
        return self.plan.program.paths[self.field[frame]] if self.fault[frame] > 0 else ""

    def error_of(self, frame: int) -> WireError | None:
        """Return what is wrong with a frame, with all indices and what was found; None where nothing is.

        The frame is read once more by the record codec, which is slow and can tell.
        """
        if self.fault[frame] <= 0:
            return None
        try:
            read_frame(self.plan.root, self.frames[frame])
        except WireError as error:
            return error
        raise AssertionError(f"frame {frame} reads as a record but not into columns")

    def texts(self, level: str, name: str) -> list[bytes | None]:
        """Return the octets of a text in each row; None where it is absent."""
        rows = self[level]
        starts, counts = rows[f"{name}@"].tolist(), rows[f"{name}#"].tolist()
        whole = self.pool.tobytes()
        return [
            None if count == ABSENT else whole[start : start + count]
            for start, count in zip(starts, counts, strict=True)
        ]


class Plan:
    r"""Reads and writes batches of one message of one edition as columns.

    Args:
        root: the schema of the frame.
        message: name of the alternative.
        select: the number whose type an open type in the message has, as `messageId` in `msgFrameExt`.

    Columns hold the whole numbers of the wire, named by the path of the field: `pos.lat`. The marks are

    * `path#`: rows of the list below, octets of a text, or index of the alternative of a choice;
    * `path?`: 1 where an optional sequence (or string of eight octets) is there;
    * `path@`: where a text begins in `Batch.pool`.

    What is absent is `ABSENT`. Enumerations and choices are indices of their names, first those before the
    extension marker, then those behind it; a larger index is one the edition does not know. Bit strings and
    strings of up to eight octets are numbers, the first bit most significant; a bit string of another length
    keeps its first bits. Alternatives that say the same in different ranges share their columns
    (`pos.offsetLL.lon`); others have their own (`timing.counting.startTime`).

    >>> from wayside.v2x.editions import EDITION, schema_of
    >>> plan = Plan.of(schema_of(EDITION), "mapFrame")
    >>> batch = plan.decode([bytes.fromhex("104800499d0cb29f02bdc8fb7c"), b"\x12"])
    >>> batch["nodes"]["id.id"], batch.counts(), batch.path_of(1)
    (array([4711]), {<Fault.TRUNCATED: 1>: 1}, 'mapFrame.msgCnt')
    """

    def __init__(self, root: Choice, message: str, select: int | None = None) -> None:
        fields = (*root.alternatives, *root.additions)
        names = [f.name for f in fields]
        if message not in names:
            raise SchemaError(f"no message {message!r}; there are: {', '.join(names)}")
        self.root, self.message, self.select = root, message, select
        self.index = names.index(message)
        known = len(root.alternatives)
        self.program: Program = Compiler(select).program(
            fields[self.index].node, message, opened=self.index >= known
        )
        self.levels = {level.name: level for level in self.program.levels}
        self._loader, self._layouts = Loader(self.program), Layouts(self.program)
        self._head: I64 = np.array([root.width, root.extensible, known, self.index], np.int64)
        self._texts = bool((self.program.code[:, 0] == Operation.TEXT).any())
        self._opens = int((self.program.code[:, 0] == Operation.OPEN).sum())

    @classmethod
    def of(cls, root: Choice, message: str, select: int | None = None) -> Plan:
        """Return the plan of a message; the same one for the same schema."""
        return _plan(root, message, select)

    def columns(self) -> dict[str, Cell]:
        """Return all columns by their path, the level's name in front."""
        return {
            f"{level.name}.{cell.name}" if level.name else cell.name: cell
            for level in self.program.levels
            for cell in level.cells
        }

    def decode(self, frames: Frames | list[bytes], columns: Iterable[str] | None = None) -> Batch:
        """Return the columns of a batch.

        Args:
            frames: any frames; those of other messages are passed over.
            columns: paths of the columns that are wanted, such as `participants.speed`; all if not given.
                Everything is checked either way.

        Raises:
            KeyError: the message has no such column.
        """
        if not isinstance(frames, Frames):
            frames = Frames.of(frames)
        count = len(frames)
        longest = int(frames.lengths.max(initial=0)) if self._opens else 0
        parts = self._opens * longest if longest >= 1 << 14 else 0  # room to put open types together
        words = frames.words(parts + 16 * self._opens)
        storage = Storage(self._layouts if columns is None else Layouts(self.program, set(columns)), frames)
        done: I64 = np.array([0, 0, self.program.registers, (len(frames.octets) // 8 + 2) * 64], np.int64)
        fault, bit = np.empty(count, np.int8), np.empty(count, np.int64)
        field, extended = np.empty(count, np.int64), np.empty(count, np.uint8)
        pool: U8 = np.empty(len(frames.octets) * 8 // 7 + 1 if self._texts else 0, np.uint8)
        scratch: I64 = np.empty(self.program.registers + 3 * self.program.loops, np.int64)
        while True:
            full = read_frames(
                words, frames.starts, self._head, storage.code, self.program.targets, storage.levels,
                storage.cells, pool, scratch, done, fault, bit, field, extended,
            )  # fmt: skip
            if full < 0:
                break
            storage.grow(full, int(done[0]))
        return Batch(self, frames, storage.rows(), fault, bit, field, extended.view(np.bool_), pool[: done[1]])

    def encode(self, levels: Mapping[str, Columns], pool: U8 | None = None) -> Frames:
        """Return one frame per row of the message.

        Args:
            levels: columns of each level by its name, "" for the message, as `Batch.levels` has them. An array,
                or one number for all rows; what is not given is absent. Rows of a list say in `parent` which row
                above they belong to, and stand in that order. The number of rows in `path#` and presence in
                `path?` may be left out where the rows and the fields inside say it.
            pool: octets that the `path@` and `path#` of texts refer to.

        Raises:
            WireError: a number is out of range or missing; it names the field and the row.
            KeyError, ValueError: there is no such column, or columns do not fit one another.

        >>> from wayside.v2x.editions import EDITION, schema_of
        >>> plan = Plan.of(schema_of(EDITION), "mapFrame")
        >>> node = {"parent": [0], "id.id": 4711, "refPos.lat": 225909256, "refPos.long": 1144111720}
        >>> plan.encode({"": {"msgCnt": [5]}, "nodes": node})[0].hex()
        '102800499d0c700c22bdee519c'
        """
        given = Loading(self._loader, levels)
        words: U64 = np.zeros(given.bits(0 if pool is None else len(pool)) // 64 + SPARE, np.uint64)
        starts: I64 = np.zeros(int(given.levels[0, 2]) + 1, np.int64)
        scratch: I64 = np.empty(self.program.registers + 3 * self.program.loops, np.int64)
        stopped: I64 = np.array([self.program.registers, 0, 0, 0], np.int64)
        fault = write_frames(
            words, starts, self._head, given.code, self.program.targets, given.presence, given.levels,
            given.cells, np.empty(0, np.uint8) if pool is None else pool, scratch, stopped,
        )  # fmt: skip
        if fault:
            raise self._refusal(given, Fault(fault), *stopped[1:].tolist())
        for level, used in zip(self.program.levels, given.levels, strict=True):
            if used[2] != used[3]:
                raise WireError(Fault.MALFORMED, level.name, 0, f"{used[2]} rows, {used[3]} belong to a message")
        return Frames.of_words(words, starts)

    def _refusal(self, given: Loading, fault: Fault, at: int, row: int, bit: int) -> WireError:
        """Return the error of an instruction that could not write a cell."""
        level = int(self.program.level[at])
        first = sum(len(one.cells) for one in self.program.levels[:level])
        cell = self.program.levels[level].cells[int(self.program.code[at, 1]) - first]
        value = given.found(level, cell.name, row)
        where = f"row {row} of {self.program.levels[level].name or 'the message'}"
        if value == ABSENT:
            found = f"{cell.name} is missing in {where}"
        elif fault is Fault.OUT_OF_RANGE:
            found = f"{cell.name} is {value} in {where}, expected {cell.low} to {cell.high}"
        else:
            found = f"{cell.name} is {value} in {where}, which its rows or its octets do not fit"
        return WireError(fault, self.program.paths[at], bit, found)


@cache
def _plan(root: Choice, message: str, select: int | None) -> Plan:
    return Plan(root, message, select)

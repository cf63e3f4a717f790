"""Tables to Arrow and back, without loss: floats become exact decimals, unknown becomes null."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wayside.table import I64, Bool, Column, Table, TableError

T = TypeVar("T", bound=Table)

DECIMAL_DIGITS = 18  # the most that a decimal stored in 64 bits can hold


def _decimal(values: NDArray[np.int64], places: int, unknown: Bool | None) -> pa.Array:
    """Return whole numbers of the last place as an Arrow decimal."""
    largest = int(np.abs(values).max(initial=0))
    if largest >= 10**DECIMAL_DIGITS:
        raise TableError(f"a value of {largest}e-{places} is too large to store")
    words = np.empty((len(values), 2), np.int64)
    words[:, 0] = values
    words[:, 1] = values >> 63  # the sign, continued into the upper half
    mask = None if unknown is None else pa.py_buffer(np.packbits(~unknown, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(DECIMAL_DIGITS, places), len(values), [mask, pa.py_buffer(words)])


def to_arrow(kind: type[T], parts: Sequence[tuple[int, T]]) -> pa.Table:
    """Return the rows of several ticks as one Arrow table with the tick's instant first.

    Rows are sorted by key and then by tick: what one thing does in successive ticks stands together, which is
    what makes the file small. A column whose values have a shape becomes one column for each number of it, named
    `name_0`, `name_1` and so on.

    Raises:
        TableError: a value is too large to store.
    """
    whole = kind.concatenate([table for _, table in parts])
    instants = np.repeat([t for t, _ in parts], [len(table) for _, table in parts]).astype(np.int64)
    keys = [instants, *(getattr(whole, name) for name in reversed(kind.key))]
    order = np.lexsort(keys)
    arrays: dict[str, Any] = {"tick_ns": pa.array(instants[order])}
    fields = [pa.field("tick_ns", pa.int64(), metadata={"unit": "ns", "meaning": "instant of the tick"})]
    for declared, values, unknown in whole.integers():
        width = math.prod(declared.shape)
        parted = values[order].reshape(-1, width)
        lost = None if unknown is None else unknown[order].reshape(-1, width)
        for number, name in enumerate(_names(declared)):
            column = np.ascontiguousarray(parted[:, number])
            if declared.places is None:
                arrays[name] = pa.array(column)
            else:
                arrays[name] = _decimal(column, declared.places, None if lost is None else lost[:, number])
            fields.append(_field(declared, name, arrays[name].type))
    return pa.Table.from_arrays(list(arrays.values()), schema=pa.schema(fields))


def _names(declared: Column) -> list[str]:
    """Return the names of the stored columns that hold a column."""
    if not declared.shape:
        return [declared.name]
    return [f"{declared.name}_{number}" for number in range(math.prod(declared.shape))]


def _field(declared: Column, name: str, kind: pa.DataType) -> pa.Field:
    notes = {"unit": declared.unit, "meaning": declared.meaning}
    if declared.codes is not None:
        notes["codes"] = " ".join(f"{c.value}={c.name}" for c in declared.codes)
    return pa.field(name, kind, metadata=notes)


def from_arrow(kind: type[T], arrow: pa.Table) -> tuple[I64, T]:
    """Return what `to_arrow` made, as instants per row and a table in order of tick and key.

    Raises:
        TableError: columns are missing, as in a Run of another version.
    """
    there = set(arrow.schema.names)
    absent = [c.name for c in kind.columns.values() if not there.issuperset(_names(c))]
    missing = [name for name in absent if kind.columns[name].default is None]
    if "tick_ns" not in there or missing:
        missing = [*(["tick_ns"] if "tick_ns" not in there else []), *missing]
        raise TableError(f"stored {kind.__name__} lacks the columns {missing}; it was written by another version")
    instants = np.asarray(arrow["tick_ns"].to_numpy(), np.int64)
    values: dict[str, NDArray[Any]] = {}
    for name, declared in kind.columns.items():
        if name in absent:
            values[name] = np.full((len(instants), *declared.shape), declared.default, declared.dtype)
        elif declared.shape:
            parts = [_values(arrow[part], declared) for part in _names(declared)]
            values[name] = np.stack(parts, axis=1).reshape(-1, *declared.shape)
        else:
            values[name] = _values(arrow[name], declared)
    table = kind(**values)
    order = np.lexsort([*(getattr(table, name) for name in reversed(kind.key)), instants])
    return instants[order], table.take(order)


def _values(column: pa.ChunkedArray, declared: Column) -> NDArray[Any]:
    """Return the numbers of one stored column."""
    stored = column.combine_chunks()
    if isinstance(stored, pa.ChunkedArray):
        stored = stored.chunk(0) if stored.num_chunks else pa.array([], stored.type)
    if declared.places is None:
        return np.asarray(stored.to_numpy(zero_copy_only=False), declared.dtype)
    words = np.frombuffer(stored.buffers()[1], np.int64)
    whole = words.reshape(-1, 2)[stored.offset : stored.offset + len(stored), 0]
    floats: NDArray[Any] = whole / 10.0**stored.type.scale  # an older Run may have kept more or fewer places
    if stored.null_count:
        floats = np.where(np.asarray(stored.is_null().to_numpy(zero_copy_only=False)), np.nan, floats)
    return floats

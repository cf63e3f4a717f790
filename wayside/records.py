"""Tables as records: one row is one value with named fields, for kernels that carry a row on."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import groupby
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from wayside.table import Table

T = TypeVar("T", bound=Table)
Records = NDArray[np.void]  # its fields are the columns of a table


@cache
def record_type(kind: Any) -> np.dtype[np.void]:
    """Return the record type whose fields are the columns of a table class, those of one type side by side."""
    columns = sorted(kind.columns.values(), key=lambda column: (-column.dtype.itemsize, column.dtype.str))
    return np.dtype([(column.name, column.dtype) for column in columns], align=True)


@cache
def _alike(kind: Any) -> tuple[tuple[tuple[str, ...], np.dtype[Any], int], ...]:
    """Return the fields of a record in runs of one type: their names, that type, and where the first begins."""
    fields: Any = record_type(kind).fields
    runs = ((dtype, tuple(names)) for dtype, names in groupby(fields, key=lambda name: fields[name][0]))
    return tuple((names, dtype, fields[names[0]][1]) for dtype, names in runs)


def records_of(table: Table, room: int = 0) -> Records:
    """Return the rows of a table as writable records, with room for more behind them.

    >>> from wayside.security.tables import PoleReach
    >>> rows = records_of(PoleReach(pole=[3], x=[1.0], y=[2.0], reach=[80.0], time_ns=[5]))
    >>> rows["reach"], table_of(PoleReach, rows).pole
    (array([80.]), array([3], dtype=uint16))
    """
    count = len(table)
    kind: Any = type(table)
    rows = np.empty(count + room, record_type(kind))
    filled = rows[:count]
    for name, values in table.arrays():
        filled[name] = values
    return rows


def table_of(kind: type[T], rows: Records) -> T:
    """Return records as a table of that class, without asking again whether they fit."""
    octets = rows.view(np.uint8).reshape(len(rows), rows.itemsize)
    columns: dict[str, NDArray[Any]] = {}
    which: Any = kind
    for names, dtype, begin in _alike(which):
        block = octets[:, begin : begin + len(names) * dtype.itemsize].view(dtype).T.copy()
        block.flags.writeable = False
        columns.update(zip(names, block, strict=True))
    return kind._trusted(columns)


@lru_cache(maxsize=16)
def limits_of(config: msgspec.Struct) -> Records:
    """Return the numbers of a config as one record; fields that are no numbers are left out."""
    values: dict[str, Any] = {
        name: getattr(config, name)
        for name in config.__struct_fields__
        if isinstance(getattr(config, name), (int, float))
    }
    limits = np.array([tuple(values.values())], np.dtype([(name, np.float64) for name in values]))
    limits.flags.writeable = False
    return limits

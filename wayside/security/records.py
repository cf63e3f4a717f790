"""Tables as records: one row is one value with named fields, for kernels that carry a row on."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from wayside.table import Table

T = TypeVar("T", bound=Table)
Records = NDArray[np.void]  # its fields are the columns of a table


def record_type(kind: type[Table]) -> np.dtype[np.void]:
    """Return the NumPy record type whose fields are the columns of a table class."""
    return np.dtype([(name, column.dtype) for name, column in kind.columns.items()])


def records_of(table: Table) -> Records:
    """Return the rows of a table as writable records.

    >>> from wayside.security.tables import PoleReach
    >>> rows = records_of(PoleReach(pole=[3], x=[1.0], y=[2.0], reach=[80.0], time_ns=[5]))
    >>> rows["reach"], table_of(PoleReach, rows).pole
    (array([80.]), array([3], dtype=uint16))
    """
    rows = np.empty(len(table), record_type(type(table)))
    for name, values in table.arrays():
        rows[name] = values
    return rows


def table_of(kind: type[T], rows: Records) -> T:
    """Return records as a table of that class."""
    return kind(**{name: np.ascontiguousarray(rows[name]) for name in kind.columns})


def limits_of(config: msgspec.Struct) -> Records:
    """Return the numbers of a config as one record; fields that are no numbers are left out."""
    values: dict[str, Any] = {
        name: getattr(config, name)
        for name in config.__struct_fields__
        if isinstance(getattr(config, name), (int, float))
    }
    return np.array([tuple(values.values())], np.dtype([(name, np.float64) for name in values]))

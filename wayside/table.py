"""Tables: the nouns of the city as columns of numbers, each with a type, a unit and a meaning.

A table holds one row per thing. Its columns are equally long NumPy arrays that nobody may change once
the table is made. Every float column declares how many decimal places it carries; `Table.canonical`
rounds to them and sorts the rows by the table's key. What is stored, hashed and computed with are
therefore the same numbers, on every machine and in whatever order the rows arrived.
"""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, dataclass_transform, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wayside.errors import WaysideError
from wayside.rounding import round_block

F64: TypeAlias = NDArray[np.float64]
I64: TypeAlias = NDArray[np.int64]
I32: TypeAlias = NDArray[np.int32]
U64: TypeAlias = NDArray[np.uint64]
U32: TypeAlias = NDArray[np.uint32]
U16: TypeAlias = NDArray[np.uint16]
U8: TypeAlias = NDArray[np.uint8]
Bool: TypeAlias = NDArray[np.bool_]

DTYPES: Mapping[Any, type[np.generic]] = {  # what each annotation of a column stands for
    F64: np.float64,
    I64: np.int64,
    I32: np.int32,
    U64: np.uint64,
    U32: np.uint32,
    U16: np.uint16,
    U8: np.uint8,
    Bool: np.bool_,
}


T = TypeVar("T", bound="Table")


class TableError(WaysideError):
    """A table was declared or filled wrongly; the text says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Column:
    """The declaration of one column.

    Attributes:
        name: the attribute of the table that holds it.
        dtype: NumPy type of one value.
        unit: SI unit or the suffix's unit; empty for counts, identities and codes.
        meaning: one line for the reference.
        places: decimal places kept (floats only); NaN is "unknown".
        codes: the enumeration whose values an integer column holds.
        low, high: the least and greatest value that make sense; the property tests draw between them.
        shape: trailing shape of one value; empty for a plain number.
        default: what a row holds that does not say it; None if each row has to say it.
    """

    name: str
    dtype: np.dtype[Any]
    unit: str
    meaning: str
    places: int | None = None
    codes: type[IntEnum] | None = None
    low: float | None = None
    high: float | None = None
    shape: tuple[int, ...] = ()
    default: float | None = None


@dataclass(frozen=True, slots=True)
class _Declared:
    unit: str
    meaning: str
    places: int | None
    codes: type[IntEnum] | None
    low: float | None
    high: float | None
    shape: tuple[int, ...]
    default: float | None


def column(
    unit: str,
    meaning: str,
    *,
    places: int | None = None,
    codes: type[IntEnum] | None = None,
    low: float | None = None,
    high: float | None = None,
    shape: tuple[int, ...] = (),
    default: float | None = None,
) -> Any:
    """Declare a column of a `Table`; the annotation beside it gives the dtype. See `Column`."""
    return _Declared(unit, meaning, places, codes, low, high, shape, default)


def _unpickled(kind: type[T], rows: int, octets: bytes) -> T:
    """Return the table whose columns these octets are, each begun at a multiple of eight."""
    arrays: dict[str, NDArray[Any]] = {}
    begin = 0
    for name, dtype, shape in kind._layout:
        count = math.prod(shape, start=rows)
        arrays[name] = np.frombuffer(octets, dtype, count, begin).reshape(rows, *shape)
        begin += -(-count * dtype.itemsize // 8) * 8
    return kind._trusted(arrays)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(column,))
class Table:
    """Equal-length, read-only columns; subclass it and declare the columns as annotated attributes.

    Class keywords:
        key: the columns that name a row; no two rows share them, and `canonical` sorts by them.
        position: the two columns that say where a row is, for splitting the city into districts.
        shared: more than one step may write it; their rows are put together.
        held: keeps its rows between the runs of a step slower than the tick. Otherwise it is empty then.
        stored: False for what is cheap to compute again from stored tables.
        checkpointed: stored at every tenth tick alone: the memory of a step, which nobody reads afterwards but
            who resumes there.
        asset: written once by the city file and constant through a Run.
        truth: only a simulated World knows it; no step may read it.

    >>> class Posts(Table, key=("post",), position=("x", "y")):
    ...     post: U16 = column("", "number of the post")
    ...     x: F64 = column("m", "east of the city's origin", places=3)
    ...     y: F64 = column("m", "north of the city's origin", places=3)
    >>> posts = Posts(post=[2, 1], x=[0.12345, np.nan], y=[1.0, 2.0])
    >>> len(posts), posts.canonical().x
    (2, array([  nan, 0.123]))
    >>> Posts(post=[1, 2], x=[0.0], y=[1.0, 2.0])
    Traceback (most recent call last):
        ...
    wayside.table.TableError: Posts.x has 1 rows, not 2
    """

    columns: ClassVar[Mapping[str, Column]] = {}
    table_name: ClassVar[str] = ""  # its name in files and queries
    _rounded: ClassVar[
        tuple[tuple[tuple[str, ...], F64, tuple[int, ...]], ...]
    ] = ()  # float columns of one shape, and their scales
    _layout: ClassVar[tuple[tuple[str, np.dtype[Any], tuple[int, ...]], ...]] = ()
    _first: ClassVar[str] = ""
    key: ClassVar[tuple[str, ...]] = ()
    position: ClassVar[tuple[str, str] | None] = None
    shared: ClassVar[bool] = False
    held: ClassVar[bool] = False
    stored: ClassVar[bool] = True
    checkpointed: ClassVar[bool] = False
    asset: ClassVar[bool] = False
    truth: ClassVar[bool] = False

    def __init_subclass__(
        cls,
        *,
        key: tuple[str, ...] = (),
        position: tuple[str, str] | None = None,
        shared: bool = False,
        held: bool = False,
        stored: bool = True,
        checkpointed: bool = False,
        asset: bool = False,
        truth: bool = False,
    ) -> None:
        """Read the declared columns off the class."""
        super().__init_subclass__()
        if not key:
            raise TableError(f"{cls.__name__} names no key; give `class {cls.__name__}(Table, key=(...))`")
        hints = get_type_hints(cls)
        columns: dict[str, Column] = {}
        for name, declared in list(vars(cls).items()):
            if not isinstance(declared, _Declared):
                continue
            if hints.get(name) not in DTYPES:
                raise TableError(f"{cls.__name__}.{name} has no column type: {hints.get(name)}")
            dtype = np.dtype(DTYPES[hints[name]])
            if (dtype.kind == "f") != (declared.places is not None):
                raise TableError(f"{cls.__name__}.{name}: a float column states its places, others must not")
            columns[name] = Column(
                name,
                dtype,
                declared.unit,
                declared.meaning,
                declared.places,
                declared.codes,
                declared.low,
                declared.high,
                declared.shape,
                declared.default,
            )
            delattr(cls, name)
        for name in (*key, *(position or ())):
            if name not in columns:
                raise TableError(f"{cls.__name__} has no column {name!r} to be its key or position")
        cls.columns = columns
        floats = [c for c in columns.values() if c.places is not None]
        cls._rounded = tuple(
            (tuple(c.name for c in alike), np.array([10.0 ** (c.places or 0) for c in alike]), shape)
            for shape in dict.fromkeys(c.shape for c in floats)
            if (alike := [c for c in floats if c.shape == shape])
        )
        cls._layout = tuple((c.name, c.dtype, c.shape) for c in columns.values())
        cls._first = next(iter(columns), "")
        cls.table_name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.key, cls.position, cls.shared = key, position, shared
        cls.held, cls.stored, cls.asset, cls.truth = held or asset, stored, asset, truth
        cls.checkpointed = checkpointed

    def __init__(self, **values: ArrayLike) -> None:
        rows: int | None = None
        if values.keys() != self.columns.keys():
            values = self._completed(values)
        columns = self.__dict__
        for name, dtype, shape in self._layout:
            array = np.asarray(values[name], dtype)
            if array.shape[1:] != shape or array.ndim == 0:
                raise TableError(f"{type(self).__name__}.{name} has shape {array.shape}, not {('rows', *shape)}")
            if rows is None:
                rows = len(array)
            elif len(array) != rows:
                raise TableError(f"{type(self).__name__}.{name} has {len(array)} rows, not {rows}")
            if array.flags.writeable:
                array = array.view()
                array.setflags(write=False)
            columns[name] = array

    @classmethod
    def _completed(cls, values: Mapping[str, ArrayLike]) -> dict[str, ArrayLike]:
        """Return the values with the defaults of columns that are not among them.

        Raises:
            TableError: a column without a default is missing, or one is unknown.
        """
        missing = sorted(name for name in cls.columns.keys() - values.keys() if cls.columns[name].default is None)
        unknown = sorted(values.keys() - cls.columns.keys())
        if missing or unknown:
            raise TableError(f"{cls.__name__}: missing columns {missing}, unknown columns {unknown}")
        rows = np.shape(np.asarray(next(iter(values.values()), ())))[:1]
        return {c.name: values.get(c.name, np.full((*rows, *c.shape), c.default)) for c in cls.columns.values()}

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a table never changes."""
        raise AttributeError(f"{type(self).__name__} is immutable; use replace({name}=...)")

    def __len__(self) -> int:
        return len(self.__dict__[self._first])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} rows of {', '.join(self.columns)}>"

    def __eq__(self, other: object) -> bool:
        """Tell whether the other table has the same type and the same values, NaN equal to NaN."""
        if type(other) is not type(self):
            return NotImplemented
        return all(
            np.array_equal(mine, other.__dict__[name], equal_nan=mine.dtype.kind == "f")
            for name, mine in self.arrays()
        )

    def __hash__(self) -> int:
        """Refuse: tables are compared by value, so they are no keys."""
        raise TypeError(f"{type(self).__name__} is compared by value and cannot be hashed; use digest()")

    def arrays(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Yield each column's name and array in the order of declaration."""
        for name in self.columns:
            yield name, self.__dict__[name]

    @classmethod
    def empty(cls) -> Self:
        """Return the table without rows; the same object each time."""
        found: Self | None = cls.__dict__.get("_empty")
        if found is None:
            found = cls(**{c.name: np.empty((0, *c.shape), c.dtype) for c in cls.columns.values()})
            type.__setattr__(cls, "_empty", found)
        return found

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of all given tables, in the order given."""
        filled = [t for t in tables if len(t)]
        if len(filled) == 1:
            return filled[0]
        if not filled:
            return cls.empty()
        return cls(**{name: np.concatenate([t.__dict__[name] for t in filled]) for name in cls.columns})

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """Return the given rows (indices or a mask), in that order."""
        if isinstance(rows, np.ndarray) and rows.dtype == np.bool_:
            if len(rows) != len(self):
                raise IndexError(f"a mask of {len(rows)} rows for {type(self).__name__} of {len(self)}")
            rows = rows.nonzero()[0]  # once, not once a column
        taken = {}
        for name, _, _ in self._layout:
            part = self.__dict__[name][rows]
            part.setflags(write=False)
            taken[name] = part
        return self._trusted(taken)

    def replace(self, **changed: ArrayLike) -> Self:
        """Return a copy with the given columns replaced."""
        return type(self)(**{**dict(self.arrays()), **changed})

    def rounded(self) -> Self:
        """Return the table with each float at its declared number of decimal places.

        Raises:
            TableError: a value is infinite; unknown is NaN, and everything else has a place on the number line.
        """
        if not len(self):
            return self
        arrays = {name: self.__dict__[name] for name, _, _ in self._layout}
        for names, scales, shape in self._rounded:
            flat = [arrays[name].reshape(-1) for name in names] if shape else [arrays[name] for name in names]
            block = np.concatenate(flat).reshape(len(names), -1)
            infinite = round_block(block, scales)
            if infinite >= 0:
                found = f"{type(self).__name__}.{names[infinite]}"
                raise TableError(f"{found} holds an infinite value; use NaN for unknown")
            block.flags.writeable = False
            for name, row in zip(names, block, strict=True):
                arrays[name] = row.reshape(-1, *shape) if shape else row
        return self._trusted(arrays)

    @classmethod
    def _trusted(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Make a table of arrays that are known to fit: of the right dtype, shape and length, and read-only."""
        table = cls.__new__(cls)
        table.__dict__.update(arrays)
        return table

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all columns as one run of octets, so that tables pass quickly between processes."""
        octets = bytearray()
        for _, values in self.arrays():
            octets += np.ascontiguousarray(values).data.cast("B") if values.size else b""
            octets += bytes(-len(octets) % 8)
        return _unpickled, (type(self), len(self), bytes(octets))

    def order(self) -> NDArray[np.intp]:
        """Return the indices that sort the rows by the key."""
        if len(self.key) == 1:
            return np.argsort(self.__dict__[self.key[0]], kind="stable")
        return np.lexsort([self.__dict__[name] for name in reversed(self.key)])

    def _is_sorted(self) -> bool:
        """Tell whether the rows stand in strictly rising order of the key."""
        undecided: NDArray[np.bool_] | None = None
        for name in self.key:
            values = self.__dict__[name]
            before, after = values[:-1], values[1:]
            if undecided is None:
                if (before < after).all():
                    return True
                wrong, undecided = before > after, before == after
            else:
                wrong, undecided = undecided & (before > after), undecided & (before == after)
            if wrong.any():
                return False
        return undecided is None or not undecided.any()

    def in_order(self) -> Self:
        """Return the table in key order, for kernels that rely on it outside a Frame too."""
        if "_is_canonical" in self.__dict__ or len(self) < 2 or self._is_sorted():
            return self
        return self.take(self.order())

    def canonical(self) -> Self:
        """Return the table rounded and in key order, as a `Frame` holds it.

        A table that is not stored is left unrounded: nothing remembers it, and its digest is not taken.

        Raises:
            TableError: two rows have the same key.
        """
        if "_is_canonical" in self.__dict__:
            return self
        table = self.rounded() if self.stored else self
        if len(table) > 1 and not table._is_sorted():
            table = table.take(table.order())
            table._refuse_twins()
        table.__dict__["_is_canonical"] = True
        return table

    def _refuse_twins(self) -> None:
        """Raise TableError where two rows of a table in key order have the same key."""
        if self._is_sorted():
            return
        same = np.ones(len(self) - 1, np.bool_)
        for name in self.key:
            values = self.__dict__[name]
            same &= values[:-1] == values[1:]
        twice = {name: self.__dict__[name][:-1][same][0].item() for name in self.key}
        raise TableError(f"{type(self).__name__} has two rows with the key {twice}")

    def integers(self) -> Iterator[tuple[Column, NDArray[Any], Bool | None]]:
        """Yield each column as whole numbers of its last decimal place, with a mask of unknowns (or None)."""
        for name, declared in self.columns.items():
            values = self.__dict__[name]
            if declared.places is None:
                yield declared, values, None
                continue
            unknown = np.isnan(values)
            if unknown.any():
                values = np.where(unknown, 0.0, values)
            else:
                unknown = None
            yield declared, np.rint(values * 10.0**declared.places).astype(np.int64), unknown

    def digest(self) -> bytes:
        """Return 16 bytes that equal tables share, kept once computed.

        It is taken over the values as they are: of a table in a Frame these are rounded, so that noise below the
        last decimal place does not reach it.
        """
        known: bytes | None = self.__dict__.get("_digest")
        if known is not None:
            return known
        columns = [values.data if values.flags.c_contiguous else values.tobytes() for _, values in self.arrays()]
        if sys.byteorder == "big":
            columns = [values.astype(values.dtype.newbyteorder("<")).data for _, values in self.arrays()]
        name = type(self).__name__.encode()
        digest = hashlib.blake2b(b"".join((name, *columns)), digest_size=16).digest()
        self.__dict__["_digest"] = digest
        return digest

"""Levels of a batch as Tables: each column with its type, its unit on the wire and its meaning."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from types import new_class

import numpy as np

from wayside.asn1.batch import Batch, Plan
from wayside.asn1.program import Cell, Kind
from wayside.asn1.remarks import Remarks
from wayside.table import I64, U64, Table, column

_ENDINGS = {Kind.COUNT: "count", Kind.CHOSEN: "choice", Kind.PRESENT: "present", Kind.START: "start"}
_SAYS = {
    Kind.COUNT: "how many there are",
    Kind.CHOSEN: "index of the alternative",
    Kind.PRESENT: "1 where it is there",
    Kind.START: "where it begins in the pool",
}


def attribute(cell: Cell) -> str:
    """Return the name that a column has in a Table.

    >>> attribute(Cell("safetyExt.pathHistory.crumbData#", Kind.COUNT)), attribute(Cell("pos.lat", Kind.NUMBER))
    ('safety_ext_path_history_crumb_data_count', 'pos_lat')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cell.name.rstrip("#?@"))
    name = re.sub(r"\W+", "_", words).strip("_").lower()
    if cell.kind in _ENDINGS:
        name = f"{name}_{_ENDINGS[cell.kind]}"
    return f"{name}_" if keyword.iskeyword(name) or hasattr(Table, name) else name


@lru_cache(maxsize=256)
def table_type(plan: Plan, level: str = "", remarks: Remarks | None = None) -> type[Table]:
    """Return the Table class of a level; its rows are numbered in `row`, which `parent` of lists refers to.

    Args:
        plan: the message.
        level: name of the list; "" for the message.
        remarks: where units and meanings stand; only ranges and paths are told if not given.

    Raises:
        KeyError: the message has no such level.

    >>> from wayside.v2x.editions import EDITION, schema_of, text_of
    >>> plan = Plan.of(schema_of(EDITION), "rsmFrame")
    >>> kind = table_type(plan, "participants", Remarks(text_of(EDITION), "MessageFrame"))
    >>> kind.columns["speed"].unit, kind.columns["speed"].meaning
    ('0.02 m/s', 'speed: Speed; 8191 unavailable')
    """
    found = plan.levels[level]
    number = plan.program.levels.index(found)
    first = sum(len(one.cells) for one in plan.program.levels[:number])
    paths = dict(zip(plan.program.code[::-1, 1].tolist(), plan.program.paths[::-1], strict=True))
    namespace: dict[str, object] = {"__doc__": f"Rows of {level or plan.message} as they are on the wire."}
    hints: dict[str, object] = {"row": I64}
    namespace["row"] = column("", "number of the row")
    for index, cell in enumerate(found.cells):
        if cell.kind is Kind.ROW:
            if cell.name == "parent" and found.parent < 0:
                continue
            says = "number of the frame" if cell.name == "frame" else "row of the level above"
            unit, low, high = "", None, None
        else:
            unit, meaning = ("", "") if remarks is None else remarks.of(paths.get(first + index, plan.message))
            says = f"{cell.name}: {_SAYS.get(cell.kind, meaning or cell.kind.name.lower())}"
            unit = "" if cell.kind in _SAYS else unit
            low, high = cell.low, cell.high
        name = attribute(cell)
        while name in hints:
            name += "_"
        hints[name] = U64 if cell.wide else I64
        namespace[name] = column(unit, says, low=low, high=high)
    namespace["__annotations__"] = hints
    title = re.sub(r"\W+|(?<=[a-z0-9])(?=[A-Z])", " ", f"{plan.message} {plan.select or ''} {level}").title()
    kind: type[Table] = new_class(
        title.replace(" ", ""), (Table,), {"key": ("row",)}, lambda body: body.update(namespace)
    )
    return kind


def table_of(batch: Batch, level: str = "", remarks: Remarks | None = None) -> Table:
    """Return the rows of a level as a Table; all columns must have been read.

    Raises:
        KeyError: there is no such level, or some of its columns were left out.
    """
    kind, rows = table_type(batch.plan, level, remarks), batch[level]
    names = [c.name for c in batch.plan.levels[level].cells]
    if batch.plan.levels[level].parent < 0:
        names.remove("parent")
    columns = zip(list(kind.columns)[1:], names, strict=True)
    return kind(row=np.arange(rows.count), **{attribute: rows[name] for attribute, name in columns})

"""The tables of all rooms, by name: what files, queries, Runs and the reference go by."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from wayside.table import Table


@cache
def declared_tables() -> dict[str, type[Table]]:
    """Return the table classes of all rooms, by class name."""
    for file in sorted(Path(__file__).parent.glob("*/*tables.py")):  # a large room has several
        import_module(f"wayside.{file.parent.name}.{file.stem}")
    found: dict[str, type[Table]] = {}
    waiting = list(Table.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.__module__.startswith("wayside.") and kind.__module__.endswith("tables"):
            found[kind.__name__] = kind
    return dict(sorted(found.items()))

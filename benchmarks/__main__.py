"""Run all benchmarks, or those named: `python -m benchmarks [NAME ...] [--json]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchmarks.bar import Bar
from wayside.recorder import machine

NAMES = (
    "readout",
    "perception",
    "commonroad",
    "scaling",
    "chain",
    "demo",
    "planted",
    "signatures",
    "codec",
    "sealed",
    "signed",
    "misbehaviour",
    "honest",
    "warnings",
    "poles",
    "incidents",
)


def main() -> int:
    """Measure, print, and exit with 1 if a bar is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(NAMES)}; default: all"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES:
            parser.error(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
    bars: list[Bar] = []
    screen = Console(stderr=options.json)
    for name in options.names or NAMES:
        found = importlib.import_module(f"benchmarks.{name}").measure()
        grid = Table(title=name, title_justify="left")
        for heading in ("measured", "unit", "bar", "", "what", "beside"):
            grid.add_column(heading, justify="right" if heading in ("measured", "bar") else "left")
        for bar in found:
            mark = {True: "[green]met[/]", False: "[bold red]NOT MET[/]", None: ""}[bar.met]
            held = "" if bar.bar is None else f"{bar.sense} {bar.bar:g}"
            grid.add_row(f"{bar.measured:.4g}", bar.unit, held, mark, bar.what, bar.beside)
        screen.print(grid)
        bars += found
    if options.json:
        print(json.dumps({"machine": machine(), "bars": [{**asdict(b), "met": b.met} for b in bars]}))
    return 1 if any(b.met is False for b in bars) else 0


if __name__ == "__main__":
    sys.exit(main())

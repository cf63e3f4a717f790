"""Feed mutated octets to everything that reads from outside: `python -m fuzz [--frames N] [--target NAME ...]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fuzz.running import Failure, Order, read_inputs, written
from fuzz.targets import GROUPS, target_named
from fuzz.watching import Summary, watch

CACHE = Path(".cache/fuzz")
WIDTH = 150  # of what is printed where there is no terminal
REASONS = 6  # reasons shown in the table; --json has all


def main() -> int:
    """Fuzz, print what happened, and exit with 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=300_000, help="inputs in all; %(default)s if not given")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long, even if frames are left")
    parser.add_argument("--seed", default="1", help="everything follows from it; %(default)s if not given")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the frames")
    parser.add_argument("--target", action="append", metavar="NAME", help=f"of {', '.join(GROUPS)}; or all")
    parser.add_argument("--memory", type=int, default=64, metavar="MIB", help="growth allowed; %(default)s")
    parser.add_argument("--bounds", action="store_true", help="kernels check every index (in a cache apart)")
    parser.add_argument("--out", type=Path, default=CACHE, help="folder for inputs that fail; %(default)s")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="feed the inputs of such a file once more")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.bounds:  # read by numba when it is imported, in the processes that are started
        os.environ |= {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str((CACHE / "numba").absolute())}
    if options.replay:
        return replay(options.replay)
    names = tuple(options.target or GROUPS)
    for name in names:
        if name not in GROUPS:
            parser.error(f"no target {name!r}; there are {', '.join(GROUPS)}")
    jobs = max(1, options.jobs)
    shares = [(options.frames + job) // jobs for job in range(jobs)]
    orders = [Order(f"{options.seed}/{job}", names, share, options.seconds) for job, share in enumerate(shares)]
    with Console(stderr=True).status("starting") as status:
        summary = watch(
            orders, options.memory << 20, lambda taken: status.update(f"{taken:,} of {options.frames:,} frames")
        )
    files = keep(summary.failures, options.out)
    show(summary, files, Console(stderr=options.json, width=None if sys.stdout.isatty() else WIDTH))
    if options.json:
        print(json.dumps(figures(summary, files)))
    return 1 if summary.failures else 0


def replay(path: Path) -> int:
    """Feed the inputs of a file to a new target, and print what comes of it."""
    name, inputs = read_inputs(path)
    try:
        fed = target_named(name).feed(inputs)
    except Exception:
        traceback.print_exc()
        return 1
    outcomes = ", ".join(f"{outcome} {count}" for outcome, count in fed.outcomes.most_common())
    print(f"{name}: {outcomes}; slowest call {1000 * fed.slowest_s:.1f} ms")
    return 0


def keep(failures: list[Failure], folder: Path) -> list[Path | None]:
    """Write the inputs of each failure to a file of its own."""
    files: list[Path | None] = []
    for number, failure in enumerate(failures):
        if not failure.inputs:
            files.append(None)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{number}-{failure.kind}-{failure.target.replace(':', '-')}.hex"
        path.write_text(written(failure.target, failure.inputs), "ascii")
        files.append(path)
    return files


def show(summary: Summary, files: list[Path | None], screen: Console) -> None:
    """Print the table, and each failure with the line that shows it again."""
    grid = Table(box=SIMPLE, pad_edge=False)
    for heading in ("target", "frames", "read", "refused by reason", "slowest ms", "memory MiB", "frames/s"):
        grid.add_column(heading, justify="left" if heading in ("target", "refused by reason") else "right")
    for name, row in summary.rows.items():
        refused = row.outcomes.copy()
        read = refused.pop("read", 0)
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in refused.most_common(REASONS))
        numbers = (
            f"{1000 * row.slowest_s:.1f}",
            f"{row.grown / 2**20:+.1f}",
            f"{row.frames / max(row.seconds, 1e-9):,.0f}",
        )
        grid.add_row(name, f"{row.frames:,}", f"{read:,}", reasons, *numbers)
    screen.print(grid)
    grown = "; ".join(f"{before >> 20} to {after >> 20} MiB" for before, after in summary.resident.values())
    told = f"{summary.frames:,} frames in {summary.wall_s:.0f} s, {len(summary.failures)} failures"
    screen.print(f"{told}; memory after settling: {grown or 'not measured'}", highlight=False)
    for failure, path in zip(summary.failures, files, strict=True):
        screen.print(f"[bold red]{failure.kind}[/] {failure.target}: {escape(failure.what)}", highlight=False)
        if path is not None:
            alone = "" if failure.alone else "  (not with a new target: earlier inputs matter)"
            screen.print(f"  python -m fuzz --replay {path}{alone}", highlight=False)


def figures(summary: Summary, files: list[Path | None]) -> dict[str, object]:
    """Return all figures for `--json`."""
    failures = [
        {**asdict(one), "inputs": [octets.hex() for octets in one.inputs], "file": str(path) if path else None}
        for one, path in zip(summary.failures, files, strict=True)
    ]
    return {
        "frames": summary.frames,
        "wall_s": summary.wall_s,
        "resident": [{"settled": before, "end": after} for before, after in summary.resident.values()],
        "targets": {name: vars(row) for name, row in summary.rows.items()},
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main())

"""A small made-up city on a grid, for tests, examples and measurements: net and traffic from a few numbers."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from wayside.worlds.engine import WorldError, load_sumo

BLOCK_M = 200.0
EDGE_M = 150.0  # streets that lead out of the grid
TYPES = """
  <vTypeDistribution id="mix">
    <vType id="car" vClass="passenger" probability="0.7"/>
    <vType id="truck" vClass="truck" probability="0.05"/>
    <vType id="motorcycle" vClass="motorcycle" probability="0.05"/>
    <vType id="robotaxi" vClass="taxi" probability="0.15" maxSpeed="15"/>
    <vType id="automated_bus" vClass="bus" probability="0.05" maxSpeed="12"/>
  </vTypeDistribution>
  <vType id="cyclist" vClass="bicycle"/>
"""


@dataclass(frozen=True)
class GridCity:
    """Where the files of a made city are."""

    net: Path
    routes: Path


def make_grid(
    folder: Path, *, streets: int = 3, per_hour: float = 200.0, walkers_per_hour: float = 60.0
) -> GridCity:
    """Write a net of crossing streets with signals, and traffic straight through and round corners.

    Args:
        folder: where the two files go.
        streets: streets in each direction, at most 26; each crossing has signals.
        per_hour: vehicles from each end of each street.
        walkers_per_hour: people on foot along each street.

    Raises:
        WorldError: SUMO's netgenerate is not installed or refuses.
    """
    net, routes = folder / "grid.net.xml", folder / "grid.rou.xml"
    shape = ["--grid", "--grid.number", str(streets), "--grid.length", str(BLOCK_M), "-L", "2", "--seed", "1"]
    feet = ["--sidewalks.guess", "--crossings.guess", "--tls.guess", "--tls.guess.threshold", "0"]
    made = subprocess.run(
        [program("netgenerate"), *shape, "--grid.attach-length", str(EDGE_M), *feet, "-o", str(net)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise WorldError(f"netgenerate made no net: {made.stderr.strip()}")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:streets]
    last = letters[-1]
    ways = [(f"left{n}A{n}", f"{last}{n}right{n}") for n in range(streets)]
    ways += [(f"bottom{n}{c}0", f"{c}{streets - 1}top{n}") for n, c in enumerate(letters)]
    ways += [(_back(end), _back(start)) for start, end in ways]
    corners = [(start, ways[(n + 1) % len(ways)][1]) for n, (start, _) in enumerate(ways)]
    lines = [
        f'  <flow id="{kind}{n}" type="{vtype}" begin="0" end="36000" vehsPerHour="{rate:.1f}" '
        f'from="{start}" to="{end}" departLane="best" departSpeed="max"/>'
        for kind, vtype, trips, rate in (
            ("through", "mix", ways, 0.7 * per_hour),
            ("turn", "mix", corners, 0.3 * per_hour),
            ("cycle", "cyclist", ways[:2], 30.0),
        )
        for n, (start, end) in enumerate(trips)
    ]
    lines += [
        f'  <personFlow id="walk{n}" begin="0" end="36000" perHour="{walkers_per_hour:.1f}">'
        f'<walk from="{start}" to="{end}"/></personFlow>'
        for n, (start, end) in enumerate(ways)
        if walkers_per_hour > 0
    ]
    routes.write_text(f"<routes>{TYPES}" + "\n".join(lines) + "\n</routes>\n", encoding="utf-8")
    return GridCity(net, routes)


def _back(edge: str) -> str:
    """Return the name of the carriageway in the other direction: its two ends change places."""
    for middle in range(1, len(edge)):
        first, second = edge[:middle], edge[middle:]
        if first[-1].isdigit() and second[0].isalpha():
            return second + first
    raise ValueError(f"{edge!r} names no two junctions")


def program(name: str) -> Path:
    """Return where one of SUMO's programs is.

    Raises:
        WorldError: SUMO is not installed.
    """
    load_sumo()
    try:
        import sumo  # noqa: PLC0415
    except ImportError as error:
        raise WorldError(f"SUMO's programs are not installed ({error}); `pip install wayside[sumo]`") from error
    return Path(sumo.SUMO_HOME) / "bin" / name

"""Recorded scenes in CommonRoad XML (2018b, 2020a) as cases: trajectories become poses, lanelets become lanes.

Reference: Althoff, Koschi, Manzinger, CommonRoad: Composable Benchmarks for Motion Planning on Roads, IV 2017, and
the format's documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from wayside.maps.drawing import ConnectionSketch, LaneSketch, draw
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.table import F64
from wayside.world import identity
from wayside.worlds.case_file import CaseError

MOST_OCTETS = 64 * 1024 * 1024
ROOT = "commonRoad"
KINDS = {
    "car": "car",
    "taxi": "car",
    "parkedVehicle": "car",
    "priorityVehicle": "car",
    "truck": "truck",
    "bus": "bus",
    "motorcycle": "motorcycle",
    "bicycle": "bicycle",
    "pedestrian": "pedestrian",
}  # types that are not here are unknown
ON_FOOT = {"sidewalk": LaneKind.SIDEWALK, "crosswalk": LaneKind.CROSSING, "bicycleLane": LaneKind.BICYCLE}
EQUIPPED_SHARE = 0.3  # of motor vehicles, as in the pilot zone
POLE_RANGE = 150.0
POLES_APART = 200.0
LIMIT_SIGNS = ("R2-1", "274")  # speed limits of the United States and of Germany, in m/s
NO_LIMIT = 40.0  # m/s, where a lanelet says none
LINE_POINTS = 12  # of a lane's middle line, at least two


def is_commonroad(path: Path) -> bool:
    """Tell whether an XML file is a CommonRoad scene."""
    with path.open("rb") as file:
        return b"<commonRoad" in file.read(4096)


def scene(path: Path) -> dict[str, Any]:
    """Return a recorded scene as what a case file would hold.

    All obstacles become actors, named after their number. Three in ten motor vehicles send, always the same; poles
    stand every 200 m along the trajectories, with the usual errors.

    Raises:
        CaseError: the file is no CommonRoad scene, or a part of it is missing or not a number.

    Limits: a road user is gone after its last state, though in view; lights, the planning problem and predicted
    occupancies are left out; positions given as areas become their middle; shapes are rectangles or circles.
    """
    root = _root(path)
    step = _number(root.get("timeStepSize"), path, "timeStepSize")
    actors = []
    for tag in ("obstacle", "dynamicObstacle", "staticObstacle"):
        for obstacle in root.iterfind(tag):
            actor = _actor(obstacle, step, path)
            if actor is not None:
                actors.append(actor)
    if not actors:
        raise CaseError(f"{path}: holds no obstacle with a trajectory; nothing would happen")
    seconds = max(actor["poses"][-1][0] for actor in actors)
    return {
        "title": f"{root.get('benchmarkID', path.stem)} ({root.get('source', 'CommonRoad')})",
        "map": path.name,
        "seconds": max(seconds, step),
        "exact": False,
        "actors": actors,
        "poles": _poles(actors),
    }


def lanelets(path: Path, *, origin: tuple[float, float]) -> RoadMap:
    """Return the lanes of a scene: middle lines and widths of its lanelets, and which follow which.

    Raises:
        CaseError: the file is no CommonRoad scene, or a bound is broken.

    Limits: a lanelet is straight across between its bounds; those inside junctions are not told apart; of signs
    only speed limits are read, and a lanelet without one allows 40 m/s.
    """
    root = _root(path)
    found = list(root.iterfind("lanelet"))
    index = {lanelet.get("id"): n for n, lanelet in enumerate(found)}
    limits = _limits(root, path)
    lanes, connections = [], []
    for n, lanelet in enumerate(found):
        left, right = (_line(lanelet, side, path) for side in ("leftBound", "rightBound"))
        middle = (left + right) / 2.0
        width = float(np.median(np.hypot(*(left - right).T)))
        kind = next((ON_FOOT[t.text] for t in lanelet.iterfind("laneletType") if t.text in ON_FOOT), None)
        signs = [limits[s.get("ref")] for s in lanelet.iterfind("trafficSignRef") if s.get("ref") in limits]
        limit = min(signs, default=NO_LIMIT)
        lanes.append(
            LaneSketch(
                [(float(x), float(y)) for x, y in middle],
                max(width, 0.5),
                limit,
                kind=kind or LaneKind.DRIVING,
                edge=_edge(lanelet, index, found),
                number=_number_of(lanelet, index, found),
                name=f"lanelet_{lanelet.get('id')}",
            )
        )
        follows = {index[one.get("ref")] for one in lanelet.iterfind("successor") if one.get("ref") in index}
        connections += [ConnectionSketch(n, other) for other in sorted(follows)]
    if not lanes:
        raise CaseError(f'{path}: holds no lanelet; say map = "plane" in a case of your own')
    return draw(lanes, connections, nodes=[], origin=origin, name=path.name)


def _limits(root: Element, path: Path) -> dict[str | None, float]:
    """Return the speed limits [m/s] that traffic signs say, by the sign's number."""
    found: dict[str | None, float] = {}
    for sign in root.iterfind("trafficSign"):
        for part in sign.iterfind("trafficSignElement"):
            if part.findtext("trafficSignID") in LIMIT_SIGNS:
                what = f"trafficSign {sign.get('id')}: additionalValue"
                found[sign.get("id")] = _number(part.findtext("additionalValue"), path, what)
    return found


def _root(path: Path) -> Element:
    """Return the scene's element; documents with declarations of their own are refused."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise CaseError(f"{path}: cannot be read: {error.strerror}") from None
    if len(octets) > MOST_OCTETS:
        raise CaseError(f"{path}: {len(octets)} octets; a scene has at most {MOST_OCTETS}")
    if b"<!DOCTYPE" in octets or b"<!ENTITY" in octets:
        raise CaseError(f"{path}: declares a document type; CommonRoad scenes have none, take it away")
    try:
        root = ElementTree.fromstring(octets)
    except ElementTree.ParseError as error:
        raise CaseError(f"{path}: is not valid XML: {error}") from None
    if root.tag != ROOT:
        raise CaseError(f"{path}: is <{root.tag}>; expected a scene <{ROOT}>")
    return root


def _number(text: str | None, path: Path, what: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise CaseError(f"{path}: {what}: {text!r} found; expected a finite number")
    return value


def _value(parent: Element, name: str, path: Path, what: str) -> float:
    """Return a number given exactly or as an interval, whose middle counts."""
    exact = parent.findtext(f"{name}/exact")
    if exact is not None:
        return _number(exact, path, f"{what}: {name}")
    ends = [parent.findtext(f"{name}/interval{end}") for end in ("Start", "End")]
    return sum(_number(end, path, f"{what}: {name}") for end in ends) / 2.0


def _place(state: Element, path: Path, what: str) -> tuple[float, float]:
    """Return where a state is."""
    for point in ("position/point", "position/rectangle/center", "position/circle/center"):
        found = state.find(point)
        if found is not None:
            x, y = (_number(found.findtext(axis), path, f"{what}: position {axis}") for axis in "xy")
            return x, y
    raise CaseError(f"{path}: {what}: no position that is a point, a rectangle or a circle")


def _actor(obstacle: Element, step: float, path: Path) -> dict[str, Any] | None:
    """Return an obstacle as an actor, None if it is not one with places in time."""
    name = f"{obstacle.get('id')}"
    what = f"obstacle {name}"
    first = obstacle.find("initialState")
    if first is None:
        return None
    poses = {}
    for state in (first, *obstacle.iterfind("trajectory/state")):
        t = round(_value(state, "time", path, what) * step, 6)
        x, y = _place(state, path, what)
        poses[t] = [t, x, y, float(np.rad2deg(_value(state, "orientation", path, what)))]
    actor: dict[str, Any] = {
        "name": name,
        "kind": KINDS.get(obstacle.findtext("type") or "", "unknown"),
        "poses": [poses[t] for t in sorted(poses)],
        "hold": len(poses) == 1,
    }
    if actor["kind"] not in ("bicycle", "pedestrian"):
        actor["equipped"] = identity(f"equipped {name}") / 2.0**64 < EQUIPPED_SHARE
    shape = obstacle.find("shape")
    if shape is not None and shape.find("rectangle") is not None:
        for size in ("length", "width"):
            actor[size] = _number(shape.findtext(f"rectangle/{size}"), path, f"{what}: {size}")
    elif shape is not None and shape.find("circle") is not None:
        actor["length"] = actor["width"] = 2.0 * _number(shape.findtext("circle/radius"), path, f"{what}: radius")
    return actor


def _poles(actors: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return poles along the longer axis of all trajectories."""
    places = np.array([pose[1:3] for actor in actors for pose in actor["poses"]])
    low, high = places.min(axis=0), places.max(axis=0)
    axis = int(np.argmax(high - low))
    many = int((high - low)[axis] // POLES_APART) + 1
    spots = np.tile((low + high) / 2.0, (many, 1))
    spots[:, axis] = low[axis] + (np.arange(many) + 0.5) * (high - low)[axis] / many
    return [{"x": round(float(x), 1), "y": round(float(y), 1), "range": POLE_RANGE} for x, y in spots]


def _line(lanelet: Element, side: str, path: Path) -> F64:
    """Return a bound at even shares of its length."""
    what = f"lanelet {lanelet.get('id')}: {side}"
    bound = lanelet.find(side)
    points = [] if bound is None else list(bound.iterfind("point"))
    line = np.array([[_number(p.findtext(a), path, what) for a in "xy"] for p in points], np.float64)
    if len(line) < 2:
        raise CaseError(f"{path}: {what} has {len(line)} points; a line needs 2")
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    even = np.linspace(0.0, run[-1], max(len(line), LINE_POINTS))
    return np.stack([np.interp(even, run, line[:, 0]), np.interp(even, run, line[:, 1])], axis=1)


def _beside(lanelet: Element, side: str, index: dict[str | None, int]) -> int:
    """Return the lanelet beside one that leads the same way, -1 if there is none."""
    found = lanelet.find(side)
    if found is None or found.get("drivingDir") != "same":
        return -1
    return index.get(found.get("ref"), -1)


def _rightmost(lanelet: Element, index: dict[str | None, int], found: list[Element]) -> tuple[int, int]:
    """Return the outermost lanelet of the same carriageway, and how many lie between."""
    at, steps = index[lanelet.get("id")], 0
    while steps < len(found):
        beside = _beside(found[at], "adjacentRight", index)
        if beside < 0:
            break
        at, steps = beside, steps + 1
    return at, steps


def _edge(lanelet: Element, index: dict[str | None, int], found: list[Element]) -> int:
    return _rightmost(lanelet, index, found)[0]


def _number_of(lanelet: Element, index: dict[str | None, int], found: list[Element]) -> int:
    return min(_rightmost(lanelet, index, found)[1], 255)

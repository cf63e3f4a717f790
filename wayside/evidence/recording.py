"""What the page's map replays: the picture at 2 Hz, packed as whole numbers."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wayside.admission.tables import MeasureRequests, Permits, VehicleClass, ZoneCorners
from wayside.evidence.words import in_both
from wayside.guard.tables import MeasureOrders, Verdict, WarningOrders
from wayside.guidance.tables import Service
from wayside.maps.road import RoadMap
from wayside.maps.tables import LaneKind
from wayside.roadside.tables import Actors, Poles, RoadWeather
from wayside.signals.tables import Signals
from wayside.supervision.tables import Cases, Rule
from wayside.table import F64, I64, Table

if TYPE_CHECKING:
    from wayside.run import Run

SPACING_S = 0.5  # between the pictures
MOST_CHARACTERS = 4_000_000  # of the packed pictures; above that the spacing is doubled
MOST_WARNINGS = 4000
FINEST_M = 0.1  # of a position
SPEED_STEP = 0.25  # m/s
DRAWN = (LaneKind.DRIVING, LaneKind.BUS, LaneKind.BICYCLE, LaneKind.SIDEWALK, LaneKind.CROSSING)


@dataclass(frozen=True, slots=True)
class Scale:
    """Positions as 16-bit numbers of `step` metres around a middle."""

    x: float
    y: float
    step: float

    @classmethod
    def over(cls, x: F64, y: F64) -> Scale:
        """Make the finest scale on which all points have a number."""
        if not len(x):
            return cls(0.0, 0.0, FINEST_M)
        low_x, high_x, low_y, high_y = (float(v) for v in (x.min(), x.max(), y.min(), y.max()))
        span = max(high_x - low_x, high_y - low_y) + 200.0  # what moves may leave the map a little
        return cls((low_x + high_x) / 2, (low_y + high_y) / 2, max(FINEST_M, span / 65000))

    def pack(self, x: F64, y: F64) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Return points as numbers of this scale."""
        return _int16((x - self.x) / self.step), _int16((y - self.y) / self.step)

    def point(self, x: float, y: float) -> list[float]:
        """Return a point in metres from the middle."""
        return [round(x - self.x, 1), round(y - self.y, 1)]


def _int16(values: F64) -> NDArray[np.int16]:
    return np.clip(np.rint(np.nan_to_num(values)), -32768, 32767).astype(np.int16)


def recording(run: Run) -> dict[str, Any]:
    """Return what the page's map shows of a Run, as plain values and packed columns.

    Positions are rounded to 0.1 m (more coarsely for cities above 6.5 km), directions to 1.4 degrees and
    speeds to 0.25 m/s. Pictures are 0.5 s apart, farther if they would not fit into 4 MB.
    """
    ticks = run.ticks
    scale = Scale.over(run.road.points.x, run.road.points.y)
    if not len(ticks):
        return {"frames": 0, "map": _lanes(run.road, scale), "step_m": scale.step}
    instants, actors = run.rows(Actors)
    spacing = SPACING_S
    while True:
        shown = _shown(ticks, spacing)
        packed = _tracks(instants, actors, shown, run.asset(Permits), scale)
        if len(packed["data"]) <= MOST_CHARACTERS or len(shown) < 3:
            break
        spacing *= 2

    def frame_of(time_ns: int) -> float:
        return round((time_ns - int(shown[0])) / 1e9 / spacing, 2)

    return {
        "frames": len(shown),
        "spacing_s": spacing,
        "start_ns": str(shown[0]),
        "step_m": scale.step,
        "map": _lanes(run.road, scale),
        "tracks": packed,
        "signals": _signals(run, shown, scale),
        "poles": [[*scale.point(x, y), r, p] for p, x, y, r in _rows(run.asset(Poles), "pole", "x", "y", "range")],
        "zones": _zones(run.asset(ZoneCorners), scale),
        "measures": _measures(run, frame_of),
        "visibility": _visibility(run, shown),
        "cases": _cases(run, frame_of, scale),
        "warnings": _warnings(run, frame_of),
        "words": {
            "class": [in_both(f"admission.class_{c.name.lower()}") for c in VehicleClass],
            "kind": [in_both(f"evidence.kind_{n}") for n in _KINDS],
            "rule": {int(r): in_both(f"supervision.rule_{r.name.lower()}") for r in Rule},
            "service": {int(s): in_both(f"evidence.service_{s.name.lower()}") for s in Service},
        },
    }


_KINDS = ("unknown", "car", "bus", "truck", "motorcycle", "bicycle", "pedestrian")


def _rows(table: Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table.__dict__[n].tolist() for n in names), strict=True))


def _shown(ticks: I64, spacing_s: float) -> I64:
    """Return the ticks nearest to a grid of instants, from the first on."""
    wanted = np.arange(int(ticks[0]), int(ticks[-1]) + 1, round(spacing_s * 1e9))
    return np.unique(ticks[np.minimum(np.searchsorted(ticks, wanted), len(ticks) - 1)])


def packed_columns(columns: list[NDArray[Any]]) -> str:
    """Return columns one after the other, deflated and as base64; put the widest types first."""
    joined = b"".join(
        np.ascontiguousarray(c).astype(c.dtype.newbyteorder("<"), copy=False).tobytes() for c in columns
    )
    return base64.b64encode(zlib.compress(joined, 9)).decode("ascii")


def _differences(values: NDArray[Any]) -> NDArray[Any]:
    """Return each value less the one before, wrapping around; the page adds them up again."""
    return np.diff(values, prepend=values.dtype.type(0))


def _halves(values: NDArray[np.uint64]) -> list[NDArray[np.uint32]]:
    return [(values >> np.uint64(32)).astype(np.uint32), (values & np.uint64(0xFFFFFFFF)).astype(np.uint32)]


def _tracks(instants: I64, actors: Actors, shown: I64, permits: Permits, scale: Scale) -> dict[str, Any]:
    """Return unbroken stretches of each actor's positions."""
    frame = np.searchsorted(shown, instants)
    keep = shown[np.minimum(frame, len(shown) - 1)] == instants
    frame, rows = frame[keep], actors.take(keep)
    order = np.lexsort((frame, rows.id))
    frame, rows = frame[order], rows.take(order)
    count = len(rows)
    begins = np.ones(count, np.bool_)
    begins[1:] = (
        (rows.id[1:] != rows.id[:-1]) | (frame[1:] != frame[:-1] + 1) | (rows.sender[1:] != rows.sender[:-1])
    )
    first = np.flatnonzero(begins)
    classes = np.zeros(len(first), np.uint8)
    if len(permits):
        sender = rows.sender[first]
        place = np.minimum(np.searchsorted(permits.sender, sender), len(permits) - 1)
        classes = np.where(permits.sender[place] == sender, permits.vehicle_class[place], 0).astype(np.uint8)
    x, y = scale.pack(rows.x, rows.y)
    heading = (np.rint(np.nan_to_num(rows.heading) * 256 / (2 * np.pi)).astype(np.int64) % 256).astype(np.uint8)
    speed = np.clip(np.rint(np.nan_to_num(rows.speed) / SPEED_STEP), 0, 255).astype(np.uint8)
    columns = [
        *_halves(rows.id[first]),
        *_halves(rows.sender[first]),
        frame[first].astype(np.uint16),
        np.diff(np.append(first, count)).astype(np.uint16),
        _differences(x),
        _differences(y),
        rows.kind[first],
        classes,
        np.clip(np.rint(rows.length[first] * 10), 0, 255).astype(np.uint8),
        np.clip(np.rint(rows.width[first] * 10), 0, 255).astype(np.uint8),
        _differences(heading),
        _differences(speed),
    ]
    return {"stretches": len(first), "samples": count, "speed_step": SPEED_STEP, "data": packed_columns(columns)}


def _lanes(road: RoadMap, scale: Scale) -> dict[str, Any]:
    """Return the middle lines of the lanes that are drawn."""
    lanes = np.flatnonzero(np.isin(road.lanes.kind, DRAWN) & (road.lanes.points >= 2))
    points = road.lanes.points[lanes]
    first = road.lanes.first_point[lanes]
    rows = np.repeat(first - np.concatenate([[0], np.cumsum(points)[:-1]]), points) + np.arange(points.sum())
    x, y = scale.pack(road.points.x[rows], road.points.y[rows])
    columns = [
        points.astype(np.uint16),
        _differences(x),
        _differences(y),
        road.lanes.kind[lanes],
        np.clip(np.rint(road.lanes.width[lanes] * 10), 0, 255).astype(np.uint8),
    ]
    return {"lanes": len(lanes), "points": len(rows), "data": packed_columns(columns)}


def _signals(run: Run, shown: I64, scale: Scale) -> dict[str, Any]:
    """Return where each signal group's stop lines are, and when it changed to which light."""
    road = run.road
    links = road.connections
    governed = np.flatnonzero((links.controller >= 0) & (links.group > 0))
    triples = sorted({(int(links.from_lane[i]), int(links.controller[i]), int(links.group[i])) for i in governed})
    share: dict[int, list[tuple[int, int]]] = {}
    for lane, controller, group in triples:
        share.setdefault(lane, []).append((controller, group))
    bars = []
    for lane, groups in share.items():
        last = int(road.lanes.first_point[lane] + road.lanes.points[lane]) - 1
        across = np.arctan2(
            road.points.y[last] - road.points.y[last - 1], road.points.x[last] - road.points.x[last - 1]
        )
        width = float(road.lanes.width[lane]) / len(groups)
        for place, (controller, group) in enumerate(groups):
            aside = (place - (len(groups) - 1) / 2) * width
            x = float(road.points.x[last] - np.sin(across) * aside)
            y = float(road.points.y[last] + np.cos(across) * aside)
            bars.append([*scale.point(x, y), round(float(across), 3), round(width, 2), f"{controller}.{group}"])
    instants, signals = run.rows(Signals)
    frame = np.searchsorted(shown, instants)
    keep = shown[np.minimum(frame, len(shown) - 1)] == instants
    frame, rows = frame[keep], signals.take(keep)
    order = np.lexsort((frame, rows.group, rows.controller))
    frame, rows = frame[order], rows.take(order)
    key = rows.controller.astype(np.int64) * 256 + rows.group
    new = np.ones(len(key), np.bool_)
    new[1:] = (key[1:] != key[:-1]) | (rows.light[1:] != rows.light[:-1])
    changes: dict[str, list[int]] = {}
    for controller, group, at, light in zip(
        rows.controller[new].tolist(), rows.group[new].tolist(), frame[new].tolist(), rows.light[new].tolist(),
        strict=True,
    ):  # fmt: skip
        changes.setdefault(f"{controller}.{group}", []).extend((at, light))
    return {"bars": bars, "changes": changes}


def _zones(corners: ZoneCorners, scale: Scale) -> list[dict[str, Any]]:
    ordered = corners.take(corners.order())
    return [
        {"zone": zone, "outline": [scale.point(x, y) for z, x, y in _rows(ordered, "zone", "x", "y") if z == zone]}
        for zone in sorted(set(ordered.zone.tolist()))
    ]


def _measures(run: Run, frame_of: Callable[[int], float]) -> list[dict[str, Any]]:
    """Return each time a measure was in force."""
    orders = run.rows(MeasureOrders)[1]
    asked_ns, asked = run.rows(MeasureRequests)
    found = []
    names = ("measure", "since_ns", "zone", "max_speed", "closed", "grace_until_ns")
    each = {row[:2]: row for row in _rows(orders, *names)}
    for _, (measure, since, zone, cap, closed, grace) in sorted(each.items()):
        over = asked_ns[(asked.measure == measure) & ~asked.active & (asked_ns > since)]
        until = frame_of(int(over[0])) if len(over) else None
        capped = None if np.isnan(cap) else round(cap * 3.6)
        found.append(
            {"measure": measure, "zone": zone, "from": frame_of(since), "grace": frame_of(grace), "until": until,
             "cap_km_h": capped, "closed": closed}
        )  # fmt: skip
    return found


def _visibility(run: Run, shown: I64) -> list[float]:
    """Return pairs of frame and lowest visibility of any station [m], where it changes."""
    instants, weather = run.rows(RoadWeather)
    known = ~np.isnan(weather.visibility)
    pairs: list[float] = []
    for instant in np.unique(instants[known]).tolist():
        lowest = float(weather.visibility[known & (instants == instant)].min())
        frame = int(np.searchsorted(shown, instant))
        if not pairs or abs(pairs[-1] - lowest) >= 5.0:
            pairs += [frame, round(lowest)]
    return pairs


def _cases(run: Run, frame_of: Callable[[int], float], scale: Scale) -> list[dict[str, Any]]:
    _, cases = run.rows(Cases)
    last: dict[int, dict[str, Any]] = {}
    for case, rule, subject, x, y, opened, until in _rows(
        cases, "case", "rule", "subject", "x", "y", "opened_ns", "last_ns"
    ):
        place = [None, None] if np.isnan(x) or np.isnan(y) else scale.point(x, y)
        last[case] = {
            "case": case, "rule": rule, "subject": f"{subject:016x}", "at": place, "from": frame_of(opened),
            "until": frame_of(until),
        }  # fmt: skip
    return [last[case] for case in sorted(last)]


def _warnings(run: Run, frame_of: Callable[[int], float]) -> list[list[Any]]:
    """Return frame, subject and service of warnings that went out; evenly thinned if there are too many."""
    instants, orders = run.rows(WarningOrders)
    out = np.flatnonzero(orders.verdict == Verdict.APPROVED)
    out = out[:: max(1, -(-len(out) // MOST_WARNINGS))]
    return [
        [frame_of(int(at)), f"{subject:016x}", service]
        for at, subject, service in zip(
            instants[out].tolist(), orders.subject[out].tolist(), orders.service[out].tolist(), strict=True
        )
    ]

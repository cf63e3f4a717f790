"""What sensing poles make of the road users around them: misses, noise, occlusion, delay and ghosts.

A pole sees with cameras, radars, laser scanners or a merged set of radars and cameras (`SensorKind`), and sends
one list of objects at 10 Hz. What each kind does wrong stands in `sensors.toml`, with sources. All draws depend on
pole, road user and instant alone, so nothing depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np

from wayside.roadside.tables import Detections, Poles, SensorKind
from wayside.table import F64, I64
from wayside.worlds.draws import Stream, one_drift, one_normal, one_uniform, seed_word
from wayside.worlds.engine import WorldError
from wayside.worlds.pole_faults import PoleFaults
from wayside.worlds.sensing_models import Models, SensingConfig, models
from wayside.worlds.sensing_objects import fixed_ghost, ghost, ghosts, measure
from wayside.worlds.sensing_view import POST, Posts, Users, bearings, hidden, merged, seen, within
from wayside.worlds.tables import Truth

__all__ = ["SensingConfig", "scan"]

MS_NS = 1_000_000
MINUTE_NS = 60_000_000_000
SWAY_NS = 1_500_000_000  # a pole sways within a few seconds [own assumption]
TRUTH_COLUMNS = ("id", "kind", "x", "y", "heading", "speed", "length", "width")


@numba.njit(cache=True)
def _times(post: Any, model: Any, time_ns: int, seed: np.uint64) -> tuple[int, int]:
    """Return the stamp of a pole's list and the instant at which it arrives [ns]."""
    delay = model.delay_min_ms
    span = int(model.delay_max_ms - model.delay_min_ms) + 1
    delay += float(int(one_uniform(seed, Stream.POLE_DELAY, post.pole, time_ns) * span))
    scatter = model.stamp_sigma_s * one_normal(seed, Stream.POLE_CLOCK, post.pole, time_ns)
    finished = max(model.stamp_lag_s + scatter, 0.0)
    clock = post.clock + model.clock_sigma_s * one_normal(seed, Stream.POLE_CLOCK, post.pole, -1)
    clock += model.clock_wander_s * one_drift(seed, Stream.POLE_CLOCK, post.pole, time_ns, MINUTE_NS)
    late = 0.0
    if post.late > 0.0:
        late = post.late * (0.5 + one_uniform(seed, Stream.POLE_LOST, post.pole + np.uint64(1 << 32), time_ns))
    stamp = time_ns + int(np.rint((finished + clock) * 1e6)) * 1000
    received = time_ns + int(delay) * MS_NS + int(np.rint((finished + late) * 1000.0)) * MS_NS
    return stamp, received


@numba.njit(cache=True)
def _turn(post: Any, model: Any, time_ns: int, seed: np.uint64) -> float:
    """Return by how much a pole's frame is turned now [rad]."""
    left = model.yaw_sigma_deg * one_normal(seed, Stream.POLE_MOUNT, post.pole, -1)
    left += model.sway_sigma_deg * one_drift(seed, Stream.POLE_MOUNT, post.pole, time_ns, SWAY_NS)
    return float(post.turn + np.radians(left))


@numba.njit(cache=True)
def _objects(users: Users, post: Any, model: Any, time_ns: int, seed: np.uint64, kinds: I64, values: F64) -> int:
    """Fill in what one pole sees, from the pole and before its frame is turned; return how many objects."""
    rows, distance = within(users, post.x, post.y, post.reach)
    bearing, half = bearings(users, rows, distance, post.x, post.y)
    usable = seen(users, rows, distance, bearing, post, model)
    behind = hidden(users, rows, distance, bearing, half, post, model.obstacle_share, model.hidden_share)
    usable &= ~behind
    into = merged(users, rows, distance, bearing, usable, post, model, time_ns, seed)
    others = np.zeros((len(rows), 3))
    for i in range(len(rows)):
        if into[i] >= 0:
            usable[i] = False
            others[into[i], 0] += users.x[rows[i]] - users.x[rows[into[i]]]
            others[into[i], 1] += users.y[rows[i]] - users.y[rows[into[i]]]
            others[into[i], 2] += 1.0
    filled = 0
    for i in range(len(rows)):
        if not usable[i]:
            continue
        out = values[filled]
        kinds[filled] = measure(users, rows[i], post, model, distance[i], bearing[i], time_ns, seed, out)
        if kinds[filled] >= 0:
            out[0] += others[i, 0] / (others[i, 2] + 1.0)
            out[1] += others[i, 1] / (others[i, 2] + 1.0)
            filled += 1
    slot = time_ns // max(int(model.clutter_s * 1e9), 1)
    for number in range(ghosts(post, model, slot, seed)):
        if filled < len(kinds):
            kinds[filled] = ghost(users, rows, bearing, post, model, slot, number, seed, values[filled])
            filled += kinds[filled] >= 0
    for number in range(int(model.fixed_ghosts)):
        if filled < len(kinds):
            kinds[filled] = fixed_ghost(post, model, number, time_ns, seed, values[filled])
            filled += kinds[filled] >= 0
    return filled


@numba.njit(cache=True)
def _scan(users: Users, posts: Posts, table: Models, time_ns: int, seed: np.uint64) -> tuple[I64, F64, I64]:
    """Return (row of pole, number, kind) and (x, y, heading, speed, length, width, sigma) of all detections.

    Also the stamp and the instant of arrival of each pole's list.
    """
    room = 48 * len(posts)  # for what is not there
    for p in range(len(posts)):
        x, y, square = posts[p].x, posts[p].y, posts[p].reach ** 2
        for n in range(len(users.x)):
            dx, dy = users.x[n] - x, users.y[n] - y
            room += dx * dx + dy * dy <= square
    codes, values, times = np.empty((room, 3), np.int64), np.empty((room, 7)), np.empty((len(posts), 2), np.int64)
    first = 0
    for p in range(len(posts)):
        post, model = posts[p], table[posts[p].model]
        times[p, 0], times[p, 1] = _times(post, model, time_ns, seed)
        if post.silent or one_uniform(seed, Stream.POLE_LOST, post.pole, time_ns) < model.lost_scans:
            continue
        count = _objects(users, post, model, time_ns, seed, codes[first:, 2], values[first:])
        rank = np.argsort(np.arctan2(values[first : first + count, 1], values[first : first + count, 0]))
        turn = _turn(post, model, time_ns, seed)
        cosine, sine = np.cos(turn), np.sin(turn)
        for number in range(count):
            i = first + rank[number]
            codes[i, 0], codes[i, 1] = p, number
            dx, dy = values[i, 0], values[i, 1]
            values[i, 0] = post.x + post.shift_x + cosine * dx - sine * dy
            values[i, 1] = post.y + post.shift_y + sine * dx + cosine * dy
            facing = values[i, 2] + turn
            values[i, 2] = facing - 2.0 * np.pi * np.rint(facing / (2.0 * np.pi))
        first += count
    return codes[:first], values[:first], times


def _posts(
    poles: Poles, table: Models, *, visibility: float, rain_mm_per_h: float, night: bool, noise: float
) -> Posts:
    """Return what the kernels need to know of the poles, in this weather."""
    if poles.sensor.min() < 1 or poles.sensor.max() > len(SensorKind):
        known = ", ".join(f"{kind.value} {kind.name}" for kind in SensorKind)
        raise WorldError(f"Poles.sensor holds {sorted(set(poles.sensor.tolist()))}; known are {known}")
    posts = np.zeros(len(poles), POST)
    row = poles.sensor.astype(np.int64) - 1
    model = table[row]
    posts["pole"], posts["model"] = poles.pole, row
    posts["x"], posts["y"], posts["sigma"] = poles.x, poles.y, poles.position_sigma
    posts["height"], posts["facing"], posts["half_view"] = poles.height, poles.facing, 0.5 * poles.field_of_view
    posts["range"] = np.maximum(np.minimum(poles.range, model["longest_m"]), 1.0)
    posts["fog_reach"] = np.maximum(model["fog_factor"] * visibility, 0.1)
    clear = posts["range"] / (1.0 + rain_mm_per_h / model["rain_halves"])
    posts["misses"] = 1.0 + model["miss_rain"] * rain_mm_per_h
    if night:
        clear = clear * model["night_range"]
        posts["misses"] *= model["miss_night"]
    posts["reach"] = np.minimum(clear, posts["fog_reach"])
    posts["noise"] = noise
    return posts


def scan(
    truth: Truth,
    poles: Poles,
    *,
    time_ns: int,
    visibility: float,
    config: SensingConfig,
    seed: int,
    rain_mm_per_h: float = 0.0,
    night: bool = False,
    yaw_errors: Mapping[int, float] | None = None,
    faults: PoleFaults | None = None,
) -> Detections:
    """Return what all poles detect in the scan at that instant.

    Args:
        truth: every road user.
        poles: where the poles stand, what they see with and how well.
        time_ns: instant of the scan [ns].
        visibility: meteorological optical range [m].
        config: what differs from the sensor models of `sensors.toml`.
        seed: of the Run.
        rain_mm_per_h: rain intensity [mm/h].
        night: it is dark.
        yaw_errors: by number of the pole, how far its frame has turned anticlockwise since it was commissioned
            [rad]; no entry is no error.
        faults: what else is wrong with poles from when on; one that is frozen is remembered there.

    Returns:
        Detections with `received_ns` later than the scan; the World hands them over then. `time_ns` is by the
        pole's clock. `number` counts a pole's objects by bearing and says nothing from one scan to the next.

    Raises:
        WorldError: a pole's sensor is not a `SensorKind`.

    Limits: buildings and trees hide nothing; all poles scan at the tick; the weather is the same everywhere; a
    merged object has the class, size and speed of the nearer of the two.
    """
    if not len(poles) or not np.isfinite(visibility):
        return Detections.empty()
    table = models(config)
    posts = _posts(
        poles,
        table,
        visibility=visibility,
        rain_mm_per_h=rain_mm_per_h,
        night=night,
        noise=0.0 if config.exact else 1.0,
    )
    for number, yaw in (yaw_errors or {}).items():
        posts["turn"][posts["pole"] == number] += yaw
    if faults is not None:
        faults.lay_on(posts, time_ns)
    # own copies have one memory layout, so the kernel is compiled once; by identity, so that no tie needs an order
    order = np.argsort(truth.id)
    users = Users(*(getattr(truth, name)[order] for name in TRUTH_COLUMNS))
    codes, values, times = _scan(users, posts, table, time_ns, seed_word(seed))
    seen_by = codes[:, 0]
    found = Detections(
        pole=poles.pole[seen_by],
        time_ns=times[seen_by, 0],
        number=codes[:, 1].astype(np.uint16),
        received_ns=times[seen_by, 1],
        kind=codes[:, 2].astype(np.uint8),
        x=values[:, 0],
        y=values[:, 1],
        heading=values[:, 2],
        speed=values[:, 3],
        length=values[:, 4],
        width=values[:, 5],
        position_sigma=values[:, 6],
    )
    return found if faults is None else faults.frozen(found, posts, times, time_ns)

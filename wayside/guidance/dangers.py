"""What truly was dangerous in a Run, whether or not anybody was warned, and who was warned in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from wayside.guidance.conflicts import HARD_BRAKING, Witness
from wayside.guidance.encounters import EncounterKind, Encounters, encounters
from wayside.guidance.tables import Service
from wayside.signals.tables import Light, Signals
from wayside.table import F64, I64, U8, U64, Bool
from wayside.v2x.tables import Kind
from wayside.worlds.tables import Truth

if TYPE_CHECKING:
    from wayside.guard.tables import WarningOrders
    from wayside.run import Run

LIMIT_S = 1.5  # times to collision below this are encounters
ACTS_S = 2.0  # how long after the closest moment somebody may act
EVERY = 5  # time to collision is looked at in every so many-th tick
IN_TIME_S = 1.0  # a warning that comes later before the danger does not help
LONG_BEFORE_S = 10.0  # one that came so much before the danger began was of something else
INTO_RED_S = 1.0  # red counts from here on, since who is in the junction then came at yellow
ALONG, AGAINST = np.cos(np.radians(45.0)), np.cos(np.radians(135.0))  # of the angle between two headings


class Danger(IntEnum):
    """What sort of danger."""

    FOLLOWING = 1  # two that go much the same way
    HEAD_ON = 2
    CROSSING = 3
    VULNERABLE = 4  # one is on foot or on a bicycle
    RED_LIGHT = 5  # past a stop line at red


OWN = {  # who has to warn of what
    Service.FORWARD_COLLISION: (Danger.FOLLOWING, Danger.HEAD_ON),
    Service.INTERSECTION_COLLISION: (Danger.CROSSING,),
    Service.VULNERABLE_ROAD_USER: (Danger.VULNERABLE,),
    Service.RED_LIGHT: (Danger.RED_LIGHT,),
}
ABOUT_ROAD_USERS = (
    Service.FORWARD_COLLISION,
    Service.INTERSECTION_COLLISION,
    Service.VULNERABLE_ROAD_USER,
    Service.WRONG_WAY,
    Service.LEFT_TURN,
    Service.BLIND_SPOT,
    Service.DO_NOT_PASS,
    Service.EMERGENCY_BRAKING,
    Service.ABNORMAL_VEHICLE,
    Service.CONTROL_LOSS,
)


@dataclass(frozen=True, slots=True, eq=False)
class Dangers:
    """Dangers as equally long columns.

    Attributes:
        kind: Danger.
        begin_ns: when the measure first was below its limit [ns].
        happens_ns: when they touch if nobody acts, the second is where the first was, or the line is passed [ns].
        first, second: true identities of the two; of a red light whose line is passed, and 0.
        reachable: one of them is a motor vehicle that sends messages, and so can be warned.
    """

    kind: U8
    begin_ns: I64
    happens_ns: I64
    first: U64
    second: U64
    reachable: Bool

    def __len__(self) -> int:
        return len(self.kind)


def dangers(run: Run) -> Dangers:
    """Find what was truly dangerous: times to collision below 1.5 s, encroachments below 1 s, red runs.

    A time to collision below 1.5 s is a danger only if (all by true motion)
    - it lasts over two half seconds, since the arc that a turning vehicle is on sweeps over others for a moment;
    - the two do not already brake as much as not touching takes when it begins, as all do who stop behind a queue;
    - afterwards one of them brakes hard or they touch: where nobody had to act, nothing would have happened.

    A red run is a motor vehicle that leaves a lane for another carriageway while every group that governs the lane
    has been red for over a second.

    It happens 1.5 s after a time to collision first was below 1.5 s, or sooner by the least one; then the second
    road user comes to the spot; then the line is passed.

    Limits: needs the truth; told to half a second; whether a light was red is what controllers say, for the Run
    keeps nothing else.
    """
    time, truth = run.rows(Truth)
    order = np.lexsort((truth.id, time))
    time, truth = time[order], truth.take(order)
    close = encounters(time, truth, collision_s=LIMIT_S, every=EVERY)
    close = _kept(close, _real(close, time, truth))
    collides = close.kind == EncounterKind.TIME_TO_COLLISION
    left, right = _row(time, truth, close.worst_ns, close.first), _row(time, truth, close.worst_ns, close.second)
    # who left a spot may have left the world, but who came to it is there
    left = np.where(left < 0, right, left)
    turned = np.cos(truth.heading[left] - truth.heading[right])
    kind = np.select(
        [(truth.kind[left] >= Kind.BICYCLE) | (truth.kind[right] >= Kind.BICYCLE), ~collides, turned > ALONG,
         turned < AGAINST],
        [Danger.VULNERABLE, Danger.CROSSING, Danger.FOLLOWING, Danger.HEAD_ON],
        Danger.CROSSING,
    )  # fmt: skip
    motor = truth.equipped & (truth.kind >= Kind.CAR) & (truth.kind <= Kind.MOTORCYCLE)
    heard = motor & (truth.speed > 1.0)
    ran = _red_runs(run, time, truth)
    ran_time, ran_who = time[ran], truth.id[ran]
    # at the closest moment they may brake already; when it began they did not
    at_first, at_worst = close.begin_ns + round(LIMIT_S * 1e9), close.worst_ns + np.rint(close.value * 1e9)
    happens = np.where(collides, np.minimum(at_first, at_worst), close.worst_ns).astype(np.int64)
    return Dangers(
        kind=np.concatenate([kind, np.full(len(ran), Danger.RED_LIGHT)]).astype(np.uint8),
        begin_ns=np.concatenate([close.begin_ns, ran_time]),
        happens_ns=np.concatenate([happens, ran_time]),
        first=np.concatenate([close.first, ran_who]),
        second=np.concatenate([close.second, np.zeros(len(ran), np.uint64)]),
        reachable=np.concatenate(
            [
                (heard[left] & _goes_to(truth, left, right)) | (heard[right] & _goes_to(truth, right, left)),
                heard[ran],
            ]
        ),
    )


def _kept(found: Encounters, rows: Bool) -> Encounters:
    return Encounters(**{f.name: getattr(found, f.name)[rows] for f in fields(Encounters)})


def _goes_to(truth: Truth, row: I64, other: I64) -> Bool:
    """Tell whether who is at a row moves towards the other, so that a warning to it can help."""
    east, north = truth.x[other] - truth.x[row], truth.y[other] - truth.y[row]
    towards: Bool = np.cos(truth.heading[row]) * east + np.sin(truth.heading[row]) * north >= 0.0
    return towards


def _real(close: Encounters, time: I64, truth: Truth) -> Bool:
    """Tell which encounters somebody had to act in, and did not act enough when they began; see `dangers`."""
    left, right = _row(time, truth, close.begin_ns, close.first), _row(time, truth, close.begin_ns, close.second)
    x, y = truth.x[right] - truth.x[left], truth.y[right] - truth.y[left]
    away = np.maximum(np.hypot(x, y), 0.1)
    speed, brake = [], []
    for row in (left, right):
        along = (np.cos(truth.heading[row]) * x + np.sin(truth.heading[row]) * y) / away
        speed.append(truth.speed[row] * along)
        brake.append(truth.acceleration[row] * along)
    # who closes with v and would touch after t does not if it brakes with v / 2 t
    enough = brake[1] - brake[0] >= (speed[0] - speed[1]) / (2.0 * LIMIT_S)
    real: Bool = (close.kind != EncounterKind.TIME_TO_COLLISION) | ((close.end_ns > close.begin_ns) & ~enough)
    order = np.lexsort((time, truth.id))
    who, when, acceleration = truth.id[order], time[order], truth.acceleration[order]
    for n in np.flatnonzero(real & (close.kind == EncounterKind.TIME_TO_COLLISION)).tolist():
        touched = close.value[n] <= 0.0
        for one in (close.first[n], close.second[n]):
            first, last = np.searchsorted(who, one, "left"), np.searchsorted(who, one, "right")
            begin, end = first + np.searchsorted(
                when[first:last], [close.begin_ns[n], close.worst_ns[n] + round(ACTS_S * 1e9)]
            )
            touched = touched or bool((acceleration[begin:end] < HARD_BRAKING).any())
        real[n] = touched
    return real


def _row(time: I64, truth: Truth, when: I64, who: U64) -> I64:
    """Return the row of each road user at each instant, -1 where it is not there."""
    ticks, begins = np.unique(time, return_index=True)
    ends = np.append(begins[1:], len(time))
    found = np.full(len(when), -1, np.int64)
    for n, (tick, identity) in enumerate(zip(np.searchsorted(ticks, when).tolist(), who, strict=True)):
        row = begins[tick] + np.searchsorted(truth.id[begins[tick] : ends[tick]], identity)
        if row < ends[tick] and truth.id[row] == identity:
            found[n] = row
    return found


def _red_runs(run: Run, time: I64, truth: Truth) -> I64:
    """Return the rows at which a motor vehicle has just passed a line at red.

    Where a signal was planted to say what it does not show, nothing is known of red from then on.
    """
    signal_time, signals = run.rows(Signals)
    if not len(signals) or not len(truth):
        return np.empty(0, np.int64)
    lanes = run.road.lanes
    order = np.lexsort((time, truth.id))
    before, after = order[:-1], order[1:]
    was, now = truth.lane[before], truth.lane[after]
    passed = (truth.id[before] == truth.id[after]) & (was != now) & (was >= 0) & (now >= 0)
    passed &= (truth.kind[after] < Kind.BICYCLE) & (lanes.edge[was] != lanes.edge[now])
    passed &= (run.road.lane_group_mask[was] != 0) & ~lanes.internal[was]
    for event in run.events:
        if event.kind == "planted" and event.facts.get("fault") == "signal":
            passed &= (lanes.controller[was] != event.facts["subject"]) | (time[after] < event.time_ns)
    before, after, was = before[passed], after[passed], was[passed]
    red = np.zeros(len(after), np.bool_)
    for n, row in enumerate(after.tolist()):
        here = slice(*np.searchsorted(signal_time, [time[row], time[row] + 1]))
        mask = np.uint64(run.road.lane_group_mask[was[n]])
        of_lane = (signals.controller[here] == lanes.controller[was[n]]) & (
            (mask >> signals.group[here].astype(np.uint64)) & np.uint64(1) != 0
        )
        settled = (signals.light[here] == Light.RED) & (time[row] - signals.since_ns[here] > INTO_RED_S * 1e9)
        red[n] = of_lane.any() and settled[of_lane].all()
    return np.sort(after[red])


def leads(
    found: Dangers, time: I64, orders: WarningOrders, witness: Witness, services: Sequence[Service] | None = None
) -> F64:
    """Return how long before each danger happens the first warning of it was given [s]; NaN where none was.

    A warning is of a danger if it tells one of the two of the other, or of a red light its driver, from 10 s
    before the danger begins.

    Args:
        found: the dangers.
        time: tick of each of `orders` [ns].
        orders: warnings that were given.
        witness: who knows who was meant.
        services: only warnings of these; None all.
    """
    before = np.full(len(found), np.nan)
    if not len(found) or not len(orders):
        return before
    kept = np.isin(orders.service, [int(s) for s in (*ABOUT_ROAD_USERS, Service.RED_LIGHT)])
    if services is not None:
        kept &= np.isin(orders.service, [int(s) for s in services])
    rows = np.flatnonzero(kept)
    at_light = orders.service[rows] == Service.RED_LIGHT
    pairs = [
        witness.meant(
            int(time[row]), (float(orders.x[row]), float(orders.y[row])), 0 if red else int(orders.other[row])
        )
        for row, red in zip(rows.tolist(), at_light.tolist(), strict=True)
    ]
    told: dict[tuple[int, int], list[int]] = {}
    for row, pair in zip(rows.tolist(), pairs, strict=True):
        if pair is not None:
            told.setdefault(pair, []).append(int(time[row]))
    couples = zip(found.first.tolist(), found.second.tolist(), strict=True)
    for n, couple in enumerate(couples):
        given = [*told.get(couple, ()), *(told.get(couple[::-1], ()) if couple[1] else ())]
        begin, happens = int(found.begin_ns[n]), int(found.happens_ns[n])
        due = [at for at in given if begin - LONG_BEFORE_S * 1e9 <= at <= happens]
        if due:
            before[n] = (happens - min(due)) * 1e-9
    return before

"""Warning drivers near a vehicle that says it is sliding."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.guidance.tables import Reason, Service, WarningRequests
from wayside.guidance.telling import told_of, who_says
from wayside.guidance.wrong_way import reachable
from wayside.roadside.tables import Actors
from wayside.step import step
from wayside.v2x.tables import Reports, VehicleEvent

SLIDING = VehicleEvent.ANTI_LOCK_BRAKES | VehicleEvent.TRACTION_CONTROL | VehicleEvent.STABILITY_CONTROL


class ControlLossConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told that somebody is sliding."""

    behind_s: float = 5.0  # time to where it is now, for those who follow
    oncoming_s: float = 5.0  # time until both meet
    ahead_s: float = 3.0  # time until it reaches those ahead of it
    beside_m: float = 5.3  # sideways between the middles: its own lane and the next ones
    oncoming_beside_m: float = 7.5  # the same for oncoming traffic, as it may slide across
    from_speed: float = 2.0  # [m/s]
    along: float = 0.7  # cosine of the angle up to which two drive the same way, or against each other


@step(period_s=0.1, reach_m=250.0)
def control_loss(actors: Actors, reports: Reports, *, config: ControlLossConfig) -> WarningRequests:
    """Warn motor vehicles that can be reached of the nearest in time that says its wheels or its body slip.

    Anti-lock brakes, traction or stability control at work say so. Told are those who follow it in its own or a
    neighbouring lane, those who come towards it, and those ahead whom it approaches; not those who drive away from
    it, nor cross traffic, of which `intersection_collision` takes care. `value` is the distance between the bodies
    [m], `lead` the time until they meet if the vehicle slides to a stop (for followers) or keeps its speed.

    Limits: judged along its heading, so in a bend of less than some 150 m radius followers are told late. Needs no
    map.
    """
    sliding, _ = who_says(actors, reports, SLIDING)
    subjects = np.flatnonzero(reachable(actors, config.from_speed))
    if not (len(sliding) and len(subjects)):
        return WarningRequests.empty()
    # one row a subject, one column a vehicle that slides
    east = actors.x[subjects, None] - actors.x[sliding]
    north = actors.y[subjects, None] - actors.y[sliding]
    cos, sin = np.cos(actors.heading[sliding]), np.sin(actors.heading[sliding])
    along, aside = east * cos + north * sin, np.abs(north * cos - east * sin)
    same = np.cos(actors.heading[subjects, None] - actors.heading[sliding])
    gap = np.maximum(np.abs(along) - (actors.length[subjects, None] + actors.length[sliding]) / 2, 0.0)
    mine, its = actors.speed[subjects, None], actors.speed[sliding]
    behind = (along < 0) & (same > config.along) & (aside <= config.beside_m)
    oncoming = (along > 0) & (same < -config.along) & (aside <= config.oncoming_beside_m)
    ahead = (along > 0) & (same > config.along) & (aside <= config.beside_m) & (its > mine)
    time = np.full(along.shape, np.inf)
    for who, closing, limit in (
        (behind, np.broadcast_to(mine, along.shape), config.behind_s),
        (oncoming, mine + its, config.oncoming_s),
        (ahead, its - mine, config.ahead_s),
    ):
        needed = gap / np.maximum(closing, 1e-9)
        time = np.where(who & (needed <= limit), needed, time)
    nearest = time.argmin(axis=1)
    every = np.arange(len(subjects))
    told = np.isfinite(time[every, nearest])
    row, column = every[told], nearest[told]
    return told_of(
        Service.CONTROL_LOSS, Reason.LOST_CONTROL, actors,
        subjects[row], actors.id[sliding[column]], time[row, column], gap[row, column],
    )  # fmt: skip

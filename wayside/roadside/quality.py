"""Pole quality: whether a pole's frame is still turned as it was commissioned.

Vehicles that report their own position pass the poles all day. A pole that was knocked sees them all turned about
itself by the same angle.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numba
import numpy as np

from wayside.membership import is_among
from wayside.roadside.tables import Detections, PoleQuality, Poles
from wayside.security.tables import Trust
from wayside.step import step
from wayside.supervision.tables import Findings, Rule
from wayside.table import F64, I64
from wayside.v2x.tables import Kind, Reports

SECOND = 1e-9  # [s] in a nanosecond
FULL_WEIGHT_FROM = 5.0  # speed of a vehicle from which each pair counts in full [m/s]
STANDING_WEIGHT = 0.05  # and what a pair counts when it stands


class PoleQualityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of `pole_quality`."""

    forget_s: float = 25.0  # a pair counts 1/e of its weight after so long
    limit: float = 0.00873  # a turn of more than this is misaligned [rad], 0.5 degrees
    sure: float = 2.0  # standard deviations by which it must be more
    least_samples: float = 60.0  # fewer pairs say nothing
    correlation: float = 20.0  # so many pairs in a row tell as much as one, for errors of position last
    pair_within_m: float = 3.0  # a detection farther from a report is of another vehicle
    clear_by_m: float = 1.5  # by so much the second nearest must be farther than the nearest
    speed_within: float = 1.5  # speeds of a pair differ by no more [m/s]
    near_m: float = 10.0  # nearer to the pole the angle is not worth asking


@numba.njit(cache=True)
def _pairs(
    first: I64, pole_x: F64, pole_y: F64, x: F64, y: F64, speed: F64, time_ns: I64,
    report_x: F64, report_y: F64, velocity_x: F64, velocity_y: F64, report_ns: I64,
    turned: F64, within: float, clear: float, speed_within: float, near: float,
) -> Any:  # fmt: skip
    """Return per scan the sums of weight, r*r, r*t and t*t over its pairs; reports stand in the order of x."""
    sums = np.zeros((len(first) - 1, 4))
    best = np.empty(len(report_x), np.int64)
    gap = np.empty((2, len(report_x)))  # to the nearest and the second nearest detection of a scan
    pace = np.sqrt(velocity_x**2 + velocity_y**2)
    for scan in range(len(first) - 1):
        begin, end = first[scan], first[scan + 1]
        west, east = x[begin:end].min() - 20.0, x[begin:end].max() + 20.0
        low, high = np.searchsorted(report_x, west), np.searchsorted(report_x, east)
        gap[:, low:high] = np.inf
        for k in range(begin, end):
            reach = within + clear
            # where the detection would be if the pole were turned back by what is known of it
            from_x, from_y = x[k] - pole_x[scan], y[k] - pole_y[scan]
            cosine, sine = np.cos(turned[scan]), np.sin(turned[scan])
            back_x = pole_x[scan] + cosine * from_x + sine * from_y
            back_y = pole_y[scan] - sine * from_x + cosine * from_y
            start = np.searchsorted(report_x, x[k] - reach - 15.0)
            for r in range(start, high):
                if report_x[r] > x[k] + reach + 15.0:
                    break
                dt = (time_ns[k] - report_ns[r]) * SECOND
                if abs(dt) > 0.3 or abs(report_y[r] - back_y) > reach + 15.0:
                    continue
                dx = back_x - report_x[r] - velocity_x[r] * dt
                dy = back_y - report_y[r] - velocity_y[r] * dt
                distance = np.hypot(dx, dy)
                if distance < gap[0, r]:
                    gap[1, r], gap[0, r], best[r] = gap[0, r], distance, k
                elif distance < gap[1, r]:
                    gap[1, r] = distance
        for r in range(low, high):
            if not (gap[0, r] < within and gap[1, r] > gap[0, r] + clear):
                continue
            k = best[r]
            if abs(speed[k] - pace[r]) > speed_within:
                continue
            dt = (time_ns[k] - report_ns[r]) * SECOND
            true_x, true_y = report_x[r] + velocity_x[r] * dt, report_y[r] + velocity_y[r] * dt
            away = np.hypot(true_x - pole_x[scan], true_y - pole_y[scan])
            if away < near:
                continue
            dx, dy = x[k] - true_x, y[k] - true_y
            sideways = ((true_x - pole_x[scan]) * dy - (true_y - pole_y[scan]) * dx) / away
            # one that stands says the same again and again
            weight = max(min(pace[r] / FULL_WEIGHT_FROM, 1.0), STANDING_WEIGHT)
            sums[scan, 0] += weight
            sums[scan, 1] += weight * away * away
            sums[scan, 2] += weight * away * sideways
            sums[scan, 3] += weight * sideways * sideways
    return sums


def _compare(
    detections: Detections, reports: Reports, poles: Poles, trust: Trust, known_yaw: F64, config: PoleQualityConfig
) -> F64:
    """Return per pole what this tick adds to its sums."""
    added = np.zeros((len(poles), 4))
    kept = detections.kind <= Kind.TRUCK
    seen = detections if kept.all() else detections.take(kept)
    believed = ~is_among(reports.sender, trust.sender[trust.distrusted]) & ~np.isnan(
        reports.speed + reports.heading
    )
    heard = np.flatnonzero(believed)
    if not len(seen) or not len(heard) or not len(poles):
        return added
    heard = heard[np.argsort(reports.x[heard], kind="stable")]
    order = np.lexsort((seen.number, seen.time_ns, seen.pole))
    pole, instant = seen.pole[order], seen.time_ns[order]
    turn = np.flatnonzero((pole[1:] != pole[:-1]) | (instant[1:] != instant[:-1])) + 1
    first = np.concatenate(([0], turn, [len(order)]))
    row = np.minimum(np.searchsorted(poles.pole, pole[first[:-1]]), len(poles) - 1)
    speed, heading = reports.speed[heard], reports.heading[heard]
    sums = _pairs(
        first, poles.x[row], poles.y[row], seen.x[order], seen.y[order], seen.speed[order], instant,
        reports.x[heard], reports.y[heard], speed * np.cos(heading), speed * np.sin(heading),
        reports.time_ns[heard], known_yaw[row],
        config.pair_within_m, config.clear_by_m, config.speed_within, config.near_m,
    )  # fmt: skip
    known = poles.pole[row] == pole[first[:-1]]
    np.add.at(added, row[known], sums[known])
    return added


@step(period_s=0.1, reach_m=150)
def pole_quality(
    detections: Detections,
    reports: Reports,
    poles: Poles,
    trust: Trust,
    before: PoleQuality,
    *,
    config: PoleQualityConfig,
    time_ns: int,
) -> PoleQuality:
    """Estimate by how much each pole's frame has turned, from vehicles that report where they are.

    Weighted least squares of the sideways difference t between detection and report over the distance r to
    the pole, t = yaw * r, with exponential forgetting. A pair is taken only where no other detection could be
    meant. A vehicle's positioning error lasts, so that many pairs of one vehicle tell little more than one.

    Args:
        detections: what poles saw.
        reports: what vehicles said; those of distrusted senders are left out.
        poles: where poles stand.
        trust: who is believed.
        before: the sums so far.
        config: settings.
        time_ns: the tick's instant.

    Returns:
        One row per pole.

    Limits: turns about the vertical only, up to some degrees (detections are paired within 3 m); a pole no
    equipped vehicle passes is never judged; a common error of all vehicles' positioning looks like a turn only
    where they all pass on one side.
    """
    if not len(poles):
        return PoleQuality.empty()
    since = np.zeros(len(poles), np.int64)
    was = np.zeros(len(poles), np.bool_)
    told = np.full(len(poles), np.nan)
    remembered = np.zeros((len(poles), 4))
    if len(before):
        row = np.minimum(np.searchsorted(before.pole, poles.pole), len(before) - 1)
        known = before.pole[row] == poles.pole
        kept = np.where(known, np.exp((before.time_ns[row] - time_ns) * (SECOND / config.forget_s)), 0.0)
        for place, name in enumerate(("samples", "moment_rr", "moment_rt", "moment_tt")):
            remembered[:, place] = kept * getattr(before, name)[row]
        since, was = np.where(known, before.since_ns[row], 0), known & before.misaligned[row]
        told = np.where(known, before.yaw_error[row], np.nan)
    sums = remembered + _compare(detections, reports, poles, trust, np.where(was, told, 0.0), config)
    samples, rr, rt, tt = sums.T
    enough = samples >= config.least_samples
    safe = np.where(enough, rr, 1.0)
    yaw = np.where(enough, rt / safe, np.nan)
    rest = np.where(enough, np.maximum(tt - rt * rt / safe, 0.0) / np.maximum(samples, 1.0), np.nan)
    # no residual is believed to be smaller than positioning allows
    sigma = np.sqrt(np.maximum(rest, 0.04) * config.correlation / safe)
    over = np.abs(yaw) - config.sure * sigma > config.limit
    # once misaligned, it takes proof to the contrary
    still = was & ~(np.abs(yaw) + sigma < config.limit)
    misaligned = over | still
    return PoleQuality(
        pole=poles.pole,
        x=poles.x,
        y=poles.y,
        time_ns=np.full(len(poles), time_ns),
        samples=samples,
        moment_rr=rr,
        moment_rt=rt,
        moment_tt=tt,
        yaw_error=np.where(enough, yaw, np.where(misaligned, told, np.nan)),
        yaw_sigma=np.where(enough, sigma, np.nan),
        spread=np.sqrt(rest),
        misaligned=misaligned,
        since_ns=np.where(misaligned, np.where(was, since, time_ns), 0),
    )


@step(period_s=0.1, reach_m=0)
def pole_findings(pole_quality: PoleQuality) -> Findings:
    """Return a finding for each misaligned pole: the angle [rad] and what is allowed."""
    bad = pole_quality.take(pole_quality.misaligned)
    rows = len(bad)
    return Findings(
        rule=np.full(rows, Rule.POLE_MISALIGNED),
        subject=bad.pole.astype(np.uint64),
        x=bad.x,
        y=bad.y,
        since_ns=bad.since_ns,
        value=np.abs(bad.yaw_error),
        limit=np.full(rows, PoleQualityConfig().limit),
    )

"""Foreseeing when lights change: what the controller promises, else what its last cycles taught."""

from __future__ import annotations

import msgspec
import numba
import numpy as np

from wayside.signals.tables import Light, LightHistory, SignalForecasts, Signals
from wayside.step import step
from wayside.table import F64, I64, U8, U16

CHAIN = 8  # lights looked at on the way to the next green
_IS_GREEN = np.zeros(256, np.bool_)
_IS_GREEN[[Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN]] = True
_IS_GREEN.flags.writeable = False
_RED = int(Light.RED)


class LightHistoryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How lengths of lights are learnt."""

    weight: float = 0.4  # of the newest length against what was learnt before


class SignalForecastConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How sure a forecast of a light's end must be."""

    spreads: float = 3.0  # mean deviations between the likely and the earliest or latest end
    least_spread_s: float = 0.1  # no learnt length is surer than this


@numba.njit(cache=True)
def _starts(controller: U16, group: U8, wanted_controller: U16, wanted_group: U8) -> I64:
    """Return for each wanted (controller, group) its first row in the sorted history, or where it would stand."""
    found, row = np.empty(wanted_controller.size, np.int64), 0
    for k in range(wanted_controller.size):
        c, g = wanted_controller[k], wanted_group[k]
        while row < controller.size and (controller[row] < c or (controller[row] == c and group[row] < g)):
            row += 1
        found[k] = row
    return found


@numba.njit(cache=True)
def _unchanged(
    controller: U16, group: U8, light: U8, h_controller: U16, h_group: U8, h_light: U8, h_until: I64, h_since: I64
) -> bool:
    """Tell whether each group still shows the light that the history says it shows."""
    first = _starts(h_controller, h_group, controller, group)
    for k in range(controller.size):
        shows = False
        row = first[k]
        while row < h_light.size and h_controller[row] == controller[k] and h_group[row] == group[k]:
            shows = shows or (h_light[row] == light[k] and h_until[row] == 0 and h_since[row] > 0)
            row += 1
        if not shows:
            return False
    return True


@numba.njit(cache=True)
def _learn(
    controller: U16, group: U8, light: U8, since: I64, time_ns: int,
    h_controller: U16, h_group: U8, h_light: U8, h_since: I64, h_until: I64, h_duration: F64, h_spread: F64,
    h_next: U8, weight: float,
) -> tuple[U16, U8, U8, I64]:  # fmt: skip
    """Write changes of light into the history's columns; return the rows that must be added to it."""
    first = _starts(h_controller, h_group, controller, group)
    new_c, new_g = np.empty(controller.size, np.uint16), np.empty(controller.size, np.uint8)
    new_l, new_since = np.empty(controller.size, np.uint8), np.empty(controller.size, np.int64)
    added = 0
    for k in range(controller.size):
        began = since[k] if 0 < since[k] <= time_ns else time_ns
        row, known, changed = first[k], False, True
        while row < h_light.size and h_controller[row] == controller[k] and h_group[row] == group[k]:
            if h_until[row] == 0 and h_since[row] > 0:
                if h_light[row] == light[k]:
                    changed = False
                else:
                    h_until[row] = max(began, h_since[row] + 1)
                    length = (h_until[row] - h_since[row]) * 1e-9
                    if np.isnan(h_duration[row]):
                        h_duration[row] = length
                    else:
                        off = abs(length - h_duration[row])
                        old = off if np.isnan(h_spread[row]) else h_spread[row]
                        h_spread[row] = old + weight * (off - old)
                        h_duration[row] += weight * (length - h_duration[row])
                    h_next[row] = light[k]
            known = known or h_light[row] == light[k]
            row += 1
        if changed and known:
            row = first[k]
            while h_light[row] != light[k]:
                row += 1
            h_since[row], h_until[row] = began, 0
        elif changed:
            new_c[added], new_g[added], new_l[added], new_since[added] = controller[k], group[k], light[k], began
            added += 1
    return new_c[:added], new_g[:added], new_l[:added], new_since[:added]


@step(period_s=0.1, reach_m=None)
def light_history(
    signals: Signals, before: LightHistory, *, time_ns: int, config: LightHistoryConfig
) -> LightHistory:
    """Learn from each change of light how long the last one lasted and which followed it.

    Lengths are counted between the instants at which the controller says the lights began. The first whole light
    gives the length, later ones are mixed in by `weight`.

    Limits: a change that was not heard of (a gap longer than a light) makes one wrong length.
    """
    signals, before = signals.in_order(), before.in_order()
    if _unchanged(
        signals.controller, signals.group, signals.light,
        before.controller, before.group, before.light, before.until_ns, before.since_ns,
    ):  # fmt: skip
        return before
    since, until, following = before.since_ns.copy(), before.until_ns.copy(), before.next_light.copy()
    duration, spread = before.duration.copy(), before.spread.copy()
    controller, group, light, began = _learn(
        signals.controller, signals.group, signals.light, signals.since_ns, time_ns,
        before.controller, before.group, before.light, since, until, duration, spread, following, config.weight,
    )  # fmt: skip
    changed = before.replace(
        since_ns=since, until_ns=until, duration=duration, spread=spread, next_light=following
    )
    if not len(controller):
        return changed
    new = LightHistory(
        controller=controller,
        group=group,
        light=light,
        since_ns=began,
        until_ns=np.zeros(len(began), np.int64),
        duration=np.full(len(began), np.nan),
        spread=np.full(len(began), np.nan),
        next_light=np.zeros(len(began), np.uint8),
    )
    return LightHistory.concatenate([changed, new])


@numba.njit(cache=True)
def _row(h_controller: U16, h_group: U8, h_light: U8, start: int, light: int) -> int:
    """Return the row of a light of the group whose rows begin at `start`, -1 if it was never seen."""
    row = start
    while row < h_light.size and h_controller[row] == h_controller[start] and h_group[row] == h_group[start]:
        if h_light[row] == light:
            return row
        row += 1
    return -1


@numba.njit(cache=True)
def _foresee(
    controller: U16, group: U8, light: U8, since: I64, min_end: I64, max_end: I64, time_ns: int,
    h_controller: U16, h_group: U8, h_light: U8, h_since: I64, h_duration: F64, h_spread: F64, h_next: U8,
    is_green: np.ndarray, spreads: float, least_spread: float,
) -> tuple[F64, F64, F64, F64, F64]:  # fmt: skip
    """Return earliest, likely and latest end, next start of green and its length, all in seconds from now."""
    count = controller.size
    earliest, likely, latest = np.full(count, np.nan), np.full(count, np.nan), np.full(count, np.nan)
    green, length = np.full(count, np.nan), np.full(count, np.nan)
    first = _starts(h_controller, h_group, controller, group)
    for k in range(count):
        start = first[k]
        here = -1
        if start < h_light.size and h_controller[start] == controller[k] and h_group[start] == group[k]:
            here = _row(h_controller, h_group, h_light, start, light[k])
        began = since[k] if since[k] > 0 else (h_since[here] if here >= 0 else 0)
        age = (time_ns - began) * 1e-9 if began > 0 else np.nan
        learnt = h_duration[here] - age if here >= 0 else np.nan
        if min_end[k] > 0:
            earliest[k] = max((min_end[k] - time_ns) * 1e-9, 0.0)
        if max_end[k] > 0:
            latest[k] = max((max_end[k] - time_ns) * 1e-9, 0.0)
        if latest[k] - earliest[k] < 0.15:
            likely[k] = latest[k]
        elif not np.isnan(learnt):
            likely[k] = learnt
            if min_end[k] > 0:
                likely[k] = max(likely[k], earliest[k])
            if max_end[k] > 0:
                likely[k] = min(likely[k], latest[k])
            # a light that outlasts what was learnt disproves it
            if likely[k] < -spreads * least_spread:
                likely[k] = np.nan
            else:
                likely[k] = max(likely[k], 0.0)
        if min_end[k] <= 0 and max_end[k] <= 0 and here >= 0 and not np.isnan(h_spread[here]):
            around = spreads * max(h_spread[here], least_spread)
            earliest[k], latest[k] = max(likely[k] - around, 0.0), likely[k] + around
        if is_green[light[k]]:
            green[k], length[k] = 0.0, age + likely[k]
            continue
        wait, row = likely[k], here
        for _ in range(CHAIN):
            if row < 0 or np.isnan(wait):
                break
            following = h_next[row]
            if following == 0:
                # never seen to end yet: green is what follows red
                if h_light[row] == _RED:
                    green[k] = wait
                break
            row = _row(h_controller, h_group, h_light, start, following)
            if row < 0:
                break
            if is_green[following]:
                green[k], length[k] = wait, h_duration[row]
                break
            wait += h_duration[row]
    return earliest, likely, latest, green, length


@step(period_s=0.1, reach_m=None)
def signal_forecasts(
    signals: Signals, light_history: LightHistory, *, time_ns: int, config: SignalForecastConfig
) -> SignalForecasts:
    """Say for each group when its light ends and when it turns green next.

    Earliest and latest end are the controller's promise where it gives one, else what was learnt, widened by its
    spread; where neither is known they stay NaN rather than being guessed. The likely end is the promise where
    it leaves no choice, else the learnt length within it. A light that lasts longer than ever learnt has no
    likely end any more. The way to the next green follows the order of lights last seen.

    Reference: SAE J2735 TimeChangeDetails and T/CSAE 53-2020 TimeCountingDown give the three ends this meaning.
    """
    if not len(signals):
        return SignalForecasts.empty()
    earliest, likely, latest, green, length = _foresee(
        signals.controller, signals.group, signals.light, signals.since_ns, signals.min_end_ns, signals.max_end_ns,
        time_ns,
        light_history.controller, light_history.group, light_history.light, light_history.since_ns,
        light_history.duration, light_history.spread, light_history.next_light,
        _IS_GREEN, config.spreads, config.least_spread_s,
    )  # fmt: skip
    return SignalForecasts(
        controller=signals.controller,
        group=signals.group,
        light=signals.light,
        min_end=earliest,
        likely_end=likely,
        max_end=latest,
        next_green=green,
        next_green_duration=length,
    )

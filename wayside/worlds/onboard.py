"""What equipped vehicles say of themselves: satellite positions with errors, over a radio that loses some."""

from __future__ import annotations

import msgspec
import numpy as np

from wayside.table import F64
from wayside.v2x.tables import Reports
from wayside.worlds.draws import Stream, drift, normal, uniform
from wayside.worlds.road_surface import shaking
from wayside.worlds.tables import Truth

HARD_BRAKING = 1 << 7  # bit of VehicleEventFlags in the message set
HARD_BRAKING_BELOW = -3.92  # 0.4 g [m/s2], the usual threshold for the flag


class OnboardConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Errors of a positioning unit with corrections in a city, and of the radio [own assumptions]."""

    bias_sigma_m: float = 0.3  # slow part of the position error, per axis
    bias_spacing_s: float = 72.0  # the slow part has lost all but 1/e of its likeness after 60 s
    white_sigma_m: float = 0.05  # part that changes with each report, per axis
    speed_sigma: float = 0.05  # m/s
    heading_sigma: float = 0.01  # rad, at speed
    heading_slow_sigma: float = 0.05  # rad, near standstill
    yaw_rate_sigma: float = 0.005  # rad/s
    loss: float = 0.01  # share of reports that no roadside unit receives
    delay_min_ms: int = 10
    delay_max_ms: int = 20


def turn_rate(before: Truth, now: Truth, dt_s: float) -> F64:
    """Return each road user's rate of turn between two ticks [rad/s]; 0 for those who were not there before.

    Args:
        before: the earlier tick, in key order.
        now: the later tick; the result has its rows.
        dt_s: time between them [s].
    """
    if not len(before):
        return np.zeros(len(now))
    place = np.minimum(np.searchsorted(before.id, now.id), len(before) - 1)
    turned = now.heading - before.heading[place]
    turned = (turned + np.pi) % (2.0 * np.pi) - np.pi
    return np.where(before.id[place] == now.id, turned / dt_s, 0.0)


def report(
    truth: Truth,
    *,
    time_ns: int,
    config: OnboardConfig,
    seed: int,
    yaw_rate: F64 | None = None,
    roughness: F64 | None = None,
) -> Reports:
    """Return what equipped vehicles measured at this tick and a roadside unit received.

    Args:
        truth: every road user.
        time_ns: instant of the measurement [ns].
        config: errors and radio.
        seed: of the Run.
        yaw_rate: true rate of turn of each row of `truth` [rad/s], see `turn_rate`; zero if None.
        roughness: of the road under each row, like the International Roughness Index [m/km]; if None, nobody
            reports vertical acceleration.

    Limits: the position error does not know of high buildings; loss does not depend on distance.

    >>> truth = Truth.empty()
    >>> len(report(truth, time_ns=0, config=OnboardConfig(), seed=1))
    0
    """
    speaking = np.flatnonzero(truth.equipped)
    if config.loss > 0.0 and len(speaking):
        heard = uniform(seed, Stream.RADIO_LOSS, truth.id[speaking], time_ns) >= config.loss
        speaking = speaking[heard]
    rows = len(speaking)
    if not rows:
        return Reports.empty()
    sender = truth.id[speaking]
    white, slow = config.white_sigma_m, config.bias_sigma_m
    speed, acceleration = truth.speed[speaking], truth.acceleration[speaking]
    heading_sigma = np.where(speed > 1.0, config.heading_sigma, config.heading_slow_sigma)
    heading = truth.heading[speaking] + heading_sigma * normal(seed, Stream.OWN_HEADING, sender, time_ns)
    turning = np.zeros(rows) if yaw_rate is None else yaw_rate[speaking]
    span = config.delay_max_ms - config.delay_min_ms + 1
    delay_ms = config.delay_min_ms + (uniform(seed, Stream.RADIO_DELAY, sender, time_ns) * span).astype(np.int64)
    vertical = np.full(rows, np.nan)
    if roughness is not None:
        vertical = shaking(roughness[speaking], speed) * normal(seed, Stream.OWN_VERTICAL, sender, time_ns)
    return Reports(
        sender=sender,
        time_ns=np.full(rows, time_ns),
        received_ns=time_ns + delay_ms * 1_000_000,
        kind=truth.kind[speaking],
        x=truth.x[speaking]
        + slow * drift(seed, Stream.GNSS_SLOW_X, sender, time_ns, config.bias_spacing_s)
        + white * normal(seed, Stream.GNSS_WHITE_X, sender, time_ns),
        y=truth.y[speaking]
        + slow * drift(seed, Stream.GNSS_SLOW_Y, sender, time_ns, config.bias_spacing_s)
        + white * normal(seed, Stream.GNSS_WHITE_Y, sender, time_ns),
        heading=(heading + np.pi) % (2.0 * np.pi) - np.pi,
        speed=np.maximum(speed + config.speed_sigma * normal(seed, Stream.OWN_SPEED, sender, time_ns), 0.0),
        acceleration=acceleration,
        yaw_rate=turning + config.yaw_rate_sigma * normal(seed, Stream.OWN_YAW_RATE, sender, time_ns),
        vertical=vertical,
        length=truth.length[speaking],
        width=truth.width[speaking],
        position_sigma=np.full(rows, np.hypot(slow, white)),
        events=np.where(acceleration < HARD_BRAKING_BELOW, HARD_BRAKING, 0),
    )

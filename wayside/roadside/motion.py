"""How road users move: two models beside each other, and how each measurement divides belief between them.

The steady model keeps its velocity. The agile one has an acceleration that lasts for a while (Singer 1970). Both
carry a state for every track, and what they know is mixed before each step as in the interacting multiple model
filter (Blom and Bar-Shalom 1988). Both axes share one covariance; the error of a vehicle's own positioning is one
for both models.

In a record of `Tracks`, x, y and velocity are the mean of both models, `aside_*` is the agile state less the
steady one, and `agility` the probability of the agile model; `acceleration_x` and `acceleration_y` are its own.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

SECOND = 1e-9  # [s] in a nanosecond
VULNERABLE = 5  # kinds from here on are cyclists and pedestrians
LONGEST_S = 0.5  # longer spans are taken in parts, for the agile model's noise is that of short ones
LEAST = 4e-4  # no variance is believed to be smaller [m2], [m2/s2]
SURE = 0.995  # nor any model to be likelier
STEADY_VARIANCE_A = 0.09  # of the acceleration of what moves steadily [m2/s4]


@numba.njit(cache=True)
def advance(t: Any, time_ns: int, s: Any) -> None:
    """Carry the state of a track forward to an instant; states are never carried back."""
    span = (time_ns - t.time_ns) * SECOND
    if span <= 0.0:
        return
    parts = int(np.ceil(span / LONGEST_S))
    for _ in range(parts):
        _mix(t, span / parts, s)
        _carry(t, span / parts, s)
    t.time_ns = time_ns


@numba.njit(cache=True)
def _mix(t: Any, dt: float, s: Any) -> None:
    """Let each model begin a step from what both know, weighted by how likely it was to be the other before."""
    begin, end = min(dt / s.steady_time, 0.5), min(dt / s.agile_time, 0.5)
    agile = t.agility
    after = agile * (1.0 - end) + (1.0 - agile) * begin
    own_0 = (1.0 - agile) * (1.0 - begin) / (1.0 - after)
    own_1 = agile * (1.0 - end) / after
    dx, dy, du, dv = t.aside_x, t.aside_y, t.aside_velocity_x, t.aside_velocity_y
    ax, ay = t.acceleration_x, t.acceleration_y
    # how far the models lie apart, as a covariance
    pp, pv, vv = 0.5 * (dx * dx + dy * dy), 0.5 * (dx * du + dy * dv), 0.5 * (du * du + dv * dv)
    pa, va, aa = 0.5 * (dx * ax + dy * ay), 0.5 * (du * ax + dv * ay), 0.5 * (ax * ax + ay * ay)
    other_0, other_1 = 1.0 - own_0, 1.0 - own_1
    both_0, both_1 = own_0 * other_0, own_1 * other_1
    pp_0, pv_0, vv_0, pb_0, vb_0 = t.variance_p, t.covariance_pv, t.variance_v, t.covariance_pb, t.covariance_vb
    pp_1, pv_1, vv_1, pb_1, vb_1 = t.agile_pp, t.agile_pv, t.agile_vv, t.agile_pb, t.agile_vb
    t.variance_p = own_0 * pp_0 + other_0 * pp_1 + both_0 * pp
    t.covariance_pv = own_0 * pv_0 + other_0 * pv_1 + both_0 * pv
    t.variance_v = own_0 * vv_0 + other_0 * vv_1 + both_0 * vv
    t.covariance_pb = own_0 * pb_0 + other_0 * pb_1
    t.covariance_vb = own_0 * vb_0 + other_0 * vb_1
    t.agile_pp = own_1 * pp_1 + other_1 * pp_0 + both_1 * pp
    t.agile_pv = own_1 * pv_1 + other_1 * pv_0 + both_1 * pv
    t.agile_vv = own_1 * vv_1 + other_1 * vv_0 + both_1 * vv
    t.agile_pa = own_1 * t.agile_pa + both_1 * pa
    t.agile_va = own_1 * t.agile_va + both_1 * va
    t.agile_aa = own_1 * t.agile_aa + both_1 * aa
    t.agile_pb = own_1 * pb_1 + other_1 * pb_0
    t.agile_vb = own_1 * vb_1 + other_1 * vb_0
    t.agile_ab *= own_1
    t.acceleration_x, t.acceleration_y = own_1 * ax, own_1 * ay
    share = own_1 - other_0  # of what lay between the models, this still does
    t.aside_x, t.aside_y, t.aside_velocity_x, t.aside_velocity_y = share * dx, share * dy, share * du, share * dv
    t.agility = after


@numba.njit(cache=True)
def _carry(t: Any, dt: float, s: Any) -> None:
    """Move both models on."""
    vulnerable = t.kind >= VULNERABLE
    steady = s.steady_noise_vulnerable if vulnerable else s.steady_noise_vehicle
    variance_a = s.agile_variance_vulnerable if vulnerable else s.agile_variance_vehicle
    keep = np.exp(-dt / s.bias_time)
    lasts = np.exp(-dt / s.acceleration_time)
    gain_v = s.acceleration_time * (1.0 - lasts)  # what an acceleration adds to velocity and to position
    gain_p = s.acceleration_time * (dt - gain_v)
    ax, ay = t.acceleration_x, t.acceleration_y
    t.aside_x += dt * t.aside_velocity_x + gain_p * ax
    t.aside_y += dt * t.aside_velocity_y + gain_p * ay
    t.aside_velocity_x, t.aside_velocity_y = t.aside_velocity_x + gain_v * ax, t.aside_velocity_y + gain_v * ay
    t.x += dt * t.velocity_x + t.agility * gain_p * ax
    t.y += dt * t.velocity_y + t.agility * gain_p * ay
    t.velocity_x, t.velocity_y = t.velocity_x + t.agility * gain_v * ax, t.velocity_y + t.agility * gain_v * ay
    t.acceleration_x, t.acceleration_y = lasts * ax, lasts * ay
    t.variance_p += dt * (2.0 * t.covariance_pv + dt * t.variance_v) + steady * dt**3 / 3.0
    t.covariance_pv += dt * t.variance_v + steady * dt**2 / 2.0
    t.variance_v += steady * dt
    t.covariance_pb = keep * (t.covariance_pb + dt * t.covariance_vb)
    t.covariance_vb *= keep
    density = 2.0 * variance_a / s.acceleration_time
    va, aa = t.agile_va, t.agile_aa
    pv, pa = t.agile_pv + dt * t.agile_vv + gain_p * va, t.agile_pa + dt * va + gain_p * aa
    t.agile_pp += dt * (t.agile_pv + pv) + gain_p * (t.agile_pa + pa) + density * dt**5 / 20.0
    t.agile_pv = pv + gain_v * pa + density * dt**4 / 8.0
    t.agile_pa = lasts * pa + density * dt**3 / 6.0
    t.agile_vv += gain_v * (2.0 * va + gain_v * aa) + density * dt**3 / 3.0
    t.agile_va = lasts * (va + gain_v * aa) + density * dt**2 / 2.0
    t.agile_aa = lasts * lasts * aa + density * dt
    t.agile_pb = keep * (t.agile_pb + dt * t.agile_vb + gain_p * t.agile_ab)
    t.agile_vb = keep * (t.agile_vb + gain_v * t.agile_ab)
    t.agile_ab *= keep * lasts
    t.bias_x, t.bias_y = keep * t.bias_x, keep * t.bias_y
    t.variance_b = keep * keep * t.variance_b + (1.0 - keep * keep) * s.bias_variance


@numba.njit(cache=True)
def steady_noise(t: Any, s: Any) -> float:
    """Return the spectral density of a steady road user's acceleration [m2/s3]."""
    return float(s.steady_noise_vulnerable if t.kind >= VULNERABLE else s.steady_noise_vehicle)


@numba.njit(cache=True)
def expected(t: Any, dt: float) -> Any:
    """Return where a track is expected so many seconds from its instant, before it too [m]."""
    bent = 0.5 * t.agility * min(dt * dt, LONGEST_S**2)
    return t.x + t.velocity_x * dt + bent * t.acceleration_x, t.y + t.velocity_y * dt + bent * t.acceleration_y


@numba.njit(cache=True)
def spread(t: Any, dt: float, reported: bool, variance: float, s: Any) -> Any:
    """Return the variance per axis of the difference between a measured and the expected position [m2]."""
    agile = t.agility
    steady, both = 1.0 - agile, 0.5 * agile * (1.0 - agile)
    pp = steady * t.variance_p + agile * t.agile_pp + both * (t.aside_x**2 + t.aside_y**2)
    pv = steady * t.covariance_pv + agile * t.agile_pv
    pv += both * (t.aside_x * t.aside_velocity_x + t.aside_y * t.aside_velocity_y)
    vv = steady * t.variance_v + agile * t.agile_vv + both * (t.aside_velocity_x**2 + t.aside_velocity_y**2)
    aa = steady * STEADY_VARIANCE_A + agile * t.agile_aa
    total = pp + dt * (2.0 * pv + dt * vv) + aa * dt**4 / 4.0 + variance
    if reported:
        pb = steady * t.covariance_pb + agile * t.agile_pb
        vb = steady * t.covariance_vb + agile * t.agile_vb
        total += 2.0 * (pb + dt * vb) + t.variance_b
    return max(total, 1e-3)


@numba.njit(cache=True)
def agile_spread(t: Any, dt: float, variance: float) -> float:
    """Return that variance if the road user is agile, for a gate must not shut out what turns [m2]."""
    pp = t.agile_pp + dt * (2.0 * t.agile_pv + dt * t.agile_vv) + t.agile_aa * dt**4 / 4.0
    return float(pp + variance)


@numba.njit(cache=True)
def widen(t: Any, variance: float) -> None:
    """Add to the variance of position in both models [m2]."""
    t.variance_p += variance
    t.agile_pp += variance


@numba.njit(cache=True)
def correct(  # noqa: PLR0915 - one formula per state and covariance
    t: Any, zx: float, zy: float, hp: float, hv: float, ha: float, hb: float, variance: float, extra: float
) -> float:
    """Take in a measurement z of hp * position + hv * velocity + ha * acceleration + hb * bias.

    Args:
        t: record of the track.
        zx, zy: what was measured.
        hp, hv, ha, hb: of what.
        variance: of the measurement, per axis.
        extra: variance added for the steady model, which knows no acceleration.

    Returns:
        The squared surprise per axis, of the model that is less surprised.
    """
    agile = t.agility
    steady = 1.0 - agile
    # innovations of both models
    mx = hp * t.x + hv * t.velocity_x + hb * t.bias_x
    my = hp * t.y + hv * t.velocity_y + hb * t.bias_y
    dx = hp * t.aside_x + hv * t.aside_velocity_x
    dy = hp * t.aside_y + hv * t.aside_velocity_y
    ex_0, ey_0 = zx - mx + agile * dx, zy - my + agile * dy
    ex_1, ey_1 = zx - mx - steady * dx - ha * t.acceleration_x, zy - my - steady * dy - ha * t.acceleration_y
    p_0 = hp * t.variance_p + hv * t.covariance_pv + hb * t.covariance_pb
    v_0 = hp * t.covariance_pv + hv * t.variance_v + hb * t.covariance_vb
    b_0 = hp * t.covariance_pb + hv * t.covariance_vb + hb * t.variance_b
    total_0 = max(hp * p_0 + hv * v_0 + hb * b_0, 0.0) + variance + extra
    p_1 = hp * t.agile_pp + hv * t.agile_pv + ha * t.agile_pa + hb * t.agile_pb
    v_1 = hp * t.agile_pv + hv * t.agile_vv + ha * t.agile_va + hb * t.agile_vb
    a_1 = hp * t.agile_pa + hv * t.agile_va + ha * t.agile_aa + hb * t.agile_ab
    b_1 = hp * t.agile_pb + hv * t.agile_vb + ha * t.agile_ab + hb * t.variance_b
    total_1 = max(hp * p_1 + hv * v_1 + ha * a_1 + hb * b_1, 0.0) + variance
    squared_0, squared_1 = (ex_0**2 + ey_0**2) / total_0, (ex_1**2 + ey_1**2) / total_1
    # both models' states after the measurement
    kp_0, kv_0, kb_0 = p_0 / total_0, v_0 / total_0, b_0 / total_0
    kp_1, kv_1, ka_1, kb_1 = p_1 / total_1, v_1 / total_1, a_1 / total_1, b_1 / total_1
    odds = np.log(total_0 / total_1) + 0.5 * (squared_0 - squared_1)
    weight = agile * np.exp(min(max(odds, -20.0), 20.0))
    agile_after = min(max(weight / (weight + steady), 1.0 - SURE), SURE)
    steady_after = 1.0 - agile_after
    x_0, y_0 = t.x - agile * t.aside_x + kp_0 * ex_0, t.y - agile * t.aside_y + kp_0 * ey_0
    u_0 = t.velocity_x - agile * t.aside_velocity_x + kv_0 * ex_0
    w_0 = t.velocity_y - agile * t.aside_velocity_y + kv_0 * ey_0
    x_1, y_1 = t.x + steady * t.aside_x + kp_1 * ex_1, t.y + steady * t.aside_y + kp_1 * ey_1
    u_1 = t.velocity_x + steady * t.aside_velocity_x + kv_1 * ex_1
    w_1 = t.velocity_y + steady * t.aside_velocity_y + kv_1 * ey_1
    t.x, t.y = steady_after * x_0 + agile_after * x_1, steady_after * y_0 + agile_after * y_1
    t.velocity_x = steady_after * u_0 + agile_after * u_1
    t.velocity_y = steady_after * w_0 + agile_after * w_1
    t.aside_x, t.aside_y, t.aside_velocity_x, t.aside_velocity_y = x_1 - x_0, y_1 - y_0, u_1 - u_0, w_1 - w_0
    t.acceleration_x, t.acceleration_y = t.acceleration_x + ka_1 * ex_1, t.acceleration_y + ka_1 * ey_1
    t.bias_x += steady_after * kb_0 * ex_0 + agile_after * kb_1 * ex_1
    t.bias_y += steady_after * kb_0 * ey_0 + agile_after * kb_1 * ey_1
    t.variance_p = max(t.variance_p - kp_0 * p_0, LEAST)
    t.covariance_pv -= kp_0 * v_0
    t.variance_v = max(t.variance_v - kv_0 * v_0, LEAST)
    t.covariance_pb -= kp_0 * b_0
    t.covariance_vb -= kv_0 * b_0
    t.agile_pp = max(t.agile_pp - kp_1 * p_1, LEAST)
    t.agile_pv -= kp_1 * v_1
    t.agile_pa -= kp_1 * a_1
    t.agile_vv = max(t.agile_vv - kv_1 * v_1, LEAST)
    t.agile_va -= kv_1 * a_1
    t.agile_aa = max(t.agile_aa - ka_1 * a_1, LEAST)
    t.agile_pb -= kp_1 * b_1
    t.agile_vb -= kv_1 * b_1
    t.agile_ab -= ka_1 * b_1
    t.variance_b = max(t.variance_b - steady_after * kb_0 * b_0 - agile_after * kb_1 * b_1, LEAST)
    t.agility = agile_after
    return float(0.5 * min(squared_0, squared_1))


@numba.njit(cache=True)
def settle(t: Any, variance_p: float, variance_v: float, variance_a: float, variance_b: float) -> None:
    """Let both models begin in one state, of which only the mean is known, with these variances."""
    t.agility = 0.5
    t.aside_x = t.aside_y = t.aside_velocity_x = t.aside_velocity_y = 0.0
    t.acceleration_x = t.acceleration_y = 0.0
    t.variance_p = t.agile_pp = variance_p
    t.variance_v = t.agile_vv = variance_v
    t.agile_aa, t.variance_b = variance_a, variance_b
    t.covariance_pv = t.agile_pv = t.agile_pa = t.agile_va = 0.0
    forget_bias(t, variance_b)


@numba.njit(cache=True)
def forget_bias(t: Any, variance_b: float) -> None:
    """Know no more of the vehicle's own positioning than of any other's."""
    t.bias_x = t.bias_y = 0.0
    t.covariance_pb = t.covariance_vb = t.agile_pb = t.agile_vb = t.agile_ab = 0.0
    t.variance_b = variance_b


@numba.njit(cache=True)
def take_over(t: Any, other: Any) -> None:
    """Give a track the whole state of motion of another."""
    t.time_ns = other.time_ns
    t.x, t.y, t.velocity_x, t.velocity_y = other.x, other.y, other.velocity_x, other.velocity_y
    t.acceleration_x, t.acceleration_y, t.agility = other.acceleration_x, other.acceleration_y, other.agility
    t.aside_x, t.aside_y = other.aside_x, other.aside_y
    t.aside_velocity_x, t.aside_velocity_y = other.aside_velocity_x, other.aside_velocity_y
    t.variance_p, t.covariance_pv, t.variance_v = other.variance_p, other.covariance_pv, other.variance_v
    t.agile_pp, t.agile_pv, t.agile_pa = other.agile_pp, other.agile_pv, other.agile_pa
    t.agile_vv, t.agile_va, t.agile_aa = other.agile_vv, other.agile_va, other.agile_aa
    t.bias_x, t.bias_y, t.variance_b = other.bias_x, other.bias_y, other.variance_b
    t.covariance_pb, t.covariance_vb = other.covariance_pb, other.covariance_vb
    t.agile_pb, t.agile_vb, t.agile_ab = other.agile_pb, other.agile_vb, other.agile_ab

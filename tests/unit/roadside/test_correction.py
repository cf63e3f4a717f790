import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.roadside.correction import believed, straighten
from wayside.roadside.tables import Detections, PoleQuality


def known(**columns):
    values = {name: np.zeros((1, *column.shape), column.dtype) for name, column in PoleQuality.columns.items()}
    given = {name: np.asarray([value], values[name].dtype) for name, value in columns.items()}
    return PoleQuality(**values | {"pole": np.array([1], np.uint16)} | given)


def records(x, y, pole=1):
    rows = np.zeros(1, [(c.name, c.dtype) for c in Detections.columns.values()])
    rows["pole"], rows["x"], rows["y"], rows["time_ns"] = pole, x, y, 10_000_000_000
    return rows


def test_turn_shift_and_latency_are_undone_together():
    yaw, east, north = 0.02, 0.3, -0.2
    # where a pole at (10, 20) that is turned and shifted sees what stands at (70, 50)
    x = 10.0 + np.cos(yaw) * 60.0 - np.sin(yaw) * 30.0 + east
    y = 20.0 + np.sin(yaw) * 60.0 + np.cos(yaw) * 30.0 + north
    rows = records(x, y)
    straighten(rows, known(x=10.0, y=20.0, yaw_error=yaw, offset_x=east, offset_y=north, latency_s=0.12))
    assert (rows["x"][0], rows["y"][0]) == (pytest.approx(70.0), pytest.approx(50.0))
    assert rows["heading"][0] == pytest.approx(-yaw)
    assert rows["time_ns"][0] == 10_000_000_000 - 120_000_000


def test_a_misaligned_pole_is_turned_back_however_unsure_the_angle_is():
    rows = records(100.0, 0.0)
    straighten(rows, known(yaw_error=0.02, yaw_sigma=0.02, misaligned=True))
    assert rows["y"][0] == pytest.approx(-100.0 * np.sin(0.02))


def test_what_may_be_chance_is_left_alone():
    rows = records(100.0, 0.0)
    straighten(rows, known(yaw_error=0.002, yaw_sigma=0.001, latency_s=0.01, latency_sigma=0.02))
    assert (rows["x"][0], rows["y"][0], rows["time_ns"][0]) == (100.0, 0.0, 10_000_000_000)


def test_what_is_unknown_and_other_poles_are_left_alone():
    rows = records(100.0, 0.0, pole=2)
    straighten(rows, known(yaw_error=0.2, misaligned=True))
    assert rows["y"][0] == 0.0
    nan = float("nan")
    unknown = dict.fromkeys(("yaw_error", "yaw_sigma", "offset_x", "offset_y", "offset_sigma", "latency_s"), nan)
    rows = records(100.0, 0.0)
    straighten(rows, known(**unknown))
    assert (rows["x"][0], rows["y"][0], rows["time_ns"][0]) == (100.0, 0.0, 10_000_000_000)


def test_a_latency_beyond_belief_is_not_undone():
    rows = records(0.0, 0.0)
    straighten(rows, known(latency_s=5.0, latency_sigma=0.01))
    assert rows["time_ns"][0] == 10_000_000_000


@given(estimate=st.floats(-1.0, 1.0), sigma=st.floats(0.0, 1.0))
def test_never_more_than_the_estimate_is_believed_and_never_the_other_sign(estimate, sigma):
    share = believed(estimate, sigma)
    assert abs(share) <= abs(estimate)
    assert share * estimate >= 0.0

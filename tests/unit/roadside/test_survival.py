"""What sensors get wrong in the field, each shown by identity and error."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from benchmarks.manoeuvres import NOWHERE, Sensor, follow, manoeuvres, way
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.tracking import TrackConfig, track
from wayside.security.tables import Trust
from wayside.v2x.tables import Kind, Reports

START_NS = 1_000_000_000_000
TICK_NS = 100_000_000
EXACT = Sensor(sigma=0.0, missed=0.0, lasting=0.0)
STRAIGHT = manoeuvres()["straight, 15 m/s"]


@dataclass
class Rig:
    """A tracker and two cars that drive east, 3.5 m apart; what arrives is told tick by tick."""

    tracks: Tracks
    speed: float = 10.0

    def seen(self, tick: float, **columns: Any) -> Detections:
        """Return both cars as a pole sees them so many ticks after the start."""
        stamp = START_NS + round(tick * TICK_NS)
        values: dict[str, Any] = {
            "pole": 1, "time_ns": stamp, "number": np.arange(2), "received_ns": stamp, "kind": Kind.CAR,
            "x": np.full(2, 500.0 + self.speed * tick * 0.1), "y": np.array([500.0, 503.5]), "heading": 0.0,
            "speed": self.speed, "length": 4.5, "width": 1.8, "position_sigma": 0.2,
        } | columns  # fmt: skip
        return Detections(**{name: np.broadcast_to(value, 2) for name, value in values.items()})

    def tick(self, number: int, *lists: Detections, quality: PoleQuality | None = None) -> None:
        """Take in what arrives at a tick."""
        self.tracks = track(
            Reports.empty(), Detections.concatenate(lists).canonical() if lists else Detections.empty(),
            Trust.empty(), PoleQuality.empty() if quality is None else quality, self.tracks, road=NOWHERE,
            config=TrackConfig(), time_ns=START_NS + number * TICK_NS,
        ).canonical()  # fmt: skip

    def errors(self) -> Any:
        """Return the distances of both tracks from where the cars are, at the instants of the tracks."""
        there = self.tracks.take(np.argsort(self.tracks.y))
        true_x = 500.0 + self.speed * (there.time_ns - START_NS) * 1e-9
        return np.hypot(there.x - true_x, there.y - [500.0, 503.5])


@pytest.fixture
def rig():
    return Rig(Tracks.empty())


def settled(rig, ticks=15):
    for k in range(ticks):
        rig.tick(k + 1, rig.seen(k))
    return set(rig.tracks.id.tolist())


def test_two_sensors_at_the_same_stamp_are_both_taken_in(rig):
    for k in range(20):
        rig.tick(k + 1, rig.seen(k, y=np.array([500.2, 503.7])), rig.seen(k, pole=2, y=np.array([499.8, 503.3])))
    assert len(rig.tracks) == 2
    assert rig.errors().max() < 0.05


def test_a_frame_that_comes_late_behind_newer_ones_changes_no_identity_and_adds_no_error(rig):
    names = settled(rig)
    rig.tick(16, rig.seen(15))
    rig.tick(17, rig.seen(16), rig.seen(12, pole=2))
    rig.tick(18, rig.seen(17), rig.seen(10, pole=3))
    assert set(rig.tracks.id.tolist()) == names
    assert rig.errors().max() < 0.05


def test_frames_in_any_order_give_what_frames_in_order_give(rig):
    other = Rig(Tracks.empty())
    settled(rig)
    settled(other)
    for k in range(15, 35, 4):
        lists = [rig.seen(n, pole=1 + n % 2) for n in range(k, k + 4)]
        rig.tick(k + 4, *lists)
        other.tick(k + 4, *lists[::-1])
    assert rig.tracks == other.tracks
    assert rig.errors().max() < 0.05


def test_every_second_frame_of_a_pole_swapped_with_the_next_keeps_identities(rig):
    names = settled(rig)
    for k in range(15, 45, 2):
        rig.tick(k + 1, rig.seen(k))
        rig.tick(k + 2, rig.seen(k - 1))  # a scan older than one that has arrived
    assert set(rig.tracks.id.tolist()) == names
    assert rig.errors().max() < 0.1


@pytest.mark.parametrize(
    "missing", [("length", "width"), ("heading",), ("speed",), ("length", "width", "heading", "speed")]
)
def test_what_is_missing_in_a_detection_is_done_without(rig, missing):
    bare = dict.fromkeys(missing, np.nan)
    for k in range(30):
        rig.tick(k + 1, rig.seen(k, **bare))
    assert len(rig.tracks) == 2
    assert rig.errors().max() < 0.1
    assert np.allclose(rig.tracks.velocity_x, rig.speed, atol=0.2)


def test_off_every_lane_road_users_are_tracked_as_well():
    # NOWHERE has no lane where these drive: the map is not needed to see them
    followed = follow(way(10.0, 10.0), (EXACT,))
    assert followed.identities == 1
    assert followed.position.max() < 0.05


def test_a_pole_that_goes_silent_leaves_its_road_users_to_the_other(rig):
    for k in range(20):
        rig.tick(k + 1, rig.seen(k), rig.seen(k, pole=2))
    names = set(rig.tracks.id.tolist())
    for k in range(20, 40):
        rig.tick(k + 1, rig.seen(k, pole=2))
    assert set(rig.tracks.id.tolist()) == names
    assert rig.errors().max() < 0.05


def test_when_all_poles_go_silent_for_a_second_identities_come_back_and_after_three_they_are_gone(rig):
    names = settled(rig)
    for k in range(15, 25):
        rig.tick(k + 1)
    rig.tick(26, rig.seen(25))
    assert set(rig.tracks.id.tolist()) == names
    for k in range(26, 56):
        rig.tick(k + 1)
    assert len(rig.tracks) == 0


@pytest.mark.parametrize("early", [0.1, -0.1])
def test_clocks_100_ms_apart_cost_no_identity_and_the_place_stays_between_both_words(early):
    apart = early * 15.0  # the second pole sees everything so far behind
    exact = follow(STRAIGHT, (EXACT, EXACT._replace(pole=2, early_s=early)))
    assert exact.identities == 1
    assert ((exact.ahead > min(-apart, 0.0) - 0.05) & (exact.ahead < max(-apart, 0.0) + 0.05)).all()
    for seed in range(3):
        noisy = follow(STRAIGHT, (Sensor(), Sensor(pole=2, early_s=early)), seed)
        assert noisy.identities == 1
        assert 0.2 < noisy.ahead.mean() / -apart < 0.8  # neither is believed alone


def test_clocks_100_ms_apart_cost_nothing_once_the_difference_is_known():
    columns = {name: np.zeros((1, *column.shape), column.dtype) for name, column in PoleQuality.columns.items()}
    known = PoleQuality(**columns | {"pole": [2], "latency_s": [0.1], "latency_sigma": [0.002]})
    # a clock that is ahead makes positions older than their stamps say
    followed = follow(STRAIGHT, (EXACT, EXACT._replace(pole=2, early_s=0.1)), quality=known)
    assert followed.identities == 1
    assert followed.position.max() < 0.05

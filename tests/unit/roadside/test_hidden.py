import numpy as np
import pytest

from wayside.maps.drawing import ConnectionSketch, LaneSketch, draw, two_lane_road
from wayside.roadside.picture import PictureConfig, picture
from wayside.roadside.tables import Detections, PoleQuality, Tracks
from wayside.roadside.tracking import TrackConfig, track
from wayside.security.tables import Trust
from wayside.v2x.tables import Kind, Reports

START_NS = 1_000_000_000_000
TICK_NS = 100_000_000
RADIUS, SPEED = 20.0, 8.0
ANGLES = np.linspace(0.0, np.pi / 2.0, 31)
# straight on for 60 m, then a left bend of 20 m radius as the only way on, then north
LANES = [
    LaneSketch([(0.0, 0.0), (60.0, 0.0)]),
    LaneSketch(
        [(60.0 + RADIUS * float(np.sin(a)), RADIUS - RADIUS * float(np.cos(a))) for a in ANGLES], internal=True
    ),
    LaneSketch([(80.0, 20.0), (80.0, 120.0)]),
]
BEND = draw(LANES, connections=[ConnectionSketch(0, 2, via_lane=1)])


def place(way):
    """Return position and heading after a way along the lanes [m]."""
    bend = RADIUS * np.pi / 2.0
    if way < 60.0:
        return way, 0.0, 0.0
    if way < 60.0 + bend:
        angle = (way - 60.0) / RADIUS
        return 60.0 + RADIUS * np.sin(angle), RADIUS - RADIUS * np.cos(angle), angle
    return 80.0, 20.0 + way - 60.0 - bend, np.pi / 2.0


def drive(road, ticks, hidden=range(0)):
    """Let a car drive round the bend past a pole that loses sight of it; return the tracks of each tick."""
    tracks, all_tracks = Tracks.empty(), []
    for k in range(ticks):
        x, y, heading = place(SPEED * k * 0.1)
        now = START_NS + k * TICK_NS
        seen = Detections(
            pole=[1], time_ns=[now], number=[0], received_ns=[now], kind=[Kind.CAR], x=[x], y=[y],
            heading=[heading], speed=[SPEED], length=[4.5], width=[1.8], position_sigma=[0.2],
        )  # fmt: skip
        tracks = track(
            Reports.empty(), Detections.empty() if k in hidden else seen, Trust.empty(), PoleQuality.empty(),
            tracks, road=road, config=TrackConfig(), time_ns=now,
        ).canonical()  # fmt: skip
        all_tracks.append(tracks)
    return all_tracks


def shown(tracks, tick, road=BEND):
    return picture(tracks, road=road, time_ns=START_NS + tick * TICK_NS, config=PictureConfig())


# the car enters the bend at tick 75 and is hidden from there on
@pytest.mark.parametrize("hidden", [6, 10, 14])
def test_a_hidden_car_is_expected_along_its_lane_and_not_straight_on(hidden):
    gone = range(74, 74 + hidden)
    last = gone.stop - 1
    x, y, heading = place(SPEED * last * 0.1)
    on_lane = shown(drive(BEND, gone.stop, gone)[-1], last)
    road = two_lane_road(length=1.0)
    straight = shown(drive(road, gone.stop, gone)[-1], last, road)
    assert np.hypot(on_lane.x[0] - x, on_lane.y[0] - y) < 0.6
    assert abs(on_lane.heading[0] - heading) < 0.15
    if hidden == 10:  # without the map it is off, or too unsure to be shown
        assert not len(straight) or np.hypot(straight.x[0] - x, straight.y[0] - y) > 0.9


@pytest.mark.parametrize("hidden", [8, 12, 16])
def test_it_comes_back_under_its_own_identity(hidden):
    gone = range(74, 74 + hidden)
    tracks = drive(BEND, gone.stop + 5, gone)
    assert tracks[-1].id.tolist() == tracks[70].id.tolist()


def test_a_hidden_car_is_less_certain_with_each_tick():
    tracks = drive(BEND, 84, range(74, 84))
    sigma = [shown(tracks[k], k).position_sigma[0] for k in (73, 77, 80, 83)]
    assert sigma == sorted(sigma)


def test_its_measured_instant_stays_that_of_the_last_detection():
    tracks = drive(BEND, 84, range(74, 84))[-1]
    assert tracks.seen_ns[0] == START_NS + 73 * TICK_NS
    assert shown(tracks, 83).measured_ns[0] == START_NS + 73 * TICK_NS


def test_where_the_map_ends_a_hidden_car_goes_straight_on():
    stub = draw(LANES[:1])
    tracks = drive(stub, 84, range(73, 84))[-1]
    assert abs(tracks.y[0]) < 0.1

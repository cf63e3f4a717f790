from __future__ import annotations

import numpy as np
import pytest

from wayside.guidance.hazard import HazardAheadConfig, hazard_ahead
from wayside.guidance.speeding import SpeedLimitConfig, speed_limit
from wayside.guidance.wrong_way import WrongWayConfig, wrong_way
from wayside.maps.drawing import crossroads, draw, two_lane_road
from wayside.roadside.tables import Actors, IncidentKind, Incidents

ROAD = two_lane_road()


def incident(
    actors: Actors, row: int, *, kind: int = IncidentKind.STALLED_VEHICLE, confirmed: bool = True
) -> Incidents:
    values = {
        "kind": [kind],
        "actor": actors.id[[row]],
        "x": actors.x[[row]],
        "y": actors.y[[row]],
        "lane": actors.lane[[row]],
        "confirmed": [confirmed],
    }
    return Incidents(**{name: values.get(name, np.zeros(1)) for name in Incidents.columns})


def hazards(actors: Actors, incidents: Incidents, road=ROAD):
    return hazard_ahead(actors, incidents, road=road, config=HazardAheadConfig())


def test_an_incident_ahead_on_the_lane_is_told(actors_of):
    actors = actors_of([{"x": 100.0, "speed": 12.0}, {"x": 220.0}], ROAD)
    found = hazards(actors, incident(actors, 1))
    assert list(found.subject) == [100]
    assert list(found.other) == [101]
    assert found.value[0] == pytest.approx(120.0)
    assert found.lead[0] == pytest.approx(10.0)


def test_incidents_behind_beside_far_or_unsure_are_not_told(actors_of):
    actors = actors_of(
        [
            {"x": 300.0, "speed": 12.0},
            {"x": 100.0, "y": 3.5, "speed": 12.0},
            {"x": 20.0, "speed": 12.0},
            {"x": 220.0},
        ],
        ROAD,
    )
    assert len(hazards(actors, incident(actors, 3))) == 0
    near = actors_of([{"x": 100.0, "speed": 12.0}, {"x": 200.0}], ROAD)
    assert len(hazards(near, incident(near, 1, confirmed=False))) == 0


def test_an_incident_around_the_corner_is_told_with_the_way_to_it(actors_of):
    road = crossroads()
    # comes from the west; the incident stands on the northern exit, reached by turning left
    actors = actors_of(
        [{"x": -40.0, "y": -1.75, "speed": 10.0}, {"x": 1.75, "y": 50.0, "heading": np.pi / 2}], road
    )
    found = hazards(actors, incident(actors, 1), road)
    assert list(found.subject) == [100]
    assert 75 < found.value[0] < 95


def test_the_stalled_car_itself_is_not_told(actors_of):
    actors = actors_of([{"x": 100.0, "speed": 5.0}], ROAD)
    assert len(hazards(actors, incident(actors, 0))) == 0


def test_whoever_drives_the_wrong_way_is_told(actors_of):
    actors = actors_of([{"x": 100.0, "heading": np.pi, "speed": 8.0}], ROAD)
    found = wrong_way(actors, incident(actors, 0, kind=IncidentKind.WRONG_WAY), config=WrongWayConfig())
    assert list(found.subject) == [100]
    assert np.isnan(found.lead[0])
    assert len(wrong_way(actors, incident(actors, 0), config=WrongWayConfig())) == 0
    assert len(wrong_way(actors, Incidents.empty(), config=WrongWayConfig())) == 0


@pytest.mark.parametrize(("speed", "told"), [(13.0, 0), (16.5, 0), (17.0, 1), (30.0, 1)])
def test_only_clear_excess_over_the_limit_is_told(actors_of, speed, told):
    actors = actors_of([{"x": 100.0, "speed": speed}], ROAD)
    found = speed_limit(actors, road=ROAD, config=SpeedLimitConfig())
    assert len(found) == told
    if told:
        assert found.value[0] == pytest.approx(speed - 13.9)


def test_a_new_limit_counts_after_its_first_metres(actors_of):
    actors = actors_of([{"x": 10.0, "speed": 30.0}], ROAD)
    assert len(speed_limit(actors, road=ROAD, config=SpeedLimitConfig())) == 0


def test_a_map_without_lanes_has_no_limits(actors_of):
    assert len(speed_limit(actors_of([{"speed": 50.0}]), road=draw([]), config=SpeedLimitConfig())) == 0

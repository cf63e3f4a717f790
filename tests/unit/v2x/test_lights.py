"""Which light may follow which, and how spells of light are put together from messages."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from wayside.maps.drawing import crossroads
from wayside.signals.tables import Light
from wayside.v2x.conflicts import forbidden
from wayside.v2x.heard import Heard
from wayside.v2x.intersections import Plane, intersections_of, movements_of
from wayside.v2x.lights import GAP_NS, Lights, is_legal, light_now
from wayside.v2x.mapdata import map_message
from wayside.v2x.place import Place

RED, YELLOW, FLASHING = Light.RED, Light.YELLOW, Light.FLASHING_GREEN
PERMISSIVE, PROTECTED = Light.PERMISSIVE_GREEN, Light.PROTECTED_GREEN


@pytest.mark.parametrize(
    "cycle",
    [
        (PROTECTED, YELLOW, RED, PROTECTED),
        (PROTECTED, FLASHING, YELLOW, RED, PERMISSIVE, PROTECTED),
        (RED, Light.FLASHING_YELLOW, RED),
        (PROTECTED, Light.DARK, Light.UNAVAILABLE, PERMISSIVE),
        (YELLOW, Light.FLASHING_RED, RED),
    ],
)
def test_what_signals_do_is_legal(cycle: tuple[Light, ...]) -> None:
    for old, new in pairwise(cycle):
        assert is_legal(old, new, vehicles=True), (old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PROTECTED, RED), (PERMISSIVE, RED), (FLASHING, RED), (YELLOW, PROTECTED), (YELLOW, FLASHING),
        (RED, YELLOW), (FLASHING, PROTECTED), (RED, FLASHING),
    ],
)  # fmt: skip
def test_what_signals_must_not_do_is_not(old: Light, new: Light) -> None:
    assert not is_legal(old, new, vehicles=True)


def test_signals_for_people_may_end_green_without_yellow() -> None:
    assert is_legal(PROTECTED, RED, vehicles=False) and is_legal(FLASHING, RED, vehicles=False)
    assert is_legal(FLASHING, RED, vehicles=None) and not is_legal(PROTECTED, RED, vehicles=None)


def heard(instant: int, light: str, *, node: int = 5) -> Heard:
    phase = {"id": 1, "phaseStates": [{"light": light}]}
    value: dict[str, Any] = {"msgCnt": 0, "intersections": [{"intersectionId": {"id": node}, "phases": [phase]}]}
    return Heard(1, instant, True, "", "spatFrame", value, 40)


def test_equal_lights_make_one_spell_and_a_silence_begins_another() -> None:
    lights = Lights()
    for instant, light in ((0, "red"), (GAP_NS, "red"), (3 * GAP_NS, "red"), (3 * GAP_NS + 1, "protected-green")):
        lights.hear(heard(instant, light))
    lights.hear(heard(GAP_NS, "yellow"))  # late: passed over
    spells = lights.spells[(0, 5), 1]
    assert [(one.first, one.last, one.light) for one in spells] == [
        (0, GAP_NS, RED), (3 * GAP_NS, 3 * GAP_NS, RED), (3 * GAP_NS + 1, 3 * GAP_NS + 1, PROTECTED),
    ]  # fmt: skip


def test_the_light_shown_is_the_state_that_has_begun() -> None:
    later = {"light": "red", "timing": {"counting": {"startTime": 30, "likelyEndTime": 60}}}
    now = {"light": "yellow", "timing": {"counting": {"startTime": 0, "likelyEndTime": 30}}}
    assert light_now({"phaseStates": [later, now]}) is YELLOW
    assert light_now({"phaseStates": [{"light": "stop-And-Remain", "timing": {"startTime": 0}}]}) is RED
    assert light_now({"phaseStates": [{"light": {"...": 12}}]}) is Light.UNAVAILABLE


def test_a_crossroads_has_twelve_ways_and_one_pair_of_conflicting_phases() -> None:
    road = crossroads()
    made = map_message(road, Place.of(road), 0, 0.0, 0.0)
    assert made is not None
    (drawn,) = intersections_of(made.value)
    ways = list(movements_of(drawn))
    assert len(ways) == 12 and {way.connection.phase for way in ways} == {1, 2}
    for way in ways:
        # each begins at its stop line and ends beside another arm, 12 m out
        assert np.hypot(*(way.curve[0] - way.approach.points[-1])) < 1e-9
        assert 11.0 < np.abs(way.curve[-1]).max() < 13.0
    assert list(forbidden(drawn)) == [(1, 2, False)]


def test_a_way_to_another_stop_line_of_the_same_node_has_no_curve() -> None:
    road = crossroads()
    made = map_message(road, Place.of(road), 0, 0.0, 0.0)
    assert made is not None
    (node,) = made.value["nodes"]
    node["inLinks"][0]["lanes"][0]["connectsTo"][0]["remoteIntersection"] = node["id"]
    node["inLinks"][2]["upstreamNodeId"] = node["id"]  # nobody comes from elsewhere by the eastern road any more
    (drawn,) = intersections_of(made.value)
    turns = [(way.approach.link, way.connection.turn) for way in movements_of(drawn)]
    assert sum(link == 0 for link, _ in turns) == 1  # straight on leads to the eastern road
    assert (1, 2) not in turns and (3, 1) not in turns


def test_metres_agree_with_the_projection_of_the_map() -> None:
    road = crossroads()
    x, y = np.array([0.0, 150.0, -400.0]), np.array([0.0, -300.0, 250.0])
    latitude, longitude = Place.of(road).to_wire(x, y)
    plane = Plane(int(latitude[0]), int(longitude[0]))
    found = plane.metres(latitude.astype(np.float64), longitude.astype(np.float64))
    assert np.abs(np.hypot(*found.T) - np.hypot(x, y)).max() < 0.3  # the map's scale differs by its projection

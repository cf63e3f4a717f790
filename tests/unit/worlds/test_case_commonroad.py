"""CommonRoad scenes as cases: what is read and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from wayside.worlds.case_file import CaseError
from wayside.worlds.case_maps import map_of
from wayside.worlds.case_reading import cases_in

STATE = (
    "<position><point><x>{x}</x><y>0.5</y></point></position><orientation><exact>0.0</exact></orientation>"
    "<time><exact>{t}</exact></time>"
)


def lanelet(number: int, y: float, extra: str = "") -> str:
    def bound(name: str, at: float) -> str:
        points = "".join(f"<point><x>{x}</x><y>{at}</y></point>" for x in (0, 40, 100))
        return f"<{name}>{points}</{name}>"

    return f'<lanelet id="{number}">{bound("leftBound", y + 2)}{bound("rightBound", y - 2)}{extra}</lanelet>'


def scene(folder: Path, *, state: str = STATE, head: str = "", root: str = "commonRoad") -> Path:
    states = "".join(f"<state>{state.format(x=10 + t, t=t)}</state>" for t in (1, 2, 3))
    limit = "<trafficSignElement><trafficSignID>R2-1</trafficSignID><additionalValue>11.2</additionalValue>"
    right = '<adjacentLeft ref="8" drivingDir="same"/><trafficSignRef ref="9"/>'
    left = '<adjacentRight ref="7" drivingDir="same"/>'
    text = (
        f'{head}<{root} timeStepSize="0.1" benchmarkID="made up" source="by hand">'
        f"{lanelet(7, 0.0, right)}{lanelet(8, 4.0, left)}"
        f'<trafficSign id="9">{limit}</trafficSignElement></trafficSign>'
        '<dynamicObstacle id="3"><type>truck</type>'
        "<shape><rectangle><length>9.0</length><width>2.4</width></rectangle></shape>"
        f"<initialState>{state.format(x=10, t=0)}</initialState><trajectory>{states}</trajectory>"
        "</dynamicObstacle>"
        f"</{root}>"
    )
    file = folder / "scene.xml"
    file.write_text(text, "utf-8")
    return file


def test_obstacles_become_actors_and_lanelets_lanes(tmp_path: Path) -> None:
    (case,) = cases_in(scene(tmp_path))
    (actor,) = case.actors
    assert (actor.name, actor.kind, actor.length, actor.width) == ("3", "truck", 9.0, 2.4)
    assert [pose[0] for pose in actor.poses] == [0.0, 0.1, 0.2, 0.3]
    assert not case.exact
    road = map_of(case.map, Path(case.folder))
    assert road.lane_names == ("lanelet_7", "lanelet_8")
    assert road.lanes.number.tolist() == [0, 1]
    assert road.lanes.edge[0] == road.lanes.edge[1]
    assert road.lanes.width.tolist() == [4.0, 4.0]
    assert road.lanes.speed_limit.tolist() == [11.2, 40.0]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"head": "<!DOCTYPE a [<!ENTITY b 'c'>]>"}, "declares a document type"),
        ({"root": "OpenSCENARIO"}, "is <OpenSCENARIO>; expected a scene <commonRoad>"),
        (
            {"state": STATE.replace("{x}", "east")},
            "obstacle 3: position x: 'east' found; expected a finite number",
        ),
        ({"state": STATE.replace("point", "lanelet")}, "obstacle 3: no position that is a point"),
    ],
)
def test_what_is_wrong_with_a_scene_is_said(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(CaseError) as wrong:
        cases_in(scene(tmp_path, **changed))
    assert said in str(wrong.value)


def test_broken_xml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "scene.xml"
    file.write_text("<commonRoad>", "utf-8")
    with pytest.raises(CaseError, match="is not valid XML"):
        cases_in(file)

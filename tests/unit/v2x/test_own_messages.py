"""What our own edge sends passes our own check of conformance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from wayside.frame import Frame
from wayside.maps.drawing import ConnectionSketch, LaneSketch, crossroads, draw
from wayside.maps.programs import Program
from wayside.messages import Messages
from wayside.report import Verdict
from wayside.roadside.tables import Actors, Units
from wayside.signals.tables import Light, SignalControllers, SignalForecasts
from wayside.v2x.conformance import messages
from wayside.v2x.edge import EdgeConfig, V2xEdge
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.tables import Reports

START = 1_763_000_000_000_000_000
TICK = 100_000_000
NAN = float("nan")
# 10 s of green for the west-east road, then 10 s for the other; people walk beside the traffic that may go
CYCLE = (
    (7.0, (Light.PROTECTED_GREEN, Light.RED, Light.RED, Light.PERMISSIVE_GREEN)),
    (3.0, (Light.YELLOW, Light.RED, Light.RED, Light.RED)),
    (7.0, (Light.RED, Light.PROTECTED_GREEN, Light.PERMISSIVE_GREEN, Light.RED)),
    (3.0, (Light.RED, Light.YELLOW, Light.RED, Light.RED)),
)
UNITS = Units(unit=[1], x=[0.0], y=[0.0], range=[300.0], controller=[0])
CONTROLLERS = SignalControllers(controller=[0], x=[0.0], y=[0.0], unit=[1])


def forecasts(second: float) -> SignalForecasts:
    """Return what the four groups of the crossroads show, and when it ends."""
    ends = np.cumsum([duration for duration, _ in CYCLE])
    now = int(np.searchsorted(ends, second % 20.0, side="right"))
    left = np.full(4, ends[now] - second % 20.0)
    return SignalForecasts(
        controller=np.zeros(4),
        group=np.arange(1, 5),
        light=np.array(CYCLE[now][1]),
        min_end=left,
        likely_end=left,
        max_end=left,
        next_green=np.full(4, NAN),
        next_green_duration=np.full(4, NAN),
    )


def cars(second: float) -> dict[str, object]:
    """Return two cars: one from west to east, one from north to south ten seconds later."""
    return {
        "x": [-52.0 + 10.0 * second, -1.75],
        "y": [-1.75, 152.0 - 10.0 * second],
        "heading": [0.0, -np.pi / 2],
        "speed": [10.0, 10.0],
        "acceleration": [0.0, 0.0],
        "yaw_rate": [0.0, 0.0],
        "length": [4.5, 4.5],
        "width": [1.8, 1.8],
        "kind": [1, 1],
    }


def sent(edge: V2xEdge, seconds: int) -> Iterator[Messages]:
    for tick in range(seconds * 10):
        now, second = START + tick * TICK, tick / 10
        there = cars(second)
        said = Reports(
            sender=[8, 9],
            time_ns=[now] * 2,
            received_ns=[now] * 2,
            vertical=[np.nan] * 2,
            position_sigma=[0.4] * 2,
            events=[0] * 2,
            **there,
        )
        zeros = {c.name: np.zeros((2, *c.shape), c.dtype) for c in Actors.columns.values()}
        seen = Actors(
            **{**zeros, **{k: v for k, v in there.items() if k in zeros}, "id": [8, 9], "sources": [3, 3]}
        )
        yield edge.speak([said], now)
        yield edge.encode(Frame(now, [forecasts(second), seen]))


def test_messages_of_a_crossroads_meet_every_requirement(tmp_path: Path) -> None:
    edge = V2xEdge(EdgeConfig(), crossroads(), [UNITS, CONTROLLERS])
    lines = [
        json.dumps({"time_ns": one.time_ns, "link": str(one.link), "hex": one.payload.hex()})
        for batch in sent(edge, 24)
        for one in batch
    ]
    (tmp_path / "own.jsonl").write_text("\n".join(lines))
    found = messages.check(tmp_path / "own.jsonl", None)
    assert found.report is not None
    assert {line.id: line.verdict for line in found.report.lines if line.verdict is not Verdict.PASS} == {}
    assert found.facts["spatFrame"] == 240 and found.facts["mapFrame"] >= 23
    (vehicles,) = (grid.rows for grid in found.report.grids if grid.id == "check-vehicles")
    assert vehicles == (("1/256", 2, 0, 0, 0),)


@pytest.mark.parametrize(("states", "mark"), [(("GG", "Gr"), 36_000), (("rG", "Gr"), 36_001)])
def test_a_green_that_never_ends_is_told_as_more_than_an_hour(states: tuple[str, ...], mark: int) -> None:
    lanes = [LaneSketch([(-80, 0), (-10, 0)], controller=0), LaneSketch([(0, -80), (0, -10)], controller=0)]
    ends = [LaneSketch([(10, 0), (80, 0)]), LaneSketch([(0, 10), (0, 80)])]
    links = [ConnectionSketch(0, 2, controller=0, group=1), ConnectionSketch(1, 3, controller=0, group=2)]
    road = draw([*lanes, *ends], links, programs={0: Program((30.0, 30.0), states)})
    told = SignalForecasts(
        controller=[0], group=[1], light=[Light.PROTECTED_GREEN], min_end=[NAN], likely_end=[NAN], max_end=[NAN],
        next_green=[0.0], next_green_duration=[NAN],
    )  # fmt: skip
    frames = V2xEdge(EdgeConfig(), road, [UNITS, CONTROLLERS]).encode(Frame(START, [told]))
    (value,) = (codec_of(EDITION).decode(one.payload)["spatFrame"] for one in frames if one.payload[0] >> 4 == 3)
    (state,) = value["intersections"][0]["phases"][0]["phaseStates"]
    assert state["timing"]["counting"] == {"startTime": 0, "likelyEndTime": mark}

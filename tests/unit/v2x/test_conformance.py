"""Each fault planted in a recording of one crossroads is found by its own line, and by no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.checking import Checked
from wayside.maps.drawing import crossroads
from wayside.report import Grid, Verdict
from wayside.v2x.captures import CaptureError
from wayside.v2x.conformance import messages
from wayside.v2x.editions import EDITION, codec_of
from wayside.v2x.mapdata import map_message
from wayside.v2x.objects import EditionError
from wayside.v2x.place import Place

START = 1_763_000_000_000_000_000
TICK = 100_000_000
ROAD = crossroads()
PLACE = Place.of(ROAD)
MADE = map_message(ROAD, PLACE, 0, 0.0, 0.0)
assert MADE is not None
MAP = MADE.value
NODE = MAP["nodes"][0]["id"]
CYCLE_S = 20.0
LINE_M = -12.0  # where the western stop line lies
PEOPLE = {3: "red", 4: "red"}  # the groups of the two crosswalks
Frame = tuple[int, str, dict[str, Any]]  # instant of reception, link, value


def lights(second: float) -> dict[int, str]:
    """Return what the two vehicle groups show: 7 s of green, 3 s of yellow and 10 s of red each."""
    shown = {}
    for group, begins in ((1, 0.0), (2, 10.0)):
        at = (second - begins) % CYCLE_S
        shown[group] = "protected-green" if at < 7 else "yellow" if at < 10 else "red"
    return shown


def spat(now: int, shown: dict[int, str], count: int) -> dict[str, Any]:
    stamp = {"moy": minute(now), "timeStamp": now // 1_000_000 % 60_000}
    timing = {"counting": {"startTime": 0, "likelyEndTime": 50}}
    told = PEOPLE | shown
    phases = [{"id": group, "phaseStates": [{"light": light, "timing": timing}]} for group, light in told.items()]
    state = {"intersectionId": NODE, "status": {"bits": "0" * 16}, "phases": phases}
    return {"spatFrame": {"msgCnt": count % 128, **stamp, "intersections": [state]}}


def minute(now: int) -> int:
    year = np.datetime64(now, "ns").astype("datetime64[Y]")
    return int((np.datetime64(now, "ns") - year) // np.timedelta64(1, "m"))


def bsm(now: int, x: float, y: float, heading: float, speed: float, count: int) -> dict[str, Any]:
    latitude, longitude = PLACE.to_wire([x], [y])
    return {
        "bsmFrame": {
            "msgCnt": count % 128,
            "id": "00000000000000aa",
            "secMark": now // 1_000_000 % 60_000,
            "pos": {"lat": int(latitude[0]), "long": int(longitude[0])},
            "transmission": "forwardGears",
            "speed": round(speed / 0.02),
            "heading": int(PLACE.heading_to_wire(np.array([heading]))[0]),
            "accelSet": {"long": 0, "lat": 0, "vert": 0, "yaw": 0},
            "brakes": {},
            "size": {"width": 180, "length": 450},
            "vehicleClass": {"classification": 10},
        }
    }


def drive(second: float) -> tuple[float, float, float, float]:
    """Return x, y, heading and speed of a car that crosses from west to east and passes the line in green."""
    return -52.0 + 10.0 * second, -1.75, 0.0, 10.0


def recording(
    seconds: int = 30,
    *,
    shown: Callable[[float], dict[int, str]] = lights,
    path: Callable[[float], tuple[float, float, float, float]] = drive,
    spat_every: int = 1,
    late_ns: int = 0,
) -> Iterator[Frame]:
    """Yield what one unit and one car say: SPAT and BSM in every tick, MAP each second."""
    for tick in range(seconds * 10):
        now = START + tick * TICK
        heard = now + late_ns
        if tick % spat_every == 0:
            yield heard, "unit", spat(now, shown(tick / 10), tick // spat_every)
        if tick % 10 == 0:
            yield heard, "unit", {"mapFrame": {**MAP, "msgCnt": tick // 10 % 128, "timeStamp": minute(now)}}
        yield heard, "unit", bsm(now, *path(tick / 10), tick)


def written(path: Path, frames: Iterator[Frame]) -> Path:
    codec = codec_of(EDITION)
    lines = [
        json.dumps({"time_ns": at, "link": link, "hex": codec.encode(value).hex()}) for at, link, value in frames
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def verdicts(found: Checked) -> dict[str, Verdict]:
    assert found.report is not None
    return {line.id.removeprefix("A12-"): line.verdict for line in found.report.lines}


def failing(tmp_path: Path, frames: Iterator[Frame]) -> set[str]:
    found = messages.check(written(tmp_path / "a.jsonl", frames), None)
    return {name for name, verdict in verdicts(found).items() if verdict is Verdict.FAIL}


def grid(found: Checked, identity: str) -> Grid:
    assert found.report is not None
    return next(one for one in found.report.grids if one.id == identity)


def test_a_faultless_recording_meets_every_requirement(tmp_path: Path) -> None:
    found = messages.check(written(tmp_path / "a.jsonl", recording()), None)
    assert set(verdicts(found).values()) == {Verdict.PASS}, verdicts(found)
    assert found.facts["spatFrame"] == 300 and found.facts["seconds"] == 29.9
    assert grid(found, "check-vehicles").rows == (("1/256", 1, 0, 0, 0),)


def test_decoded_values_are_judged_like_octets(tmp_path: Path) -> None:
    lines = [json.dumps({"time_ns": at, "link": link, **value}) for at, link, value in recording()]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    found = messages.check(tmp_path / "a.jsonl", None)
    assert set(verdicts(found).values()) == {Verdict.PASS}


def test_without_instants_of_reception_the_stamps_serve_and_their_error_is_unknown(tmp_path: Path) -> None:
    codec = codec_of(EDITION)
    text = "\n".join(codec.encode(value).hex() for _, _, value in recording())
    (tmp_path / "a.hex").write_text(text)
    told = verdicts(messages.check(tmp_path / "a.hex", None))
    assert {name for name, verdict in told.items() if verdict is Verdict.UNKNOWN} == {
        "stamp-error", "age", "stamp-minute",
    }  # fmt: skip
    assert Verdict.FAIL not in told.values()


def test_too_few_and_too_many_spat_are_found(tmp_path: Path) -> None:
    assert failing(tmp_path, recording(spat_every=2)) == {"spat-rate-min"}
    doubled = ((at + extra, link, value) for at, link, value in recording() for extra in (0, TICK // 2))
    counted = _recounted(doubled)
    assert {"spat-rate-max", "map-rate-max", "bsm-rate-max"} <= failing(tmp_path, counted)


def _recounted(frames: Iterator[Frame]) -> Iterator[Frame]:
    for place, (at, link, value) in enumerate(frames):
        ((name, inner),) = value.items()
        yield at, link, {name: {**inner, "msgCnt": place % 128}}


def test_late_stamps_are_found(tmp_path: Path) -> None:
    assert failing(tmp_path, recording(late_ns=2_000_000_000)) == {"stamp-error", "age"}


def test_a_wrong_minute_is_found(tmp_path: Path) -> None:
    assert failing(tmp_path, recording(late_ns=600_000_000_000)) == {"stamp-error", "stamp-minute"}


def test_a_counter_that_stands_still_is_found(tmp_path: Path) -> None:
    frames = (
        (at, link, {"spatFrame": {**value["spatFrame"], "msgCnt": 5}} if "spatFrame" in value else value)
        for at, link, value in recording()
    )
    assert failing(tmp_path, frames) == {"count-back"}


def test_lost_messages_are_counted_from_the_counter(tmp_path: Path) -> None:
    frames = (frame for place, frame in enumerate(recording()) if place % 7)
    found = messages.check(written(tmp_path / "a.jsonl", frames), None)
    assert found.report is not None
    (lost,) = (line.measured for line in found.report.lines if line.id == "A12-count-lost")
    assert lost is not None and 0.12 < lost < 0.17


def test_a_phase_that_spat_leaves_out_is_found(tmp_path: Path) -> None:
    assert failing(tmp_path, recording(shown=lambda s: {1: lights(s)[1]})) == {"map-phases"}


def test_a_phase_that_map_does_not_know_is_found(tmp_path: Path) -> None:
    assert failing(tmp_path, recording(shown=lambda s: {**lights(s), 9: "red"})) == {"spat-phases"}


def test_an_intersection_without_map_is_found(tmp_path: Path) -> None:
    frames = (frame for frame in recording() if "mapFrame" not in frame[2])
    found = messages.check(written(tmp_path / "a.jsonl", frames), None)
    told = verdicts(found)
    assert told["map-spat-nodes"] is Verdict.UNKNOWN and told["green-conflict"] is Verdict.UNKNOWN
    assert told["red-passages"] is Verdict.UNKNOWN


def test_green_that_ends_without_yellow_is_found(tmp_path: Path) -> None:
    def shown(second: float) -> dict[int, str]:
        return {group: "red" if light == "yellow" else light for group, light in lights(second).items()}

    assert failing(tmp_path, recording(shown=shown)) == {"light-order"}
    found = messages.check(tmp_path / "a.jsonl", None)
    assert grid(found, "check-order").rows[0] == ("1/256", 1, "v2x.light_protected_green", "v2x.light_red", 2)


def test_conflicting_greens_are_found_by_the_ways_that_cross(tmp_path: Path) -> None:
    assert failing(tmp_path, recording(shown=lambda s: {1: lights(s)[1], 2: lights(s)[1]})) == {"green-conflict"}
    found = messages.check(tmp_path / "a.jsonl", None)
    assert grid(found, "check-conflicts").rows[0][:3] == ("1/256", 1, 2)


def test_a_car_that_passes_at_red_is_found(tmp_path: Path) -> None:
    def path(second: float) -> tuple[float, float, float, float]:
        return LINE_M - 100.0 + 10.0 * (second - 4.0), -1.75, 0.0, 10.0  # at the line after 14 s, 4 s into red

    assert failing(tmp_path, recording(path=path)) == {"red-passages"}


def test_a_car_that_stops_over_the_line_and_leaves_at_green_did_not_pass_at_red(tmp_path: Path) -> None:
    def path(second: float) -> tuple[float, float, float, float]:
        if second < 20.5:
            return min(LINE_M - 60.0 + 5.0 * second, LINE_M - 1.0), -1.75, 0.0, 5.0 if second < 11.8 else 0.0
        return LINE_M - 1.0 + 8.0 * (second - 20.5), -1.75, 0.0, 8.0

    assert failing(tmp_path, recording(40, path=path)) == set()


def test_a_car_that_stands_through_green_is_found(tmp_path: Path) -> None:
    long_green = lambda s: {1: "protected-green", 2: "red"}  # noqa: E731

    def path(second: float) -> tuple[float, float, float, float]:
        if second < 25:
            return LINE_M - 4.0, -1.75, 0.0, 0.0
        return LINE_M - 4.0 + 10.0 * (second - 25), -1.75, 0.0, 10.0

    assert failing(tmp_path, recording(32, shown=long_green, path=path)) == {"green-standing"}


def test_a_car_beside_its_lane_is_found(tmp_path: Path) -> None:
    def path(second: float) -> tuple[float, float, float, float]:
        return -52.0 + 10.0 * second, -3.3, 0.0, 10.0

    assert failing(tmp_path, recording(path=path)) == {"lane-offset"}


def test_a_turn_that_map_does_not_have_is_found(tmp_path: Path) -> None:
    def path(second: float) -> tuple[float, float, float, float]:
        if second < 5:
            return -52.0 + 10.0 * second, -1.75, 0.0, 10.0
        return -2.0 - 10.0 * (second - 5), 1.75, np.pi, 10.0  # back to where it came from

    assert failing(tmp_path, recording(path=path)) == {"turns"}


def test_a_bend_of_the_road_beyond_the_intersection_is_no_turn(tmp_path: Path) -> None:
    nodes = [_straight_on_alone(MAP["nodes"][0])]

    def path(second: float) -> tuple[float, float, float, float]:
        if second < 8:
            return drive(second)
        return 28.0, -1.75 + 10.0 * (second - 8), np.pi / 2, 10.0  # the road bends 40 m beyond the line

    frames = (
        (at, link, {"mapFrame": {**value["mapFrame"], "nodes": nodes}} if "mapFrame" in value else value)
        for at, link, value in recording(path=path)
    )
    assert failing(tmp_path, frames) == set()


def _straight_on_alone(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node without the connections that turn."""
    links = []
    for link in node["inLinks"]:
        lanes = []
        for lane in link["lanes"]:
            ways = [way for way in lane["connectsTo"] if not _turns(way)]
            lanes.append({**lane, "connectsTo": ways})
        links.append({**link, "lanes": lanes})
    return {**node, "inLinks": links}


def _turns(way: dict[str, Any]) -> bool:
    return "connectingLane" in way and way["connectingLane"]["maneuver"]["bits"][0] == "0"


def test_a_value_that_is_not_known_is_named_with_its_field(tmp_path: Path) -> None:
    def unknown(value: dict[str, Any]) -> dict[str, Any]:
        if "bsmFrame" in value:
            return {"bsmFrame": {**value["bsmFrame"], "speed": 8191}}
        return value

    frames = ((at, link, unknown(value)) for at, link, value in recording())
    found = messages.check(written(tmp_path / "a.jsonl", frames), None)
    assert verdicts(found)["minimum"] is Verdict.FAIL
    assert grid(found, "check-minimum").rows[0][:3] == ("bsmFrame", "speed", 300)


def test_what_is_heard_by_two_units_counts_once(tmp_path: Path) -> None:
    twice = (
        frame for at, link, value in recording() for frame in ((at, link, value), (at + 1_000_000, "other", value))
    )
    found = messages.check(written(tmp_path / "a.jsonl", twice), None)
    assert set(verdicts(found).values()) == {Verdict.PASS}
    assert found.facts["heard twice"] == found.facts["frames"]


def test_bad_lines_are_counted_by_reason_and_do_not_disturb_others(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", recording())
    path.write_text(path.read_text() + 'zz\n{"hex": "12b00204f4"}\n{"t": "noon", "hex": "12b0"}\n[1]\n')
    found = messages.check(path, None)
    assert {name for name, one in verdicts(found).items() if one is Verdict.FAIL} == {"unread"}
    counts = {row[0]: row[1] for row in grid(found, "check-unread").rows}
    assert counts == {"v2x.unread_line": 2, "v2x.unread_json": 1, "v2x.refused_truncated": 1}


def test_a_file_without_a_readable_message_is_an_error_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.hex").write_text("12b00204f4\n")
    with pytest.raises(CaptureError, match=r"truncated.*--edition any"):
        messages.check(tmp_path / "a.hex", None)


def test_an_unknown_edition_is_named_with_those_there_are(tmp_path: Path) -> None:
    from argparse import Namespace

    (tmp_path / "a.hex").write_text("104800499d0cb29f02bdc8fb7c\n")
    with pytest.raises(EditionError, match="csae53-2017"):
        messages.check(tmp_path / "a.hex", Namespace(edition="csae53-2018"))


def test_any_edition_says_which_can_be_meant(tmp_path: Path) -> None:
    from argparse import Namespace

    written(tmp_path / "a.jsonl", recording(2))
    found = messages.check(tmp_path / "a.jsonl", Namespace(edition="any"))
    assert found.facts["frames"] == 42
    rows = {row[0]: row[1:] for row in grid(found, "check-editions").rows}
    # SPAT and BSM without a path history are the same in 2019 and 2020; MAP never is
    assert rows["csae53-2020"][0] == 42 and rows["gbt31024-3-2019"][0] == 40
    counts = dict(grid(found, "check-ambiguity").rows)
    assert counts["v2x.ambiguous"] == 0 and counts["v2x.unreadable"] == 0 and sum(counts.values()) == 42

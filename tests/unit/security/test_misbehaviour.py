from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wayside.maps.drawing import draw, two_lane_road
from wayside.maps.road import RoadMap
from wayside.roadside.tables import Detections, Poles
from wayside.security.misbehaviour import (
    PRIVATE,
    MisbehaviourError,
    report_of,
    sender_observations,
    signature_observations,
)
from wayside.security.plausibility import PlausibilityConfig, judge_senders
from wayside.security.tables import (
    Distrust,
    Observation,
    Observations,
    PoleReach,
    Signatures,
    SignatureState,
    Trust,
)
from wayside.v2x.tables import Kind, Reports

ROAD = two_lane_road(4000.0)
EMPTY = draw([])
START, TICK = 1_000_000_000_000, 100_000_000
CONFIG = PlausibilityConfig()
Row = dict[str, Any]


def reports_of(rows: list[Row], now: int) -> Reports:
    """Return reports; what a row does not say is a car that stands at the origin and measured just now."""
    usual: Row = {
        "sender": 9, "time_ns": now, "received_ns": now, "kind": Kind.CAR, "x": 0.0, "y": 0.0, "heading": 0.0,
        "speed": 0.0, "acceleration": 0.0, "yaw_rate": 0.0, "vertical": 0.0, "length": 4.6, "width": 1.8,
        "position_sigma": 0.3, "events": 0,
    }  # fmt: skip
    return Reports(**{name: [{**usual, **row}[name] for row in rows] for name in usual}).canonical()


def watch(seconds: float, say: Any, *, road: RoadMap = ROAD, config: PlausibilityConfig = CONFIG) -> Any:
    """Judge what `say(t)` reports ten times a second; return who is distrusted when and why, and Trust."""
    trust, first = Trust.empty(), dict[int, tuple[float, Distrust]]()
    nothing = Detections.empty(), Poles.empty(), PoleReach.empty()
    for k in range(round(seconds * 10)):
        now = START + k * TICK
        said = reports_of(say(k / 10, now), now)
        trust = judge_senders(said, *nothing, trust, road=road, time_ns=now, config=config).canonical()
        for row in np.flatnonzero(trust.distrusted):
            first.setdefault(int(trust.sender[row]), (k / 10, Distrust(int(trust.reason[row]))))
    return first, trust


def car(t: float, pace: float, **more: Any) -> Row:
    return {"x": 20.0 + pace * t, "speed": pace, **more}


def test_a_speed_that_positions_contradict_is_found_below_a_jump() -> None:
    first, _ = watch(6.0, lambda t, now: [car(t, 10.0, speed=11.6)])
    assert first[9][1] == Distrust.SPEED_MISMATCH
    assert first[9][0] < 5.0


def test_a_speed_sensor_that_is_two_per_cent_off_is_honest() -> None:
    assert watch(20.0, lambda t, now: [car(t, 25.0, speed=25.5)])[0] == {}


def test_driving_backwards_of_what_is_said_is_found() -> None:
    first, _ = watch(6.0, lambda t, now: [car(t, 8.0, heading=3.1)])
    assert first[9][1] in (Distrust.WRONG_HEADING, Distrust.SPEED_MISMATCH)


def test_the_centre_of_a_long_vehicle_may_swing() -> None:
    def say(t: float, now: int) -> list[Row]:
        turn = 0.8 * t if t < 2 else 1.6
        front = (5.0 / 0.8 * np.sin(turn), 5.0 / 0.8 * (1 - np.cos(turn)))
        along = 5.0 * max(t - 2.0, 0.0)
        x, y = front[0] + along * np.cos(turn), front[1] + along * np.sin(turn)
        return [{
            "x": x - 8.0 * np.cos(turn), "y": y - 8.0 * np.sin(turn), "heading": turn, "speed": 5.0,
            "yaw_rate": 0.8 if t < 2 else 0.0, "length": 16.5,
        }]  # fmt: skip

    assert watch(6.0, say, road=EMPTY)[0] == {}


def test_too_many_messages_are_found_within_a_second() -> None:
    def say(t: float, now: int) -> list[Row]:
        return [
            {**car(t - early / 1000, 5.0), "time_ns": now - early * 1_000_000, "received_ns": now}
            for early in (0, 25, 50, 75)
        ]

    first, _ = watch(2.0, say)
    assert first[9] == (pytest.approx(0.5, abs=0.3), Distrust.FLOODING)


def test_ten_a_second_and_some_more_in_a_row_are_not_too_many() -> None:
    def say(t: float, now: int) -> list[Row]:
        often = (0, 50) if 2.0 <= t < 3.0 else (0,)
        return [{**car(t - early / 1000, 5.0), "time_ns": now - early * 1_000_000} for early in often]

    assert watch(6.0, say)[0] == {}


def test_messages_half_a_second_old_are_stale() -> None:
    first, _ = watch(3.0, lambda t, now: [car(t, 5.0, time_ns=now - 5 * TICK)])
    assert first[9][1] == Distrust.STALE


def test_repeating_another_to_the_last_decimal_is_found_and_the_other_is_believed() -> None:
    def say(t: float, now: int) -> list[Row]:
        rows = [car(t, 10.0, sender=7)]
        if t >= 1.0:
            rows.append(car(t - 0.1, 10.0, sender=9))
        return rows

    first, _ = watch(8.0, say)
    assert set(first) == {9}
    assert first[9][1] == Distrust.COPIES
    assert first[9][0] < 2.0


def test_a_ghost_that_comes_up_inside_a_vehicle_is_the_one_to_be_doubted() -> None:
    def say(t: float, now: int) -> list[Row]:
        wobble = 0.05 * np.sin(7 * t)
        rows = [car(t, 10.0, sender=7)]
        if t >= 2.0:
            rows.append({**car(t - 0.1, 10.0, sender=9), "y": wobble})
        return rows

    first, _ = watch(8.0, say)
    assert set(first) == {9}
    assert first[9][1] == Distrust.OVERLAPS


def test_one_that_stands_where_others_drive_is_the_ghost() -> None:
    def say(t: float, now: int) -> list[Row]:
        rows = [{"sender": 9, "x": 200.0}]
        for n in range(6):
            x = 20.0 + 12.0 * (t - 4.0 * n)
            if 20.0 <= x < 400.0:
                rows.append({"sender": 100 + n, "x": x, "speed": 12.0})
        return rows

    first, _ = watch(40.0, say)
    assert set(first) == {9}
    assert first[9][1] == Distrust.OVERLAPS


def test_vehicles_crammed_together_in_a_jam_are_honest() -> None:
    random = np.random.default_rng(1)

    def say(t: float, now: int) -> list[Row]:
        return [{"sender": 7 + n, "x": 200.0 + 0.8 * n + random.normal(0, 0.05)} for n in range(4)]

    assert watch(60.0, say)[0] == {}


def test_positions_that_tremble_more_than_claimed_are_found() -> None:
    random = np.random.default_rng(1)

    def say(t: float, now: int) -> list[Row]:
        x, y = random.uniform(-0.5, 0.5, 2)
        return [{**car(t, 10.0), "x": 20.0 + 10.0 * t + x, "y": y}]

    first, _ = watch(12.0, say)
    assert first[9][1] == Distrust.JITTER


def test_those_who_claim_less_accuracy_may_tremble() -> None:
    random = np.random.default_rng(1)

    def say(t: float, now: int) -> list[Row]:
        x, y = random.uniform(-0.5, 0.5, 2)
        return [{**car(t, 10.0, position_sigma=1.5), "x": 20.0 + 10.0 * t + x, "y": y}]

    assert watch(12.0, say)[0] == {}


def test_an_identity_changed_on_the_way_is_neither_lost_nor_doubted() -> None:
    first, trust = watch(20.0, lambda t, now: [car(t, 10.0, sender=7 + int(t // 3))])
    assert first == {}
    assert trust.root[trust.sender == 13].tolist() == [7]
    assert not trust.distrusted.any()


def test_a_liar_does_not_wash_itself_clean_with_a_new_identity() -> None:
    first, _ = watch(12.0, lambda t, now: [car(t, 10.0, speed=14.0, sender=7 if t < 6 else 8)])
    assert first[7][0] < 6.0
    assert first[8][0] == 6.0


def test_a_swarm_of_identities_off_the_road_is_refused_and_leaves_no_memory() -> None:
    def say(t: float, now: int) -> list[Row]:
        k = round(10 * t)
        return [{"sender": 1000 + 20 * k + n, "x": 300.0 * n, "y": 400.0, "speed": 20.0} for n in range(8)]

    first, trust = watch(20.0, say)
    assert len(first) > 8 * 195
    assert len(trust) <= 8 * 51


def test_what_is_unknown_speaks_against_nobody() -> None:
    unknown = dict.fromkeys(("heading", "speed", "acceleration", "yaw_rate", "length", "width"), np.nan)
    assert watch(5.0, lambda t, now: [{"x": 10.0 * t, **unknown}])[0] == {}


def test_observations_carry_the_numbers_of_the_standard() -> None:
    late = 5 * TICK
    _, trust = watch(1.0, lambda t, now: [car(t, 5.0, x=500.0 * (round(10 * t) % 2), received_ns=now + late)])
    seen = sender_observations(trust, time_ns=START, config=CONFIG)
    (jump,) = np.flatnonzero(seen.observation == Observation.JUMPS)
    assert (seen.target[jump], seen.id[jump]) == (3, 4)
    assert 0 < seen.degree[jump] <= 1
    (stale,) = np.flatnonzero(seen.observation == Observation.STALE)
    assert seen.target[stale] == PRIVATE


def observed(trust: Trust, kind: Observation) -> bool:
    return bool((trust.observed >> int(kind)) & 1)


def test_changes_no_vehicle_makes_are_observed() -> None:
    _, faster = watch(0.2, lambda t, now: [car(t, 5.0, speed=5.0 + 40.0 * t)])
    _, longer = watch(0.2, lambda t, now: [car(t, 5.0, length=4.6 + 10.0 * t)])
    assert observed(faster, Observation.IMPLAUSIBLE_SPEED)
    assert observed(longer, Observation.RESIZED)
    assert not observed(longer, Observation.IMPLAUSIBLE_SPEED)


def test_acceleration_beyond_any_brake_is_observed() -> None:
    for value, found in ((-10.0, False), (-12.5, True)):
        _, trust = watch(0.1, lambda t, now, value=value: [car(t, 5.0, acceleration=value)])
        assert observed(trust, Observation.ACCELERATION_TOO_LARGE) == found


def signatures(*rows: tuple[int, SignatureState]) -> Signatures:
    values: dict[str, Any] = {name: np.zeros(len(rows)) for name in Signatures.columns}
    values |= {"sender": [s for s, _ in rows], "state": [s for _, s in rows], "number": np.arange(len(rows))}
    return Signatures(**values)


def test_what_signatures_show_is_told_once_for_each_sender_and_blames_nobody_for_forged_ones() -> None:
    late, forged, good = SignatureState.EXPIRED, SignatureState.BAD, SignatureState.VALID
    table = signatures((7, late), (7, late), (8, forged), (9, good))
    seen = signature_observations(table, time_ns=START)
    assert seen.sender.tolist() == [7, 8]
    assert (seen.target[0], seen.id[0], seen.degree[0]) == (2, 5, 1.0)
    assert (seen.target[1], seen.degree[1]) == (PRIVATE, 0.0)


def test_a_report_keeps_what_the_standard_does_not_know_apart() -> None:
    seen = Observations(
        sender=[7, 7, 8], observation=[Observation.JUMPS, Observation.COPIES, Observation.FLOODING],
        time_ns=[START] * 3, target=[3, PRIVATE, 0], id=[4, PRIVATE, 1], degree=[1.0, 0.5, 1.0],
    )  # fmt: skip
    made = report_of(7, seen, [b"\x01\x02"], signer=bytes(range(8)), aid=111, place=(22.7, 114.35), time_ns=START)
    content = made["report"]["content"]
    assert content["observations"] == [{"tgtId": 3, "observations": [4]}]
    assert content["private"] == {"COPIES": 0.5}
    assert content["v2xPduEvidence"][0]["v2xPdus"] == ["0102"]
    assert made["observationLocation"] == {"latitude": 227_000_000, "longitude": 1_143_500_000}


def test_a_report_without_evidence_is_refused() -> None:
    seen = Observations(sender=[7], observation=[1], time_ns=[0], target=[3], id=[4], degree=[1.0])
    place = {"signer": bytes(8), "aid": 111, "place": (0.0, 0.0), "time_ns": START}
    with pytest.raises(MisbehaviourError, match="no message"):
        report_of(7, seen, [], **place)  # type: ignore[arg-type]
    with pytest.raises(MisbehaviourError, match="nothing was observed of sender 8"):
        report_of(8, seen, [b"1"], **place)  # type: ignore[arg-type]
    with pytest.raises(MisbehaviourError, match="has 2 octets"):
        report_of(7, seen, [b"1"], **{**place, "signer": b"12"})  # type: ignore[arg-type]

"""What a planted fault makes of a pole, and that it touches no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wayside.config import ConfigError, convert
from wayside.maps.sumo import read_net
from wayside.roadside.tables import Detections, PoleFault, Poles
from wayside.table import F64
from wayside.v2x.tables import Kind
from wayside.worlds.engine import WorldError
from wayside.worlds.faults import FaultConfig
from wayside.worlds.grid import make_grid
from wayside.worlds.pole_faults import MAGNITUDES, NAMES, PlantedPoleFault, PoleFaults
from wayside.worlds.sensing import SensingConfig, scan
from wayside.worlds.sumo import SumoConfig, open_world
from wayside.worlds.tables import Truth

S = 1_000_000_000
FROM = 60 * S
POLES = Poles(
    pole=[3, 4], x=[0.0, 20.0], y=[0.0, 0.0], range=[100.0] * 2, position_sigma=[0.3] * 2, controller=[-1] * 2
)


def crowd(moved: float = 0.0) -> Truth:
    angle, away = np.arange(24) * 2.0 * np.pi / 24, 30.0 + np.arange(24) * 1.5
    return Truth(
        id=np.arange(1, 25) * 7919,
        kind=np.where(np.arange(24) % 2, Kind.CAR, Kind.PEDESTRIAN),
        x=away * np.cos(angle) + moved,
        y=away * np.sin(angle),
        heading=np.zeros(24),
        speed=np.full(24, 5.0),
        acceleration=np.zeros(24),
        length=np.where(np.arange(24) % 2, 4.5, 0.5),
        width=np.where(np.arange(24) % 2, 1.8, 0.5),
        lane=np.zeros(24),
        equipped=np.zeros(24, np.bool_),
        automated=np.zeros(24),
    )


def planted(fault: str, **given: Any) -> PoleFaults:
    return PoleFaults([PlantedPoleFault(pole=3, fault=fault, from_s=60.0, **given)], POLES, 0)


def look(faults: PoleFaults | None, time_ns: int = FROM, *, exact: bool = True, **given: Any) -> Detections:
    config = SensingConfig(exact=exact, every={"hidden_share": 1.1})
    said = {"visibility": 12_000.0, "seed": 1, **given}
    truth = said.pop("truth", crowd())
    return scan(truth, POLES, time_ns=time_ns, config=config, faults=faults, **said)


def of(pole: int, seen: Detections) -> Detections:
    return seen.take(seen.pole == pole).canonical()


def places(seen: Detections) -> F64:
    return np.column_stack([seen.x, seen.y])


@pytest.mark.parametrize("fault", list(NAMES))
def test_before_its_time_and_for_other_poles_nothing_changes(fault: str) -> None:
    for time_ns, exact in ((FROM - S // 10, False), (FROM, False), (FROM + S, False)):
        healthy, ill = look(None, time_ns, exact=exact), look(planted(fault), time_ns, exact=exact)
        assert of(4, ill) == of(4, healthy)
        assert (of(3, ill) == of(3, healthy)) or time_ns >= FROM


@pytest.mark.parametrize("fault", list(NAMES))
def test_a_fault_with_an_end_is_over_then(fault: str) -> None:
    ill = planted(fault, until_s=70.0)
    look(ill, FROM)
    assert look(ill, 70 * S, exact=False) == look(None, 70 * S, exact=False)


def test_a_silent_pole_says_nothing() -> None:
    assert len(of(3, look(planted("silent")))) == 0


def test_a_frozen_pole_repeats_its_list_with_new_times() -> None:
    faults = planted("frozen")
    first = of(3, look(faults, FROM))
    later = of(3, look(faults, FROM + 2 * S, truth=crowd(moved=10.0)))
    assert np.array_equal(places(later), places(first)) and len(first) > 10
    assert (later.time_ns == FROM + 2 * S).all() and (later.received_ns > FROM + 2 * S).all()


def test_a_turned_pole_sees_everything_turned_about_itself() -> None:
    straight, ill = of(3, look(None)), of(3, look(planted("turned", value=3.0)))
    turned = np.degrees(np.arctan2(ill.y, ill.x))
    assert np.sort((np.degrees(np.arctan2(straight.y, straight.x)) + 3.0 + 180) % 360) == pytest.approx(
        np.sort((turned + 180) % 360), abs=0.003
    )


def test_a_shifted_pole_sees_everything_displaced() -> None:
    moved = places(of(3, look(planted("shifted", value=2.0, bearing=90.0)))) - places(of(3, look(None)))
    assert moved == pytest.approx(np.tile([0.0, 2.0], (24, 1)))


def test_a_wrong_clock_stamps_wrongly_and_changes_nothing_else() -> None:
    ill, healthy = of(3, look(planted("clock_offset", value=-0.25))), of(3, look(None))
    assert set((ill.time_ns - healthy.time_ns).tolist()) == {-250_000_000}
    assert np.array_equal(ill.received_ns, healthy.received_ns) and np.array_equal(places(ill), places(healthy))


def test_a_drifting_clock_goes_on_drifting() -> None:
    faults = planted("clock_drift", value=0.01)
    ahead = [int(of(3, look(faults, FROM + s * S)).time_ns[0]) - FROM - s * S for s in (0, 10, 30)]
    assert ahead == [0, 100_000_000, 300_000_000]


def test_late_lists_are_stamped_rightly() -> None:
    faults, late = planted("late", value=0.4), []
    for n in range(300):
        seen = of(3, look(faults, FROM + n * S // 10))
        assert (seen.time_ns == FROM + n * S // 10).all()
        late.append((seen.received_ns[0] - seen.time_ns[0]) * 1e-9)
    assert np.mean(late) == pytest.approx(0.48, abs=0.02) and np.std(late) > 0.08


def test_a_blind_sector_is_blind_and_the_rest_is_not() -> None:
    ill, healthy = of(3, look(planted("blind_sector", value=40.0, bearing=180.0))), of(3, look(None))
    away = np.abs(np.degrees(np.arctan2(healthy.y, -healthy.x)))
    assert len(ill) == (away > 20.0).sum() < len(healthy)


def test_a_short_sighted_pole_sees_half_as_far() -> None:
    ill = of(3, look(planted("short_sighted", value=0.5)))
    assert np.hypot(ill.x, ill.y).max() <= 50.0 and len(ill) == (30.0 + np.arange(24) * 1.5 <= 50.0).sum()


def test_ghosts_come_as_often_as_planted() -> None:
    faults = planted("ghosts", value=6.0)
    seen = sum(len(of(3, look(faults, FROM + n * S // 10, truth=Truth.empty()))) for n in range(1000))
    assert seen / 3 / 100.0 == pytest.approx(6.0, rel=0.1)  # each is seen in three scans


def test_a_noisy_pole_scatters_more_than_it_says() -> None:
    spread, stated = [], []
    for faults in (planted("noisy", value=4.0), None):
        seen = [of(3, look(faults, FROM + n * 3 * S, exact=False, seed=7)) for n in range(200)]
        stated.append(np.mean([one.position_sigma.mean() for one in seen]))
        true = places(of(3, look(None)))
        gaps = [np.hypot(*(p - true).T).min() for one in seen for p in places(one)]
        spread.append(np.median(gaps))
    assert spread[0] > 2.5 * spread[1]
    assert stated[0] == pytest.approx(stated[1], rel=0.01)


def test_a_misclassifying_pole_is_wrong_as_often_as_planted() -> None:
    faults, wrong = planted("misclassifying", value=0.5), []
    for n in range(200):
        seen, healthy = (of(3, look(one, FROM + n * S)) for one in (faults, None))
        wrong.append(np.mean(seen.kind != healthy.kind))
    assert np.mean(wrong) == pytest.approx(0.5, abs=0.03)


def test_faults_of_one_pole_add_up() -> None:
    both = [PlantedPoleFault(pole=3, fault=name, from_s=60.0) for name in ("silent", "clock_offset")]
    assert len(of(3, look(PoleFaults(both, POLES, 0)))) == 0
    twice = [PlantedPoleFault(pole=3, fault="clock_offset", value=0.1) for _ in range(2)]
    assert of(3, look(PoleFaults(twice, POLES, 0))).time_ns[0] == FROM + 200_000_000


def test_each_of_the_twelve_can_be_planted_and_is_told_once() -> None:
    assert len(PoleFault) == len(MAGNITUDES) == len(NAMES) == 12
    faults = PoleFaults([PlantedPoleFault(pole=3, fault=name, from_s=60.0) for name in NAMES], POLES, 0)
    assert faults.events(FROM - 1) == []
    told = faults.events(FROM)
    assert [event.facts["fault"] for event in told] == [f"pole_{name}" for name in NAMES]
    assert {event.facts["subject"] for event in told} == {3} and faults.events(FROM + S) == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"pole": 3, "fault": "turnt"}, "did you mean 'turned'"),
        ({"pole": 3, "fault": "turned", "value": 400.0}, "not between -180 and 180 deg"),
        ({"pole": 3, "fault": "short_sighted", "value": 2.0}, "not between 0 and 1"),
        ({"pole": 3, "fault": "turned", "value": float("nan")}, "not between"),
        ({"pole": 3, "fault": "late", "from_s": 9.0, "until_s": 4.0}, "not after"),
        ({"pole": 3, "fault": "late", "form_s": 9.0}, "form_s"),
    ],
)
def test_what_cannot_be_planted_is_refused_with_the_reason(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        convert({"poles": [given]}, FaultConfig, "here")


def test_a_pole_that_does_not_stand_is_refused() -> None:
    with pytest.raises(WorldError, match="pole 9, which does not stand; poles are 3, 4"):
        PoleFaults([PlantedPoleFault(pole=9, fault="late")], POLES, 0)


def test_a_simulated_city_plants_them_in_time_and_says_so(tmp_path: Path) -> None:
    grid = make_grid(tmp_path, streets=2, per_hour=600.0, walkers_per_hour=0.0)
    road = read_net(grid.net)
    crossings = np.flatnonzero(road.nodes.controller >= 0)[:2]
    poles = Poles(
        pole=[3, 4], x=road.nodes.x[crossings], y=road.nodes.y[crossings], range=[120.0] * 2,
        position_sigma=[0.3] * 2, controller=[-1] * 2,
    )  # fmt: skip
    faults = FaultConfig(poles=(PlantedPoleFault(pole=3, fault="silent", from_s=2.0),))
    world = open_world(
        SumoConfig(net=grid.net.name, routes=(grid.routes.name,), warm_up=60.0, faults=faults),
        folder=grid.net.parent, seed=1, start_ns=0, tick_ns=S // 10, seconds=4.0, road=road, assets=(poles,),
        edge=None,
    )  # fmt: skip
    heard: dict[int, set[int]] = {3: set(), 4: set()}
    events = []
    try:
        for tick in range(40):
            intake = world.poll(tick * S // 10)
            assert intake is not None
            seen = next(table for table in intake.tables if isinstance(table, Detections))
            for number in set(seen.pole.tolist()):
                heard[number].add(int(seen.time_ns[seen.pole == number].max()) // (S // 10))
            events += [event.facts for event in world.events() if event.kind == "planted"]
    finally:
        world.close()
    assert [(facts["fault"], facts["subject"], facts["from_ns"]) for facts in events] == [
        ("pole_silent", 3, 2 * S)
    ]
    assert 10 < max(heard[3]) <= 20 and max(heard[4]) > 30

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from wayside.roadside.quality import pole_findings, pole_quality
from wayside.roadside.quality_memory import PoleQualityConfig
from wayside.roadside.quality_objects import PoleObjectsConfig, pole_objects
from wayside.roadside.quality_pairs import PolePairsConfig, pole_pairs
from wayside.roadside.quality_sight import PoleSightConfig, pole_sight
from wayside.roadside.quality_tables import PoleObjects, PolePairs, PoleSight
from wayside.roadside.tables import Detections, PoleFault, PoleQuality, Poles, RoadWeather
from wayside.security.tables import Distrust, Trust
from wayside.supervision.tables import Rule
from wayside.v2x.tables import Kind, Reports

START_NS = 1_000_000_000_000
STEP_NS = 200_000_000
PERIOD_NS = 400_000_000
POLES = Poles(
    pole=np.array([1, 2, 3], np.uint16),
    x=np.array([0.0, 1000.0, 2000.0]),
    y=np.zeros(3),
    range=np.full(3, 90.0),
    position_sigma=np.full(3, 0.3),
    controller=np.full(3, -1, np.int32),
)
CARS = 32  # about each pole, on two roads that cross
Spoil = Callable[[Detections, float], Detections]


def traffic(instant: float, random: np.random.Generator) -> tuple[Reports, Detections]:
    """Return reports and detections at an instant [s]: cars both ways on two roads that cross at each pole."""
    number = np.arange(CARS)
    speed, way = np.full(CARS, 12.0), number % 4
    along = number // 4 * 34.0 + way * 8.5 + speed * instant  # they never meet where the roads cross
    road, lap = along % 272.0 - 136.0, (along // 272.0).astype(int)
    heading = np.array([0.0, np.pi / 2, np.pi, -np.pi / 2])[way]
    along_x, along_y = np.cos(heading), np.sin(heading)
    x, y = road * along_x + 3.0 * along_y, road * along_y - 3.0 * along_x
    time_ns = START_NS + round(instant * 1e9)
    rows = 3 * CARS
    sender = np.concatenate([10_000 * p + number + CARS * lap + 1 for p in range(3)])
    bias = 0.3 * np.random.default_rng(7).normal(size=(40_000, 2))[sender]
    x, y = np.concatenate([x, 1000.0 + x, 2000.0 + x]), np.tile(y, 3)
    speed, heading = np.tile(speed, 3), np.tile(heading, 3)
    some = np.ones(rows)
    columns = {name: np.zeros(rows, c.dtype) for name, c in Reports.columns.items()}
    columns |= {
        "sender": sender.astype(np.uint64), "time_ns": np.full(rows, time_ns), "kind": np.full(rows, Kind.CAR),
        "received_ns": np.full(rows, time_ns), "x": x + bias[:, 0], "y": y + bias[:, 1], "heading": heading,
        "speed": speed, "length": 4.5 * some, "width": 1.8 * some, "position_sigma": 0.3 * some,
    }  # fmt: skip
    pole = np.repeat([1, 2, 3], CARS)
    away = np.hypot(x - (pole - 1) * 1000.0, y)
    seen = (away < 88.0) & (random.random(rows) > 0.05)
    count = int(seen.sum())
    late = np.repeat(random.integers(60, 100, 3), CARS)[seen] * 1_000_000
    detections = Detections(
        pole=pole[seen].astype(np.uint16), time_ns=np.full(count, time_ns),
        number=np.arange(count, dtype=np.uint16),
        received_ns=time_ns + late, kind=np.full(count, Kind.CAR, np.uint8),
        x=x[seen] + random.normal(0, 0.4, count), y=y[seen] + random.normal(0, 0.4, count),
        heading=heading[seen] + random.normal(0, 0.04, count), speed=speed[seen] + random.normal(0, 0.2, count),
        length=np.full(count, 4.5), width=np.full(count, 1.8), position_sigma=np.full(count, 0.4),
    )  # fmt: skip
    return Reports(**columns).canonical(), detections


@dataclass
class Zone:
    """Three poles that are judged as traffic passes; only the first can be spoilt."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    trust: Trust = field(default_factory=Trust.empty)
    weather: RoadWeather = field(default_factory=RoadWeather.empty)
    objects: PoleObjects = field(default_factory=PoleObjects.empty)
    pairs: PolePairs = field(default_factory=PolePairs.empty)
    sight: PoleSight = field(default_factory=PoleSight.empty)
    quality: PoleQuality = field(default_factory=PoleQuality.empty)
    instant: float = 0.0

    def watch(self, seconds: float, spoil: Spoil | None = None) -> PoleQuality:
        begun = self.instant
        for _ in range(round(seconds * 1e9 / STEP_NS)):
            self.instant += STEP_NS * 1e-9
            reports, seen = traffic(self.instant, self.random)
            if spoil is not None:
                first = seen.pole == 1
                seen = Detections.concatenate([spoil(seen.take(first), self.instant - begun), seen.take(~first)])
            self.tick(seen.canonical(), reports)
        return self.quality

    def tick(self, seen: Detections, reports: Reports) -> None:
        now = START_NS + round(self.instant * 1e9)
        self.objects = pole_objects(seen, POLES, self.objects, config=PoleObjectsConfig(), time_ns=now).canonical()
        self.pairs = pole_pairs(
            seen, reports, POLES, self.trust, self.pairs, config=PolePairsConfig(), time_ns=now
        ).canonical()
        if now % PERIOD_NS == 0:
            self.sight = pole_sight(
                self.pairs, POLES, self.weather, self.sight, config=PoleSightConfig(), time_ns=now
            ).canonical()
        self.quality = pole_quality(
            seen,
            POLES,
            self.objects,
            self.pairs,
            self.sight,
            self.quality,
            config=PoleQualityConfig(),
            time_ns=now,
        ).canonical()


def turned(degrees: float) -> Spoil:
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return lambda d, _: d.replace(
        x=cosine * d.x - sine * d.y, y=sine * d.x + cosine * d.y, heading=d.heading + angle
    )


def frozen() -> Spoil:
    held: list[Detections] = []

    def again(seen: Detections, _: float) -> Detections:
        held[:] = held or [seen]
        rows = len(held[0])
        time_ns, received_ns = np.full(rows, seen.time_ns[0]), np.full(rows, seen.received_ns[0])
        return held[0].replace(time_ns=time_ns, received_ns=received_ns)

    return again


def ghosts() -> Spoil:
    random = np.random.default_rng(3)

    def more(seen: Detections, _: float) -> Detections:
        rows = np.zeros(2, np.int64)
        place = random.uniform(-40, 40, (2, 2))
        false = seen.take(rows).replace(
            number=np.array([900, 901], np.uint16),
            x=place[0],
            y=place[1],
            speed=np.zeros(2),
            heading=np.full(2, np.nan),
        )
        return Detections.concatenate([seen, false])

    return more


def noisy() -> Spoil:
    random = np.random.default_rng(4)
    return lambda d, _: d.replace(x=d.x + random.normal(0, 1.0, len(d)), y=d.y + random.normal(0, 1.0, len(d)))


def late() -> Spoil:
    random = np.random.default_rng(5)
    return lambda d, _: d.replace(received_ns=d.received_ns + int(random.integers(200, 600)) * 1_000_000)


SPOILT: dict[PoleFault, Spoil] = {
    PoleFault.SILENT: lambda d, _: d.take(slice(0, 0)),
    PoleFault.FROZEN: frozen(),
    PoleFault.TURNED: turned(1.5),
    PoleFault.SHIFTED: lambda d, _: d.replace(x=d.x + 1.2, y=d.y - 0.9),
    PoleFault.CLOCK_OFFSET: lambda d, _: d.replace(time_ns=d.time_ns + 250_000_000),
    PoleFault.CLOCK_DRIFT: lambda d, t: d.replace(time_ns=d.time_ns + round(t * 3e6)),
    PoleFault.LATE: late(),
    PoleFault.BLIND_SECTOR: lambda d, _: d.take(np.abs(np.arctan2(d.y, d.x)) > 0.5),
    PoleFault.SHORT_SIGHTED: lambda d, _: d.take(np.hypot(d.x, d.y) < 45.0),
    PoleFault.GHOSTS: ghosts(),
    PoleFault.NOISY: noisy(),
    PoleFault.MISCLASSIFYING: lambda d, _: d.replace(kind=np.where(d.number % 2, Kind.TRUCK, Kind.CAR)),
}


@pytest.mark.parametrize("fault", list(PoleFault), ids=lambda fault: fault.name.lower())
def test_each_fault_is_named_within_a_minute_and_its_neighbours_are_not_accused(fault: PoleFault) -> None:
    zone = Zone()
    assert not zone.watch(40).fault.any()
    quality = zone.watch(60, SPOILT[fault])
    assert quality.fault.tolist() == [fault, 0, 0]
    assert START_NS + 40e9 <= quality.since_ns[0] <= START_NS + 100e9
    assert 0.5 <= quality.confidence[0] <= 1.0
    assert quality.misaligned.tolist() == [fault == PoleFault.TURNED, False, False]


@pytest.mark.parametrize("seed", [1, 2])
def test_poles_in_order_are_not_accused_and_know_how_well_they_measure(seed: int) -> None:
    zone = Zone(random=np.random.default_rng(seed))
    quality = zone.watch(90)
    assert not quality.fault.any()
    assert (np.abs(np.degrees(quality.yaw_error)) < 0.15).all()
    assert (np.abs(quality.latency_s) < 0.03).all()
    assert quality.noise == pytest.approx(np.full(3, 0.4), abs=0.08)
    assert (quality.share_seen > 0.9).all()


def test_the_turn_is_measured_with_its_sign_and_the_pole_is_cleared_when_mended() -> None:
    zone = Zone()
    zone.watch(30)
    quality = zone.watch(60, turned(-2.0))
    assert np.degrees(quality.yaw_error[0]) == pytest.approx(-2.0, abs=0.15)
    mended = zone.watch(60)
    assert not mended.fault.any()
    assert mended.since_ns.tolist() == [0, 0, 0]


def test_latency_is_measured_though_lists_arrive_in_time() -> None:
    zone = Zone()
    zone.watch(30)
    quality = zone.watch(40, SPOILT[PoleFault.CLOCK_OFFSET])
    assert quality.latency_s[0] == pytest.approx(0.25, abs=0.03)
    assert 0.0 < quality.latency_sigma[0] < 0.03


def test_fog_that_shortens_all_poles_is_no_fault() -> None:
    zone = Zone()
    zone.watch(30)
    zone.weather = RoadWeather(
        **{
            name: np.array([60.0 if name == "visibility" else 1], c.dtype)
            for name, c in RoadWeather.columns.items()
        }
    )
    quality = zone.watch(60, lambda d, _: d.take(np.hypot(d.x, d.y) < 40.0))
    assert not quality.fault.any()


def test_a_verdict_stands_while_nobody_passes_who_reports() -> None:
    zone = Zone()
    zone.watch(30)
    told = zone.watch(40, turned(1.5))
    for _ in range(300):
        zone.instant += STEP_NS * 1e-9
        zone.tick(traffic(zone.instant, zone.random)[1].canonical(), Reports.empty())
    assert zone.quality.misaligned.tolist() == [True, False, False]
    assert zone.quality.yaw_error[0] == pytest.approx(told.yaw_error[0], abs=0.01)


def still(seconds: float, zone: Zone, noise: float, places: int = 3, many: int = 6) -> PoleQuality:
    """Let every pole see things that stand about it, with so much noise and so many decimals, and nothing else."""
    around = np.linspace(0.0, 2.0 * np.pi, many, endpoint=False)
    pole = np.repeat(POLES.pole, many)
    count = len(pole)
    for _ in range(round(seconds * 1e9 / STEP_NS)):
        zone.instant += STEP_NS * 1e-9
        now = START_NS + round(zone.instant * 1e9)
        columns = {name: np.full(count, np.nan if c.dtype.kind == "f" else 0, c.dtype)
                   for name, c in Detections.columns.items()}  # fmt: skip
        x, y = (np.tile(40.0 * side(around), len(POLES)) + zone.random.normal(0.0, noise, count)
                for side in (np.cos, np.sin))  # fmt: skip
        columns |= {
            "pole": pole, "number": np.arange(count), "time_ns": np.full(count, now),
            "received_ns": np.full(count, now + 80_000_000), "kind": np.full(count, Kind.CAR),
            "x": np.round(x, places) + POLES.x[pole - 1], "y": np.round(y, places), "speed": np.zeros(count),
            "position_sigma": np.full(count, 0.3),
        }  # fmt: skip
        zone.tick(Detections(**columns).canonical(), Reports.empty())
    return zone.quality


@pytest.mark.parametrize(
    ("noise", "places"), [(0.0, 3), (0.003, 3), (0.004, 1), (0.02, 1), (0.05, 1)],
    ids=["exact", "below the sensor's noise", "held in place", "in decimetres, quiet", "in decimetres"],
)  # fmt: skip
def test_a_list_of_things_that_stand_may_repeat_itself(noise: float, places: int) -> None:
    quality = still(60.0, Zone(), noise, places)
    assert not quality.fault.any()


def test_a_list_of_things_that_stand_is_frozen_where_they_always_trembled() -> None:
    zone = Zone()
    assert not still(20.0, zone, 0.1).fault.any()
    assert not still(12.0, zone, 0.0).fault.any()
    assert still(8.0, zone, 0.0).fault.tolist() == [PoleFault.FROZEN] * 3
    assert pole_findings(zone.quality).limit.tolist() == [15.0] * 3
    assert not still(8.0, zone, 0.1).fault.any()


def test_one_thing_that_stands_still_is_no_frozen_list() -> None:
    zone = Zone()
    still(30.0, zone, 0.1, many=1)
    assert not still(30.0, zone, 0.0, many=1).fault.any()


def test_senders_who_are_not_believed_teach_nothing() -> None:
    senders = np.arange(1, 40_000, dtype=np.uint64)
    columns = {name: np.zeros(len(senders), c.dtype) for name, c in Trust.columns.items()}
    columns |= {
        "sender": senders,
        "distrusted": np.ones(len(senders), np.bool_),
        "reason": np.full(len(senders), Distrust.JUMPS),
    }  # fmt: skip
    zone = Zone(trust=Trust(**columns))
    assert zone.watch(10).samples.tolist() == [0.0, 0.0, 0.0]


def test_the_order_of_rows_changes_nothing() -> None:
    one, other = Zone(), Zone()
    for _ in range(50):
        for zone in (one, other):
            zone.instant += STEP_NS * 1e-9
        reports, seen = traffic(one.instant, one.random)
        one.tick(seen, reports)
        shuffled = np.random.default_rng(2).permutation
        other.tick(seen.take(shuffled(len(seen))), reports.take(shuffled(len(reports))))
    assert one.quality == other.quality


def test_a_finding_names_the_fault_the_pole_and_the_measure() -> None:
    zone = Zone()
    zone.watch(30)
    findings = pole_findings(zone.watch(30, turned(-1.5)))
    assert findings.rule.tolist() == [Rule.POLE_MISALIGNED]
    assert findings.subject.tolist() == [1]
    assert findings.value[0] == pytest.approx(np.radians(1.5), abs=0.005)
    silent = pole_findings(zone.watch(20, SPOILT[PoleFault.SILENT]))
    assert silent.rule.tolist() == [Rule.POLE_SILENT]
    assert len(pole_findings(PoleQuality.empty())) == 0


def test_without_poles_there_is_nothing_to_judge() -> None:
    quality = pole_quality(
        Detections.empty(), Poles.empty(), PoleObjects.empty(), PolePairs.empty(), PoleSight.empty(),
        PoleQuality.empty(), config=PoleQualityConfig(), time_ns=START_NS,
    )  # fmt: skip
    assert len(quality) == 0

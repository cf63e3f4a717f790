import numpy as np
import pytest

from wayside.roadside.quality import PoleQualityConfig, pole_findings, pole_quality
from wayside.roadside.tables import Detections, PoleQuality, Poles
from wayside.security.tables import Trust
from wayside.supervision.tables import Rule
from wayside.v2x.tables import Kind, Reports

START_NS = 1_000_000_000_000
POLES = Poles(
    pole=[1, 2], x=[0.0, 1000.0], y=[0.0, 0.0], range=[90.0, 90.0], position_sigma=[0.3, 0.3], controller=[-1, -1]
)


def traffic(k, random, yaw, bias):
    """Return reports and detections at tick k: four lanes of cars past both poles, with a bias each."""
    time_ns = START_NS + k * 100_000_000
    number = np.arange(24)
    x0, lane = (number % 6) * 33.0, number // 6
    along = (x0 + 12.0 * 0.1 * k) % 200.0 - 100.0
    # each lap is another car
    lap = ((x0 + 12.0 * 0.1 * k) // 200.0).astype(int)
    x = np.concatenate([along, 1000.0 + along])
    y = np.tile(np.array([8.0, 11.5, -8.0, -11.5])[lane], 2)
    sender = np.concatenate([number + 100 * lap, 5000 + number + 100 * lap]) + 1
    error = bias * np.random.default_rng(7).normal(size=(20000, 2))
    reports = Reports(
        sender=sender.astype(np.uint64), time_ns=np.full(48, time_ns), received_ns=np.full(48, time_ns),
        kind=np.full(48, Kind.CAR), x=x + error[sender, 0], y=y + error[sender, 1], heading=np.zeros(48),
        speed=np.full(48, 12.0), acceleration=np.zeros(48), yaw_rate=np.zeros(48), length=np.full(48, 4.5),
        width=np.full(48, 1.8), position_sigma=np.full(48, 0.3), events=np.zeros(48),
    )  # fmt: skip
    pole = np.repeat([1, 2], 24)
    turn = np.where(pole == 1, yaw, 0.0)
    dx, dy = x - np.where(pole == 1, 0.0, 1000.0), y
    seen_x = np.cos(turn) * dx - np.sin(turn) * dy + np.where(pole == 1, 0.0, 1000.0)
    seen_y = np.sin(turn) * dx + np.cos(turn) * dy
    seen = (np.hypot(dx, dy) < 80.0) & (random.random(48) > 0.1)
    rows = int(seen.sum())
    detections = Detections(
        pole=pole[seen], time_ns=np.full(rows, time_ns), number=np.arange(rows),
        received_ns=np.full(rows, time_ns),
        kind=np.full(rows, Kind.CAR), x=seen_x[seen] + random.normal(0, 0.4, rows),
        y=seen_y[seen] + random.normal(0, 0.4, rows), heading=np.zeros(rows), speed=np.full(rows, 12.0),
        length=np.full(rows, 4.5), width=np.full(rows, 1.8), position_sigma=np.full(rows, 0.4),
    )  # fmt: skip
    return reports.canonical(), detections.canonical(), time_ns


def watch(ticks, yaw=0.0, *, bias=0.3, seed=0, start=0, before=None, trust=None):
    random = np.random.default_rng(seed)
    quality = PoleQuality.empty() if before is None else before
    for k in range(start, start + ticks):
        reports, detections, now = traffic(k, random, yaw, bias)
        quality = pole_quality(
            detections, reports, POLES, trust or Trust.empty(), quality, config=PoleQualityConfig(), time_ns=now
        ).canonical()
    return quality


@pytest.mark.parametrize("degrees", [1.5, -1.0])
def test_a_turned_pole_is_found_and_measured_and_its_neighbour_is_not(degrees):
    quality = watch(450, np.radians(degrees))
    assert quality.misaligned.tolist() == [True, False]
    assert np.degrees(quality.yaw_error) == pytest.approx([degrees, 0.0], abs=0.25)
    assert (quality.yaw_sigma > 0).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_pole_is_accused_while_vehicles_err_by_their_usual_bias(seed):
    quality = watch(300, 0.0, seed=seed)
    assert not quality.misaligned.any()


def test_a_pole_knocked_in_service_is_found_within_a_minute_and_cleared_when_mended():
    quality = watch(300)
    quality = watch(600, np.radians(1.5), start=300, before=quality)
    assert quality.misaligned.tolist() == [True, False]
    since = quality.since_ns[0]
    assert START_NS + 30e9 < since <= START_NS + 90e9
    mended = watch(1500, 0.0, start=900, before=quality)
    assert not mended.misaligned.any()
    assert mended.since_ns.tolist() == [0, 0]


def test_a_verdict_stands_while_nobody_passes():
    quality = watch(450, np.radians(1.5))
    later = quality
    for k in range(1, 40):
        now = int(quality.time_ns[0]) + k * 10_000_000_000
        later = pole_quality(
            Detections.empty(),
            Reports.empty(),
            POLES,
            Trust.empty(),
            later,
            config=PoleQualityConfig(),
            time_ns=now,
        ).canonical()
    assert later.misaligned.tolist() == [True, False]
    assert later.yaw_error[0] == pytest.approx(quality.yaw_error[0])
    assert np.isnan(later.yaw_sigma).all()


def test_distrusted_senders_teach_nothing():
    senders = np.arange(1, 20000, dtype=np.uint64)
    columns = {name: np.zeros(len(senders), column.dtype) for name, column in Trust.columns.items()}
    liars = Trust(**{**columns, "sender": senders, "distrusted": np.ones(len(senders), bool)})
    assert watch(60, np.radians(1.5), trust=liars).samples.tolist() == [0.0, 0.0]


def test_a_finding_names_the_pole_and_the_angle():
    quality = watch(450, np.radians(-1.5))
    findings = pole_findings(quality)
    assert findings.rule.tolist() == [Rule.POLE_MISALIGNED]
    assert findings.subject.tolist() == [1]
    assert findings.value[0] == pytest.approx(np.radians(1.5), abs=0.004)
    assert findings.limit[0] == pytest.approx(np.radians(0.5), abs=1e-4)
    assert len(pole_findings(PoleQuality.empty())) == 0


def test_a_pole_nobody_passes_is_unknown():
    quality = pole_quality(
        Detections.empty(), Reports.empty(), POLES, Trust.empty(), PoleQuality.empty(),
        config=PoleQualityConfig(), time_ns=START_NS,
    )  # fmt: skip
    assert np.isnan(quality.yaw_error).all()
    assert not quality.misaligned.any()

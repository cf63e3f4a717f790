"""The study of planted faults, on small Runs written by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from wayside.admission.tables import ZoneCorners
from wayside.guard.tables import MeasureOrders
from wayside.language import catalogue
from wayside.report import Verdict
from wayside.roadside.tables import PoleFault
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.v2x.tables import Kind
from wayside.world import Event
from wayside.worlds.studies import faults, planted
from wayside.worlds.tables import Truth

S = 1_000_000_000
START = 1_000 * S
TAXI, OTHER, CAR, GHOST = 2**63 + 5, 77, 42, 2**64 - 1


def at(second):
    return START + round(second * S)


class HandmadeRun:
    """What a study sees of a Run."""

    def __init__(self, events=(), tables=(), seconds=600):
        self.name = "handmade"
        self.ticks = START + np.arange(seconds * 10, dtype=np.int64) * (S // 10)
        self.road = SimpleNamespace(controller_names=("a", "b"))
        self.events = list(events)
        self._tables = {type(table): (np.array(ticks, np.int64), table) for ticks, table in tables}

    def rows(self, kind):
        return self._tables.get(kind, (np.empty(0, np.int64), kind.empty()))

    def asset(self, kind):
        return self.rows(kind)[1]


def fault(name, subject, second):
    return Event(at(second), "planted", {"fault": name, "subject": subject, "from_ns": at(second)})


def findings(*rows):
    """Make findings of (second, rule, subject, x, limit)."""
    return [at(r[0]) for r in rows], Findings(
        rule=[r[1] for r in rows],
        subject=np.array([r[2] for r in rows], np.uint64),
        x=[r[3] if len(r) > 3 else 0.0 for r in rows],
        y=np.zeros(len(rows)),
        since_ns=np.zeros(len(rows)),
        value=np.zeros(len(rows)),
        limit=[r[4] if len(r) > 4 else np.nan for r in rows],
    )


def truth(*rows):
    """Make road users of (second, id, x, speed)."""
    count = len(rows)
    return [at(r[0]) for r in rows], Truth(
        id=np.array([r[1] for r in rows], np.uint64),
        kind=np.full(count, Kind.CAR),
        x=[r[2] for r in rows],
        y=np.zeros(count),
        heading=np.zeros(count),
        speed=[r[3] for r in rows],
        acceleration=np.zeros(count),
        length=np.full(count, 4.5),
        width=np.full(count, 1.8),
        lane=np.zeros(count),
        equipped=np.ones(count, np.bool_),
        automated=np.ones(count),
    )


def measure(second):
    return [at(second)], MeasureOrders(
        measure=[1], zone=[3], classes=[2], max_speed=[np.nan], closed=[True], since_ns=[at(second)],
        grace_until_ns=[at(second + 30)],
    )  # fmt: skip


def case(second, rule, subject):
    return [at(second)], Cases(
        case=[1], rule=[rule], subject=np.array([subject], np.uint64), x=[0.0], y=[0.0], opened_ns=[at(second)],
        since_ns=[at(second)], last_ns=[at(second)], worst=[1.0], limit=[np.nan], open=[True],
    )  # fmt: skip


ZONE = [START] * 4, ZoneCorners(zone=[3] * 4, number=range(4), x=[0, 100, 100, 0], y=[-9, -9, 9, 9])


def line(report, name):
    return next(one for one in report.lines if one.id == name)


def test_a_fault_is_found_by_its_rule_about_its_subject_after_it_was_planted():
    run = HandmadeRun(
        [fault("pole", 4, 90)], [findings((100, Rule.POLE_MISALIGNED, 4), (101, Rule.POLE_MISALIGNED, 4))]
    )
    report = planted([run])
    assert line(report, "P3-pole").measured == 1.0
    assert report.grids[0].rows[0][4:] == ("supervision.rule_pole_misaligned", 10.0)


@pytest.mark.parametrize(
    "row",
    [(100, Rule.POLE_MISALIGNED, 5), (80, Rule.POLE_MISALIGNED, 4), (100, Rule.SIGNAL_CONFLICT, 4)],
    ids=["another subject", "too early", "another rule"],
)
def test_other_findings_do_not_count_and_are_false(row):
    report = planted([HandmadeRun([fault("pole", 4, 90)], [findings(row)])])
    assert line(report, "P3-pole").verdict is Verdict.FAIL
    assert report.grids[1].rows == ((f"supervision.rule_{Rule(row[1]).name.lower()}", 0, 0, 1),)


@pytest.mark.parametrize("kind", list(PoleFault), ids=lambda kind: kind.name.lower())
def test_each_fault_of_a_pole_is_found_by_the_rule_that_names_it_and_by_no_other(kind):
    event = fault(f"pole_{kind.name.lower()}", 3, 60.0)
    rule = Rule.POLE_MISALIGNED if kind == PoleFault.TURNED else Rule[f"POLE_{kind.name}"]
    other = Rule.POLE_LATE if kind != PoleFault.LATE else Rule.POLE_NOISY
    (right,), beside = faults(HandmadeRun([event], [findings((70.0, rule, 3))]))
    assert right.delay_s == pytest.approx(10.0)
    assert (beside[rule].planted, beside[rule].false) == (1, 0)
    (wrong,), beside = faults(HandmadeRun([event], [findings((70.0, other, 3))]))
    assert wrong.delay_s is None
    assert beside[other].false == 1


def test_what_was_not_planted_is_unknown():
    report = planted([HandmadeRun([fault("pole", 4, 90)])])
    assert line(report, "P4-forger").verdict is Verdict.UNKNOWN


def test_the_largest_identities_are_told_apart():
    run = HandmadeRun([fault("forger", GHOST, 10)], [findings((12, Rule.SENDER_DISTRUSTED, GHOST - 1))])
    assert line(planted([run]), "P4-forger").measured == 0.0
    run = HandmadeRun([fault("forger", GHOST, 10)], [findings((12, Rule.SENDER_DISTRUSTED, GHOST))])
    assert line(planted([run]), "P4-forger").measured == 1.0


def test_fog_is_found_when_the_measure_is_in_force_and_the_offender_has_a_case():
    events = [fault("fog", 0, 240), fault("offender", TAXI, 260)]
    tables = [measure(255), findings((290, Rule.CLOSED_ZONE, TAXI)), ZONE]
    assert line(planted([HandmadeRun(events, tables)]), "P1-fog").measured == 0.0
    tables.append(case(290.2, Rule.CLOSED_ZONE, TAXI))
    report = planted([HandmadeRun(events, tables)])
    assert line(report, "P1-fog").measured == 1.0
    assert [row[5] for row in report.grids[0].rows] == [15.0, 30.2]


def test_a_stalled_vehicle_is_recognised_by_its_place():
    there = truth((299, CAR, 50.0, 5.0), (310, CAR, 60.0, 0.0), (330, CAR, 60.0, 0.0))
    near = findings((330, Rule.STALLED_VEHICLE, 9001, 65.0))
    far = findings((330, Rule.STALLED_VEHICLE, 9001, 90.0))
    assert line(planted([HandmadeRun([fault("stall", CAR, 310)], [there, near])]), "P5-stall").measured == 1.0
    assert line(planted([HandmadeRun([fault("stall", CAR, 310)], [there, far])]), "P5-stall").measured == 0.0


def test_a_vehicle_that_really_was_in_the_closed_zone_is_no_false_finding():
    events = [fault("fog", 0, 240), fault("offender", TAXI, 260)]
    seen = findings((290, Rule.CLOSED_ZONE, OTHER))
    for x, others in ((50.0, (0, 1, 0)), (150.0, (0, 0, 1))):
        run = HandmadeRun(events, [measure(255), ZONE, seen, truth((290, OTHER, x, 8.0))])
        assert planted([run]).grids[1].rows == (("supervision.rule_closed_zone", *others),)


def test_a_vehicle_that_really_was_too_fast_is_no_false_finding():
    for speed, others in ((9.0, (0, 1, 0)), (7.0, (0, 0, 1))):
        seen = findings((290, Rule.SPEED_ABOVE_MEASURE, OTHER, 0.0, 8.0))
        run = HandmadeRun([fault("fog", 0, 240)], [seen, truth((290, OTHER, 1.0, speed))])
        assert planted([run]).grids[1].rows == (("supervision.rule_speed_above_measure", *others),)


def test_findings_are_counted_by_subject_not_by_tick():
    rows = [(100 + n / 10, Rule.SIGNAL_CONFLICT, subject) for n in range(50) for subject in (1, 2)]
    report = planted([HandmadeRun([fault("pole", 4, 90)], [findings(*rows)], seconds=3600)])
    assert report.grids[1].rows == (("supervision.rule_signal_conflict", 0, 0, 2),)
    assert line(report, "P8-false").measured == pytest.approx(2 / 2, rel=1e-3)  # two intersections for an hour


def test_several_runs_are_put_together():
    good = HandmadeRun([fault("charger", 3, 10)], [findings((15, Rule.CHARGER_ABOVE_ORDER, 3))])
    bad = HandmadeRun([fault("charger", 3, 10)])
    bad.name = "other"
    assert line(planted([good, bad]), "P6-charger").measured == 0.5
    assert [one.delay_s for one in faults(good)[0]] == [5.0]


def test_a_run_without_planted_faults_says_nothing():
    report = planted([HandmadeRun()])
    assert {one.verdict for one in report.lines} == {Verdict.UNKNOWN}
    assert not report.grids and not report.figures


def test_every_text_of_the_report_is_in_the_catalogue():
    run = HandmadeRun([fault("charger", 3, 10)], [findings((15, Rule.CHARGER_ABOVE_ORDER, 3))])
    report = planted([run])
    keys = [one.text for one in report.lines] + [*report.notes]
    for grid in report.grids:
        keys += [grid.text, *grid.headings]
    for figure in report.figures:
        keys += [figure.text, figure.x_text, figure.y_text, *(series.text for series in figure.series)]
        keys += list(figure.series[0].x)
    keys += [
        f"worlds.fault_{name}"
        for name in ("fog", "offender", "signal", "pole", "forger", "impostor", "stall", "charger")
    ]
    assert [key for key in keys if key not in catalogue()] == []

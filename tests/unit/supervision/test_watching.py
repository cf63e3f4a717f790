"""What is noted of permitted vehicles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayside.admission.tables import Permits
from wayside.supervision.tables import Rule

WELL = (77, 500.0, 100.0, 9.0)


def held(watch, rule):
    row = watch.take(watch.rule == rule)
    assert len(row) == 1
    return row


def test_a_vehicle_that_keeps_its_permit_is_only_remembered_as_heard(city):
    assert city.step([WELL]).rule.tolist() == [Rule.SILENT]


def test_a_vehicle_that_was_never_heard_is_not_silent(city):
    assert len(city.step([], seconds=100)) == 0


def test_vehicles_without_a_permit_are_nobodys_business(city):
    assert len(city.step([(5, 9000.0, 0.0, 50.0)], [(6, 9000.0, 0.0, 50.0)])) == 0
    city.permits = Permits.empty()
    assert len(city.step([WELL])) == 0


@pytest.mark.parametrize(("x", "outside"), [(999.5, False), (1000.9, False), (1001.5, True), (1080.0, True)])
def test_a_vehicle_is_outside_from_a_metre_beyond_the_border(city, x, outside):
    city.step([(77, x, 100.0, 9.0)])
    assert (Rule.OUTSIDE_ZONE in city.rules()) == outside
    if outside:
        assert held(city.before, Rule.OUTSIDE_ZONE).value[0] == pytest.approx(x - 1000)


def test_a_zone_without_an_outline_is_not_judged(city):
    city.permits = city.permits.replace(zone=[9])
    assert city.step([WELL]).rule.tolist() == [Rule.SILENT]


@pytest.mark.parametrize(("speed", "fast"), [(10.7, False), (10.9, True)])
def test_speed_is_above_the_permit_beyond_five_percent_and_a_kilometre_an_hour(city, speed, fast):
    city.step([(77, 500.0, 100.0, speed)])
    assert (Rule.SPEED_ABOVE_PERMIT in city.rules()) == fast


def test_the_fused_picture_counts_more_than_the_vehicles_own_word(city):
    city.step([(77, 500.0, 100.0, 5.0)], [(77, 1300.0, 100.0, 20.0)])
    assert {Rule.OUTSIDE_ZONE, Rule.SPEED_ABOVE_PERMIT} <= city.rules()


def test_a_condition_keeps_its_beginning_until_it_has_been_gone_for_a_second(city):
    city.step([(77, 500.0, 100.0, 15.0)])
    begin = city.now
    city.step([], seconds=0.5)
    city.step([(77, 500.0, 100.0, 15.0)], seconds=0.4)
    assert held(city.before, Rule.SPEED_ABOVE_PERMIT).since_ns[0] == begin
    assert held(city.before, Rule.SPEED_ABOVE_PERMIT).last_ns[0] == city.now
    city.step([WELL], seconds=1.1)
    assert Rule.SPEED_ABOVE_PERMIT not in city.rules()


def test_a_cap_holds_in_its_zone_after_the_grace_and_for_its_classes_alone(city):
    city.measure(cap=5.0, grace_s=10.0)
    inside, outside = (77, 500.0, 500.0, 9.0), (77, 500.0, 100.0, 9.0)
    city.step([inside], seconds=9.9)
    assert Rule.SPEED_ABOVE_MEASURE not in city.rules()
    city.step([outside], seconds=0.2)
    assert Rule.SPEED_ABOVE_MEASURE not in city.rules()
    city.step([inside])
    row = held(city.before, Rule.SPEED_ABOVE_MEASURE)
    assert row.value[0] == 9.0 and row.limit[0] == 5.0
    city.measure(cap=5.0, classes=0b100)
    city.step([inside], seconds=5)
    assert Rule.SPEED_ABOVE_MEASURE not in city.rules()


def test_a_closed_zone_may_be_stood_in_but_not_driven_in(city):
    city.measure(closed=True)
    city.step([(77, 500.0, 500.0, 0.6)])
    assert Rule.CLOSED_ZONE not in city.rules()
    city.step([(77, 500.0, 500.0, 3.0)])
    assert held(city.before, Rule.CLOSED_ZONE).value[0] == 3.0
    assert Rule.SPEED_ABOVE_MEASURE not in city.rules()


@pytest.mark.parametrize(
    ("window", "hour", "outside"),
    [((480, 1200), 12, False), ((480, 1200), 21, True), ((1320, 300), 12, True), ((1320, 300), 23, False),
     ((1320, 300), 4, False), ((0, 1440), 0, False), ((600, 600), 3, False)],
)  # fmt: skip
def test_hours_are_local_and_may_pass_midnight(city, window, hour, outside):
    city.permits = city.permits.replace(from_minute=[window[0]], until_minute=[window[1]])
    city.now += (hour - 12) * 3600 * 1_000_000_000
    city.step([WELL])
    assert (Rule.OUTSIDE_HOURS in city.rules()) == outside


def test_visibility_is_that_of_the_nearest_station_that_knows(city):
    city.visibility((500.0, 100.0, np.nan), (500.0, 300.0, 80.0), (900.0, 900.0, 5000.0))
    city.step([WELL])
    row = held(city.before, Rule.VISIBILITY_BELOW_PERMIT)
    assert row.value[0] == 80.0 and row.limit[0] == 100.0
    city.step([(77, 950.0, 950.0, 9.0)], seconds=2)
    assert Rule.VISIBILITY_BELOW_PERMIT not in city.rules()


def test_a_standing_vehicle_breaks_neither_hours_nor_visibility_nor_validity(city):
    city.visibility((500.0, 100.0, 20.0))
    city.now += 30 * 86_400 * 1_000_000_000 + 10 * 3600 * 1_000_000_000
    assert city.step([(77, 500.0, 100.0, 0.2)]).rule.tolist() == [Rule.SILENT]
    city.step([WELL])
    assert city.rules() == {
        Rule.SILENT, Rule.OUTSIDE_HOURS, Rule.VISIBILITY_BELOW_PERMIT, Rule.PERMIT_EXPIRED,
    }  # fmt: skip


def test_silence_runs_from_the_last_report_where_it_could_be_heard(city):
    city.step([WELL])
    heard = city.now
    city.step([], seconds=4)
    row = held(city.before, Rule.SILENT)
    assert row.since_ns[0] == heard and row.last_ns[0] == city.now and row.value[0] == 4.0
    city.step([WELL])
    assert held(city.before, Rule.SILENT).value[0] == 0.0


def test_a_vehicle_that_keeps_talking_is_never_silent(city):
    for _ in range(100):
        city.step([WELL])
    row = held(city.before, Rule.SILENT)
    assert row.since_ns[0] == row.last_ns[0] == city.now


def test_silence_outside_the_range_of_every_unit_does_not_count(city):
    city.step([(77, 1000.0, 1000.0, 9.0)])
    heard = city.now
    city.step([], seconds=4)
    assert held(city.before, Rule.SILENT).last_ns[0] == heard


def test_a_vehicle_not_heard_for_long_is_off_duty(city):
    city.step([WELL])
    city.step([], seconds=301)
    assert len(city.before) == 0


@given(st.permutations(list(range(4))))
def test_the_order_of_rows_does_not_matter(build, order):
    def drive(order):
        city = build.City()
        city.permits = Permits.concatenate(
            [city.permits.replace(sender=[s], max_speed=[m]) for s, m in ((77, 10.0), (70, 4.0), (90, 20.0))]
        ).take(np.array([o for o in order if o < 3]))
        city.measure(cap=5.0)
        rows = [(77, 500.0, 500.0, 9.0), (70, 1200.0, 5.0, 9.0), (90, 300.0, 300.0, 9.0), (3, 0.0, 0.0, 1.0)]
        for _ in range(3):
            city.step([rows[i] for i in order], [rows[i] for i in order if i % 2])
        return city.before

    assert len(drive(order)) == 6
    assert drive(order) == drive([0, 1, 2, 3])

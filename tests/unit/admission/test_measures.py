"""When measures begin and end."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wayside.admission.measures import MeasuresConfig, wanted_measures
from wayside.admission.tables import MeasureRequests, Measures
from wayside.roadside.tables import RoadWeather

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FOG = Measures(
    measure=[3], zone=[2], classes=[0b10], visibility_below=[200.0], visibility_above=[300.0],
    max_speed=[8.0], closed=[False], grace=[20.0],
)  # fmt: skip


def weather(visibility, time_ns, station=(1, 2)):
    count = len(visibility)
    return RoadWeather(
        station=list(station)[:count], x=np.zeros(count), y=np.zeros(count), visibility=visibility,
        rain_mm_per_h=np.zeros(count), surface_c=np.zeros(count), time_ns=np.full(count, time_ns),
    )  # fmt: skip


def follow(visibilities, measures=FOG):
    """Run the step once a second over the visibility of two stations, and return all answers."""
    before, answers = MeasureRequests.empty(), []
    for second, seen in enumerate(visibilities):
        now = START + second * SECOND
        values = seen if isinstance(seen, tuple) else (seen, 5000.0)
        before = wanted_measures(
            weather(values, now), measures, before, time_ns=now, config=MeasuresConfig()
        ).canonical()
        answers.append(before)
    return answers


def test_fog_begins_after_five_seconds_and_names_the_station_that_decided():
    answers = follow([5000.0] * 3 + [(800.0, 150.0)] * 7)
    assert [bool(a.active[0]) for a in answers] == [False] * 8 + [True] * 2
    assert answers[-1].since_ns[0] == START + 8 * SECOND
    assert answers[-1].visibility[0] == 150.0 and answers[-1].station[0] == 2


def test_a_gap_in_the_fog_starts_the_clock_again():
    assert not any(a.active[0] for a in follow([150.0] * 4 + [250.0] + [150.0] * 5))


def test_fog_ends_a_minute_after_visibility_is_above_the_second_threshold():
    answers = follow([150.0] * 8 + [250.0] * 100 + [301.0] * 70)
    active = [bool(a.active[0]) for a in answers]
    assert active[5:168] == [True] * 163 and active[168] is False


def test_unknown_visibility_neither_begins_nor_ends_a_measure():
    nothing = (np.nan, np.nan)
    assert not any(a.active[0] for a in follow([nothing] * 20))
    assert all(a.active[0] for a in follow([150.0] * 8 + [nothing] * 200)[6:])


def test_a_station_that_fell_silent_says_nothing():
    now = START + 400 * SECOND
    before = MeasureRequests.empty()
    for second in range(10):
        at = now + second * SECOND
        before = wanted_measures(weather([100.0], START), FOG, before, time_ns=at, config=MeasuresConfig())
    assert not before.active[0]


def test_without_measures_nothing_is_asked_for():
    assert len(follow([100.0] * 3, measures=Measures.empty())[-1]) == 0


@given(st.lists(st.floats(50, 400), min_size=1, max_size=80))
def test_a_measure_never_changes_twice_within_five_seconds(visibilities):
    active = np.array([bool(a.active[0]) for a in follow(visibilities)])
    changes = np.flatnonzero(active[1:] != active[:-1])
    assert (np.diff(changes) >= 5).all()


@given(st.permutations([0, 1, 2]))
def test_the_order_of_rows_does_not_matter(order):
    three = Measures(
        measure=[1, 2, 3], zone=[1, 1, 1], classes=[2, 2, 2], visibility_below=[100.0, 200.0, 300.0],
        visibility_above=[150.0, 250.0, 350.0], max_speed=[5.0, 8.0, 9.0], closed=[False] * 3, grace=[9.0] * 3,
    )  # fmt: skip
    seen = [220.0] * 7 + [120.0] * 7
    assert follow(seen, three.take(np.array(order)))[-1] == follow(seen, three)[-1]
    assert follow(seen, three)[-1].active.tolist() == [False, True, True]

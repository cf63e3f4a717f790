"""Fog and the stations that see it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.roadside.tables import WeatherStations
from wayside.worlds.weather import CLEAR_M, FogSpell, read, visibility

S = 1_000_000_000
SPELL = FogSpell(from_ns=240 * S, until_ns=400 * S, visibility=120.0, ramp_s=20.0)
STATIONS = WeatherStations(station=[1, 2], x=[0.0, 500.0], y=[0.0, 10.0])


def test_without_fog_the_air_is_clear():
    assert visibility(0, []) == CLEAR_M


@settings(deadline=None)
@given(second=st.integers(0, 1000))
def test_visibility_lies_between_fog_and_clear_air(second):
    assert 120.0 - 1e-9 <= visibility(second * S, [SPELL]) <= CLEAR_M + 1e-9


def test_fog_comes_and_goes_within_its_ramp():
    assert visibility(240 * S, [SPELL]) == CLEAR_M
    assert abs(visibility(260 * S, [SPELL]) - 120.0) < 1e-9
    assert abs(visibility(400 * S, [SPELL]) - 120.0) < 1e-9
    assert abs(visibility(420 * S, [SPELL]) - CLEAR_M) < 1e-6


def test_the_denser_of_two_spells_counts():
    thin = FogSpell(from_ns=0, until_ns=1000 * S, visibility=800.0, ramp_s=1.0)
    assert abs(visibility(300 * S, [thin, SPELL]) - 120.0) < 1e-9


def test_each_station_reads_once_in_ten_seconds_and_not_together():
    instants = {1: [], 2: []}
    for tick in range(600):
        readings = read(STATIONS, time_ns=5 * S + tick * S // 10, start_ns=5 * S, fog=[], seed=1)
        for station in readings.station:
            instants[int(station)].append(tick)
    assert [len(v) for v in instants.values()] == [6, 6]
    assert all(np.diff(v).tolist() == [100] * 5 for v in instants.values())
    assert not set(instants[1]) & set(instants[2])


def test_readings_scatter_by_about_five_percent_around_the_truth():
    seen = [
        read(STATIONS, time_ns=t * S, start_ns=0, fog=[FogSpell(0, 10**15, 200.0, 1.0)], seed=1).visibility
        for t in range(10, 5000)
    ]
    values = np.concatenate(seen)
    assert len(values) == 998
    assert abs(values.mean() - 200.0) < 1.5
    assert 8.5 < values.std() < 11.5


def test_a_city_without_stations_reads_nothing():
    assert len(read(WeatherStations.empty(), time_ns=0, start_ns=0, fog=[], seed=1)) == 0

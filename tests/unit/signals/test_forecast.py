from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import floats

from wayside.signals.forecast import LightHistoryConfig, SignalForecastConfig, light_history, signal_forecasts
from wayside.signals.tables import Light, LightHistory, SignalForecasts, Signals


def now_ns(time_s: float) -> int:
    return round((time_s + 1e4) * 1e9)


def drive(signals_of, until_s: float, *, promise: bool, start_s: float = 0.0) -> tuple[LightHistory, dict]:
    """Run both steps each 0.1 s; return the last history and all forecasts by time."""
    history, forecasts = LightHistory.empty(), {}
    for k in range(round((until_s - start_s) * 10)):
        time_s = round(start_s + 0.1 * k, 1)
        signals = signals_of(time_s, promise=promise).canonical()
        history = light_history(signals, history, time_ns=now_ns(time_s), config=LightHistoryConfig()).canonical()
        forecasts[time_s] = signal_forecasts(
            signals, history, time_ns=now_ns(time_s), config=SignalForecastConfig()
        ).canonical()
    return history, forecasts


@pytest.mark.parametrize("promise", [True, False])
def test_the_end_of_a_fixed_time_light_is_right_to_a_tenth_of_a_second(signals_of, light_of, promise):
    _, forecasts = drive(signals_of, 240.0, promise=promise)
    for time_s, found in forecasts.items():
        # without promises, two cycles teach the lengths
        if not promise and time_s < 150:
            continue
        for row, group in enumerate((1, 2)):
            end = light_of(group, time_s)[2] - time_s
            assert found.likely_end[row] == pytest.approx(end, abs=0.1001)
            assert found.min_end[row] <= end + 0.1001
            assert found.max_end[row] >= end - 0.1001


def test_the_next_green_and_its_length_are_learnt(signals_of, light_of):
    _, forecasts = drive(signals_of, 200.0, promise=True)
    for time_s, found in forecasts.items():
        if time_s < 120:
            continue
        light, _, end = light_of(1, time_s)
        wait = {Light.PROTECTED_GREEN: 0.0, Light.YELLOW: end - time_s + 37, Light.RED: end - time_s}[Light(light)]
        assert found.next_green[0] == pytest.approx(wait, abs=0.1001)
        assert found.next_green_duration[0] == pytest.approx(30.0, abs=0.1001)


def test_what_is_not_known_is_not_guessed(signals_of):
    _, forecasts = drive(signals_of, 20.0, promise=False)
    found = forecasts[19.9]
    assert np.isnan(found.likely_end).all()
    assert np.isnan(found.min_end).all()
    assert np.isnan(found.max_end).all()


def test_a_light_that_outlasts_what_was_learnt_has_no_likely_end_any_more(signals_of):
    history, _ = drive(signals_of, 160.0, promise=False)
    time_s = 200.0
    stuck = signals_of(150.0, promise=False)
    found = signal_forecasts(stuck, history, time_ns=now_ns(time_s), config=SignalForecastConfig())
    assert np.isnan(found.likely_end[0])


def test_an_adaptive_controllers_promise_bounds_what_was_learnt(signals_of):
    history, _ = drive(signals_of, 160.0, promise=False)
    signals = signals_of(145.0, promise=False)  # group 1 green since 140 s, learnt length 30 s
    ends = np.array([now_ns(150.0), now_ns(180.0)])
    config = SignalForecastConfig()
    bounded = signals.replace(min_end_ns=ends, max_end_ns=ends + 8_000_000_000)
    found = signal_forecasts(bounded, history, time_ns=now_ns(145.0), config=config)
    assert (found.min_end[0], found.likely_end[0], found.max_end[0]) == pytest.approx((5.0, 13.0, 13.0))


def test_a_new_plan_is_learnt(signals_of):
    history, _ = drive(signals_of, 300.0, promise=False)
    green = (history.group == 1) & (history.light == Light.PROTECTED_GREEN)
    assert history.duration[green][0] == pytest.approx(30.0, abs=0.01)
    longer = signals_of(300.0).replace(
        light=[Light.YELLOW, Light.RED], since_ns=[now_ns(290.0)] * 2, min_end_ns=[0, 0], max_end_ns=[0, 0]
    )
    shown = history.since_ns[green][0]
    after = light_history(longer, history, time_ns=now_ns(300.0), config=LightHistoryConfig()).canonical()
    length = (now_ns(290.0) - shown) * 1e-9
    if history.until_ns[green][0] == 0:
        assert after.duration[green][0] == pytest.approx(30 + 0.4 * (length - 30), abs=0.01)
        assert after.spread[green][0] > 0


def test_nothing_published_gives_nothing():
    empty = light_history(Signals.empty(), LightHistory.empty(), time_ns=1, config=LightHistoryConfig())
    assert len(empty) == 0
    found = signal_forecasts(Signals.empty(), empty, time_ns=1, config=SignalForecastConfig())
    assert found == SignalForecasts.empty()


@given(low=floats(0, 60), width=floats(0, 30), age=floats(0, 20))
@settings(deadline=None)
def test_earliest_is_never_after_latest(low, width, age):
    start = 1_000_000_000_000
    signals = Signals(
        controller=[1],
        group=[1],
        light=[Light.RED],
        since_ns=[start],
        min_end_ns=[start + round(low * 1e9)],
        max_end_ns=[start + round((low + width) * 1e9)],
        time_ns=[start],
    )
    now = start + round(age * 1e9)
    found = signal_forecasts(signals, LightHistory.empty(), time_ns=now, config=SignalForecastConfig())
    assert 0 <= found.min_end[0] <= found.max_end[0]
    assert np.isnan(found.likely_end[0]) or found.min_end[0] <= found.likely_end[0] <= found.max_end[0]

"""Sharing a site's power."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayside.energy.sharing import SharingConfig, fair_shares, share_power
from wayside.energy.tables import Chargers, ChargerStates, ChargingRequests, Sites
from wayside.worlds.charging import ChargingConfig, ChargingPlant

S = 1_000_000_000
SITES = Sites(site=[1], x=[0.0], y=[0.0], limit_kw=[400.0])
CHARGERS = Chargers(
    charger=np.arange(1, 11), site=np.ones(10), rated_kw=[120.0] * 4 + [60.0] * 6, minimum_kw=np.full(10, 5.0)
)
SETTING = SharingConfig()

powers = st.floats(0.0, 200.0)
sessions = st.lists(st.tuples(powers, st.floats(0.0, 20.0)), min_size=1, max_size=30)
limits = st.floats(0.0, 1000.0)


def shares(many, limit):
    wanted, least = (np.array(column, np.float64) for column in zip(*many, strict=True))
    return fair_shares(wanted, least, limit), wanted, least


@settings(deadline=None)
@given(many=sessions, limit=limits)
def test_shares_never_exceed_the_limit_nor_the_wish(many, limit):
    given_kw, wanted, _ = shares(many, limit)
    assert given_kw.sum() <= limit + 1e-9
    assert (given_kw <= wanted).all() and (given_kw >= 0.0).all()


@settings(deadline=None)
@given(many=sessions, limit=limits)
def test_a_session_gets_its_least_power_or_nothing(many, limit):
    given_kw, wanted, least = shares(many, limit)
    assert ((given_kw == 0.0) | (given_kw >= np.minimum(least, wanted) - 1e-9)).all()


@settings(deadline=None)
@given(many=sessions, limit=limits)
def test_power_is_not_held_back_while_someone_wants_it(many, limit):
    given_kw, wanted, _ = shares(many, limit)
    served = given_kw > 0.0
    spare = limit - given_kw.sum()
    assert spare < 1e-6 or (given_kw[served] >= wanted[served] - 1e-9).all()


@settings(deadline=None)
@given(many=sessions, limit=limits)
def test_nobody_envies_whoever_gets_more(many, limit):
    """Whoever gets less than he wants gets as much as anyone whose least power does not force the level."""
    given_kw, wanted, least = shares(many, limit)
    served = given_kw > 0.0
    for short in np.flatnonzero(served & (given_kw < wanted - 1e-9)):
        richer = served & (given_kw > given_kw[short] + 1e-9)
        assert (given_kw[richer] <= least[richer] + 1e-9).all()


@settings(deadline=None)
@given(many=sessions, limit=limits, who=st.integers(0, 29), more=st.floats(0.0, 100.0))
def test_wishing_for_more_never_gets_less(many, limit, who, more):
    who %= len(many)
    before, _, _ = shares(many, limit)
    wish, least = many[who]
    after, _, _ = shares([*many[:who], (wish + more, least), *many[who + 1 :]], limit)
    assert after[who] >= before[who] - 1e-9


@settings(deadline=None)
@given(many=sessions, limit=limits, more=st.floats(0.0, 100.0))
def test_a_higher_limit_never_gives_anyone_less_unless_another_session_starts(many, limit, more):
    before, _, _ = shares(many, limit)
    after, _, _ = shares(many, limit + more)
    if ((after > 0) == (before > 0)).all():
        assert (after >= before - 1e-9).all()


def test_shares_of_nobody_are_nothing():
    assert len(fair_shares(np.empty(0), np.empty(0), 10.0)) == 0


def states(second, power, wanted=100.0, rows=slice(None)):
    count = len(CHARGERS)
    wanted = np.broadcast_to(np.asarray(wanted, np.float64), count)
    return ChargerStates(
        charger=CHARGERS.charger,
        time_ns=np.full(count, second * S),
        connected=wanted > 0.0,
        wanted_kw=wanted,
        power_kw=np.broadcast_to(np.asarray(power, np.float64), count),
        energy_kwh=np.zeros(count),
        soc=np.full(count, 0.5),
    ).take(np.arange(count)[rows])


def decide(reported, before=None):
    before = ChargingRequests.empty() if before is None else before
    return share_power(reported, SITES, CHARGERS, before, config=SETTING).canonical()


def settle(wanted=100.0, seconds=6):
    """Let ten obedient chargers run for some seconds."""
    requests, power = decide(ChargerStates.empty()), np.zeros(10)
    for second in range(1, seconds + 1):
        requests = decide(states(second, power, wanted), requests)
        power = np.minimum(requests.limit_kw, wanted)
    return requests


def test_a_charger_that_was_never_heard_gets_nothing():
    requests = decide(ChargerStates.empty())
    assert len(requests) == 10 and (requests.limit_kw == 0.0).all() and not requests.faulty.any()


def test_between_reports_nothing_changes():
    requests = settle()
    assert decide(ChargerStates.empty(), requests) == requests


def test_equal_wishes_get_equal_limits_below_the_site_limit():
    requests = settle()
    assert requests.limit_kw.tolist() == [38.8] * 10
    assert requests.limit_kw.sum() <= 400.0


def test_the_order_of_reports_never_matters():
    before = settle()
    power, wanted = np.linspace(10.0, 30.0, 10), np.linspace(5.0, 120.0, 10)
    reported = states(9, power, wanted)
    mixed = reported.take(np.random.default_rng(0).permutation(10))
    assert decide(mixed, before) == decide(reported, before)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_obedient_chargers_never_push_the_site_above_its_limit(data):
    """Each instant a charger draws anything up to the larger of its last two limits, until it has slowed."""
    requests, power = decide(ChargerStates.empty()), np.zeros(10)
    wanted = np.zeros(10)
    for second in range(1, 12):
        change = data.draw(st.lists(st.sampled_from([0.0, 20.0, 60.0, 120.0, -1.0]), min_size=10, max_size=10))
        wanted = np.where(np.array(change) < 0.0, wanted, change)
        last = requests
        requests = decide(states(second, power, wanted), requests)
        slowest = np.maximum(requests.limit_kw, np.where(wanted > 0.0, np.minimum(power, wanted), 0.0))
        assert np.maximum(requests.limit_kw, slowest).sum() <= 400.0
        assert not requests.faulty.any(), (second, last.limit_kw)
        lag = data.draw(st.floats(0.0, 0.4))
        power = np.minimum(lag * slowest + (1 - lag) * requests.limit_kw, CHARGERS.rated_kw)


def test_a_late_or_unknown_report_is_passed_over():
    before = settle()
    assert decide(states(2, 90.0, 90.0), before).power_kw.tolist() == before.power_kw.tolist()
    stranger = states(20, 5.0).take([0]).replace(charger=[99])
    assert decide(stranger, before).power_kw.tolist() == before.power_kw.tolist()


def run_rogue(seconds, rogue_kw=110.0, switched_off=False):
    requests = settle()
    since = int(requests.time_ns.max() // S)
    power = requests.limit_kw.copy()
    history = []
    for second in range(since + 1, since + 1 + seconds):
        power = requests.limit_kw.copy()
        if not (switched_off and requests.faulty[2]):
            power[2] = rogue_kw
        requests = decide(states(second, power, 120.0), requests)
        history.append((power.sum(), requests))
    return history


def test_what_a_disobedient_charger_draws_is_taken_from_the_others_at_once():
    total, requests = run_rogue(1)[0]
    assert total > 400.0
    assert np.delete(requests.limit_kw, 2).sum() + 110.0 <= 400.0
    assert run_rogue(2)[1][0] <= 400.0


def test_a_charger_that_disobeys_for_three_seconds_is_switched_off_and_stays_so():
    faulty = [bool(r.faulty[2]) for _, r in run_rogue(8, switched_off=True)]
    assert faulty == [False] * 4 + [True] * 4
    _, last = run_rogue(8, switched_off=True)[-1]
    assert last.limit_kw[2] == 0.0
    assert last.faulty.sum() == 1
    assert last.worst_kw[2] == 110.0
    assert 7 * S <= last.above_since_ns[2] <= 8 * S


def test_a_charger_slightly_above_its_limit_is_not_called_faulty():
    assert not any(r.faulty.any() for _, r in run_rogue(10, rogue_kw=40.7))


def test_after_the_rogue_is_off_the_others_share_its_power():
    _, last = run_rogue(12, switched_off=True)[-1]
    assert np.delete(last.limit_kw, 2) == pytest.approx([388.0 / 9] * 9, abs=0.02)


def test_a_silent_charger_keeps_its_share_reserved():
    requests = settle()
    for second in range(7, 25):
        requests = decide(states(second, requests.limit_kw, 120.0, slice(1, None)), requests)
    assert requests.limit_kw[0] == 38.8
    assert requests.limit_kw.sum() <= 388.0


def test_two_sites_do_not_mix():
    sites = Sites(site=[2, 1], x=[0.0, 9.0], y=[0.0, 0.0], limit_kw=[100.0, 300.0])
    chargers = CHARGERS.replace(site=[1] * 5 + [2] * 5)
    requests = ChargingRequests.empty()
    for second in range(1, 6):
        power = requests.limit_kw if len(requests) else 0.0
        requests = share_power(states(second, power), sites, chargers, requests, config=SETTING).canonical()
    assert requests.limit_kw[:5].sum() == pytest.approx(291.0, abs=0.06)
    assert requests.limit_kw[5:].sum() == pytest.approx(97.0, abs=0.06)


def test_a_city_without_chargers_asks_for_nothing():
    empty = share_power(
        ChargerStates.empty(), Sites.empty(), Chargers.empty(), ChargingRequests.empty(), config=SETTING
    )
    assert len(empty) == 0


def run_site(seed, seconds, rogue_from=None):
    """Return the power of a simulated site under control, tick by tick, and the last requests."""
    plant = ChargingPlant(SITES, CHARGERS, seed=seed, config=ChargingConfig(gap_s=15.0, stay_s=40.0))
    requests, power = ChargingRequests.empty(), []
    for tick in range(1, seconds * 10 + 1):
        limits = dict(zip(requests.charger.tolist(), requests.limit_kw.tolist(), strict=True))
        rogue = 4 if rogue_from is not None and tick > rogue_from * 10 else None
        requests = decide(plant.step(tick * S // 10, 0.1, limits, rogue).canonical(), requests)
        power.append(plant.power_kw.sum())
    return np.array(power), requests


@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_site_under_control_never_exceeds_its_limit_and_uses_it(seed):
    power, requests = run_site(seed, 120)
    # whatever the chargers did before their first limits came is gone after two seconds
    assert power[20:].max() <= 400.0
    assert power[100:].mean() > 0.85 * 400.0
    assert not requests.faulty.any()


def test_a_simulated_rogue_is_switched_off_and_the_excess_is_short():
    power, requests = run_site(3, 60, rogue_from=30)
    above = np.flatnonzero(power > 400.0)
    assert len(above) and above.min() > 299
    assert len(above) <= 20
    assert requests.charger[requests.faulty].tolist() == [4]

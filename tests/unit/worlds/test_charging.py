"""The simulated charging site."""

import numpy as np
import pytest

from wayside.energy.tables import Chargers, Sites
from wayside.worlds.charging import ChargingConfig, ChargingPlant

S = 1_000_000_000
SITES = Sites(site=[1], x=[0.0], y=[0.0], limit_kw=[400.0])
CHARGERS = Chargers(
    charger=np.arange(1, 11), site=np.ones(10), rated_kw=[120.0] * 4 + [60.0] * 6, minimum_kw=np.full(10, 5.0)
)


def plant(**settings):
    return ChargingPlant(SITES, CHARGERS, seed=5, config=ChargingConfig(**settings))


def run(site, seconds, limits, rogue=None, since=0):
    for tick in range(since * 10 + 1, (since + seconds) * 10 + 1):
        yield site.step(tick * S // 10, 0.1, limits, rogue)


def test_without_limits_demand_is_beyond_what_the_site_may_draw():
    site = plant()
    list(run(site, 30, {}))
    assert site.power_kw.sum() > 400.0


def test_batteries_gain_what_the_meters_count():
    site = plant(gap_s=20.0, stay_s=60.0)
    gained, metered = 0.0, 0.0
    for _ in run(site, 200, {}):
        stored = np.nan_to_num((site.soc - site.start_soc) * site.capacity_kwh)
        gained, metered = stored.sum(), site.energy_kwh[site.connected].sum()
        assert abs(gained - metered) < 1e-9
    assert metered > 1.0


def test_metered_energy_is_the_integral_of_power():
    site = plant(occupied=1.0, stay_s=1e6)
    total = 0.0
    last = site.power_kw.sum()
    for _ in run(site, 20, {1: 30.0, 2: 7.0}):
        total += 0.5 * (last + site.power_kw.sum()) * 0.1 / 3600.0
        last = site.power_kw.sum()
    assert abs(total - site.energy_kwh.sum()) < 1e-9


def test_power_follows_its_limit_within_the_ramp():
    site = plant(occupied=1.0, stay_s=1e6)
    list(run(site, 3, {}))
    list(run(site, 2, dict.fromkeys(range(1, 11), 20.0), since=3))
    assert (site.power_kw <= 20.0 + 1e-9).all()


def test_power_never_changes_faster_than_the_ramp_allows_while_plugged_in():
    site = plant(occupied=1.0, stay_s=1e6)
    last = site.power_kw.copy()
    for n, _ in enumerate(run(site, 10, {})):
        assert (np.abs(site.power_kw - last) <= CHARGERS.rated_kw * 0.1 / 1.5 + 1e-9).all(), n
        last = site.power_kw.copy()


def test_the_rogue_charger_takes_all_it_can_until_it_is_switched_off():
    site = plant()
    limits = dict.fromkeys(range(1, 11), 20.0)
    list(run(site, 5, limits))
    list(run(site, 5, limits, rogue=3, since=5))
    assert site.power_kw[2] == pytest.approx(120.0)
    assert np.delete(site.power_kw, 2).max() <= 20.0 + 1e-9
    list(run(site, 3, {**limits, 3: 0.0}, rogue=3, since=10))
    assert site.power_kw[2] == 0.0


def test_full_batteries_take_less():
    site = plant(occupied=1.0)
    site.accepts_kw[:] = CHARGERS.rated_kw
    site.start_soc[:] = np.linspace(0.5, 0.98, 10)
    share = site.wanted_kw / CHARGERS.rated_kw
    assert (share[site.start_soc <= 0.8] == 1.0).all()
    assert (np.diff(share[site.start_soc > 0.8]) < 0.0).all()


def test_a_full_vehicle_leaves_and_the_next_one_comes():
    site = plant(occupied=1.0, gap_s=5.0)
    site.start_soc[0] = 0.96
    list(run(site, 1, {}))
    assert not site.connected[0] and site.power_kw[0] == 0.0
    list(run(site, 11, {}, since=1))
    assert site.connected[0] and site.session[0] == 2


def test_chargers_report_once_a_second():
    reports = [len(r) for r in run(plant(), 3, {})]
    assert reports == ([0] * 9 + [10]) * 3


def test_the_same_seed_gives_the_same_site():
    first, second = plant(), plant()
    one = [r.canonical() for r in run(first, 60, {}) if len(r)]
    two = [r.canonical() for r in run(second, 60, {}) if len(r)]
    assert one == two


def test_a_charger_without_a_site_is_refused():
    with pytest.raises(ValueError, match="name the sites"):
        ChargingPlant(Sites.empty(), CHARGERS, seed=1)

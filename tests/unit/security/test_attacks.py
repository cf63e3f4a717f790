from __future__ import annotations

import numpy as np
import pytest

from wayside.security.attacks import (
    F2MD_ATTACKS,
    GHOSTS,
    TIMES_FASTER,
    Attack,
    Attacked,
    change_identities,
    inject,
)
from wayside.security.draws import drawn
from wayside.table import I64
from wayside.v2x.tables import Kind, Reports

START, TICK = 1_000_000_000_000, 100_000_000
SENDERS, TICKS = 40, 100


def traffic(senders: int = SENDERS, ticks: int = TICKS) -> tuple[I64, Reports]:
    """Return so many cars, 20 m apart, driving east at 10 m/s; each heard at every tick."""
    time = np.repeat(START + np.arange(ticks) * TICK, senders)
    sender = np.tile(np.arange(1, senders + 1), ticks)
    some = np.ones(len(time))
    x = sender * 20.0 + 10.0 * (time - START) * 1e-9
    return time, Reports(
        sender=sender, time_ns=time, received_ns=time + 20_000_000, kind=some * Kind.CAR, x=x, y=0 * some,
        heading=0 * some, speed=10 * some, acceleration=0 * some, yaw_rate=0 * some, vertical=0 * some,
        length=4.6 * some, width=1.8 * some, position_sigma=0.3 * some, events=0 * some,
    ).rounded()  # fmt: skip


def attacked(attack: Attack, *, seed: int = 3, share: float = 0.2) -> Attacked:
    return inject(*traffic(), attack, share=share, seed=seed)


def liars(seed: int = 3, share: float = 0.2) -> set[int]:
    ids = np.arange(1, SENDERS + 1)
    return set(ids[drawn(seed, 0, ids) < share].tolist())


def test_there_are_the_nineteen_attacks_of_f2md() -> None:
    assert [a.value for a in F2MD_ATTACKS] == list(range(1, 20))


@pytest.mark.parametrize("attack", Attack)
def test_honest_reports_stay_as_they_are_and_keys_stay_unique(attack: Attack) -> None:
    _, reports = traffic()
    told = attacked(attack)
    honest = ~np.isin(reports.sender, list(liars()))
    kept = ~told.lies & ~told.aside & np.isin(told.reports.sender, reports.sender[honest])
    assert told.reports.take(kept) == reports.take(honest)
    assert told.lies.any()
    assert len(told.reports.canonical()) == len(told.reports) == len(told.ticks)
    assert (np.diff(told.ticks) >= 0).all()


@pytest.mark.parametrize("attack", Attack)
def test_the_same_seed_tells_the_same_lies_and_another_seed_others(attack: Attack) -> None:
    assert attacked(attack).reports == attacked(attack).reports
    assert attacked(attack).reports != attacked(attack, seed=4).reports


def test_what_an_attacker_says_does_not_depend_on_who_else_is_there() -> None:
    ticks, reports = traffic()
    all_of_it = attacked(Attack.CONST_SPEED)
    alone = np.isin(reports.sender, list(liars()))
    lonely = inject(ticks[alone], reports.take(alone), Attack.CONST_SPEED, share=0.2, seed=3)
    assert lonely.reports == all_of_it.reports.take(all_of_it.lies)


def test_without_attackers_nothing_changes() -> None:
    told = attacked(Attack.DOS, share=0.0)
    assert told.reports == traffic()[1]
    assert not told.lies.any()


def test_constant_offsets_are_within_the_published_bounds() -> None:
    told, (_, honest) = attacked(Attack.CONST_POS_OFFSET), traffic()
    for axis in ("x", "y"):
        off = np.abs(getattr(told.reports, axis) - getattr(honest, axis))[told.lies]
        assert off.min() >= 14.0 - 0.01
        assert off.max() <= 70.0 + 0.01


def test_who_stops_stays_in_one_place_and_lies_only_once_it_is_elsewhere() -> None:
    told, (_, honest) = attacked(Attack.EVENTUAL_STOP), traffic()
    assert np.isin(told.reports.sender[told.lies], list(liars())).all()
    for sender in np.unique(told.reports.sender[told.lies]):
        mine = told.lies & (told.reports.sender == sender)
        assert len(np.unique(told.reports.x[mine])) == 1
        assert (told.reports.speed[mine] == 0).all()
    assert (told.reports.speed[~told.lies] > 0).all()
    assert len(honest) == len(told.reports)


def test_a_replay_says_what_another_said_a_tick_before() -> None:
    told, (ticks, honest) = attacked(Attack.DATA_REPLAY), traffic()
    before = {(int(t) + TICK, x) for t, x in zip(ticks, honest.x, strict=True)}
    said = zip(told.ticks[told.lies], told.reports.x[told.lies], strict=True)
    assert all((int(t), x) in before for t, x in said)


def test_stale_messages_keep_their_old_time_unless_it_is_forged() -> None:
    old, forged = attacked(Attack.STALE_MESSAGES), attacked(Attack.STALE_RESTAMPED)
    for told, age in ((old, 0.52), (forged, 0.02)):
        found = (told.reports.received_ns - told.reports.time_ns)[told.lies] * 1e-9
        assert found == pytest.approx(np.full(len(found), age))


def test_who_floods_sends_four_times_as_often() -> None:
    told = attacked(Attack.DOS)
    assert told.lies.sum() == len(liars()) * TICKS * TIMES_FASTER


def test_a_grid_has_its_own_identities_while_the_attacker_tells_the_truth() -> None:
    told = attacked(Attack.GRID_SYBIL)
    assert len(np.unique(told.reports.sender[told.lies])) == GHOSTS * len(liars())
    assert set(told.reports.sender[told.aside].tolist()) == liars()


def test_fresh_identities_speak_once() -> None:
    told = attacked(Attack.FRESH_SYBIL)
    _, counts = np.unique(told.reports.sender[told.lies], return_counts=True)
    assert counts.max() == 1


def test_identities_change_at_each_senders_own_instants_and_are_never_shared() -> None:
    _, reports = traffic()
    changed = change_identities(reports, period_s=4.0, seed=1)
    pairs = np.unique(np.stack([reports.sender, changed.sender]), axis=1)
    assert len(np.unique(pairs[1])) == pairs.shape[1]
    assert 3 * SENDERS <= pairs.shape[1] <= 4 * SENDERS

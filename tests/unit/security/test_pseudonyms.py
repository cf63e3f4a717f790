"""Pseudonyms: when a vehicle turns, to what, and that everything turns together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from wayside.security.pseudonyms import (
    Rotation,
    RotationConfig,
    certificate_index,
    first_count,
    message_identity,
    period_of,
    rotate,
    silent,
)
from wayside.table import F64, U64, Bool

S = 10**9
CONFIG = RotationConfig()
WHO: U64 = np.arange(1, 201, dtype=np.uint64)
FREE: Bool = np.zeros(len(WHO), np.bool_)
STILL: F64 = np.zeros(len(WHO))


def drive(seconds: int, speed: float, holds: Bool = FREE, config: RotationConfig = CONFIG) -> list[Rotation]:
    """Return the memory of each second."""
    memory = [rotate(Rotation.empty(), WHO, 0, STILL, FREE, config)]
    for second in range(1, seconds):
        memory.append(rotate(memory[-1], WHO, second * S, STILL + speed, holds, config))
    return memory


def test_a_standing_vehicle_turns_by_time_and_not_all_at_once() -> None:
    memory = drive(302, 0.0)
    when = np.array([[m.turn for m in memory]])[0].argmax(axis=0)
    assert (memory[-1].turn == 1).all()
    assert when.min() >= 240 and when.max() <= 300
    assert len(np.unique(when)) > 30


def test_a_fast_vehicle_turns_by_distance() -> None:
    memory = drive(100, 25.0)
    assert (memory[62].turn == 0).all()  # 1,550 m, under four fifths of 2,000
    assert (memory[82].turn == 1).all()  # 2,050 m
    assert (memory[82].driven_m < 500).all()


def test_an_event_keeps_the_identity_until_it_is_over() -> None:
    holds = FREE.copy()
    holds[0] = True
    memory = drive(400, 0.0, holds)
    assert memory[-1].turn[0] == 0 and (memory[-1].turn[1:] == 1).all()
    after = rotate(memory[-1], WHO, 400 * S, STILL, FREE, CONFIG)
    assert after.turn[0] == 1


def test_after_a_turn_a_vehicle_is_silent_for_a_while_but_not_at_first() -> None:
    memory = drive(302, 0.0)
    assert not silent(memory[0], 0, CONFIG).any()
    turned = next(m for m in memory if m.turn.any())
    now_ns = int(turned.since_ns.max())
    assert (silent(turned, now_ns, CONFIG) == (turned.turn > 0)).all()
    assert not silent(turned, now_ns + S, CONFIG).any()


def test_who_leaves_and_comes_back_starts_anew_and_newcomers_disturb_nobody() -> None:
    memory = drive(200, 0.0)[-1]
    fewer = rotate(memory, WHO[1:], 200 * S, STILL[1:], FREE[1:], CONFIG)
    again = rotate(fewer, WHO, 201 * S, STILL, FREE, CONFIG)
    assert again.since_ns[0] == 201 * S and (again.since_ns[1:] == 0).all()


@given(pool=integers(2, 40), vehicle=integers(0, 2**64 - 1))
@settings(max_examples=60, deadline=None)
def test_all_certificates_are_used_before_one_is_used_again(pool: int, vehicle: int) -> None:
    turns = np.arange(3 * pool)
    order = certificate_index(np.full(len(turns), vehicle, np.uint64), turns, pool)
    assert sorted(order[:pool].tolist()) == list(range(pool))
    assert (order[pool:] == order[:-pool]).all()
    assert (order[1:] != order[:-1]).all()


def test_a_pool_of_one_serves_and_an_empty_one_is_an_error() -> None:
    assert (certificate_index(WHO, np.arange(len(WHO)), 1) == 0).all()
    with pytest.raises(ValueError, match="at least 1"):
        certificate_index(WHO, np.zeros(len(WHO), np.int64), 0)


def test_identity_and_count_turn_with_the_certificate() -> None:
    zero, one = np.zeros(len(WHO), np.int64), np.ones(len(WHO), np.int64)
    assert (message_identity(WHO, zero) == message_identity(WHO, zero)).all()
    assert (message_identity(WHO, zero) != message_identity(WHO, one)).all()
    assert len(np.unique(message_identity(WHO, zero))) == len(WHO)
    assert (first_count(WHO, zero) != first_count(WHO, one)).mean() > 0.9
    assert first_count(WHO, one).max() < 128


def test_periods_are_counted_from_the_epoch() -> None:
    week = 7 * 86_400 * S
    assert [period_of(t, 0, 7 * 86_400.0) for t in (0, week - 1, week)] == [0, 0, 1]

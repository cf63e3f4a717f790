"""What is verified: everything that matters, a share of the rest, and the same each time."""

from __future__ import annotations

from typing import Any

import numpy as np

from wayside.security.policies import Cause, Heard, VerifyConfig, causes, share_verified

S = 10**9
NOWHERE = np.empty((0, 2))


def heard(count: int = 1000, **changed: Any) -> Heard:
    """Return messages of known senders far apart, verified a second ago, in which nothing happens."""
    draws = np.random.default_rng(7)
    none = np.zeros(count, np.bool_)
    given: dict[str, Any] = {
        "digest": draws.integers(0, 2**64, count, np.uint64),
        "signer": np.arange(count, dtype=np.uint64),
        "time_ns": np.full(count, 10 * S),
        "x": np.arange(count) * 1000.0,
        "y": np.zeros(count),
        "vx": np.full(count, 10.0),
        "vy": np.zeros(count),
        "event": none,
        "known": ~none,
        "changed": none,
        "suspect": none,
        "verified_ns": np.full(count, 9 * S),
    }
    return Heard(**{**given, **changed})


def one_of(count: int, place: int) -> Any:
    mask = np.zeros(count, np.bool_)
    mask[place] = True
    return mask


def test_all_verifies_all() -> None:
    assert (causes(heard(), NOWHERE, VerifyConfig(policy="all")) == Cause.ALL).all()


def test_sampled_verifies_its_share_and_the_same_messages_each_time() -> None:
    config = VerifyConfig(policy="sampled", share=0.2)
    found = causes(heard(20_000), NOWHERE, config)
    assert 0.19 < share_verified(found) < 0.21
    assert (found == causes(heard(20_000), NOWHERE, config)).all()


def test_another_salt_samples_other_messages() -> None:
    one, two = (causes(heard(), NOWHERE, VerifyConfig(policy="sampled", share=0.2, salt=s)) for s in (1, 2))
    assert (one != two).any()


def test_the_extremes_of_the_share_are_none_and_all() -> None:
    for share in (0.0, 1.0):
        assert share_verified(causes(heard(), NOWHERE, VerifyConfig(policy="sampled", share=share))) == share
    assert np.isnan(share_verified(causes(heard(0), NOWHERE, VerifyConfig())))


def test_on_demand_verifies_what_matters_and_a_share_of_the_rest() -> None:
    count, config = 1000, VerifyConfig(share=0.0)
    quiet = causes(heard(), NOWHERE, config)
    assert not quiet.any()
    cases = {
        Cause.FIRST: heard(known=~one_of(count, 3)),
        Cause.CERTIFICATE: heard(changed=one_of(count, 3)),
        Cause.SUSPECT: heard(suspect=one_of(count, 3)),
        Cause.EVENT: heard(event=one_of(count, 3)),
        Cause.OVERDUE: heard(verified_ns=np.where(one_of(count, 3), 5 * S, 9 * S)),
    }
    for cause, messages in cases.items():
        assert np.flatnonzero(causes(messages, NOWHERE, config)).tolist() == [3]
        assert causes(messages, NOWHERE, config)[3] == cause
    near = causes(heard(), np.array([[3010.0, 20.0]]), config)
    assert np.flatnonzero(near).tolist() == [3] and near[3] == Cause.NEAR
    assert 0.03 < share_verified(causes(heard(), NOWHERE, VerifyConfig())) < 0.07


def test_two_senders_about_to_meet_are_both_verified() -> None:
    config = VerifyConfig(share=0.0)
    meeting: dict[str, Any] = {"x": [0.0, 40.0], "y": [0.0, 40.0], "vx": [10.0, 0.0], "vy": [0.0, -10.0]}
    arrays = {name: np.array(values) for name, values in meeting.items()}
    assert (causes(heard(2, **arrays), NOWHERE, config) == Cause.CONFLICT).all()
    parting = arrays | {"vx": -arrays["vx"], "vy": -arrays["vy"]}
    assert not causes(heard(2, **parting), NOWHERE, config).any()
    later = arrays | {"vx": arrays["vx"] / 3, "vy": arrays["vy"] / 3}
    assert not causes(heard(2, **later), NOWHERE, config).any()
    platoon = arrays | {"y": np.zeros(2), "x": np.array([0.0, 10.0]), "vx": np.full(2, 20.0), "vy": np.zeros(2)}
    assert not causes(heard(2, **platoon), NOWHERE, config).any()


def test_one_sender_does_not_meet_itself_and_unknown_places_meet_nobody() -> None:
    config = VerifyConfig(share=0.0)
    arrays = {"x": np.array([0.0, 5.0]), "y": np.zeros(2), "vx": np.array([10.0, -10.0]), "vy": np.zeros(2)}
    assert (causes(heard(2, **arrays), NOWHERE, config) == Cause.CONFLICT).all()
    assert not causes(heard(2, **arrays, signer=np.zeros(2, np.uint64)), NOWHERE, config).any()
    unknown = arrays | {"x": np.full(2, np.nan)}
    assert not causes(heard(2, **unknown), np.array([[0.0, 0.0]]), config).any()


def test_the_order_of_messages_does_not_matter() -> None:
    draws = np.random.default_rng(3)
    count = 300
    x, y = draws.uniform(0, 800, count), draws.uniform(0, 800, count)
    vx, vy = draws.normal(0, 12, count), draws.normal(0, 12, count)
    messages = heard(count, x=x, y=y, vx=vx, vy=vy)
    order = draws.permutation(count)
    turned = Heard(**{name: getattr(messages, name)[order] for name in Heard.__struct_fields__})
    places = np.array([[400.0, 400.0]])
    found = causes(messages, places, VerifyConfig())
    assert (causes(turned, places, VerifyConfig()) == found[order]).all()
    assert np.isin([Cause.CONFLICT, Cause.NEAR], found).all()

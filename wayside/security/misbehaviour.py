"""Observations and reports of misbehaviour, in the shape of ETSI TS 103 759.

That standard numbers observations by target class and by number within the class, and gives them no weight. What
Wayside observes beyond its list carries `PRIVATE` for both and is kept apart in a report. The degree is
Wayside's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wayside.errors import WaysideError
from wayside.membership import flags_of
from wayside.security.plausibility import REASONS, PlausibilityConfig
from wayside.security.tables import Distrust, Observation, Observations, Signatures, SignatureState, Trust
from wayside.security.times import tai_of
from wayside.step import step

PRIVATE = 255  # target and number of what the standard has no observation for
STANDARD: dict[Observation, tuple[int, int]] = {
    Observation.FLOODING: (0, 1),  # beacon: interval too small
    Observation.RESIZED: (1, 1),  # static: change
    Observation.HEADER_MALFORMED: (2, 2),  # security: header against profile
    Observation.CERTIFICATE_PERMISSION: (2, 3),  # security: application against certificate
    Observation.CERTIFICATE_TIME: (2, 5),  # security: header time against validity
    Observation.CERTIFICATE_REGION: (2, 7),  # security: header location against certificate
    Observation.JUMPS: (3, 4),  # position: change too large
    Observation.SPEED_TOO_LARGE: (4, 3),  # speed: value too large for the vehicle
    Observation.IMPLAUSIBLE_SPEED: (4, 5),  # speed: change too large
    Observation.ACCELERATION_TOO_LARGE: (5, 4),  # longitudinal acceleration: value too large
}
OF_STATE: dict[SignatureState, Observation] = {
    SignatureState.BAD: Observation.SIGNATURE_BAD,
    SignatureState.UNKNOWN_SIGNER: Observation.SIGNER_UNKNOWN,
    SignatureState.UNTRUSTED: Observation.SIGNER_UNKNOWN,
    SignatureState.EXPIRED: Observation.CERTIFICATE_TIME,
    SignatureState.NOT_YET_VALID: Observation.CERTIFICATE_TIME,
    SignatureState.OUTSIDE_REGION: Observation.CERTIFICATE_REGION,
    SignatureState.NOT_PERMITTED: Observation.CERTIFICATE_PERMISSION,
    SignatureState.REVOKED: Observation.CERTIFICATE_REVOKED,
    SignatureState.MALFORMED: Observation.HEADER_MALFORMED,
}
# observations that have no reason of their own in Trust share the evidence of one
SHARED = {
    Observation.SPEED_TOO_LARGE: Distrust.IMPLAUSIBLE_SPEED,
    Observation.ACCELERATION_TOO_LARGE: Distrust.IMPLAUSIBLE_SPEED,
}
# of each observation, the evidence for it in Trust and its limit in the config; SUDDEN has none
_OF_REASON = {int(reason): (evidence, limit) for reason, evidence, limit in REASONS}
EVIDENCE = {int(code): _OF_REASON.get(int(SHARED.get(code, code))) for code in Observation if 0 < code < 16}
BAD = flags_of(OF_STATE)
ATTRIBUTED_TO_NOBODY = flags_of((Observation.SIGNATURE_BAD, Observation.SIGNER_UNKNOWN))


# of each observation, its target class and number in the standard
_TARGET, _NUMBER = np.full(256, PRIVATE, np.uint8), np.full(256, PRIVATE, np.uint8)
for _observation, _numbers in STANDARD.items():
    _TARGET[_observation], _NUMBER[_observation] = _numbers


class MisbehaviourError(WaysideError):
    """A misbehaviour report lacks what it must have; the text says what."""


@step(period_s=0.1, reach_m=None)
def sender_observations(trust: Trust, *, time_ns: int, config: PlausibilityConfig) -> Observations:
    """List what was observed of each sender at this tick; `degree` is its evidence as a share of its limit.

    SUDDEN has degree 0: moving into reception is no misbehaviour.
    """
    spoken = np.flatnonzero(trust.observed)
    if not len(spoken):
        return Observations.empty()
    observed = trust.observed[spoken]
    any_of_it = int(np.bitwise_or.reduce(observed))
    rows, codes, degrees = [], [], []
    for code, of_it in EVIDENCE.items():
        if not any_of_it >> code & 1:
            continue
        found = spoken[(observed >> code) & 1 == 1]
        degree = getattr(trust, of_it[0])[found] / getattr(config, of_it[1]) if of_it else np.zeros(len(found))
        rows.append(found)
        codes.append(np.full(len(found), code, np.uint8))
        degrees.append(np.minimum(degree, 1.0))
    if not rows:
        return Observations.empty()
    row, observation = np.concatenate(rows), np.concatenate(codes)
    return _observations(trust.sender[row], observation, np.concatenate(degrees), time_ns)


@step(period_s=0.1, reach_m=None)
def signature_observations(signatures: Signatures, *, time_ns: int) -> Observations:
    """List what signatures, certificates and headers showed at this tick, one row for each sender and kind.

    Limits: a message whose signature does not hold need not come from the sender it names; such observations
    have degree 0 and speak against nobody.
    """
    bad = np.flatnonzero(BAD[signatures.state])
    if not len(bad):
        return Observations.empty()
    told = {
        (sender, OF_STATE[SignatureState(state)])
        for sender, state in zip(signatures.sender[bad].tolist(), signatures.state[bad].tolist(), strict=True)
    }
    pairs = sorted(told)
    sender, code = np.array([s for s, _ in pairs], np.uint64), np.array([c for _, c in pairs], np.uint8)
    degree = np.where(ATTRIBUTED_TO_NOBODY[code], 0.0, 1.0)
    return _observations(sender, code, degree, time_ns)


def _observations(sender: Any, code: Any, degree: Any, time_ns: int) -> Observations:
    return Observations(
        sender=sender,
        observation=code,
        time_ns=np.full(len(sender), time_ns),
        target=_TARGET[code],
        id=_NUMBER[code],
        degree=degree,
    )


def report_of(
    sender: int,
    observations: Observations,
    messages: Sequence[bytes],
    *,
    signer: bytes,
    aid: int,
    place: tuple[float, float],
    time_ns: int,
) -> dict[str, Any]:
    """Return the content of a misbehaviour report for the misbehaviour authority, as plain values.

    Args:
        sender: who is reported: the identity inside its messages.
        observations: of any senders; the rows of this one are taken.
        messages: the signed messages that show it, as received, oldest first; the last is the one reported.
        signer: HashedId8 of the certificate they were signed with, 8 octets.
        aid: application identifier of the messages.
        place: where it was observed, latitude and longitude [degrees].
        time_ns: when the report is made [ns since 1970].

    Returns:
        The members of the standard's report: version, generationTime [us TAI since 2004],
        observationLocation [0.1 microdegrees], and the observations by target with the evidence. What the
        standard has no number for stands under `private`, with its name and degree.

    Raises:
        MisbehaviourError: no observation, no message, or a digest that is not of eight octets.

    Limits: the content only: it is not encoded, signed and encrypted here. YD/T 3957-2021 names the way to the
    authority in its section 7.7.

    >>> seen = Observations(sender=[7], observation=[7], time_ns=[0], target=[0], id=[1], degree=[1.0])
    >>> made = report_of(7, seen, [b"..."], signer=bytes(8), aid=111, place=(22.7, 114.35), time_ns=10**18)
    >>> made["report"]["content"]["observations"]
    [{'tgtId': 0, 'observations': [1]}]
    """
    own = observations.take(observations.sender == np.uint64(sender))
    if not len(own):
        raise MisbehaviourError(f"nothing was observed of sender {sender}; a report needs an observation")
    if not messages:
        raise MisbehaviourError(f"the report on sender {sender} has no message; it must carry what was sent")
    if len(signer) != 8:
        raise MisbehaviourError(f"the signer's digest has {len(signer)} octets; a HashedId8 has 8")
    by_target: dict[int, set[int]] = {}
    private: dict[str, float] = {}
    for code, target, number, degree in zip(
        own.observation.tolist(), own.target.tolist(), own.id.tolist(), own.degree.tolist(), strict=True
    ):
        if target == PRIVATE:
            name = Observation(code).name
            private[name] = max(private.get(name, 0.0), degree)
        else:
            by_target.setdefault(target, set()).add(number)
    return {
        "version": 2,
        "generationTime": tai_of(time_ns) // 1000,
        "observationLocation": {"latitude": round(place[0] * 1e7), "longitude": round(place[1] * 1e7)},
        "report": {
            "aid": aid,
            "content": {
                "observations": [
                    {"tgtId": target, "observations": sorted(numbers)}
                    for target, numbers in sorted(by_target.items())
                ],
                "private": dict(sorted(private.items())),
                "v2xPduEvidence": [
                    {
                        "v2xPdus": [message.hex() for message in messages],
                        "certificate": signer.hex(),
                        "subjectPduIndex": len(messages) - 1,
                    }
                ],
                "nonV2xPduEvidence": [],
            },
        },
    }

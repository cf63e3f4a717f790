"""Why a certificate or a signed message is not believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from wayside.errors import WaysideError


class TrustFault(IntEnum):
    """The reason, for tables and counts; the text beside it says what was found and expected."""

    NONE = 0
    UNREADABLE = 1  # not the octets of a certificate, a signed message or a list
    UNKNOWN_SIGNER = 2  # the certificate that signed is not in the store
    BAD_SIGNATURE = 3
    EXPIRED = 4
    NOT_YET_VALID = 5
    OUTSIDE_REGION = 6  # the message, or a certificate, is outside where its signer may speak
    OUTLIVES_ISSUER = 7  # valid at an instant at which its issuer is not
    NOT_PERMITTED = 8  # application or SSP not covered
    NOT_AN_ISSUER = 9  # signed by a certificate that may issue none
    WRONG_ROLE = 10  # the role in the SSP of AID 3627 does not fit the place in the chain
    CHAIN_TOO_LONG = 11
    REVOKED = 12
    UNTRUSTED_ROOT = 13  # the chain ends in a root that is neither ours nor on a trusted list
    STALE = 14  # the message's own time is too far from the instant of reception


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason with its words.

    Attributes:
        fault: the reason.
        text: what was found and what was expected.
        subject: the HashedId8 of the certificate at fault, in hexadecimal; empty if there is none.
    """

    fault: TrustFault
    text: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.fault.name}: {self.text}"


class TrustError(WaysideError):
    """A list or certificate given to the trust store is not believed; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal

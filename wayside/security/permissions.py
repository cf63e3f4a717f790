"""What a certificate may say and what it may issue: application identities, SSPs, chain lengths and roles.

The rules are those of IEEE 1609.2-2022 for `certIssuePermissions`: an issuer's groups say for which
applications, with which SSPs and how many certificates deep it issues. `all` stands for the applications no
other group of it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any

from wayside.security.refusals import Refusal, TrustFault

MANAGEMENT = 3627  # AID of certificate management; its SSP says the role
REVOCATION = 3628  # AID of revocation lists, inferred from the permissions of real CA certificates
MISBEHAVIOUR = 3629  # AID of misbehaviour reports, inferred likewise
UNBOUNDED = 1 << 16
APPLICATION, ENROLMENT = frozenset({0}), frozenset({1})  # the bits of eeType

Group = Mapping[str, Any]
Ssp = Mapping[str, Any] | None


class Role(IntEnum):
    """What a certificate is in the PKI: the first octet of the SSP of AID 3627, the tag of its alternative."""

    NONE = 0
    ROOT = 0x80
    MISBEHAVIOUR = 0x81
    POLICY = 0x82
    INTERMEDIATE = 0x83
    ENROLMENT = 0x84
    REVOCATION = 0x85  # signs revocation lists
    CONFIGURATION = 0x86
    AUTHORISATION = 0x87  # pseudonym (PCA) and application (ACA) authority
    LINKAGE = 0x88
    REGISTRATION = 0x89
    END_ENTITY = 0x8A


ROLES: Mapping[int, Role] = {int(role): role for role in Role}
ISSUERS: Mapping[Role, frozenset[Role]] = {  # which roles may issue which; no role stated binds nobody
    Role.ROOT: frozenset(Role) - {Role.ROOT},
    Role.INTERMEDIATE: frozenset(Role) - {Role.ROOT},
    Role.ENROLMENT: frozenset({Role.NONE, Role.END_ENTITY}),
    Role.AUTHORISATION: frozenset({Role.NONE, Role.END_ENTITY}),
    Role.NONE: frozenset(Role),
}


def role_of(tbs: Mapping[str, Any]) -> Role:
    """Return the role that a ToBeSignedCertificate states, NONE if it states none or one not known.

    >>> role_of({"appPermissions": [{"aid": 3627, "ssp": {"opaque": "830001"}}]})
    <Role.INTERMEDIATE: 131>
    """
    for one in tbs.get("appPermissions", ()):
        octets = one.get("ssp", {}).get("opaque", "")
        if one["aid"] == MANAGEMENT and len(octets) >= 2:
            first = int(octets[:2], 16)
            return ROLES.get(first, Role.NONE)
    return Role.NONE


def named(groups: tuple[Group, ...]) -> frozenset[int]:
    """Return the applications that groups name explicitly."""
    return frozenset(one["aid"] for group in groups for one in group["subjectPermissions"].get("explicit", ()))


def _depth(group: Group) -> tuple[int, int]:
    """Return the least and the greatest number of certificates below the holder, the end entity included."""
    least, more = group.get("minChainLength", 1), group.get("chainLengthRange", 0)
    return least, UNBOUNDED if more < 0 else least + more


def _kinds(group: Group) -> frozenset[int]:
    """Return the kinds of end entity of a group: 0 application, 1 enrolment."""
    kinds = group.get("eeType", {"bits": "1"})
    return frozenset(i for i, bit in enumerate(kinds["bits"]) if bit == "1")


def _ranges(groups: tuple[Group, ...], aid: int) -> Iterator[tuple[Group, Mapping[str, Any] | None]]:
    """Yield each group that speaks of an application, with its range of SSPs; None is any SSP."""
    explicit = aid in named(groups)
    for group in groups:
        subject = group["subjectPermissions"]
        if "all" in subject and not explicit:
            yield group, None
        for one in subject.get("explicit", ()):
            if one["aid"] == aid:
                yield group, one.get("sspRange")


def _ssp_in(ssp: Ssp, allowed: Mapping[str, Any] | None) -> bool:
    if allowed is None or "all" in allowed:
        return True
    if ssp is None:
        return "" in allowed.get("opaque", ())
    if "opaque" in allowed:
        return ssp.get("opaque") in allowed["opaque"]
    if "bitmapSspRange" in allowed and "bitmapSsp" in ssp:
        given = bytes.fromhex(ssp["bitmapSsp"])
        value = bytes.fromhex(allowed["bitmapSspRange"]["sspValue"])
        mask = bytes.fromhex(allowed["bitmapSspRange"]["sspBitmask"])
        # a set bit of the mask is one the holder may not choose
        return len(given) == len(value) == len(mask) and all(
            g & m == v & m for g, v, m in zip(given, value, mask, strict=True)
        )
    return False


def _range_in(inner: Mapping[str, Any] | None, outer: Mapping[str, Any] | None) -> bool:
    if outer is None or "all" in outer:
        return True
    if inner is None or "all" in inner:
        return False
    if "opaque" in inner:
        return all(_ssp_in({"opaque": one} if one else None, outer) for one in inner["opaque"])
    if "bitmapSspRange" in inner and "bitmapSspRange" in outer:
        mine, theirs = inner["bitmapSspRange"], outer["bitmapSspRange"]
        fixed, required = bytes.fromhex(mine["sspBitmask"]), bytes.fromhex(theirs["sspBitmask"])
        return (
            len(fixed) == len(required)
            and all(f & r == r for f, r in zip(fixed, required, strict=True))
            and _ssp_in({"bitmapSsp": mine["sspValue"]}, outer)
        )
    return False


def _covering(
    groups: tuple[Group, ...], aid: int, kinds: frozenset[int], depth: tuple[int, int], wanted: Any, fits: Any
) -> TrustFault:
    """Return NONE if a single group covers it, else what stands most nearly in the way."""
    fault = TrustFault.NOT_PERMITTED
    for group, allowed in _ranges(groups, aid):
        if not (fits(wanted, allowed) and kinds <= _kinds(group)):
            continue
        least, most = _depth(group)
        if least <= depth[0] and depth[1] <= most:
            return TrustFault.NONE
        fault = TrustFault.CHAIN_TOO_LONG
    return fault


def issue_fault(issuer: Mapping[str, Any], child: Mapping[str, Any], subject: str) -> Refusal | None:
    """Tell why an issuer may not have issued a certificate; None if it may.

    Args:
        issuer: the issuer's ToBeSignedCertificate as the codec gives it.
        child: the child's.
        subject: the child's HashedId8 in hexadecimal, for the text.

    Limits: each permission must be covered by one group of the issuer; one that only several together cover is
    refused.
    Reference: IEEE 1609.2-2022, 5.1.2 and 6.4; roles by YD/T 3957-2021.
    """
    groups: tuple[Group, ...] = tuple(issuer.get("certIssuePermissions", ()))
    if not groups:
        return Refusal(
            TrustFault.NOT_AN_ISSUER, "its signer has no certIssuePermissions, so it may issue none", subject
        )
    role, own = role_of(issuer), role_of(child)
    if own not in ISSUERS.get(role, ()):
        allowed = ", ".join(sorted(r.name for r in ISSUERS.get(role, ()))) or "nothing"
        text = f"a certificate of role {own.name} was issued by one of role {role.name}, which issues {allowed}"
        return Refusal(TrustFault.WRONG_ROLE, text, subject)
    for one in child.get("appPermissions", ()):
        fault = _covering(groups, one["aid"], APPLICATION, (1, 1), one.get("ssp"), _ssp_in)
        if fault:
            return _words(fault, f"AID {one['aid']} with SSP {one.get('ssp')}", subject)
    for group in child.get("certIssuePermissions", ()):
        least, most = _depth(group)  # counted from the child; its issuer stands one step higher
        depth = (least + 1, min(most + 1, UNBOUNDED))
        fault = _group_fault(groups, tuple(child["certIssuePermissions"]), group, _kinds(group), depth)
        if fault:
            return _words(fault, f"the right to issue {dict(group)}", subject)
    for group in child.get("certRequestPermissions", ()):
        # what may be requested are certificates beside the child, in the place where it stands itself
        fault = _group_fault(groups, tuple(child["certRequestPermissions"]), group, ENROLMENT, (1, 1))
        if fault:
            return _words(fault, f"the right to request {dict(group)}", subject)
    return None


def _group_fault(
    groups: tuple[Group, ...],
    mine: tuple[Group, ...],
    group: Group,
    kinds: frozenset[int],
    depth: tuple[int, int],
) -> TrustFault:
    """Return why one of a child's groups, `mine`, is not covered by its issuer's."""
    subject = group["subjectPermissions"]
    if "all" not in subject:
        for one in subject.get("explicit", ()):
            fault = _covering(groups, one["aid"], kinds, depth, one.get("sspRange"), _range_in)
            if fault:
                return fault
        return TrustFault.NONE if "explicit" in subject else TrustFault.NOT_PERMITTED
    # of all applications, those that the issuer names and the child does not, and one that neither names
    for aid in (*sorted(named(groups) - named(mine)), -1):
        fault = _covering(groups, aid, kinds, depth, None, _range_in)
        if fault:
            return fault
    return TrustFault.NONE


def _words(fault: TrustFault, what: str, subject: str) -> Refusal:
    if fault == TrustFault.CHAIN_TOO_LONG:
        return Refusal(
            fault, f"{what} is deeper or less deep below the issuer than its chain lengths allow", subject
        )
    return Refusal(fault, f"{what} is covered by no group of its issuer's certIssuePermissions", subject)


def message_fault(child: Mapping[str, Any], aid: int, needed: Ssp, subject: str) -> Refusal | None:
    """Tell why a certificate may not sign a message of an application; None if it may.

    Args:
        child: the signer's ToBeSignedCertificate as the codec gives it.
        aid: the application identity in the message's header.
        needed: the SSP the content asks for. Of a bitmap every bit set must be granted; an opaque one must be
            equal. None asks for none.
        subject: the certificate's HashedId8 in hexadecimal, for the text.

    >>> bsm = {"appPermissions": [{"aid": 111, "ssp": {"bitmapSsp": "80"}}]}
    >>> message_fault(bsm, 111, {"bitmapSsp": "80"}, "") is None
    True
    >>> message_fault(bsm, 111, {"bitmapSsp": "40"}, "").fault.name, message_fault(bsm, 3618, None, "").fault.name
    ('NOT_PERMITTED', 'NOT_PERMITTED')
    """
    held = [one for one in child.get("appPermissions", ()) if one["aid"] == aid]
    if not held:
        mine = ", ".join(str(one["aid"]) for one in child.get("appPermissions", ())) or "none"
        return Refusal(TrustFault.NOT_PERMITTED, f"signed for AID {aid}; the certificate holds {mine}", subject)
    if needed is None or any(_grants(one.get("ssp"), needed) for one in held):
        return None
    text = f"the content needs the SSP {dict(needed)} of AID {aid}; the certificate holds {held[0].get('ssp')}"
    return Refusal(TrustFault.NOT_PERMITTED, text, subject)


def _grants(held: Ssp, needed: Mapping[str, Any]) -> bool:
    if held is None:
        return False
    if "bitmapSsp" in needed and "bitmapSsp" in held:
        mine, asked = bytes.fromhex(held["bitmapSsp"]), bytes.fromhex(needed["bitmapSsp"])
        return len(mine) == len(asked) and all(m & a == a for m, a in zip(mine, asked, strict=True))
    return dict(held) == dict(needed)

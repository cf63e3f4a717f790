"""The trust store: no certificate, message or list that was changed may be believed, and none may break it."""

from __future__ import annotations

from functools import cache
from random import Random

from fuzz.mutators import crowd
from fuzz.objects import valid_object
from fuzz.stations import NOW, domain_of
from fuzz.target import READ, Each, expect
from wayside.asn1.errors import WireError
from wayside.security.authority import Domain, issue_application, issue_enrolment, make_domain
from wayside.security.certificates import Certificate, CertificateError
from wayside.security.chains import Chain
from wayside.security.permissions import REVOCATION
from wayside.security.pools import issue_pools
from wayside.security.refusals import TrustError
from wayside.security.revocation import hash_body, linked_body, make_revocation_list
from wayside.security.rootlists import make_root_list, read_root_list
from wayside.security.signed import Holder, open_signed, sign_message
from wayside.security.times import S
from wayside.security.trust import TrustStore

HOUR_NS = 3600 * S
PLACE = (22.7, 114.35)
CURVES = ("sm2", "p256")


@cache
def _unit(curve: str) -> Holder:
    return issue_application(domain_of(curve), "unit", NOW - HOUR_NS)


@cache
def _list_authority(curve: str) -> Domain:
    return make_domain("lists", NOW - 10**15, curve=domain_of(curve).curve, seed=b"lists", region=None)


@cache
def _pseudonym(curve: str) -> Certificate:
    return issue_pools(domain_of(curve), ["car"], NOW // S * S - HOUR_NS, count=2).certificate(0)


def a_store(curve: str) -> TrustStore:
    """Return a store that trusts the fuzzer's PKI and its authority of root lists."""
    store, domain = TrustStore(), domain_of(curve)
    store.trust_root(domain.certificate("rca"))
    for one in domain.authorities[1:]:
        store.add_authority(one)
    store.trust_list_authority(_list_authority(curve).certificate("rca"))
    return store


class Certificates(Each):
    """Certificates of every role: parsed, and believed through their chain only as they were issued."""

    size = 300

    def __init__(self, curve: str) -> None:
        self.name, self._store = f"certificates:{curve}", a_store(curve)
        domain = domain_of(curve)
        own = [*domain.authorities, _unit(curve).certificate, _pseudonym(curve)]
        own.append(issue_enrolment(domain, "car", NOW - HOUR_NS).certificate)
        self._seeds = [one.octets for one in own]
        self._issued = {one.digest for one in own}

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated certificates, some of them samples of any content."""
        return crowd([*self._seeds, valid_object("certificate", random)], random, count)

    def one(self, octets: bytes) -> str:
        """Parse, look at all it says, and ask for its chain."""
        try:
            certificate = Certificate.parse(octets)
        except CertificateError:
            return "not a certificate"
        said = (certificate.name, certificate.linkage, certificate.region, certificate.permissions)
        expect(len(said) == 4 and len(certificate.issue_permissions) >= 0, "no properties")
        found = self._store.chain_of(certificate, NOW)
        refusal = self._store.certificate_fault(certificate, NOW, PLACE)
        if isinstance(found, Chain):
            expect(certificate.digest in self._issued, "a certificate is believed that nobody has issued")
            return READ
        expect(refusal is not None and bool(str(refusal)), "no refusal without a chain")
        return found.fault.name.lower()


class SignedMessages(Each):
    """Signed messages, record by record: opened, and believed only as they were signed."""

    size = 300

    def __init__(self, curve: str) -> None:
        self.name, self._store = f"messages:{curve}", a_store(curve)
        unit, aids = _unit(curve), (3618, 3619, 3623)
        made = [
            sign_message(payload, aid, unit, NOW, place=place, expiry_ns=expiry, along=along)
            for payload in (b"", b"\x12\xb0\x02", bytes(range(200)))
            for aid in aids
            for place, expiry, along in ((None, None, None), (PLACE, NOW + S, ()), (PLACE, None, None))
        ]
        self._seeds = made
        self._signed = {open_signed(octets).signed for octets in made}

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated signed messages, some of them samples of any content."""
        return crowd([*self._seeds, valid_object("signed", random)], random, count)

    def one(self, octets: bytes) -> str:
        """Open and judge."""
        verdict = self._store.judge(octets, NOW + S // 2, place=PLACE)
        try:
            opened = open_signed(octets)
        except (WireError, CertificateError):
            expect(verdict.refusal is not None, "believed and cannot be opened")
        if verdict.refusal is None:
            expect(opened.signed in self._signed, "a message is believed that nobody has signed")
            return READ
        return verdict.refusal.fault.name.lower()


class Lists(Each):
    """Revocation lists and lists of trusted roots, changed on the way, and odd ones that are signed all right."""

    size = 60

    def __init__(self, curve: str) -> None:
        self.name, self._curve = f"lists:{curve}", curve
        domain = self._domain = domain_of(curve)
        ids = (domain.linkage[0].identity, domain.linkage[1].identity)
        seeds = domain.seeds(["car", "van"], 0)
        bodies = {
            "fullHashCrl": hash_body([_unit(curve).certificate], 1),
            "deltaHashCrl": hash_body([], 2),
            "fullLinkedCrl": linked_body(seeds, ids, 0, 9, 4),
        }
        cra = domain.holders["cra"]
        when = {"issued_ns": NOW - HOUR_NS, "next_ns": NOW + HOUR_NS}
        self._crls = [make_revocation_list(cra, kind, body, series=2, **when) for kind, body in bodies.items()]
        authority = _list_authority(curve)
        own = [domain.certificate("rca")]
        self._roots = [make_root_list(authority.holders["rca"], own, NOW - 1, NOW + HOUR_NS)]
        self._known = {open_signed(octets).signed for octets in self._crls}
        self._trusted = {authority.certificate("rca").hashed_id8: authority.certificate("rca")}

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated lists behind an octet: 0 a revocation list, 1 roots, 2 contents that are to be signed."""
        found = []
        for kind, octets in enumerate((self._crls, self._roots, [valid_object("crl", random)])):
            found += [bytes((kind,)) + one for one in crowd(octets, random, count // 3)]
        return found

    def one(self, octets: bytes) -> str:
        """Give the list to a store, and ask it about certificates then."""
        store, kind, octets = a_store(self._curve), octets[:1], octets[1:]
        try:
            if kind == b"\x01":
                store.add_trusted_roots(octets, NOW)
                read_root_list(octets, self._trusted, NOW)
            elif kind == b"\x02":
                octets = sign_message(octets, REVOCATION, self._domain.holders["cra"], NOW, along=())
                store.add_revocations(octets, NOW)
            else:
                store.add_revocations(octets, NOW)
                expect(open_signed(octets).signed in self._known, "a list is believed that nobody has signed")
        except TrustError as error:
            return error.refusal.fault.name.lower()
        for one in (_unit(self._curve).certificate, _pseudonym(self._curve)):
            store.certificate_fault(one, NOW)
        return READ

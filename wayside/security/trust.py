"""The trust store: whose certificates and messages are believed, at an instant and a place.

It holds the roots of its own domain, the authorities below them, the lists of revoked certificates, and the
roots of other domains. Those count only while they stand on a trusted root list (TRCL) that the list's
authority has signed; without one, other domains are strangers and one's own is not touched.

Proven chains are kept by certificate, the least recently used leave first. New lists and authorities empty
what is kept; a chain that has expired is dropped when it is met.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wayside.asn1.errors import WireError
from wayside.security.certificates import HASHES, Certificate, CertificateError
from wayside.security.chains import Chain, build_chain, chain_from, instant, link_fault, signed_by
from wayside.security.linkage import RULES, LinkageRule
from wayside.security.objects import decode_object
from wayside.security.permissions import REVOCATION, Ssp, message_fault
from wayside.security.refusals import Refusal, TrustError, TrustFault
from wayside.security.regions import COUNTRY_BOXES, Box, Place
from wayside.security.revocation import Revocations
from wayside.security.rootlists import read_root_list
from wayside.security.signed import Opened, open_signed
from wayside.security.times import S, utc_of

CAPACITY = 4096  # proven chains kept
PAST_NS, FUTURE_NS = 5 * S, 2 * S  # a message's own time may differ so far from its reception


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one signed message.

    Attributes:
        refusal: why it is not believed; None if it is.
        opened: what the message says; None if it cannot be read.
        signer: the certificate that signed; None if it is not known.
    """

    refusal: Refusal | None
    opened: Opened | None = None
    signer: Certificate | None = None


class TrustStore:
    """Who is trusted.

    Args:
        rules: how linkage values come of seeds, by the curve of the key that signed the list.
        capacity: proven chains kept.
        boxes: bounding boxes of countries, see `regions.py`.
    """

    def __init__(
        self,
        *,
        rules: Mapping[str, LinkageRule] = RULES,
        capacity: int = CAPACITY,
        boxes: Mapping[int, Box] = COUNTRY_BOXES,
    ) -> None:
        self.revocations = Revocations()
        self.rules = rules
        self.capacity = capacity
        self.boxes = boxes
        self.proofs = 0  # chains whose signatures were checked, those found bad included
        self._authorities: dict[bytes, Certificate] = {}
        self._roots: set[bytes] = set()  # digests of our own
        self._listed: dict[bytes, int] = {}  # digest of a foreign root -> instant at which its list ends
        self._list_authorities: dict[bytes, Certificate] = {}
        self._list_issued = 0  # [s TAI since 2004]
        self._proven: OrderedDict[bytes, Chain] = OrderedDict()
        self._links: dict[bytes, Chain] = {}  # of authorities: their signatures hold, no more is said
        self.generation = 0  # how often what was proven had to be forgotten

    # === What is put in ===

    def trust_root(self, root: Certificate) -> None:
        """Trust a root of the own domain: whoever calls this vouches for it.

        Raises:
            TrustError: it has not signed itself, or not rightly.
        """
        self._self_signed(root)
        self._roots.add(root.digest)
        self.add_authority(root)

    def trust_list_authority(self, authority: Certificate) -> None:
        """Trust the authority that signs trusted root lists (TRCLA); it has signed itself.

        Raises:
            TrustError: as of `trust_root`.
        """
        self._self_signed(authority)
        self._list_authorities[authority.hashed_id8] = authority

    def add_authority(self, authority: Certificate) -> None:
        """Know an authority; it is believed only through its chain."""
        self._authorities[authority.hashed_id8] = authority
        self._forget()

    def _forget(self) -> None:
        self._proven.clear()
        self._links.clear()
        self.generation += 1

    def _self_signed(self, root: Certificate) -> None:
        if root.issuer is not None:
            text = f"it was issued by {root.issuer.hex()}; a root has signed itself"
            raise TrustError(Refusal(TrustFault.UNTRUSTED_ROOT, text, root.hashed_id8.hex()))
        refusal = link_fault(root, root, self.boxes)
        if refusal is not None:
            raise TrustError(refusal)

    def add_revocations(self, octets: bytes, time_ns: int) -> int:
        """Take in a revocation list: signed data with CrlContents under AID 3628.

        Its signer must be trusted at that instant and hold an SSP of AID 3628 that names the series, as the
        revoking authority itself (`isCraca`) or as issued by it (`issuerIsCraca`).

        Returns:
            How many hashes and vehicles are revoked now, over all lists.

        Raises:
            TrustError: the list is not believed, or older than the one in use.
        """
        verdict = self.judge(octets, time_ns, past_ns=None)
        if verdict.refusal is not None or verdict.opened is None or verdict.signer is None:
            raise TrustError(verdict.refusal or Refusal(TrustFault.UNREADABLE, "there is no list"))
        signer, subject = verdict.signer, verdict.signer.hashed_id8.hex()
        if verdict.opened.aid != REVOCATION:
            text = f"it was signed for AID {verdict.opened.aid}; revocation lists are signed for {REVOCATION}"
            raise TrustError(Refusal(TrustFault.NOT_PERMITTED, text, subject))
        try:
            contents = decode_object(verdict.opened.payload, "crl")
            held = signer.permissions.get(REVOCATION) or {}
            allowed = decode_object(bytes.fromhex(held.get("opaque", "")), "crl-ssp")
        except WireError as error:
            raise TrustError(
                Refusal(TrustFault.UNREADABLE, f"no list, or no SSP for one: {error}", subject)
            ) from error
        speaks_for = signer.hashed_id8 if allowed["associatedCraca"] == "isCraca" else signer.issuer
        if contents["crlCraca"] != (speaks_for or b"").hex() or contents["crlSeries"] not in allowed["crls"]:
            text = (
                f"the list is of authority {contents['crlCraca']} and series {contents['crlSeries']}; its signer "
                f"speaks for {(speaks_for or b'').hex()} and series {allowed['crls']}"
            )
            raise TrustError(Refusal(TrustFault.NOT_PERMITTED, text, subject))
        why = self.revocations.add(contents, self.rules[signer.curve])
        if why is not None:
            raise TrustError(Refusal(TrustFault.STALE, f"the list is not taken in: {why}", subject))
        self._forget()
        return len(self.revocations)

    def add_trusted_roots(self, octets: bytes, time_ns: int) -> tuple[Certificate, ...]:
        """Take in a trusted root list (TRCL); it replaces the one in use.

        Roots of it are trusted until the instant at which the list says the next one comes.

        Returns:
            The roots now trusted by it.

        Raises:
            TrustError: no authority of such lists that is trusted has signed it, it is over, from the future or
                older than the one in use, or a root in it has not signed itself.
        """
        found = read_root_list(octets, self._list_authorities, time_ns)
        if found.issued < self._list_issued:
            text = f"the list is of {instant(utc_of(found.issued * S))}, older than the one in use"
            raise TrustError(Refusal(TrustFault.STALE, text))
        for root in found.roots:
            self._self_signed(root)
        self._listed = {root.digest: found.end_ns for root in found.roots}
        self._authorities.update((root.hashed_id8, root) for root in found.roots)
        self._list_issued = found.issued
        self._forget()
        return found.roots

    # === What is asked ===

    def find(self, hashed_id8: bytes) -> Certificate | None:
        """Return a certificate by its HashedId8: an authority, or an end entity proven lately."""
        found = self._authorities.get(hashed_id8)
        if found is None and (chain := self._proven.get(hashed_id8)) is not None:
            found = chain.certificates[0]
        return found

    def chain_of(
        self, certificate: Certificate, time_ns: int, others: Sequence[Certificate] = ()
    ) -> Chain | Refusal:
        """Return the chain by which a certificate is trusted at an instant, or why it is not.

        Args:
            certificate: any.
            time_ns: the instant [ns since 1970 UTC].
            others: certificates that came along and may be needed for the chain; they are not kept.
        """
        key = certificate.hashed_id8
        known = self._proven.get(key)
        if known is not None and known.certificates[0].digest == certificate.digest:
            late = known.time_fault(time_ns) or self._root_fault(known.root, time_ns)
            if late is None:
                self._proven.move_to_end(key)
                return known
            del self._proven[key]
            return late
        along = {one.hashed_id8: one for one in others}
        self.proofs += 1
        chain = build_chain(
            certificate,
            lambda wanted: self._authorities.get(wanted) or along.get(wanted),
            self.boxes,
            self._links,
        )
        if isinstance(chain, Refusal):
            return chain
        for place, one in enumerate(chain.certificates):
            if one.hashed_id8 in self._authorities:
                self._links[one.hashed_id8] = chain_from(chain.certificates[place:])
        refusal = self._root_fault(chain.root, time_ns) or chain.time_fault(time_ns)
        for one in reversed(chain.certificates):
            refusal = refusal or self.revocations.fault(one)
        if refusal is not None:
            return refusal
        self._proven[key] = chain
        if len(self._proven) > self.capacity:
            self._proven.popitem(last=False)
        return chain

    def _root_fault(self, root: Certificate, time_ns: int) -> Refusal | None:
        if root.digest in self._roots:
            return None
        subject = root.hashed_id8.hex()
        until = self._listed.get(root.digest)
        if until is None:
            text = "its chain ends in this root, which is neither ours nor on a trusted root list"
            return Refusal(TrustFault.UNTRUSTED_ROOT, text, subject)
        if time_ns >= until:
            text = f"the trusted root list with this root was good until {instant(until)}; get the next one"
            return Refusal(TrustFault.UNTRUSTED_ROOT, text, subject)
        return None

    def certificate_fault(
        self, certificate: Certificate, time_ns: int, place: Place | None = None
    ) -> Refusal | None:
        """Tell why a certificate is not trusted at an instant and a place; None if it is.

        Args:
            certificate: any.
            time_ns: the instant [ns since 1970 UTC].
            place: latitude and longitude [degrees]; None leaves out the question.
        """
        chain = self.chain_of(certificate, time_ns)
        if isinstance(chain, Refusal):
            return chain
        return None if place is None else chain.place_fault(place, self.boxes)

    def judge(
        self,
        octets: bytes,
        time_ns: int,
        *,
        place: Place | None = None,
        needed: Ssp = None,
        past_ns: int | None = PAST_NS,
    ) -> Verdict:
        """Judge one signed message.

        Args:
            octets: V2XSecData.
            time_ns: instant of reception [ns since 1970 UTC].
            place: where its content says to be (latitude, longitude) [degrees]; the header's own place is judged
                besides. None leaves out the question.
            needed: the SSP its content asks for; None asks for none.
            past_ns: how old it may be at most; None for objects that are kept, such as lists.
        """
        try:
            opened = open_signed(octets)
        except (WireError, CertificateError) as error:
            return Verdict(Refusal(TrustFault.UNREADABLE, str(error)))
        certificates = opened.certificates
        signer = certificates[0] if certificates else self.find(opened.signer)
        if signer is None:
            text = f"signed by {opened.signer.hex()}, whose certificate was not received yet"
            return Verdict(Refusal(TrustFault.UNKNOWN_SIGNER, text, opened.signer.hex()), opened)
        chain = self.chain_of(signer, time_ns, certificates[1:])
        refusal = (
            chain if isinstance(chain, Refusal) else self._message_fault(opened, chain, time_ns, past_ns, needed)
        )
        if refusal is None and isinstance(chain, Chain):
            for where in (place, opened.place):
                refusal = refusal or (None if where is None else chain.place_fault(where, self.boxes))
        return Verdict(refusal, opened, signer)

    def _message_fault(
        self, opened: Opened, chain: Chain, time_ns: int, past_ns: int | None, needed: Ssp
    ) -> Refusal | None:
        """Tell what speaks against a message of a trusted signer, its place apart."""
        signer = chain.certificates[0]
        subject = signer.hashed_id8.hex()
        if opened.hash != HASHES[signer.curve] or not signed_by(
            signer, opened.signed, opened.curve, opened.signature
        ):
            text = "the signature is not the signer's over this message"
            return Refusal(TrustFault.BAD_SIGNATURE, text, subject)
        refusal = message_fault(signer.said, opened.aid, needed, subject)
        made = opened.time_ns
        if refusal is None and made is not None:
            refusal = chain.time_fault(made)
            age = time_ns - made
            if refusal is None and (age < -FUTURE_NS or (past_ns is not None and age > past_ns)):
                text = f"made at {instant(made)}, {age / S:.3f} s before it was received"
                refusal = Refusal(TrustFault.STALE, text, subject)
        if refusal is None and opened.expiry_ns is not None and time_ns >= opened.expiry_ns:
            refusal = Refusal(TrustFault.STALE, f"it was good until {instant(opened.expiry_ns)}", subject)
        return refusal

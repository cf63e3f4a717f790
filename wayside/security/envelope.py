"""Signed envelopes at the edge: simulated stations sign, receivers judge as much as their policy asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec
import numpy as np

from wayside.asn1.frames import Frames
from wayside.envelope import Claims
from wayside.maps.road import RoadMap
from wayside.membership import flags_of, is_among
from wayside.messages import Messages, gather
from wayside.numbering import UNKNOWN, Numbering
from wayside.security import sealed
from wayside.security.credentials import Credentials, first_rows
from wayside.security.curves import CurveName
from wayside.security.hashes import sha256_batch, sm3_batch
from wayside.security.parts import in_parts
from wayside.security.policies import Cause, Heard, VerifyConfig, causes
from wayside.security.sealed import Envelope as Form
from wayside.security.sealed import SignerForm, open_all
from wayside.security.stations import Stations, signed_digests
from wayside.security.tables import SignatureCounts, Signatures, SignatureState
from wayside.security.times import US, S, utc_of
from wayside.security.trust import TrustStore
from wayside.table import I32, I64, U8, U64, Bool, Table
from wayside.world import identity

# of so many it is remembered with which certificate they were verified; beyond that, of the latest of them
MOST_SENDERS, FEWEST_SENDERS = 131_072, 65_536
LATEST_US = 1 << 52  # headers with later instants are not told
# whether the sender's place is checked, by Cause
PLACED = flags_of((Cause.FIRST, Cause.CERTIFICATE, Cause.OVERDUE))
SM3 = 2  # number of that hash in a frame
HASHES = {sealed.Scheme.SM2: SM3, sealed.Scheme.P256: 0}  # number of the hash that goes with each scheme
CURVES: dict[sealed.Scheme, CurveName] = {sealed.Scheme.SM2: "sm2", sealed.Scheme.P256: "p256"}
_NONE, _OVERDUE = np.uint8(Cause.NONE), np.uint8(Cause.OVERDUE)  # numbers, which columns are compared with faster
_SIGNED, _UNSECURED, _CERTIFICATE = int(Form.SIGNED), int(Form.UNSECURED), int(SignerForm.CERTIFICATE)
_VALID, _BAD, _UNCHECKED = (int(SignatureState[name]) for name in ("VALID", "BAD", "UNCHECKED"))
_NO_SCHEME = int(sealed.Scheme.NONE)


def certificate_names(octets: U8, opened: sealed.Sealed, rows: I64) -> U64:
    """Return the HashedId8 of the certificate that came along with each of some frames.

    The hash is the one that the frame says it is signed with, which goes with the key's curve.
    """
    starts, lengths = opened.certificate[rows], opened.certificate_length[rows]
    sm3 = opened.hash[rows] == SM3
    digests = np.empty((len(rows), 32), np.uint8)
    for mine, batch in ((sm3, sm3_batch), (~sm3, sha256_batch)):
        if mine.any():
            digests[mine] = batch(octets, starts[mine], lengths[mine])
    return np.ascontiguousarray(digests[:, -8:]).view(">u8").reshape(-1).astype(np.uint64)


class EnvelopeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How messages are signed and verified."""

    curve: Literal["sm2", "p256"] = "sm2"  # of simulated stations; receivers take both
    pool: int = 4  # pseudonyms of a simulated vehicle
    most_new: int = 200  # certificates proven at one instant; the messages of others wait for the next time
    change_s: float = 300.0  # a simulated vehicle turns to another pseudonym so often, as in SAE J2945/1
    verify: VerifyConfig = VerifyConfig()


class Ear:
    """One kind of receiver: what it knows of certificates, and its policy with a salt of its own."""

    def __init__(self, trust: TrustStore, config: EnvelopeConfig, salt: int) -> None:
        self.credentials = Credentials(trust)
        self.config = config
        self.policy = msgspec.structs.replace(config.verify, salt=config.verify.salt ^ salt)
        self._senders = Numbering()
        # by number of the sender: the certificate with which it was last verified, and as the how manieth
        self._signers: U64 = np.zeros(1024, np.uint64)
        self._turns: I64 = np.zeros(1024, np.int64)
        self._turn = 0

    def changed(self, senders: U64, signers: U64) -> Bool:
        """Tell which messages come under another certificate than the one their sender was last verified with."""
        numbers = self._senders.find(senders)
        changed: Bool = (senders != 0) & ((numbers == UNKNOWN) | (self._signers[numbers] != signers))
        return changed

    def verified(self, senders: U64, signers: U64) -> None:
        """Note who was verified with which certificate; the senders not verified for longest are forgotten."""
        numbers = self._senders.add(senders)
        missing = len(self._senders) - len(self._signers)
        if missing > 0:
            more = max(missing, len(self._signers))
            self._signers, self._turns = np.pad(self._signers, (0, more)), np.pad(self._turns, (0, more))
        self._signers[numbers] = signers
        self._turns[numbers] = np.arange(self._turn, self._turn + len(senders))
        self._turn += len(senders)
        if len(self._senders) > MOST_SENDERS:
            newest = np.argsort(self._turns[: len(self._senders)])[-FEWEST_SENDERS:]
            kept, known, turns = self._senders.keys[newest], self._signers[newest], self._turns[newest]
            self._senders = Numbering()
            numbers = self._senders.add(kept)
            self._signers[numbers], self._turns[numbers] = known, turns


class Opened:
    """Messages that were opened by one receiver; a `wayside.envelope.Letters`.

    All that can be read is opened, also what is signed by nobody trusted: who is to answer for it, and where it
    claims to be, is told by what is inside.

    Attributes:
        aids: application of each payload [k].
        states: SignatureState of each payload as far as it is known [k].
    """

    def __init__(
        self,
        ear: Ear,
        messages: Messages,
        time_ns: int,
        road: RoadMap,
        only: Collection[int] = (),
        begins: Bool | None = None,
    ) -> None:
        self._ear, self._road, self._time_ns = ear, road, time_ns
        self._frames = Frames(messages.octets, messages.starts)
        self._all = open_all(self._frames)
        signed = self._all.kind == _SIGNED
        self.refused: I64 = np.flatnonzero(~signed)
        unsigned = self._all.kind[self.refused] == _UNSECURED
        self.reasons: U8 = np.where(unsigned, np.uint8(SignatureState.NONE), np.uint8(SignatureState.MALFORMED))
        if only:
            signed &= is_among(self._all.aid, np.array(tuple(only)))
        if begins is not None:
            signed &= self._all.payload_length > 0
            signed[signed] = begins[messages.octets[self._all.payload[signed]]]
        self.rows: I64 = np.flatnonzero(signed)
        self.signers: U64 = self._named(signed)
        self._row: I64 = self._rows(signed)
        self.aids: I64 = self._all.aid[self.rows]
        forms, made = self._all.signer_form[self.rows], self._all.generation_us[self.rows]
        self.states: U8 = ear.credentials.states(self._row, forms, self.aids, made, time_ns)
        self.payloads = self._inside(messages)

    def _inside(self, messages: Messages) -> Messages:
        """Return the payloads of the rows that were opened."""
        rows = self.rows
        octets, starts = gather(messages.octets, self._all.payload[rows], self._all.payload_length[rows])
        return Messages(messages.time_ns[rows], messages.link[rows], octets, starts)

    def _named(self, signed: Bool) -> U64:
        """Return the HashedId8 of each message's certificate, 0 where it has none."""
        along = np.flatnonzero(signed & (self._all.signer_form == _CERTIFICATE))
        if not len(along):
            return self._all.signer
        named = self._all.signer.copy()
        named[along] = certificate_names(self._frames.octets, self._all, along)
        return named

    def _rows(self, signed: Bool) -> I64:
        """Return the row of each signed message's certificate; those that came along and are new are proven."""
        credentials, named = self._ear.credentials, self.signers
        credentials.renew()
        rows = credentials.rows(named)
        unknown = rows == UNKNOWN
        new = np.flatnonzero(unknown & signed & (self._all.signer_form == _CERTIFICATE))
        if len(new):
            first = first_rows(named[new].tolist())
            for one, place in sorted(first.items(), key=lambda item: item[1])[: self._ear.config.most_new]:
                start, length = self._all.certificate[new[place]], self._all.certificate_length[new[place]]
                credentials.add(self._frames.octets[start : start + length].tobytes(), one, self._time_ns)
            rows = credentials.rows(named)
            unknown = rows == UNKNOWN
        credentials.hear(rows[~unknown], self._time_ns)
        return rows[self.rows]

    def judge(self, claims: Claims | None) -> U8:
        """Check as many signatures as the policy asks for; return the SignatureState of each payload."""
        credentials, signer = self._ear.credentials, self._row
        cause = self._causes(signer, claims)
        chosen = np.flatnonzero((cause != _NONE) & (self.states == _UNCHECKED))
        if not len(chosen):
            return self.states
        octets, whole = self._frames.octets, self._all
        rows = self.rows[chosen]
        schemes, hashes = whole.scheme[rows], whole.hash[rows]
        schemes[schemes != credentials.scheme[signer[chosen]]] = _NO_SCHEME
        self.states[chosen] = _BAD  # what is signed with another curve or hash than the key's stays so
        for scheme, curve in CURVES.items():
            fits = (schemes == scheme.value) & (hashes == HASHES[scheme])
            if not fits.any():
                continue
            at, mine = rows[fits], signer[chosen[fits]]
            digests = signed_digests(
                curve, octets, whole.signed[at], whole.signed_length[at], credentials.identity[mine]
            )
            good = self._verified(curve, mine, digests, sealed.signatures_of(self._frames, whole, at))
            self.states[chosen[fits][good]] = _VALID
            credentials.verified_ns[mine[good]] = self._time_ns
            credentials.bad_ns[mine[~good]] = self._time_ns
        if claims is not None:
            sure = chosen[self.states[chosen] == _VALID]
            self._ear.verified(claims.sender[sure], self.signers[self.rows[sure]])
            self._place(sure[PLACED[cause[sure]] & ~np.isnan(claims.x[sure])], signer, claims)
        return self.states

    def _verified(self, curve: CurveName, rows: I64, digests: U8, signatures: U8) -> Bool:
        """Return for each signature whether it is that of the digest by the row's key."""
        verify = self._ear.credentials.verify
        return in_parts(lambda part: verify(curve, rows[part], digests[part], signatures[part]), len(rows))

    def _causes(self, signer: I64, claims: Claims | None) -> U8:
        """Return why each payload's signature is checked, `Cause.NONE` where it is not."""
        verified = self._ear.credentials.verified_ns[signer]
        if claims is None:
            config = self._ear.policy
            due = self._time_ns - verified >= config.overdue_s * S
            return np.where(due | (config.policy == "all"), _OVERDUE, _NONE)
        bad = self._ear.credentials.bad_ns[signer]
        signers = self.signers[self.rows]
        heard = Heard(
            digest=sealed.first_octets_of(self._frames, self._all, self.rows),
            signer=signers,
            time_ns=claims.time_ns,
            x=claims.x,
            y=claims.y,
            vx=claims.vx,
            vy=claims.vy,
            event=claims.event,
            known=verified > 0,
            changed=self._ear.changed(claims.sender, signers),
            suspect=(bad > 0) & (self._time_ns - bad < self._ear.policy.suspect_s * S),
            verified_ns=verified,
        )
        return causes(heard, np.empty((0, 2)), self._ear.policy)

    def _place(self, checked: I64, signer: I64, claims: Claims) -> None:
        """Refuse messages from outside their certificates' regions, among those that were checked."""
        if not len(checked):
            return
        latitude, longitude = self._road.to_wgs84(claims.x[checked], claims.y[checked])
        places = zip(latitude.tolist(), longitude.tolist(), strict=True)
        for one, place in zip(checked.tolist(), places, strict=True):
            if self._ear.credentials.outside(int(signer[one]), place):
                self.states[one] = SignatureState.OUTSIDE_REGION


class SignedEnvelope:
    """A `wayside.envelope.Envelope` of V2XSecData after YD/T 3957-2021; see `open_envelope`.

    Attributes:
        domain: the simulated PKI.
        trust: whom receivers trust.
    """

    writes: frozenset[type[Table]] = frozenset((Signatures, SignatureCounts))

    def __init__(self, config: EnvelopeConfig, seed: int, start_ns: int, road: RoadMap) -> None:
        self._road = road
        self._stations = Stations(seed, start_ns, curve=config.curve, pool=config.pool, change_s=config.change_s)
        self.trust = TrustStore()
        self.domain = self._stations.domain
        root, *others = self.domain.authorities
        self.trust.trust_root(root)
        for one in others:
            self.trust.add_authority(one)
        roadside, vehicles = (identity(f"salt of the {name} {seed}") >> 1 for name in ("roadside", "vehicles"))
        self._roadside, self._vehicles = Ear(self.trust, config, roadside), Ear(self.trust, config, vehicles)
        self._last: _Roadside | None = None

    def seal(self, messages: Messages, stations: U64, roles: U8, aids: I32) -> Messages:
        """Return the messages signed by the stations that send them; see `wayside.envelope.Envelope`."""
        return self._stations.sign(messages, stations, roles, aids)

    def open(self, messages: Messages, time_ns: int) -> Opened:
        """Open what roadside units received; what becomes of it is told by `findings`."""
        self._last = _Roadside(self._roadside, messages, time_ns, self._road)
        return self._last

    def overhear(
        self, messages: Messages, time_ns: int, aids: Collection[int], begins: Bool | None = None
    ) -> Opened:
        """Open what roadside units sent, as vehicles do; see `wayside.envelope.Envelope`."""
        return Opened(self._vehicles, messages, time_ns, self._road, aids, begins)

    def findings(self, time_ns: int) -> tuple[Table, ...]:
        """Return Signatures of the messages not believed, and SignatureCounts of all, since the last call."""
        self._stations.prepare()  # signatures are verified by now, and the steps of the tick need one core
        if self._last is None:
            return (Signatures.empty(), SignatureCounts.empty())
        found = self._last.tables()
        self._last = None
        return found


def open_envelope(
    config: EnvelopeConfig, *, seed: int, start_ns: int, seconds: float, road: RoadMap, assets: Sequence[Table]
) -> SignedEnvelope:
    """Return envelopes for a simulated city, whose stations and authorities follow from the seed.

    Args:
        config: how messages are signed and verified.
        seed: of the Run.
        start_ns: its first instant [ns since 1970 UTC].
        seconds: how long it lasts; certificates hold longer than any Run.
        road: the map, for where messages come from.
        assets: not used; stations are met when they speak.
    """
    return SignedEnvelope(config, seed, start_ns, road)


def _instant(made_us: int) -> int:
    """Return when a message was made [ns since 1970 UTC]; 0 where it does not say or says nonsense."""
    return utc_of(made_us * US) if 0 <= made_us < LATEST_US else 0


class _Roadside(Opened):
    """What roadside units opened, with an account of it."""

    def __init__(self, ear: Ear, messages: Messages, time_ns: int, road: RoadMap) -> None:
        super().__init__(ear, messages, time_ns, road)
        self._messages = messages
        self._sender = np.zeros(len(messages), np.uint64)
        self._x, self._y = np.full(len(messages), np.nan), np.full(len(messages), np.nan)

    def judge(self, claims: Claims | None) -> U8:
        """Check what the policy asks for, and note who said it."""
        if claims is not None:
            self._sender[self.rows] = claims.sender
            self._x[self.rows], self._y[self.rows] = claims.x, claims.y
        return super().judge(claims)

    def tables(self) -> tuple[Signatures, SignatureCounts]:
        """Return what was not believed, and how many messages came to which end."""
        state = np.empty(len(self._messages), np.uint8)
        state[self.rows], state[self.refused] = self.states, self.reasons
        counted = np.bincount(state)
        met = np.flatnonzero(counted)
        counts = SignatureCounts(state=met.astype(np.uint8), messages=counted[met].astype(np.uint32))
        lost = np.flatnonzero((state != _VALID) & (state != _UNCHECKED))
        if not len(lost):
            return Signatures.empty(), counts
        return (
            Signatures(
                received_ns=self._messages.time_ns[lost],
                link=self._messages.link[lost],
                number=np.arange(len(lost), dtype=np.uint32),
                signer=self.signers[lost],
                sender=self._sender[lost],
                x=self._x[lost],
                y=self._y[lost],
                aid=np.maximum(self._all.aid[lost], -1).astype(np.int32),
                generation_ns=np.array([_instant(us) for us in self._all.generation_us[lost].tolist()], np.int64),
                state=state[lost],
            ),
            counts,
        )

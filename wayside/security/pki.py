"""`wayside pki`: make a test PKI, and show, sign, verify, revoke and list with it.

Nothing here asks a clock. What depends on an instant is told it with `--at`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from wayside.command import EXIT_DIFFERENT, Answer, Text
from wayside.language import LANGUAGES, Language, say
from wayside.security.authority import (
    AUTHORITY_SERIES,
    HOLDER_SERIES,
    HOUR_NS,
    Keys,
    issue,
    issue_application,
    issue_enrolment,
    make_domain,
)
from wayside.security.certificates import Certificate, CertificateError, issue_value
from wayside.security.chains import instant
from wayside.security.keeping import (
    FolderError,
    read_certificates,
    read_domain,
    read_holder,
    read_octets,
    write_domain,
    write_holder,
    write_new,
    write_pools,
)
from wayside.security.permissions import role_of
from wayside.security.pools import COUNT, issue_pools
from wayside.security.refusals import Refusal
from wayside.security.revocation import hash_body, linked_body, make_revocation_list
from wayside.security.rootlists import make_root_list
from wayside.security.signatures import public_key_of
from wayside.security.signed import sign_message
from wayside.security.trust import TrustStore

BEGIN = "2025-01-01T00:00:00Z"  # of a test PKI, unless it is told otherwise
LAST_PERIOD = 1040  # i-periods of the 20 years a vehicle may live; revoked until then
NEXT_LIST_NS = 24 * HOUR_NS


def read_instant(text: str) -> int:
    """Return an instant [ns since 1970 UTC] of ISO 8601 text; without a zone it is UTC.

    >>> read_instant("2025-01-01T00:00:00Z")
    1735689600000000000
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no instant like {BEGIN}") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(found.timestamp()) * 1_000_000_000 + found.microsecond * 1000


def facts_of(certificate: Certificate) -> dict[str, Any]:
    """Return what a certificate says, for people and machines."""
    linkage = certificate.linkage
    return {
        "id": certificate.hashed_id8.hex(),
        "name": certificate.name or "",
        "role": role_of(certificate.said).name,
        "issuer": certificate.issuer.hex() if certificate.issuer else "",
        "curve": certificate.curve,
        "from": instant(certificate.start_ns),
        "until": instant(certificate.end_ns),
        "region": certificate.region,
        "aids": list(certificate.permissions),
        "issues": bool(certificate.issue_permissions),
        "period": None if linkage is None else linkage[0],
        "linkage": None if linkage is None else linkage[1].hex(),
        "digest": certificate.digest.hex(),
        "octets": len(certificate.octets),
    }


def trust_of(options: argparse.Namespace) -> TrustStore:
    """Return the trust store that the options describe."""
    store = TrustStore()
    for one in read_certificates(options.trust):
        if one.issuer is None:
            store.trust_root(one)
        else:
            store.add_authority(one)
    for one in read_certificates(options.authority):
        store.add_authority(one)
    for one in read_certificates(options.trcla):
        store.trust_list_authority(one)
    for file in options.trcl:
        store.add_trusted_roots(read_octets(file), options.at)
    for file in options.crl:
        store.add_revocations(read_octets(file), options.at)
    return store


class Pki:
    """Make a test PKI, and show, sign, verify, revoke and list with it."""

    writes_lines = False

    def arguments(self, parser: argparse.ArgumentParser, text: Text) -> None:
        """Declare the command's arguments."""
        kinds = parser.add_subparsers(dest="deed", required=True, metavar=text("security.pki_deed"))

        def deed(name: str, *, at: bool = True) -> argparse.ArgumentParser:
            words = text(f"security.pki_{name}")
            added = kinds.add_parser(name, help=words, description=words, add_help=False)
            added.add_argument("-h", "--help", action="help", help=text("wayside.help_help"))
            # said before the deed or behind it
            later: Any = argparse.SUPPRESS
            added.add_argument("--json", action="store_true", default=later, help=text("wayside.help_json"))
            added.add_argument("--language", choices=LANGUAGES, default=later, help=text("wayside.help_language"))
            if at:
                added.add_argument("--at", type=read_instant, required=True, help=text("security.pki_at"))
            return added

        make = deed("make", at=False)
        make.add_argument("folder", type=Path, help=text("security.pki_new_folder"))
        make.add_argument("--name", default="test", help=text("security.pki_name"))
        make.add_argument("--curve", choices=("sm2", "p256"), default="sm2", help=text("security.pki_curve"))
        make.add_argument("--seed", help=text("security.pki_seed"))
        make.add_argument("--at", type=read_instant, default=read_instant(BEGIN), help=text("security.pki_begin"))
        make.add_argument("--vehicles", type=int, default=1, help=text("security.pki_vehicles"))
        make.add_argument("--pseudonyms", type=int, default=COUNT, help=text("security.pki_pseudonyms"))
        make.add_argument("--periods", type=int, default=1, help=text("security.pki_periods"))
        make.add_argument("--units", type=int, default=1, help=text("security.pki_units"))

        show = deed("show", at=False)
        show.add_argument("files", type=Path, nargs="+", help=text("security.pki_certificates"))

        sign = deed("sign")
        sign.add_argument("payload", type=Path, help=text("security.pki_payload"))
        sign.add_argument("--with", dest="signer", type=Path, required=True, help=text("security.pki_with"))
        sign.add_argument("--aid", type=int, required=True, help=text("security.pki_aid"))
        sign.add_argument("--out", type=Path, required=True, help=text("security.pki_out"))
        sign.add_argument("--digest", action="store_true", help=text("security.pki_digest"))

        verify = deed("verify")
        verify.add_argument("file", type=Path, help=text("security.pki_object"))
        verify.add_argument("--trust", type=Path, nargs="+", required=True, help=text("security.pki_trust"))
        verify.add_argument("--authority", type=Path, nargs="+", default=[], help=text("security.pki_authority"))
        verify.add_argument("--trcla", type=Path, nargs="+", default=[], help=text("security.pki_trcla"))
        verify.add_argument("--trcl", type=Path, nargs="+", default=[], help=text("security.pki_trcl_file"))
        verify.add_argument("--crl", type=Path, nargs="+", default=[], help=text("security.pki_crl"))
        verify.add_argument(
            "--place", type=float, nargs=2, metavar=("LATITUDE", "LONGITUDE"), help=text("security.pki_place")
        )

        revoke = deed("revoke")
        revoke.add_argument("folder", type=Path, help=text("security.pki_folder"))
        revoke.add_argument("--vehicle", nargs="+", default=[], help=text("security.pki_vehicle"))
        revoke.add_argument(
            "--certificate", type=Path, nargs="+", default=[], help=text("security.pki_certificate")
        )
        revoke.add_argument("--period", type=int, default=0, help=text("security.pki_period"))
        revoke.add_argument("--out", type=Path, required=True, help=text("security.pki_out"))

        trcl = deed("trcl")
        trcl.add_argument("folder", type=Path, help=text("security.pki_trcla_folder"))
        trcl.add_argument("roots", type=Path, nargs="+", help=text("security.pki_roots"))
        trcl.add_argument("--days", type=float, default=30.0, help=text("security.pki_days"))
        trcl.add_argument("--out", type=Path, required=True, help=text("security.pki_out"))

    def run(self, options: argparse.Namespace, screen: Console) -> Answer:
        """Do it."""
        return DEEDS[options.deed](options, screen)


def make(options: argparse.Namespace, screen: Console) -> Answer:
    """Make a PKI with vehicles and units into a new folder."""
    seed = None if options.seed is None else options.seed.encode()
    domain = make_domain(options.name, options.at, curve=options.curve, seed=seed)
    vehicles = [f"vehicle{number}" for number in range(1, options.vehicles + 1)]
    units = [f"unit{number}" for number in range(1, options.units + 1)]
    pools = None
    if vehicles:
        pools = issue_pools(domain, vehicles, options.at, periods=options.periods, count=options.pseudonyms)
    write_domain(domain, options.folder, options.at, options.pseudonyms)
    for name in vehicles:
        enrolment = issue_enrolment(domain, name, options.at)
        write_holder(enrolment, options.folder / "vehicles" / name / "enrolment.cert")
    if pools is not None:
        write_pools(pools, options.folder)
    for name in units:
        write_holder(issue_application(domain, name, options.at), options.folder / "units" / f"{name}.cert")
    certificates = [facts_of(one) for one in domain.authorities]
    _print(certificates, screen, options.language)
    pseudonyms = 0 if pools is None else len(pools)
    counts = {"vehicles": len(vehicles), "pseudonyms": pseudonyms, "units": len(units)}
    screen.print(say("security.pki_made", options.language, folder=options.folder, **counts), soft_wrap=True)
    return Answer({"folder": str(options.folder), "authorities": certificates, **counts})


def show(options: argparse.Namespace, screen: Console) -> Answer:
    """Show certificates."""
    certificates = [facts_of(one) for one in read_certificates(options.files)]
    _print(certificates, screen, options.language)
    return Answer({"certificates": certificates})


def sign(options: argparse.Namespace, screen: Console) -> Answer:
    """Sign a payload."""
    holder = read_holder(options.signer)
    along = None if options.digest else ()
    octets = sign_message(read_octets(options.payload), options.aid, holder, options.at, along=along)
    write_new(options.out, octets)
    subject = holder.certificate.hashed_id8.hex()
    screen.print(say("security.pki_signed", options.language, out=options.out, signer=subject), soft_wrap=True)
    return Answer({"out": str(options.out), "hex": octets.hex(), "signer": subject})


def verify(options: argparse.Namespace, screen: Console) -> Answer:
    """Judge a certificate or a signed message."""
    store, octets = trust_of(options), read_octets(options.file)
    place = None if options.place is None else (options.place[0], options.place[1])
    facts: dict[str, Any]
    refusal: Refusal | None
    try:
        certificate: Certificate | None = Certificate.parse(octets)
    except CertificateError:
        certificate = None
    if certificate is not None:
        refusal = store.certificate_fault(certificate, options.at, place)
        facts = {"what": "certificate", "signer": certificate.hashed_id8.hex()}
    else:
        verdict = store.judge(octets, options.at, place=place)
        refusal = verdict.refusal
        facts = {"what": "message"}
        if verdict.opened is not None:
            facts |= {"signer": verdict.opened.signer.hex(), "aid": verdict.opened.aid}
            facts |= {"payload": verdict.opened.payload.hex()}
            made = verdict.opened.time_ns
            facts["made"] = None if made is None else instant(made)
    facts |= {"trusted": refusal is None}
    if refusal is None:
        screen.print(say("security.pki_trusted", options.language, what=options.file), style="green")
        return Answer(facts)
    facts |= {"fault": refusal.fault.name, "text": refusal.text, "subject": refusal.subject}
    words = say(f"security.fault_{refusal.fault.name.lower()}", options.language)
    line = say("security.pki_refused", options.language, what=options.file, words=words)
    screen.print(line, style="red", markup=False, soft_wrap=True)
    screen.print(f"{refusal.subject} {refusal.text}", markup=False, highlight=False, soft_wrap=True)
    return Answer(facts, EXIT_DIFFERENT)


def revoke(options: argparse.Namespace, screen: Console) -> Answer:
    """Write a full revocation list: of vehicles by their seeds, or of single certificates."""
    kept = read_domain(options.folder)
    domain = kept.domain
    if bool(options.vehicle) == bool(options.certificate):
        raise FolderError("name either --vehicle or --certificate: the two stand on different lists")
    signer, series, body, kind = domain.holders["cra"], HOLDER_SERIES, dict[str, Any](), "fullLinkedCrl"
    if options.vehicle:
        absent = [name for name in options.vehicle if not (options.folder / "vehicles" / name).is_dir()]
        if absent:
            raise FolderError(f"{options.folder} has no vehicle {', '.join(absent)}")
        seeds = domain.seeds(options.vehicle, options.period)
        authorities = (domain.linkage[0].identity, domain.linkage[1].identity)
        body = linked_body(seeds, authorities, options.period, LAST_PERIOD, kept.pseudonyms)
    else:
        certificates = read_certificates(options.certificate)
        series_named = {one.said["crlSeries"] for one in certificates}
        if len(series_named) != 1:
            found = ", ".join(str(number) for number in sorted(series_named))
            raise FolderError(
                f"these certificates belong on lists of several series ({found}); write one for each"
            )
        kind, body, series = "fullHashCrl", hash_body(certificates, 1), series_named.pop()
        signer = domain.holders["rca" if series == AUTHORITY_SERIES else "cra"]
    octets = make_revocation_list(
        signer, kind, body, series=series, issued_ns=options.at, next_ns=options.at + NEXT_LIST_NS
    )
    write_new(options.out, octets)
    count = len(options.vehicle) or len(options.certificate)
    screen.print(say("security.pki_revoked", options.language, out=options.out, count=count), soft_wrap=True)
    return Answer({"out": str(options.out), "kind": kind, "series": series, "count": count})


def trcl(options: argparse.Namespace, screen: Console) -> Answer:
    """Write a trusted root list; its authority is made in the folder if there is none."""
    file = options.folder / "trcla.cert"
    if not file.is_file():
        key = Keys(None).private("sm2", "trcla")
        said = issue_value(
            identity="trcla",
            start_ns=options.at,
            duration={"years": 20},
            curve="sm2",
            public_key=public_key_of("sm2", key),
        )
        write_holder(issue(None, said, key, Keys(None), "sm2"), file)
    authority = read_holder(file)
    roots = [one for one in read_certificates(options.roots) if one.issuer is None]
    if not roots:
        raise FolderError("none of these has signed itself; a trusted root list holds roots")
    end_ns = options.at + round(options.days * 24 * HOUR_NS)
    write_new(options.out, make_root_list(authority, roots, options.at, end_ns))
    subject = authority.certificate.hashed_id8.hex()
    screen.print(
        say("security.pki_listed", options.language, out=options.out, count=len(roots), until=instant(end_ns)),
        soft_wrap=True,
    )
    listed = [one.hashed_id8.hex() for one in roots]
    return Answer({"out": str(options.out), "authority": subject, "roots": listed})


DEEDS: Mapping[str, Callable[[argparse.Namespace, Console], Answer]] = {
    "make": make,
    "show": show,
    "sign": sign,
    "verify": verify,
    "revoke": revoke,
    "trcl": trcl,
}


def _print(certificates: list[dict[str, Any]], screen: Console, language: Language) -> None:
    grid = Grid()
    for heading in ("id", "name", "role", "from", "until", "aids", "issuer"):
        grid.add_column(say(f"security.pki_head_{heading}", language), overflow="fold", no_wrap=heading == "id")
    for one in certificates:
        name = one["name"] or ("" if one["period"] is None else f"{one['period']}: {one['linkage']}")
        aids = " ".join(str(aid) for aid in one["aids"])
        role = "" if one["role"] == "NONE" else one["role"]
        # the day says enough here; the facts have the second
        grid.add_row(one["id"], name, role, one["from"][:10], one["until"][:10], aids, one["issuer"])
    screen.print(grid)


pki = Pki()

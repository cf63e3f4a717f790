"""A PKI as a folder: certificates anyone may read, private keys only their owner.

    domain.toml                what it is
    authorities/NAME.cert      certificates in COER, and NAME.key beside each
    vehicles/NAME/             enrolment.cert, and PERIOD-NUMBER.cert for each pseudonym, each with its .key
    units/NAME.cert            roadside units, with their .key
    lists/                     revocation lists (.crl) and trusted root lists (.trcl)

A key file holds 32 octets and is made with mode 0600; no key is ever written over another.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from wayside.errors import WaysideError
from wayside.security.authority import Domain, Keys, LinkageAuthority
from wayside.security.certificates import Certificate
from wayside.security.curves import OCTETS, curve_named
from wayside.security.pools import Pools
from wayside.security.signed import Holder

ABOUT = "domain.toml"


class FolderError(WaysideError):
    """A folder is not a PKI, or something in it is missing or in the way; the text says what."""


def write_new(file: Path, octets: bytes, *, private: bool = False) -> None:
    """Write a file that must not be there yet, for its owner alone if it is private.

    Raises:
        FolderError: it is there, or cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o644)
        with os.fdopen(handle, "wb") as out:
            out.write(octets)
    except FileExistsError:
        raise FolderError(f"{file} is there already; give another folder, nothing is written over") from None
    except OSError as error:
        raise FolderError(f"cannot write {file}: {error.strerror}") from error


def read_octets(file: Path) -> bytes:
    """Return a file's octets; a text of hexadecimal digits is read as such.

    Raises:
        FolderError: it cannot be read.
    """
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise FolderError(f"cannot read {file}: {error.strerror}") from error
    try:
        return bytes.fromhex(octets.decode("ascii"))
    except ValueError:
        return octets


def write_holder(holder: Holder, file: Path) -> None:
    """Write a certificate, and its key beside it with the ending `.key`."""
    write_new(file.with_suffix(".key"), holder.private_key, private=True)
    write_new(file, holder.certificate.octets)


def read_holder(file: Path) -> Holder:
    """Return a certificate and the key beside it.

    Raises:
        FolderError: one of them is missing.
        CertificateError: the file is no certificate.
    """
    certificate, key = Certificate.parse(read_octets(file)), read_octets(file.with_suffix(".key"))
    if len(key) != OCTETS:
        raise FolderError(f"{file.with_suffix('.key')} has {len(key)} octets; a private key has {OCTETS}")
    return Holder(certificate, key)


@dataclass(frozen=True)
class Kept:
    """A PKI read from its folder.

    Attributes:
        domain: with all keys.
        epoch_ns: when i-period 0 of its pseudonyms begins [ns since 1970 UTC].
        pseudonyms: of a vehicle in a period.
    """

    domain: Domain
    epoch_ns: int
    pseudonyms: int


def write_domain(domain: Domain, folder: Path, epoch_ns: int, pseudonyms: int) -> None:
    """Write a new PKI into a folder that holds none.

    Args:
        domain: what is written.
        folder: made if it is not there.
        epoch_ns: when i-period 0 of the pseudonyms begins [ns since 1970 UTC].
        pseudonyms: of a vehicle in a period.

    Raises:
        FolderError: it holds a PKI already, or cannot be written.
    """
    about = {
        "name": domain.name,
        "curve": domain.curve,
        "epoch_ns": epoch_ns,
        "pseudonyms": pseudonyms,
        "authorities": list(domain.holders),
        "linkage": [one.identity.hex() for one in domain.linkage],
    }
    write_new(folder / ABOUT, tomli_w.dumps(about).encode())
    for short, holder in domain.holders.items():
        write_holder(holder, folder / "authorities" / f"{short}.cert")
    for number, one in enumerate(domain.linkage, 1):
        write_new(folder / "authorities" / f"linkage{number}.key", one.secret, private=True)


def read_domain(folder: Path) -> Kept:
    """Return the PKI in a folder.

    Raises:
        FolderError: the folder is none.
    """
    if not (folder / ABOUT).is_file():
        raise FolderError(f"{folder} is no PKI: it has no {ABOUT}; make one with `wayside pki make {folder}`")
    try:
        about = tomllib.loads((folder / ABOUT).read_text("utf-8"))
        name, curve = str(about["name"]), curve_named(about["curve"]).name
        epoch_ns, pseudonyms = int(about["epoch_ns"]), int(about["pseudonyms"])
        shorts, identities = list(about["authorities"]), [bytes.fromhex(one) for one in about["linkage"]]
        one, two = identities
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{folder / ABOUT} does not say what a PKI is made of: {error}") from error
    holders = {short: read_holder(folder / "authorities" / f"{short}.cert") for short in shorts}
    secrets = [read_octets(folder / "authorities" / f"linkage{number}.key") for number in (1, 2)]
    linkage = (LinkageAuthority(one, secrets[0]), LinkageAuthority(two, secrets[1]))
    return Kept(Domain(name, curve, holders, linkage, Keys(None)), epoch_ns, pseudonyms)


def write_pools(pools: Pools, folder: Path) -> None:
    """Write each vehicle's pseudonyms below `vehicles`, as PERIOD-NUMBER.cert with the number counted from 1."""
    for row in range(len(pools)):
        place, index = divmod(row, pools.count)
        vehicle, period = divmod(place, pools.periods)
        name = f"{pools.first + period}-{index + 1}.cert"
        write_holder(pools.holder(row), folder / "vehicles" / pools.vehicles[vehicle] / name)


def read_certificates(files: Sequence[Path]) -> list[Certificate]:
    """Return the certificates in files, and in the folder `authorities` of each PKI among them.

    Raises:
        FolderError: a file cannot be read.
        CertificateError: a file is no certificate.
    """
    found = []
    for file in files:
        inside = sorted((file / "authorities").glob("*.cert")) if file.is_dir() else [file]
        if not inside:
            raise FolderError(f"{file} holds no authorities; name a PKI's folder or certificate files")
        found += [Certificate.parse(read_octets(one)) for one in inside]
    return found

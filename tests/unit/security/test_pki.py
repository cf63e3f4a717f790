"""`wayside pki`: what it writes, says and exits with."""

from __future__ import annotations

import argparse
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wayside.command import Answer
from wayside.errors import WaysideError
from wayside.language import say
from wayside.security.certificates import Certificate
from wayside.security.keeping import FolderError, read_domain
from wayside.security.pki import pki
from wayside.security.refusals import TrustFault

AT = "2025-01-02T00:00:00Z"


def told(*words: str | Path) -> tuple[Answer, str]:
    """Return what the command answers and prints."""
    parser = argparse.ArgumentParser()
    parser.set_defaults(language="en")
    pki.arguments(parser, lambda key: say(key, "en").replace("%", "%%"))
    screen = Console(record=True, width=200, file=io.StringIO())
    options = parser.parse_args([str(word) for word in words])
    answer = pki.run(options, screen)
    return answer, screen.export_text()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki") / "city"
    told("make", folder, "--name", "city", "--seed", "tests", "--vehicles", "2", "--pseudonyms", "2")
    return folder


@pytest.fixture(scope="module")
def message(city: Path) -> Path:
    payload = city.parent / "payload.hex"
    payload.write_text("0102\n")
    out = city.parent / "message.sec"
    signer = city / "vehicles" / "vehicle1" / "0-1.cert"
    told("sign", payload, "--with", signer, "--aid", "111", "--at", AT, "--out", out)
    return out


def test_keys_are_for_their_owner_alone_and_never_printed(city: Path) -> None:
    keys = sorted(city.rglob("*.key"))
    assert len(keys) == 9 + 2 + 2 * (1 + 2) + 1
    answer, printed = told("show", city)
    for key in keys:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert key.read_bytes().hex() not in printed + json.dumps(dict(answer.facts))


def test_the_same_seed_makes_the_same_octets_and_none_other(city: Path, tmp_path: Path) -> None:
    for seed in ("tests", "others"):
        told("make", tmp_path / seed, "--name", "city", "--seed", seed, "--vehicles", "2", "--pseudonyms", "2")
    for file in sorted(city.rglob("*.cert")):
        name = file.relative_to(city)
        assert (tmp_path / "tests" / name).read_bytes() == file.read_bytes()
        assert (tmp_path / "others" / name).read_bytes() != file.read_bytes()


def test_nothing_is_written_over(city: Path, message: Path) -> None:
    with pytest.raises(FolderError, match="there already"):
        told("make", city)
    with pytest.raises(FolderError, match="there already"):
        told("revoke", city, "--vehicle", "vehicle1", "--at", AT, "--out", message)


def test_a_folder_gives_back_what_was_written(city: Path) -> None:
    kept = read_domain(city)
    assert (kept.domain.name, kept.domain.curve, kept.pseudonyms) == ("city", "sm2", 2)
    assert kept.domain.certificate("pca").name == "pca.city"
    with pytest.raises(FolderError, match="wayside pki make"):
        read_domain(city.parent)


def test_show_says_what_certificates_say(city: Path) -> None:
    answer, printed = told("show", city / "authorities" / "rca.cert", city / "vehicles" / "vehicle1" / "0-2.cert")
    root, pseudonym = answer.facts["certificates"]
    assert root["role"] == "ROOT" and root["name"] == "rca.city" and "rca.city" in printed
    assert (
        pseudonym["period"] == 0
        and len(pseudonym["linkage"]) == 18
        and pseudonym["aids"] == [111, 112, 113, 114, 3616]
    )


def test_a_signed_message_verifies_and_exits_with_0(city: Path, message: Path) -> None:
    answer, printed = told("verify", message, "--trust", city, "--at", AT)
    assert answer.code == 0 and "trusted" in printed
    assert answer.facts == {
        "what": "message", "signer": answer.facts["signer"], "aid": 111, "payload": "0102", "made": AT,
        "trusted": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (("--at", "2025-01-02T00:01:00Z"), "STALE"),
        (("--at", AT, "--place", "48.1", "11.6"), "OUTSIDE_REGION"),
        (("--at", "2026-01-02T00:00:00Z"), "EXPIRED"),
    ],
)
def test_what_is_not_trusted_is_named_and_exits_with_1(
    city: Path, message: Path, more: tuple[str, ...], fault: str
) -> None:
    answer, printed = told("verify", message, "--trust", city, *more)
    assert answer.code == 1 and answer.facts["fault"] == fault
    assert say(f"security.fault_{fault.lower()}", "en") in printed and answer.facts["text"] in printed


def test_a_revoked_vehicle_is_refused_and_its_neighbour_is_not(city: Path, message: Path, tmp_path: Path) -> None:
    crl = tmp_path / "list.crl"
    told("revoke", city, "--vehicle", "vehicle1", "--at", AT, "--out", crl)
    answer, _ = told("verify", message, "--trust", city, "--crl", crl, "--at", AT)
    assert answer.facts["fault"] == "REVOKED"
    other = city / "vehicles" / "vehicle2" / "0-1.cert"
    assert told("verify", other, "--trust", city, "--crl", crl, "--at", AT)[0].code == 0
    hashes = tmp_path / "hashes.crl"
    told("revoke", city, "--certificate", other, "--at", AT, "--out", hashes)
    assert told("verify", other, "--trust", city, "--crl", hashes, "--at", AT)[0].facts["fault"] == "REVOKED"


def test_another_domain_needs_a_trusted_root_list(city: Path, tmp_path: Path) -> None:
    other, lister, listed = tmp_path / "other", tmp_path / "lister", tmp_path / "roots.trcl"
    told("make", other, "--name", "other", "--curve", "p256", "--vehicles", "0")
    unit = other / "units" / "unit1.cert"
    known: tuple[Any, ...] = ("verify", unit, "--trust", city, "--authority", other, "--at", AT)
    assert told(*known)[0].facts["fault"] == "UNTRUSTED_ROOT"
    told("trcl", lister, other, "--at", AT, "--out", listed)
    assert told(*known, "--trcla", lister / "trcla.cert", "--trcl", listed)[0].code == 0
    again = tmp_path / "again.trcl"
    told("trcl", lister, other, "--at", AT, "--out", again)
    assert Certificate.parse((lister / "trcla.cert").read_bytes()).name == "trcla"


def test_what_cannot_be_done_is_said(city: Path, tmp_path: Path) -> None:
    for words, text in (
        (("revoke", city, "--at", AT, "--out", tmp_path / "x"), "either --vehicle or --certificate"),
        (("revoke", city, "--vehicle", "nobody", "--at", AT, "--out", tmp_path / "x"), "no vehicle nobody"),
        (("show", tmp_path / "missing.cert"), "cannot read"),
        (("show", tmp_path), "holds no authorities"),
        (("trcl", tmp_path, city / "units" / "unit1.cert", "--at", AT, "--out", tmp_path / "x"), "itself"),
    ):
        with pytest.raises(WaysideError, match=text):
            told(*words)


def test_every_fault_has_words_in_both_languages() -> None:
    for fault in TrustFault:
        if fault != TrustFault.NONE:
            assert say(f"security.fault_{fault.name.lower()}", "en") != say(
                f"security.fault_{fault.name.lower()}", "zh"
            )

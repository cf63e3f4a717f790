"""Signatures beside OpenSSL, `cryptography`, pure Python and the published example of YD/T 3957, annex D."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from wayside.security.batch_signing import public_keys_of, sign_batch
from wayside.security.batch_verifying import verify_batch
from wayside.security.curves import CURVES, Curve, CurveName, write_point
from wayside.security.hashes import identity_digest, sm3, sm3_batch
from wayside.security.openssl import NoOpenSsl, find_openssl
from wayside.security.plain import PlainPython, add_multiples
from wayside.security.signatures import Cryptography, verify, verify_digest

SOURCE = Path(__file__).parents[4] / "shared" / "data" / "security" / "certs.json"
real = pytest.mark.skipif(not SOURCE.is_file(), reason=f"no certificates in {SOURCE}")
NAMES: tuple[CurveName, ...] = ("sm2", "p256")
Case = tuple[bytes, bytes, bytes]  # public key, digest, signature


def octets(number: int) -> bytes:
    return number.to_bytes(32, "big")


def rows(parts: list[bytes]) -> Any:
    return np.stack([np.frombuffer(part, np.uint8) for part in parts])


def verdicts(name: CurveName, cases: list[Case]) -> list[bool]:
    keys, digests, signatures = (rows(list(part)) for part in zip(*cases, strict=True))
    return [bool(v) for v in verify_batch(name, keys, digests, signatures)]


def oracles(name: CurveName) -> list[Any]:
    try:
        found: list[Any] = [find_openssl(name)]
    except NoOpenSsl as error:
        pytest.skip(f"no OpenSSL to compare with: {error}")
    if name == "p256":
        pytest.importorskip("cryptography")
        found.append(Cryptography())
    return found


def with_secret(name: CurveName, private: int, k: int, digest: int) -> Case:
    """Return a case signed by the equations of the standard, in whole numbers."""
    curve, order = CURVES[name], CURVES[name].order
    point, key = add_multiples(curve, k, 0, curve.generator), add_multiples(curve, private, 0, curve.generator)
    assert point and key
    if name == "sm2":
        r = (digest + point[0]) % order
        s = pow(1 + private, -1, order) * (k - r * private) % order
    else:
        r = point[0] % order
        s = pow(k, -1, order) * (digest + r * private) % order
    return write_point(key), octets(digest), octets(r) + octets(s)


def beyond_the_order(curve: Curve, random: Random) -> Case:
    """Return a good signature whose point has an x from the order to below the prime: its r is smaller than x."""
    order = curve.order
    while True:
        point = curve.lift(random.randrange(order, curve.prime), odd=True)
        if point:
            break
    u, v = random.randrange(1, order), random.randrange(1, order)
    inverse = pow(v, -1, order)
    key = add_multiples(curve, -u * inverse % order, inverse, point)  # so that u G + v key is the point
    assert key
    if curve.name == "sm2":
        r, s = (v - u) % order, u
        e = (r - point[0]) % order
    else:
        r = point[0] % order
        s = r * inverse % order
        e = u * s % order
    return write_point(key), octets(e), octets(r) + octets(s)


def edge_cases(name: CurveName, random: Random) -> tuple[list[Case], list[bool | None]]:
    """Return cases at the edges, and for each the verdict that follows from how it is made; None where untold."""
    curve = CURVES[name]
    order, prime = curve.order, curve.prime
    cases: list[tuple[Case, bool | None]] = []
    for private in (1, 2, 3, 4, 15, 16, 17, 2**64, 2**128 + 1, 2**192, order - 2):
        for k in (1, 2, 3, 2**64, 2**128, 2**255, order - 1, random.randrange(1, order)):
            for e in (0, 1, order - 1, order, 2**256 - 1, random.getrandbits(256)):
                one = with_secret(name, private, k, e)
                cases.append((one, any(one[2][:32]) and any(one[2][32:])))
    good = with_secret(name, 2**200 + 5, 777, 2**255 + 9)
    key, digest, signature = good
    for wrong in (0, 1, 2, order - 1, order, order + 1, prime, 2**256 - 1):
        for put in (octets(wrong) + signature[32:], signature[:32] + octets(wrong), octets(wrong) * 2):
            cases.append(((key, digest, put), None))
    good_r, good_s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    cases.append(((key, digest, octets(good_r) + octets(order - good_r)), False))  # SM2: t = r + s = 0
    cases.append(((key, digest, octets(good_r) + octets(order - good_s)), name == "p256"))  # as good in ECDSA
    for x in (0, 1, 2, prime - 1, prime, prime + 1, 2**256 - 1):
        for prefix in (0, 1, 2, 3, 4, 5, 6, 7, 255):
            cases.append(((bytes([prefix]) + octets(x), digest, signature), None))
    lifted = [x for x in range(40) if not curve.lift(x, odd=False)]
    cases += [((b"\x02" + octets(x), digest, signature), False) for x in lifted]
    generator = curve.generator
    minus = (generator[0], prime - generator[1])
    for point in (generator, minus):
        for _ in range(4):
            r = random.randrange(1, order)
            for e in (r, order - r, 0):  # ECDSA: u G + v key with u = v, u = -v
                halves = octets(r) + octets(random.randrange(1, order))
                cases.append(((write_point(point), octets(e), halves), None))
    for _ in range(4):  # SM2: s G + t key = infinity; a wrong reading of infinity as x = 0 would believe r = e
        private, e = random.randrange(2, order - 2), random.randrange(1, order)
        public = PlainPython().public_key_of(name, octets(private))
        s = -e * private * pow(1 + private, -1, order) % order
        cases.append(((public, octets(e), octets(e) + octets(s)), None if name == "p256" else False))
    cases += [(beyond_the_order(curve, random), True) for _ in range(4)]
    return [case for case, _ in cases], [verdict for _, verdict in cases]


def random_cases(name: CurveName, count: int, seed: int) -> tuple[list[Case], list[bool]]:
    """Return cases of random keys and digests, half of them with one bit wrong somewhere."""
    random, draws = Random(seed), np.random.default_rng(seed)
    private = draws.integers(0, 256, (count, 32), np.uint8)
    private[:, 0] &= 0x7F
    digests = draws.integers(0, 256, (count, 32), np.uint8)
    public, signatures = public_keys_of(name, private), sign_batch(name, private, digests)
    cases, good = [], []
    for k in range(count):
        parts = [public[k].copy(), digests[k].copy(), signatures[k].copy()]
        wrong = random.random() < 0.5
        if wrong:
            part = random.choice(parts)
            part[random.randrange(part.size)] ^= 1 << random.randrange(8)
        cases.append((parts[0].tobytes(), parts[1].tobytes(), parts[2].tobytes()))
        good.append(not wrong)
    return cases, good


@pytest.mark.parametrize("name", NAMES)
def test_edge_cases_have_the_verdict_of_openssl_and_pure_python(name: CurveName) -> None:
    cases, expected = edge_cases(name, Random(1))
    found, judges = verdicts(name, cases), [PlainPython(), *oracles(name)]
    assert {True, False} <= set(found)
    for case, verdict, known in zip(cases, found, expected, strict=True):
        assert known is None or verdict == known, case
        # OpenSSL takes the second form of an uncompressed point (06, 07) too; those have 65 octets
        for judge in judges:
            assert judge.verify_digest(name, *case) == verdict, (judge.name, case)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_cases_have_the_verdict_of_the_libraries(name: CurveName, count: int) -> None:
    cases, good = random_cases(name, count, seed=count)
    found = verdicts(name, cases)
    assert found == good
    for judge in oracles(name):
        assert [judge.verify_digest(name, *case) for case in cases] == found, judge.name


@pytest.mark.parametrize("name", NAMES)
def test_what_the_libraries_sign_the_batch_believes(name: CurveName) -> None:
    random = Random(5)
    for judge in oracles(name):
        cases = []
        for _ in range(60):
            private, digest = octets(random.randrange(1, CURVES[name].order - 1)), random.randbytes(32)
            cases.append((judge.public_key_of(name, private), digest, judge.sign_digest(name, private, digest)))
        assert all(verdicts(name, cases)), judge.name


def example() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SOURCE.read_text("utf-8"))["sm2_worked_example"]
    return found


@real
def test_the_published_example_is_reproduced_number_by_number() -> None:
    one = example()
    x, y = int(one["public_key_x"], 16), int(one["public_key_y"], 16)
    key, identifier = write_point((x, y)), bytes.fromhex(one["signer_cert_sm3_hex"])
    message, signature = bytes.fromhex(one["tbs_data_hex"]), bytes.fromhex(one["r_hex"] + one["s_hex"])
    assert identity_digest(key, identifier).hex() == one["za_hex"]
    assert sm3(identity_digest(key, identifier) + message).hex() == one["e_hex"]
    assert verify("sm2", key, identifier, message, signature)
    assert verdicts("sm2", [(key, bytes.fromhex(one["e_hex"]), signature)]) == [True]
    assert not verify("sm2", key, b"1234567812345678", message, signature)


def flips(part: bytes) -> list[bytes]:
    return [bytes([*part[:n], part[n] ^ 1 << bit, *part[n + 1 :]]) for n in range(len(part)) for bit in range(8)]


@real
def test_certificates_of_the_field_verify_and_fail_with_any_bit_wrong() -> None:
    data = json.loads(SOURCE.read_text("utf-8"))["certificates"]
    root = bytes.fromhex(data[0]["tbs_hex"])[-32:]
    root_key = bytes([bytes.fromhex(data[0]["tbs_hex"])[-33] & 3]) + root
    for one in data:
        if one["issuer"] not in ("self", data[0]["id"]):
            continue
        message, signature = bytes.fromhex(one["tbs_hex"]), bytes.fromhex(one["hex"])[-64:]
        before = identity_digest(root_key, bytes.fromhex(one["sm2_id_hex"]))
        digest = sm3(before + message)
        assert verify_digest("sm2", root_key, digest, signature), one["id"]
        assert verdicts("sm2", [(root_key, digest, signature)]) == [True]
        wrong = np.frombuffer(b"".join(flips(message)), np.uint8)
        count = 8 * len(message)
        places = np.arange(count) * len(message)
        prefix = np.tile(np.frombuffer(before, np.uint8), (count, 1))
        digests = sm3_batch(wrong, places, np.full(count, len(message)), prefix)
        cases = [(root_key, bytes(d), signature) for d in digests]
        cases += [(root_key, digest, other) for other in flips(signature)]
        cases += [(other, digest, signature) for other in flips(root_key)]
        assert not any(verdicts("sm2", cases)), one["id"]


def test_the_identifier_is_hashed_as_the_openssl_command_does(tmp_path: Path) -> None:
    command = shutil.which("openssl")
    if command is None:
        pytest.skip("no openssl command to compare with")

    def run(*arguments: str) -> bytes:
        done = subprocess.run([command, *arguments], cwd=tmp_path, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"openssl {arguments[0]} cannot do SM2 here: {done.stderr.decode()}")
        return done.stdout

    run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "key.pem")
    public = run("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")[-65:]
    identifier, message = bytes(range(200, 232)), b"a message"
    (tmp_path / "message").write_bytes(message)
    run("pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-digest", "sm3", "-in", "message", "-out", "signature",
        "-pkeyopt", f"hexdistid:{identifier.hex()}")  # fmt: skip
    der = (tmp_path / "signature").read_bytes()
    size = der[3]
    r, s = int.from_bytes(der[4 : 4 + size], "big"), int.from_bytes(der[6 + size :], "big")
    assert verify("sm2", public, identifier, message, octets(r) + octets(s))
    assert not verify("sm2", public, identifier[::-1], message, octets(r) + octets(s))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_openssl_keeps_no_memory(name: CurveName) -> None:
    library, status = oracles(name)[0], Path("/proc/self/statm")
    if not status.is_file():
        pytest.skip("no /proc here to read memory from")
    private, digest = octets(12345), bytes(32)
    public = library.public_key_of(name, private)

    def work(count: int) -> int:
        for _ in range(count):
            signature = library.sign_digest(name, private, digest)
            library.public_key_of(name, private)
            library.verify_digest(name, public, digest, signature)
            library.verify_digest(name, b"\x02" + b"\xff" * 32, digest, signature)
        return int(status.read_text().split()[1])

    begun = work(200)
    assert work(3000) - begun < 64  # pages; a key left behind each time would be over a thousand

"""Linkage values: what revokes all pseudonyms of a vehicle by publishing two seeds.

Two linkage authorities each draw a secret seed for a vehicle. For every i-period (a week, say) the seed is
hashed on, and for every pseudonym j of that period it enciphers the authority's identity and j; the two results
together are the certificate's linkage value. Who learns both seeds of a period can compute all values from that
period on and none before it; without them the values look random.

Two rules: `IEEE` of IEEE 1609.2-2022 (SHA-256, AES-128) and `YDT`, the same layout over SM3 and SM4, as YD/T
3957-2021 uses it. The second is taken from public descriptions of its annex I; no published vector confirms it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wayside.security.ciphers import aes128, sm4
from wayside.security.hashes import sha256_batch, sm3_batch
from wayside.table import I64, U8

SEED_OCTETS = 16
VALUE_OCTETS = 9
HASHED_OCTETS = 32  # authority (2), seed (16) and 14 octets of zero
MOST_PERIODS = 65_535  # IValue is 16 bits wide


@dataclass(frozen=True, slots=True)
class LinkageRule:
    """How seeds go on and values come of them.

    Attributes:
        name: for messages and files.
        hash: digests of messages given as octets, starts and lengths; the first 16 octets are the next seed.
        cipher: enciphers blocks [n, 16] under keys [n, 16].
    """

    name: str
    hash: Callable[[U8, I64, I64], U8]
    cipher: Callable[[U8, U8], U8]


IEEE = LinkageRule("ieee", sha256_batch, aes128)
YDT = LinkageRule("ydt", sm3_batch, sm4)
RULES = {"sm2": YDT, "p256": IEEE}  # by the curve of the keys of a domain


def seeds_after(seeds: U8, authority: bytes, periods: int, rule: LinkageRule) -> U8:
    r"""Return the seeds so many i-periods later.

    Args:
        seeds: shape [n, 16].
        authority: identity of the linkage authority that drew them, 2 octets.
        periods: how many periods on, 0 to 65,535.
        rule: which hash.

    Raises:
        ValueError: a shape is wrong, or the way leads back: seeds go one way only.

    >>> seeds = np.frombuffer(bytes.fromhex("1502d9ab6786bf68fba9f210373bf221"), np.uint8)[None]
    >>> seeds_after(seeds, b"\x8e\x09", 1, IEEE).tobytes().hex()
    '828097e29341a95c19cf31bd0a38e028'
    """
    if seeds.ndim != 2 or seeds.shape[1] != SEED_OCTETS or len(authority) != 2:
        raise ValueError(f"seeds have 16 octets each and an authority 2, not {seeds.shape} and {len(authority)}")
    if not 0 <= periods <= MOST_PERIODS:
        raise ValueError(f"seeds go on by 0 to {MOST_PERIODS} periods, not {periods}")
    hashed = np.zeros((len(seeds), HASHED_OCTETS), np.uint8)
    hashed[:, :2] = np.frombuffer(authority, np.uint8)
    starts = np.arange(len(seeds), dtype=np.int64) * HASHED_OCTETS
    lengths = np.full(len(seeds), HASHED_OCTETS, np.int64)
    found = np.ascontiguousarray(seeds, np.uint8)
    for _ in range(periods):
        hashed[:, 2 : 2 + SEED_OCTETS] = found
        found = rule.hash(hashed.reshape(-1), starts, lengths)[:, :SEED_OCTETS]
    return found


def half_values(seeds: U8, authority: bytes, indices: U8, rule: LinkageRule) -> U8:
    """Return each seed's pre-linkage values: one authority's half, enciphered and fed forward.

    Args:
        seeds: of one i-period, shape [n, 16].
        authority: identity of the linkage authority, 2 octets.
        indices: the values of j, shape [m].
        rule: which cipher.

    Returns:
        Shape [n, m, 9].
    """
    blocks = np.zeros((len(indices), 16), np.uint8)
    blocks[:, :2] = np.frombuffer(authority, np.uint8)
    blocks[:, 5] = indices
    keys = np.repeat(np.ascontiguousarray(seeds, np.uint8), len(indices), axis=0)
    blocks = np.tile(blocks, (len(seeds), 1))
    found = rule.cipher(keys, blocks) ^ blocks
    return found[:, :VALUE_OCTETS].reshape(len(seeds), len(indices), VALUE_OCTETS)


def linkage_values(seeds: tuple[U8, U8], authorities: tuple[bytes, bytes], indices: U8, rule: LinkageRule) -> U8:
    r"""Return the linkage values of vehicles in one i-period, shape [n, m, 9].

    Args:
        seeds: each authority's seeds in that period, two arrays of shape [n, 16].
        authorities: their identities, 2 octets each.
        indices: the values of j, shape [m]; pseudonyms are numbered from 1.
        rule: which hash and cipher.

    >>> one, two = (np.frombuffer(bytes.fromhex(h), np.uint8)[None] for h in (
    ...     "1502d9ab6786bf68fba9f210373bf221", "5755f16e89981d2189a6daea4840ed22"))
    >>> values = linkage_values((one, two), (b"\x8e\x09", b"\x59\xce"), np.arange(1, 21, dtype=np.uint8), IEEE)
    >>> values.shape, 4707948203137323915258 in [int.from_bytes(v.tobytes(), "big") for v in values[0]]
    ((1, 20, 9), True)
    """
    first = half_values(seeds[0], authorities[0], indices, rule)
    return first ^ half_values(seeds[1], authorities[1], indices, rule)

"""Security objects in COER: the record codec of every kind, and the batch reader of signed frames beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from fuzz.mutators import Pool
from fuzz.stations import signed_frames
from fuzz.target import READ, Each, Together, expect
from wayside.asn1.coer_machine import find_places
from wayside.asn1.coer_program import compile_places
from wayside.asn1.errors import Fault, WireError
from wayside.asn1.frames import Frames
from wayside.asn1.samples import sample
from wayside.security.objects import decode_object, encode_object, object_codec
from wayside.security.sealed import Envelope, Sealed, open_all, signatures_of

COMPARED = 16  # one frame in so many is read by the record codec too
LARGEST_SEED = 6_000  # octets


def complete(value: Any) -> Any:
    """Return a sample with a message in each payload: samples leave out a type that is inside itself."""
    if isinstance(value, dict):
        if value.get("data") == {}:
            value = value | {"data": {"protocolVersion": 3, "content": {"unsecuredData": "0102"}}}
        return {key: complete(inner) for key, inner in value.items()}
    return [complete(inner) for inner in value] if isinstance(value, list) else value


def valid_object(kind: str, random: Random) -> bytes:
    """Return a random valid object of a kind."""
    for _ in range(5):
        value = sample(object_codec(kind).root, random, most_items=random.randrange(1, 3))
        octets = encode_object(complete(value), kind)
        if len(octets) <= LARGEST_SEED:
            break
    return octets


class Objects(Each):
    """Octets to a value and back; the batch reader refuses for the same reason or not at all."""

    def __init__(self, kind: str) -> None:
        self.name, self.kind = f"objects:{kind}", kind
        self.program = compile_places(object_codec(kind).root, ())
        self._pool = Pool(lambda random: valid_object(kind, random), fresh=1)

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated objects of the kind."""
        return self._pool.crowd(random, count)

    def one(self, octets: bytes) -> str:
        """Read by both, and write."""
        program = self.program
        room, spans = np.zeros(program.stack, np.int64), np.zeros((0, 2), np.int64)
        found = np.frombuffer(octets, np.uint8)
        fault = find_places(program.code, program.defaults, room, found, 0, len(octets), spans)
        try:
            value = decode_object(octets, self.kind)
        except WireError as error:
            expect(fault == error.reason, f"the batch reader says {fault}, the record codec {error}")
            expect(0 <= error.bit <= 8 * len(octets), f"bit {error.bit} of {8 * len(octets)}")
            return error.reason.name.lower()
        expect(fault == 0, f"the batch reader refuses with {fault} what the record codec reads")
        again = encode_object(value, self.kind)
        expect(again == octets, f"encodes again to {again.hex()}")
        return READ


class Sealings(Together):
    """Batches of signed frames: where everything stands lies inside each frame, and is what the record says."""

    name = "sealed:batch"

    def __init__(self) -> None:
        self._pool = Pool(lambda random: valid_object("signed", random))

    def inputs(self, random: Random, count: int) -> list[bytes]:
        """Return mutated signed frames: real ones, and samples of any V2XSecData."""
        return self._pool.crowd(random, count, signed_frames())

    def all(self, inputs: Sequence[bytes]) -> Counter[str]:
        """Open all, and compare some with their records."""
        frames = Frames.of(list(inputs))
        opened = open_all(frames)
        first, last = frames.starts[:-1], frames.starts[1:]
        for name in ("payload", "signed", "certificate"):
            start, length = getattr(opened, name), getattr(opened, f"{name}_length")
            there = start >= 0
            inside = (start[there] >= first[there]) & (start[there] + length[there] <= last[there])
            expect(bool(inside.all()), f"{name} lies outside its frame")
        there = opened.signature >= 0
        expect(bool((opened.signature[there] + 64 <= last[there]).all()), "a signature lies outside its frame")
        expect(bool(((opened.kind == Envelope.UNREADABLE) == (opened.fault > 0)).all()), "kind and fault differ")
        expect(signatures_of(frames, opened).shape == (len(frames), 64), "no signatures")
        for row in range(0, len(frames), COMPARED):
            _compare(frames, opened, row, inputs[row])
        reasons = Counter(opened.fault.tolist())
        return Counter({Fault(one).name.lower() if one else READ: n for one, n in reasons.items()})


def _compare(frames: Frames, opened: Sealed, row: int, octets: bytes) -> None:
    """Hold one row against the record."""
    try:
        content = decode_object(octets, "signed")["content"]
    except WireError as error:
        expect(int(opened.fault[row]) == error.reason, f"fault {opened.fault[row]}, not {error}: {octets.hex()}")
        return
    expect(not opened.fault[row], f"fault {opened.fault[row]} of what is read: {octets.hex()}")
    kinds = {"unsecuredData": (Envelope.UNSECURED,), "signedData": (Envelope.SIGNED, Envelope.OTHER)}
    expect(opened.kind[row] in kinds.get(next(iter(content)), (Envelope.OTHER,)), f"kind of {octets.hex()}")
    if "signedData" not in content:
        return
    whole, data = frames.octets, content["signedData"]
    start, length = int(opened.signed[row]), int(opened.signed_length[row])
    tbs = encode_object(data["tbsData"], "tbs-data")
    expect(whole[start : start + length].tobytes() == tbs, f"something else is signed: {octets.hex()}")
    aid = data["tbsData"]["headerInfo"]["aid"]
    expect(int(opened.aid[row]) == (aid if aid < 1 << 56 else -1), f"another AID: {octets.hex()}")
    if "digest" in data["signer"]:
        expect(int(opened.signer[row]) == int(data["signer"]["digest"], 16), f"another signer: {octets.hex()}")

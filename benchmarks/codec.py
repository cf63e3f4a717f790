"""Batches of frames to columns and back, beside asn1tools and the C code that asn1c generates, on one core.

All times are CPU times of one thread; each figure is the best of `ROUNDS`, with the median round beside it. Frames
of one batch have the same shape and random numbers, but for the rows that say so.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import asn1tools

from benchmarks.bar import Bar
from wayside.asn1.batch import Plan
from wayside.asn1.codec import Codec
from wayside.asn1.frames import Frames
from wayside.asn1.samples import sample
from wayside.asn1.schema import Choice, Sequence
from wayside.v2x.editions import EDITION, TEXTS, codec_of, schema_of, text_of

ROUNDS = 15
DRIVER = Path(__file__).parents[1] / "tests" / "against" / "v2x" / "asn1c" / "loop.c"
KNOWN_ASN1C = 195_000  # BSM a second by asn1c 0.9.28, measured elsewhere; stands in where it is not installed
COLD_S, WARM_S = 20.0, 1.0


def _whole(random: Random, low: int, high: int) -> int:
    return random.randint(low, high)


def bsm(random: Random) -> dict[str, Any]:
    """Return a BSM of 52 octets: what a vehicle of today sends, without a path history."""
    return {
        "bsmFrame": {
            "msgCnt": _whole(random, 0, 127),
            "id": random.randbytes(8).hex(),
            "secMark": _whole(random, 0, 59_999),
            "timeConfidence": "time-000-020",
            "pos": {
                "lat": _whole(random, 226_000_000, 228_000_000),
                "long": _whole(random, 1_143_000_000, 1_145_000_000),
                "elevation": _whole(random, -100, 900),
            },
            "posAccuracy": {"semiMajor": _whole(random, 0, 40), "semiMinor": 20, "orientation": 65_535},
            "posConfidence": {"pos": "a1m", "elevation": "elev-002-00"},
            "transmission": "forwardGears",
            "speed": _whole(random, 0, 1500),
            "heading": _whole(random, 0, 28_799),
            "angle": _whole(random, -126, 126),
            "motionCfd": {"speedCfd": "prec0-1ms", "headingCfd": "prec0-1deg", "steerCfd": "prec2deg"},
            "accelSet": {
                "long": _whole(random, -400, 300),
                "lat": 20,
                "vert": 0,
                "yaw": _whole(random, -900, 900),
            },
            "brakes": {"brakePadel": "off", "wheelBrakes": {"bits": "00000"}, "abs": "off", "scs": "on"},
            "size": {"width": 180, "length": 480, "height": 30},
            "vehicleClass": {"classification": 10, "fuelType": 4},
            "safetyExt": {"events": {"bits": "0" * 13}, "lights": {"bits": "100000000"}},
        }
    }


def rsm(random: Random) -> dict[str, Any]:
    """Return an RSM of a pole that sees 16 participants."""
    participants = [
        {
            "ptcType": random.choice(("motor", "non-motor", "pedestrian")),
            "ptcId": _whole(random, 1, 65_535),
            "source": "video",
            "secMark": _whole(random, 0, 59_999),
            "pos": {"offsetLL": {"position-LL4": {"lon": _whole(random, -30_000, 30_000), "lat": 16_124}}},
            "posConfidence": {"pos": "a50cm"},
            "speed": _whole(random, 0, 1500),
            "heading": _whole(random, 0, 28_799),
            "accelSet": {"long": 19, "lat": -15, "vert": -127, "yaw": _whole(random, -900, 900)},
            "size": {"width": 180, "length": 460},
            "vehicleClass": {"classification": 10},
        }
        for _ in range(16)
    ]
    position = {"lat": 225_909_256, "long": 1_144_111_720}
    return {"rsmFrame": {"msgCnt": 50, "id": "504f4c4530303033", "refPos": position, "participants": participants}}


def spat(random: Random) -> dict[str, Any]:
    """Return a SPAT of one intersection with four phases of three states."""

    def state(light: str) -> dict[str, Any]:
        start = _whole(random, 0, 600)
        times = {"startTime": start, "minEndTime": start, "maxEndTime": start + 200, "likelyEndTime": start + 100}
        return {"light": light, "timing": {"counting": {**times, "timeConfidence": 180, "nextStartTime": 900}}}

    phases = [
        {"id": number, "phaseStates": [state(light) for light in ("red", "protected-green", "yellow")]}
        for number in range(1, 5)
    ]
    head = {"intersectionId": {"region": 1, "id": 260}, "status": {"bits": "0000010000000000"}}
    frame = {"msgCnt": 1, "moy": 1000, "timeStamp": 3000, "intersections": [{**head, "phases": phases}]}
    return {"spatFrame": frame}


def rates(work: Callable[[], object], frames: int) -> tuple[float, float]:
    """Return frames a second in the best round, and in the median one."""
    spent = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return frames / min(spent), frames / statistics.median(spent)


def batches(plan: Plan, octets: list[bytes]) -> dict[str, tuple[float, float]]:
    """Return the rates of reading and writing a batch; what is written is checked to be what was read."""
    levels = {name: dict(rows) for name, rows in plan.decode(octets).levels.items()}
    pool = plan.decode(octets).pool
    if list(plan.encode(levels, pool)) != octets:
        raise AssertionError(f"{plan.message}: what was written is not what was read")
    return {
        "read": rates(lambda: plan.decode(Frames.of(octets)), len(octets)),
        "written": rates(lambda: list(plan.encode(levels, pool)), len(octets)),
    }


def asn1c(octets: list[bytes], folder: Path) -> tuple[float, float] | str:
    """Return what asn1c's code decodes and encodes a second, or why that cannot be measured."""
    if not (shutil.which("asn1c") and shutil.which("gcc")):
        return "asn1c or gcc is not installed"
    program = folder / "loop"
    if not program.exists():
        texts = files("wayside.v2x").joinpath("asn1")
        for name in TEXTS[EDITION]:
            (folder / name.replace("/", "-")).write_text(texts.joinpath(name).read_text("utf-8"), "utf-8")
        names = [name.replace("/", "-") for name in TEXTS[EDITION]]
        options = ("asn1c", "-gen-PER", "-fcompound-names", *names)
        done = subprocess.run(options, cwd=folder, capture_output=True, text=True, check=False)
        (folder / "converter-sample.c").unlink(missing_ok=True)
        shutil.copy(DRIVER, folder / "loop.c")
        sources = [str(path) for path in sorted(folder.glob("*.c"))]
        build = ("gcc", "-O2", "-w", "-I", str(folder), *sources, "-o", str(program))
        done = subprocess.run(build, capture_output=True, text=True, check=False) if not done.returncode else done
        if done.returncode:
            return f"asn1c's code cannot be built: {done.stderr[-200:]}"
    data = folder / "frames"
    data.write_bytes(b"".join(len(one).to_bytes(4, sys.byteorder) + one for one in octets))
    done = subprocess.run((str(program), str(data), "9"), capture_output=True, text=True, check=False)
    if done.returncode:
        return f"asn1c's code stopped with {done.returncode}"
    read, written = map(float, done.stdout.split())
    return read, written


FIRST = """
import sys, time
began = time.process_time()
import numba
loaded = time.process_time()
from wayside.asn1.batch import Plan
from wayside.v2x.editions import EDITION, schema_of
plan = Plan.of(schema_of(EDITION), "bsmFrame")
batch = plan.decode([bytes.fromhex(sys.argv[1])])
assert plan.encode(batch.levels)[0].hex() == sys.argv[1]
print(loaded - began, time.process_time() - loaded)
"""


def first_use(octets: bytes, folder: Path) -> tuple[float, float]:
    """Return the CPU time of a process that imports Numba, and from there until a BSM is read and written [s]."""
    places = {"NUMBA_CACHE_DIR": str(folder / "numba"), "XDG_CACHE_HOME": str(folder / "texts")}
    command = (sys.executable, "-c", FIRST, octets.hex())
    done = subprocess.run(command, env={**os.environ, **places}, capture_output=True, text=True, check=True)
    numba, ours = map(float, done.stdout.split())
    return numba, ours


def _several(codec: Codec, make: Callable[[Random], dict[str, Any]], count: int) -> list[bytes]:
    random = Random(7)
    return [codec.encode(make(random)) for _ in range(count)]


def _message(root: Choice, name: str, select: int | None = None) -> Any:
    node = next(f.node for f in (*root.alternatives, *root.additions) if f.name == name)
    if select is None or not isinstance(node, Sequence):
        return node
    return next(
        inner for f in node.fields for number, _, inner in getattr(f.node, "types", ()) if number == select
    )


def _beside_c(title: str, way: str, ours: float, theirs: tuple[float, float] | str, least: float | None) -> Bar:
    """Return how many times as fast as asn1c's code a batch is read or written."""
    what = f"{title} beside asn1c, {way}"
    if not isinstance(theirs, str):
        rate = theirs[way == "written"]
        return Bar(what, ours / rate, ">=", least, "times", f"asn1c -O2 {rate / 1e3:.0f} k/s")
    if least is None:
        return Bar(what, float("nan"), ">=", None, "times", theirs)
    return Bar(
        what, ours / KNOWN_ASN1C, ">=", least, "times", f"{theirs}; held against 195 k/s of another machine"
    )


def beside_others(folder: Path) -> list[Bar]:
    """Measure the hot messages with other codecs in the same run."""
    codec, theirs = codec_of(EDITION), asn1tools.compile_string(text_of(EDITION), "uper")
    bars = []
    wanted = (
        ("BSM", bsm, 4000, 1e6, 7e5),
        ("RSM of 16 participants", rsm, 400, 1e5, 6e4),
        ("SPAT of 4 phases x 3 states", spat, 800, 3e5, None),
    )
    for title, make, count, least_read, least_written in wanted:
        octets = _several(codec, make, count)
        plan = Plan.of(codec.root, next(iter(make(Random(1)))))
        found = batches(plan, octets)
        size = f"{title}, {len(octets[0])} octets"
        few = octets[:100]
        slow = rates(lambda: [theirs.decode("MessageFrame", one) for one in few], len(few))[0]  # noqa: B023
        generated = asn1c(octets, folder)
        for way, least in (("read", least_read), ("written", least_written)):
            best, median = found[way]
            bars.append(
                Bar(f"{size}: {way}", best / 1e3, ">=", least and least / 1e3, "k/s", f"median {median / 1e3:.0f}")
            )
        best = found["read"][0]
        beside = f"asn1tools {slow / 1e3:.1f} k/s"
        bars.append(
            Bar(f"{title} beside asn1tools", best / slow, ">=", 40 if make is bsm else None, "times", beside)
        )
        bars.append(_beside_c(title, "read", best, generated, 5 if make is bsm else None))
        bars.append(_beside_c(title, "written", found["written"][0], generated, None))
    return bars


def any_shape() -> list[Bar]:
    """Measure frames of random shape, of other messages and editions: less even, and without a bar."""
    bars = []
    for edition, name, select in (
        *(
            (edition, name, None)
            for edition in ("csae53-2017", "gbt31024-3-2019", EDITION)
            for name in ("bsmFrame", "spatFrame")
        ),
        (EDITION, "mapFrame", None),
        (EDITION, "rsiFrame", None),
        ("csae157-2020", "msgFrameExt", 12),
        ("csae157-2020", "msgFrameExt", 15),
    ):
        plan, random = Plan.of(schema_of(edition), name, select), Random(11)
        node = _message(plan.root, name, select)
        codec = codec_of(edition)
        octets = []
        for _ in range(300):
            value = sample(node, random)
            if select is not None:
                outer = _message(plan.root, name)
                types = next(f.node for f in outer.fields if hasattr(f.node, "types"))
                title = next(inner for number, inner, _ in types.types if number == select)
                value = {"messageId": select, "value": {title: value}}
            octets.append(codec.encode({name: value}))
        found = batches(plan, octets * 5)
        mean = sum(map(len, octets)) / len(octets)
        title = f"{edition} {name}{'' if select is None else f' {select}'}, random shape, {mean:.0f} octets"
        beside = f"written {found['written'][0] / 1e3:.0f} k/s; read, median {found['read'][1] / 1e3:.0f}"
        bars.append(Bar(title, found["read"][0] / 1e3, ">=", None, "k/s", beside))
    return bars


def by_record() -> list[Bar]:
    """Measure the record codec, which reads and writes one message at a time."""
    codec, draws = codec_of(EDITION), Random(1)
    octets = [codec.encode(bsm(draws)) for _ in range(2000)]
    values = [codec.decode(one) for one in octets]
    read = rates(lambda: [codec.decode(one) for one in octets], len(octets))
    written = rates(lambda: [codec.encode(one) for one in values], len(octets))
    return [
        Bar("BSM, 52 octets: read as a record", read[0] / 1e3, ">=", 100.0, "k/s", f"median {read[1] / 1e3:.0f}"),
        Bar(
            "BSM, 52 octets: written from a record",
            written[0] / 1e3,
            ">=",
            None,
            "k/s",
            f"median {written[1] / 1e3:.0f}",
        ),
    ]


def measure() -> list[Bar]:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "asn1c").mkdir()
        bars = beside_others(folder / "asn1c") + by_record() + any_shape()
        octets = codec_of(EDITION).encode(bsm(Random(1)))
        cold = first_use(octets, folder)
        warm = [first_use(octets, folder) for _ in range(3)]
    best = min(ours for _, ours in warm)
    beside = f"and {min(numba for numba, _ in warm):.2f} s to import Numba, which any kernel of Wayside needs"
    bars.append(Bar("first use, nothing cached: until a BSM is read and written", cold[1], "<=", COLD_S, "s"))
    bars.append(Bar("first use, cached: until a BSM is read and written", best, "<=", WARM_S, "s", beside))
    return bars

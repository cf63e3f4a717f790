"""Frames per second beside asn1tools, best of five: `python tests/against/v2x/speed.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import asn1tools

from wayside.v2x.editions import EDITION, codec_of

PARTICIPANT = {
    "ptcType": "motor",
    "ptcId": 5,
    "source": "video",
    "secMark": 22016,
    "pos": {"offsetLL": {"position-LL4": {"lon": -20971, "lat": 16124}}},
    "posConfidence": {"pos": "a50cm"},
    "speed": 676,
    "heading": 100,
    "accelSet": {"long": 19, "lat": -15, "vert": -127, "yaw": 345},
    "size": {"width": 180, "length": 460},
    "vehicleClass": {"classification": 10},
}
COUNTING = {"startTime": 0, "minEndTime": 100, "maxEndTime": 200, "likelyEndTime": 150, "nextStartTime": 300}
STATES = [{"light": light, "timing": {"counting": COUNTING}} for light in ("red", "protected-green", "yellow")]
FRAMES: dict[str, dict[str, Any]] = {
    "BSM": {
        "bsmFrame": {
            "msgCnt": 46,
            "id": "0107bddb234a7677",
            "secMark": 57259,
            "pos": {"lat": 226470051, "long": 1143670239, "elevation": 100},
            "posConfidence": {"pos": "a1m"},
            "transmission": "forwardGears",
            "speed": 700,
            "heading": 2898,
            "accelSet": {"long": -57, "lat": 20, "vert": 0, "yaw": -175},
            "brakes": {"brakePadel": "off", "wheelBrakes": {"bits": "00000"}},
            "size": {"width": 180, "length": 480, "height": 30},
            "vehicleClass": {"classification": 10, "fuelType": 4},
            "safetyExt": {"events": {"bits": "0" * 13}, "lights": {"bits": "100000000"}},
        }
    },
    "RSM x16": {
        "rsmFrame": {
            "msgCnt": 50,
            "id": "504f4c4530303033",
            "refPos": {"lat": 225909256, "long": 1144111720},
            "participants": [PARTICIPANT] * 16,
        }
    },
    "SPAT 4 phases x3": {
        "spatFrame": {
            "msgCnt": 1,
            "moy": 1000,
            "timeStamp": 3000,
            "intersections": [
                {
                    "intersectionId": {"region": 1, "id": 260},
                    "status": {"bits": "0000010000000000"},
                    "phases": [{"id": n, "phaseStates": STATES} for n in range(1, 5)],
                }
            ],
        }
    },
}


def rate(work: Callable[[], object]) -> float:
    """Return how often a second the work can be done."""
    best = 0.0
    for _ in range(5):
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < 0.1:
            for _ in range(20):
                work()
            done += 20
        best = max(best, done / (time.perf_counter() - begun))
    return best


def main() -> None:
    """Print one line per message."""
    codec = codec_of(EDITION)
    text = files("wayside.v2x").joinpath("asn1", f"{EDITION}.asn").read_text("utf-8")
    theirs = asn1tools.compile_string(text, "uper")
    for name, value in FRAMES.items():
        octets = codec.encode(value)
        foreign = theirs.decode("MessageFrame", octets)
        assert theirs.encode("MessageFrame", foreign) == octets
        ours = rate(lambda: codec.encode(value)), rate(lambda: codec.decode(octets))  # noqa: B023
        other = (
            rate(lambda: theirs.encode("MessageFrame", foreign)),  # noqa: B023
            rate(lambda: theirs.decode("MessageFrame", octets)),  # noqa: B023
        )
        print(f"{name:17} {len(octets):4} octets  encode {ours[0]:8.0f}  decode {ours[1]:8.0f}", end="")
        print(f"  asn1tools {other[0]:7.0f} {other[1]:7.0f}")


if __name__ == "__main__":
    main()

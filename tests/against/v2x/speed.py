"""Frames per second of the record codec beside asn1tools, best of five: `python tests/against/v2x/speed.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import asn1tools

from wayside.asn1.codec import Codec
from wayside.v2x.editions import codec_of, text_of

EDITION = "csae157-2020"  # it has all messages of the default edition too

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
OFFSET = {"offsetLL": {"position-LL3": {"lon": -2097, "lat": 1612}}, "offsetV": {"offset1": 3}}
LANE = {
    "laneID": 1,
    "laneWidth": 350,
    "laneAttributes": {"laneType": {"vehicle": {"bits": "00000000"}}},
    "maneuvers": {"bits": "100000000000"},
    "connectsTo": [{"remoteIntersection": {"region": 1, "id": 261}, "phaseId": 1}],
    "points": [{"posOffset": OFFSET}] * 4,
}
LINK = {
    "upstreamNodeId": {"region": 1, "id": 259},
    "linkWidth": 1050,
    "points": [{"posOffset": OFFSET}] * 6,
    "lanes": [LANE] * 3,
}
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
    "MAP 4 links x3": {
        "mapFrame": {
            "msgCnt": 1,
            "nodes": [
                {
                    "id": {"region": 1, "id": 260},
                    "refPos": {"lat": 226470051, "long": 1143670239},
                    "inLinks": [LINK] * 4,
                }
            ],
        }
    },
    "RSI 1 event": {
        "rsiFrame": {
            "msgCnt": 1,
            "id": "504f4c4530303033",
            "refPos": {"lat": 225909256, "long": 1144111720},
            "rtes": [
                {
                    "rteId": 1,
                    "eventType": 101,
                    "eventSource": "detection",
                    "eventPos": OFFSET,
                    "referencePaths": [{"activePath": [OFFSET] * 5, "pathRadius": 50}],
                }
            ],
        }
    },
    "SSM x16": {
        "msgFrameExt": {
            "messageId": 12,
            "value": {
                "SensorSharingMsg": {
                    "msgCnt": 50,
                    "id": "504f4c4530303033",
                    "equipmentType": "rsu",
                    "secMark": 22016,
                    "sensorPos": {"lat": 225909256, "long": 1144111720},
                    "participants": [{"ptc": PARTICIPANT, "detectedPTCType": "car", "typeConfidence": 190}] * 16,
                }
            },
        }
    },
    "CLPMM": {
        "msgFrameExt": {
            "messageId": 16,
            "value": {
                "CLPMM": {
                    "msgCnt": 24,
                    "id": "3233333330303033",
                    "secMark": 22016,
                    "pid": "00" * 17,
                    "role": "leader",
                    "status": "following",
                }
            },
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


def beside(theirs: Any, codec: Codec, value: dict[str, Any]) -> tuple[str, Any, bytes]:
    """Return a message's type, value and octets for asn1tools, which has no frame for those of day II."""
    octets = codec.encode(value)
    inner = value.get("msgFrameExt", {}).get("value")
    if inner is None:
        return "MessageFrame", theirs.decode("MessageFrame", octets), octets
    ((name, _),) = inner.items()
    head = 1 + (2 if len(octets) > 131 else 1) + 2  # extension and index, a length, extension and number
    octets = octets[head + (2 if octets[head] > 127 else 1) :]
    return name, theirs.decode(name, octets), octets


def main() -> None:
    """Print one line per message."""
    codec = codec_of(EDITION)
    modules = text_of(EDITION).split("\nEND")
    day_one = [module for module in text_of("csae53-2020").split("\nEND") if "MessageFrame ::=" in module]
    kept = [module for module in modules if "MessageFrame ::=" not in module]
    theirs = asn1tools.compile_string("\nEND".join(day_one + kept), "uper")
    for name, value in FRAMES.items():
        octets = codec.encode(value)
        assert codec.decode(octets) == value
        kind, foreign, inner = beside(theirs, codec, value)
        assert theirs.encode(kind, foreign) == inner
        ours = rate(lambda: codec.encode(value)), rate(lambda: codec.decode(octets))  # noqa: B023
        other = (
            rate(lambda: theirs.encode(kind, foreign)),  # noqa: B023
            rate(lambda: theirs.decode(kind, inner)),  # noqa: B023
        )
        print(f"{name:17} {len(octets):4} octets  encode {ours[0]:8.0f}  decode {ours[1]:8.0f}", end="")
        print(f"  asn1tools {other[0]:7.0f} {other[1]:7.0f}")


if __name__ == "__main__":
    main()

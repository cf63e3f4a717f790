"""The texts of the editions: what they say of each other, and what they say that can be worked out by hand."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest

from wayside.asn1.parsed import parsed
from wayside.asn1.samples import sample
from wayside.asn1.schema import Choice, Field, Node, Open, SchemaError, Sequence, SequenceOf
from wayside.v2x.editions import EDITION, TEXTS, codec_of, schema_of, text_of

ROOT = Path(__file__).parents[3]
VECTORS = ROOT.parent / "shared" / "data" / "v2x"
ROOM = Path(str(files("wayside.v2x").joinpath("asn1")))
ALL = sorted(TEXTS)
FILES = sorted(str(path.relative_to(ROOM)) for path in ROOM.rglob("*.asn"))
UNITS = "m|cm|kg|s|ms|min|h|day|month|year|deg|deg/s|m/s|m/s2|g|%|octet|CNY"
NUMBER = re.compile(
    rf"--\s+(?:number|(?:[0-9][0-9.e/-]* )?(?:{UNITS}))(?:[ ,][^;]*)?(?:; -?[0-9]+(?: to -?[0-9]+| and)? [^;]+)*$"
)


def members(node: Sequence | Choice) -> tuple[Field, ...]:
    return node.fields if isinstance(node, Sequence) else node.alternatives


def shape(node: Sequence | Choice) -> object:
    """Return what a schema says of its own members: names, which may be absent, what was added."""
    return [(f.name, f.optional) for f in members(node)], node.extensible, [f.name for f in node.additions]


def differences(one: Node, other: Node, where: str = "") -> set[str]:
    """Return the paths at which two schemas differ by themselves, whatever lies beneath."""
    if isinstance(one, SequenceOf) and isinstance(other, SequenceOf):
        found = set() if (one.low, one.high) == (other.low, other.high) else {where}
        return found | differences(one.element, other.element, f"{where}[]")
    if not (isinstance(one, Sequence | Choice) and type(one) is type(other)):
        return set() if one == other else {where}
    assert isinstance(other, Sequence | Choice)
    found = set() if shape(one) == shape(other) else {where}
    theirs = {f.name: f.node for f in members(other)}
    for f in members(one):
        if f.name in theirs:
            found |= differences(f.node, theirs[f.name], f"{where}.{f.name}".lstrip("."))
    return found


def octets(*fields: tuple[int, int]) -> bytes:
    """Return the octets of numbers of so many bits each, filled up with zeros."""
    bits = "".join(f"{number:0{width}b}" for number, width in fields)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def test_every_text_belongs_to_an_edition() -> None:
    assert sorted({name for names in TEXTS.values() for name in names}) == FILES


def test_an_unknown_edition_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(SchemaError, match=r"no edition 'csae53-2021'; known are: csae53-2017, .*csae157-2020"):
        text_of("csae53-2021")


@pytest.mark.parametrize("name", FILES)
def test_every_number_has_its_unit_beside_it(name: str) -> None:
    for line in (ROOM / name).read_text("utf-8").splitlines():
        assert len(line) <= 115, line
        if "INTEGER (" in line and not line.startswith("--"):
            assert NUMBER.search(line), line


@pytest.mark.parametrize("edition", ALL)
def test_every_import_is_used_and_defined_once(edition: str) -> None:
    homes: dict[str, str] = {}
    modules = parsed(text_of(edition))
    for module, described in modules.items():
        for name in described["types"]:
            assert name not in homes, f"{name} is defined in {homes.get(name)} and in {module}"
            homes[name] = module
    texts = {re.findall(r"^(\S+) DEFINITIONS", text, re.M)[0]: text for text in map(read, TEXTS[edition])}
    for module, described in modules.items():
        body = texts[module].partition(";\n\n")[2]
        for source, names in described["imports"].items():
            for name in names:
                assert homes[name] == source, f"{module} imports {name} from {source}"
                assert re.search(rf"(?<![\w-]){name}(?![\w-])", body), f"{module} imports {name} for nothing"


def read(name: str) -> str:
    return (ROOM / name).read_text("utf-8")


def test_2019_differs_from_2020_at_these_places_alone() -> None:
    start = "bsmFrame.safetyExt.pathHistory.initialPosition"
    assert differences(schema_of("gbt31024-3-2019"), schema_of(EDITION)) == {
        start,  # the ellipse beside the confidence
        f"{start}.posAccuracy",
        f"{start}.utcTime.hour",
        f"{start}.utcTime.offset",
        "mapFrame.nodes",
        "mapFrame.nodes[].inLinks[]",  # the width of a link may be absent
        "mapFrame.nodes[].inLinks[].lanes[].connectsTo",
        "rsiFrame.rtes[].referencePaths[].activePath",
        "rsiFrame.rtss[].referencePaths[].activePath",
    }


def test_day_two_only_adds_to_2020() -> None:
    two = schema_of("csae157-2020")
    assert differences(two, schema_of(EDITION)) == {"", "mapFrame.nodes[]", "rsiFrame.rtss[]"}
    assert [f.name for f in two.additions] == ["msgFrameExt"]
    assert [f.name for f in at(two, "mapFrame", "nodes").element.additions] == ["inLinks-ex", "prohibitedzone"]
    assert [f.name for f in at(two, "rsiFrame", "rtss").element.additions] == ["auxiliarySign"]


def at(node: Any, *names: str) -> Any:
    """Return what lies under a path of names."""
    for name in names:
        (node,) = (f.node for f in (*members(node), *node.additions) if f.name == name)
    return node


def test_numbers_of_day_two_messages_are_those_on_the_air() -> None:
    value = at(schema_of("csae157-2020"), "msgFrameExt", "value")
    assert isinstance(value, Open) and value.selector == "messageId"
    assert {number: name for number, name, _ in value.types} == {
        0: "TestMsg",
        10: "RTCMcorrections",
        11: "RoadsideCoordination",
        12: "SensorSharingMsg",
        13: "VehIntentionAndRequest",
        14: "PAMData",
        15: "PersonalSafetyMessage",
        16: "CLPMM",
        17: "VehiclePaymentMessage",
    }


UNIT = "5253553030303031"  # an identity of eight octets
AT = {"lat": 281100000, "long": 1128600000}
AT_BITS = (0, 1), (281100000 + 900000000, 31), (1128600000 + 1799999999, 32)  # without elevation
NEAR = {"offsetLL": {"position-LL1": {"lon": -1124, "lat": 15}}}
NEAR_BITS = (0, 1), (0, 3), (-1124 + 2048, 12), (15 + 2048, 12)
CONFIDENCE_BITS = (0, 1), (11, 4)  # a20cm, without elevation
SIZE_BITS = (0, 1), (180, 10), (460, 12)
SIZE = {"width": 180, "length": 460}

BY_HAND: dict[str, tuple[dict[str, Any], bytes]] = {
    "bsmFrame": (
        {
            "msgCnt": 9,
            "id": UNIT,
            "plateNo": "41313233",
            "secMark": 9732,
            "pos": AT,
            "accuracy": {"pos": "a20cm"},
            "transmission": "forwardGears",
            "speed": 500,
            "heading": 16559,
            "accelSet": {"long": 0, "lat": 2001, "vert": -127, "yaw": 1},
            "brakes": {"brakePadel": "on"},
            "size": SIZE,
            "vehicleClass": {"classification": 10},
            "safetyExt": {
                "pathHistory": {
                    "initialPosition": {
                        "pos": AT,
                        "posAccuracy": {"pos": "a1m"},
                        "timeConfidence": "time-000-001",
                        "posConfidence": {"pos": "a20cm"},
                    },
                    "crumbData": [{"llvOffset": NEAR, "timeOffset": 100}],
                }
            },
        },
        octets(
            *((0, 1), (0, 3), (0, 1), (0b1001, 4)),  # frame; not extended; plate and safety extension are there
            *((9, 7), (int(UNIT, 16), 64), (0, 4), (0x41313233, 32), (9732, 16), *AT_BITS, *CONFIDENCE_BITS),
            *((2, 3), (500, 13), (16559, 15), (2000, 12), (4001, 12), (0, 8), (32768, 16)),
            *((0b1000000, 7), (2, 2), *SIZE_BITS, (0, 1), (10, 8)),
            *((0, 1), (0b0100, 4), (0, 1), (0b10, 2)),  # path history, with its first position
            *((0, 1), (0b00001110, 8), *AT_BITS, (0, 1), (9, 4), (15, 6), *CONFIDENCE_BITS),
            *((0, 5), (0, 1), (0, 3), *NEAR_BITS, (99, 16)),
        ),
    ),
    "mapFrame": (
        {
            "msgCnt": 1,
            "nodes": [
                {
                    "id": {"region": 100, "id": 6},
                    "refPos": AT,
                    "inLinks": [
                        {
                            "upstreamNodeId": {"id": 7},
                            "laneWidth": 350,
                            "lanes": [{"laneID": 2, "connectsTo": [{"remoteIntersection": {"id": 8}}] * 8}],
                        }
                    ],
                }
            ],
        },
        octets(
            *((0, 1), (1, 3), (0, 1), (0, 1), (1, 7), (0, 5)),
            *((0, 1), (0b01, 2), (1, 1), (100, 16), (6, 16), *AT_BITS, (0, 5)),
            *((0, 1), (0, 4), (0, 1), (7, 16), (350, 15), (0, 5)),
            *((0, 1), (0b00100, 5), (2, 8), (7, 3)),
            *[(0, 2), (0, 1), (8, 16)] * 8,
        ),
    ),
    "rsmFrame": (
        {
            "msgCnt": 111,
            "id": UNIT,
            "refPos": AT,
            "participants": [
                {
                    "ptcType": "pedestrian",
                    "ptcId": 1,
                    "source": "loop",
                    "secMark": 9732,
                    "pos": NEAR,
                    "accuracy": {"pos": "a20cm"},
                    "speed": 0,
                    "heading": 16559,
                    "size": SIZE,
                    "vehicleClass": {"classification": 82},
                }
            ],
        },
        octets(
            *((0, 1), (2, 3), (0, 1), (111, 7), (int(UNIT, 16), 64), *AT_BITS, (0, 4)),
            *((0, 1), (0b0000001, 7), (0, 1), (3, 3), (1, 16), (0, 1), (5, 3), (9732, 16)),
            *(*NEAR_BITS, *CONFIDENCE_BITS, (0, 13), (16559, 15), *SIZE_BITS, (0, 1), (82, 8)),
        ),
    ),
    "spatFrame": (
        {
            "msgCnt": 5,
            "timeStamp": 458335,
            "intersections": [
                {
                    "intersectionId": {"id": 9},
                    "status": {"bits": "0000010000000000"},
                    "timeStamp": 5238,
                    "phases": [
                        {
                            "id": 33,
                            "phaseStates": [
                                {
                                    "light": "caution-Conflicting-Traffic",
                                    "timing": {"startTime": 0, "likelyEndTime": 30, "nextDuration": 40},
                                }
                            ],
                        }
                    ],
                }
            ],
        },
        octets(
            *((0, 1), (3, 3), (0, 1), (0b10, 2), (5, 7), (458335, 20), (0, 5)),
            *((0b01, 2), (0, 1), (9, 16), (0b0000010000000000, 16), (5238, 16), (0, 4)),
            *((33, 8), (0, 4), (0, 1), (1, 1), (8, 4), (0b00001, 5), (0, 16), (30, 16), (40, 16)),
        ),
    ),
    "rsiFrame": (
        {
            "msgCnt": 0,
            "id": UNIT,
            "rsiId": 3,
            "alertType": 38,
            "description": "d<",
            "priority": "e0",
            "refPos": AT,
            "alertPath": [NEAR, NEAR],
            "alertRadius": 101,
        },
        octets(
            *((0, 1), (4, 3), (0, 1), (0b011, 3), (0, 7), (int(UNIT, 16), 64), (3, 8), (38, 16)),
            *((1, 8), (ord("d"), 7), (ord("<"), 7), (0xE0, 8), *AT_BITS),
            *((0, 5), *NEAR_BITS, *NEAR_BITS, (101, 11)),
        ),
    ),
}


@pytest.mark.parametrize("message", BY_HAND)
def test_frames_of_2017_are_the_octets_put_together_by_hand(message: str) -> None:
    value, expected = BY_HAND[message]
    codec = codec_of("csae53-2017")
    assert codec.encode({message: value}).hex() == expected.hex()
    assert codec.decode(expected) == {message: value}


@pytest.mark.parametrize("edition", ALL)
def test_random_frames_of_every_edition_come_back(edition: str) -> None:
    codec, random = codec_of(edition), Random(edition)
    for _ in range(40):
        value = sample(codec.root, random, most_items=2)
        octets_of = codec.encode(value)
        assert codec.decode(octets_of) == value


def frames(edition: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, octets in hexadecimal and value of every vector of an edition."""
    tag = {"gbt31024-3-2019": "2019", "csae53-2020": "2020", "csae157-2020": "day2"}[edition]
    found: list[tuple[str, str, dict[str, Any]]] = []
    for source in sorted(VECTORS.glob(f"random_{tag}_*.json")):
        *_, which = kind = source.stem.split("_")
        for one in json.loads(source.read_text("utf-8")):
            value: dict[str, Any] = {f"{which}Frame": one["value"]}
            if "messageId" in one:
                value = {"msgFrameExt": {"messageId": one["messageId"], "value": {which: one["value"]}}}
            found.append((" ".join(kind), one["hex"], value))
    for one in json.loads((VECTORS / "real_vectors.json").read_text("utf-8")):
        if one["edition"].replace("_", "-") == edition:
            found.append((one["id"], one["hex"], {one["type"]: one["value"]}))
    return found


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no vectors in {VECTORS}")
@pytest.mark.parametrize("edition", [name for name in ALL if name != "csae53-2017"])
def test_every_vector_reads_and_writes_under_its_edition(edition: str) -> None:
    codec, seen = codec_of(edition), 0
    for name, octets_of, value in frames(edition):
        assert codec.decode(bytes.fromhex(octets_of)) == value, name
        assert codec.encode(value).hex() == octets_of, name
        seen += 1
    assert seen >= 20


@pytest.mark.parametrize("edition", ALL)
def test_every_message_and_data_frame_has_a_line_in_the_table_of_its_standard(edition: str) -> None:
    table = tomllib.loads((ROOT / "standards" / f"{edition}.toml").read_text("utf-8"))
    listed = {item["item"].removeprefix("Wire: ") for item in table["item"]}
    names = {
        name
        for described in parsed("\n".join(read(text) for text in own_texts(edition))).values()
        for name, one in described["types"].items()
        if one["type"] in ("SEQUENCE", "CHOICE")
    }
    assert names - listed == set()


def own_texts(edition: str) -> list[str]:
    """Return the texts a table of coverage answers for: day II leaves day I to the table of 2020."""
    return [name for name in TEXTS[edition] if edition != "csae157-2020" or name.startswith(edition)]

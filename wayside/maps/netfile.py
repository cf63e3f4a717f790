"""The elements of a SUMO network file, read in one pass, with errors that name the line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from wayside.maps.programs import Program
from wayside.maps.road import MapError

NO_PROJECTION = ("", "!", "-", ".")  # what the simulator writes for none, or for one of its own making


@dataclass(slots=True)
class Edge:
    """A carriageway; one inside a junction names that junction twice."""

    name: str
    function: str
    from_node: str
    to_node: str

    @property
    def internal(self) -> bool:
        """Whether it lies inside a junction."""
        return self.function in ("internal", "crossing", "walkingarea")


@dataclass(slots=True)
class Lane:
    """A lane as the file states it; width 0 where it states none."""

    name: str
    edge: str
    number: int
    speed: float
    width: float
    allow: str | None
    disallow: str | None
    shape: str


@dataclass(slots=True)
class Row:
    """A connection as the file states it; lanes by name, empty texts and -1 for what it does not state."""

    from_lane: str
    to_lane: str
    via_lane: str
    direction: str
    controller: str
    link: int
    opposite_link: int


@dataclass(slots=True)
class NetFile:
    """What a network file states, and what further files add to it."""

    path: Path
    projection: str | None = None
    offset: tuple[float, float] = (0.0, 0.0)
    edges: dict[str, Edge] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)
    connections: list[Row] = field(default_factory=list)
    junctions: dict[str, tuple[float, float]] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)


Attributes = Mapping[str, str]


def parse(path: Path, net: NetFile | None = None) -> NetFile:
    """Read a network file, or add the signal programs of a further file to a network.

    Raises:
        MapError: the file cannot be read, or is not what it should be.
    """
    parser = expat.ParserCreate()
    reader = _Reader(net or NetFile(path), path, parser, extra=net is not None)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        with path.open("rb") as file, _unpacked(file) as text:
            parser.ParseFile(text)
    except FileNotFoundError:
        raise MapError(f"{path}: no such file; check the path of the network") from None
    except (OSError, EOFError, zlib.error) as error:
        raise MapError(f"{path}: cannot be read ({error}); copy it again from its source") from None
    except expat.ExpatError as error:
        raise MapError(
            f"{path}: line {error.lineno}: the XML is broken or breaks off ({expat.ErrorString(error.code)}); "
            "copy it again from its source, or write it anew with netconvert"
        ) from None
    if net is None and not reader.net.lanes:
        raise MapError(f"{path}: the network has no lanes; write it anew with netconvert")
    return reader.net


def _unpacked(file: BinaryIO) -> gzip.GzipFile | BinaryIO:
    """Return the file, unpacked if it is gzipped, whatever its name."""
    packed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file


class _Reader:
    """Takes elements as they come."""

    def __init__(self, net: NetFile, path: Path, parser: expat.XMLParserType, *, extra: bool) -> None:
        self.net = net
        self.path = path
        self.parser = parser
        self.begun = False
        self.edge = ""
        self.controller = ""
        self.phases: list[tuple[float, str]] = []
        self.takes: Mapping[str, Callable[[Attributes], None]] = {
            "tlLogic": self.logic,
            "phase": self.phase,
        }
        self.roots: tuple[str, ...] = ("add", "additional", "net")
        if not extra:
            self.roots = ("net",)
            self.takes = {
                **self.takes,
                "location": self.location,
                "edge": self.edge_begins,
                "lane": self.lane,
                "junction": self.junction,
                "connection": self.connection,
            }

    def start(self, tag: str, attributes: Attributes) -> None:
        """Take one element."""
        if not self.begun and tag not in self.roots:
            raise MapError(
                f"{self._where()}: the file begins with <{tag}>, not with <{self.roots[0]}> as SUMO's do; "
                "OpenStreetMap and OpenDRIVE files are read by read_map, by their suffix"
            )
        self.begun = True
        take = self.takes.get(tag)
        if take is None:
            return
        try:
            take(attributes)
        except KeyError as error:
            raise MapError(
                f"{self._where()}: <{tag}> has no {error}; write the network anew with netconvert"
            ) from None
        except ValueError as error:
            raise MapError(f"{self._where()}: <{tag}>: {error}; write the network anew with netconvert") from None

    def _where(self) -> str:
        """Return the place in the file."""
        return f"{self.path}: line {self.parser.CurrentLineNumber}"

    def end(self, tag: str) -> None:
        """Take the end of one element: a program is whole then."""
        if tag == "tlLogic":
            durations, states = zip(*self.phases, strict=True) if self.phases else ((), ())
            self.net.programs[self.controller] = Program(durations, states)

    def location(self, a: Attributes) -> None:
        """Take where the network lies."""
        projection = a.get("projParameter", "!")
        self.net.projection = None if projection in NO_PROJECTION else projection
        east, north = map(float, a["netOffset"].split(","))
        self.net.offset = (east, north)

    def edge_begins(self, a: Attributes) -> None:
        """Take an edge; the lanes that follow are its own."""
        self.edge = name = a["id"]
        function = a.get("function", "normal")
        if function in ("internal", "crossing", "walkingarea"):
            junction = name[1:].rpartition("_")[0]
            self.net.edges[name] = Edge(name, function, junction, junction)
        else:
            self.net.edges[name] = Edge(name, function, a["from"], a["to"])

    def lane(self, a: Attributes) -> None:
        """Take a lane."""
        speed, width = float(a["speed"]), float(a.get("width", 0.0))
        self.net.lanes.append(
            Lane(a["id"], self.edge, int(a["index"]), speed, width, a.get("allow"), a.get("disallow"), a["shape"])
        )

    def junction(self, a: Attributes) -> None:
        """Take a junction; those inside others are places to wait at, not junctions."""
        if a.get("type") != "internal":
            self.net.junctions[a["id"]] = (float(a["x"]), float(a["y"]))

    def connection(self, a: Attributes) -> None:
        """Take a connection."""
        link = int(a["linkIndex"]) if "tl" in a else -1
        self.net.connections.append(
            Row(
                f"{a['from']}_{a['fromLane']}",
                f"{a['to']}_{a['toLane']}",
                a.get("via", ""),
                a.get("dir", "s"),
                a["tl"] if link >= 0 else "",
                link,
                int(a.get("linkIndex2", -1)),
            )
        )

    def logic(self, a: Attributes) -> None:
        """Take the beginning of a signal program."""
        self.controller, self.phases = a["id"], []

    def phase(self, a: Attributes) -> None:
        """Take a phase of a signal program; one whose length is left to detectors has its shortest or NaN."""
        self.phases.append((float(a.get("duration", a.get("minDur", "nan"))), a["state"]))

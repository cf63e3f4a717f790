"""Make the network, the traffic and the assets of the pilot zone from its description.

Run `python -m wayside.cities.pingshan.build`. The files it writes are committed; the same description and
the same SUMO version give the same bytes.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from xml.etree import ElementTree

from wayside.cities.pingshan.assets import assets
from wayside.cities.pingshan.demand import (
    MARGIN_M,
    Network,
    automated,
    network,
    ordinary,
    pedestrians,
    vehicle_types,
)
from wayside.cities.pingshan.plans import programs, put_in
from wayside.cities.pingshan.streets import extent, plain
from wayside.cities.pingshan.zone import FOLDER, Zone, read
from wayside.maps.sumo import read_net

GZIP_SYSTEM = 9  # place of the octet that names the operating system, in a gzip header (RFC 1952)
NETCONVERT = (
    "--offset.disable-normalization",
    "--no-turnarounds",
    "--crossings.guess",
    "--crossings.guess.speed-threshold=10",
    "--output.street-names",
    "--junctions.corner-detail=5",
    "--junctions.internal-link-detail=8",
    "--xml-validation=never",
)
BUS_STOP_M = 28.0
CONTAINER_STOP_M = 22.0
CHARGING_BAY_M = 6.0


def sumo_home() -> Path:
    """Return the folder of SUMO's programs: `SUMO_HOME` where it holds them, else the package eclipse-sumo.

    Importing libsumo sets `SUMO_HOME` to a package of data alone, so that the variable is not enough.

    Raises:
        FileNotFoundError: neither is there.
    """
    places = [Path(os.environ["SUMO_HOME"])] if "SUMO_HOME" in os.environ else []
    with suppress(PackageNotFoundError):  # not by import: another module may be called sumo
        places.append(Path(str(distribution("eclipse-sumo").locate_file("sumo"))))
    for home in places:
        if (home / "bin" / "netconvert").exists():
            return home
    raise FileNotFoundError(
        f"no bin/netconvert in {', '.join(map(str, places)) or 'any place'}; "
        "`pip install wayside[sumo]` or set SUMO_HOME"
    )


def sumo_version() -> str:
    """Return the version of the netconvert that is installed, such as `1.28.0`."""
    command = [str(sumo_home() / "bin" / "netconvert"), "--version"]
    said: str = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.split("\n", 1)[0].rsplit(" ", 1)[-1]


def make_network(zone: Zone) -> str:
    """Return the SUMO network as text, with our signal programs and without netconvert's header."""
    home, parts, origin = sumo_home(), plain(zone), zone.origin
    west, south, east, north = extent(zone)
    location = (
        f'<location netOffset="{-origin.easting:.2f},{-origin.northing:.2f}" '
        f'convBoundary="{west:.2f},{south:.2f},{east:.2f},{north:.2f}" '
        f'origBoundary="{origin.easting + west:.2f},{origin.northing + south:.2f},'
        f'{origin.easting + east:.2f},{origin.northing + north:.2f}" '
        f'projParameter="+proj=utm +zone={origin.zone} +ellps=WGS84 +datum=WGS84 +units=m +no_defs"/>'
    )
    with tempfile.TemporaryDirectory() as folder:
        given = {"nodes": [location, *parts.nodes], "edges": parts.edges, "connections": parts.connections}
        for name, rows in given.items():
            Path(folder, f"{name}.xml").write_text("\n".join([f"<{name}>", *rows, f"</{name}>"]), "utf-8")
        files = ("--node-files=nodes.xml", "--edge-files=edges.xml", "--connection-files=connections.xml")
        done = subprocess.run(
            [str(home / "bin" / "netconvert"), *files, "--output-file=net.xml", *NETCONVERT],
            cwd=folder,
            env={**os.environ, "SUMO_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"netconvert refused the zone: {done.stderr}")
        if "Warning" in done.stderr:
            print(done.stderr, file=sys.stderr)
        text = Path(folder, "net.xml").read_text("utf-8")
    header = (
        f"<!-- made from zone.toml with netconvert {sumo_version()} -->\n"  # in place of one with paths and date
    )
    text = re.sub(r"<!--.*?-->\s*", lambda _: header, text, count=1, flags=re.DOTALL)
    return put_in(text, programs(zone, ElementTree.fromstring(text)))


def roadside(zone: Zone, net: Network) -> tuple[list[str], dict[str, list[tuple[str, str]]]]:
    """Return the stops and the charging site as SUMO's additional elements, and the stops by kind and edge."""
    rows: list[str] = []
    stops: dict[str, list[tuple[str, str]]] = {"bus": [], "container": []}
    bus_kind = next(street.kind for street in zone.streets if street.name == zone.bus_street)
    for name, edge in net.edges.items():
        if edge.kind == bus_kind and not name.endswith(".in") and not {edge.begin, edge.end} & zone.outside.keys():
            lane = next(i for i, who in enumerate(edge.lanes) if "bus" in who)
            end = edge.length - MARGIN_M
            rows.append(
                f'<busStop id="stop-{name}" lane="{name}_{lane}" startPos="{end - BUS_STOP_M:.1f}" '
                f'endPos="{end:.1f}" name="{name}" lines="M1"/>'
            )
            stops["bus"].append((name, f"stop-{name}"))
        if edge.kind == "yard" and edge.length > 3 * CONTAINER_STOP_M:
            for number in range(2):
                end = edge.length - MARGIN_M - number * 1.5 * CONTAINER_STOP_M
                stop = f"crane-{name}-{number + 1}"
                rows.append(
                    f'<containerStop id="{stop}" lane="{name}_0" startPos="{end - CONTAINER_STOP_M:.1f}" '
                    f'endPos="{end:.1f}"/>'
                )
                stops["container"].append((name, stop))
    place = zone.charging.junction
    name, edge = min((n, e) for n, e in net.edges.items() if e.end == place)
    length, lane = CHARGING_BAY_M * len(zone.charging.rated_kw), len(edge.lanes) - 1
    start = edge.length - MARGIN_M - length
    rows.append(
        f'<parkingArea id="charging" lane="{name}_{lane}" startPos="{start:.1f}" endPos="{start + length:.1f}" '
        f'roadsideCapacity="{len(zone.charging.rated_kw)}" width="2.5" angle="60"/>'
    )
    for number, power in enumerate(zone.charging.rated_kw):
        at = start + number * CHARGING_BAY_M
        rows.append(
            f'<chargingStation id="charger-{number + 1}" lane="{name}_{lane}" startPos="{at:.1f}" '
            f'endPos="{at + CHARGING_BAY_M:.1f}" power="{power * 1000:.0f}" efficiency="0.95" '
            'parkingArea="charging"/>'
        )
    return rows, stops


def make_routes(zone: Zone, net: Network, stops: dict[str, list[tuple[str, str]]]) -> str:
    """Return the route file as text, in order of departure."""
    rows = sorted([*ordinary(zone, net), *pedestrians(zone, net), *automated(zone, net, stops)])
    return _xml("routes", [*vehicle_types(zone), *(row for _, row in rows)])


def build(zone: Zone) -> dict[str, bytes]:
    """Return the files made from the description, by name."""
    text = make_network(zone)
    net = network(ElementTree.fromstring(text))
    added, stops = roadside(zone, net)
    written = {
        "pingshan.net.xml.gz": text,
        "pingshan.add.xml.gz": _xml("additional", added),
        "pingshan.rou.xml.gz": make_routes(zone, net, stops),
    }
    packed = {name: pack(content) for name, content in written.items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pingshan.net.xml.gz")
        file.write_bytes(packed[file.name])
        road = read_net(file)
    return {**packed, "assets.toml": assets(zone, road).encode()}


def pack(text: str) -> bytes:
    """Compress the text so that the same text gives the same bytes."""
    packed = bytearray(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    packed[GZIP_SYSTEM] = 255  # unknown; versions of Python differ in what they write there
    return bytes(packed)


def _xml(root: str, rows: Iterable[str]) -> str:
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', f"<{root}>", *rows, f"</{root}>", ""])


def main() -> None:
    """Write the files beside this one."""
    for name, content in build(read()).items():
        (FOLDER / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()

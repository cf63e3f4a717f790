"""Reading maps of any known kind; OpenDRIVE and OpenStreetMap go through SUMO's netconvert."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wayside.maps.road import MapError, RoadMap
from wayside.maps.sumo import read_net

# what netconvert is told beside the file, and the descriptions of road types it is given; without those of
# sidewalks it opens them to cars
OSM_OPTIONS = (
    "--osm.sidewalks",
    "--osm.crossings",
    "--crossings.guess",
    "--geometry.remove",
    "--roundabouts.guess",
    "--ramps.guess",
    "--junctions.join",
    "--tls.guess-signals",
    "--tls.join",
)
OSM_TYPES = ("osmNetconvert", "osmNetconvertPedestrians", "osmNetconvertBicycle")
# all lanes are read, so that the others stay in their place; those that are no road are then left out
OPENDRIVE_OPTIONS = (
    "--opendrive.import-all-lanes",
    "--opendrive.internal-shapes",
    "--opendrive.signal-groups",
    "--opendrive.curve-resolution=1",
    "--no-turnarounds",
)
OPENDRIVE_TYPES = ("opendriveNetconvert", "opendriveNetconvertPedestrians", "opendriveNetconvertBicycle")
LONGEST_S = 1800  # netconvert is stopped after that


def netconvert() -> Path:
    """Return the netconvert program of the installed SUMO.

    Raises:
        MapError: SUMO is not installed; the text says how to get it.
    """
    try:
        import sumo  # noqa: PLC0415 - an optional extra, asked for only where it is needed
    except ImportError:
        raise MapError("OpenDRIVE and OSM files need SUMO's netconvert: pip install wayside[sumo]") from None
    for name in ("netconvert", "netconvert.exe"):
        program = Path(sumo.SUMO_HOME, "bin", name)
        if program.is_file():
            return program
    raise MapError(f"{sumo.SUMO_HOME}/bin has no netconvert: pip install --force-reinstall wayside[sumo]")


def convert(source: Path, target: Path, *, options: Sequence[str] = ()) -> str:
    """Write a SUMO network of an OpenDRIVE (.xodr) or OpenStreetMap (.osm, .osm.gz) file.

    Args:
        source: the file.
        target: the network to be written.
        options: further options for netconvert.

    Returns:
        What netconvert had to say; it repairs much and says so.

    Raises:
        MapError: the file is missing, of another kind, or netconvert cannot make a network of it.
    """
    source = Path(source)
    if not source.is_file():
        raise MapError(f"{source}: no such file; check the path of the map")
    suffix = _suffix(source)
    if suffix not in (".xodr", ".osm"):
        raise MapError(
            f"{source}: netconvert is used for .xodr, .osm and .osm.gz files, not for {suffix or 'this'}"
        )
    with tempfile.TemporaryDirectory(prefix="wayside-map-") as folder:
        plain = Path(folder, f"map{suffix}")
        try:
            with (
                gzip.open(source) if source.suffix == ".gz" else source.open("rb") as packed,
                plain.open("wb") as file,
            ):
                shutil.copyfileobj(packed, file)
        except (OSError, EOFError) as error:
            raise MapError(f"{source}: cannot be read ({error}); copy it again from its source") from None
        program = netconvert()
        home = program.parent.parent
        option, wanted, types = {
            ".osm": ("--osm-files", OSM_OPTIONS, OSM_TYPES),
            ".xodr": ("--opendrive-files", OPENDRIVE_OPTIONS, OPENDRIVE_TYPES),
        }[suffix]
        type_files = ",".join(str(home / "data" / "typemap" / f"{name}.typ.xml") for name in types)
        command = [str(program), option, str(plain), "--type-files", type_files, *wanted, *options]
        try:
            done = subprocess.run(
                [*command, "--output-file", str(target)],
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
                check=False,
                env={**os.environ, "SUMO_HOME": str(home)},
            )
        except subprocess.TimeoutExpired:
            raise MapError(
                f"{source}: netconvert took longer than {LONGEST_S} s; cut a smaller area out"
            ) from None
        said = (done.stdout + done.stderr).replace(str(plain), str(source)).strip()
        if done.returncode or not target.is_file():
            errors = [line for line in said.splitlines() if line.startswith("Error")] or said.splitlines()[-3:]
            raise MapError(f"{source}: netconvert makes no network of it: {' '.join(errors)}")
        return said


def read_map(
    path: str | Path,
    *,
    origin: tuple[float, float] | None = None,
    programs: Sequence[str | Path] = (),
    options: Sequence[str] = (),
) -> RoadMap:
    """Read a map, by the suffix of its file.

    Args:
        path: .net.xml or .net.xml.gz (SUMO), .xodr (OpenDRIVE), .osm or .osm.gz (OpenStreetMap).
        origin: latitude and longitude [degrees] of the point 0, 0 of a map that states no projection.
        programs: further files with SUMO signal programs; see `read_net`.
        options: further options for netconvert, such as `--ignore-errors`, for what it must convert.

    Raises:
        MapError: the file is missing, broken, or of a kind that is not known.

    Limits: what netconvert guesses of an OSM file (lanes in junctions, stop lines, signal programs) is a
        guess, and its joining of neighbouring junctions is too. OpenDRIVE signals come without programs,
        so netconvert makes them up.
    """
    path = Path(path)
    suffix = _suffix(path)
    if suffix == ".xml":
        return read_net(path, origin=origin, programs=programs)
    if suffix not in (".xodr", ".osm"):
        raise MapError(
            f"{path}: a map is .net.xml, .net.xml.gz (SUMO), .xodr (OpenDRIVE), .osm or .osm.gz (OpenStreetMap), "
            f"not {suffix or 'a file without a suffix'}"
        )
    with tempfile.TemporaryDirectory(prefix="wayside-net-") as folder:
        target = Path(folder, f"{path.name.split('.')[0]}.net.xml")
        convert(path, target, options=options)
        return read_net(target, origin=origin, programs=programs)


def _suffix(path: Path) -> str:
    """Return the suffix that tells the kind of file, in small letters."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return suffixes[-1] if suffixes else ""

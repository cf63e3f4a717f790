"""SUMO in this process: starting, stepping, stopping, and its own words when something is wrong."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from wayside.errors import WaysideError

STEP_CHUNK_S = 10.0  # SUMO does not hear Ctrl-C while it computes; the warm-up comes up for air this often


class WorldError(WaysideError):
    """A World cannot be opened or go on; the text says why, in the simulator's own words where it has any."""


def load_sumo() -> ModuleType:
    """Return libsumo, imported without the line it may print on standard output.

    Raises:
        WorldError: it is not installed.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import libsumo  # noqa: PLC0415
    except ImportError as error:
        raise WorldError(
            f"the sumo World needs libsumo ({error}); install it with `pip install wayside[sumo]`"
        ) from error
    return libsumo  # type: ignore[no-any-return]


@contextlib.contextmanager
def _overheard() -> Iterator[list[str]]:
    """Catch what SUMO writes to standard error, which bypasses Python; the list is filled on leaving."""
    said: list[str] = []
    with tempfile.TemporaryFile() as file:
        sys.stderr.flush()
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            said.extend(
                line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()
            )


@dataclass
class Tally:
    """What SUMO counted since the first tick."""

    teleports: int = 0  # vehicles it moved by force because they were stuck or in the wrong lane
    collisions: int = 0  # pairs of vehicles that overlapped
    departed: int = 0
    arrived: int = 0


class Engine:
    """One running simulation. SUMO allows one per process.

    Args:
        net: network file.
        routes: route files.
        additional: additional files.
        step_s: length of a step [s].
        seed: of SUMO's own random numbers.
        begin_s: simulated second at which SUMO starts; None for the first departure.
        warm_up_s: seconds simulated before the first tick.
        options: further options of SUMO, as on its command line.

    Raises:
        WorldError: a file is missing or broken, or another simulation runs in this process.
    """

    _running: Engine | None = None

    def __init__(
        self,
        *,
        net: Path,
        routes: Sequence[Path],
        additional: Sequence[Path],
        step_s: float,
        seed: int,
        begin_s: float | None,
        warm_up_s: float,
        options: Sequence[str] = (),
    ) -> None:
        if Engine._running is not None:
            raise WorldError("SUMO runs once per process and does already; close that World first")
        for file in (net, *routes, *additional):
            if not file.is_file():
                raise WorldError(f"no file {file}")
        check_version(net)
        begin_s = first_departure(routes) if begin_s is None else begin_s
        self.sumo: Any = load_sumo()
        self.tally = Tally()
        self._open = False
        self._folder = tempfile.TemporaryDirectory(prefix="wayside-sumo-")
        self._log = Path(self._folder.name) / "sumo.log"
        self._overlaps: set[tuple[str, str]] = set()
        command = ["sumo", "--net-file", str(net), "--begin", str(begin_s), "--step-length", str(step_s)]
        if routes:
            # all routes at once, so that a wrong one is found now and not in mid-run
            command += ["--route-files", ",".join(map(str, routes)), "--route-steps", "0"]
        if additional:
            command += ["--additional-files", ",".join(map(str, additional))]
        command += ["--seed", str(seed % (1 << 31)), "--no-step-log", "true", "--duration-log.disable", "true"]
        command += ["--error-log", str(self._log), "--no-warnings", "true"]
        command += ["--collision.action", "warn", "--collision.check-junctions", "true", *options]
        Engine._running = self
        try:
            with self._listening(f"SUMO could not load {net.name}"):
                self.sumo.start(command)
                self._open = True
                for done in range(int(warm_up_s // STEP_CHUNK_S)):
                    self.sumo.simulationStep(begin_s + (done + 1) * STEP_CHUNK_S)
                if warm_up_s > 0:
                    self.sumo.simulationStep(begin_s + warm_up_s)
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def _listening(self, what: str) -> Iterator[None]:
        with _overheard() as said:
            try:
                yield
                return
            except (self.sumo.TraCIException, self.sumo.libsumo.FatalTraCIError) as error:
                failure = error
        words = [line for line in said if not line.startswith("Warning")]
        own = str(failure).strip()
        if own and own != "Process Error":
            words.insert(0, own)
        text = " ".join(dict.fromkeys(" ".join(words).replace("Error: ", "").split("\n")))
        raise WorldError(f"{what}: {text or 'it gave no reason'}") from failure

    def step(self) -> None:
        """Go on by one step and count.

        Raises:
            WorldError: SUMO gave up.
        """
        simulation = self.sumo.simulation
        try:
            self.sumo.simulationStep()
        except (self.sumo.TraCIException, self.sumo.libsumo.FatalTraCIError) as error:
            raise WorldError(f"SUMO stopped at {self.time_s:.1f} s: {error}") from error
        self.tally.teleports += simulation.getStartingTeleportNumber()
        self.tally.departed += simulation.getDepartedNumber()
        self.tally.arrived += simulation.getArrivedNumber()
        if simulation.getCollidingVehiclesNumber():
            for one in simulation.getCollisions():
                self._overlaps.add((one.collider, one.victim))
            self.tally.collisions = len(self._overlaps)

    @property
    def time_s(self) -> float:
        """SUMO's own time [s]."""
        return float(self.sumo.simulation.getTime())

    def warnings(self) -> list[str]:
        """Return the warnings SUMO has written so far."""
        if not self._log.is_file():
            return []
        text = self._log.read_text("utf-8", "replace")
        return [line.removeprefix("Warning: ") for line in text.splitlines() if line.startswith("Warning: ")]

    def close(self) -> None:
        """Stop SUMO; may be called twice."""
        if Engine._running is not self:
            return
        Engine._running = None
        try:
            if self._open:
                self._open = False
                self.sumo.close()
        finally:
            self._folder.cleanup()


NETWORK = re.compile(rb"<net\s[^>]*?\bversion=\"(\d+)\.[\d.]*\"")
DEPARTURE = re.compile(
    rb"<(?:vehicle|trip|flow|person|personFlow|container)\s[^>]*?\b(?:depart|begin)=\"([0-9.:]+)\""
)


def _open(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]


def check_version(net: Path) -> None:
    """Refuse a network that was written for a SUMO generation other than 1.x, the only one known.

    Raises:
        WorldError: it was, or the file is no network or cannot be read.
    """
    try:
        with _open(net) as stream:
            head = stream.read(1 << 16)
    except (OSError, EOFError) as error:
        raise WorldError(f"cannot read {net}: {error}") from error
    found = NETWORK.search(head)
    if found is None and b"<net" not in head:
        raise WorldError(f"{net} is not a SUMO network: it has no <net> near its beginning")
    if found is not None and found[1] not in (b"0", b"1"):
        raise WorldError(f"{net} has network version {found[1].decode()}.x; SUMO 1.x reads versions up to 1.x")


def first_departure(routes: Sequence[Path]) -> float:
    """Return the simulated second at which the first traffic departs, looking at the head of each route file.

    Limits: route files are sorted by departure, as SUMO asks; `triggered` departures are passed over. 0 where
        none is found.
    """
    found: list[float] = []
    for file in routes:
        with _open(file) as stream:
            rest = b""
            while block := stream.read(1 << 16):
                if match := DEPARTURE.search(rest + block):
                    parts = [float(p) for p in match[1].decode().split(":")]
                    found.append(sum(p * 60.0**n for n, p in enumerate(reversed(parts))))
                    break
                rest = block[-2000:]
    return min(found, default=0.0)

"""The evidence of a case: what was recorded around it, sealed so that an altered byte is found."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wayside.guard.tables import MeasureOrders
from wayside.roadside.tables import Actors, Detections, RoadWeather
from wayside.supervision.tables import Cases, Findings, Rule
from wayside.table import F64, I64, Bool, Table
from wayside.v2x.tables import Reports

if TYPE_CHECKING:
    from wayside.run import Run

T = TypeVar("T", bound=Table)
Load = Callable[[type[Table]], tuple[I64, Any]]

FORMAT = 1  # version of the file's layout
NEAR_M = 150.0  # Actors within that distance of the subject are evidence
SEEN_M = 30.0  # and so are detections within that
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same evidence has the same bytes


class EvidenceError(ValueError):
    """Evidence cannot be gathered or read; the text says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """What was recorded around a case.

    Attributes:
        about: the case, the Run and the window in plain values.
        entries: Parquet octets by table name; each starts with `tick_ns`, then the table's columns.
    """

    about: dict[str, Any]
    entries: dict[str, bytes]

    @property
    def seal(self) -> str:
        """The last link of the hash chain. Keep it elsewhere: who rewrites the file can make a new chain."""
        return str(self._chain()["seal"])

    def _chain(self) -> dict[str, Any]:
        link = hashlib.sha256(_canonical(self.about)).hexdigest()
        links = []
        for name, content in self.entries.items():
            digest = hashlib.sha256(content).hexdigest()
            link = hashlib.sha256(f"{link} {name} {digest}".encode()).hexdigest()
            links.append({"name": name, "octets": len(content), "sha256": digest, "chain": link})
        return {"about": self.about, "entries": links, "seal": link}

    def octets(self) -> bytes:
        """Return the file: a ZIP of `chain.json` and one Parquet file a table; equal evidence, equal bytes."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo("chain.json", EPOCH), _canonical(self._chain()))
            for name, content in self.entries.items():
                archive.writestr(zipfile.ZipInfo(f"{name}.parquet", EPOCH), content)
        return target.getvalue()

    def write(self, path: Path) -> Path:
        """Write the file and return its path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.octets())
        return path


# what reading a damaged archive, its JSON and what it says may raise
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(LookupError, TypeError, ValueError, RuntimeError, AttributeError),
)


def verify(octets: bytes, seal: str | None = None) -> EvidenceFile:
    """Return the evidence in a file if no byte of it was altered.

    Args:
        octets: the file.
        seal: the seal noted when the evidence was gathered; without it only careless alteration is found.

    Raises:
        EvidenceError: a byte is not what it was; the text says where.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            chain = json.loads(archive.read("chain.json"))
            entries = {e["name"]: archive.read(f"{e['name']}.parquet") for e in chain["entries"]}
        found = EvidenceFile(chain["about"], entries)
        for said, is_ in zip(chain["entries"], found._chain()["entries"], strict=True):
            if said != is_:
                raise EvidenceError(f"table {said['name']} has been altered: its hash is not the one in the chain")
        if chain["seal"] != found.seal:
            raise EvidenceError("the case's description has been altered: the chain does not lead to its seal")
        same = found.octets() == octets
    except EvidenceError:
        raise
    except UNREADABLE as error:
        raise EvidenceError(f"this is no evidence file, or it has been altered: {error}") from error
    if not same:
        raise EvidenceError("the file has been altered outside its tables")
    if seal is not None and seal != found.seal:
        raise EvidenceError(f"the seal is {found.seal}, not {seal}: this is another file than was noted")
    return found


def gather(run: Run, case: int, *, before_s: float = 90.0, after_s: float = 30.0) -> EvidenceFile:
    """Gather what a Run holds around one case; see `gather_all`."""
    return gather_all(run, [case], before_s=before_s, after_s=after_s)[case]


def gather_all(
    run: Run, numbers: Sequence[int], *, before_s: float = 90.0, after_s: float = 30.0
) -> dict[int, EvidenceFile]:
    """Gather what a Run holds around cases, from `before_s` before the opening of each to `after_s` after.

    Taken are: the subject's Reports and Findings; Actors within 150 m and Detections within 30 m of where
    the subject was at each tick (where the case was opened, if it did not move or was not seen); the weather
    and the measures in force, from the last change before the window on.

    Raises:
        EvidenceError: the Run holds no case of that number.
    """
    read: dict[type[Table], tuple[I64, Any]] = {}

    def load(kind: type[Table]) -> tuple[I64, Any]:
        if kind not in read:
            read[kind] = run.rows(kind)
        return read[kind]

    return {case: _gather(run, load, case, round(before_s * 1e9), round(after_s * 1e9)) for case in numbers}


def write_files(run: Run, folder: Path) -> list[Path]:
    """Write the evidence of every case about a permitted vehicle to `cases/case-<number>.zip` in a folder."""
    _, cases = run.rows(Cases)
    numbers = np.unique(cases.case[cases.rule <= Rule.SILENT]).tolist()
    found = gather_all(run, numbers)
    return [found[number].write(folder / "cases" / f"case-{number}.zip") for number in numbers]


def _gather(run: Run, load: Load, case: int, before_ns: int, after_ns: int) -> EvidenceFile:
    all_cases: Cases = load(Cases)[1]
    rows = np.flatnonzero(all_cases.case == case)
    if not len(rows):
        numbers = sorted(set(all_cases.case.tolist()))
        raise EvidenceError(f"{run.name} has no case {case}; it has {numbers or 'none'}")
    facts = all_cases.take(rows[-1:])
    opened = int(facts.opened_ns[0])
    subject = int(facts.subject[0])
    begin, end = opened - before_ns, opened + after_ns
    ticks = run.ticks[(run.ticks >= begin) & (run.ticks <= end)]

    entries: dict[str, bytes] = {}
    actor_ticks, actors = _within(load, Actors, begin, end)
    place_x, place_y = _place(actor_ticks, actors, subject, ticks, float(facts.x[0]), float(facts.y[0]))

    def near(instants: I64, table: Actors | Detections, reach: float) -> Bool:
        tick = np.searchsorted(ticks, instants)
        close: Bool = np.hypot(table.x - place_x[tick], table.y - place_y[tick]) <= reach
        return close

    keep = near(actor_ticks, actors, NEAR_M)
    entries["Actors"] = _parquet(actor_ticks[keep], actors.take(keep))
    instants, detections = _within(load, Detections, begin, end)
    keep = near(instants, detections, SEEN_M)
    if facts.rule[0] == Rule.POLE_MISALIGNED:
        keep |= detections.pole == subject
    entries["Detections"] = _parquet(instants[keep], detections.take(keep))
    instants, reports = _within(load, Reports, begin, end)
    keep = reports.sender == np.uint64(subject)
    entries["Reports"] = _parquet(instants[keep], reports.take(keep))
    instants, findings = _within(load, Findings, begin, end)
    keep = findings.subject == np.uint64(subject)
    entries["Findings"] = _parquet(instants[keep], findings.take(keep))
    for kind in (MeasureOrders, RoadWeather, Cases):
        instants, table = load(kind)
        earlier = instants[instants <= begin]
        keep = (instants >= (earlier[-1] if len(earlier) else begin)) & (instants <= end)
        if kind is Cases:
            keep &= table.case == case
        entries[kind.__name__] = _parquet(instants[keep], table.take(keep))

    about = {
        "format": FORMAT,
        "run": run.name,
        "run_hash": str(run.manifest.get("hash", "")),
        "case": case,
        "rule": Rule(int(facts.rule[0])).name,
        "subject": str(subject),
        "opened_ns": opened,
        "from_ns": begin,
        "until_ns": end,
        "recorded_from_ns": int(ticks[0]) if len(ticks) else None,
        "recorded_until_ns": int(ticks[-1]) if len(ticks) else None,
        "ticks": len(ticks),
    }
    return EvidenceFile(about, entries)


def _within(load: Load, kind: type[T], begin: int, end: int) -> tuple[I64, T]:
    instants, table = load(kind)
    first, last = np.searchsorted(instants, [begin, end + 1])
    return instants[first:last], table.take(slice(first, last))


def _place(instants: I64, actors: Actors, subject: int, ticks: I64, x: float, y: float) -> tuple[F64, F64]:
    """Return where the subject was at each tick, holding the nearest known place in between."""
    mine = np.flatnonzero((actors.sender == np.uint64(subject)) | (actors.id == np.uint64(subject)))
    if not len(mine):
        return np.full(len(ticks), x), np.full(len(ticks), y)
    tick = np.searchsorted(ticks, instants[mine])
    row = np.clip(np.searchsorted(tick, np.arange(len(ticks)), "right") - 1, 0, None)
    return actors.x[mine[row]], actors.y[mine[row]]


def _parquet(instants: I64, table: Table) -> bytes:
    """Return the rows as Parquet octets, the tick first."""
    columns = {"tick_ns": pa.array(instants, pa.int64())}
    columns |= {name: pa.array(values) for name, values in table.arrays()}
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, compression="zstd")
    return target.getvalue()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

"""Playing cases: a few actors with given paths, through the same chain as a city."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wayside.language import LANGUAGES, Language
from wayside.operate import operate
from wayside.recorder import Recorder
from wayside.replaying import describe
from wayside.worlds.case_expect import problems_of
from wayside.worlds.case_file import Case, CaseError
from wayside.worlds.case_opening import OpenedCase, case_city, open_case
from wayside.worlds.case_reading import cases_in
from wayside.worlds.case_rows import Row, Watcher
from wayside.worlds.case_world import CaseWorld


@dataclass(frozen=True)
class Played:
    """What came of a case.

    Attributes:
        case: what was played.
        rows: what was said; see docs/guides/cases.md for the keys.
        problems: what was expected and did not happen, or the other way round; empty if all is right.
        world: the World at the end, with the actors' paths.
        parts: of a file with a sweep, what came of each of its cases; else the case alone.
    """

    case: Case
    rows: list[Row]
    problems: list[str]
    world: CaseWorld
    parts: tuple[Played, ...] = field(default=())


def play(
    source: str | Path | Mapping[str, Any], *, language: Language = "en", steps: Sequence[str] = ()
) -> Played:
    """Play the case of a file, or all cases of its sweep.

    Args:
        source: path of a TOML or JSON file, or what such a file holds.
        language: of the reasons.
        steps: further steps to run, each as `module:name`, for trying out one that no plugin brings yet.

    Returns:
        The outcome; with a sweep, that of all its cases one after another, and rows have a key `variant`.

    Raises:
        CaseError: the case is wrong.

    >>> crash = {"actors": [{"name": "A", "poses": [[0, -90, 0], [6, 0, 0]]},
    ...                     {"name": "B", "poses": [[0, 90, 0], [6, 0, 0]]}]}
    >>> play(crash).problems
    []
    """
    played = [play_case(case, language=language, steps=steps) for case in cases_in(source)]
    if len(played) == 1:
        return played[0]
    return Played(
        played[0].case,
        [{**row, "variant": one.case.variant} for one in played for row in one.rows],
        [f"[{one.case.variant}] {problem}" for one in played for problem in one.problems],
        played[0].world,
        tuple(played),
    )


def play_case(case: Case, *, language: Language = "en", steps: Sequence[str] = ()) -> Played:
    """Play one case; see `play`.

    Raises:
        CaseError: it names what its map does not have.
    """
    opened = _opened(case, steps)
    world, edge, pipeline = opened.world, opened.edge, opened.pipeline
    watcher = Watcher(world.names, world.road, world.start_ns, language)
    frame, now_ns = pipeline.first(), world.start_ns
    while (intake := world.poll(now_ns)) is not None:
        arrived = (*intake.tables, *edge.decode(intake.messages, now_ns))
        frame = pipeline.tick(frame, arrived, now_ns)
        world.act(frame, edge.encode(frame))
        watcher.take(frame, world.truth)
        now_ns += world.tick_ns
    return Played(case, watcher.rows, problems_of(case, watcher.rows, world.paths), world)


def record_case(case: Case, folder: Path, *, language: Language = "en", steps: Sequence[str] = ()) -> Played:
    """Play one case and store it as a Run, which `wayside report` shows and studies read; see `play`.

    Raises:
        CaseError: the case names what its map does not have.
        RunError: the folder cannot be written to.
    """
    opened = _opened(case, steps)
    world, pipeline = opened.world, opened.pipeline
    watcher = Watcher(world.names, world.road, world.start_ns, language)
    about = {
        "city": "case",
        "name": case.label,
        "title": {one: case.titled(one) for one in LANGUAGES},
        "seed": case.seed,
        "seconds": world.seconds,
        "start_ns": world.start_ns,
        "tick_ns": world.tick_ns,
        "config_digest": case_city().digest,
        **describe(pipeline),
    }
    with Recorder(folder, about, world.road) as recorder:
        operate(
            world,
            pipeline,
            edge=opened.edge,
            recorder=recorder,
            ticks=world.ticks,
            on_tick=lambda _, frame: watcher.take(frame, world.truth),
        )
        recorder.close(complete=True)
    return Played(case, watcher.rows, problems_of(case, watcher.rows, world.paths), world)


def _opened(case: Case, steps: Sequence[str]) -> OpenedCase:
    try:
        return open_case(case, steps)
    except CaseError as error:
        raise CaseError(f"{case.label}: {error}") from None

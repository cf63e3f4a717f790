"""What each command does. A command prints for people on stderr and returns its facts for `--json`."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table as Grid

from wayside import checking, replaying
from wayside.apart import can_be_apart
from wayside.command import Answer
from wayside.config import City, ConfigError, built_in_cities, load_plugin, plugins, read_city
from wayside.declared import declared_tables
from wayside.language import Language, say
from wayside.opening import open_city
from wayside.operate import operate
from wayside.recorder import Recorder
from wayside.report import Report, Verdict
from wayside.run import Run, RunError

LISTS = ("cities", "steps", "studies", "experiments", "trials", "worlds", "tables")
DEFAULT_ZONE = "pingshan"
TRIAL_SEEDS, TRIAL_SECONDS = 10, 300.0
ANY_NET = "anywhere"  # the built-in city file for nets that come without one


def plain(value: object) -> object:
    """Turn what JSON does not know into what it does."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Verdict):
        return value.value
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def _city(options: argparse.Namespace) -> City:
    if options.net is None and (options.routes or options.additional or options.origin):
        raise ConfigError("--routes, --additional and --origin go with --net, which is missing")
    if options.net is None:
        return read_city(options.zone or DEFAULT_ZONE)
    for file in (options.net, *options.routes, *options.additional):
        if not file.is_file():
            raise ConfigError(f"no file {file}")
    if not options.routes:
        raise ConfigError("--net needs --routes: without traffic there is nothing to see")
    city = read_city(options.zone or ANY_NET)
    if options.origin is not None:
        city = city.with_origin(*options.origin)
    return city.with_world(
        net=str(options.net.resolve()),
        routes=[str(f.resolve()) for f in options.routes],
        additional=[str(f.resolve()) for f in options.additional],
    )


def _fresh_folder(folder: Path, *, replace: bool) -> Path:
    """Return a folder that a Run may be written to; an old Run is removed only if that was asked for."""
    if folder.exists() and any(folder.iterdir()):
        if not replace:
            raise RunError(f"{folder} is not empty; name another --out, or give --replace to overwrite an old Run")
        if not (folder / "manifest.toml").is_file():
            raise RunError(f"{folder} holds something that is not a Run; --replace does not remove it")
        shutil.rmtree(folder)
    return folder


def run(options: argparse.Namespace, screen: Console) -> Answer:
    """Run a zone, study the Run and write its evidence pack."""
    language: Language = options.language
    city = _city(options)
    seed = city.header.seed if options.seed is None else options.seed
    seconds = city.header.seconds if options.seconds is None else options.seconds
    if not seconds > 0:
        raise ConfigError(f"--seconds must be above 0, not {seconds}")
    ticks = round(seconds / city.header.tick)
    name = city.header.name if options.net is None else options.net.name.split(".")[0]
    folder = _fresh_folder(options.out or Path("runs") / f"{name}-seed{seed}", replace=options.replace)
    apart = can_be_apart() and not options.one_process
    opened = open_city(city, seed=seed, seconds=seconds, shuffle_seed=options.shuffle, apart=apart)
    world, pipeline = opened.world, opened.pipeline
    try:
        about = {
            "city": city.header.name,
            "name": name,
            "title": dict(city.header.title),
            "seed": seed,
            "seconds": seconds,
            "start_ns": world.start_ns,
            "tick_ns": world.tick_ns,
            "config_digest": city.digest,
            **replaying.describe(pipeline),
        }
        with Recorder(folder, about, world.road) as recorder, _progress(screen, language, name, ticks) as advance:
            outcome = operate(
                world,
                pipeline,
                edge=opened.edge,
                recorder=recorder,
                ticks=ticks,
                on_tick=lambda done, _: advance(done),
            )
            world.close()
            recorder.note_events(world.events())
            recorder.close(complete=outcome.ticks == ticks)
    finally:
        world.close()
    stored = Run(folder)
    if outcome.interrupted:
        screen.print(say("wayside.stopped", language, ticks=outcome.ticks, folder=folder))
        return Answer(_run_facts(stored, ()), 130)
    return _report(stored, screen, language, strict=options.strict)


def _progress(screen: Console, language: Language, name: str, ticks: int) -> Any:
    """Return a progress bar that is used as a context manager and gives a function of ticks done."""

    class Bar:
        def __enter__(self) -> Callable[[int], None]:
            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn(say("wayside.word_left", language)),
                TimeRemainingColumn(),
                console=screen,
                refresh_per_second=4,
            )
            self.bar.start()
            task = self.bar.add_task(say("wayside.running", language, name=name), total=ticks)
            return lambda done: self.bar.update(task, completed=done) if done % 10 == 0 or done == ticks else None

        def __exit__(self, *_: object) -> None:
            self.bar.stop()

    return Bar()


def all_reports(stored: Run) -> list[Report]:
    """Return what every installed study says of one Run, in order of name."""
    return [load_plugin("studies", name)([stored]) for name in sorted(plugins("studies"))]


def _report(stored: Run, screen: Console, language: Language, *, strict: bool) -> Answer:
    reports = all_reports(stored)
    shutil.rmtree(stored.folder / "cases", ignore_errors=True)
    for name in sorted(plugins("files")):
        load_plugin("files", name)(stored, stored.folder)
    pack = load_plugin("packs", "evidence")
    page = pack.write_pack(stored, reports, stored.folder)
    pack.print_lines(reports, screen, language)
    screen.print(say("wayside.written", language, folder=stored.folder, page=page), soft_wrap=True)
    facts = _run_facts(stored, reports)
    failed = any(line["verdict"] != Verdict.PASS.value for line in facts["lines"])
    return Answer(facts, 1 if strict and failed else 0)


def _run_facts(stored: Run, reports: Sequence[Report]) -> dict[str, Any]:
    return {
        "run": str(stored.folder),
        "seed": stored.manifest["seed"],
        "hash": stored.hash,
        "ticks": stored.manifest["ticks"],
        "complete": stored.manifest["complete"],
        "counts": stored.manifest.get("rows", {}),
        "timings_ms": summary(stored.timings),
        "lines": line_facts(reports),
    }


def line_facts(reports: Sequence[Report]) -> list[dict[str, Any]]:
    """Return every requirement line with its words in both languages and its verdict."""
    return [
        {
            "id": line.id,
            "requirement": {lang: say(line.text, lang) for lang in ("en", "zh")},
            "target": line.target,
            "sense": line.sense,
            "unit": line.unit,
            "source": line.source,
            "measured": line.measured,
            "verdict": line.verdict.value,
            "study": report.study,
        }
        for report in reports
        for line in report.lines
    ]


def summary(timings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return median, 95th and 99th percentile of each part's milliseconds."""
    return {
        part: {f"p{q}": round(float(np.nanpercentile(values, q)), 3) for q in (50, 95, 99)}
        for part, values in timings.items()
    }


def replay(options: argparse.Namespace, screen: Console) -> Answer:
    """Run the steps again over a stored Run and compare every tick."""
    stored = Run(options.run)
    since_ns = None if options.since is None else int(stored.ticks[0]) + round(options.since * 1e9)
    found = replaying.replay(stored, since_ns=since_ns)
    key = "replay_same" if found.first_difference is None else "replay_differs"
    screen.print(
        say(f"wayside.{key}", options.language, same=found.same, ticks=found.ticks, where=found.first_difference)
    )
    return Answer(msgspec.to_builtins(found), 0 if found.first_difference is None else 1)


def check(options: argparse.Namespace, screen: Console) -> Answer:
    """Check a city file, a map, a Run or a file of messages."""
    found = checking.check(options.what, options)
    grid = Grid(title=found.what)
    grid.add_column("")
    grid.add_column(found.kind)
    for name, value in found.facts.items():
        grid.add_row(name, str(value))
    screen.print(grid)
    if found.report is not None:
        load_plugin("packs", "evidence").print_report(found.report, screen, options.language)
    for problem in found.problems:
        screen.print(problem, style="red", markup=False)
    reports = [] if found.report is None else [found.report]
    facts = {
        "what": found.what,
        "kind": found.kind,
        "facts": found.facts,
        "problems": found.problems,
        "lines": line_facts(reports),
        "tables": [msgspec.to_builtins(grid) for report in reports for grid in report.grids],
    }
    failing = {Verdict.FAIL, Verdict.UNKNOWN} if options.strict else {Verdict.FAIL}
    failed = any(line.verdict in failing for report in reports for line in report.lines)
    return Answer(facts, 1 if found.problems or failed else 0)


def study(options: argparse.Namespace, screen: Console) -> Answer:
    """Run one study over stored Runs, or a trial that makes its own."""
    asked = (options.zone, options.seeds, options.seconds)
    report: Report
    if options.study in plugins("trials"):
        if options.runs:
            raise RunError(f"{options.study} makes its own Runs and takes none: leave out {options.runs[0]}")
        seeds = options.seeds or list(range(1, TRIAL_SEEDS + 1))
        seconds = TRIAL_SECONDS if options.seconds is None else options.seconds
        with screen.status("0") as status:
            trial = load_plugin("trials", options.study)
            report = trial(options.zone or DEFAULT_ZONE, seeds, seconds, status.update)
    else:
        if not options.runs or any(value is not None for value in asked):
            raise RunError(
                f"{options.study} studies stored Runs: name at least one, without --zone, --seeds, --seconds"
            )
        # experiments are studies that take minutes; no run is followed by them unasked
        group = "experiments" if options.study in plugins("experiments") else "studies"
        report = load_plugin(group, options.study)([Run(folder) for folder in options.runs])
    load_plugin("packs", "evidence").print_report(report, screen, options.language)
    return Answer(
        msgspec.to_builtins(report, enc_hook=lambda v: v.tolist() if isinstance(v, np.ndarray) else plain(v))
    )


def list_(options: argparse.Namespace, screen: Console) -> Answer:
    """List what is installed."""
    facts: dict[str, list[str]] = {}
    for kind in [options.kind] if options.kind else LISTS:
        if kind == "cities":
            facts[kind] = sorted(built_in_cities())
        elif kind == "tables":
            facts[kind] = sorted(declared_tables())
        else:
            facts[kind] = sorted(plugins(kind))
    for kind, names in facts.items():
        screen.print(f"[bold]{say(f'wayside.word_{kind}', options.language)}[/]")
        screen.print("  " + ", ".join(names), highlight=False)
    return Answer(facts)


def report(options: argparse.Namespace, screen: Console) -> Answer:
    """Study a stored Run again and write its evidence pack anew."""
    return _report(Run(options.run), screen, options.language, strict=options.strict)


COMMANDS: dict[str, Callable[[argparse.Namespace, Console], Answer]] = {
    "run": run,
    "replay": replay,
    "check": check,
    "study": study,
    "list": list_,
    "report": report,
}

"""The evidence pack: `evidence.json` for machines and `report.html` for people, both from one set of facts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wayside.evidence import plots
from wayside.evidence.facts import gather_facts
from wayside.evidence.recording import recording
from wayside.evidence.studies import performance
from wayside.evidence.terminal import SENSES, SIGNS, natural, print_lines, print_report
from wayside.evidence.words import both, in_both, number
from wayside.language import Language, catalogue, preferred
from wayside.report import Report, Verdict

if TYPE_CHECKING:
    from wayside.run import Run

__all__ = ["print_lines", "print_report", "write_pack"]

SCRIPT_WORDS = (  # that the page's script puts in place
    *("contents", "panel", "replay_canvas", "language", "theme", "play", "pause", "moment"),
    *("zoom_in", "zoom_out", "zoom_all", "readout_none", "readout_closed", "readout_capped"),
    *("readout_identity", "readout_sender", "readout_speed", "readout_kind", "readout_unequipped", "readout_gone"),
)
MOST_ROWS = 12  # of a study's table on the page; evidence.json has all


def write_pack(run: Run, reports: Sequence[Report], folder: Path, language: Language | None = None) -> Path:
    """Write `evidence.json` and `report.html` and return the path of the page.

    Evidence files of cases that already lie under `cases/` in the folder are listed with their hashes. The
    page needs nothing but itself and works from a file.

    Args:
        run: the Run that the pack is about.
        reports: what studies said of it; the study of its performance is added if it is not among them.
        folder: where to write; made if it is missing.
        language: in which the page opens; the user's own if not given. It holds both.
    """
    if not any(report.study == "performance" for report in reports):
        reports = [*reports, performance([run])]
    folder.mkdir(parents=True, exist_ok=True)
    facts = gather_facts(run, reports, folder)
    text = json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "evidence.json").write_text(text + "\n", "utf-8")
    page = folder / "report.html"
    page.write_text(render(facts, reports, recording(run), language or preferred()), "utf-8")
    return page


def render(facts: dict[str, Any], reports: Sequence[Report], recorded: dict[str, Any], language: Language) -> str:
    """Return the page as one self-contained HTML text."""
    loader = Environment(
        loader=PackageLoader("wayside.evidence", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loader.globals.update(
        both=both,
        tell=lambda key: in_both(key)[language],
        number=number,
        said=said,
        cell=cell,
        draw=plots.draw,
        legend=plots.legend,
        numeric=numeric_columns,
        senses=SENSES,
        signs={verdict.value: sign for verdict, sign in SIGNS.items()},
        verdict_keys=[v.value for v in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS)],
        most_rows=MOST_ROWS,
        system_key=system_key,
        study_title=study_title,
    )
    room = files("wayside.evidence")
    template = loader.get_template("page.html.jinja")
    return template.render(
        facts=facts,
        reports=[report for report in reports if report.grids or report.figures or report.notes],
        systems=by_system(facts["lines"]),
        language=language,
        begun=datetime.fromisoformat(facts["from"]) if facts["from"] else None,
        ended=datetime.fromisoformat(facts["until"]) if facts["until"] else None,
        style=Markup(room.joinpath("page.css").read_text("utf-8")),
        script=Markup("\n").join(Markup(room.joinpath(f).read_text("utf-8")) for f in ("page.js", "replay.js")),
        recorded=_embedded(recorded),
        words=_embedded({key: in_both(f"evidence.{key}") for key in SCRIPT_WORDS}),
    )


def _embedded(value: Any) -> Markup:
    """Return JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def said(texts: dict[str, str]) -> Markup:
    """Return a text that is at hand in both languages."""
    if texts["en"] == texts["zh"]:
        return Markup("{}").format(texts["en"])
    return Markup('<span lang="en">{}</span><span lang="zh-CN">{}</span>').format(texts["en"], texts["zh"])


def cell(value: Any) -> Markup:
    """Return a cell of a table."""
    if isinstance(value, dict):
        return said(value)
    if isinstance(value, bool):
        return both(f"evidence.{'yes' if value else 'no'}")
    return Markup("{}").format(value if isinstance(value, str) else number(value))


def system_key(system: str) -> str:
    """Return the catalogue key of a system's name, or the bare system where it has none."""
    key = f"evidence.system_{system}"
    return key if key in catalogue() else system


def study_title(study: str) -> Markup:
    """Return a study's name in words, or the bare name where the catalogue has none."""
    key = f"evidence.study_{study}"
    return both(key) if key in catalogue() else Markup("{}").format(study)


def by_system(lines: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return lines grouped by the system they are about, the part of the identity before the first dash.

    Planted faults (`P1-`, `P2-`, ...) are one group.
    """
    ordered = sorted(lines, key=lambda line: natural(line["id"]))

    def system(line: dict[str, Any]) -> str:
        name = str(line["id"]).split("-")[0]
        return "P" if name.startswith("P") and name[1:].isdigit() else name

    return [(name, list(group)) for name, group in groupby(ordered, system)]


def numeric_columns(grid: dict[str, Any]) -> list[bool]:
    """Tell which columns of a table hold numbers alone."""
    columns = list(zip(*grid["rows"], strict=True)) or [()] * len(grid["headings"])
    known = ([value for value in column if value is not None] for column in columns)
    return [bool(c) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in c) for c in known]

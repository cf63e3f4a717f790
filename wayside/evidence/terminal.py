"""Requirement lines and reports in the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Sheet
from rich.text import Text

from wayside.evidence.words import in_both, number
from wayside.language import Language, say
from wayside.report import Line, Report, Verdict

STYLES = {Verdict.FAIL: "bold red", Verdict.UNKNOWN: "yellow", Verdict.PASS: "green"}
SIGNS = {Verdict.FAIL: "✗", Verdict.UNKNOWN: "?", Verdict.PASS: "✓"}
SENSES = {"<=": "≤", ">=": "≥", "==": "="}
NARROW = 110  # columns of the terminal below which sources are left out and identities go beneath


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names as people do.

    >>> sorted(["A10-x", "A9-x", "D3-x", "A1-x"], key=natural)
    ['A1-x', 'A9-x', 'A10-x', 'D3-x']
    """
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.findall(r"\d+|\D+", name)]


def failures_first(lines: Sequence[Line]) -> list[Line]:
    """Return lines with those not met first, then those unknown, each in order of identity."""
    order = list(STYLES)
    return sorted(lines, key=lambda line: (order.index(line.verdict), natural(line.id)))


def counts(lines: Sequence[Line]) -> dict[Verdict, int]:
    """Return how many lines have each verdict."""
    return {verdict: sum(line.verdict is verdict for line in lines) for verdict in STYLES}


def print_lines(reports: Sequence[Report], screen: Console, language: Language) -> None:
    """Print all requirement lines, failures first and red, and how many there are of each verdict."""
    lines = failures_first([line for report in reports for line in report.lines])
    wide = screen.width >= NARROW
    sheet = Sheet(box=SIMPLE_HEAD, pad_edge=False, show_lines=False)
    sheet.add_column(say("evidence.verdict", language), no_wrap=True)
    if wide:
        sheet.add_column("", no_wrap=True)
    sheet.add_column(say("evidence.requirement", language), overflow="fold")
    sheet.add_column(say("evidence.measured", language), justify="right", no_wrap=True)
    sheet.add_column(say("evidence.target", language), overflow="fold", max_width=None if wide else 16)
    if wide:
        sheet.add_column(say("evidence.source", language), style="dim", no_wrap=True)
    for line in lines:
        style = STYLES[line.verdict]
        verdict = Text(f"{SIGNS[line.verdict]} {say(f'wayside.verdict_{line.verdict.value}', language)}", style)
        name = Text(line.id, style if line.verdict is Verdict.FAIL else "dim")
        requirement = Text(in_both(line.text)[language])
        if not wide:
            requirement = Text.assemble(requirement, "\n", name)
        measured = Text(number(line.measured), style)
        target = Text(f"{SENSES[line.sense]} {number(line.target)} {line.unit}".rstrip())
        if wide:
            sheet.add_row(verdict, name, requirement, measured, target, Text(line.source))
        else:
            sheet.add_row(verdict, requirement, measured, target)
    screen.print(sheet)
    screen.print(_summary(lines, language))


def print_report(report: Report, screen: Console, language: Language) -> None:
    """Print one study's lines and tables; its figures are for the page."""
    if report.lines:
        print_lines([report], screen, language)
    for grid in report.grids:
        sheet = Sheet(box=SIMPLE_HEAD, title=in_both(grid.text)[language], title_justify="left", pad_edge=False)
        for column, heading in enumerate(grid.headings):
            numeric = any(isinstance(row[column], int | float) for row in grid.rows)
            sheet.add_column(in_both(heading)[language], justify="right" if numeric else "left")
        for row in grid.rows:
            sheet.add_row(*(Text(cell_text(cell, language)) for cell in row))
        screen.print(sheet)
    for note in report.notes:
        screen.print(in_both(note)[language], style="dim")


def cell_text(cell: str | int | float | None, language: Language) -> str:
    """Return a cell of a table as text."""
    return in_both(cell)[language] if isinstance(cell, str) else number(cell)


def _summary(lines: Sequence[Line], language: Language) -> Text:
    text = Text()
    for verdict, count in counts(lines).items():
        if text.plain:
            text.append("   ")
        style = STYLES[verdict] if count else "dim"
        text.append(f"{SIGNS[verdict]} {count} {say(f'wayside.verdict_{verdict.value}', language)}", style)
    return text

"""Whether what was said in a case is what its file expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wayside.worlds.case_file import MOST_SECONDS, Case
from wayside.worlds.case_paths import Path
from wayside.worlds.case_rows import Row
from wayside.worlds.case_touch import first_touch


def problems_of(case: Case, rows: Sequence[Row], paths: Sequence[Path]) -> list[str]:
    """Return in words what was expected and is not so; empty if all is right."""
    return [*_missing(case, rows), *_wrong_answers(case, rows), *_forbidden(case, rows), *_late(case, rows, paths)]


def _within(row: Row, since: float, until: float) -> bool:
    return bool(since - 1e-9 <= row["t"] <= until + 1e-9)


def _like(row: Row, **wanted: object) -> bool:
    return all(value is None or row.get(key) == value for key, value in wanted.items())


def _missing(case: Case, rows: Sequence[Row]) -> Iterator[str]:
    expect = case.expect
    for n, one in enumerate(expect.warn):
        wanted: Mapping[str, object] = {
            "service": one.service,
            "subject": one.subject,
            "other": one.other,
            "verdict": one.verdict,
        }
        alike = [row for row in rows if row["what"] == "warning" and _like(row, **wanted)]
        if not any(_within(row, one.since, one.until) for row in alike):
            yield _absent(f"expect.warn[{n}]", wanted, one.since, one.until, alike)
    for what in ("incident", "finding"):
        for n, found in enumerate(getattr(expect, what)):
            wanted = {"kind": found.kind, "subject": found.subject}
            alike = [row for row in rows if row["what"] == what and _like(row, **wanted)]
            if not any(_within(row, found.since, found.until) for row in alike):
                yield _absent(f"expect.{what}[{n}]", wanted, found.since, found.until, alike)


def _wrong_answers(case: Case, rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong with grants: an answer stands from its row on until the next one to the same request."""
    for n, grant in enumerate(case.expect.grant):
        wanted: Mapping[str, object] = {"kind": grant.kind, "subject": grant.actor}
        answers = [row for row in rows if row["what"] == "grant" and _like(row, **wanted)]
        standing = []
        for place, row in enumerate(answers):
            later = (one["t"] for one in answers[place + 1 :] if one["subject"] == row["subject"])
            if row["t"] <= grant.until + 1e-9 and next(later, MOST_SECONDS) > grant.since + 1e-9:
                standing.append(row)
        key, granted = f"expect.grant[{n}]", [row for row in standing if row["granted"]]
        if not any(row["granted"] == grant.granted for row in standing):
            yield _absent(key, {**wanted, "granted": grant.granted}, grant.since, grant.until, answers)
        elif granted and not grant.granted:
            yield f"{key}: granted at {granted[0]['t']:g} s: {granted[0]['reason']}"


def _absent(key: str, wanted: Mapping[str, object], since: float, until: float, alike: Sequence[Row]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in wanted.items() if value is not None)
    when = ", ".join(f"{row['t']:g}" for row in alike[:5])
    told = {row["granted"] for row in alike if "granted" in row}
    found = f"only at {when} s" + (f", {told}" if told else "") if alike else "never said"
    return f"{key}: expected {said} between {since:g} and {until:g} s; {found}"


def _forbidden(case: Case, rows: Sequence[Row]) -> Iterator[str]:
    quiet, none = set(case.expect.quiet), set(case.expect.no_incident)
    for row in rows:
        named = row.get("service") or row["kind"]
        if row["what"] == "warning" and (named in quiet or "*" in quiet):
            yield f"expect.quiet: {named} spoke at {row['t']:g} s to {row['subject']}: {row['reason']}"
        if row["what"] == "incident" and (named in none or "*" in none):
            yield f"expect.no_incident: {named} at {row['t']:g} s: {row['reason']}"


def _late(case: Case, rows: Sequence[Row], paths: Sequence[Path]) -> Iterator[str]:
    if not case.expect.lead_s:
        return
    touch = first_touch(case, paths)
    for service, lead in case.expect.lead_s.items():
        spoke = [row["t"] for row in rows if row.get("service") == service]
        if touch is None:
            yield f"expect.lead_s.{service}: no two bodies ever touch; take it away or mend the poses"
        elif not spoke:
            yield f"expect.lead_s.{service}: never said; the bodies touch at {touch:.2f} s"
        elif touch - min(spoke) < lead - 1e-9:
            found = touch - min(spoke)
            at = f"expect.lead_s.{service}"
            yield f"{at}: {found:.2f} s before the bodies touch at {touch:.2f} s, not {lead:g} s"

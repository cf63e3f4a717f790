"""Cases as pages to read: what happens, what is expected, what came of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wayside.language import Language, say
from wayside.worlds.case_file import (
    MOST_SECONDS,
    Case,
    CaseError,
    Expect,
    ExpectedGrant,
    ExpectedIncident,
    ExpectedWarning,
)
from wayside.worlds.case_picture import picture
from wayside.worlds.cases import Played

FULL = 3  # variants of a sweep shown with their picture; those with problems always are
MOST_SHOWN = 20_000  # octets of a case file that are shown on its page
MARK = "wayside-cases"  # a folder with this file may be written again


def must_act(case: Case) -> bool:
    """Tell whether the case expects something to be said; else it expects silence or a refusal.

    >>> from wayside.worlds.case_reading import cases_in
    >>> quiet = {"actors": [{"name": "A", "poses": [[0, 0, 0], [1, 9, 0]]}], "expect": {"quiet": ["*"]}}
    >>> must_act(cases_in(quiet)[0])
    False
    """
    expect = case.expect
    granted = any(grant.granted for grant in expect.grant)
    return bool(expect.warn or expect.lead_s or expect.incident or expect.finding or granted)


def outcome(played: Played) -> str:
    """Return the catalogue key of what came of a case: right, wrong, or nothing was expected."""
    if played.problems:
        return "is_wrong"
    return "is_right" if played.case.expect != Expect() else "is_free"


def expectations(case: Case, language: Language) -> list[str]:
    """Return what a case expects, a sentence each."""

    def name(room: str, key: str) -> str:
        return say(f"{room}{key}", language)

    expect = case.expect
    found = [_sentence("warn", one, name("guidance.", one.service), language) for one in expect.warn]
    found += [
        _sentence("grant" if one.granted else "refuse", one, name("worlds.case_asks_", one.kind), language)
        for one in expect.grant
    ]
    found += [_sentence("find", one, name("worlds.case_incident_", one.kind), language) for one in expect.incident]
    found += [_sentence("find", one, name("supervision.rule_", one.kind), language) for one in expect.finding]
    found += [
        say("worlds.case_expects_lead", language, matter=name("guidance.", service), lead=f"{lead:g}")
        for service, lead in expect.lead_s.items()
    ]
    silent = [
        *("*" if one == "*" else name("guidance.", one) for one in expect.quiet),
        *("*" if one == "*" else name("worlds.case_incident_", one) for one in expect.no_incident),
    ]
    for matter in dict.fromkeys(silent):
        everything = say("worlds.case_everything", language)
        found.append(say("worlds.case_expects_quiet", language, matter=everything if matter == "*" else matter))
    return found


def _sentence(
    form: str, one: ExpectedWarning | ExpectedGrant | ExpectedIncident, matter: str, language: Language
) -> str:
    """Return what is expected, of whom and when."""
    subject = one.actor if isinstance(one, ExpectedGrant) else one.subject
    other = one.other if isinstance(one, ExpectedWarning) else None
    words = say(f"worlds.case_expects_{form}", language, matter=matter)
    if subject:
        words += say("worlds.case_expects_of", language, subject=subject)
    if other:
        words += say("worlds.case_expects_other", language, other=other)
    if one.since > 0:
        words += say("worlds.case_expects_from", language, t=f"{one.since:g}")
    if one.until < MOST_SECONDS:
        words += say("worlds.case_expects_until", language, t=f"{one.until:g}")
    return words


def write_page(groups: Sequence[Played], target: Path, language: Language, *, source: str = "") -> None:
    """Write one page on the cases of a file.

    Args:
        groups: what came of each case of the file; one without a sweep.
        target: the page.
        language: of its words.
        source: text of the file, shown below.

    Raises:
        CaseError: the page cannot be written.
    """
    full = [n for n, one in enumerate(groups) if n < FULL or one.problems]
    facts = {
        "title": groups[0].case.titled(language),
        "name": groups[0].case.name,
        "cases": [_facts(one, language, full=n in full) for n, one in enumerate(groups)],
        "source": source,
    }
    _write(target, _template("case_page", language).render(**facts))


def source_of(file: Path) -> str:
    """Return the text of a case file to be shown; recorded scenes are too long for that."""
    return "" if file.suffix == ".xml" or file.stat().st_size > MOST_SHOWN else file.read_text("utf-8")


def write_pages(
    files: Iterable[tuple[Path, Played]], folder: Path, language: Language, *, root: Path
) -> dict[str, int]:
    """Write a page for each case file and an index over them.

    Args:
        files: each case file with what came of it.
        folder: where the pages go; it must be empty, new, or hold pages written earlier.
        language: of their words.
        root: folder of the case files; the first folder below it names a case's group.

    Returns:
        How many cases there are, how many of them are wrong, and how many pages were written.

    Raises:
        CaseError: the folder holds something else, or cannot be written to.
    """
    _clear(folder)
    groups: dict[str, list[dict[str, Any]]] = {}
    cases = wrong = pages = 0
    for file, played in files:
        parts = played.parts or (played,)
        inside = file.relative_to(root) if file.is_relative_to(root) else Path(file.name)
        page = Path(*inside.parts[:-1], f"{inside.stem}.html")
        write_page(parts, folder / page, language, source=source_of(file))
        bad = sum(bool(one.problems) for one in parts)
        cases, wrong, pages = cases + len(parts), wrong + bad, pages + 1
        groups.setdefault(inside.parts[0] if len(inside.parts) > 1 else "", []).append(
            {
                "page": page.as_posix(),
                "title": parts[0].case.titled(language),
                "cases": len(parts),
                "act": must_act(parts[0].case),
                "wrong": bad,
                "outcome": outcome(parts[0]) if not bad else "is_wrong",
            }
        )
    counted = [
        {
            "name": name,
            "files": files_,
            "act": sum(one["cases"] for one in files_ if one["act"]),
            "silent": sum(one["cases"] for one in files_ if not one["act"]),
            "wrong": sum(one["wrong"] for one in files_),
        }
        for name, files_ in sorted(groups.items())
    ]
    _write(
        folder / "index.html", _template("case_index", language).render(groups=counted, cases=cases, wrong=wrong)
    )
    return {"cases": cases, "wrong": wrong, "pages": pages}


def _facts(played: Played, language: Language, *, full: bool) -> dict[str, Any]:
    """Return what a page says of a case."""
    spoke = [row["t"] for row in played.rows if row["what"] in ("warning", "grant", "incident")]
    moment = min(spoke) if spoke else None
    return {
        "variant": played.case.variant,
        "expects": expectations(played.case, language),
        "problems": played.problems,
        "outcome": outcome(played),
        "rows": played.rows if full else [],
        "said": len(played.rows),
        "first": moment,
        "picture": Markup(picture(played.world, moment)) if full else "",
        "full": full,
    }


def _template(name: str, language: Language) -> Any:
    environment = Environment(
        loader=PackageLoader("wayside.worlds", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    word: Callable[[str], str] = lambda key: say(f"worlds.case_{key}", language)  # noqa: E731
    environment.globals |= {"word": word, "language": language}
    return environment.get_template(f"{name}.html.jinja")


def _write(target: Path, text: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    except OSError as error:
        raise CaseError(f"{target}: cannot be written: {error.strerror}; name another place") from None


def _clear(folder: Path) -> None:
    """Make room for pages; only pages that were written earlier are removed."""
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / MARK).is_file():
            raise CaseError(f"{folder}: holds something that is no pages of cases; name an empty or new folder")
        shutil.rmtree(folder)
    _write(folder / MARK, "")

"""`wayside case FILE...`: play cases by hand and print what was said."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from wayside.command import EXIT_DIFFERENT, EXIT_OK, Answer, Text
from wayside.language import LANGUAGES, Language, preferred, say
from wayside.worlds.case_file import CaseError
from wayside.worlds.case_pages import source_of, write_page, write_pages
from wayside.worlds.case_reading import cases_in
from wayside.worlds.cases import Played, play, record_case

SUFFIXES = (".toml", ".json")  # in folders; a CommonRoad scene (.xml) is named by itself


def files_in(sources: Sequence[Path]) -> list[Path]:
    """Return the case files among these files and folders, folders in order of name.

    Raises:
        CaseError: a path is not there, or a folder holds no case.
    """
    found: list[Path] = []
    for source in sources:
        if source.is_dir():
            inside = sorted(one for one in source.rglob("*") if one.suffix in SUFFIXES and one.is_file())
            if not inside:
                raise CaseError(f"{source}: holds no case; cases are files that end in {' or '.join(SUFFIXES)}")
            found += inside
        elif source.is_file():
            found.append(source)
        else:
            raise CaseError(f"{source}: no such file or folder; check the path of the case")
    return found


class CaseCommand:
    """Play cases by hand."""

    writes_lines = True

    def arguments(self, parser: argparse.ArgumentParser, text: Text) -> None:
        """Declare the command's arguments."""
        parser.add_argument("files", type=Path, nargs="+", help=text("worlds.help_case_files"))
        parser.add_argument("--json", dest="as_lines", action="store_true", help=text("worlds.help_case_json"))
        parser.add_argument("--lang", choices=LANGUAGES, dest="lang", help=text("worlds.help_case_lang"))
        parser.add_argument("--page", type=Path, metavar="FILE", help=text("worlds.help_case_page"))
        parser.add_argument("--pages", type=Path, metavar="DIR", help=text("worlds.help_case_pages"))
        parser.add_argument("--out", type=Path, metavar="DIR", help=text("worlds.help_case_out"))
        parser.add_argument(
            "--step", action="append", default=[], metavar="MODULE:NAME", help=text("worlds.help_case_step")
        )

    def run(self, options: argparse.Namespace, screen: Console) -> Answer:
        """Play the cases; exit code 1 if one of them is not as its file expects.

        Raises:
            CaseError: a case is wrong, or options do not go together.
        """
        language: Language = options.lang or options.language
        files = files_in(options.files)
        if (options.page or options.out) and len(files) > 1:
            raise CaseError(f"--page and --out are for one case, not for {len(files)} files; use --pages DIR")
        facts = {"cases": 0, "wrong": 0}
        played = self._played(files, options, language, screen, facts)
        if options.pages is not None:
            root = options.files[0] if options.files[0].is_dir() else options.files[0].parent
            written = write_pages(played, options.pages, language, root=root)
            index = options.pages / "index.html"
            words = say("worlds.case_pages_written", language, pages=written["pages"], index=index)
            screen.print(words, highlight=False, soft_wrap=True)
        for file, one in played:
            if options.page is not None:
                write_page(one.parts or (one,), options.page, language, source=source_of(file))
                words = say("worlds.case_page_written", language, page=options.page)
                screen.print(words, highlight=False, soft_wrap=True)
        if facts["cases"] > 1:
            screen.print(say("worlds.case_all", language, **facts), highlight=False)
        return Answer(facts, EXIT_DIFFERENT if facts["wrong"] else EXIT_OK)

    def _played(
        self,
        files: Sequence[Path],
        options: argparse.Namespace,
        language: Language,
        screen: Console,
        facts: dict[str, int],
    ) -> Iterator[tuple[Path, Played]]:
        """Play file after file, write what was said and count."""
        for file in files:
            played = self._play(file, options, language)
            for one in played.parts or (played,):
                facts["cases"] += 1
                facts["wrong"] += bool(one.problems)
                if options.as_lines:
                    _write_lines(one, str(file))
                else:
                    _write_table(one, screen, language)
            yield file, played

    def _play(self, file: Path, options: argparse.Namespace, language: Language) -> Played:
        """Play a file, and store its Run if that was asked for."""
        if options.out is None:
            return play(file, language=language, steps=options.step)
        cases = cases_in(file)
        if len(cases) > 1:
            raise CaseError(f"{file}: sweeps {len(cases)} cases; --out stores one: write the values out")
        return record_case(cases[0], options.out, language=language, steps=options.step)


def _write_lines(played: Played, file: str) -> None:
    """Write each row as a line of JSON, and a last line with the outcome."""
    case = played.case
    about = {"variant": case.variant} if case.variant else {}
    for row in played.rows:
        sys.stdout.write(msgspec.json.encode({**row, **about}).decode() + "\n")
    outcome = {"what": "outcome", "case": file, **about, "right": not played.problems, "problems": played.problems}
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    sys.stdout.flush()


def _write_table(played: Played, screen: Console, language: Language) -> None:
    """Write a case for people to standard output, and what is wrong with it to the screen."""
    out = Console(file=sys.stdout)
    case = played.case
    out.print(f"{case.label}: {case.titled(language)}", style="bold", markup=False, highlight=False)
    if played.rows:
        grid = Grid(box=None, pad_edge=False)
        for name in ("t", "what", "verdict", "reason"):
            grid.add_column(say(f"worlds.case_head_{name}", language), no_wrap=name != "reason")
        for row in played.rows:
            what = say(f"worlds.case_what_{row['what']}", language)
            grid.add_row(f"{row['t']:.1f}", what, row.get("verdict", ""), escape(row["reason"]))
        out.print(grid)
    else:
        out.print(say("worlds.case_silent", language), highlight=False)
    for problem in played.problems:
        screen.print(f"  {problem}", style="red", markup=False, highlight=False, soft_wrap=True)


case = CaseCommand()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command without the others beside it: `python -m wayside.worlds.case_command FILE`."""
    language = preferred()
    parser = argparse.ArgumentParser(prog="wayside case")
    parser.add_argument("--language", choices=LANGUAGES, default=language)
    case.arguments(parser, lambda key: say(key, language).replace("%", "%%"))
    return case.run(parser.parse_args(arguments), Console(stderr=True)).code


if __name__ == "__main__":
    sys.exit(main())

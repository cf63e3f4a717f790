"""The command line. Everything it does can be done from Python; here are only words, files and exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from wayside import __version__, commands
from wayside.errors import WaysideError
from wayside.language import LANGUAGES, Language, preferred, say

EXIT_OK = 0
EXIT_DIFFERENT = 1  # the command worked and the answer is no: a replay that differs, a check that fails
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130  # the shell's number for Ctrl-C


def build_parser(language: Language) -> argparse.ArgumentParser:
    """Return the parser with its help in the given language."""

    def text(key: str) -> str:
        return say(f"wayside.{key}", language).replace("%", "%%")

    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("-h", "--help", action="help", help=text("help_help"))
    shared.add_argument("--json", action="store_true", help=text("help_json"))
    shared.add_argument("--language", choices=LANGUAGES, default=language, help=text("help_language"))
    parser = argparse.ArgumentParser(prog="wayside", description=text("help_wayside"), add_help=False)
    parser.add_argument("-h", "--help", action="help", help=text("help_help"))
    parser.add_argument("--version", action="version", version=f"wayside {__version__}", help=text("help_version"))
    parser.add_argument("--language", choices=LANGUAGES, default=language, help=text("help_language"))
    kinds = parser.add_subparsers(dest="command", metavar=text("word_command"), title=text("word_commands"))

    def command(name: str) -> argparse.ArgumentParser:
        words = text(f"help_{name}")
        return kinds.add_parser(name, parents=[shared], help=words, description=words, add_help=False)

    run = command("run")
    run.add_argument("zone", nargs="?", default=None, help=text("help_zone"))
    run.add_argument("--net", type=Path, help=text("help_net"))
    run.add_argument("--routes", type=Path, nargs="+", default=[], help=text("help_routes"))
    run.add_argument("--additional", type=Path, nargs="+", default=[], help=text("help_additional"))
    run.add_argument("--origin", type=float, nargs=2, metavar=("LATITUDE", "LONGITUDE"), help=text("help_origin"))
    run.add_argument("--seconds", type=float, help=text("help_seconds"))
    run.add_argument("--seed", type=int, help=text("help_seed"))
    run.add_argument("--out", type=Path, help=text("help_out"))
    run.add_argument("--replace", action="store_true", help=text("help_replace"))
    run.add_argument("--shuffle", type=int, metavar="SEED", help=text("help_shuffle"))
    run.add_argument("--strict", action="store_true", help=text("help_strict"))

    replay = command("replay")
    replay.add_argument("run", type=Path, help=text("help_run_folder"))
    replay.add_argument("--since", type=float, metavar="SECONDS", help=text("help_since"))

    check = command("check")
    check.add_argument("what", help=text("help_what"))

    study = command("study")
    study.add_argument("study", help=text("help_study_name"))
    study.add_argument("runs", type=Path, nargs="+", help=text("help_run_folder"))

    listing = command("list")
    listing.add_argument("kind", nargs="?", choices=commands.LISTS, help=text("help_list_kind"))

    report = command("report")
    report.add_argument("run", type=Path, help=text("help_run_folder"))
    report.add_argument("--strict", action="store_true", help=text("help_strict"))
    return parser


def _asked_language(arguments: Sequence[str]) -> Language:
    """Find `--language` before parsing, because the help itself is in that language."""
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--language", choices=LANGUAGES, default=preferred())
    known, _ = early.parse_known_args([a for a in arguments if a not in ("-h", "--help")])
    language: Language = known.language
    return language


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser(_asked_language(given))
    options = parser.parse_args(given)
    language: Language = options.language
    screen = Console(stderr=True)
    if options.command is None:
        parser.print_help()
        return EXIT_ERROR
    try:
        answer = commands.COMMANDS[options.command](options, screen)
    except WaysideError as error:
        if options.json:
            print(msgspec.json.encode({"error": str(error), "kind": type(error).__name__}).decode())
        screen.print(f"[bold red]{say('wayside.word_error', language)}:[/] ", end="", highlight=False)
        screen.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return EXIT_ERROR
    except KeyboardInterrupt:
        screen.print(say("wayside.interrupted", language))
        return EXIT_INTERRUPTED
    if options.json:
        print(msgspec.json.encode(answer.facts, enc_hook=commands.plain).decode())
    return answer.code


if __name__ == "__main__":
    sys.exit(main())

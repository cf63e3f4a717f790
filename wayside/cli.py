"""The command line. Everything it does can be done from Python; here are only words, files and exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
from rich.console import Console

from wayside import __version__, commands
from wayside.command import EXIT_CLOSED, EXIT_ERROR, EXIT_INTERRUPTED, Command, Text
from wayside.config import load_plugin, plugins
from wayside.errors import WaysideError
from wayside.language import LANGUAGES, Language, catalogue, preferred, say


def build_parser(language: Language, named: Collection[str] | None = None) -> argparse.ArgumentParser:
    """Return the parser with its help in the given language.

    Args:
        language: of all help.
        named: words of the command line. What rooms bring is imported only for the commands among them; None
            imports everything.
    """

    def say_key(key: str) -> str:
        return say(key, language).replace("%", "%%")

    def text(key: str) -> str:
        return say_key(f"wayside.{key}")

    shared, lines = _options(text, language, as_json=True), _options(text, language, as_json=False)
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
    run.add_argument("--one-process", action="store_true", help=text("help_one_process"))
    run.add_argument("--shuffle", type=int, metavar="SEED", help=text("help_shuffle"))
    run.add_argument("--strict", action="store_true", help=text("help_strict"))

    replay = command("replay")
    replay.add_argument("run", type=Path, help=text("help_run_folder"))
    replay.add_argument("--since", type=float, metavar="SECONDS", help=text("help_since"))

    check = command("check")
    check.add_argument("what", help=text("help_what"))
    check.add_argument("--strict", action="store_true", help=text("help_strict"))
    if named is None or "check" in named:
        for name in sorted(plugins("checks")):
            load_plugin("checks", name).arguments(check, say_key)

    _study_arguments(command("study"), text, named)

    listing = command("list")
    listing.add_argument("kind", nargs="?", choices=commands.LISTS, help=text("help_list_kind"))

    report = command("report")
    report.add_argument("run", type=Path, help=text("help_run_folder"))
    report.add_argument("--strict", action="store_true", help=text("help_strict"))

    for name, point in sorted(plugins("commands").items()):
        words = _help_of(point, language).replace("%", "%%")
        if named is None or name in named:
            brought: Command = load_plugin("commands", name)
            parents = [lines] if brought.writes_lines else [shared]
            added = kinds.add_parser(name, parents=parents, help=words, description=words, add_help=False)
            brought.arguments(added, say_key)
        else:
            kinds.add_parser(name, help=words, add_help=False)
    return parser


def _study_arguments(study: argparse.ArgumentParser, text: Text, named: Collection[str] | None) -> None:
    # only trials take no Run; elsewhere "*" would be satisfied before an option that stands between
    trial = named is None or not plugins("trials").keys().isdisjoint(named)
    study.add_argument("study", help=text("help_study_name"))
    study.add_argument("runs", type=Path, nargs="*" if trial else "+", help=text("help_run_folders"))
    study.add_argument("--zone", help=text("help_trial_zone"))
    study.add_argument("--seeds", type=int, nargs="+", help=text("help_trial_seeds"))
    study.add_argument("--seconds", type=float, help=text("help_trial_seconds"))


def _options(text: Text, language: Language, *, as_json: bool) -> argparse.ArgumentParser:
    """Return the options that all commands have; those that write lines have no `--json`."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("-h", "--help", action="help", help=text("help_help"))
    if as_json:
        shared.add_argument("--json", action="store_true", help=text("help_json"))
    shared.add_argument("--language", choices=LANGUAGES, default=language, help=text("help_language"))
    return shared


def _help_of(point: EntryPoint, language: Language) -> str:
    """Return what a command that a room brings does, without importing the room."""
    package, _, rest = point.module.partition(".")
    key = f"{rest.partition('.')[0]}.help_{point.name}"
    if package == "wayside" and key in catalogue():
        return say(key, language)
    return (point.load().__doc__ or point.name).strip().splitlines()[0]


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
    parser = build_parser(_asked_language(given), given)
    options = parser.parse_args(given)
    language: Language = options.language
    screen = Console(stderr=True)
    if options.command is None:
        parser.print_help()
        return EXIT_ERROR
    as_json = getattr(options, "json", False)
    try:
        if options.command in commands.COMMANDS:
            answer = commands.COMMANDS[options.command](options, screen)
        else:
            answer = load_plugin("commands", options.command).run(options, screen)
        if as_json:
            print(msgspec.json.encode(answer.facts, enc_hook=commands.plain).decode(), flush=True)
    except WaysideError as error:
        if as_json:
            print(msgspec.json.encode({"error": str(error), "kind": type(error).__name__}).decode())
        screen.print(f"[bold red]{say('wayside.word_error', language)}:[/] ", end="", highlight=False)
        screen.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return EXIT_ERROR
    except KeyboardInterrupt:
        screen.print(say("wayside.interrupted", language))
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # what is still buffered would fail again when the interpreter closes standard output
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return EXIT_CLOSED
    return answer.code


if __name__ == "__main__":
    sys.exit(main())

"""What a command of the command line is, so that rooms can bring their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console

Text = Callable[[str], str]  # catalogue key -> words in the user's language, fit for argparse

EXIT_OK = 0
EXIT_DIFFERENT = 1  # the command worked and the answer is no: a replay that differs, a check that fails
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130  # the shell's number for Ctrl-C
EXIT_CLOSED = 141  # the shell's number for writing to a pipe that nobody reads any more


@dataclass(frozen=True)
class Answer:
    """What a command found, for machines, and its exit code."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    code: int = EXIT_OK


class Command(Protocol):
    """A command that a room brings through the entry-point group `wayside.commands`.

    The entry point's name is the command's. Its help is the room's text `help_<name>`, so that the list of all
    commands needs no room to be imported; a plugin from elsewhere says its help in its docstring.

    Attributes:
        writes_lines: the command writes standard output itself, line by line; it then has no `--json`, and its
            facts are not printed.
    """

    writes_lines: bool

    def arguments(self, parser: argparse.ArgumentParser, text: Text) -> None:
        """Declare the command's arguments."""

    def run(self, options: argparse.Namespace, screen: Console) -> Answer:
        """Do it; `screen` is standard error.

        Raises:
            WaysideError: something outside the program is wrong; the exit code is then 2.
        """

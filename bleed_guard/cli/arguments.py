"""The commands; what a user gets wrong is told in one sentence."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import MappingProxyType
from typing import Any, NoReturn

from bleed_guard import __version__
from bleed_guard.cli.errors import INTERRUPTED, CommandError, Exit
from bleed_guard.cli.streams import say, settle_streams
from bleed_guard.images import PictureError

EXIT_CODES = (
    "exit codes: 0 clean, 1 bleed, 2 usage or unreadable file, 3 sizes do not match, "
    f"{INTERRUPTED} interrupted"
)

HELP_WIDTH = 78
"""Columns of a help that goes to no terminal."""

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "check": "is everything outside the mask as it was?",
        "fix": "put the original back outside the mask",
        "crop": "cut the region around a mask, to edit it anywhere",
        "paste": "put an edited crop back under its mask",
        "audit": "check a folder or a manifest of any length",
    }
)
"""Name and help. Each is a module beside this one with `add_arguments` and `run`; only the one
that is called is imported."""


def _format_help(prog: str) -> argparse.HelpFormatter:
    """As wide as the terminal. argparse makes one for each option, and would import shutil."""
    try:
        width = os.get_terminal_size().columns - 2
    except OSError:
        width = HELP_WIDTH
    return argparse.HelpFormatter(prog, width=width)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage around it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_format_help, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def run_command(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code, once all it printed is written."""
    try:
        return _run_command(build_parser(argv).parse_args(argv))
    finally:
        with suppress(OSError):  # the exit code stands
            settle_streams()


def _run_command(arguments: argparse.Namespace) -> int:
    command = import_module(f"bleed_guard.cli.{arguments.command}")
    try:
        code = command.run(arguments)
        settle_streams()
        return int(code)
    except PictureError as error:
        return _fail(str(error), Exit.USAGE)
    except CommandError as error:
        return _fail(str(error), error.code)
    except OSError as error:  # a disk that is full, a folder that is not there or not ours
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}", Exit.USAGE)
    except MemoryError:
        return _fail("there is too little memory for these pictures", Exit.USAGE)
    except KeyboardInterrupt:
        resumes = "; the same command goes on where it stopped"
        return _fail(f"interrupted{resumes if arguments.command == 'audit' else ''}", INTERRUPTED)


def _fail(sentence: str, code: int) -> int:
    say(f"{without_control(sentence)}\n", is_error=True)
    return int(code)


def without_control(text: str) -> str:
    """File names may hold line breaks and escape codes; a terminal, a log and XML must not."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def build_parser(argv: Sequence[str]) -> Parser:
    """The whole command line, with the options of the command that `argv` calls."""
    parser = Parser(
        prog="bleed_guard",
        description="Check and repair what an inpaint changed outside its mask.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for name, what in COMMANDS.items():
        command = commands.add_parser(name, help=what, description=what, epilog=EXIT_CODES)
        if name in argv[:1]:
            import_module(f"bleed_guard.cli.{name}").add_arguments(command)
    return parser

"""The commands and their options; what a user gets wrong is told in one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from bleed_guard import __version__
from bleed_guard.cli.check import run_check
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.fix import run_fix
from bleed_guard.core.composite import Blend
from bleed_guard.core.settings import SETTINGS
from bleed_guard.images import PictureError

EXIT_CODES = "exit codes: 0 clean, 1 bleed, 2 usage or unreadable file, 3 sizes do not match"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except PictureError as error:
        return _fail(str(error), Exit.USAGE)
    except CommandError as error:
        return _fail(str(error), error.code)


def _fail(sentence: str, code: Exit) -> int:
    print(sentence, file=sys.stderr)
    return int(code)


def build_parser() -> Parser:
    """The whole command line."""
    parser = Parser(
        prog="bleed_guard",
        description="Check and repair what an inpaint changed outside its mask.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    _add_check(commands)
    _add_fix(commands)
    return parser


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    check = commands.add_parser(
        "check", help="is everything outside the mask as it was?", epilog=EXIT_CODES
    )
    _add_triple(check)
    check.add_argument(
        "--tolerance",
        type=_whole(0, 255),
        default=0,
        metavar="N",
        help="levels (0-255) a pixel may differ before it counts; 0 is bit for bit",
    )
    check.add_argument("--json", metavar="FILE", help="write the full report; - is stdout")
    check.add_argument("--heatmap", metavar="FILE", help="write the differences as a PNG")
    check.set_defaults(run=run_check)


def _add_fix(commands: argparse._SubParsersAction[Parser]) -> None:
    fix = commands.add_parser(
        "fix", help="put the original back outside the mask", epilog=EXIT_CODES
    )
    _add_triple(fix)
    feather = SETTINGS["feather"]
    fix.add_argument("-o", "--out", required=True, metavar="OUT", help="the repaired picture")
    fix.add_argument(
        "--feather",
        type=_whole(int(feather.minimum or 0), int(feather.maximum or 0)),
        default=feather.default,
        metavar="N",
        help=feather.help,
    )
    fix.add_argument(
        "--blend",
        choices=[blend.value for blend in Blend],
        default=_default_blend(),
        metavar="NAME",
        help=f"one of {', '.join(blend.value for blend in Blend)}",
    )
    fix.add_argument("--lossy", action="store_true", help="allow a format that changes pixels")
    fix.add_argument("--force", action="store_true", help="replace an existing file")
    fix.set_defaults(run=run_fix)


def _default_blend() -> str:
    """The schema's default where this version's compositing has it."""
    wanted = SETTINGS["blend"].default
    known = [blend.value for blend in Blend]
    return str(wanted) if wanted in known else Blend.FEATHER.value


def _add_triple(parser: Parser) -> None:
    parser.add_argument("original", metavar="ORIGINAL", help="the picture before the inpaint")
    parser.add_argument("result", metavar="RESULT", help="the picture after it")
    parser.add_argument("mask", metavar="MASK", help="white = repainted; any mode, alpha too")


def _whole(least: int, most: int) -> Callable[[str], int]:
    """argparse's `type` for a whole number between two bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if least <= value <= most:
            return value
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {least} to {most}, got {text!r}"
        )

    return read

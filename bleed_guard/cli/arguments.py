"""The commands and their options; what a user gets wrong is told in one sentence."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from typing import NoReturn, TypeVar

from bleed_guard import __version__
from bleed_guard.cli.check import run_check
from bleed_guard.cli.compare import NOTHING, Allowance
from bleed_guard.cli.cut import run_crop, run_paste
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.fix import run_fix
from bleed_guard.cli.reports import without_control
from bleed_guard.cli.terminal import Show
from bleed_guard.core.composite import Blend
from bleed_guard.core.job import Protection
from bleed_guard.core.settings import SETTINGS
from bleed_guard.images import MaskChannel, PictureError

EXIT_CODES = "exit codes: 0 clean, 1 bleed, 2 usage or unreadable file, 3 sizes do not match"

REPORTS = {
    "json": "the full report as JSON",
    "junit": "JUnit XML",
    "sarif": "SARIF, for code scanning",
    "markdown": "a Markdown table",
    "html": "one offline HTML page with slider and heatmap",
}

Choice = TypeVar("Choice", bound=Enum)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):  # file names may hold what a terminal cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except PictureError as error:
        return _fail(str(error), Exit.USAGE)
    except CommandError as error:
        return _fail(str(error), error.code)


def _fail(sentence: str, code: Exit) -> int:
    print(without_control(sentence), file=sys.stderr)
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
    _add_crop(commands)
    _add_paste(commands)
    return parser


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    check = commands.add_parser(
        "check", help="is everything outside the mask as it was?", epilog=EXIT_CODES
    )
    check.add_argument(
        "files",
        nargs="+",
        metavar="ORIGINAL RESULT MASK",
        help="the picture before and after the inpaint, and its mask; several triples at once",
    )
    _add_comparing(check)
    _add_mask(check)
    for name, what in REPORTS.items():
        check.add_argument(f"--{name}", metavar="FILE", help=f"write {what}; - is stdout")
    check.add_argument("--github", action="store_true", help="print annotations for GitHub Actions")
    check.add_argument(
        "--heatmap",
        metavar="FILE",
        help="write the differences as a picture (-1, -2 ... for several)",
    )
    check.add_argument(
        "--show",
        type=_choice(Show),
        default=Show.AUTO,
        metavar="WHEN",
        help="draw the heatmap in the terminal: auto, always, never",
    )
    check.set_defaults(run=run_check)


def _add_comparing(parser: Parser) -> None:
    parser.add_argument(
        "--tolerance",
        type=_whole(0, 255),
        default=0,
        metavar="N",
        help="levels (0-255) a pixel may differ before it counts; 0 is bit for bit",
    )
    parser.add_argument(
        "--max-changed",
        type=_read_allowance,
        default=NOTHING,
        metavar="N|P%",
        help="protected pixels, or per cent of them, that may change without failing",
    )
    parser.add_argument(
        "--protect",
        type=_choice(Protection, without=(Protection.NONE,)),
        default=Protection.HARD,
        metavar="HOW",
        help="hard: all outside the mask; soft: all beyond the reach of --mask-blur",
    )
    parser.add_argument(
        "--mask-blur",
        type=_whole(0, 64),
        default=4,
        metavar="N",
        help="the host's mask blur in px, for --protect soft (4)",
    )


def _add_mask(parser: Parser) -> None:
    parser.add_argument("--invert", action="store_true", help="black is what was repainted")
    parser.add_argument(
        "--mask-channel",
        type=_choice(MaskChannel),
        default=MaskChannel.AUTO,
        metavar="WHICH",
        help="auto: the alpha channel if the mask has one that is used, else luma; alpha; luma",
    )


def _add_fix(commands: argparse._SubParsersAction[Parser]) -> None:
    fix = commands.add_parser(
        "fix", help="put the original back outside the mask", epilog=EXIT_CODES
    )
    fix.add_argument("original", metavar="ORIGINAL", help="the picture before the inpaint")
    fix.add_argument("result", metavar="RESULT", help="the picture after it")
    fix.add_argument("mask", metavar="MASK", help="white = repainted; any mode, alpha too")
    _add_mask(fix)
    _add_blend(fix)
    _add_out(fix, "the repaired picture")
    fix.set_defaults(run=run_fix)


def _add_crop(commands: argparse._SubParsersAction[Parser]) -> None:
    crop = commands.add_parser(
        "crop", help="cut the region around a mask, to edit it anywhere", epilog=EXIT_CODES
    )
    crop.add_argument("image", metavar="IMAGE", help="the picture to edit")
    crop.add_argument("mask", metavar="MASK", help="white = to be repainted")
    _add_mask(crop)
    crop.add_argument(
        "--padding", type=_whole(0, 4096), default=32, metavar="N", help="px around the mask (32)"
    )
    crop.add_argument(
        "--multiple",
        type=_whole(1, 512),
        default=8,
        metavar="N",
        help="sides are multiples of this, as models like 8 or 64 (8)",
    )
    crop.add_argument(
        "--size", type=_read_size, metavar="WxH", help="cut just this size around the mask"
    )
    crop.add_argument("-o", "--out", required=True, metavar="CROP", help="the region, a PNG")
    crop.add_argument("--force", action="store_true", help="replace an existing file")
    crop.set_defaults(run=run_crop)


def _add_paste(commands: argparse._SubParsersAction[Parser]) -> None:
    paste = commands.add_parser(
        "paste", help="put an edited crop back under its mask", epilog=EXIT_CODES
    )
    paste.add_argument("original", metavar="ORIGINAL", help="the picture it was cut from")
    paste.add_argument("crop", metavar="CROP", help="the edited crop; it may have been enlarged")
    paste.add_argument(
        "--place",
        metavar="FILE",
        help="the crop before the edit, if the editor dropped the place from its metadata",
    )
    _add_blend(paste)
    _add_out(paste, "the whole picture with the edit")
    paste.set_defaults(run=run_paste)


def _add_blend(parser: Parser) -> None:
    feather, blend = SETTINGS["feather"], SETTINGS["blend"]
    parser.add_argument(
        "--feather",
        type=_whole(int(feather.minimum or 0), int(feather.maximum or 0)),
        default=feather.default,
        metavar="N",
        help=f"{feather.help} ({feather.default})",
    )
    known = [blend.value for blend in Blend]
    parser.add_argument(
        "--blend",
        choices=known,
        default=blend.default if blend.default in known else Blend.FEATHER.value,
        metavar="NAME",
        help=f"one of {', '.join(known)}",
    )


def _add_out(parser: Parser, what: str) -> None:
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=what)
    parser.add_argument("--lossy", action="store_true", help="allow a format that changes pixels")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def _choice(kind: type[Choice], without: Sequence[Choice] = ()) -> Callable[[str], Choice]:
    """argparse's `type` for the values of an Enum."""
    known = {str(member.value): member for member in kind if member not in without}

    def read(text: str) -> Choice:
        if text in known:
            return known[text]
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(known)}, got {text!r}")

    return read


def _read_allowance(text: str) -> Allowance:
    """argparse's `type` for a number of pixels, or a percentage such as 0.5%."""
    try:
        is_share = text.endswith("%")
        value = float(text[:-1]) / 100 if is_share else int(text)
    except ValueError:
        value, is_share = -1, False
    if value < 0 or (is_share and not value <= 1):
        raise argparse.ArgumentTypeError(
            f"expected a number of pixels or a percentage such as 0.5%, got {text!r}"
        )
    return Allowance(share=float(value)) if is_share else Allowance(pixels=int(value))


def _read_size(text: str) -> tuple[int, int]:
    """argparse's `type` for a width and height such as 512x768."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and 0 < int(side) < 10**6 for side in sides):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 512x768, got {text!r}")
    return int(sides[0]), int(sides[1])


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

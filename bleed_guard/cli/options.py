"""Options that several commands share, and the types argparse reads them with."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from bleed_guard.images import MaskChannel

if TYPE_CHECKING:
    from bleed_guard.cli.pictures import Allowance


class Protect(str, Enum):
    """As `core.report.Protection`, of what can be asked for here, without loading it."""

    HARD = "hard"
    SOFT = "soft"


Choice = TypeVar("Choice", bound=Enum)


def add_comparing(parser: argparse.ArgumentParser) -> None:
    """How results are compared."""
    parser.add_argument(
        "--tolerance",
        type=whole_number(0, 255),
        default=0,
        metavar="N",
        help="levels (0-255) a pixel may differ before it counts; 0 is bit for bit",
    )
    parser.add_argument(
        "--max-changed",
        type=read_allowance,
        metavar="N|P%",
        help="protected pixels, or per cent of them, that may change without failing",
    )
    parser.add_argument(
        "--protect",
        type=choice(Protect),
        default=Protect.HARD,
        metavar="HOW",
        help="hard: all outside the mask; soft: all beyond the reach of --mask-blur",
    )
    parser.add_argument(
        "--mask-blur",
        type=whole_number(0, 64),
        default=4,
        metavar="N",
        help="the host's mask blur in px, for --protect soft (4)",
    )


def add_mask(parser: argparse.ArgumentParser) -> None:
    """How a mask file is read."""
    parser.add_argument("--invert", action="store_true", help="black is what was repainted")
    parser.add_argument(
        "--mask-channel",
        type=choice(MaskChannel),
        default=MaskChannel.AUTO,
        metavar="WHICH",
        help="auto: the alpha channel if the mask has one that is used, else luma; alpha; luma",
    )


def add_blend(parser: argparse.ArgumentParser) -> None:
    """How the edit meets the mask's edge."""
    from bleed_guard.core.settings import SETTINGS

    feather, blend = SETTINGS["feather"], SETTINGS["blend"]
    parser.add_argument(
        "--feather",
        type=whole_number(int(feather.minimum or 0), int(feather.maximum or 0)),
        default=feather.default,
        metavar="N",
        help=f"{feather.help} ({feather.default})",
    )
    parser.add_argument(
        "--blend",
        choices=blend.choices,
        default=blend.default,
        metavar="NAME",
        help=f"one of {', '.join(blend.choices)} ({blend.default})",
    )


def add_out(parser: argparse.ArgumentParser, what: str) -> None:
    """Where the picture is written."""
    parser.add_argument("-o", "--out", type=file_name, required=True, metavar="OUT", help=what)
    parser.add_argument("--lossy", action="store_true", help="allow a format that changes pixels")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def choice(kind: type[Choice]) -> Callable[[str], Choice]:
    """argparse's `type` for the values of an Enum."""
    known = {str(member.value): member for member in kind}

    def read(text: str) -> Choice:
        if text in known:
            return known[text]
        raise argparse.ArgumentTypeError(f"expected one of {', '.join(known)}, got {text!r}")

    return read


def file_name(text: str) -> str:
    """argparse's `type` for where something is written."""
    if text:
        return text
    raise argparse.ArgumentTypeError("expected the name of a file, got an empty one")


def read_allowance(text: str) -> Allowance:
    """argparse's `type` for a number of pixels, or a percentage such as 0.5%."""
    from decimal import Decimal

    from bleed_guard.cli.pictures import Allowance

    try:
        if text.endswith("%"):
            allowance = Allowance(share=Decimal(text[:-1]) / 100)
        else:
            allowance = Allowance(pixels=int(text))
        if allowance.pixels >= 0 and 0 <= allowance.share <= 1:
            return allowance
    except (ValueError, ArithmeticError):  # the latter from Decimal
        pass
    raise argparse.ArgumentTypeError(
        f"expected a number of pixels or a percentage such as 0.5%, got {text!r}"
    )


def whole_number(least: int, most: int) -> Callable[[str], int]:
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


def read_size(text: str) -> tuple[int, int]:
    """argparse's `type` for a width and height such as 512x768."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and 0 < int(side) < 10**6 for side in sides):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 512x768, got {text!r}")
    return int(sides[0]), int(sides[1])

"""A heatmap in the terminal: two pixels a character cell, each the maximum over what it covers."""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bleed_guard.cli.pictures import Pictures

COLUMNS, ROWS = 72, 18
UPPER_HALF = "\N{UPPER HALF BLOCK}"
RESET = "\x1b[0m"


class Show(str, Enum):
    """When to draw in the terminal."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def can_draw(show: Show) -> bool:
    """Whether to draw: asked for, or stdout is a terminal with colours (NO_COLOR is honoured)."""
    if show is not Show.AUTO:
        return show is Show.ALWAYS
    has_colors = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return has_colors and sys.stdout.isatty() and _can_encode()


def _can_encode() -> bool:
    try:
        UPPER_HALF.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def draw_heatmap(pictures: Pictures) -> str:
    """The heatmap as text of 24-bit colour codes, at most `COLUMNS` x `ROWS` cells."""
    import shutil

    from bleed_guard.cli.compare import as_eight_bits
    from bleed_guard.core.heatmap import render_heatmap

    columns = min(COLUMNS, shutil.get_terminal_size().columns)
    size = (columns, 2 * ROWS)
    pair = as_eight_bits(pictures)
    heat = render_heatmap(*pair, pictures.mask, size=size, legend=False)
    if len(heat) % 2:
        heat = np.vstack([heat, heat[-1:]])
    rows = zip(heat[::2], heat[1::2], strict=True)
    return "\n".join("".join(map(_cell, upper, lower)) + RESET for upper, lower in rows)


def _cell(upper: np.ndarray, lower: np.ndarray) -> str:
    """One character: `upper` and `lower` are uint8 RGB."""
    front, back = ";".join(map(str, upper)), ";".join(map(str, lower))
    return f"\x1b[38;2;{front};48;2;{back}m{UPPER_HALF}"

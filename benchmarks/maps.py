"""How long a picture's heatmap and the numbers of its plots take: `python dev.py bench maps`.

The whole picture changed, and a rim around the mask only; a mask of a fifth of each side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.path import SIZES, make_decoded, make_mask, make_photo, time_call
from bleed_guard.core.heatmap import render_heatmap
from bleed_guard.core.measure import measure_bleed

MEGAPIXELS = (4, 64)
RIM = 10
"""px: as far as the host's mask blur reaches by default."""

SHOWN = (1500, 1500)
RUNS = 5


def main() -> None:
    """Print a Markdown table of milliseconds."""
    print("| megapixels | changed | heatmap, ms | heatmap of 1500 px, ms | plots, ms |")
    print("|--:|---|--:|--:|--:|")
    for megapixels in MEGAPIXELS:
        photo, mask = (make(SIZES[megapixels]) for make in (make_photo, make_mask))
        decoded, levels = np.array(make_decoded(photo)), np.asarray(mask)
        reference = np.asarray(photo)
        measure(f"{megapixels} | all of it", reference, decoded, levels)
        far = cv2.dilate(levels, np.ones((2 * RIM + 1, 2 * RIM + 1), np.uint8)) == 0
        decoded[far] = reference[far]
        measure(f"{megapixels} | {RIM} px around the mask", reference, decoded, levels)


def measure(name: str, *pictures: np.ndarray) -> None:
    """One row: the reference, the result and the mask are `pictures`."""
    calls: tuple[Callable[[], Any], ...] = (
        lambda: render_heatmap(*pictures),
        lambda: render_heatmap(*pictures, size=SHOWN),
        lambda: measure_bleed(*pictures),
    )
    times = (min(time_call(call) for _ in range(RUNS)) for call in calls)
    print(f"| {name} | {' | '.join(f'{1000 * seconds:.0f}' for seconds in times)} |", flush=True)


if __name__ == "__main__":
    main()

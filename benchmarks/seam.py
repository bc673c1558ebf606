"""Which blend hides the mask's edge, and at what price.

Each case is an edit whose perfect outcome is known: a photograph with new content inside the
mask. The pipeline's picture is that outcome, drifted everywhere as models drift. Measured on what
`paste_back` makes of it:

- seam: the mean CIELAB step over the pixel pairs across the mask's edge, over the PERFECT edit's
  own step at the same pairs (new content makes its own step there, which is no seam; where the
  edit leaves the surroundings alone this is the original's own step). 1 = nothing added.
- ghost: the share of the removed content that shows in the first 8 px inside. Least squares of
  the result on the original and the perfect edit; 0 = none, 1 = all of it.
- error: root mean square of result minus perfect edit over the same 8 px, in levels.
- tint: how far the picture's colour is off more than 8 px inside, in levels: its error averaged
  over squares of 17 px, so that neither noise nor detail counts. Drift that is left, or new
  content that a blend took for drift.
- +25: the photograph itself, 25 levels too bright; the largest step the mean error takes between
  neighbouring rings of 1 px, from outside to 16 px inside. Pixels that 25 levels would clip are
  left out.
- changed: protected pixels that differ from the original, over all cases.
- ms/MP: wall time per megapixel of the mask's bounding box (1024 x 1024), the best of several,
  and the processor time beside it: on a busy machine only that says anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
import skimage.data

from benchmarks._edits import (
    DRIFTS,
    EDITS,
    Case,
    build_cases,
    draw_masks,
    load_photos,
    to_levels,
)
from bleed_guard.core.composite import Blend, paste_back
from bleed_guard.core.measure import measure_seam

RIM = 8
RINGS = 16
BRIGHTER = 25
BOX_SIDE = 1024
TIMED_RUNS = 9


class Way(NamedTuple):
    """A blend with its feather."""

    blend: Blend
    feather: int

    def __call__(
        self, reference: np.ndarray, generated: np.ndarray, mask: np.ndarray
    ) -> np.ndarray:
        return paste_back(reference, generated, mask, blend=self.blend, feather=self.feather)

    @property
    def label(self) -> str:
        has_feather = self.blend not in (Blend.HARD, Blend.MEMBRANE)
        return f"{self.blend.value} {self.feather}" if has_feather else self.blend.value


WAYS = (
    Way(Blend.HARD, 0),
    Way(Blend.FEATHER, 4),
    Way(Blend.FEATHER, 8),
    Way(Blend.MULTI_BAND, 4),
    Way(Blend.MEMBRANE, 0),
    Way(Blend.MEMBRANE_FEATHER, 2),
    Way(Blend.MEMBRANE_FEATHER, 4),
    Way(Blend.MEMBRANE_FEATHER, 8),
)


class Score(NamedTuple):
    """What one way made of one case; `ghost` is NaN where nothing was removed from the rim, `tint`
    where the mask is nowhere so deep."""

    seam: float
    ghost: float
    error: float
    tint: float
    changed: int


def score_case(case: Case, way: Way) -> Score:
    result = way(case.reference, case.generated, case.mask)
    outside = case.mask < 128
    return Score(
        seam=measure_seam(case.perfect, result, case.mask).ratio,
        ghost=measure_ghost(case, result),
        error=measure_error(case, result),
        tint=measure_tint(case, result),
        changed=int(np.count_nonzero((result != case.reference).any(axis=2) & outside)),
    )


def measure_depth(mask: np.ndarray) -> np.ndarray:
    """Distance of each pixel inside to the nearest outside, px; 0 outside."""
    return cv2.distanceTransform((mask >= 128).astype(np.uint8), cv2.DIST_L2, 5)


def find_rim(mask: np.ndarray) -> np.ndarray:
    depth = measure_depth(mask)
    return (depth > 0) & (depth <= RIM)


def measure_ghost(case: Case, result: np.ndarray) -> float:
    rim = find_rim(case.mask)
    pictures = (case.reference, case.perfect, result)
    old, new, shown = (picture[rim].astype(np.float64) for picture in pictures)
    if np.mean((old - new) ** 2) < RIM**2:
        return float("nan")
    old, new, shown = ((colors - colors.mean(axis=0)).ravel() for colors in (old, new, shown))
    shares = np.linalg.lstsq(np.stack([old, new], axis=1), shown, rcond=None)[0]
    return float(shares[0])


def measure_error(case: Case, result: np.ndarray) -> float:
    rim = find_rim(case.mask)
    error = result[rim].astype(np.float64) - case.perfect[rim]
    return float(np.sqrt(np.mean(error**2)))


def measure_tint(case: Case, result: np.ndarray) -> float:
    inside = (case.mask >= 128).astype(np.float32)
    deep = measure_depth(case.mask) > RIM
    if not deep.any():
        return float("nan")
    error = (result.astype(np.float32) - case.perfect) * inside[..., None]
    square = (2 * RIM + 1, 2 * RIM + 1)
    averaged = cv2.blur(error, square)[deep] / cv2.blur(inside, square)[deep][:, None]
    return float(np.abs(averaged).mean())


def measure_level_step(photo: np.ndarray, mask: np.ndarray, way: Way) -> float:
    brighter = to_levels(photo.astype(np.float64) + BRIGHTER)
    moved = way(photo, brighter, mask).astype(np.float64) - photo
    ring = np.ceil(measure_depth(mask)).astype(int)
    ring[(photo > 255 - BRIGHTER).any(axis=2)] = -1
    levels = [0.0]
    for depth in range(1, RINGS + 1):
        if np.count_nonzero(ring == depth) >= RINGS:
            levels.append(float(moved[ring == depth].mean()))
    return float(np.abs(np.diff(levels)).max())


class Cost(NamedTuple):
    """Milliseconds per megapixel: by the clock, and of all processors together."""

    wall: float
    processor: float


def measure_cost(way: Way) -> Cost:
    """Of the bounding box of a circle in a photograph around it."""
    side = BOX_SIDE + 256
    reference = cv2.resize(skimage.data.coffee(), (side, side))
    generated = to_levels(DRIFTS["warm + shift 2 px + noise"](reference))
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2, side // 2), BOX_SIDE // 2, (255,), -1)
    costs = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter(), time.process_time()
        way(reference, generated, mask)
        costs.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    wall, processor = np.min(costs, axis=0) * 1e3 / (BOX_SIDE**2 / 1e6)
    return Cost(wall, processor)


def measure_level_steps(way: Way) -> float:
    """The largest over all photographs and masks."""
    photos, masks = load_photos().values(), draw_masks().values()
    return max(measure_level_step(photo, mask, way) for photo in photos for mask in masks)


def print_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    head = list(head)
    for cells in (head, ["---"] * len(head), *rows):
        print(f"| {' | '.join(cells)} |", flush=True)
    print()


def describe_way(way: Way, scores: list[Score]) -> list[str]:
    seams = [score.seam for score in scores]
    cost = measure_cost(way)
    return [
        way.label,
        f"{np.mean(seams):.2f}",
        f"{max(seams):.2f}",
        f"{np.nanmean([score.ghost for score in scores]):.2f}",
        f"{np.mean([score.error for score in scores]):.1f}",
        f"{np.nanmean([score.tint for score in scores]):.1f}",
        f"{measure_level_steps(way):.1f}",
        str(sum(score.changed for score in scores)),
        f"{cost.wall:.0f} ({cost.processor:.0f})",
    ]


def describe_part(
    name: str, value: str, field: str, cases: list[Case], scores: dict[Way, list[Score]]
) -> list[str]:
    """A score, mean and worst, of the cases whose `name` is `value`."""
    cells = [value]
    for way in scores:
        found = [
            getattr(score, field)
            for case, score in zip(cases, scores[way], strict=True)
            if getattr(case, name) == value
        ]
        has_any = not np.isnan(found).all()
        cells.append(f"{np.nanmean(found):.2f} / {np.nanmax(found):.2f}" if has_any else "")
    return cells


def main() -> None:
    """Print the tables README shows."""
    cases = list(build_cases())
    photos = len({case.photo for case in cases})
    print(f"{len(cases)} edits: {photos} photographs x {len(draw_masks())} masks x ", end="")
    print(f"{len(DRIFTS)} drifts, {len(EDITS)} kinds of content in turn\n")
    scores = {way: [score_case(case, way) for case in cases] for way in WAYS}
    head = ("blend", "seam", "worst", "ghost", "error", "tint", "+25", "changed", "ms/MP (CPU)")
    print_table(head, (describe_way(way, scores[way]) for way in WAYS))
    parts = {
        "drift": list(DRIFTS),
        "edit": list(EDITS),
        "shape": list(draw_masks()),
        "photo": list(load_photos()),
    }
    for name, field in (*((name, "seam") for name in parts), ("edit", "tint")):
        head = (f"{field}, mean / worst, by {name}", *(way.label for way in WAYS))
        rows = (describe_part(name, value, field, cases, scores) for value in parts[name])
        print_table(head, rows)

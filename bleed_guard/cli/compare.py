"""Original, result and mask as files -> what changed outside the mask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np

from bleed_guard.cli.errors import Exit, SizeError
from bleed_guard.core.geometry import build_mask
from bleed_guard.core.job import BleedReport, Protection, Verdict, WorstSpot
from bleed_guard.core.mask import HARD_LEVEL, blur_reach, edge_distance, protected_area
from bleed_guard.core.measure import (
    WORST_SPOT_SIZE,
    WORST_SPOTS,
    difference,
    judge,
    measure_bleed,
    measure_reach,
    measure_seam,
)
from bleed_guard.images import (
    DEEP_LEVELS,
    MaskChannel,
    Picture,
    deepen,
    read_mask_file,
    read_picture,
    shallow,
)


class Paths(NamedTuple):
    """The three files of one check."""

    original: str
    result: str
    mask: str


class Allowance(NamedTuple):
    """How many protected pixels may change: a number, or a share (0-1) of them."""

    pixels: int = 0
    share: float = 0.0

    def of(self, protected: int) -> int:
        """The number of pixels allowed out of `protected`."""
        return max(self.pixels, int(self.share * protected))


NOTHING = Allowance()


@dataclass(frozen=True)
class CompareOptions:
    """How files are compared.

    `tolerance` is in 8-bit levels, `mask_blur` in px (the soft band that `Protection.SOFT` leaves
    out). `has_detail` asks for zones, profile and seam, which cost more than the count.
    """

    tolerance: int = 0
    allowance: Allowance = NOTHING
    protection: Protection = Protection.HARD
    mask_blur: int = 4
    mask_channel: MaskChannel = MaskChannel.AUTO
    invert: bool = False
    has_detail: bool = True


@dataclass(frozen=True)
class Pictures:
    """The three files decoded and brought to one size.

    `mask` is uint8 H x W, 255 = repaint; `notes` tell what was done to make them fit.
    """

    original: Picture
    result: Picture
    mask: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The outcome for one result file.

    Differences are in 8-bit levels. `depth` is the number of bits they were compared at;
    `alpha_changed` counts protected pixels whose transparency changed (they are in the report's
    count too); `allowed` is how many pixels may change without failing the check.
    """

    paths: Paths
    report: BleedReport
    allowed: int = 0
    depth: int = 8
    alpha_changed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The report's verdict, but within tolerance where no more changed than is allowed."""
        if self.report.verdict is Verdict.BLEED and self.report.changed <= self.allowed:
            return Verdict.WITHIN_TOLERANCE
        return self.report.verdict

    @property
    def code(self) -> Exit:
        return Exit.BLEED if self.verdict is Verdict.BLEED else Exit.CLEAN

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, ready for `json.dumps`."""
        return {
            **self.paths._asdict(),
            **self.report.to_json(),
            "verdict": self.verdict.value,
            "allowed": self.allowed,
            "depth": self.depth,
            "alpha_changed": self.alpha_changed,
            "notes": list(self.notes),
        }


def load_pictures(paths: Paths, options: CompareOptions) -> Pictures:
    """Decode the three files at once, a thread each, and bring the mask to the original's size.

    PictureError for a file that cannot be read, SizeError for sizes that cannot be matched.
    """
    with ThreadPoolExecutor(3) as pool:
        original = pool.submit(read_picture, paths.original)
        result = pool.submit(read_picture, paths.result)
        mask = pool.submit(
            read_mask_file, paths.mask, channel=options.mask_channel, invert=options.invert
        )
        return fit_pictures(paths, original.result(), result.result(), mask.result())


def fit_pictures(paths: Paths, original: Picture, result: Picture, mask: np.ndarray) -> Pictures:
    """The pictures with the mask brought to their size; SizeError where that cannot be."""
    if result.size != original.size:
        raise SizeError(
            f"{paths.result}: the result is {tell_size(result.size)} px, expected "
            f"{tell_size(original.size)} as {paths.original} is"
        )
    mask, notes = fit_mask(paths.mask, mask, original.size)
    return Pictures(original, result, mask, notes)


def fit_mask(
    path: str, mask: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The mask at `size` (width, height) and what is to be said of it.

    uint8 h x w -> uint8 H x W. SizeError if its proportions are others.
    """
    notes = []
    if mask.shape[::-1] != size:
        given, wanted = tell_size(mask.shape[::-1]), tell_size(size)
        if not has_aspect(mask.shape[::-1], size):
            raise SizeError(
                f"{path}: the mask is {given} px and cannot be scaled to the original's "
                f"{wanted}, expected that size or the same proportions"
            )
        mask = build_mask(mask, size=size)
        notes.append(f"the mask was scaled from {given} to {wanted}")
    return mask, (*notes, *_judge_mask(mask))


def compare_files(paths: Paths, options: CompareOptions) -> Comparison:
    """Read and compare one triple of files. PictureError and SizeError as `load_pictures`."""
    return compare_pictures(paths, load_pictures(paths, options), options)


def compare_pictures(paths: Paths, pictures: Pictures, options: CompareOptions) -> Comparison:
    """Compare pictures that are decoded and of one size."""
    band = blur_reach(options.mask_blur) if options.protection is Protection.SOFT else 0
    protected = protected_area(pictures.mask, options.protection, band=band)
    reference, shown = as_eight_bits(pictures)
    measure = _measure_fully if options.has_detail else _measure_quickly
    report = measure(reference, shown, pictures, protected, options.tolerance)
    alpha = _alpha_difference(pictures.original, pictures.result)
    return Comparison(
        paths,
        report,
        allowed=options.allowance.of(report.protected),
        depth=max(pictures.original.depth, pictures.result.depth),
        alpha_changed=0 if alpha is None else int(np.count_nonzero(alpha[protected])),
        notes=pictures.notes,
    )


def as_eight_bits(pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """A pair of uint8 H x W x 3 whose difference is that of the files, alpha and depth included.

    Where both files are 8 bits and their alpha agrees these are the files' own pixels. Otherwise
    the pair is black and a grey picture of the differences: the largest over R, G, B and alpha,
    16-bit differences divided by 257 and rounded UP so that none is lost.
    """
    original, result = pictures.original, pictures.result
    alpha = _alpha_difference(original, result)
    if original.depth == result.depth == 8 and alpha is None:
        return original.pixels, result.pixels
    delta = _deep_difference(original.pixels, result.pixels).max(axis=2)
    if alpha is not None:
        delta = np.maximum(delta, alpha)
    return np.zeros((*delta.shape, 3), np.uint8), np.repeat(delta[..., None], 3, axis=2)


def _alpha_difference(original: Picture, result: Picture) -> np.ndarray | None:
    """uint8 H x W in 8-bit levels; None if it is 0 everywhere. No alpha channel is opaque."""
    if original.alpha is None and result.alpha is None:
        return None
    delta = _deep_difference(_alpha_of(original), _alpha_of(result))
    return delta if delta.any() else None


def _alpha_of(picture: Picture) -> np.ndarray:
    if picture.alpha is not None:
        return picture.alpha
    return np.full(picture.pixels.shape[:2], 255, np.uint8)


def _deep_difference(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Absolute difference in 8-bit levels, rounded up: uint8 or uint16 arrays -> uint8."""
    if first.dtype == second.dtype == np.uint8:
        return cv2.absdiff(first, second)
    delta = cv2.absdiff(deepen(first), deepen(second)).astype(np.uint32)
    return ((delta + DEEP_LEVELS - 1) // DEEP_LEVELS).astype(np.uint8)


def _measure_fully(
    reference: np.ndarray,
    shown: np.ndarray,
    pictures: Pictures,
    protected: np.ndarray,
    tolerance: int,
) -> BleedReport:
    report = measure_bleed(
        reference, shown, pictures.mask, tolerance=tolerance, protected=protected
    )
    if reference is pictures.original.pixels:
        return report
    original, result = shallow(pictures.original.pixels), shallow(pictures.result.pixels)
    return replace(report, seam=measure_seam(original, result, pictures.mask))


def _measure_quickly(
    reference: np.ndarray,
    shown: np.ndarray,
    pictures: Pictures,
    protected: np.ndarray,
    tolerance: int,
) -> BleedReport:
    """The numbers of the printed text: all but the histogram, zones, profile and seam."""
    size, total = pictures.original.size, int(np.count_nonzero(protected))
    if np.array_equal(reference, shown):
        return BleedReport(size, tolerance, total, 0, 0, 0.0, 0.0, 0, Verdict.CLEAN)
    delta = cv2.bitwise_and(difference(reference, shown), np.uint8(255) * protected)
    changed = delta > tolerance
    count, largest = int(np.count_nonzero(changed)), int(delta.max())
    return BleedReport(
        size=size,
        tolerance=tolerance,
        protected=total,
        changed=count,
        max=largest,
        mean=cv2.sumElems(delta)[0] / total if total else 0.0,
        p99=0.0,
        reach=measure_reach(changed, edge_distance(pictures.mask)) if count else 0,
        verdict=judge(count, largest),
        worst=_largest_spots(delta),
    )


def _largest_spots(delta: np.ndarray) -> tuple[WorstSpot, ...]:
    """Where to look first: the largest differences, one per neighbourhood, distance untold (-1)."""
    spots = []
    for _ in range(WORST_SPOTS):
        _, top, _, (x, y) = cv2.minMaxLoc(delta)
        if top <= 0:
            break
        spots.append(WorstSpot(x, y, int(top), -1))
        half = WORST_SPOT_SIZE // 2
        delta[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1] = 0
    return tuple(spots)


def _judge_mask(mask: np.ndarray) -> list[str]:
    if mask.max(initial=0) < HARD_LEVEL:
        return ["the mask is blank: every pixel is protected"]
    if mask.min() >= HARD_LEVEL:
        return ["the mask covers the whole picture: nothing is protected, nothing can bleed"]
    return []


def has_aspect(given: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether (width, height) `given`, scaled to `wanted`'s width or height, is it within 1 px."""
    by_width = abs(given[1] * wanted[0] / given[0] - wanted[1])
    by_height = abs(given[0] * wanted[1] / given[1] - wanted[0])
    return min(by_width, by_height) <= 1


def tell_size(size: tuple[int, ...]) -> str:
    """For instance "600 x 400"."""
    return f"{size[0]} x {size[1]}"

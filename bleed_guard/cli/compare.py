"""What changed outside the mask of decoded files, in full."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from bleed_guard.audit.infotext import read_infotext
from bleed_guard.cli.pictures import (
    HARD_LEVEL,
    UNKNOWN_REACH,
    CompareOptions,
    Comparison,
    Paths,
    Pictures,
    alpha_of,
    fit_pictures,
    tell_size,
)
from bleed_guard.core.files_diagnosis import LikelyCause, diagnose_files
from bleed_guard.core.job import BleedReport, Cause, Fix, Protection, WorstSpot
from bleed_guard.core.mask import blur_reach, protected_area
from bleed_guard.core.measure import (
    WORST_SPOT_SIZE,
    WORST_SPOTS,
    difference,
    judge,
    measure_bleed,
    measure_seam,
)
from bleed_guard.images import DEEP_LEVELS, Picture, deepen, read_bytes, shallow

__all__ = [
    "Paths",
    "Pictures",
    "as_eight_bits",
    "compare_pictures",
    "fit_pictures",
    "tell_size",
]


def compare_pictures(paths: Paths, pictures: Pictures, options: CompareOptions) -> Comparison:
    """Compare pictures that are decoded and of one size."""
    band = blur_reach(options.mask_blur) if options.protection is Protection.SOFT else 0
    protected = protected_area(pictures.mask, options.protection, band=band)
    reference, shown = as_eight_bits(pictures)
    measure = _measure_fully if options.has_detail else _measure_quickly
    report = measure(reference, shown, pictures, protected, options.tolerance)
    alpha = _alpha_difference(pictures.original, pictures.result)
    comparison = Comparison(
        paths,
        report,
        allowed=options.allowance.of(report.protected),
        depth=max(pictures.original.depth, pictures.result.depth),
        alpha_changed=0 if alpha is None else int(np.count_nonzero(alpha[protected])),
        notes=(*pictures.notes, *_judge_band(report, pictures, options)),
    )
    if not options.has_detail:
        return comparison
    if options.protection is not Protection.HARD:  # what may change has no cause to be told
        pictures = pictures._replace(mask=np.where(protected, np.uint8(0), np.uint8(255)))
    causes = _find_causes(comparison, pictures) if report.max else (NO_CAUSE,)
    return comparison._replace(causes=tuple(likely.to_json() for likely in causes))


def _judge_band(report: BleedReport, pictures: Pictures, options: CompareOptions) -> list[str]:
    """As a mask that covers the whole picture is told; that one has its note already."""
    is_soft = options.protection is Protection.SOFT
    return (
        [ALL_BAND] if is_soft and not report.protected and pictures.mask.min() < HARD_LEVEL else []
    )


def _find_causes(comparison: Comparison, pictures: Pictures) -> tuple[LikelyCause, ...]:
    """What the pictures, brought to 8 bits, their file and the settings in it speak for; what 8
    bits of R, G and B do not show is certain."""
    path, (original, result) = comparison.paths.result, (pictures.original, pictures.result)
    causes = diagnose_files(
        shallow(original.pixels),
        shallow(result.pixels),
        pictures.mask,
        read_infotext(read_bytes(path), path),
        codec=Cause(result.codec) if result.codec else None,
    )
    shown = () if causes[0].cause is Cause.NONE else causes
    pixels = comparison.alpha_changed
    if pixels:
        share = pixels / max(comparison.report.changed, pixels)
        shown += (LikelyCause(Cause.TRANSPARENCY, 1.0, share, {"pixels": pixels}, KEEP_ALPHA),)
    deep = LikelyCause(Cause.DEPTH, 1.0, 1.0, {"bits": comparison.depth}, KEEP_DEPTH)
    return shown or (deep,)


ALL_BAND = "the mask and its soft band cover the whole picture: nothing is protected"
NO_CAUSE = LikelyCause(Cause.NONE, 1.0, 1.0)
KEEP_ALPHA = Fix("Keep the original's transparency")
KEEP_DEPTH = Fix("Save with as many bits as the original has")


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
    delta = _deep_difference(alpha_of(original), alpha_of(result))
    return delta if delta.any() else None


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
    """The numbers of the printed text: no reach, histogram, zones, profile or seam."""
    delta = cv2.bitwise_and(difference(reference, shown), np.uint8(255) * protected)
    total = int(np.count_nonzero(protected))
    count, largest = int(np.count_nonzero(delta > tolerance)), int(delta.max())
    return BleedReport(
        size=pictures.original.size,
        tolerance=tolerance,
        protected=total,
        changed=count,
        max=largest,
        mean=cv2.sumElems(delta)[0] / total if total else 0.0,
        p99=0.0,
        reach=UNKNOWN_REACH if count else 0,
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

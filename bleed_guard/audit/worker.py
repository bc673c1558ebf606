"""What a worker does: a chunk of pairs in, plain records out. Nothing raises for a bad file."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np

from bleed_guard.audit.infotext import (
    parse_infotext,
    read_infotext,
    read_mask_blur,
    read_settings,
)
from bleed_guard.audit.pairs import Pair
from bleed_guard.audit.store import read_any
from bleed_guard.cli.compare import as_eight_bits
from bleed_guard.cli.errors import CommandError
from bleed_guard.cli.pictures import CompareOptions, Comparison, Paths, Pictures, fit_pictures
from bleed_guard.cli.quick import compare_pictures
from bleed_guard.core.job import Cause, Protection, Verdict
from bleed_guard.core.mask import HARD_LEVEL, blur_reach, protected_area
from bleed_guard.core.measure import difference, measure_farthest
from bleed_guard.images import PictureError, decode_mask, decode_picture

Record = dict[str, Any]

WHOLE_SHARE = 0.9
"""From this share of the protected pixels on, the whole picture was redrawn."""


@dataclass(frozen=True)
class AuditOptions:
    """How every pair is compared; `uses_infotext` lets a picture's own settings decide."""

    compare: CompareOptions = CompareOptions(has_detail=False)  # noqa: RUF009 - frozen
    uses_infotext: bool = True


TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's mallopt, from its malloc.h."""

KEPT_BYTES = 256 << 20
LARGEST_KEPT = 32 << 20
"""Bytes: the most glibc takes for the second."""


def check_chunk(pairs: Sequence[Pair], options: AuditOptions) -> list[Record]:
    """A record for each pair, in their order."""
    keep_memory()
    cv2.setNumThreads(1)  # the audit is parallel over pairs
    return [check_pair(pair, options) for pair in pairs]


@cache
def keep_memory() -> None:
    """Let this process keep what a pair has taken for the next one. By itself glibc gives it back
    to the system each time and gets it anew page by page, which takes a quarter of an audit's
    time. Elsewhere nothing is done."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(TRIM_THRESHOLD, KEPT_BYTES)
    mallopt(MMAP_THRESHOLD, LARGEST_KEPT)


def check_pair(pair: Pair, options: AuditOptions) -> Record:
    """The record of one pair; one that cannot be compared has a verdict of "error"."""
    started = time.perf_counter()
    try:
        found = _compare(pair, options)
    except (PictureError, CommandError) as error:
        found = {"verdict": "error", "error": str(error)}
    except Exception as error:  # one file must not end an audit; it is told in its record
        found = {"verdict": "error", "error": f"{pair.result}: {type(error).__name__}: {error}"}
    return {**pair._asdict(), **found, "ms": round(1000 * (time.perf_counter() - started), 1)}


def _compare(pair: Pair, options: AuditOptions) -> Record:
    data = read_any(pair.result)
    entries = parse_infotext(read_infotext(data, pair.result)) if options.uses_infotext else {}
    settings = read_settings(entries)
    compare = options.compare
    if settings is not None:
        protection = Protection(settings.protect)
        tolerance = max(compare.tolerance, settings.tolerance)
        compare = compare._replace(protection=protection, tolerance=tolerance)
    blur = read_mask_blur(entries)
    compare = compare._replace(mask_blur=compare.mask_blur if blur is None else blur)
    paths = Paths(pair.original, pair.result, pair.mask)
    pictures = fit_pictures(
        paths,
        decode_picture(read_any(pair.original), pair.original),
        decode_picture(data, pair.result),
        decode_mask(
            read_any(pair.mask), pair.mask, channel=compare.mask_channel, invert=compare.invert
        ),
    )
    comparison = _with_reach(compare_pictures(paths, pictures, compare), pictures, compare)
    return _describe(comparison, find_cause(comparison, pictures, compare, blur), compare)


def _with_reach(comparison: Comparison, pictures: Pictures, compare: CompareOptions) -> Comparison:
    """The comparison with its reach, which the quick answer leaves out, where something bled."""
    if not comparison.report.changed:
        return comparison
    band = blur_reach(compare.mask_blur) if compare.protection is Protection.SOFT else 0
    protected = protected_area(pictures.mask, compare.protection, band=band)
    changed = (difference(*as_eight_bits(pictures)) > compare.tolerance) & protected
    reach = measure_farthest(changed, pictures.mask >= HARD_LEVEL)
    return comparison._replace(report=replace(comparison.report, reach=reach))


def _describe(comparison: Comparison, cause: Cause, compare: CompareOptions) -> Record:
    report = comparison.report
    is_redo = compare.protection is Protection.NONE
    return {
        "verdict": (Verdict.FULL_REDO if is_redo else comparison.verdict).value,
        "cause": cause.value,
        "changed": report.changed,
        "protected": report.protected,
        "max": report.max,
        "mean": report.mean,
        "reach": report.reach,
        "size": list(report.size),
        "depth": comparison.depth,
        "tolerance": report.tolerance,
        "notes": list(comparison.notes),
    }


def find_cause(
    comparison: Comparison, pictures: Pictures, compare: CompareOptions, blur: int | None
) -> Cause:
    """The one cause that explains where pixels changed, from the files alone.

    `blur` is the host's mask blur in px where the picture says it.
    """
    report = comparison.report
    if not report.changed:
        return Cause.NONE
    if pictures.result.codec:
        return Cause(pictures.result.codec)
    if _is_in_soft_band(pictures, compare):
        return Cause.SOFT_MASK
    if blur and report.reach <= blur_reach(blur):
        return Cause.MASK_BLUR
    if report.changed >= WHOLE_SHARE * report.protected:
        return Cause.WHOLE_REDRAW
    return Cause.SEVERAL


def _is_in_soft_band(pictures: Pictures, compare: CompareOptions) -> bool:
    """Whether every changed pixel lies where the mask is grey."""
    if not ((pictures.mask > 0) & (pictures.mask < 255)).any():
        return False
    changed = difference(*as_eight_bits(pictures)) > compare.tolerance
    outside = protected_area(pictures.mask) & (pictures.mask == 0)
    return not np.any(changed & outside)

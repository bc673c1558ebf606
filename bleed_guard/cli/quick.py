"""The quick answer: counts from the few bytes that differ, with nothing but numpy.

Falls back to the full comparison where more is asked for or where the pictures are not plain; a
test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bleed_guard.cli.beside import Head, PictureBeside
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.outcome import Outcome
from bleed_guard.cli.pictures import (
    HARD_LEVEL,
    UNKNOWN_REACH,
    CompareOptions,
    Comparison,
    Paths,
    Pictures,
    check_sizes,
    count_protected,
    fit_mask,
    fit_pictures,
    read_mask,
    strips,
    tell_more,
)
from bleed_guard.core.report import BleedReport, Protection, Verdict, WorstSpot
from bleed_guard.images import PictureError

WORD = 8
"""Bytes compared at once."""

SPARSE_SHARE, SPARSE_WORDS = 1 / 64, 4096
"""Up to this share of the words, or this many, the bytes are looked at one by one."""

SPOTS, SPOT_HALF = 5, 8
"""As `core.measure`: how many worst spots are told, and half the side of a neighbourhood, px."""

ReadStrip = Callable[[slice], np.ndarray]
"""Bytes from, bytes to -> uint8, good until the next call."""


def check_files(
    paths: Paths,
    original: PictureBeside,
    result: PictureBeside,
    options: CompareOptions,
    *,
    keeps_pictures: bool,
) -> tuple[Outcome, Pictures | None]:
    """The outcome for files of which two are being read, and the pictures where they could be
    compared and are asked for, or it took them all to compare them."""
    pictures = None
    try:
        mask = read_mask(paths, options)
        comparison = None
        if not keeps_pictures:
            comparison = compare_beside(paths, original, result, mask, options)
        if comparison is None:
            pictures = fit_pictures(paths, original.whole, result.whole, mask)
            comparison = compare_pictures(paths, pictures, options)
    except PictureError as error:
        return Outcome(paths, Exit.USAGE, error=str(error)), None
    except CommandError as error:
        return Outcome(paths, error.code, error=str(error)), None
    return Outcome(paths, comparison.code, comparison, mask_flags=options.mask_flags), pictures


def compare_pictures(paths: Paths, pictures: Pictures, options: CompareOptions) -> Comparison:
    """Compare pictures that are decoded and of one size, as quickly as `options` allow."""
    report = None
    original, result, mask = pictures.original, pictures.result, pictures.mask
    if _is_plain(Head.of(original), Head.of(result), options):
        readers = read_from(original.pixels), read_from(result.pixels)
        report = measure_sparse(*readers, mask, count_protected(mask), options.tolerance)
    if report is None:
        from bleed_guard.cli.compare import compare_pictures as compare_fully

        return compare_fully(paths, pictures, options)
    return _conclude(paths, report, pictures.notes, options)


def compare_beside(
    paths: Paths,
    original: PictureBeside,
    result: PictureBeside,
    mask: np.ndarray,
    options: CompareOptions,
) -> Comparison | None:
    """The same for pictures that stay where they are read, None if it takes them whole; `mask` is
    as its file has it.

    PictureError if one cannot be read, SizeError for sizes that cannot be matched.
    """
    heads = original.head, result.head
    if not _is_plain(*heads, options):
        return None
    check_sizes(paths, *heads)
    fitted = fit_mask(paths.mask, mask, original.head.size)
    readers = original.strip, result.strip
    report = measure_sparse(*readers, fitted.levels, fitted.protected, options.tolerance)
    if report is None:
        return None
    return _conclude(paths, report, (*tell_more(paths, *heads), *fitted.notes), options)


def _conclude(
    paths: Paths, report: BleedReport, notes: tuple[str, ...], options: CompareOptions
) -> Comparison:
    allowed = options.allowance.of(report.protected)
    return Comparison(paths, report, allowed=allowed, notes=notes)


def _is_plain(original: Head, result: Head, options: CompareOptions) -> bool:
    """Whether only counts are asked for, over 8-bit pictures without transparency."""
    is_opaque = not original.has_alpha and not result.has_alpha
    is_hard = options.protection is Protection.HARD
    return not options.has_detail and is_hard and is_opaque and original.depth == result.depth == 8


def read_from(pixels: np.ndarray) -> ReadStrip:
    """The reader of a uint8 H x W x 3 that is at hand."""
    return np.ascontiguousarray(pixels).reshape(-1).__getitem__


def measure_sparse(
    read_original: ReadStrip,
    read_result: ReadStrip,
    mask: np.ndarray,
    protected: int,
    tolerance: int,
) -> BleedReport | None:
    """The report of pictures that differ in few places, None where there are too many.

    `mask` is uint8 H x W of the pictures' size, 255 = repaint; `protected` as `count_protected`.
    """
    height, width = mask.shape
    mask = np.ascontiguousarray(mask).reshape(-1)
    found = _find_differences(read_original, read_result, mask)
    if found is None:
        return None
    pixels, levels = _by_pixel(*found)
    outside = mask[pixels] < HARD_LEVEL
    pixels, levels = pixels[outside], levels[outside]
    changed = int(np.count_nonzero(levels > tolerance))
    largest = int(levels.max(initial=0))
    worded = {True: Verdict.BLEED, False: Verdict.WITHIN_TOLERANCE if largest else Verdict.CLEAN}
    return BleedReport(
        size=(width, height),
        tolerance=tolerance,
        protected=protected,
        changed=changed,
        max=largest,
        mean=float(levels.sum(dtype=np.int64)) / protected if protected else 0.0,
        p99=0.0,
        reach=UNKNOWN_REACH if changed else 0,
        verdict=worded[changed > 0],
        worst=_largest_spots(pixels, levels, width),
    )


def _find_differences(
    read_original: ReadStrip, read_result: ReadStrip, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Places of the bytes in which two pictures differ, without words that lie in the mask, and
    by how many levels; None if there are too many.

    `mask` is uint8 H * W, three bytes a pixel -> int64 and uint8.
    """
    words, rest = divmod(3 * mask.size, WORD)
    limit = max(SPARSE_SHARE * words, SPARSE_WORDS)
    places, before, after, count = [], [], [], 0
    for strip in strips(words):
        part = slice(strip.start * WORD, strip.stop * WORD)
        first, second = read_original(part).view(np.uint64), read_result(part).view(np.uint64)
        at = np.flatnonzero(first != second)
        at = at[~_lies_inside(strip.start + at, mask)]
        places.append((strip.start + at) * WORD)
        before.append(first[at].view(np.uint8))
        after.append(second[at].view(np.uint8))
        count += at.size
        if count > limit:
            return None
    tail = slice(words * WORD, words * WORD + rest)  # shorter than a word
    places.append(np.array([tail.start]))
    before.append(read_original(tail))
    after.append(read_result(tail))
    first, second = np.concatenate(before), np.concatenate(after)
    levels = np.maximum(first, second) - np.minimum(first, second)
    differs = np.flatnonzero(levels)
    return np.concatenate(places)[differs // WORD] + differs % WORD, levels[differs]


def _lies_inside(words: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """bool, one a word: whether all the pixels it has bytes of are repainted."""
    first, last = words * WORD // 3, (words * WORD + WORD - 1) // 3
    inside = mask[first] >= HARD_LEVEL
    for pixels in (first + 1, last - 1, last):
        inside &= mask[pixels] >= HARD_LEVEL
    return inside


def _by_pixel(places: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differing bytes -> the pixels they are of, in reading order, and the largest of R, G, B."""
    owners = places // 3
    if not owners.size:
        return owners, levels
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    return owners[starts], np.maximum.reduceat(levels, starts)


def _largest_spots(pixels: np.ndarray, levels: np.ndarray, width: int) -> tuple[WorstSpot, ...]:
    """Where to look first: the largest differences, one per neighbourhood, distance untold (-1)."""
    spots: list[WorstSpot] = []
    for at in np.argsort(255 - levels, kind="stable"):
        y, x = divmod(int(pixels[at]), width)
        if all(max(abs(x - spot.x), abs(y - spot.y)) > SPOT_HALF for spot in spots):
            spots.append(WorstSpot(x, y, int(levels[at]), -1))
        if len(spots) == SPOTS:
            break
    return tuple(spots)

"""The quick answer: counts from the few bytes that differ, with nothing but numpy.

Falls back to the full comparison where more is asked for or where the pictures are not plain; a
test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bleed_guard.cli.beside import Head, PictureBeside
from bleed_guard.cli.pictures import (
    HARD_LEVEL,
    UNKNOWN_REACH,
    CompareOptions,
    Comparison,
    Paths,
    Pictures,
    check_sizes,
    fit_mask,
    tell_more,
)
from bleed_guard.core.report import BleedReport, Protection, Verdict, WorstSpot
from bleed_guard.images import Picture

WORD = 8
"""Bytes compared at once."""

SPARSE_SHARE, SPARSE_WORDS = 1 / 64, 4096
"""Up to this share of the words, or this many, the bytes are looked at one by one."""

STRIP = 1 << 18
"""Words or mask pixels looked at in one go: what is worked out of them stays in the cache."""

SPOTS, SPOT_HALF = 5, 8
"""As `core.measure`: how many worst spots are told, and half the side of a neighbourhood, px."""

ReadStrip = Callable[[slice], np.ndarray]
"""Bytes from, bytes to -> uint8, good until the next call."""


def compare_pictures(paths: Paths, pictures: Pictures, options: CompareOptions) -> Comparison:
    """Compare pictures that are decoded and of one size, as quickly as `options` allow."""
    original, result = pictures.original, pictures.result
    report = None
    if _is_plain(original, Head.of(result), options):
        levels = np.ascontiguousarray(result.pixels).reshape(-1)
        report = measure_sparse(original, levels.__getitem__, pictures.mask, options.tolerance)
    if report is None:
        from bleed_guard.cli.compare import compare_pictures as compare_fully

        return compare_fully(paths, pictures, options)
    return _conclude(paths, report, pictures.notes, options)


def compare_beside(
    paths: Paths,
    original: Picture,
    result: PictureBeside,
    mask: np.ndarray,
    options: CompareOptions,
) -> Comparison | None:
    """The same for a result that stays where it was read, None if it takes the whole picture;
    `mask` is as its file has it.

    PictureError if the result cannot be read, SizeError for sizes that cannot be matched.
    """
    if not _is_plain(original, result.head, options):
        return None
    check_sizes(paths, original, result.head)
    mask, notes = fit_mask(paths.mask, mask, original.size)
    report = measure_sparse(original, result.strip, mask, options.tolerance)
    if report is None:
        return None
    return _conclude(paths, report, (*tell_more(paths, original, result.head), *notes), options)


def _conclude(
    paths: Paths, report: BleedReport, notes: tuple[str, ...], options: CompareOptions
) -> Comparison:
    allowed = options.allowance.of(report.protected)
    return Comparison(paths, report, allowed=allowed, notes=notes)


def _is_plain(original: Picture, result: Head, options: CompareOptions) -> bool:
    """Whether only counts are asked for, over 8-bit pictures without transparency."""
    is_opaque = original.alpha is None and not result.has_alpha
    is_hard = options.protection is Protection.HARD
    return not options.has_detail and is_hard and is_opaque and original.depth == result.depth == 8


def measure_sparse(
    original: Picture, read_result: ReadStrip, mask: np.ndarray, tolerance: int
) -> BleedReport | None:
    """The report of pictures that differ in few places, None where there are too many.

    `mask` is uint8 H x W of the pictures' size, 255 = repaint.
    """
    mask = np.ascontiguousarray(mask).reshape(-1)
    found = _find_differences(original.pixels, read_result, mask)
    if found is None:
        return None
    total = sum(int(np.count_nonzero(mask[at] < HARD_LEVEL)) for at in _strips(mask.size))
    pixels, levels = _by_pixel(*found)
    outside = mask[pixels] < HARD_LEVEL
    pixels, levels = pixels[outside], levels[outside]
    changed = int(np.count_nonzero(levels > tolerance))
    largest = int(levels.max(initial=0))
    worded = {True: Verdict.BLEED, False: Verdict.WITHIN_TOLERANCE if largest else Verdict.CLEAN}
    return BleedReport(
        size=original.size,
        tolerance=tolerance,
        protected=total,
        changed=changed,
        max=largest,
        mean=float(levels.sum(dtype=np.int64)) / total if total else 0.0,
        p99=0.0,
        reach=UNKNOWN_REACH if changed else 0,
        verdict=worded[changed > 0],
        worst=_largest_spots(pixels, levels, original.size[0]),
    )


def _find_differences(
    pixels: np.ndarray, read_result: ReadStrip, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Places of the bytes in which two pictures differ, without words that lie in the mask, and
    by how many levels; None if there are too many.

    A uint8 H x W x 3 and a uint8 mask of H * W -> int64 and uint8.
    """
    pixels = np.ascontiguousarray(pixels).reshape(-1)
    whole = pixels.size // WORD * WORD
    words = pixels[:whole].view(np.uint64)
    limit = max(SPARSE_SHARE * words.size, SPARSE_WORDS)
    places, before, after, count = [], [], [], 0
    for strip in _strips(words.size):
        stop = min(strip.stop, words.size)
        first = words[strip]
        second = read_result(slice(strip.start * WORD, stop * WORD)).view(np.uint64)
        at = np.flatnonzero(first != second)
        at = at[~_lies_inside(strip.start + at, mask)]
        places.append((strip.start + at) * WORD)
        before.append(first[at].view(np.uint8))
        after.append(second[at].view(np.uint8))
        count += at.size
        if count > limit:
            return None
    places.append(np.array([whole]))  # and what is left at the end, shorter than a word
    before.append(pixels[whole:])
    after.append(read_result(slice(whole, pixels.size)))
    first, second = np.concatenate(before), np.concatenate(after)
    levels = np.maximum(first, second) - np.minimum(first, second)
    differs = np.flatnonzero(levels)
    return np.concatenate(places)[differs // WORD] + differs % WORD, levels[differs]


def _strips(size: int) -> Iterator[slice]:
    """The indices below `size`, `STRIP` at a time."""
    return (slice(start, start + STRIP) for start in range(0, size, STRIP))


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

"""The quick answer: counts from the few bytes that differ, with nothing but numpy.

Falls back to the full comparison where more is asked for or where the pictures are not plain; a
test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bleed_guard.cli.pictures import (
    HARD_LEVEL,
    UNKNOWN_REACH,
    CompareOptions,
    Comparison,
    Paths,
    Pictures,
)
from bleed_guard.core.job import BleedReport, Protection, Verdict, WorstSpot

WORD = 8
"""Bytes compared at once."""

SPARSE_SHARE, SPARSE_WORDS = 1 / 64, 4096
"""Up to this share of the words, or this many, the bytes are looked at one by one."""

STRIP = 1 << 17
"""Words or mask pixels looked at in one go: what is worked out of them stays in the cache."""

SPOTS, SPOT_HALF = 5, 8
"""As `core.measure`: how many worst spots are told, and half the side of a neighbourhood, px."""


def compare_pictures(paths: Paths, pictures: Pictures, options: CompareOptions) -> Comparison:
    """Compare pictures that are decoded and of one size, as quickly as `options` allow."""
    report = measure_sparse(pictures, options) if _is_plain(pictures, options) else None
    if report is None:
        from bleed_guard.cli.compare import compare_pictures as compare_fully

        return compare_fully(paths, pictures, options)
    allowed = options.allowance.of(report.protected)
    return Comparison(paths, report, allowed=allowed, notes=pictures.notes)


def _is_plain(pictures: Pictures, options: CompareOptions) -> bool:
    """Whether only counts are asked for, over 8-bit pictures without transparency."""
    original, result = pictures.original, pictures.result
    is_opaque = original.alpha is None and result.alpha is None
    is_hard = options.protection is Protection.HARD
    return not options.has_detail and is_hard and is_opaque and original.depth == result.depth == 8


def measure_sparse(pictures: Pictures, options: CompareOptions) -> BleedReport | None:
    """The report of pictures that differ in few places, None where there are too many."""
    mask = np.ascontiguousarray(pictures.mask).reshape(-1)
    found = _find_differences(pictures.original.pixels, pictures.result.pixels, mask)
    if found is None:
        return None
    total = sum(int(np.count_nonzero(mask[at] < HARD_LEVEL)) for at in _strips(mask.size))
    pixels, levels = _by_pixel(*found)
    outside = mask[pixels] < HARD_LEVEL
    pixels, levels = pixels[outside], levels[outside]
    changed = int(np.count_nonzero(levels > options.tolerance))
    largest = int(levels.max(initial=0))
    worded = {True: Verdict.BLEED, False: Verdict.WITHIN_TOLERANCE if largest else Verdict.CLEAN}
    return BleedReport(
        size=pictures.original.size,
        tolerance=options.tolerance,
        protected=total,
        changed=changed,
        max=largest,
        mean=float(levels.sum(dtype=np.int64)) / total if total else 0.0,
        p99=0.0,
        reach=UNKNOWN_REACH if changed else 0,
        verdict=worded[changed > 0],
        worst=_largest_spots(pixels, levels, pictures.original.size[0]),
    )


def _find_differences(
    first: np.ndarray, second: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Places of the bytes in which two pictures differ, without words that lie in the mask, and
    by how many levels; None if there are too many.

    Two uint8 H x W x 3 and a uint8 mask of H * W -> int64 and uint8.
    """
    first = np.ascontiguousarray(first).reshape(-1)
    second = np.ascontiguousarray(second).reshape(-1)
    whole = first.size // WORD * WORD
    first_words, second_words = first[:whole].view(np.uint64), second[:whole].view(np.uint64)
    limit = max(SPARSE_SHARE * first_words.size, SPARSE_WORDS)
    found, count = [], 0
    for strip in _strips(first_words.size):
        words = strip.start + np.flatnonzero(first_words[strip] != second_words[strip])
        found.append(words[~_lies_inside(words, mask)])
        count += found[-1].size
        if count > limit:
            return None
    words = np.concatenate([*found, np.empty(0, np.int64)])
    before = np.concatenate([first_words[words].view(np.uint8), first[whole:]])
    after = np.concatenate([second_words[words].view(np.uint8), second[whole:]])
    levels = np.maximum(before, after) - np.minimum(before, after)
    differs = np.flatnonzero(levels)
    starts = np.append(words * WORD, whole)
    return starts[differs // WORD] + differs % WORD, levels[differs]


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

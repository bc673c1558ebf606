"""The pixels near a mask's edge, found tile by tile: what lies deep inside or far outside costs
next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.job import Box

TILE = 256
"""px: the side of a tile, more where what is looked at around it is wide."""

DEEP = 255.0
"""px; deeper is all the same to any feather."""


class Rim(NamedTuple):
    """The pixels inside a mask that are near its edge.

    `pixels` (intp N) are indices into the picture's pixels one after the other, in order; `depth`
    (float32 N, px) is their distance to the nearest pixel outside; `thickness` (uint8 N) is the
    largest depth, in whole px, found near each.
    """

    pixels: np.ndarray
    depth: np.ndarray
    thickness: np.ndarray


def find_rim(inside: np.ndarray, width: int) -> Rim:
    """The pixels of a bool H x W less than `width` px deep; thickness is looked for as far off.

    The picture's border is no edge of the mask.
    """

    def measure(near: np.ndarray) -> tuple[np.ndarray, ...]:
        depth = measure_depth(near)
        return near & (depth < width), depth, measure_thickness(depth, width)

    return Rim(*_gather(inside, 2 * width + 2, measure))


def find_ring(inside: np.ndarray, start: float, end: float) -> np.ndarray:
    """The pixels more than `start` and up to `end` px from a bool H x W, as `Rim.pixels`."""

    def measure(outside: np.ndarray) -> tuple[np.ndarray, ...]:
        distance = cv2.distanceTransform(outside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
        return ((distance > start) & (distance <= end),)

    return _gather(~inside, int(end) + 2, measure)[0]


def measure_depth(inside: np.ndarray) -> np.ndarray:
    """bool H x W -> float32 H x W: distance to the nearest pixel outside, 0 there. What has no
    edge at all is deeper than any feather."""
    if inside.all():
        return np.full(inside.shape, DEEP, np.float32)
    return cv2.distanceTransform(inside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)


def measure_thickness(depth: np.ndarray, width: float) -> np.ndarray:
    """The largest depth (whole px, float32 in, uint8 h x w out) within `width` px of each."""
    side = 2 * int(np.ceil(width)) + 1
    near = cv2.threshold(depth, DEEP, 0, cv2.THRESH_TRUNC)[1].astype(np.uint8)
    return cv2.dilate(near, np.ones((side, side), np.uint8))


Measure = Callable[[np.ndarray], tuple[np.ndarray, ...]]
"""bool h x w -> which of its pixels are wanted, bool h x w, and values of theirs, h x w each."""


def _gather(area: np.ndarray, margin: int, measure: Measure) -> tuple[np.ndarray, ...]:
    """Indices of the pixels of a bool H x W that `measure` wants of a tile and `margin` px around
    it, in order, and their values. Tiles without an edge in sight have none."""
    width = area.shape[1]
    found: list[list[np.ndarray]] = []
    for tile, around in cut_tiles(area.shape, margin):
        near = area[around.slices]
        if near.all() or not area[tile.slices].any():
            continue
        part = tile.within(around).slices
        wanted, *values = (np.ascontiguousarray(value[part]) for value in measure(near))
        at = np.flatnonzero(wanted)
        rows = at // tile.width
        pixels = at + rows * (width - tile.width) + (tile.top * width + tile.left)
        found.append([pixels, *(value.reshape(-1).take(at) for value in values)])
    if not found:
        none = measure(np.ones((1, 1), bool))[1:]
        return np.empty(0, np.intp), *(value[:0, 0] for value in none)
    if len(found) == 1:
        return tuple(found[0])
    joined = [np.concatenate(values) for values in zip(*found, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return tuple(values.take(order) for values in joined)


def cut_tiles(shape: tuple[int, ...], margin: int) -> Iterator[tuple[Box, Box]]:
    """Each tile of an H x W picture, and it with `margin` px around it."""
    whole, side = Box(0, 0, shape[1], shape[0]), max(TILE, 2 * margin)
    for top in range(0, whole.bottom, side):
        for left in range(0, whole.right, side):
            tile = Box(left, top, left + side, top + side).intersect(whole)
            yield tile, tile.grown(margin).intersect(whole)

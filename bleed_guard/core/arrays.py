"""Pictures as arrays: their sizes, whether they differ, and their rows a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from bleed_guard.core.job import Box

STRIPE = 1 << 18
"""Pixels worked on at once: with all that is made of them they stay in the processor's cache."""


def check_sizes(reference: np.ndarray, generated: np.ndarray, mask: np.ndarray) -> None:
    """ValueError naming all three sizes unless they are the same."""
    if reference.shape == generated.shape and reference.shape[:2] == mask.shape:
        return
    sizes = (f"{array.shape[1]} x {array.shape[0]}" for array in (reference, generated, mask))
    names = ("reference", "generated", "mask")
    told = ", ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))
    raise ValueError(f"the pictures must have one size, got {told}")


def take_rgb(levels: np.ndarray) -> np.ndarray:
    """R, G, B of uint8 H x W x 4; H x W x 3 as it is. Not to be written to."""
    if levels.shape[2] == 3 or not levels.size:
        return levels[..., :3]
    return cv2.cvtColor(levels, cv2.COLOR_RGBA2RGB)


def differs(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether any value differs: two uint8 arrays of one shape, at the speed of memory."""
    return first.size > 0 and cv2.norm(first, second, cv2.NORM_INF) > 0


def differs_outside(first: np.ndarray, second: np.ndarray, box: Box) -> bool:
    """Whether any value of two uint8 H x W x C differs outside `box`."""
    left, top, right, bottom = box
    stripes = (np.s_[:top], np.s_[bottom:], np.s_[top:bottom, :left], np.s_[top:bottom, right:])
    return any(differs(first[stripe], second[stripe]) for stripe in stripes)


def cut_rows(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of an H x W array, so many at a time that what is made of them stays in the
    processor's cache; none if it is empty."""
    height, width = shape[:2]
    count = max(1, STRIPE // max(width, 1))
    yield from (
        slice(top, min(top + count, height)) for top in range(0, height * (width > 0), count)
    )

"""Bring a resized edit back to the original's own size, aligned to the pixel."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bleed_guard.core.geometry import scaled_size
from bleed_guard.core.job import ResizeMode


def bring_back(
    result: np.ndarray,
    original: np.ndarray,
    *,
    size: tuple[int, int],
    resize_mode: ResizeMode = ResizeMode.JUST_RESIZE,
) -> np.ndarray:
    """The result of a whole-picture job at the original's size, in the original's place.

    `result` is uint8 h x w x 3 (a top-left crop of `size` where that was no multiple of 8),
    `original` uint8 H x W x 3, `size` the (width, height) the host had resized it to. The
    host's resize is undone with its own pixel grid: pixel centres map to pixel centres, so
    nothing shifts by half a pixel. What the host had cropped away is the original's. Returns
    uint8 H x W x 3.
    """
    height, width = original.shape[:2]
    frame_size = size
    if resize_mode in (ResizeMode.CROP_AND_RESIZE, ResizeMode.RESIZE_AND_FILL):
        covers = resize_mode is ResizeMode.CROP_AND_RESIZE
        frame_size = scaled_size((width, height), size, covers=covers)
    left = size[0] // 2 - frame_size[0] // 2
    top = size[1] // 2 - frame_size[1] // 2
    frame = Image.fromarray(original).resize(frame_size, Image.Resampling.LANCZOS)
    frame.paste(Image.fromarray(result), (-left, -top))
    return np.asarray(frame.resize((width, height), Image.Resampling.LANCZOS))

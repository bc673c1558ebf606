"""The host's overlay, worked with only where it is half transparent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.job import Box
from bleed_guard.core.stripes import find_open_box, read_raw

SPARSE_SHARE = 0.25
"""Up to this share of the box, half transparent pixels are composited by themselves; from there on
gathering them takes as long as compositing all (timed on random alpha, 1024 x 1024)."""

Composite = Callable[[Image.Image, Image.Image], Image.Image]
"""Lays an RGBA picture on an RGB one of its size, each pixel by itself."""


@dataclass(frozen=True)
class Overlay:
    """An RGBA overlay and the smallest box around where it is not opaque.

    Of the box's pixels `opaque` tells which are opaque (uint8 h x w, 255 there), and `partial`
    which are neither opaque nor clear (intp N, in reading order); `line` is those of the overlay,
    a picture one pixel high.
    """

    image: Image.Image
    box: Box
    opaque: np.ndarray
    partial: np.ndarray

    @classmethod
    def of(cls, image: Image.Image) -> Overlay:
        box = find_open_box(image)
        opaque = np.empty((box.height, box.width), np.uint8)
        partial = [np.empty(0, np.intp)]
        for stripe, levels in read_raw(image, box, "A", 1):
            alpha, rows = levels[..., 0], stripe.within(box)
            cv2.threshold(alpha, 254, 255, cv2.THRESH_BINARY, opaque[rows.slices])
            middling = alpha - np.uint8(1) < 254
            partial.append(np.flatnonzero(middling) + rows.top * box.width)
        return cls(image, box, opaque, np.concatenate(partial))

    @cached_property
    def line(self) -> Image.Image:
        found = [np.empty((0, 4), np.uint8)]
        for stripe, levels in read_raw(self.image, self.box, "RGBA", 4):
            rows = stripe.within(self.box)
            first, end = rows.top * rows.width, rows.bottom * rows.width
            at = self.partial[slice(*np.searchsorted(self.partial, (first, end)))] - first
            found.append(levels.reshape(-1, 4).take(at, axis=0))
        return Image.fromarray(np.concatenate(found)[None], "RGBA")

    @property
    def is_sparse(self) -> bool:
        """Whether few of the box's pixels are half transparent."""
        return self.partial.size <= SPARSE_SHARE * self.box.area

    def lay_on(self, pixels: np.ndarray, reference: np.ndarray, composite: Composite) -> np.ndarray:
        """What the overlay makes of the box's `pixels`, uint8 h x w x 3, which are written to.

        Where it is opaque it shows the `reference`, where it is clear nothing of itself.
        """
        shown = cv2.copyTo(reference, self.opaque, pixels)
        if self.partial.size:
            flat = shown.reshape(-1, 3)
            bare = Image.fromarray(flat.take(self.partial, axis=0)[None])
            flat[self.partial] = np.asarray(composite(bare, self.line))[0]
        return shown

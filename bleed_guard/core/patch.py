"""A picture told by what it changes of another one."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.job import Box
from bleed_guard.core.measure import difference


class Patch(NamedTuple):
    """A picture that is the reference but for `pixels`, uint8 h x w x 3 RGB, which lie at `box`."""

    box: Box
    pixels: np.ndarray

    @classmethod
    def whole(cls, picture: np.ndarray) -> Patch:
        """A picture of which nothing is known to be the reference."""
        return cls(Box(0, 0, picture.shape[1], picture.shape[0]), picture)

    def crop(self, reference: np.ndarray, box: Box) -> np.ndarray:
        """The part `box` of the picture, not to be written to; `reference` is that part of the
        reference."""
        if self.box == box:
            return self.pixels
        overlap = self.box.intersect(box)
        if overlap.is_empty:
            return reference
        if overlap == box:
            return self.pixels[box.within(self.box).slices]
        part = reference.copy()
        part[overlap.within(box).slices] = self.pixels[overlap.within(self.box).slices]
        return part

    def lay_on(self, reference: np.ndarray) -> np.ndarray:
        """The whole picture, not to be written to; `reference` is uint8 H x W x 3."""
        return self.crop(reference, Box(0, 0, reference.shape[1], reference.shape[0]))

    def shrink(self, reference: np.ndarray) -> Patch:
        """The smallest patch that makes the same picture; empty if that is the reference, whose
        part `box` is given."""
        if self.box.is_empty:
            return self
        inner = find_changed_box(reference, self.pixels)
        return Patch(inner.moved(*self.box[:2]), self.pixels[inner.slices])


def find_changed_box(reference: np.ndarray, picture: np.ndarray) -> Box:
    """The smallest box around what differs; empty if nothing does. Two uint8 H x W x 3."""
    left, top, width, height = cv2.boundingRect(difference(reference, picture))
    return Box(left, top, left + width, top + height)

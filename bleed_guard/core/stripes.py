"""Pillow's pictures, read and compared a few rows at a time.

A stripe stays in the processor's cache. A whole picture as an array is memory that the system has
to provide first, which takes longer than to compare it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from bleed_guard.core.job import Box
from bleed_guard.core.measure import differs_outside

STRIPE_BYTES = 1 << 20
"""Of a stripe as Pillow holds it: about what a processor's core has close by."""

SMALL = 1 << 22
"""Bytes: up to this it is as quick to take a picture as it is."""

BYTES_PER_PIXEL = 4
"""Pillow's, for RGB as for RGBA."""

NOWHERE = Box(0, 0, 0, 0)

Convert = Callable[[Image.Image], Image.Image]


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture itself if it is RGB already."""
    return image if image.mode == "RGB" else image.convert("RGB")


def cut_stripes(image: Image.Image, box: Box) -> Iterator[tuple[Box, Image.Image]]:
    """The part `box` of a picture from top to bottom: where each stripe lies, and the stripe."""
    row = BYTES_PER_PIXEL * max(box.width, 1)
    rows = max(1, box.height if row * box.height <= SMALL else STRIPE_BYTES // row)
    for top in range(box.top, box.bottom, rows):
        stripe = box._replace(top=top, bottom=min(top + rows, box.bottom))
        yield stripe, image if stripe == (0, 0, *image.size) else image.crop(stripe)


def read_pixels(
    image: Image.Image, convert: Convert = to_rgb, *, box: Box | None = None
) -> np.ndarray:
    """R, G, B of a picture of any mode, or of its part `box`: uint8 h x w x 3, only to be read.

    `convert` makes a stripe RGB; what it makes of a pixel must depend on that pixel alone.
    """
    box = box or Box(0, 0, *image.size)
    if BYTES_PER_PIXEL * box.area <= SMALL:
        return np.asarray(convert(image if box == (0, 0, *image.size) else image.crop(box)))
    pixels = np.empty((box.height, box.width, 3), np.uint8)
    for stripe, part in cut_stripes(image, box):
        pixels[stripe.within(box).slices] = np.asarray(convert(part))
    return pixels


def differs_from(reference: np.ndarray, image: Image.Image, *, outside: Box) -> bool:
    """Whether any pixel of a picture `outside` that box is not the reference's, uint8 H x W x 3.

    The picture has the reference's size.
    """
    for stripe, part in cut_stripes(image, Box(0, 0, *image.size)):
        hole = outside.intersect(stripe)
        hole = NOWHERE if hole.is_empty else hole.within(stripe)
        if differs_outside(reference[stripe.slices], np.asarray(to_rgb(part)), hole):
            return True
    return False


def find_open_box(overlay: Image.Image) -> Box:
    """The smallest box around where an RGBA picture is not opaque; an empty one if it all is."""
    found = NOWHERE
    for stripe, part in cut_stripes(overlay, Box(0, 0, *overlay.size)):
        alpha = np.frombuffer(part.tobytes("raw", "A"), np.uint8)
        alpha = alpha.reshape(stripe.height, stripe.width)
        rows = np.flatnonzero(alpha.min(axis=1) < 255)
        if rows.size:
            top, bottom = int(rows[0]), int(rows[-1]) + 1
            columns = np.flatnonzero(alpha[top:bottom].min(axis=0) < 255)
            box = Box(int(columns[0]), top, int(columns[-1]) + 1, bottom)
            found = found.around(box.moved(0, stripe.top))
    return found

"""Pillow's pictures, read and compared a few rows at a time.

A stripe stays in the processor's cache. A whole picture as an array is memory that the system has
to provide first, which takes longer than to compare it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.arrays import differs_outside
from bleed_guard.core.job import Box

STRIPE = 1 << 17
"""Pixels read at once: what is made of them is small enough for the system to have it at hand."""

PLAIN_STRIPE = 1 << 18
"""Pixels of a stripe that Pillow has to convert, which takes a few calls each time."""

NOWHERE = Box(0, 0, 0, 0)

FILL = np.array([0, 0, 0, 255], np.uint8)
"""Makes the byte that Pillow leaves to chance what it is mostly."""

Convert = Callable[[Image.Image], Image.Image]


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture itself if it is RGB already."""
    return image if image.mode == "RGB" else image.convert("RGB")


def cut_stripes(box: Box, pixels: int) -> Iterator[Box]:
    """`box` from top to bottom, as many rows at a time as have so many pixels; at least one."""
    rows = max(1, pixels // max(box.width, 1))
    for top in range(box.top, box.bottom * (not box.is_empty), rows):
        yield box._replace(top=top, bottom=min(top + rows, box.bottom))


def read_raw(
    image: Image.Image, box: Box, rawmode: str, depth: int
) -> Iterator[tuple[Box, np.ndarray]]:
    """The part `box` of a picture in stripes: where each lies, and its bytes.

    `rawmode` is one that Pillow packs the picture's mode into, `depth` its bytes a pixel; uint8
    h x w x depth, only to be read. A new Pillow that packs otherwise is asked for each stripe.
    """
    encode = None if box.is_empty else _open_encoder(image, box, rawmode)
    for stripe in cut_stripes(box, STRIPE):
        size = stripe.area * depth
        data = encode(size) if encode else b""
        if len(data) != size:
            data = image.crop(stripe).tobytes("raw", rawmode)
        yield stripe, np.frombuffer(data, np.uint8).reshape(stripe.height, stripe.width, depth)


def _open_encoder(image: Image.Image, box: Box, rawmode: str) -> Callable[[int], bytes] | None:
    """What Pillow's `tobytes` works with: gives so many bytes of the part `box` from where it
    last stopped, without a copy of the part or of the bytes. None where Pillow has it not."""
    image.load()
    try:
        encoder = Image._getencoder(image.mode, "raw", rawmode)
        encoder.setimage(image.im, box)
    except (AttributeError, TypeError):
        return None
    return lambda size: encoder.encode(size)[2]


def _read_rgbx(image: Image.Image, box: Box, convert: Convert) -> Iterator[tuple[Box, np.ndarray]]:
    """The part `box` in stripes as Pillow holds it: uint8 h x w x 4, only to be read. The fourth
    byte is mostly 255."""
    if image.mode == "RGB":
        yield from read_raw(image, box, "RGBX", 4)
        return
    for stripe in cut_stripes(box, PLAIN_STRIPE):
        own = Box(0, 0, stripe.width, stripe.height)
        parts = read_raw(convert(image.crop(stripe)), own, "RGBX", 4)
        yield from ((part.moved(stripe.left, stripe.top), levels) for part, levels in parts)


def read_pixels(
    image: Image.Image, convert: Convert = to_rgb, *, box: Box | None = None
) -> np.ndarray:
    """R, G, B of a picture of any mode, or of its part `box`: uint8 h x w x 3.

    `convert` makes a stripe RGB; what it makes of a pixel must depend on that pixel alone.
    """
    box = box or Box(0, 0, *image.size)
    pixels = np.empty((box.height, box.width, 3), np.uint8)
    for stripe, levels in _read_rgbx(image, box, convert):
        cv2.cvtColor(levels, cv2.COLOR_RGBA2RGB, pixels[stripe.within(box).slices])
    return pixels


def read_layer(image: Image.Image, convert: Convert = to_rgb) -> np.ndarray:
    """As `read_pixels`, with 255 in a fourth place: uint8 H x W x 4."""
    layer = np.empty((image.height, image.width, 4), np.uint8)
    for stripe, levels in _read_rgbx(image, Box(0, 0, *image.size), convert):
        words = layer[stripe.slices].view(np.uint32)
        np.bitwise_or(levels.view(np.uint32), FILL.view(np.uint32), out=words)
    return layer


def read_channel(image: Image.Image, channel: str) -> np.ndarray:
    """One channel of a picture that has it, "L" or "A": uint8 H x W."""
    levels = np.empty((image.height, image.width), np.uint8)
    for stripe, part in read_raw(image, Box(0, 0, *image.size), channel, 1):
        levels[stripe.slices] = part[..., 0]
    return levels


def differs_from(reference: np.ndarray, image: Image.Image, *, outside: Box) -> bool:
    """Whether any pixel of a picture `outside` that box is not the reference's.

    The reference is uint8 H x W x 4 with 255 in the fourth place; the picture has its size.
    """
    for stripe, levels in _read_rgbx(image, Box(0, 0, *image.size), to_rgb):
        hole = outside.intersect(stripe)
        hole = NOWHERE if hole.is_empty else hole.within(stripe)
        own = reference[stripe.slices]
        if differs_outside(own, levels, hole) and differs_outside(own, levels | FILL, hole):
            return True
    return False


def find_open_box(overlay: Image.Image) -> Box:
    """The smallest box around where an RGBA picture is not opaque; an empty one if it all is."""
    found = NOWHERE
    for stripe, levels in read_raw(overlay, Box(0, 0, *overlay.size), "A", 1):
        alpha = levels[..., 0]
        rows = np.flatnonzero(alpha.min(axis=1) < 255)
        if rows.size:
            top, bottom = int(rows[0]), int(rows[-1]) + 1
            columns = np.flatnonzero(alpha[top:bottom].min(axis=0) < 255)
            box = Box(int(columns[0]), top, int(columns[-1]) + 1, bottom)
            found = found.around(box.moved(0, stripe.top))
    return found

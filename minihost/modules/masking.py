"""Geometry of only masked, and the masked content fill."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter, ImageOps

Region = tuple[int, int, int, int]

FILL_STAGES = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""(blur radius in px, how often it is laid over) of the hosts' fill, coarse to fine."""


def get_crop_region_v2(mask: Image.Image | np.ndarray, pad: int = 0) -> Region | None:
    """(left, top, right, bottom) of what is not 0, padded within the image; None if blank."""
    image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    box = image.getbbox()
    if box is None or not pad:
        return box
    left, top, right, bottom = box
    width, height = image.size
    return max(left - pad, 0), max(top - pad, 0), min(right + pad, width), min(bottom + pad, height)


def get_crop_region(mask: Image.Image | np.ndarray, pad: int = 0) -> Region:
    """As get_crop_region_v2; for a blank mask a region that may be turned inside out."""
    box = get_crop_region_v2(mask, pad)
    if box is not None:
        return box
    image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
    width, height = image.size
    return max(width - pad, 0), max(height - pad, 0), min(pad, width), min(pad, height)


def _grown(low: int, high: int, wanted: float, limit: int) -> tuple[int, int]:
    """The span made int(wanted) long around its middle, then pushed into 0..limit."""
    missing = int(wanted - (high - low))
    low -= missing // 2
    high += missing - missing // 2
    if high >= limit:
        low, high = low - (high - limit), limit
    if low < 0:
        low, high = 0, high - low
    return low, min(high, limit)


def expand_crop_region(
    crop_region: Region,
    processing_width: int,
    processing_height: int,
    image_width: int,
    image_height: int,
) -> Region:
    """Grows the region, where the image allows, to the aspect ratio it is worked on in."""
    left, top, right, bottom = crop_region
    ratio = processing_width / processing_height
    if (right - left) / (bottom - top) > ratio:
        top, bottom = _grown(top, bottom, (right - left) / ratio, image_height)
    else:
        left, right = _grown(left, right, (bottom - top) * ratio, image_width)
    return left, top, right, bottom


def fill(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Masked content "fill": the surroundings, ever less blurred, flow into the mask.

    Raises:
        ValueError: The sizes differ ("images do not match").
    """
    known = Image.new("RGBa", image.size)
    known.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    filled = Image.new("RGBA", image.size)
    for radius, repeats in FILL_STAGES:
        blurred = known.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(repeats):
            filled.alpha_composite(blurred)
    return filled.convert("RGB")

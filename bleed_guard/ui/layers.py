"""Layers of the viewer: what the page draws and reads, cut into tiles of exact pixels.

Photographs shrink by averaging, measured values by their maximum, so that one changed pixel is
never lost. Colours are given by the page; here a value is a level of grey.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.heatmap import (
    MASK_TINT,
    UNCHANGED,
    ColorMap,
    Scale,
    color_levels,
    shrink_by_maximum,
)
from bleed_guard.core.job import Box, mask_box
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.core.measure import difference
from bleed_guard.core.record import Pictures

BASE_PIXELS = 2_200_000
"""A picture up to this is one tile of its real pixels; a larger one begins with a reduced view."""

PAGE_PIXELS = 4_500_000
"""The same for the offline page, which has no tiles to go on with."""

TILE = 1024
DARKER = (90, 175, 255)
BRIGHTER = (255, 160, 40)
DELTA_E_STEPS = 4
"""Grey levels per unit of CIELAB difference: 63.75 is the largest a byte can tell."""


class Layer(str, Enum):
    """What can be asked for; those of a picture's name compare it with the reference."""

    REFERENCE = "reference"
    UNGUARDED = "unguarded"
    RESULT = "result"
    AREAS = "areas"
    LEVELS_UNGUARDED = "levels-unguarded"
    LEVELS_RESULT = "levels-result"
    SIGNED_UNGUARDED = "signed-unguarded"
    SIGNED_RESULT = "signed-result"
    DELTA_E_UNGUARDED = "delta-e-unguarded"
    DELTA_E_RESULT = "delta-e-result"


PHOTOGRAPHS = (Layer.REFERENCE, Layer.UNGUARDED, Layer.RESULT)
SIGNED = (Layer.SIGNED_UNGUARDED, Layer.SIGNED_RESULT)

IN_REACH, IN_MASK = 1, 2
"""Codes of the layer AREAS: within the predicted reach of the hard mask; inside it; else 0."""

MASK_CODE = 0
"""In layers of differences: the mask, where change is wanted. All else is 1 and above."""

UNCHANGED_CODES = {"levels": 1, "signed": 128, "delta-e": 1}


def base_factor(shape: tuple[int, int], pixels: int = BASE_PIXELS) -> int:
    """How many real pixels (a power of two per side) one pixel of the first view stands for.

    The view of a picture of `shape` (H, W) has at most `pixels`.
    """
    factor = 1
    while shape[0] * shape[1] > pixels * factor * factor:
        factor *= 2
    return factor


def tile_box(shape: tuple[int, int], column: int, row: int) -> Box:
    """The tile's place in a picture of `shape` (H, W). ValueError if there is none."""
    left, top = column * TILE, row * TILE
    if not (0 <= left < shape[1] and 0 <= top < shape[0]):
        raise ValueError(f"there is no tile {column}, {row}")
    return Box(left, top, min(left + TILE, shape[1]), min(top + TILE, shape[0]))


class Part(NamedTuple):
    """What a layer has to show: `values`, uint8 h x w (x 3 RGB), lie at `box` in the view.

    Outside the box a photograph shows the reference, differences are `UNCHANGED_CODES` and areas
    are 0. The box is in pixels of the view, which are `base_factor` real ones or one.
    """

    box: Box
    values: np.ndarray


def render_base(
    pictures: Pictures, layer: Layer, reach: int = 0, *, pixels: int = BASE_PIXELS
) -> Part:
    """The whole layer, reduced by `base_factor`; `reach` in px is for the layer AREAS."""
    height, width = shape = pictures.shape
    return _render(pictures, layer, Box(0, 0, width, height), base_factor(shape, pixels), reach)


def render_tile(pictures: Pictures, layer: Layer, tile: Box, reach: int = 0) -> Part:
    """The real pixels of the layer in `tile`, whose top left is the view's."""
    return _render(pictures, layer, tile, 1, reach)


def _render(pictures: Pictures, layer: Layer, view: Box, factor: int, reach: int) -> Part:
    box = _align(find_extent(pictures, layer, reach), factor).intersect(view)
    if box.is_empty:
        return Part(Box(0, 0, 0, 0), np.empty((0, 0), np.uint8))
    values = shrink(render_pixels(pictures, layer, box, reach), layer, factor)
    left, top = (box.left - view.left) // factor, (box.top - view.top) // factor
    return Part(Box(left, top, left + values.shape[1], top + values.shape[0]), values)


def _align(box: Box, factor: int) -> Box:
    """The box grown to whole cells of `factor` x `factor` px."""
    left, top, right, bottom = box
    return Box(
        left - left % factor,
        top - top % factor,
        right + -right % factor,
        bottom + -bottom % factor,
    )


def find_extent(pictures: Pictures, layer: Layer, reach: int) -> Box:
    """Where the layer has something to show, in px of the picture."""
    height, width = pictures.shape
    if layer is Layer.REFERENCE:
        return Box(0, 0, width, height)
    if layer in PHOTOGRAPHS:
        return pictures.changed_box(layer.value)
    masked = mask_box(pictures.mask) or Box(0, 0, 0, 0)
    if layer is Layer.AREAS:
        return masked.grown(reach)
    return masked.around(pictures.changed_box(layer.value.rpartition("-")[2]))


def render_pixels(pictures: Pictures, layer: Layer, box: Box, reach: int = 0) -> np.ndarray:
    """The layer's real pixels in `box`: uint8 h x w (x 3 RGB)."""
    if layer in PHOTOGRAPHS:
        return pictures.crop(layer.value, box)
    if layer is Layer.AREAS:
        return find_areas(pictures, box, reach)
    measured, _, picture = layer.value.rpartition("-")
    codes = MEASURES[measured](pictures.crop("reference", box), pictures.crop(picture, box))
    codes[pictures.crop("mask", box) >= HARD_LEVEL] = MASK_CODE
    return codes


def find_areas(pictures: Pictures, box: Box, reach: int) -> np.ndarray:
    """IN_MASK, IN_REACH or 0 for every pixel of `box`: uint8 h x w."""
    height, width = pictures.shape
    around = box.grown(reach).intersect(Box(0, 0, width, height))
    inside = (pictures.crop("mask", around) >= HARD_LEVEL).astype(np.uint8)
    side = 2 * reach + 1
    near = cv2.dilate(cv2.dilate(inside, np.ones((side, 1))), np.ones((1, side)))
    codes = near * np.uint8(IN_REACH) + inside * np.uint8(IN_MASK - IN_REACH)
    return codes[box.within(around).slices]


def code_levels(reference: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Largest difference over R, G, B plus 1, so 1 = unchanged and 255 = 254 or 255 levels."""
    return np.minimum(difference(reference, picture), 254) + np.uint8(1)


def code_signed(reference: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Brighter or darker, in levels of luma: 128 = unchanged, cut at 127 levels either way."""
    weights = np.array([[0.299, 0.587, 0.114]], np.float32)
    change = cv2.subtract(picture, reference, dtype=cv2.CV_32F)
    luma = cv2.transform(change, weights)
    away_from_zero = np.where(luma < 0, np.floor(luma), np.ceil(luma))
    is_hidden = (away_from_zero == 0) & (difference(reference, picture) > 0)
    return (np.clip(away_from_zero + is_hidden, -127, 127) + 128).astype(np.uint8)


def code_delta_e(reference: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """CIELAB difference (CIE 1976) in steps of 1 / DELTA_E_STEPS, rounded up; 1 = unchanged."""
    labs = [
        cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
        for image in (reference, picture)
    ]
    distance = labs[0] - labs[1]
    steps = DELTA_E_STEPS * np.sqrt(cv2.transform(distance * distance, np.ones((1, 3))))
    return (np.clip(np.ceil(steps), 0, 254) + 1).astype(np.uint8)


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "levels": code_levels,
    "signed": code_signed,
    "delta-e": code_delta_e,
}
"""All take two uint8 h x w x 3 RGB and return uint8 h x w."""


def shrink(array: np.ndarray, layer: Layer, factor: int) -> np.ndarray:
    """Each side `factor` times smaller, rounded up: every cell stands for factor x factor px."""
    if factor == 1:
        return array
    bottom, right = (-size % factor for size in array.shape[:2])
    whole = cv2.copyMakeBorder(array, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    if layer in PHOTOGRAPHS:
        return cv2.resize(whole, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    shape = whole.shape[0] // factor, whole.shape[1] // factor
    return _shrink_signed(whole, shape) if layer in SIGNED else shrink_by_maximum(whole, shape)


def _shrink_signed(codes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Of each cell what is farthest from 128, unless all of it is mask."""
    brightest = shrink_by_maximum(codes, shape)
    unmasked = np.where(codes == MASK_CODE, np.uint8(255), codes)
    darkest = 255 - shrink_by_maximum(255 - unmasked, shape)
    is_darker = brightest.astype(np.int16) + darkest < 256
    return np.where(is_darker & (brightest != MASK_CODE), darkest, brightest)


def color_tables(color_map: str = ColorMap.CIVIDIS) -> dict[str, np.ndarray]:
    """The colour of every code on every scale: uint8 256 x 3 RGB. `MASK_CODE` is the mask's.

    "signed" has two colours of its own, whatever the `color_map`.
    """
    levels = np.arange(256, dtype=np.uint8)[None, :]
    tables = {
        "log": _color_codes(color_levels(levels, Scale.LOG, color_map)[0]),
        "linear": _color_codes(color_levels(levels, Scale.LINEAR, color_map)[0]),
        "delta-e": _color_codes(color_levels(levels, Scale.LOG, color_map)[0]),
        "signed": _signed_colors(),
    }
    for table in tables.values():
        table[MASK_CODE] = MASK_TINT
    return tables


def _color_codes(colors: np.ndarray) -> np.ndarray:
    table = np.empty((256, 3), np.uint8)
    table[1:] = colors[:255]
    table[1] = UNCHANGED
    return table


def _signed_colors() -> np.ndarray:
    """Blue where the picture became darker, orange where brighter; log steps from dark grey.

    Blue and orange are told apart with every common colour vision deficiency.
    """
    table = np.empty((256, 3), np.uint8)
    share = np.log1p(np.abs(np.arange(256) - 128)) / np.log(129)
    for is_side, color in ((np.arange(256) < 128, DARKER), (np.arange(256) >= 128, BRIGHTER)):
        strength = np.where(share > 0, 0.25 + 0.75 * share, 0)[is_side, None]
        mixed = np.asarray(UNCHANGED) * (1 - strength) + np.asarray(color) * strength
        table[is_side] = np.rint(mixed)
    return table

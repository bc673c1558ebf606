"""Layers of the viewer: what the page draws and reads, cut into tiles of exact pixels.

Photographs shrink by averaging, measured values by their maximum, so that one changed pixel is
never lost. Colours are given by the page; here a value is a level of grey.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import cv2
import numpy as np

from bleed_guard.core.heatmap import shrink_by_maximum
from bleed_guard.core.job import Box
from bleed_guard.core.mask import edge_distance, mask_box
from bleed_guard.core.measure import difference
from bleed_guard.core.record import Pictures

BASE_PIXELS = 4_500_000
"""A picture up to this is one tile of its real pixels; a larger one begins with a reduced view."""

TILE = 1024
DISTANCE_LIMIT = 2**15 - 1
DELTA_E_STEPS = 4
"""Grey levels per unit of CIELAB difference: 63.75 is the largest a byte can tell."""


class Layer(str, Enum):
    """What can be asked for. Against the reference where two pictures are compared."""

    REFERENCE = "reference"
    UNGUARDED = "unguarded"
    RESULT = "result"
    GEOMETRY = "geometry"
    LEVELS_UNGUARDED = "levels-unguarded"
    LEVELS_RESULT = "levels-result"
    SIGNED_UNGUARDED = "signed-unguarded"
    SIGNED_RESULT = "signed-result"
    DELTA_E_UNGUARDED = "delta-e-unguarded"
    DELTA_E_RESULT = "delta-e-result"


PHOTOGRAPHS = (Layer.REFERENCE, Layer.UNGUARDED, Layer.RESULT)


def base_factor(shape: tuple[int, int]) -> int:
    """How many real pixels (a power of two per side) one pixel of the first view stands for."""
    factor = 1
    while shape[0] * shape[1] > BASE_PIXELS * factor * factor:
        factor *= 2
    return factor


def tile_box(shape: tuple[int, int], column: int, row: int) -> Box:
    """The tile's place in a picture of `shape` (H, W). ValueError if there is none."""
    left, top = column * TILE, row * TILE
    if not (0 <= left < shape[1] and 0 <= top < shape[0]):
        raise ValueError(f"there is no tile {column}, {row}")
    return Box(left, top, min(left + TILE, shape[1]), min(top + TILE, shape[0]))


def render_base(pictures: Pictures, layer: Layer, factor: int) -> np.ndarray:
    """The whole layer, each side `factor` times smaller: uint8 h x w (x 3 RGB)."""
    height, width = pictures.mask.shape
    box = Box(0, 0, width, height)
    return shrink(render_part(pictures, layer, box), layer, factor)


def render_part(pictures: Pictures, layer: Layer, box: Box) -> np.ndarray:
    """The real pixels of the layer in `box`: uint8 h x w (x 3 RGB)."""
    if layer in PHOTOGRAPHS:
        return pictures.crop(layer.value, box)
    if layer is Layer.GEOMETRY:
        return pack_geometry(pictures, box)
    measured, _, picture = layer.value.rpartition("-")
    return MEASURES[measured](pictures.crop("reference", box), pictures.crop(picture, box))


def pack_geometry(pictures: Pictures, box: Box) -> np.ndarray:
    """Where the pixels of `box` lie: uint8 h x w x 3.

    The first channel is the mask, the others `protected` (1 bit) and the distance to the mask
    (15 bits, in px); a blank mask is `DISTANCE_LIMIT` away.
    """
    mask = pictures.crop("mask", box)
    distance = np.minimum(_distance(pictures, box), DISTANCE_LIMIT).astype(np.uint16)
    protected = pictures.crop("protected", box).astype(np.uint8)
    packed = np.empty((*mask.shape, 3), np.uint8)
    packed[..., 0] = mask
    packed[..., 1] = (distance >> 8).astype(np.uint8) | (protected << 7)
    packed[..., 2] = (distance & 255).astype(np.uint8)
    return packed


def _distance(pictures: Pictures, box: Box) -> np.ndarray:
    """Distance to the mask over `box`, computed on no more than the box and the mask."""
    around = mask_box(pictures.mask)
    if around is None:
        return np.full((box.height, box.width), np.inf, np.float32)
    window = Box(
        min(box.left, around.left),
        min(box.top, around.top),
        max(box.right, around.right),
        max(box.bottom, around.bottom),
    )
    inside = Box(
        box.left - window.left,
        box.top - window.top,
        box.right - window.left,
        box.bottom - window.top,
    )
    return edge_distance(pictures.crop("mask", window))[inside.slices]


def signed_difference(reference: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Brighter or darker, in levels of luma: uint8 H x W, 128 = the same, cut at -128 and +127."""
    weights = np.array([[0.299, 0.587, 0.114]], np.float32)
    change = cv2.subtract(picture, reference, dtype=cv2.CV_16S)
    luma = cv2.transform(change.astype(np.float32), weights)
    changed = luma + np.copysign(0.5, luma)  # half a level away from zero: no change is lost
    luma = np.where(difference(reference, picture) > 0, changed, 0)
    return (np.clip(np.trunc(luma), -128, 127) + 128).astype(np.uint8)


def delta_e(reference: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """CIELAB difference (CIE 1976) in steps of 1 / DELTA_E_STEPS: uint8 H x W, rounded up."""
    labs = [
        cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
        for image in (reference, picture)
    ]
    distance = np.linalg.norm(labs[0] - labs[1], axis=2)
    return np.clip(np.ceil(distance * DELTA_E_STEPS), 0, 255).astype(np.uint8)


def shrink(array: np.ndarray, layer: Layer, factor: int) -> np.ndarray:
    """Each side `factor` times smaller, rounded up: every cell stands for factor x factor px."""
    if factor == 1:
        return array
    bottom, right = (-size % factor for size in array.shape[:2])
    whole = cv2.copyMakeBorder(array, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    if layer in PHOTOGRAPHS:
        return cv2.resize(whole, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    height, width = whole.shape[0] // factor, whole.shape[1] // factor
    if layer is Layer.GEOMETRY:
        return _shrink_geometry(whole, (height, width))
    if layer in (Layer.SIGNED_UNGUARDED, Layer.SIGNED_RESULT):
        brightest = shrink_by_maximum(whole, (height, width))
        darkest = 255 - shrink_by_maximum(255 - whole, (height, width))
        return np.where(brightest.astype(int) + darkest >= 256, brightest, darkest)
    return shrink_by_maximum(whole, (height, width))


def _shrink_geometry(packed: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mask and protection by their maximum, distance by the nearest: uint8 h x w x 3."""
    small = cv2.resize(packed, shape[::-1], interpolation=cv2.INTER_NEAREST)
    small[..., 0] = shrink_by_maximum(np.ascontiguousarray(packed[..., 0]), shape)
    return small


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "levels": difference,
    "signed": signed_difference,
    "delta-e": delta_e,
}

"""Differences as a picture: perceptually even, colour-blind safe, with a legend.

Drawn smaller than the pictures, each cell shows its MAXIMUM, so that one changed pixel of a
64-megapixel picture is still seen.
"""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from bleed_guard.core.arrays import check_sizes, cut_rows
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.core.measure import difference


class ColorMap(str, Enum):
    """The colours of differences; lightness rises evenly in all of them.

    Cividis (Nunez, Anderton, Renslow 2018) is made to read the same with and without colour
    vision deficiency.
    """

    CIVIDIS = "cividis"
    VIRIDIS = "viridis"
    INFERNO = "inferno"
    GREY = "grey"


CV2_MAPS = {
    ColorMap.CIVIDIS: cv2.COLORMAP_CIVIDIS,
    ColorMap.VIRIDIS: cv2.COLORMAP_VIRIDIS,
    ColorMap.INFERNO: cv2.COLORMAP_INFERNO,
}

UNCHANGED = (24, 24, 27)
MASK_TINT = (70, 70, 78)
LEGEND_HEIGHT = 22
LEGEND_MARGIN = 1
"""px left free beside the outermost numbers: OpenCV 5 begins a letter where 4 leaves a column."""

LEGEND_TICKS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 255)


class Scale(str, Enum):
    """How a difference of 0-255 levels becomes a brightness of 0-1."""

    LINEAR = "linear"
    LOG = "log"


def render_heatmap(
    reference: np.ndarray,
    result: np.ndarray,
    mask: np.ndarray,
    *,
    scale: Scale | str = Scale.LOG,
    size: tuple[int, int] | None = None,
    legend: bool = True,
    color_map: ColorMap | str = ColorMap.CIVIDIS,
) -> np.ndarray:
    """What changed outside the mask, as uint8 h x w x 3 RGB.

    `reference` and `result` are uint8 H x W x 3, `mask` uint8 H x W with 255 = repaint. `size`
    (width, height) is the largest the map may become without the legend; it is never enlarged.
    Unchanged pixels are near black, the mask is a flat grey. ValueError if sizes differ.
    """
    check_sizes(reference, result, mask)
    outside = (mask < HARD_LEVEL).view(np.uint8)
    delta = difference(reference, result)
    delta *= outside
    shape = _fit(delta.shape, size)
    levels, area = shrink_by_maximum(delta, shape), shrink_by_maximum(outside, shape)
    picture = _paint(levels, area, scale, color_map)
    if not legend:
        return picture
    return np.vstack([picture, _draw_legend(picture.shape[1], scale, color_map)])


def _paint(
    levels: np.ndarray, outside: np.ndarray, scale: Scale | str, color_map: ColorMap | str
) -> np.ndarray:
    """The map of uint8 H x W `levels`, with the mask where `outside` (uint8 H x W) is 0."""
    colors = _tell_colors(scale, color_map)[:, None]
    picture = np.empty((*levels.shape, 3), np.uint8)
    for rows in cut_rows(levels.shape):
        part = picture[rows]
        cv2.applyColorMap(levels[rows], colors, part)
        part[outside[rows] == 0] = MASK_TINT
    return picture


def _tell_colors(scale: Scale | str, color_map: ColorMap | str) -> np.ndarray:
    """uint8 256 x 3: what each level is drawn in, in the map and in its legend."""
    colors = color_levels(np.arange(256, dtype=np.uint8)[None], scale, color_map)[0]
    colors[0] = UNCHANGED
    return colors


def _fit(shape: tuple[int, ...], size: tuple[int, int] | None) -> tuple[int, int]:
    """(height, width) of a picture of `shape` inside `size` (width, height), never larger."""
    height, width = shape[:2]
    if size is None:
        return height, width
    factor = min(1.0, size[0] / width, size[1] / height)
    return max(1, int(height * factor)), max(1, int(width * factor))


def shrink_by_maximum(levels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """uint8 H x W -> uint8 `shape`, each cell the maximum over the pixels it stands for."""
    if shape == levels.shape:
        return levels
    narrow = _shrink_rows(cv2.transpose(_shrink_rows(levels, shape[0])), shape[1])
    return cv2.transpose(narrow)


def _shrink_rows(levels: np.ndarray, count: int) -> np.ndarray:
    """As `count` rows, whole rows at a time: many times quicker than numpy's reduceat."""
    height = levels.shape[0]
    first = np.arange(count) * height // count
    last = np.append(first[1:], height) - 1
    largest = levels[first]
    for step in range(1, int((last - first).max()) + 1):
        cv2.max(largest, levels[np.minimum(first + step, last)], largest)
    return largest


def color_levels(
    levels: np.ndarray, scale: Scale | str, color_map: ColorMap | str = ColorMap.CIVIDIS
) -> np.ndarray:
    """uint8 H x W of 0-255 levels -> uint8 H x W x 3 RGB by `color_map` and `scale`."""
    table = np.arange(256, dtype=np.float64)
    if Scale(scale) is Scale.LOG:
        table = 255 * np.log1p(table) / np.log(256)
    brightness = np.rint(table).astype(np.uint8)
    lights = cv2.LUT(levels, brightness)
    if ColorMap(color_map) is ColorMap.GREY:
        return cv2.cvtColor(lights, cv2.COLOR_GRAY2RGB)
    bgr = cv2.applyColorMap(lights, CV2_MAPS[ColorMap(color_map)])
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _draw_legend(width: int, scale: Scale | str, color_map: ColorMap | str) -> np.ndarray:
    """A bar of the colours with the levels they stand for: uint8 LEGEND_HEIGHT x width x 3."""
    steps = np.linspace(0, 1, width)
    levels = 256**steps - 1 if Scale(scale) is Scale.LOG else 255 * steps
    legend = np.full((LEGEND_HEIGHT, width, 3), UNCHANGED, np.uint8)
    legend[:6] = _tell_colors(scale, color_map)[np.rint(levels).astype(np.uint8)]
    last = -np.inf
    for tick in LEGEND_TICKS:
        share = np.log1p(tick) / np.log(256) if Scale(scale) is Scale.LOG else tick / 255
        text = str(tick)
        text_width = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.33, 1)[0][0]
        rightmost = width - text_width - LEGEND_MARGIN
        left = int(np.clip(share * (width - 1) - text_width / 2, LEGEND_MARGIN, rightmost))
        if left < last + 4 or rightmost < LEGEND_MARGIN:
            continue
        white = (235, 235, 235)
        cv2.putText(legend, text, (left, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.33, white, 1, cv2.LINE_AA)
        last = left + text_width
    return legend

"""What is found tile by tile is what a look at the whole picture finds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bleed_guard.core.edges import TILE, find_rim, find_ring, measure_depth, measure_thickness

SHAPE = (2 * TILE + 37, 3 * TILE + 11)


def draw_masks() -> dict[str, np.ndarray]:
    """bool H x W: shapes that end, begin and pass at the tiles' borders."""
    masks = {name: np.zeros(SHAPE, np.uint8) for name in ("ellipse", "strokes", "specks", "holes")}
    cv2.ellipse(masks["ellipse"], (400, 270), (330, 240), 20, 0, 360, (1,), -1)
    for at in (TILE - 1, TILE, 2 * TILE + 3):
        cv2.line(masks["strokes"], (at, 0), (at, SHAPE[0]), (1,), 3)
        cv2.line(masks["strokes"], (0, at), (SHAPE[1], at - 40), (1,), 9)
    drawn = np.random.default_rng(4)
    masks["specks"][drawn.random(SHAPE) < 0.002] = 1
    masks["holes"][drawn.random(SHAPE) > 0.0003] = 1
    masks["at the border"] = np.ones(SHAPE, np.uint8)
    masks["at the border"][:, -30:] = 0
    return {name: mask.astype(bool) for name, mask in masks.items()}


MASKS = draw_masks()


@pytest.mark.parametrize("width", [1, 5, 65])
@pytest.mark.parametrize("name", list(MASKS))
def test_the_rim_of_the_whole_picture(name: str, width: int) -> None:
    inside = MASKS[name]
    rim, depth = find_rim(inside, width), measure_depth(inside)
    expected = np.flatnonzero(inside & (depth < width))
    assert np.array_equal(rim.pixels, expected)
    assert rim.depth == pytest.approx(depth.ravel()[expected], abs=1e-5)
    thickness = measure_thickness(depth, width).ravel()[expected]
    assert np.array_equal(np.minimum(rim.thickness, width), np.minimum(thickness, width))


@pytest.mark.parametrize("name", list(MASKS))
def test_the_ring_of_the_whole_picture(name: str) -> None:
    inside = MASKS[name]
    whole = cv2.distanceTransform((~inside).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    expected = np.flatnonzero((whole > 8) & (whole <= 16))
    assert np.array_equal(find_ring(inside, 8, 16), expected)


@pytest.mark.parametrize("inside", [np.zeros((9, 7), bool), np.ones((9, 7), bool)])
def test_a_mask_without_an_edge_has_neither(inside: np.ndarray) -> None:
    assert find_rim(inside, 5).pixels.size == 0
    assert find_ring(inside, 8, 16).size == 0

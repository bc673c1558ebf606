"""Any mask form, its softness, blur, reach and the area it protects."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from bleed_guard.core.job import Box, Protection, gap_box, mask_box
from bleed_guard.core.mask import (
    blur_mask,
    blur_reach,
    edge_distance,
    grow_box,
    harden,
    largest_living_blur,
    protected_area,
    read_mask,
    soft_fraction,
)

INF = float("inf")
masks = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24))


def grey(*levels: int) -> Image.Image:
    return Image.fromarray(np.array([levels], np.uint8))


def deep(*levels: int) -> Image.Image:
    return Image.fromarray(np.array([levels], np.uint16))


def rgba(*alphas: int, luma: int = 255) -> Image.Image:
    return Image.fromarray(np.array([[(luma, luma, luma, alpha) for alpha in alphas]], np.uint8))


def palette() -> Image.Image:
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 200, 200, 200, 255, 255, 255])
    image.putdata([0, 1, 2])
    return image


def with_transparent_colour(image: Image.Image) -> Image.Image:
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(grey(0, 1, 127, 128, 255), [0, 1, 127, 128, 255], id="L keeps its greys"),
        pytest.param(
            grey(0, 127, 128).convert("1", dither=Image.Dither.NONE), [0, 0, 255], id="1 bit"
        ),
        pytest.param(palette(), [0, 200, 255], id="palette, by its colours"),
        pytest.param(
            with_transparent_colour(palette()), [0, 200, 255], id="palette's alpha is not read"
        ),
        pytest.param(grey(0, 9, 255).convert("LA"), [0, 9, 255], id="LA, by luma"),
        pytest.param(grey(0, 9, 255).convert("RGB"), [0, 9, 255], id="RGB, by luma"),
        pytest.param(rgba(255, 255, luma=40), [40, 40], id="RGBA all opaque, by luma"),
        pytest.param(rgba(0, 128, 129, 255), [0, 0, 255, 255], id="RGBA, alpha cut above 128"),
        pytest.param(rgba(0, 0), [0, 0], id="RGBA all transparent is blank"),
        pytest.param(deep(0, 300, 32767, 32768, 65535), [0, 1, 127, 128, 255], id="16 bits"),
        pytest.param(
            deep(0, 300, 32768, 65535).convert("I"), [0, 1, 128, 255], id="16 bits held as 32"
        ),
        pytest.param(deep(0, 127, 255), [0, 127, 255], id="8-bit levels in 16 bits"),
        pytest.param(
            Image.fromarray(np.array([[0, 0.25, 0.5, 1]], np.float32)),
            [0, 64, 128, 255],
            id="floats 0-1",
        ),
        pytest.param(
            Image.fromarray(np.array([[-3, 0, 128, 255]], np.float32)),
            [0, 0, 128, 255],
            id="floats 0-255",
        ),
    ],
)
def test_read_mask_in_any_mode(image: Image.Image, expected: list[int]) -> None:
    mask = read_mask(image)
    assert mask.dtype == np.uint8
    assert mask.tolist() == [expected]
    assert read_mask(image, invert=True).tolist() == [[255 - level for level in expected]]


def test_half_of_a_16_bit_mask_is_where_it_turns_on() -> None:
    assert harden(read_mask(deep(32767, 32768))).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param([[0, 0]], 0.0, id="blank"),
        pytest.param([[255, 255]], 0.0, id="full"),
        pytest.param([[0, 255, 255, 254]], 1 / 3, id="one grey of three"),
        pytest.param([[1, 128]], 1.0, id="all grey"),
    ],
)
def test_soft_fraction(mask: list[list[int]], expected: float) -> None:
    assert soft_fraction(np.array(mask, np.uint8)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([], None, id="blank"),
        pytest.param([(2, 3)], Box(3, 2, 4, 3), id="one pixel"),
        pytest.param([(0, 0), (4, 6)], Box(0, 0, 7, 5), id="corners"),
        pytest.param([(1, 5), (3, 2)], Box(2, 1, 6, 4), id="two parts"),
    ],
)
def test_mask_box(points: list[tuple[int, int]], expected: Box | None) -> None:
    mask = np.zeros((5, 7), np.uint8)
    for point in points:
        mask[point] = 1
    assert mask_box(mask) == expected
    assert gap_box(mask == 0) == expected


def test_grow_box_stays_in_the_picture() -> None:
    assert grow_box(Box(2, 1, 4, 3), 2, (10, 5)) == Box(0, 0, 5, 5)


@pytest.mark.parametrize(
    ("mask_blur", "reach", "visible"),
    [
        pytest.param(0, 0, 0, id="off"),
        pytest.param(1, 3, 3, id="1"),
        pytest.param(4, 10, 10, id="4"),
        pytest.param(5, 13, 13, id="5"),
        pytest.param(16, 40, 39, id="16"),
        pytest.param(64, 160, 154, id="64"),
    ],
)
def test_blur_reaches_no_farther_than_said(mask_blur: int, reach: int, visible: int) -> None:
    """Behind a straight edge; the last px of a wide blur round to 0."""
    mask = np.zeros((3, 500), np.uint8)
    mask[:, :250] = 255
    blurred = blur_mask(mask, mask_blur)
    assert blur_reach(mask_blur) == reach
    assert np.flatnonzero(blurred[1])[-1] - 249 == visible


def test_no_blur_changes_nothing() -> None:
    mask = np.array([[0, 7, 255]], np.uint8)
    assert blur_mask(mask, 0).tolist() == mask.tolist()


def stroke(thickness: int, *, size: int = 200) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    cv2.line(mask, (20, 20), (size - 21, size - 40), (255,), thickness)
    return mask


def one_pixel(level: int = 255) -> np.ndarray:
    mask = np.zeros((64, 64), np.uint8)
    mask[30, 40] = level
    return mask


@pytest.mark.parametrize(
    ("mask", "mask_blur", "expected"),
    [
        pytest.param(np.zeros((8, 8), np.uint8), 16, 16, id="blank keeps its blur"),
        pytest.param(np.full((8, 8), 100, np.uint8), 16, 16, id="soft below 50 % keeps its blur"),
        pytest.param(one_pixel(), 16, 0, id="one pixel at blur 16"),
        pytest.param(one_pixel(), 0, 0, id="no blur"),
        pytest.param(stroke(3), 33, 4, id="thin stroke at blur 33"),
        pytest.param(stroke(39), 64, 52, id="thick stroke at blur 64"),
        pytest.param(stroke(60), 16, 16, id="thick stroke lives"),
        pytest.param(np.full((8, 8), 255, np.uint8), 64, 64, id="full"),
    ],
)
def test_largest_living_blur(mask: np.ndarray, mask_blur: int, expected: int) -> None:
    assert largest_living_blur(mask, mask_blur, mask_box(mask)) == expected


def draw_shapes() -> dict[str, np.ndarray]:
    """Masks that a wide blur wipes out, at the picture's border and away from it."""
    strip, corner, pair, grey = (np.zeros((120, 200), np.uint8) for _ in range(4))
    strip[:, 90:99] = 255
    corner[:14, 180:] = 255
    corner[60, 60] = 255
    cv2.circle(pair, (60, 60), 10, (255,), -1)
    cv2.circle(pair, (90, 60), 14, (255,), -1)
    grey[40:80, 50:150] = 150
    shapes = {"strip": strip, "corner": corner, "two dots": pair, "grey": grey}
    return shapes | {f"{name}, turned": shape.T.copy() for name, shape in shapes.items()}


@pytest.mark.parametrize("mask_blur", [12, 64])
@pytest.mark.parametrize("shape", draw_shapes())
def test_one_more_than_the_living_blur_wipes_out(shape: str, mask_blur: int) -> None:
    mask = draw_shapes()[shape]
    blur = largest_living_blur(mask, mask_blur, mask_box(mask))
    assert blur_mask(mask, blur).max() >= 128
    assert blur == mask_blur or blur_mask(mask, blur + 1).max() < 128


@given(masks, st.integers(0, 64))
def test_the_living_blur_leaves_something_to_repaint(mask: np.ndarray, mask_blur: int) -> None:
    blur = largest_living_blur(mask, mask_blur, mask_box(mask))
    assert 0 <= blur <= mask_blur
    if mask.max() >= 128:
        assert blur_mask(mask, blur).max() >= 128


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param([[0, 0, 255, 0]], [[2, 1, 0, 1]], id="a row"),
        pytest.param([[0, 128], [0, 0], [0, 0]], [[1, 0], [1, 1], [2, 2]], id="diagonal is one"),
        pytest.param([[127, 0]], [[INF, INF]], id="127 is outside: blank"),
        pytest.param([[255]], [[0]], id="full"),
    ],
)
def test_edge_distance(mask: list[list[int]], expected: list[list[float]]) -> None:
    assert edge_distance(np.array(mask, np.uint8)).tolist() == expected
    assert edge_distance(np.array(mask, np.uint8) >= 128).tolist() == expected


@pytest.mark.parametrize(
    ("protection", "band", "expected"),
    [
        pytest.param(Protection.HARD, 0, [1, 1, 1, 1, 0, 0, 1], id="hard: below 50 %"),
        pytest.param(Protection.HARD, 2, [1, 1, 1, 1, 0, 0, 1], id="hard knows no band"),
        pytest.param(Protection.SOFT, 0, [1, 1, 1, 0, 0, 0, 1], id="soft: where it is 0"),
        pytest.param(Protection.SOFT, 2, [1, 0, 0, 0, 0, 0, 0], id="soft and 2 px away"),
        pytest.param(Protection.NONE, 0, [0, 0, 0, 0, 0, 0, 0], id="none"),
    ],
)
def test_protected_area(protection: Protection, band: int, expected: list[int]) -> None:
    mask = np.array([[0, 0, 0, 127, 128, 255, 0]], np.uint8)
    area = protected_area(mask, protection, band=band)
    assert area.dtype == bool
    assert area.astype(int).tolist() == [expected]


@given(masks, st.integers(0, 12))
def test_soft_protection_is_what_the_blur_cannot_reach(mask: np.ndarray, mask_blur: int) -> None:
    protected = protected_area(mask, Protection.SOFT, band=blur_reach(mask_blur))
    assert not blur_mask(mask, mask_blur)[protected].any()

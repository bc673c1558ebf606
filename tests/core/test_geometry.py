"""Where the result lies over the init image: resize modes, crop box, odd sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bleed_guard.core.geometry import (
    build_mask,
    build_reference,
    crop_box,
    crop_top_left,
    flatten_image,
    resize_image,
)
from bleed_guard.core.job import Box, ResizeMode

RED, HALF_RED = (200, 0, 0, 255), (200, 0, 0, 128)


def pixel(color: tuple[int, ...] | int, mode: str) -> Image.Image:
    return Image.new(mode, (2, 1), color)


@pytest.mark.parametrize(
    ("image", "background", "expected"),
    [
        pytest.param(pixel((1, 2, 3), "RGB"), "#ffffff", (1, 2, 3), id="RGB as it is"),
        pytest.param(pixel(RED, "RGBA"), "#00ff00", (200, 0, 0), id="opaque RGBA"),
        pytest.param(pixel(HALF_RED, "RGBA"), "#ffffff", (227, 127, 127), id="on white"),
        pytest.param(pixel(HALF_RED, "RGBA"), "#808080", (164, 64, 64), id="on grey"),
        pytest.param(pixel((9, 0), "LA"), "#ffffff", (9, 9, 9), id="LA loses its alpha"),
        pytest.param(pixel(1, "1"), "#ffffff", (255, 255, 255), id="1 bit"),
        pytest.param(pixel(32768, "I;16"), "#ffffff", (128, 128, 128), id="16 bits"),
        pytest.param(pixel(65535, "I"), "#ffffff", (255, 255, 255), id="16 bits held as 32"),
    ],
)
def test_flatten_image(image: Image.Image, background: str, expected: tuple[int, ...]) -> None:
    flat = flatten_image(image, background)
    assert flat.shape == (1, 2, 3)
    assert flat.dtype == np.uint8
    assert tuple(flat[0, 0].tolist()) == expected


def stripes() -> Image.Image:
    """4 x 2: columns of 10, 20, 30, 40."""
    return Image.fromarray(np.tile(np.array([10, 20, 30, 40], np.uint8), (2, 1)))


@pytest.mark.parametrize(
    ("mode", "size", "expected"),
    [
        pytest.param(ResizeMode.JUST_RESIZE, (4, 1), [[10, 20, 30, 40]], id="stretch"),
        pytest.param(ResizeMode.LATENT_UPSCALE, (4, 1), [[10, 20, 30, 40]], id="latent stretches"),
        pytest.param(
            ResizeMode.CROP_AND_RESIZE, (2, 2), [[20, 30]] * 2, id="crop keeps the middle"
        ),
        pytest.param(
            ResizeMode.RESIZE_AND_FILL, (8, 2), [[10, 10, 10, 20, 30, 40, 40, 40]] * 2, id="fill"
        ),
        pytest.param(
            ResizeMode.RESIZE_AND_FILL,
            (4, 6),
            [[10, 20, 30, 40]] * 6,
            id="fill above and below",
        ),
    ],
)
def test_resize_modes(mode: ResizeMode, size: tuple[int, int], expected: list[list[int]]) -> None:
    resized = np.asarray(resize_image(mode, stripes(), *size)).astype(int)
    assert resized.shape == np.shape(expected)
    assert np.abs(resized - expected).max() <= 1  # the stretched edge is a level off


sizes = st.tuples(*[st.integers(8, 40)] * 2)


@given(st.sampled_from(list(ResizeMode)), sizes, sizes)
def test_every_resize_gives_the_size_asked_for(
    mode: ResizeMode, source: tuple[int, int], target: tuple[int, int]
) -> None:
    mask = np.full(source[::-1], 255, np.uint8)
    assert build_mask(mask, size=target, resize_mode=mode).shape == target[::-1]


def test_only_masked_keeps_the_init_images_own_size() -> None:
    image = stripes().convert("RGB")
    reference = build_reference(image, only_masked=True, size=(512, 512))
    assert reference.tolist() == np.asarray(image).tolist()


def test_whole_picture_takes_the_size_asked_for_and_the_hosts_own_resize() -> None:
    calls = []

    def host_resize(mode: ResizeMode, image: Image.Image, width: int, height: int) -> Image.Image:
        calls.append((mode, width, height))
        return Image.new("RGB", (width, height), (5, 6, 7))

    image = stripes().convert("RGB")
    reference = build_reference(
        image,
        only_masked=False,
        size=(8, 3),
        resize_mode=ResizeMode.CROP_AND_RESIZE,
        resize=host_resize,
    )
    assert calls == [(ResizeMode.CROP_AND_RESIZE, 8, 3)]
    assert (reference == (5, 6, 7)).all()
    assert reference.shape == (3, 8, 3)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param((93, 61), (61, 93), id="same size"),
        pytest.param((88, 56), (56, 88), id="down to a multiple of 8"),
        pytest.param((85, 61), None, id="a whole cell less"),
        pytest.param((94, 61), None, id="larger"),
    ],
)
def test_crop_top_left(size: tuple[int, int], expected: tuple[int, int] | None) -> None:
    array = np.arange(61 * 93).reshape(61, 93)
    cropped = crop_top_left(array, size)
    if expected is None:
        assert cropped is None
    else:
        assert cropped is not None
        assert cropped.tolist() == array[: expected[0], : expected[1]].tolist()


@pytest.mark.parametrize(
    ("box", "padding", "size", "expected"),
    [
        pytest.param((40, 20, 60, 40), 0, (64, 64), (40, 20, 60, 40), id="square as it is"),
        pytest.param((40, 20, 60, 40), 5, (64, 64), (35, 15, 65, 45), id="padding"),
        pytest.param((40, 20, 60, 40), 0, (128, 64), (30, 20, 70, 40), id="widened"),
        pytest.param((40, 20, 60, 40), 0, (64, 128), (40, 10, 60, 50), id="heightened"),
        pytest.param((0, 20, 20, 40), 0, (128, 64), (0, 20, 40, 40), id="moved off the left edge"),
        pytest.param((80, 20, 100, 40), 0, (128, 64), (60, 20, 100, 40), id="off the right edge"),
        pytest.param((40, 0, 60, 60), 0, (256, 64), (0, 0, 100, 60), id="cut at both edges"),
        pytest.param((40, 20, 60, 40), 99, (64, 64), (0, 0, 100, 60), id="padding beyond all"),
        pytest.param((40, 20, 43, 22), 0, (64, 64), (40, 20, 43, 23), id="odd rest at the end"),
    ],
)
def test_crop_box(
    box: tuple[int, ...], padding: int, size: tuple[int, int], expected: tuple[int, ...]
) -> None:
    mask = np.zeros((60, 100), np.uint8)
    mask[Box(*box).slices] = 255
    assert crop_box(mask, padding=padding, size=size) == Box(*expected)


def test_a_blank_mask_has_no_crop() -> None:
    assert crop_box(np.zeros((4, 4), np.uint8), padding=32, size=(64, 64)) is None


boxes = st.tuples(*[st.integers(0, 59)] * 2).map(sorted)


@given(boxes, boxes, st.integers(0, 256), st.tuples(*[st.integers(8, 2048)] * 2))
def test_the_crop_holds_the_mask_and_lies_in_the_picture(
    columns: list[int], rows: list[int], padding: int, size: tuple[int, int]
) -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = 1
    box = crop_box(mask, padding=padding, size=size)
    assert box is not None
    assert 0 <= box.left <= columns[0] <= columns[1] < box.right <= 60
    assert 0 <= box.top <= rows[0] <= rows[1] < box.bottom <= 60

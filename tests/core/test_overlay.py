"""An overlay laid on where it is half transparent is the overlay laid on everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core import stripes
from bleed_guard.core.job import Box
from bleed_guard.core.overlay import Overlay

WIDTH, HEIGHT = 31, 17
INSIDE = Box(5, 3, 22, 14)


@pytest.fixture(autouse=True, params=[1, 3, HEIGHT])
def stripes_of_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are read so many rows at a time."""
    monkeypatch.setattr(stripes, "STRIPE", request.param * WIDTH)


def composite(picture: Image.Image, overlay: Image.Image) -> Image.Image:
    """As the hosts do it."""
    laid = picture.convert("RGBA")
    laid.alpha_composite(overlay)
    return laid.convert("RGB")


def make_overlay(reference: np.ndarray, alphas: list[int], seed: int) -> Image.Image:
    """The reference, opaque but for INSIDE, whose pixels have one of `alphas` each, and other
    colours where they are not opaque."""
    random = np.random.default_rng(seed)
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[INSIDE.slices] = random.choice(alphas, (INSIDE.height, INSIDE.width))
    noise = random.integers(0, 256, reference.shape, np.uint8)
    colors = np.where(alpha[..., None] == 255, reference, noise)
    return Image.fromarray(np.dstack([colors, alpha]), "RGBA")


@pytest.mark.parametrize("alphas", [[0], [0, 255], [1, 254], [128], [*range(256)], [0, 0, 0, 7]])
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_the_host_makes_of_the_whole(alphas: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    reference, generated = random.integers(0, 256, (2, HEIGHT, WIDTH, 3), np.uint8)
    overlay = make_overlay(reference, alphas, seed)
    expected = np.asarray(composite(Image.fromarray(generated), overlay))
    opened = Overlay.of(overlay)
    part = opened.box.slices
    shown = opened.lay_on(generated[part].copy(), reference[part].copy(), composite)
    np.testing.assert_array_equal(shown, expected[part])
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[part] = False
    np.testing.assert_array_equal(expected[outside], reference[outside])


def test_few_half_transparent_pixels_are_sparse_and_many_are_not() -> None:
    reference = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert Overlay.of(make_overlay(reference, [0, 0, 0, 0, 0, 0, 0, 7], 0)).is_sparse
    assert not Overlay.of(make_overlay(reference, [0, 7], 0)).is_sparse


def test_an_opaque_overlay_has_an_empty_box() -> None:
    reference = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    assert Overlay.of(make_overlay(reference, [255], 0)).box.is_empty

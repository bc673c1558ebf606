"""What the page draws: exact where it is cut, never losing a pixel where it is reduced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bleed_guard.core.job import Box
from bleed_guard.core.record import LoadedPictures
from bleed_guard.ui import layers
from bleed_guard.ui.layers import Layer
from tests.ui.records import CROP, MASK, REACH, SHAPE, make_pictures

WHOLE = Box(0, 0, SHAPE[1], SHAPE[0])


@pytest.mark.parametrize(
    ("layer", "box"),
    [
        (Layer.REFERENCE, WHOLE),
        (Layer.UNGUARDED, MASK.grown(REACH)),
        (Layer.RESULT, MASK),
        (Layer.AREAS, MASK.grown(REACH)),
        (Layer.LEVELS_UNGUARDED, MASK.grown(REACH)),
        (Layer.LEVELS_RESULT, MASK),
    ],
)
def test_only_what_a_layer_has_to_show_is_sent(layer: Layer, box: Box) -> None:
    assert layers.render_base(make_pictures(), layer, REACH).box == box


def test_photographs_are_the_very_pixels() -> None:
    pictures = make_pictures()
    part = layers.render_base(pictures, Layer.UNGUARDED)
    np.testing.assert_array_equal(part.values, pictures.unguarded[part.box.slices])


@pytest.mark.parametrize(
    ("layer", "around", "inside"),
    [
        (Layer.LEVELS_UNGUARDED, 6, 0),
        (Layer.SIGNED_UNGUARDED, 133, 0),
        (Layer.LEVELS_RESULT, 1, 0),
        (Layer.SIGNED_RESULT, 128, 0),
        (Layer.AREAS, layers.IN_REACH, layers.IN_MASK),
    ],
)
def test_codes_of_the_mask_and_around_it(layer: Layer, around: int, inside: int) -> None:
    codes = layers.render_pixels(make_pictures(), layer, WHOLE, REACH)
    assert codes[MASK.top - 1, MASK.left] == around
    assert codes[MASK.top, MASK.left] == inside


def test_a_tile_is_the_same_as_cut_from_the_whole() -> None:
    pictures = make_pictures()
    for layer in Layer:
        part = layers.render_tile(pictures, layer, CROP, REACH)
        whole = layers.render_pixels(pictures, layer, WHOLE, REACH)
        np.testing.assert_array_equal(part.values, whole[CROP.slices][part.box.slices])


def test_a_tile_with_nothing_to_show_is_empty() -> None:
    part = layers.render_tile(make_pictures(), Layer.UNGUARDED, Box(0, 0, 8, 8))
    assert part.box.is_empty


def test_tiles_cover_the_picture_and_no_more() -> None:
    shape = (layers.TILE + 5, 2 * layers.TILE)
    assert layers.tile_box(shape, 1, 1) == Box(1024, 1024, 2048, 1029)
    with pytest.raises(ValueError, match="no tile 2, 0"):
        layers.tile_box(shape, 2, 0)


@pytest.mark.parametrize(
    ("shape", "factor"),
    [((400, 600), 1), ((1080, 1920), 1), ((2048, 2048), 2), ((4096, 4096), 4), ((8192, 8192), 8)],
)
def test_larger_pictures_begin_with_a_reduced_view(shape: tuple[int, int], factor: int) -> None:
    assert layers.base_factor(shape) == factor


@pytest.mark.parametrize("factor", [2, 4])
@given(st.data())
def test_one_changed_pixel_survives_every_reduction(factor: int, data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    y, x = data.draw(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)))
    change = data.draw(st.sampled_from([-100, -1, 1, 100]))
    reference = np.full((height, width, 3), 120, np.uint8)
    changed = reference.copy()
    changed[y, x] += np.int16(change).astype(np.uint8)
    for layer, measure, unchanged in (
        (Layer.LEVELS_RESULT, layers.code_levels, 1),
        (Layer.SIGNED_RESULT, layers.code_signed, 128),
        (Layer.DELTA_E_RESULT, layers.code_delta_e, 1),
    ):
        codes = measure(reference, changed)
        expected = np.full((-(-height // factor), -(-width // factor)), unchanged)
        expected[y // factor, x // factor] = codes[y, x]
        assert codes[y, x] != unchanged
        np.testing.assert_array_equal(layers.shrink(codes, layer, factor), expected)


def test_a_cell_is_mask_only_if_all_of_it_is() -> None:
    codes = np.array([[0, 0, 0, 1], [0, 0, 0, 0]], np.uint8)
    assert layers.shrink(codes, Layer.LEVELS_RESULT, 2).tolist() == [[0, 1]]
    signed = np.array([[0, 0, 0, 128], [0, 0, 0, 0]], np.uint8)
    assert layers.shrink(signed, Layer.SIGNED_RESULT, 2).tolist() == [[0, 128]]


def test_of_brighter_and_darker_the_larger_change_is_shown() -> None:
    codes = np.array([[128, 130], [120, 128]], np.uint8)
    assert layers.shrink(codes, Layer.SIGNED_RESULT, 2).tolist() == [[120]]


def test_changes_without_a_change_of_luma_are_not_hidden() -> None:
    reference = np.full((1, 1, 3), 100, np.uint8)
    turned = np.array([[[101, 99, 102]]], np.uint8)
    assert layers.code_signed(reference, turned)[0, 0] != 128


def test_delta_e_of_black_and_white_is_the_largest() -> None:
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert layers.code_delta_e(black, white)[0, 0] == 255
    assert layers.code_delta_e(black, black)[0, 0] == 1


def test_a_blank_mask_has_no_areas() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    mask = np.zeros((8, 8), np.uint8)
    pictures = LoadedPictures(picture, picture, picture, mask, mask < 128)
    assert layers.render_base(pictures, Layer.AREAS, REACH).box.is_empty


def test_colors_tell_the_mask_the_unchanged_and_every_change_apart() -> None:
    for name, table in layers.color_tables().items():
        unchanged = 128 if name == "signed" else 1
        assert table.shape == (256, 3)
        for code in (unchanged - 1, unchanged + 1):
            step = np.abs(table[code].astype(int) - table[unchanged]).sum()
            assert step > 40, (name, code)

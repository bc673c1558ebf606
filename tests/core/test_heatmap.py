"""What changed outside the mask, as a picture."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bleed_guard.core.heatmap import (
    LEGEND_HEIGHT,
    MASK_TINT,
    UNCHANGED,
    Scale,
    color_levels,
    render_heatmap,
    shrink_by_maximum,
)


def one_pixel_off(height: int, width: int, x: int, y: int) -> tuple[np.ndarray, np.ndarray]:
    """A grey reference, and the same with one channel of one pixel a level up."""
    reference = np.full((height, width, 3), 100, np.uint8)
    result = reference.copy()
    result[y, x, 2] += 1
    return reference, result


@pytest.mark.parametrize(
    ("x", "y"), [(0, 0), (3999, 2999), (1234, 567), (2000, 0)], ids=lambda at: str(at)
)
def test_one_level_in_one_pixel_of_twelve_million_is_seen(x: int, y: int) -> None:
    reference, result = one_pixel_off(3000, 4000, x, y)
    mask = np.zeros((3000, 4000), np.uint8)
    picture = render_heatmap(reference, result, mask, size=(200, 200), legend=False)
    assert picture.shape == (150, 200, 3)
    seen = np.argwhere((picture != UNCHANGED).any(axis=2))
    assert seen.tolist() == [[y // 20, x // 20]]


def test_the_mask_is_grey_and_hides_what_is_under_it() -> None:
    reference, result = one_pixel_off(2, 3, 1, 0)
    mask = np.array([[0, 255, 0], [0, 128, 127]], np.uint8)
    picture = render_heatmap(reference, result, mask, legend=False)
    tinted = (picture == MASK_TINT).all(axis=2)
    assert tinted.tolist() == [[False, True, False], [False, True, False]]
    assert (picture[~tinted] == UNCHANGED).all()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(None, (60, 90), id="own size"),
        pytest.param((45, 999), (30, 45), id="width bounds"),
        pytest.param((999, 20), (20, 30), id="height bounds"),
        pytest.param((900, 600), (60, 90), id="never enlarged"),
        pytest.param((1, 1), (1, 1), id="at least one pixel"),
    ],
)
@pytest.mark.parametrize("legend", [False, True], ids=["bare", "legend"])
def test_size(size: tuple[int, int] | None, expected: tuple[int, int], legend: bool) -> None:
    reference, result = one_pixel_off(60, 90, 1, 1)
    mask = np.zeros((60, 90), np.uint8)
    picture = render_heatmap(reference, result, mask, size=size, legend=legend)
    assert picture.shape == (expected[0] + LEGEND_HEIGHT * legend, expected[1], 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("scale", list(Scale), ids=lambda scale: scale.value)
def test_a_larger_difference_is_lighter(scale: Scale) -> None:
    """In CIELAB lightness, so that it reads without colour vision too."""
    colors = color_levels(np.arange(256, dtype=np.uint8)[None], scale)
    lab = cv2.cvtColor(colors.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness = lab[0, :, 0]
    assert (np.diff(lightness) >= -0.2).all()
    assert lightness[-1] - lightness[0] > 60


def test_one_level_already_stands_out_on_the_log_scale() -> None:
    one = color_levels(np.array([[1]], np.uint8), Scale.LOG)[0, 0].astype(int)
    assert np.abs(one - UNCHANGED).max() > 40


def test_legend_shows_the_whole_scale() -> None:
    reference, result = one_pixel_off(10, 400, 1, 1)
    picture = render_heatmap(reference, result, np.zeros((10, 400), np.uint8))
    bar = picture[10]
    most = color_levels(np.array([[255]], np.uint8), Scale.LOG)[0, 0]
    assert bar[0].tolist() == picture[0, 0].tolist() == list(UNCHANGED), "no difference"
    assert bar[-1].tolist() == most.tolist()
    assert (picture[20:] == 235).all(axis=2).any() or (picture[17:] > 200).any()


def find_numbers(legend: np.ndarray) -> list[tuple[int, int]]:
    """First and last column of each number under the bar."""
    columns = np.flatnonzero((legend[6:] != UNCHANGED).any(axis=(0, 2)))
    numbers = np.split(columns, np.flatnonzero(np.diff(columns) > 5) + 1)
    return [(int(number[0]), int(number[-1])) for number in numbers]


LOG_TICKS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 255]


@pytest.mark.parametrize(
    ("scale", "least"), [(Scale.LOG, LOG_TICKS), (Scale.LINEAR, [0, 8, 16, 32, 64, 128, 255])]
)
def test_each_number_of_the_legend_stands_under_its_color(scale: Scale, least: list[int]) -> None:
    """Numbers that would touch the one before are left out; OpenCV 5 writes narrower ones."""
    reference, result = one_pixel_off(10, 900, 1, 1)
    picture = render_heatmap(reference, result, np.zeros((10, 900), np.uint8), scale=scale)
    legend = picture[10:]
    numbers = find_numbers(legend)
    ticks = (
        least if len(numbers) == len(least) else [tick for tick in LOG_TICKS if tick not in (1, 2)]
    )
    assert len(numbers) == len(ticks)
    colors = color_levels(np.arange(256, dtype=np.uint8)[None], scale)[0].astype(int)
    for (left, right), tick in zip(numbers[1:-1], ticks[1:-1], strict=True):
        under = legend[0, (left + right) // 2].astype(int)
        nearest = int(np.abs(colors - under).sum(axis=1).argmin())
        assert nearest == pytest.approx(tick, rel=0.1, abs=0.5)
    assert 0 < numbers[0][0] <= 3
    assert 896 <= numbers[-1][1] < 899
    assert (legend[:6] == legend[0]).all()


@pytest.mark.parametrize("width", [60, 120, 300])
def test_the_numbers_of_a_narrow_legend_keep_apart(width: int) -> None:
    reference, result = one_pixel_off(10, width, 1, 1)
    legend = render_heatmap(reference, result, np.zeros((10, width), np.uint8))[10:]
    used = (legend[6:] != UNCHANGED).any(axis=(0, 2))
    gaps = [right[0] - left[1] for left, right in pairwise(find_numbers(legend))]
    assert 2 <= len(gaps) + 1 <= len(LOG_TICKS)
    assert min(gaps) > 4
    assert used[-4:].any() or width < 300, "the last number ends at the border"


def test_a_legend_too_narrow_for_a_number_has_none() -> None:
    reference, result = one_pixel_off(10, 4, 1, 1)
    legend = render_heatmap(reference, result, np.zeros((10, 4), np.uint8))[10:]
    assert (legend[6:] == UNCHANGED).all()


def test_the_legends_numbers_are_light_and_smooth() -> None:
    reference, result = one_pixel_off(10, 400, 1, 1)
    text = render_heatmap(reference, result, np.zeros((10, 400), np.uint8))[16:]
    shades = np.unique(text[..., 0])
    assert shades.max() > 200
    assert len(shades) > 8


def test_unknown_scale_and_sizes_are_refused() -> None:
    reference, result = one_pixel_off(2, 2, 0, 0)
    with pytest.raises(ValueError, match="cubic"):
        render_heatmap(reference, result, np.zeros((2, 2), np.uint8), scale="cubic")
    with pytest.raises(ValueError, match="mask 3 x 2"):
        render_heatmap(reference, result, np.zeros((2, 3), np.uint8))


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)),
    st.data(),
)
def test_shrinking_keeps_every_level_in_its_cell(levels: np.ndarray, data: st.DataObject) -> None:
    height, width = levels.shape
    shape = data.draw(st.tuples(st.integers(1, height), st.integers(1, width)))
    small = shrink_by_maximum(levels, shape)
    assert small.shape == shape
    rows = [row * height // shape[0] for row in range(shape[0] + 1)]
    columns = [column * width // shape[1] for column in range(shape[1] + 1)]
    for row in range(shape[0]):
        for column in range(shape[1]):
            cell = levels[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            assert small[row, column] == cell.max()

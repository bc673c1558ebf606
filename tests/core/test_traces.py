"""What a run leaves behind for the diagnosis comes back as it was, and stays small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bleed_guard.core.job import Box, Cause, InpaintJob
from bleed_guard.core.traces import (
    SAMPLE_SIDE,
    PackedArea,
    PackedMask,
    Sample,
    Traces,
    find_sample_box,
    trace_job,
)

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)


@given(hnp.arrays(bool, SHAPES))
def test_an_area_comes_back(area: np.ndarray) -> None:
    unpacked = PackedArea.of(area).unpack()
    assert unpacked.dtype == bool
    assert np.array_equal(unpacked, area)


@given(hnp.arrays(np.uint8, SHAPES), st.booleans())
def test_a_mask_comes_back_however_it_lies_in_memory(mask: np.ndarray, is_turned: bool) -> None:
    mask = mask.T if is_turned else mask
    unpacked = PackedMask.of(mask).unpack()
    assert unpacked.dtype == np.uint8
    assert np.array_equal(unpacked, mask)


def make_mask(side: int = 64) -> np.ndarray:
    """A grey square with a white one in it."""
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : side // 2, side // 4 : side // 2] = 90
    mask[side // 3 : side // 2, side // 3 : side // 2] = 255
    return mask


def make_job(mask: np.ndarray | None = None, **values: object) -> InpaintJob:
    mask = make_mask() if mask is None else mask
    return InpaintJob(mask, (64, 64), (64, 64), only_masked=False, **values)  # type: ignore[arg-type]


def test_traces_are_small() -> None:
    """A picture's mask and areas take a small part of what they take unpacked."""
    mask = make_mask(1024)
    traces = trace_job(make_job(mask), make_mask()).with_area(Cause.JPEG, mask > 0)
    assert 0 < traces.nbytes < mask.nbytes // 50
    sample = Sample(Box(0, 0, 32, 16), np.zeros((16, 32, 3), np.uint8))
    sampled = Traces(traces.settings, traces.own_mask, traces.areas, sample=sample)
    assert sampled.nbytes == traces.nbytes + 32 * 16 * 3


def test_what_takes_memory_is_counted_whole() -> None:
    mask = make_mask()
    bare = trace_job(make_job(mask), mask)
    assert bare.nbytes == 0
    one, two = bare.with_area(Cause.JPEG, mask > 0), bare.with_area(Cause.STEALTH, mask > 99)
    both = one.with_area(Cause.STEALTH, mask > 99)
    assert both.nbytes == one.nbytes + two.nbytes
    assert trace_job(make_job(mask), mask[:32]).nbytes > 0


def test_a_job_comes_back_with_its_own_mask() -> None:
    mask, placed = make_mask(), make_mask(32)
    job = make_job(mask, mask_blur=7)
    again = trace_job(job, placed).job(placed)
    assert np.array_equal(again.mask, mask)
    assert again.mask_blur == 7


def test_a_mask_that_is_the_pictures_is_not_kept_twice() -> None:
    mask = make_mask()
    for placed in (mask, mask.copy()):
        traces = trace_job(make_job(mask), placed)
        assert traces.own_mask is None
        assert traces.settings.mask.size == 0
        assert traces.job(placed).mask is placed


def test_areas_of_one_cause_add_up() -> None:
    first, second = make_mask() == 90, make_mask() == 255
    traces = trace_job(make_job(), make_mask())
    assert traces.with_area(Cause.JPEG, np.zeros((64, 64), bool)) is traces
    traces = traces.with_area(Cause.STEALTH, second).with_area(Cause.JPEG, first)
    traces = traces.with_area(Cause.JPEG, second)
    assert list(traces.areas) == [Cause.STEALTH, Cause.JPEG]
    assert np.array_equal(traces.areas[Cause.JPEG].unpack(), first | second)
    assert np.array_equal(traces.areas[Cause.STEALTH].unpack(), second)


def test_an_area_of_another_size_takes_the_place_of_the_one_before() -> None:
    small = make_mask(32) > 0
    traces = trace_job(make_job(), make_mask()).with_area(Cause.JPEG, make_mask() > 0)
    assert np.array_equal(traces.with_area(Cause.JPEG, small).areas[Cause.JPEG].unpack(), small)


def blank(height: int = 1200, width: int = 1600) -> np.ndarray:
    return np.zeros((height, width), np.uint8)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("bottom", [True, False])
def test_the_sample_lies_in_the_corner_that_is_free(right: bool, bottom: bool) -> None:
    mask = blank()
    mask[:] = 255
    left, top = (1600 - SAMPLE_SIDE) * right, (1200 - SAMPLE_SIDE) * bottom
    corner = Box(left, top, left + SAMPLE_SIDE, top + SAMPLE_SIDE)
    mask[corner.slices] = 0
    assert find_sample_box(mask) == corner


@pytest.mark.parametrize(("across", "down"), [(0.5, 0), (0, 0.5), (1, 0.5), (0.5, 1)])
def test_the_sample_lies_at_the_side_that_is_free(across: float, down: float) -> None:
    mask = blank() + np.uint8(255)
    left, top = int((1600 - SAMPLE_SIDE) * across), int((1200 - SAMPLE_SIDE) * down)
    side = Box(left, top, left + SAMPLE_SIDE, top + SAMPLE_SIDE)
    mask[side.slices] = 0
    assert find_sample_box(mask) == side


def test_the_sample_is_of_what_the_model_painted() -> None:
    within = Box(700, 100, 900, 1100)
    found = find_sample_box(blank(), within)
    assert found is not None
    assert found.intersect(within) == found
    assert (found.width, found.height) == (200, SAMPLE_SIDE)
    beyond = find_sample_box(blank(100, 90), Box(40, 30, 4000, 3000))
    assert beyond == Box(40, 30, 90, 100)


@pytest.mark.parametrize(
    ("size", "is_found"),
    [((16, 16), True), ((15, 64), False), ((64, 15), False), ((64, 64), True)],
    ids=lambda value: str(value),
)
def test_a_sample_has_some_pixels(size: tuple[int, int], is_found: bool) -> None:
    assert (find_sample_box(blank(*size)) is not None) == is_found


@pytest.mark.parametrize(("covered", "is_found"), [(32, True), (36, False), (64, False)])
def test_half_of_the_sample_is_free(covered: int, is_found: bool) -> None:
    mask = blank(64, 64)
    mask[:, :covered] = 1
    assert (find_sample_box(mask) is not None) == is_found

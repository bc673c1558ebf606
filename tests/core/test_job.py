"""The records that travel between the guard's parts: boxes, sentences, and what goes to JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bleed_guard.core.job import (
    BleedReport,
    Box,
    Cause,
    Change,
    Finding,
    Fix,
    GuardPlan,
    InpaintJob,
    ProfileBin,
    ResizeMode,
    SeamStats,
    Severity,
    Verdict,
    WorstSpot,
    ZoneStats,
)

SIDE = 12


def draw_boxes() -> st.SearchStrategy[Box]:
    """Boxes inside a square of SIDE, empty ones among them."""
    corner = st.integers(0, SIDE)
    return st.builds(Box, corner, corner, corner, corner)


def cover(box: Box) -> np.ndarray:
    """bool SIDE x SIDE: the pixels of the box."""
    area = np.zeros((SIDE, SIDE), bool)
    area[box.slices] = True
    return area


@given(draw_boxes())
def test_a_boxs_sides_are_those_of_its_pixels(box: Box) -> None:
    area = cover(box)
    assert box.is_empty == (not area.any())
    if not box.is_empty:
        assert (box.height, box.width) == area[box.slices].shape
        assert box.area == area.sum()


@given(draw_boxes(), draw_boxes())
def test_two_boxes_hold_in_common_what_both_cover(first: Box, second: Box) -> None:
    assert np.array_equal(cover(first.intersect(second)), cover(first) & cover(second))


@given(draw_boxes(), draw_boxes())
def test_the_box_around_two_is_the_smallest(first: Box, second: Box) -> None:
    around, both = first.around(second), cover(first) | cover(second)
    assert around.is_empty == (not both.any())
    if not around.is_empty:
        rows, columns = np.nonzero(both)
        edges = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert around == edges


@given(draw_boxes(), st.integers(-5, 5), st.integers(-5, 5))
def test_a_moved_box_lies_where_its_pixels_go(box: Box, right: int, down: int) -> None:
    moved = box.moved(right, down)
    assert (moved.left - box.left, moved.top - box.top) == (right, down)
    assert (moved.width, moved.height) == (box.width, box.height)


def test_a_box_grows_on_every_side_unless_it_is_empty() -> None:
    assert Box(3, 4, 6, 9).grown(2) == Box(1, 2, 8, 11)
    assert Box(3, 4, 3, 9).grown(2) == Box(3, 4, 3, 9)


def test_a_box_within_another_indexes_the_same_pixels() -> None:
    picture = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    outer, inner = Box(2, 3, 11, 10), Box(4, 5, 9, 8)
    part = picture[outer.slices][inner.within(outer).slices]
    assert np.array_equal(part, picture[inner.slices])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change("padding", 64, 32, "limit"), "padding 64 -> 32, limit"),
        (Change("strength", 0.9, 0.7, "cap"), "strength 0.9 -> 0.7, cap"),
        (Change("strength", 1.0, 0.5, "cap"), "strength 1 -> 0.5, cap"),
        (Change("blur", 4, 0, "alive"), "blur 4 -> 0, alive"),
        (Change("overlay", True, False, "why"), "overlay on -> off, why"),
        (Change("refiner", "xl", None, "why"), "refiner xl -> off, why"),
        (Change("refiner", "xl", "", "why"), "refiner xl -> off, why"),
    ],
)
def test_a_change_is_told_as_people_read_it(change: Change, told: str) -> None:
    assert change.text == told


def test_a_finding_is_one_paragraph_of_whole_sentences() -> None:
    finding = Finding(Cause.JPEG, Severity.WARNING, "It bleeds", "It is lossy.", Fix("Save as PNG"))
    assert finding.text == "It bleeds. It is lossy. Save as PNG."
    assert replace(finding, why="", fix=None).text == "It bleeds."


@pytest.mark.parametrize("mode", ResizeMode)
@pytest.mark.parametrize("only_masked", [True, False])
def test_a_mask_is_filled_where_the_hosts_resize_takes_latent_upscale_for_it(
    mode: ResizeMode, only_masked: bool
) -> None:
    job = InpaintJob(np.zeros((8, 8), np.uint8), (8, 8), (8, 8), only_masked, resize_mode=mode)
    is_filled = mode is ResizeMode.LATENT_UPSCALE and only_masked
    assert job.mask_resize_mode is (ResizeMode.RESIZE_AND_FILL if is_filled else mode)


def plan(*changes: Change) -> GuardPlan:
    mask = np.zeros((8, 8), np.uint8)
    return GuardPlan(InpaintJob(mask, (8, 8), (8, 8), only_masked=False), changes)


def test_a_plan_tells_whether_the_size_is_left() -> None:
    blur = Change("mask blur", 4, "hard", "")
    assert not plan(blur).leaves_size
    assert plan(blur, Change("original's size", "93 x 61", "88 x 56", "")).leaves_size


REPORT = BleedReport(
    size=(40, 30),
    tolerance=1,
    protected=900,
    changed=7,
    max=31,
    mean=0.5,
    p99=12.0,
    reach=5,
    verdict=Verdict.BLEED,
    zones=(ZoneStats("far", 800, 6, 31, 0.4), ZoneStats("soft band", 100, 1, 2, 0.1)),
    profile=(ProfileBin(1, 50, 4, 31, 2.5), ProfileBin(2, 60, 3, 9, 1.5)),
    seam=SeamStats(80, 6.0, 4.0, 1.5),
    histogram=(893, 4, 3),
    worst=(WorstSpot(3, 4, 31, 1),),
)


def test_a_report_is_plain_json_with_every_number() -> None:
    """As report.json and the API give it: these names are read by other programs."""
    assert json.loads(json.dumps(REPORT.to_json())) == {
        "size": [40, 30],
        "tolerance": 1,
        "protected": 900,
        "changed": 7,
        "max": 31,
        "mean": 0.5,
        "p99": 12.0,
        "reach": 5,
        "verdict": "bleed",
        "zones": {
            "far": {"protected": 800, "changed": 6, "max": 31, "mean": 0.4},
            "soft band": {"protected": 100, "changed": 1, "max": 2, "mean": 0.1},
        },
        "profile": [
            {"distance": 1, "protected": 50, "changed": 4, "max": 31, "mean": 2.5},
            {"distance": 2, "protected": 60, "changed": 3, "max": 9, "mean": 1.5},
        ],
        "seam": {"pairs": 80, "step": 6.0, "reference_step": 4.0, "ratio": 1.5},
        "histogram": [893, 4, 3],
        "worst": [{"x": 3, "y": 4, "difference": 31, "distance": 1}],
    }


def test_a_reports_values_are_plain_before_json_makes_them_so() -> None:
    plain = REPORT.to_json()
    assert type(plain["verdict"]) is str
    for name in ("size", "profile", "histogram", "worst"):
        assert type(plain[name]) is list, name
    assert type(plain["profile"][0]) is type(plain["worst"][0]) is type(plain["seam"]) is dict

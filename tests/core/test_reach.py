"""The predicted reach is the measured one, on every job the real hosts were recorded with."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bleed_guard.core.geometry import build_reference
from bleed_guard.core.job import Box, InpaintJob, ResizeMode
from bleed_guard.core.mask import HARD_LEVEL, blur_mask, edge_distance, read_mask, soft_fraction
from bleed_guard.core.measure import difference, measure_reach
from bleed_guard.core.reach import (
    is_smoothing,
    place_mask,
    predict_reach,
    result_size,
    straight_edge_reach,
)

RECORDINGS = Path(__file__).parents[1] / "recordings"
NOT_PREDICTABLE = "soft-inpainting"  # it decides by the latents, while sampling
FOLDERS = sorted(
    path.parent
    for path in RECORDINGS.glob("*/*/mask.png")
    if NOT_PREDICTABLE not in path.parent.name
)
FLOAT_OVERLAY = "precise-mask"  # its faintest pixels change only under a strong difference


class Recording(NamedTuple):
    job: InpaintJob
    reference: np.ndarray
    composite: np.ndarray

    @property
    def measured(self) -> int:
        mask = place_mask(self.job, self.job.mask)
        changed = difference(self.reference, self.composite) > 0
        return measure_reach(changed & (mask < HARD_LEVEL), edge_distance(mask))


def load_recording(folder: Path) -> Recording:
    case = json.loads((folder / "case.json").read_text())
    request, options = case["request"], case["request"]["options"]
    size = {"width": request["width"], "height": request["height"]}
    for event in case["events"]:  # Forge Neo rounds what was asked for to multiples of 64
        size.update({key: event.get("p_changed", {}).get(key, size[key]) for key in size})
    is_neo = folder.parent.name == "forge-neo"
    with Image.open(folder / "init_0.png") as init, Image.open(folder / "mask.png") as mask:
        job = InpaintJob(
            mask=read_mask(mask, invert=bool(request.get("inpainting_mask_invert"))),
            init_size=init.size,
            size=(size["width"], size["height"]),
            only_masked=request.get("inpaint_full_res", True),
            mask_blur=request["mask_blur"],
            resize_mode=ResizeMode(request.get("resize_mode", 0)),
            has_overlay=options["overlay_inpaint"],
            blur_doubles=not is_neo,
            has_precise_mask=options.get("img2img_inpaint_precise_mask", False),
        )
        reference = build_reference(
            init,
            only_masked=job.only_masked,
            size=job.size,
            resize_mode=job.resize_mode,
            background="#808080" if is_neo else "#ffffff",
        )
    width, height = result_size(job)
    with Image.open(folder / "composite_0.png") as composite:
        return Recording(job, reference[:height, :width], np.asarray(composite.convert("RGB")))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_predicted_reach_is_the_recorded_one(folder: Path) -> None:
    recording = load_recording(folder)
    predicted = predict_reach(recording.job).pixels
    if FLOAT_OVERLAY in folder.name:
        assert predicted - 1 <= recording.measured <= predicted
    else:
        assert predicted == recording.measured


def test_the_recordings_are_there() -> None:
    assert len(FOLDERS) == 98


def make_job(mask: np.ndarray, **changes: object) -> InpaintJob:
    size = mask.shape[::-1]
    return replace(InpaintJob(mask, size, size, only_masked=True, mask_blur=0), **changes)


def composite_worst(job: InpaintJob, mask: np.ndarray) -> np.ndarray:
    """Where a host without a guard changes a black original under a white generated picture.

    A plain second way to the same truth: the whole picture, the host's own order of steps.
    """
    blurred = blur_mask(mask, job.mask_blur)
    if not job.only_masked:
        blurred = np.clip(blurred.astype(np.float32) * 2, 0, 255).astype(np.uint8)
    return blurred > 0


shapes = st.tuples(st.integers(0, 47), st.integers(0, 47), st.integers(1, 20), st.integers(1, 20))


@given(st.lists(shapes, min_size=1, max_size=3), st.integers(0, 12), st.booleans())
def test_looking_only_around_the_mask_finds_the_same(
    rectangles: list[tuple[int, int, int, int]], blur: int, only_masked: bool
) -> None:
    mask = np.zeros((48, 48), np.uint8)
    for top, left, height, width in rectangles:
        mask[top : top + height, left : left + width] = 255
    job = make_job(mask, mask_blur=blur, only_masked=only_masked)
    is_open = composite_worst(job, mask)
    if only_masked and not is_open.any():
        is_open[:] = True  # the host drops to plain img2img
    expected = measure_reach(is_open & (mask < HARD_LEVEL), edge_distance(mask))
    assert predict_reach(job).pixels == expected


def make_square(level: int = 255) -> np.ndarray:
    mask = np.zeros((64, 64), np.uint8)
    mask[24:40, 24:40] = level
    return mask


@pytest.mark.parametrize(
    ("changes", "pixels", "band"),
    [
        pytest.param({}, 0, 0, id="hard and no blur"),
        pytest.param({"mask_blur": 4}, 10, 10, id="blur"),
        pytest.param({"has_overlay": False}, 24, 0, id="overlay off: the whole picture"),
        pytest.param(
            {"has_overlay": False, "mask_blur": 4}, 24, 10, id="overlay off, band of the blur"
        ),
        pytest.param({"mask": np.zeros((64, 64), np.uint8)}, 64, 0, id="blank: redrawn"),
        pytest.param(
            {"mask": np.zeros((64, 64), np.uint8), "only_masked": False}, 0, 0, id="blank: nothing"
        ),
        pytest.param(
            {
                "resize_mode": ResizeMode.LATENT_UPSCALE,
                "only_masked": False,
                "size": (128, 128),
            },
            48,
            0,
            id="latent upscale: everywhere",
        ),
        pytest.param(
            {"only_masked": False, "size": (128, 128), "mask_blur": 2}, 10, 5, id="enlarged"
        ),
        pytest.param({"mask": make_square(90)}, 64, 0, id="faint: no edge to go from"),
        pytest.param({"mask": make_square(90), "mask_blur": 4}, 64, 9, id="faint and blurred"),
    ],
)
def test_reach_of_literal_jobs(changes: dict[str, object], pixels: int, band: int) -> None:
    assert predict_reach(replace(make_job(make_square()), **changes)) == (pixels, band)


def test_a_grey_rim_reaches_as_far_as_it_goes() -> None:
    mask = make_square()
    mask[40:47, 24:40] = 60
    assert predict_reach(make_job(mask)) == (7, 0)


def test_a_float_overlay_reaches_where_half_a_level_can_show() -> None:
    """Black under white changes by rounding from half a level on: recomposed as the host does."""
    mask = make_square()
    job = make_job(mask, mask_blur=4, has_precise_mask=True, blur_doubles=False)
    weight = cv2.GaussianBlur(mask.astype(np.float32) / 255.0, (21, 21), 4)
    composite = np.clip((weight * 255.0).round(), 0, 255).astype(np.uint8)
    measured = measure_reach((composite > 0) & (mask == 0), edge_distance(mask))
    assert predict_reach(job).pixels == measured


@pytest.mark.parametrize("is_precise", [False, True])
@pytest.mark.parametrize(
    "box",
    [(0, 30, 6, 60), (40, 30, 41, 31), (70, 20, 76, 60), (84, 30, 90, 60), (89, 30, 92, 60)],
    ids=lambda box: str(box),
)
def test_what_a_result_of_odd_size_loses_is_not_reached(
    box: tuple[int, int, int, int], is_precise: bool
) -> None:
    """A whole picture of 93 x 61 comes back as 88 x 56."""
    mask = np.zeros((61, 93), np.uint8)
    mask[Box(*box).slices] = 255
    job = make_job(mask, mask_blur=3, only_masked=False, has_precise_mask=is_precise)
    blurred = np.rint(blur_mask(mask / np.float32(255), 3) * 255)
    kept = np.s_[:56, :88]
    is_open = (blurred if is_precise else composite_worst(job, mask))[kept] > 0
    expected = measure_reach(is_open & (mask[kept] == 0), edge_distance(mask[kept]))
    assert predict_reach(job).pixels == expected


@pytest.mark.parametrize(("blur", "reach"), [(0, 0), (1, 3), (4, 10), (9, 22), (64, 154)])
def test_the_pages_reach_is_that_of_a_straight_edge(blur: int, reach: int) -> None:
    assert straight_edge_reach(blur) == reach
    mask = np.zeros((8, 512), np.uint8)
    mask[:, :256] = 255
    assert predict_reach(make_job(mask, mask_blur=blur)).pixels == reach


def draw_stroke(width: float, points: list[tuple[int, int]]) -> np.ndarray:
    """What a brush paints along a line: each pixel's value is how much of it is covered."""
    fine, scale = np.zeros((96 * 8, 96 * 8), np.uint8), 8
    places = [(x * scale, y * scale) for x, y in points]
    for start, end in itertools.pairwise(places):
        cv2.line(fine, start, end, (255,), round(width * scale))
    return cv2.resize(fine, (96, 96), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("width", [3, 8, 20])
@pytest.mark.parametrize(
    "points",
    [
        [(20, 30), (80, 30)],
        [(20, 30), (80, 47)],
        [(20, 20), (75, 75)],
        [(20, 20), (80, 40), (25, 60)],
    ],
    ids=["straight", "slanted", "diagonal", "a sharp bend"],
)
def test_a_brushs_edge_is_smoothed_not_soft(width: int, points: list[tuple[int, int]]) -> None:
    stroke = draw_stroke(width + 0.5, points)
    assert soft_fraction(stroke) > 0
    assert is_smoothing(stroke)
    assert not is_smoothing(cv2.GaussianBlur(stroke, (0, 0), 2))


@pytest.mark.parametrize(
    ("levels", "is_told"),
    [
        ([0, 255, 255, 0], True),
        ([0, 90, 255, 255, 90, 0], True),
        ([0, 90, 200, 255, 200, 90, 0], True),
        ([0, 40, 90, 255, 255], False),
        ([0, 90, 150, 200, 255, 255], False),
        ([0, 1, 100, 255], False),
        ([0, 90, 0], False),
        ([0, 200, 0], False),
        ([0, 90, 200, 90, 0], False),
        ([255, 255, 90], True),
    ],
)
def test_grey_smooths_an_edge_one_pixel_on_either_side(levels: list[int], is_told: bool) -> None:
    row = np.array([levels], np.uint8)
    assert is_smoothing(row) == is_smoothing(np.repeat(row, 9, axis=0)) == is_told
    assert is_smoothing(np.ascontiguousarray(row.T)) == is_told


def test_one_soft_spot_among_smoothed_edges_is_soft() -> None:
    mask = draw_stroke(8.5, [(20, 30), (80, 47)])
    mask[80, 80] = 90
    assert not is_smoothing(mask)

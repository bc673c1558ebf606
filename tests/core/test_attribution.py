"""Every pixel lies in the bucket of the one factor without which it would have stayed.

The truth is found by leaving out each factor in turn, in a model that repaints all it may.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.attribution import Scene, active_causes, attribute
from bleed_guard.core.geometry import build_mask
from bleed_guard.core.job import Cause, InpaintJob, ResizeMode
from bleed_guard.core.mask import HARD_LEVEL, harden
from bleed_guard.core.reach import blur_on_host, place_mask, result_size
from bleed_guard.core.traces import PackedArea, Traces

WIDTH, HEIGHT = 96, 80
WHOLE, MASKED = {"only_masked": False}, {"only_masked": True}


def make_mask(rim: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A rectangle with a grey rim at its right."""
    mask = np.zeros((height, width), np.uint8)
    rows = slice(height // 3, 2 * height // 3)
    mask[rows, width // 3 : width // 2] = 255
    mask[rows, width // 2 : 2 * width // 3] = rim
    return mask


def make_dot() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[30, 40] = 255
    return mask


def make_job(mask: np.ndarray, **values: object) -> InpaintJob:
    fields = {"size": (WIDTH, HEIGHT), "mask_blur": 0, "only_masked": False, **values}
    return InpaintJob(mask, init_size=(WIDTH, HEIGHT), **fields)  # type: ignore[arg-type]


def opens(job: InpaintJob) -> np.ndarray:
    """bool H x W: where this job's host lets the generated picture through."""
    blurred = blur_on_host(job.mask, job)
    if job.only_masked and not blurred.any():
        width, height = job.init_size
        return np.ones((height, width), bool)
    opened = find_open_weights(job) if job.has_precise_mask else place_mask(job, blurred) > 0
    if not job.has_overlay or job.has_soft_inpainting:
        return np.ones(opened.shape, bool)
    moved = job.resize_mode is ResizeMode.LATENT_UPSCALE and job.size != job.init_size
    return lay_at_the_top_left(job, blurred) if moved and not job.only_masked else opened


def find_open_weights(job: InpaintJob) -> np.ndarray:
    """A float overlay, which the host stretches with OpenCV: it moves what rounds to a level."""
    weight = blur_on_host(job.mask / np.float32(255), job)
    size = job.init_size if job.only_masked else job.size
    width, height = result_size(job)
    weight = cv2.resize(weight, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return np.rint(weight * 255) > 0


def lay_at_the_top_left(job: InpaintJob, blurred: np.ndarray) -> np.ndarray:
    """After a latent upscale the overlay is as small as the original was."""
    if job.has_precise_mask:
        return np.ones(job.size[::-1], bool)
    image = Image.fromarray(blurred).resize(job.size, Image.Resampling.LANCZOS)
    levels = np.asarray(image).astype(float)
    strong = levels * 2 if job.blur_doubles else np.rint(np.sqrt(levels / 255) * 255)
    image = Image.fromarray(np.clip(strong, 0, 255).astype(np.uint8))
    small = np.asarray(image.resize(job.init_size, Image.Resampling.LANCZOS))
    opened = np.ones(job.size[::-1], bool)
    part = opened[: small.shape[0], : small.shape[1]]
    part[:] = (small > 0)[: part.shape[0], : part.shape[1]]
    return opened


def fit(job: InpaintJob) -> InpaintJob:
    """The job with its mask painted at the size the host needs, its greys with it."""
    size = job.init_size if job.only_masked else job.size
    placed = build_mask(job.mask, size=size, resize_mode=job.mask_resize_mode)
    near = cv2.resize(job.mask, placed.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return replace(job, mask=np.maximum(harden(placed), np.where(near < HARD_LEVEL, near, 0)))


UNDO: dict[Cause, Callable[[InpaintJob], InpaintJob]] = {
    Cause.MASK_BLUR: lambda job: replace(job, mask_blur=0),
    Cause.WHOLE_REDRAW: lambda job: replace(job, mask_blur=0),
    Cause.SOFT_MASK: lambda job: replace(job, mask=harden(job.mask)),
    Cause.OVERLAY_OFF: lambda job: replace(job, has_overlay=True),
    Cause.SOFT_INPAINTING: lambda job: replace(job, has_soft_inpainting=False),
    Cause.LATENT_UPSCALE: lambda job: replace(job, resize_mode=ResizeMode.JUST_RESIZE),
    Cause.MASK_FORM: fit,
}


@dataclass(frozen=True)
class Situation:
    """A job, and the factors that are in it."""

    job: InpaintJob
    factors: tuple[Cause, ...]


BLUR, SOFT, OFF = Cause.MASK_BLUR, Cause.SOFT_MASK, Cause.OVERLAY_OFF
FORM, UPSCALE = Cause.MASK_FORM, Cause.LATENT_UPSCALE
LARGER = {"size": (WIDTH + 64, HEIGHT + 64)}
LATENT = {"resize_mode": ResizeMode.LATENT_UPSCALE}
SMALL = make_mask(width=48, height=40)
SITUATIONS = {
    "nothing": Situation(make_job(make_mask()), ()),
    "blur": Situation(make_job(make_mask(), mask_blur=4), (BLUR,)),
    "blur of 1 px": Situation(make_job(make_mask(), mask_blur=1), (BLUR,)),
    "blur on both axes": Situation(
        make_job(make_mask(), mask_blur=5, blur_doubles=False, **MASKED), (BLUR,)
    ),
    "soft": Situation(make_job(make_mask(90)), (SOFT,)),
    "soft and blur": Situation(make_job(make_mask(90), mask_blur=4, **MASKED), (BLUR, SOFT)),
    "overlay off": Situation(make_job(make_mask(), has_overlay=False), (OFF,)),
    "overlay off and blur": Situation(
        make_job(make_mask(), has_overlay=False, mask_blur=4), (OFF, BLUR)
    ),
    "soft inpainting": Situation(
        make_job(make_mask(), has_soft_inpainting=True), (Cause.SOFT_INPAINTING,)
    ),
    "two blankets": Situation(
        make_job(make_mask(), has_overlay=False, has_soft_inpainting=True),
        (OFF, Cause.SOFT_INPAINTING),
    ),
    "wiped out": Situation(make_job(make_dot(), mask_blur=33, **MASKED), (Cause.WHOLE_REDRAW,)),
    "wiped out, and the overlay off": Situation(
        make_job(make_dot(), mask_blur=33, has_overlay=False, **MASKED), (OFF, Cause.WHOLE_REDRAW)
    ),
    "blurred away over the whole picture": Situation(make_job(make_dot(), mask_blur=33), (BLUR,)),
    "small mask": Situation(make_job(SMALL), (FORM,)),
    "small mask and blur, only masked": Situation(
        make_job(SMALL, mask_blur=3, **MASKED), (BLUR, FORM)
    ),
    "resized": Situation(make_job(make_mask(), mask_blur=4, **LARGER), (BLUR, FORM)),
    "resized, only masked": Situation(
        make_job(make_mask(), mask_blur=4, **LARGER, **MASKED), (BLUR,)
    ),
    "filled": Situation(
        make_job(make_mask(), resize_mode=ResizeMode.RESIZE_AND_FILL, size=(160, 80)), (FORM,)
    ),
    "latent upscale": Situation(make_job(make_mask(), **LATENT, **LARGER), (UPSCALE, FORM)),
    "latent upscale, square root": Situation(
        make_job(make_mask(), mask_blur=2, blur_doubles=False, **LATENT, **LARGER),
        (UPSCALE, BLUR, FORM),
    ),
    "latent upscale to less": Situation(
        make_job(make_mask(), size=(64, 128), **LATENT), (UPSCALE, FORM)
    ),
    "latent upscale, precise mask": Situation(
        make_job(make_mask(), has_precise_mask=True, **LATENT, **LARGER), (UPSCALE, FORM)
    ),
    "precise mask": Situation(
        make_job(make_mask(), mask_blur=4, has_precise_mask=True, blur_doubles=False), (BLUR,)
    ),
    "precise mask, resized to an odd size": Situation(
        make_job(make_mask(), mask_blur=2, has_precise_mask=True, size=(140, 108)), (BLUR, FORM)
    ),
    "small soft mask": Situation(make_job(make_mask(90, 48, 40)), (SOFT, FORM)),
    "latent upscale of the same size": Situation(
        make_job(make_mask(), mask_blur=4, **LATENT), (BLUR,)
    ),
    "latent upscale, only masked": Situation(
        make_job(make_mask(), mask_blur=4, **LATENT, **LARGER, **MASKED), (BLUR,)
    ),
}


def look(job: InpaintJob, **parts: object) -> tuple[Scene, np.ndarray]:
    """The scene of a job whose model repaints all it may, and what is outside the mask."""
    outside = place_mask(job, job.mask) < HARD_LEVEL
    traces = Traces(job, **parts)  # type: ignore[arg-type]
    return Scene(job, traces, opens(job) & outside), outside


def find_truth(job: InpaintJob, factors: tuple[Cause, ...]) -> dict[Cause, np.ndarray]:
    scene, _ = look(job)
    spared = {cause: scene.host & ~opens(UNDO[cause](job)) for cause in factors}
    times = np.sum([*spared.values(), np.zeros(scene.host.shape)], axis=0)
    truth = {cause: area & (times == 1) for cause, area in spared.items()}
    truth[Cause.SEVERAL] = scene.host & (times != 1)
    return {cause: area for cause, area in truth.items() if area.any()}


def count(buckets: dict[Cause, np.ndarray]) -> dict[str, int]:
    return {cause.value: int(area.sum()) for cause, area in buckets.items()}


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_pixel_is_in_its_true_bucket(name: str) -> None:
    situation = SITUATIONS[name]
    scene, _ = look(situation.job)
    found, truth = attribute(scene), find_truth(situation.job, situation.factors)
    assert tuple(active_causes(scene)) == situation.factors
    assert count(found) == count(truth)
    for cause, area in truth.items():
        assert np.array_equal(found[cause], area), cause


def area(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    found = np.zeros((HEIGHT, WIDTH), bool)
    found[top:bottom, left:right] = True
    return found


def pack(**areas: np.ndarray) -> dict[Cause, PackedArea]:
    return {Cause(name): PackedArea.of(part) for name, part in areas.items()}


def test_another_scripts_pixels_are_its_own_and_shared_where_the_blur_reaches() -> None:
    stamp = area(0, 0, 40, HEIGHT)
    job = make_job(make_mask(), mask_blur=4)
    scene, outside = look(job, areas=pack(other_script=stamp & (make_mask() < HARD_LEVEL)))
    found, blurred = attribute(scene), opens(job) & outside
    assert np.array_equal(found[Cause.OTHER_SCRIPT], stamp & outside & ~blurred)
    assert np.array_equal(found[Cause.MASK_BLUR], blurred & ~stamp)
    assert np.array_equal(found[Cause.SEVERAL], blurred & stamp)


@pytest.mark.parametrize(
    "cause", [Cause.JPEG, Cause.WEBP, Cause.AVIF, Cause.PALETTE, Cause.STEALTH]
)
def test_what_the_file_loses_is_its_formats(cause: Cause) -> None:
    lost = area(0, 0, 20, 30)
    scene, _ = look(make_job(make_mask()), areas=pack(**{cause.value: lost}))
    (found,) = attribute(scene).items()
    assert found[0] is cause
    assert np.array_equal(found[1], lost)


@pytest.mark.parametrize("cause", [Cause.COLOR_CORRECTION, Cause.FACE_RESTORE])
def test_a_stage_that_changes_values_has_what_it_alone_moved(cause: Cause) -> None:
    """It opens no pixel: what the overlay would have covered too is several causes' doing."""
    moved = area(0, 0, 20, HEIGHT)
    off, outside = look(
        make_job(make_mask(), has_overlay=False), areas=pack(**{cause.value: moved})
    )
    found = attribute(off)
    assert np.array_equal(found[Cause.SEVERAL], moved & outside)
    assert np.array_equal(found[Cause.OVERLAY_OFF], outside & ~moved)


def test_pixels_no_factor_reaches_are_another_scripts() -> None:
    job = make_job(make_mask(), mask_blur=2)
    scene, outside = look(job)
    far = area(80, 70, 90, 80)
    found = attribute(replace(scene, host=scene.host | far))
    assert np.array_equal(found[Cause.OTHER_SCRIPT], far)
    assert np.array_equal(found[Cause.MASK_BLUR], opens(job) & outside)


def test_areas_of_another_size_tell_nothing() -> None:
    scene, _ = look(make_job(make_mask()), areas=pack(jpeg=np.ones((8, 8), bool)))
    assert attribute(scene) == {}


@pytest.mark.parametrize("values", [{}, LATENT], ids=["just resize", "latent upscale"])
def test_a_resized_run_brought_back_is_the_resizes_doing_everywhere(values: dict) -> None:
    job = make_job(make_mask(), mask_blur=3, **LARGER, **values)
    outside = make_mask() < HARD_LEVEL
    scene = Scene(job, Traces(job, is_brought_back=True), outside)
    assert tuple(active_causes(scene)) == (Cause.RESIZE, Cause.MASK_BLUR, Cause.MASK_FORM)
    found = attribute(scene)
    near = opens(make_job(make_mask(), mask_blur=3)) & outside
    assert np.array_equal(found[Cause.RESIZE], outside & ~near)
    assert np.array_equal(found[Cause.SEVERAL], near)


def test_a_precise_mask_opens_what_can_move_black_to_white() -> None:
    """A float overlay rounds: a weight under half a level changes nothing."""
    job = make_job(make_mask(), mask_blur=4, has_precise_mask=True, blur_doubles=False)
    weight = blur_on_host(make_mask() / np.float32(255), job)
    opened = (np.rint(weight * 255) > 0) & (make_mask() < HARD_LEVEL)
    found = attribute(Scene(job, Traces(job), make_mask() < HARD_LEVEL))
    assert np.array_equal(found[Cause.MASK_BLUR], opened)
    assert found[Cause.OTHER_SCRIPT].any()


def test_a_whole_redraw_of_another_size_is_told_everywhere() -> None:
    """A blur that wipes the mask out gives back a picture of the size that was asked for."""
    job = make_job(make_dot(), mask_blur=33, size=(48, 40), **MASKED)
    host = np.ones((40, 48), bool)
    host[15, 20] = False
    found = attribute(Scene(job, Traces(job), host))
    assert count(found) == {"whole_redraw": int(host.sum())}


def test_a_blank_mask_is_wiped_out() -> None:
    job = make_job(np.zeros((HEIGHT, WIDTH), np.uint8), **MASKED)
    host = np.ones((HEIGHT, WIDTH), bool)
    assert list(active_causes(Scene(job, Traces(job), host))) == [Cause.WHOLE_REDRAW]

"""How far the host alone will bleed, to the pixel, before anything is sampled."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.geometry import LATENT_CELL, build_mask
from bleed_guard.core.job import Box, InpaintJob, ResizeMode
from bleed_guard.core.mask import (
    HARD_LEVEL,
    blur_mask,
    blur_reach,
    soft_fraction,
)
from bleed_guard.core.measure import measure_farthest

SMALLEST_ALPHA = 1
"""From this level of 255 on, the host's 8-bit overlay lets the generated picture through."""

SMALLEST_WEIGHT = 0.5 / 255
"""From this weight on, a float overlay can change a pixel: black to white by half a level."""


class Reach(NamedTuple):
    """Both in px of the result, chessboard metric.

    `pixels` goes from the mask's hard edge to the farthest protected pixel the host alone may
    change; `band` from where the mask is 0 to where its blurred form is.
    """

    pixels: int
    band: int


def result_size(job: InpaintJob) -> tuple[int, int]:
    """(width, height) of what comes back: whole picture loses what is no multiple of 8."""
    if job.only_masked:
        return job.init_size
    width, height = job.size
    return width // LATENT_CELL * LATENT_CELL, height // LATENT_CELL * LATENT_CELL


def place_mask(job: InpaintJob, mask: np.ndarray) -> np.ndarray:
    """A mask of the user's size -> where it lies over the result, uint8 H x W."""
    placed = build_mask(mask, size=_host_size(job), resize_mode=job.mask_resize_mode)
    width, height = result_size(job)
    return placed[:height, :width]


def _host_size(job: InpaintJob) -> tuple[int, int]:
    """(width, height) the host brings the mask to, before a result of odd size is cut."""
    return job.init_size if job.only_masked else job.size


def predict_reach(job: InpaintJob) -> Reach:
    """How far this job bleeds if nobody guards it and the model repaints every pixel it sees."""
    mask, is_open = _lay_out(job)
    band = _measure(is_open & (mask == 0), mask > 0, job, straight_edge_reach(job.mask_blur))
    if _redraws_all(job):
        mask = place_mask(job, job.mask)
        return Reach(measure_farthest(mask < HARD_LEVEL, mask >= HARD_LEVEL), band)
    if not soft_fraction(mask):
        return Reach(band, band)
    return Reach(_measure(is_open & (mask < HARD_LEVEL), mask >= HARD_LEVEL, job), band)


def _measure(area: np.ndarray, inside: np.ndarray, job: InpaintJob, guess: int = 0) -> int:
    """As `measure_farthest`; where there is no mask to go from, the result's larger side, for
    what was laid out may be a part of it."""
    if area.any() and not inside.any():
        return max(result_size(job))
    return measure_farthest(area, inside, guess)


def _redraws_all(job: InpaintJob) -> bool:
    """Whether the host lets the generated picture through everywhere."""
    is_misplaced = (
        job.resize_mode is ResizeMode.LATENT_UPSCALE
        and not job.only_masked
        and job.size != job.init_size
    )
    return not job.has_overlay or is_misplaced or (job.only_masked and _blurs_away(job))


def _blurs_away(job: InpaintJob) -> bool:
    """Whether the blurred mask is blank, on which the host drops to plain img2img."""
    window = _around_mask(job)
    return window is None or not blur_on_host(job.mask[window.slices], job).any()


def _around_mask(job: InpaintJob) -> Box | None:
    """The part of the user's mask outside which it is blank, blurred or not."""
    box = job.box
    if box is None:
        return None
    margin, (height, width) = blur_reach(job.mask_blur) + 1, job.mask.shape
    return Box(
        max(box.left - margin, 0),
        max(box.top - margin, 0),
        min(box.right + margin, width),
        min(box.bottom + margin, height),
    )


def _lay_out(job: InpaintJob) -> tuple[np.ndarray, np.ndarray]:
    """The mask over the result, uint8 h x w, and bool h x w: where the host's overlay is open.

    Both are of the mask's neighbourhood only, unless the host resizes the mask. Whether it
    doubles the blurred mask or takes its square root, what is 0 stays 0.
    """
    window = _around_mask(job)
    if window is None:
        return np.zeros((1, 1), np.uint8), np.zeros((1, 1), bool)
    if job.mask.shape[::-1] != _host_size(job):
        is_open = _weigh(job) >= SMALLEST_WEIGHT if job.has_precise_mask else _spread(job)
        return place_mask(job, job.mask), is_open
    mask = job.mask[window.slices]
    width, height = result_size(job)
    kept = np.s_[: max(height - window.top, 0), : max(width - window.left, 0)]
    if job.has_precise_mask:
        return mask[kept], (blur_on_host(_to_weight(mask), job) >= SMALLEST_WEIGHT)[kept]
    return mask[kept], (blur_on_host(mask, job) >= SMALLEST_ALPHA)[kept]


def _spread(job: InpaintJob) -> np.ndarray:
    return place_mask(job, blur_on_host(job.mask, job)) >= SMALLEST_ALPHA


def _weigh(job: InpaintJob) -> np.ndarray:
    """The float mask of the host's precise overlay: float32 H x W of the result, 0-1.

    The host stretches it with OpenCV, whatever the resize mode.
    """
    weight = blur_on_host(_to_weight(job.mask), job)
    width, height = result_size(job)
    return cv2.resize(weight, _host_size(job), interpolation=cv2.INTER_LINEAR)[:height, :width]


def _to_weight(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.float32) / 255.0


SMOOTHED = 1
"""px: as far inside and outside the hard edge a brush's smoothed edge is grey."""


def is_smoothing(mask: np.ndarray) -> bool:
    """Whether all grey of a mask, uint8 H x W, only smooths the edge of what is fully on, as a
    brush's does: no more than `SMOOTHED` px beyond the hard edge, and as much within it."""
    soft = (mask > 0) & (mask < 255)
    beside, around = (_strongest_near(mask, by)[soft] for by in (SMOOTHED, 2 * SMOOTHED))
    return bool(beside.min(initial=255) >= HARD_LEVEL and around.min(initial=255) == 255)


def _strongest_near(mask: np.ndarray, by: int) -> np.ndarray:
    """The most of what is up to `by` px away from each pixel, chessboard metric: uint8 H x W."""
    return cv2.dilate(mask, np.ones((2 * by + 1, 2 * by + 1), np.uint8))


def straight_edge_reach(mask_blur: int) -> int:
    """px a straight mask edge bleeds under this blur, for the page, which has no mask at hand.

    A pixel or two less than the kernel's radius where its tail rounds to 0.
    """
    side = 2 * blur_reach(mask_blur) + 2
    mask = np.zeros((1, 2 * side), np.uint8)
    mask[:, :side] = 255
    return int(np.count_nonzero(blur_mask(mask, mask_blur)[:, side:]))


def blur_on_host(mask: np.ndarray, job: InpaintJob) -> np.ndarray:
    """The host's mask blur, bit for bit: Forge Neo blurs both axes in one call, the others in
    two. uint8 or float32 H x W -> the same."""
    if job.blur_doubles or job.mask_blur <= 0:
        return blur_mask(mask, job.mask_blur)
    kernel = 2 * blur_reach(job.mask_blur) + 1
    return cv2.GaussianBlur(mask, (kernel, kernel), job.mask_blur)

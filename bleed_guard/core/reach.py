"""How far the host alone will bleed, to the pixel, before anything is sampled."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.geometry import LATENT_CELL, build_mask
from bleed_guard.core.job import InpaintJob, ResizeMode
from bleed_guard.core.mask import HARD_LEVEL, blur_mask, blur_reach, edge_distance
from bleed_guard.core.measure import measure_reach

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
    size = job.init_size if job.only_masked else job.size
    placed = build_mask(mask, size=size, resize_mode=job.resize_mode)
    width, height = result_size(job)
    return placed[:height, :width]


def predict_reach(job: InpaintJob) -> Reach:
    """How far this job bleeds if nobody guards it and the model repaints every pixel it sees."""
    mask = place_mask(job, job.mask)
    open_to_change = _open_area(job)
    protected = mask < HARD_LEVEL
    distance = edge_distance(mask)
    pixels = measure_reach(protected & (open_to_change | _redraws_all(job)), distance)
    band = measure_reach(open_to_change, edge_distance(mask > 0)) if mask.any() else 0
    return Reach(pixels, band)


def _redraws_all(job: InpaintJob) -> bool:
    """Whether the host lets the generated picture through everywhere."""
    is_misplaced = (
        job.resize_mode is ResizeMode.LATENT_UPSCALE
        and not job.only_masked
        and job.size != job.init_size
    )
    drops_to_img2img = job.only_masked and not blur_mask(job.mask, job.mask_blur).any()
    return not job.has_overlay or is_misplaced or drops_to_img2img


def _open_area(job: InpaintJob) -> np.ndarray:
    """bool H x W of the result: where the host's own overlay is not opaque.

    Whether the host doubles the blurred mask or takes its square root, what is 0 stays 0.
    """
    if job.has_precise_mask:
        return _weigh(job) >= SMALLEST_WEIGHT
    return place_mask(job, blur_on_host(job.mask, job)) >= SMALLEST_ALPHA


def _weigh(job: InpaintJob) -> np.ndarray:
    """The float mask of the host's precise overlay: float32 H x W of the result, 0-1.

    Whole picture stretches it with OpenCV, whatever the resize mode.
    """
    weight = blur_on_host(job.mask.astype(np.float32) / 255.0, job)
    width, height = result_size(job)
    if not job.only_masked:
        weight = cv2.resize(weight, job.size, interpolation=cv2.INTER_LINEAR)
    return weight[:height, :width]


def blur_on_host(mask: np.ndarray, job: InpaintJob) -> np.ndarray:
    """The host's mask blur, bit for bit: Forge Neo blurs both axes in one call, the others in
    two. uint8 or float32 H x W -> the same."""
    if job.blur_doubles or job.mask_blur <= 0:
        return blur_mask(mask, job.mask_blur)
    kernel = 2 * blur_reach(job.mask_blur) + 1
    return cv2.GaussianBlur(mask, (kernel, kernel), job.mask_blur)

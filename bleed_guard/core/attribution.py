"""Which factor changed which pixel: each pixel outside the mask in exactly one bucket.

By counterfactual: for every factor that took part, the area the host would have changed without
it is worked out. A pixel belongs to the one factor without which it would have stayed as it was;
where none alone or more than one would have spared it, to several together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from bleed_guard.core.geometry import build_mask
from bleed_guard.core.job import Cause, InpaintJob, ResizeMode
from bleed_guard.core.mask import HARD_LEVEL, harden, soft_fraction
from bleed_guard.core.reach import (
    SMALLEST_ALPHA,
    SMALLEST_WEIGHT,
    blur_on_host,
    place_mask,
    result_size,
)
from bleed_guard.core.traces import Traces

FILE_CAUSES = (Cause.JPEG, Cause.WEBP, Cause.AVIF, Cause.PALETTE, Cause.STEALTH)
VALUE_CAUSES = (Cause.COLOR_CORRECTION, Cause.FACE_RESTORE)
"""Stages that change what an open pixel becomes, not whether it is open."""


@dataclass(frozen=True)
class Scene:
    """What is to be explained: `host` is bool H x W, the protected pixels the host changed."""

    job: InpaintJob
    traces: Traces
    host: np.ndarray

    @cached_property
    def areas(self) -> dict[Cause, np.ndarray]:
        """The areas of the traces, unpacked; those of another size are left out."""
        unpacked = {cause: area.unpack() for cause, area in self.traces.areas.items()}
        return {cause: area for cause, area in unpacked.items() if area.shape == self.host.shape}

    @cached_property
    def total(self) -> np.ndarray:
        """bool H x W: every pixel that is to be in a bucket."""
        added = [self.areas[cause] for cause in self.adding if cause in self.areas]
        return np.logical_or.reduce([self.host, *added])

    @property
    def adding(self) -> tuple[Cause, ...]:
        """Stages that change pixels by themselves, after the host's overlay."""
        return (Cause.OTHER_SCRIPT, *FILE_CAUSES)


def attribute(scene: Scene) -> dict[Cause, np.ndarray]:
    """Every pixel of `scene.total` in exactly one bucket: cause -> bool H x W, none empty.

    Pixels no known factor reaches are another script's: whatever is not the host's own.
    """
    total = scene.total
    if not total.any():
        return {}
    sparing = np.zeros(total.shape, np.uint8)
    owner = np.zeros(total.shape, np.uint8)
    causes = list(active_causes(scene))
    for number, cause in enumerate(causes):
        spared = total & ~changed_without(scene, cause)
        sparing += spared
        owner[spared] = number
    unknown = total & ~changed_without(scene, None)
    buckets = {
        cause: total & ~unknown & (sparing == 1) & (owner == number)
        for number, cause in enumerate(causes)
    }
    script = buckets.get(Cause.OTHER_SCRIPT, np.zeros(total.shape, bool))
    buckets[Cause.OTHER_SCRIPT] = script | unknown
    buckets[Cause.SEVERAL] = total & ~unknown & (sparing != 1)
    return {cause: area for cause, area in buckets.items() if area.any()}


def active_causes(scene: Scene) -> Iterator[Cause]:
    """The factors that took part in this job."""
    yield from _blankets(scene)
    yield from _mask_causes(scene.job)
    yield from scene.areas


def _blankets(scene: Scene) -> Iterator[Cause]:
    """Factors that let the generated picture through everywhere."""
    job = scene.job
    if scene.traces.is_brought_back:
        yield Cause.RESIZE
    if not job.has_overlay:
        yield Cause.OVERLAY_OFF
    if job.has_soft_inpainting:
        yield Cause.SOFT_INPAINTING
    is_whole = not job.only_masked
    is_moved = job.resize_mode is ResizeMode.LATENT_UPSCALE and job.size != job.init_size
    if is_whole and is_moved and not scene.traces.is_brought_back:
        yield Cause.LATENT_UPSCALE


def _mask_causes(job: InpaintJob) -> Iterator[Cause]:
    """Factors that widen what the mask opens. A blur that wipes the mask out is the cause of the
    whole redraw."""
    if job.only_masked and is_wiped_out(job):
        yield Cause.WHOLE_REDRAW
    elif job.mask_blur > 0:
        yield Cause.MASK_BLUR
    if soft_fraction(job.marked):
        yield Cause.SOFT_MASK
    if job.mask.shape[::-1] != _host_size(job):
        yield Cause.MASK_FORM


def changed_without(scene: Scene, spared: Cause | None) -> np.ndarray:
    """bool H x W: what would have changed if the factor `spared` had not taken part."""
    changed = scene.host & _opened_without(scene, spared)
    if spared is not None and spared in VALUE_CAUSES:
        changed = changed & ~scene.areas[spared]
    for cause in scene.adding:
        if cause is not spared and cause in scene.areas:
            changed = changed | scene.areas[cause]
    return changed


def _opened_without(scene: Scene, spared: Cause | None) -> np.ndarray:
    """bool H x W: where the host alone would let the generated picture through."""
    blankets = [cause for cause in _blankets(scene) if cause is not spared]
    job = _without(scene.job, spared)
    if blankets == [Cause.LATENT_UPSCALE] and not job.has_precise_mask:
        return _find_misplaced(job, scene.host.shape)
    if blankets:
        return np.ones(scene.host.shape, bool)
    if scene.traces.is_brought_back:
        job = replace(job, size=job.init_size)
    if job.only_masked and is_wiped_out(job):
        return np.full(scene.host.shape, spared is not Cause.WHOLE_REDRAW)
    opened = find_open(job)
    if opened.shape != scene.host.shape:  # a whole redraw comes back at the size asked for
        height, width = scene.host.shape
        levels = cv2.resize(opened.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA)
        opened = levels > 0
    return opened


def _find_misplaced(job: InpaintJob, shape: tuple[int, ...]) -> np.ndarray:
    """bool H x W: where a latent upscale's overlay, small and at the top left, lets through.

    The host enlarges the mask, strengthens it, and brings it back to the small picture's size.
    """
    placed = build_mask(blur_on_host(job.mask, job), size=job.size)
    levels = placed.astype(np.float32)
    strong = levels * 2 if job.blur_doubles else np.rint(np.sqrt(levels / 255) * 255)
    small = build_mask(np.clip(strong, 0, 255).astype(np.uint8), size=job.init_size)
    opened = np.ones(shape, bool)
    part = opened[: small.shape[0], : small.shape[1]]
    part[:] = small[: part.shape[0], : part.shape[1]] >= SMALLEST_ALPHA
    return opened


def _without(job: InpaintJob, spared: Cause | None) -> InpaintJob:
    """The job without one factor of its mask."""
    if spared in (Cause.MASK_BLUR, Cause.WHOLE_REDRAW):
        return replace(job, mask_blur=0)
    if spared is Cause.SOFT_MASK:
        return replace(job, mask=harden(job.mask))
    if spared is Cause.MASK_FORM:
        return replace(job, mask=_fit_mask(job))
    return job


def _fit_mask(job: InpaintJob) -> np.ndarray:
    """The mask as it would have been painted at the size the host needs: uint8 H x W."""
    placed = build_mask(job.mask, size=_host_size(job), resize_mode=job.mask_resize_mode)
    if not soft_fraction(job.marked):
        return harden(placed)
    levels = cv2.resize(job.mask, _host_size(job), interpolation=cv2.INTER_NEAREST)
    soft = np.where((levels > 0) & (levels < HARD_LEVEL), levels, np.uint8(0))
    return np.where(placed >= HARD_LEVEL, np.uint8(255), soft)


def find_open(job: InpaintJob) -> np.ndarray:
    """bool H x W of the result: where the host's mask overlay lets anything through."""
    if job.has_precise_mask:
        weight = blur_on_host(job.mask.astype(np.float32) / 255.0, job)
        width, height = result_size(job)
        weight = cv2.resize(weight, _host_size(job), interpolation=cv2.INTER_LINEAR)
        return weight[:height, :width] >= SMALLEST_WEIGHT
    return place_mask(job, blur_on_host(job.mask, job)) >= SMALLEST_ALPHA


def is_wiped_out(job: InpaintJob) -> bool:
    """Whether the host finds the blurred mask blank, and drops to plain img2img."""
    return job.box is None or not blur_on_host(job.mask, job).any()


def _host_size(job: InpaintJob) -> tuple[int, int]:
    """(width, height) the host brings the mask to."""
    return job.init_size if job.only_masked else job.size

"""Before sampling: what the guard will change, and what the user should know."""

from __future__ import annotations

import numpy as np

from bleed_guard.core.geometry import build_mask
from bleed_guard.core.job import Cause, Change, Finding, GuardPlan, InpaintJob, Protection, Severity
from bleed_guard.core.mask import blur_mask, blur_reach, largest_living_blur
from bleed_guard.core.settings import GuardSettings


def plan_guard(job: InpaintJob, settings: GuardSettings) -> GuardPlan:
    """What will be done to this job and said about it. Pure: nothing is changed here."""
    protection = Protection(settings.protect)
    changes = [*_plan_padding(job, settings), *_plan_blur(job, settings)]
    return GuardPlan(
        changes=tuple(changes),
        findings=tuple(_judge_mask(job)),
        protection=protection,
        predicted_reach=blur_reach(job.mask_blur),
    )


def _plan_padding(job: InpaintJob, settings: GuardSettings) -> list[Change]:
    if not (settings.limit_padding and job.only_masked and job.padding > settings.padding_limit):
        return []
    reason = f"limit of preset {settings.preset}"
    return [Change("padding", job.padding, settings.padding_limit, reason)]


def _plan_blur(job: InpaintJob, settings: GuardSettings) -> list[Change]:
    """Keep a mask alive that its blur would wipe out, which makes the host redraw everything."""
    size = job.init_size if job.only_masked else job.size
    mask = build_mask(job.mask, size=size, resize_mode=job.resize_mode)
    blur = largest_living_blur(mask, job.mask_blur)
    if blur == job.mask_blur or blur_mask(mask, job.mask_blur).max() >= 128:
        return []
    return [Change("mask blur", job.mask_blur, blur, "a larger blur would wipe out the mask")]


def _judge_mask(job: InpaintJob) -> list[Finding]:
    if not np.any(job.mask):
        return [
            Finding(
                Cause.BLANK_MASK,
                Severity.WARNING,
                "The mask is blank: every pixel is protected and nothing is repainted",
                "",
            )
        ]
    return []

"""Before sampling: what the guard will change, and what the user should know.

Each guard is a pure function. The menders run first and in order, each on the job the one before
left; the judges then look at the job as it will run, so that no finding is untrue for this run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bleed_guard.core.geometry import LATENT_CELL, LATENT_STEP, build_mask
from bleed_guard.core.job import (
    SIZE_SETTING,
    Box,
    Cause,
    Change,
    Finding,
    GuardPlan,
    InpaintJob,
    MaskedContent,
    Protection,
    ResizeMode,
    mask_box,
)
from bleed_guard.core.mask import HARD_LEVEL, harden, largest_living_blur, soft_fraction
from bleed_guard.core.reach import is_smoothing, place_mask, predict_reach, result_size
from bleed_guard.core.settings import GuardSettings
from bleed_guard.core.wording import word_finding, word_reason

SMALL_MASK_SIDE = 256
"""px: a mask's box below this on both sides is small for whole picture."""

INVERTED_SHARE = 0.9
"""A mask over more than this share of the picture looks inverted."""

RECOMMENDED_STRENGTH = 0.7

ASPECT_TOLERANCE = 0.02
"""Relative difference of two aspect ratios that rounding a resized picture's sides explains."""

LOSSY_FORMATS = {
    "jpg": ("JPEG", Cause.JPEG),
    "jpeg": ("JPEG", Cause.JPEG),
    "jfif": ("JPEG", Cause.JPEG),
    "webp": ("WebP", Cause.WEBP),
    "avif": ("AVIF", Cause.AVIF),
    "heif": ("HEIF", Cause.AVIF),
    "jxl": ("JPEG XL", Cause.AVIF),
    "gif": ("GIF", Cause.PALETTE),
}

Mended = tuple[InpaintJob, Change | None]


def plan_guard(job: InpaintJob, settings: GuardSettings) -> GuardPlan:
    """What will be done to this job and said about it. Pure: nothing is changed here."""
    changes = []
    for mend in MENDERS:
        job, change = mend(job, settings)
        if change is not None:
            changes.append(change)
    return _foretell(job, settings, changes)


def settle_plan(plan: GuardPlan, size: tuple[int, int], settings: GuardSettings) -> GuardPlan:
    """The plan of a job whose size (width, height) the host has rounded since: what is foretold
    is so anew, what the guard has changed stays."""
    job, change = _leave_size(replace(plan.job, size=size), settings)
    is_new = change is not None and not plan.leaves_size
    return _foretell(job, settings, (*plan.changes, *([change] if change and is_new else [])))


def _foretell(job: InpaintJob, settings: GuardSettings, changes: Iterable[Change]) -> GuardPlan:
    """What there is to say of a job as it will run."""
    view = _View.of(job, settings)
    findings = [finding for judge in JUDGES for finding in judge(view)]
    return GuardPlan(
        job,
        changes=tuple(changes),
        findings=tuple(findings),
        protection=view.protection,
        predicted_reach=view.reach,
        band=view.band,
    )


def _reason(key: str, settings: GuardSettings) -> str:
    return word_reason(key, settings.named_preset())


# --- menders ---------------------------------------------------------------------------------


def _harden_mask(job: InpaintJob, settings: GuardSettings) -> Mended:
    share = soft_fraction(job.marked) if settings.soft_mask == "harden" else 0.0
    if not share:
        return job, None
    change = Change("mask", f"{_percent(share)} % soft", "hard", _reason("harden", settings))
    return replace(job, mask=harden(job.mask)), change


def _fit_mask(job: InpaintJob, settings: GuardSettings) -> Mended:
    """Only masked with a mask of another size: the host layer brings it to the picture's size,
    for the host would crop at the wrong place, and tells so."""
    if not job.only_masked or job.mask.shape[::-1] == job.init_size or not job.mask.size:
        return job, None
    mask = build_mask(job.mask, size=job.init_size, resize_mode=job.mask_resize_mode)
    return replace(job, mask=mask), None


def _mend_blur(job: InpaintJob, settings: GuardSettings) -> Mended:
    """No blur on a mask that shall be hard; else as much as leaves the mask alive: where blur
    wipes it out, the host redraws the whole picture, or nothing at all."""
    if job.mask_blur <= 0:
        return job, None
    if settings.soft_mask == "harden":
        change = Change("mask blur", job.mask_blur, 0, _reason("harden", settings))
        return replace(job, mask_blur=0), change
    wants_inpaint = settings.paste_back or settings.soft_mask != "ignore"
    blur = largest_living_blur(job.mask, job.mask_blur, job.box) if wants_inpaint else job.mask_blur
    if blur == job.mask_blur:
        return job, None
    change = Change("mask blur", job.mask_blur, blur, _reason("alive", settings))
    return replace(job, mask_blur=blur), change


def _switch_area(job: InpaintJob, settings: GuardSettings) -> Mended:
    if settings.small_mask != "switch" or not _wants_only_masked(job):
        return job, None
    change = Change("inpaint area", "whole picture", "only masked", _reason("switch", settings))
    return replace(job, only_masked=True), change


def _wants_only_masked(job: InpaintJob) -> bool:
    """Whether only masked would serve a small mask better and keep the result's size."""
    return _small_box(job) is not None and job.size == job.init_size


def _small_box(job: InpaintJob) -> Box | None:
    """A small mask's box, px of the result, where whole picture wastes most of it on the rest."""
    if job.only_masked:
        return None
    placed = place_mask(job, job.mask)
    known = job.box if placed.shape == job.mask.shape else mask_box(placed)
    box = known and mask_box(placed[known.slices] >= HARD_LEVEL)
    if known is None or box is None or max(box.width, box.height) >= SMALL_MASK_SIDE:
        return None
    box, (width, height) = box.moved(known.left, known.top), result_size(job)
    return box if 2 * box.width * box.height < width * height else None


def _limit_padding(job: InpaintJob, settings: GuardSettings) -> Mended:
    """Never raised; a padding larger than the picture is brought to what fits."""
    if not (settings.limit_padding and job.only_masked):
        return job, None
    limit, key = settings.padding_limit, "limit"
    if min(job.padding, limit) > max(job.init_size):
        limit, key = _largest_margin(job), "fits"
    if job.padding <= limit:
        return job, None
    change = Change("padding", job.padding, limit, _reason(key, settings))
    return replace(job, padding=limit), change


def _largest_margin(job: InpaintJob) -> int:
    """px from the mask's box to the farthest edge of the picture: more padding changes nothing."""
    height, width = job.mask.shape
    box = job.box or Box(0, 0, width, height)
    return max(box.left, box.top, width - box.right, height - box.bottom)


def _cap_strength(job: InpaintJob, settings: GuardSettings) -> Mended:
    cap = settings.strength_cap
    if not settings.cap_strength or job.denoising_strength <= cap:
        return job, None
    change = Change("denoising strength", job.denoising_strength, cap, _reason("cap", settings))
    return replace(job, denoising_strength=cap), change


def _switch_refiner_off(job: InpaintJob, settings: GuardSettings) -> Mended:
    if settings.refiner != "off" or not job.refiner:
        return job, None
    change = Change("refiner", job.refiner, None, _reason("off", settings))
    return replace(job, refiner=""), change


def _switch_faces_off(job: InpaintJob, settings: GuardSettings) -> Mended:
    if settings.face_restoration != "off" or not job.has_face_restoration:
        return job, None
    change = Change("face restoration", True, False, _reason("off", settings))
    return replace(job, has_face_restoration=False), change


def _switch_colors_off(job: InpaintJob, settings: GuardSettings) -> Mended:
    if settings.color_correction != "off" or not job.has_color_correction:
        return job, None
    change = Change("color correction", True, False, _reason("off", settings))
    return replace(job, has_color_correction=False), change


def _leave_size(job: InpaintJob, settings: GuardSettings) -> Mended:
    """The host composites what was generated with the finished picture, and fails where their
    sizes differ."""
    is_kept = settings.keep_size and not job.only_masked and result_size(job) != job.init_size
    if not (is_kept and job.makes_mask_composite):
        return job, None
    return job, Change(SIZE_SETTING, True, False, _reason("composite", settings))


def _save_lossless(job: InpaintJob, settings: GuardSettings) -> Mended:
    is_spoiled = is_lossy(job.image_format, webp_is_lossless=job.webp_is_lossless)
    if settings.lossy_format != "png" or not (job.saves_images and is_spoiled):
        return job, None
    change = Change("format", job.image_format, "png", _reason("png", settings))
    return replace(job, image_format="png"), change


MENDERS: tuple[Callable[[InpaintJob, GuardSettings], Mended], ...] = (
    _switch_area,
    _fit_mask,  # of what only masked then needs at another size
    _harden_mask,  # after that, for fitting makes edges grey
    _mend_blur,
    _limit_padding,
    _cap_strength,
    _switch_refiner_off,
    _switch_faces_off,
    _switch_colors_off,
    _leave_size,
    _save_lossless,
)


# --- judges ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _View:
    """The job as it will run, and what several judges need to know of it."""

    job: InpaintJob
    settings: GuardSettings
    protection: Protection
    reach: int
    band: int

    @classmethod
    def of(cls, job: InpaintJob, settings: GuardSettings) -> _View:
        reach = predict_reach(job)
        return cls(job, settings, Protection(settings.protect), reach.pixels, reach.band)

    @property
    def is_forced(self) -> bool:
        return self.settings.paste_back and self.protection is not Protection.NONE

    @property
    def blends_by_mask(self) -> bool:
        """Whether the mask's edge alone decides how far the host bleeds; a mask that is blank
        or too faint to have an edge is told by itself."""
        job = self.job
        is_other = job.has_soft_inpainting or _is_misplaced(job)
        return job.has_overlay and not is_other and _has_edge(job)

    @property
    def is_covered(self) -> bool:
        """Whether something is laid over the generated picture outside the mask."""
        return self.is_forced or self.job.has_overlay


def _has_edge(job: InpaintJob) -> bool:
    return int(job.marked.max(initial=0)) >= HARD_LEVEL


def _is_misplaced(job: InpaintJob) -> bool:
    """Whether the host lays its overlay at the old size over a result of the new size."""
    is_latent = job.resize_mode is ResizeMode.LATENT_UPSCALE
    return is_latent and not job.only_masked and job.size != job.init_size


def _judge_protection(view: _View) -> Iterator[Finding]:
    if view.protection is Protection.NONE:
        yield word_finding("full_redo")
    elif not view.settings.paste_back:
        yield word_finding("paste_back_off")


def _judge_mask(view: _View) -> Iterator[Finding]:
    mask, marked = view.job.mask, view.job.marked
    strongest = int(marked.max(initial=0))
    share = np.count_nonzero(marked >= HARD_LEVEL) / mask.size if mask.size else 0.0
    if strongest == 0:
        redraws = view.job.only_masked and not view.is_forced
        yield word_finding("mask_blank_redraw" if redraws else "mask_blank")
    elif strongest < HARD_LEVEL:
        key = "mask_faint" if view.is_forced else "mask_faint_open"
        yield word_finding(key, strongest=strongest)
    elif share == 1:
        yield word_finding("mask_full")
    elif share > INVERTED_SHARE:
        mode = "inpaint masked" if view.job.mask_is_inverted else "inpaint not masked"
        yield word_finding("mask_inverted", fix_value=mode, share=_percent(share))


def _judge_mask_size(view: _View) -> Iterator[Finding]:
    (height, width), init = view.job.mask.shape, view.job.init_size
    if not height or abs(width * init[1] / (height * init[0]) - 1) <= ASPECT_TOLERANCE:
        return
    yield word_finding(
        "mask_stale", mask_width=width, mask_height=height, width=init[0], height=init[1]
    )


def _judge_soft_mask(view: _View) -> Iterator[Finding]:
    share = soft_fraction(view.job.marked)
    if view.settings.soft_mask == "ignore" or not share or not view.blends_by_mask:
        return
    if is_smoothing(view.job.marked):
        return
    reach = predict_reach(replace(view.job, mask_blur=0)).pixels
    if not reach:
        return
    key = "soft_mask"
    if view.is_forced:
        is_allowed = view.protection is Protection.SOFT
        key = "soft_mask_allowed" if is_allowed else "soft_mask_guarded"
    yield word_finding(key, share=_percent(share), reach=reach)


def _judge_blur(view: _View) -> Iterator[Finding]:
    blur = view.job.mask_blur
    is_quiet = view.settings.soft_mask == "ignore" or not view.blends_by_mask
    if is_quiet or not blur or not view.reach:
        return
    key = "mask_blur"
    if view.is_forced:
        is_allowed = view.protection is Protection.SOFT
        key = "mask_blur_allowed" if is_allowed else "mask_blur_guarded"
    yield word_finding(key, blur=blur, reach=view.reach)


def _judge_strength(view: _View) -> Iterator[Finding]:
    strength = view.job.denoising_strength
    if view.protection is Protection.NONE or strength < view.settings.strength_warning:
        return
    yield word_finding("strength", strength=strength, recommended=RECOMMENDED_STRENGTH)


def _judge_models(view: _View) -> Iterator[Finding]:
    job, settings = view.job, view.settings
    if job.refiner and settings.refiner == "warn":
        yield word_finding("refiner" if view.is_forced else "refiner_open", refiner=job.refiner)
    if job.has_face_restoration and settings.face_restoration == "warn":
        yield word_finding("face_restoration" if view.is_covered else "face_restoration_open")
    if job.has_color_correction and settings.color_correction == "warn":
        yield word_finding("color_correction" if view.is_covered else "color_correction_open")
    if job.has_cfg_rescale:
        yield word_finding("cfg_rescale")


def _judge_assembly(view: _View) -> Iterator[Finding]:
    if view.job.assembled_by and view.protection is not Protection.NONE:
        yield word_finding("assembled", script=view.job.assembled_by)


def _judge_original(view: _View) -> Iterator[Finding]:
    if view.job.edited_before and view.protection is not Protection.NONE:
        yield word_finding("edited_before", pixels=f"{view.job.edited_before:,}")


def _judge_format(view: _View) -> Iterator[Finding]:
    job, settings = view.job, view.settings
    if settings.lossy_format == "ignore":
        return
    written = (
        ("lossy_file", job.image_format if job.saves_images else "", job.webp_is_lossless),
        ("lossy_reply", job.reply_format, job.reply_webp_is_lossless),
        ("lossy_grid", job.grid_format if job.saves_grid else "", job.webp_is_lossless),
    )
    for key, suffix, webp_is_lossless in written:
        if is_lossy(suffix, webp_is_lossless=webp_is_lossless):
            name, cause = LOSSY_FORMATS[suffix]
            yield word_finding(key, cause=cause, format=name)
    side = job.export_4chan_side
    if job.saves_images and job.has_4chan_export and max(result_size(job)) > side:
        yield word_finding("export_4chan", side=side)


def is_lossy(suffix: str, *, webp_is_lossless: bool) -> bool:
    """Whether the host's format of this name changes pixels when it writes them."""
    return suffix in LOSSY_FORMATS and not (suffix == "webp" and webp_is_lossless)


def _judge_area(view: _View) -> Iterator[Finding]:
    box = _small_box(view.job)
    if box is not None and view.settings.small_mask != "ignore":
        yield word_finding("small_mask", box_width=box.width, box_height=box.height)


def _judge_size(view: _View) -> Iterator[Finding]:
    job, (width, height) = view.job, result_size(view.job)
    is_quiet = view.settings.keep_size or view.protection is Protection.NONE
    if is_quiet or (width, height) == job.init_size or _is_misplaced(job):
        return
    resized = "resized" if _may_ask_for_own_size(job) else "resized_rounded"
    yield word_finding(
        "cropped" if job.size == job.init_size else resized,
        result_width=width,
        result_height=height,
        width=job.init_size[0],
        height=job.init_size[1],
    )


def _may_ask_for_own_size(job: InpaintJob) -> bool:
    """Whether the result would have the original's size if that was asked for: not where the
    host cuts it, or may have rounded the size."""
    step = LATENT_CELL if any(side % LATENT_STEP for side in job.size) else LATENT_STEP
    return not any(side % step for side in job.init_size)


def _judge_latent_upscale(view: _View) -> Iterator[Finding]:
    if not _is_misplaced(view.job):
        return
    if view.job.masked_content is not MaskedContent.ORIGINAL:
        yield word_finding("latent_upscale_fails")
    elif view.protection is not Protection.NONE:
        yield word_finding("latent_upscale_guarded" if view.is_forced else "latent_upscale")


def _judge_overlay(view: _View) -> Iterator[Finding]:
    if view.job.has_overlay or view.protection is Protection.NONE:
        return
    if view.is_forced:
        yield word_finding("overlay_off_guarded")
    else:
        yield word_finding("overlay_off_crop" if view.job.only_masked else "overlay_off")


def _judge_soft_inpainting(view: _View) -> Iterator[Finding]:
    if view.job.has_soft_inpainting and view.protection is not Protection.NONE:
        yield word_finding("soft_inpainting_guarded" if view.is_forced else "soft_inpainting")


def _percent(share: float) -> str:
    """A share of 0-1 for people: "0.4", "37", never a rounded-up 100 or a rounded-down 0."""
    percent = 100 * share
    if share in (0, 1):
        return f"{percent:.0f}"
    if percent < 1:
        return f"{max(percent, 0.1):.1f}"
    return f"{min(percent, 99.9):.1f}" if percent > 99 else f"{percent:.0f}"


JUDGES: tuple[Callable[[_View], Iterator[Finding]], ...] = (
    _judge_protection,
    _judge_latent_upscale,
    _judge_mask,
    _judge_mask_size,
    _judge_overlay,
    _judge_soft_inpainting,
    _judge_soft_mask,
    _judge_blur,
    _judge_strength,
    _judge_models,
    _judge_assembly,
    _judge_original,
    _judge_format,
    _judge_area,
    _judge_size,
)

"""After the run: which cause changed how many pixels, where, and which setting stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import cv2
import numpy as np

from bleed_guard.core.attribution import FILE_CAUSES, Scene, attribute
from bleed_guard.core.geometry import crop_box
from bleed_guard.core.job import Box, Cause, Certainty, Finding, Fix, InpaintJob, Severity
from bleed_guard.core.mask import HARD_LEVEL, edge_distance
from bleed_guard.core.measure import difference, measure_reach, measure_seam
from bleed_guard.core.reach import blur_on_host
from bleed_guard.core.record import ImageRecord, Pictures, describe_finding
from bleed_guard.core.signals import fit_colors, measure_shift
from bleed_guard.core.traces import Sample, Traces

VISIBLE_SEAM = 1.5
"""Seam ratio from which people see the edge: half again the original's own step there."""

SURE_SHIFT, SURE_RESPONSE = 0.4, 0.1
"""A shift counts from this many px on, and if phase correlation is at least this sure (0-1)."""

LEAST_CONTRAST = 0.5
"""A decoded picture that keeps less than this share of the contrast is another picture."""

HIGH_STRENGTH, RECOMMENDED_STRENGTH = 0.85, 0.7
"""Denoising strengths from which the seam is at risk, and that usually is enough."""

NOISE_LIKE = 2
"""Differences up to this many levels are called noise-like by custom; see `read_levels`."""


class Explanation(NamedTuple):
    """What a bucket is told as, with {blur}, {width}, {height}, {names} of the run."""

    what: str
    fix: Fix


EXPLANATIONS = {
    Cause.MASK_BLUR: Explanation(
        "Mask blur {blur} opened them", Fix("Set mask blur to 0", "mask blur", 0)
    ),
    Cause.SOFT_MASK: Explanation(
        "Grey pixels of the mask opened them",
        Fix("Set Soft mask to harden, or use a black and white mask", "soft_mask", "harden"),
    ),
    Cause.MASK_FORM: Explanation(
        "The mask was scaled to the picture's size, which greyed its edge",
        Fix("Give a mask of {width} x {height}"),
    ),
    Cause.OVERLAY_OFF: Explanation(
        "The host's overlay option is off",
        Fix("Switch on the host's option to overlay the original", "overlay_inpaint", True),
    ),
    Cause.SOFT_INPAINTING: Explanation(
        "Soft Inpainting blended there",
        Fix("Switch Soft Inpainting off", "soft inpainting", False),
    ),
    Cause.WHOLE_REDRAW: Explanation(
        "The mask was blank when the host looked at it, so it redrew the whole picture",
        Fix("Set mask blur to 0, and paint a mask that is not blank", "mask blur", 0),
    ),
    Cause.RESIZE: Explanation(
        "The picture was resized for the run and back again",
        Fix("Ask for the original's size, {init_width} x {init_height}"),
    ),
    Cause.LATENT_UPSCALE: Explanation(
        "Latent upscale lays the small original over the top left of the larger result",
        Fix("Choose the resize mode Just resize", "resize mode", "just resize"),
    ),
    Cause.COLOR_CORRECTION: Explanation(
        "Color correction moved them",
        Fix("Set Color correction to off", "color_correction", "off"),
    ),
    Cause.FACE_RESTORE: Explanation(
        "Face restoration painted there",
        Fix("Set Face restoration to off", "face_restoration", "off"),
    ),
    Cause.OTHER_SCRIPT: Explanation(
        "{names} edited the picture", Fix("Switch {names} off for this run")
    ),
    Cause.JPEG: Explanation(
        "The file is JPEG", Fix("Set Lossy format to png", "lossy_format", "png")
    ),
    Cause.WEBP: Explanation(
        "The file is WebP", Fix("Set Lossy format to png", "lossy_format", "png")
    ),
    Cause.AVIF: Explanation(
        "The file's format is lossy", Fix("Set Lossy format to png", "lossy_format", "png")
    ),
    Cause.STEALTH: Explanation(
        "The host hides infotext in the lowest bits",
        Fix("Set stealth infotext to alpha or none", "stealth_pnginfo_option", "none"),
    ),
    Cause.SEVERAL: Explanation(
        "Several causes reach them, or only together", Fix("Mend the other causes first")
    ),
}


def diagnose_image(image: ImageRecord, *, tolerance: int = 0) -> tuple[Finding, ...]:
    """Every cause in this image, most pixels first, then what else is worth knowing.

    The findings with `evidence["share"]` are the buckets: their pixels add up to all pixels the
    run without the guard changes outside the mask, its file included. Empty without pictures.
    """
    pictures = image.pictures
    if pictures is None:
        return ()
    told = [*_tell_noop(pictures), *_tell_seam(pictures)]
    if image.traces is not None:
        told = [*_tell_buckets(pictures, image.traces, tolerance), *told]
        told += _tell_model(pictures, image.traces.sample)
        told += _tell_company(image, pictures, image.traces)
    return tuple(told)


def describe_causes(image: ImageRecord, *, tolerance: int = 0) -> list[dict[str, Any]]:
    """`diagnose_image` as plain values, for the tab, report.json and the API."""
    return [describe_finding(finding) for finding in diagnose_image(image, tolerance=tolerance)]


def find_buckets(
    pictures: Pictures, traces: Traces, *, tolerance: int = 0
) -> dict[Cause, np.ndarray]:
    """Each pixel changed outside the mask in one bucket: cause -> bool H x W."""
    delta = difference(pictures.reference, pictures.unguarded)
    changed = (delta > tolerance) & pictures.protected
    return attribute(Scene(traces.job(pictures.mask), traces, changed))


def _tell_buckets(pictures: Pictures, traces: Traces, tolerance: int) -> Iterator[Finding]:
    buckets = find_buckets(pictures, traces, tolerance=tolerance)
    total = sum(int(np.count_nonzero(area)) for area in buckets.values())
    delta = difference(pictures.reference, pictures.unguarded)
    distance = edge_distance(pictures.mask)
    for cause, area in sorted(buckets.items(), key=lambda pair: -np.count_nonzero(pair[1])):
        pixels = int(np.count_nonzero(area))
        evidence = {
            "share": round(pixels / total, 6),
            "total": total,
            "mean": round(float(delta[area].mean()), 2),
            "reach": measure_reach(area, distance),
        }
        largest = None if cause in FILE_CAUSES else int(delta[area].max())
        yield _word_bucket(cause, area, largest, evidence, traces)


def _word_bucket(
    cause: Cause,
    area: np.ndarray,
    largest: int | None,
    evidence: dict[str, float | int | str],
    traces: Traces,
) -> Finding:
    explained, words = EXPLANATIONS[cause], _words(traces)
    pixels = int(np.count_nonzero(area))
    fix = replace(explained.fix, text=explained.fix.text.format(**words))
    is_known = cause is not Cause.OTHER_SCRIPT or cause in traces.areas
    share = f"{100 * float(evidence['share']):.1f} %"
    return Finding(
        cause,
        Severity.INFO if cause is Cause.STEALTH else Severity.WARNING,
        f"{explained.what.format(**words)}: {pixels:,} pixels outside the mask, {share}",
        read_levels(largest) if largest is not None else "",
        fix,
        pixels=pixels,
        max=largest,
        where=_bounds(area),
        evidence=evidence,
        certainty=Certainty.MEASURED if is_known else Certainty.INFERRED,
    )


def _words(traces: Traces) -> dict[str, object]:
    """What the explanations' placeholders stand for."""
    job = traces.settings
    width, height = job.init_size if job.only_masked else job.size
    return {
        "blur": job.mask_blur,
        "width": width,
        "height": height,
        "init_width": job.init_size[0],
        "init_height": job.init_size[1],
        "names": " or ".join(traces.scripts) or "another script",
    }


def _bounds(area: np.ndarray) -> Box:
    left, top, width, height = cv2.boundingRect(area.astype(np.uint8))
    return Box(left, top, left + width, top + height)


def read_levels(largest: int) -> str:
    """The threshold people know, and the truth beside it. `largest` in levels."""
    if largest > NOISE_LIKE:
        return f"The largest difference is {largest} levels: bleed"
    if largest == 0:
        return "No pixel differs: paste-back works"
    levels = "level" if largest == 1 else "levels"
    return (
        f"The largest difference is {largest} {levels}: often called noise-like, but it is bleed "
        "all the same, and an autoencoder's own error is far above 2"
    )


def _tell_noop(pictures: Pictures) -> Iterator[Finding]:
    """Nothing changed inside the mask: the run did nothing, and nobody said so."""
    inside = pictures.mask >= HARD_LEVEL
    total = int(np.count_nonzero(inside))
    if not total or (difference(pictures.reference, pictures.result)[inside]).any():
        return
    yield Finding(
        Cause.SILENT_NOOP,
        Severity.WARNING,
        f"Nothing changed inside the mask: all {total:,} pixels are as they were",
        "Denoising strength 0, an interrupted run or another script undid the edit",
        Fix("Raise the denoising strength", "denoising strength", 0.75),
        pixels=total,
        max=0,
        where=_bounds(inside),
    )


def _tell_seam(pictures: Pictures) -> Iterator[Finding]:
    """A step across the mask's edge that people see."""
    seam = measure_seam(pictures.reference, pictures.result, pictures.mask)
    if seam.ratio < VISIBLE_SEAM:
        return
    edge = edge_distance(pictures.mask) == 1
    yield Finding(
        Cause.SEAM,
        Severity.INFO,
        f"The edit's edge may be visible: its step is {seam.ratio:.1f} times the original's own",
        f"{seam.step:.1f} CIELAB units across the edge, the original has {seam.reference_step:.1f}",
        Fix("Raise the feather, or lower the denoising strength", "feather"),
        pixels=seam.pairs,
        where=_bounds(edge),
        evidence={"ratio": round(seam.ratio, 3), "step": round(seam.step, 3)},
    )


def _tell_model(pictures: Pictures, sample: Sample | None) -> Iterator[Finding]:
    """What the model and its autoencoder did to pixels nobody asked to change."""
    if sample is None:
        return
    reference = pictures.crop("reference", sample.box)
    free = pictures.crop("mask", sample.box) == 0
    delta = difference(reference, sample.decoded)[free]
    if not delta.any():
        return
    yield from _tell_shift(reference, sample)
    line = fit_colors(reference[free], sample.decoded[free])
    if np.mean(line.gain) < LEAST_CONTRAST:
        return
    red, green, blue = line.step
    yield Finding(
        Cause.VAE,
        Severity.INFO,
        "The model pipeline changes pixels it is not asked to change: "
        f"by {float(delta.mean()):.1f} levels on average",
        f"At mid-grey red {red:+.1f}, green {green:+.1f}, blue {blue:+.1f} levels; contrast "
        f"{100 * float(np.mean(line.gain)):.0f} %; noise {float(np.mean(line.noise)):.1f} levels. "
        "Measured on the decoded picture far from the mask, where only paste-back hides it",
        max=int(delta.max()),
        where=sample.box,
        evidence={
            "red": round(red, 2),
            "green": round(green, 2),
            "blue": round(blue, 2),
            "contrast": round(float(np.mean(line.gain)), 4),
            "noise": round(float(np.mean(line.noise)), 2),
            "mean": round(float(delta.mean()), 2),
        },
    )


def _tell_shift(reference: np.ndarray, sample: Sample) -> Iterator[Finding]:
    shift = measure_shift(reference, sample.decoded)
    if shift.length < SURE_SHIFT or shift.response < SURE_RESPONSE:
        return
    yield Finding(
        Cause.SHIFT,
        Severity.WARNING,
        f"The model shifted the whole picture by {shift.length:.1f} px",
        f"{shift.x:+.1f} px across, {shift.y:+.1f} px down, on the decoded picture: inside the "
        "mask the edit has moved too, outside only paste-back hides it",
        Fix("Ask for a width and height that are multiples of 64"),
        where=sample.box,
        evidence={
            "x": round(shift.x, 2),
            "y": round(shift.y, 2),
            "response": round(shift.response, 3),
        },
    )


def _tell_company(image: ImageRecord, pictures: Pictures, traces: Traces) -> Iterator[Finding]:
    """What took part without moving a pixel outside by itself, with what can be counted of it."""
    job = traces.settings
    if traces.flattened:
        yield Finding(
            Cause.TRANSPARENCY,
            Severity.INFO,
            f"The host laid {traces.flattened:,} transparent pixels on its background color",
            "The gallery and the reply show them so; the saved PNG has the original's own again",
            Fix("Leave Keep alpha on", "keep_metadata", True),
            pixels=traces.flattened,
        )
    if image.crop_box is not None and job.padding:
        yield from _tell_padding(image.crop_box, pictures, traces)
    if job.denoising_strength >= HIGH_STRENGTH:
        yield _tell_strength(pictures, job)
    if traces.early_scripts:
        yield _tell_early(" or ".join(traces.early_scripts))
    if job.refiner:
        yield Finding(
            Cause.REFINER,
            Severity.INFO,
            f"The refiner {job.refiner} painted under the same mask",
            "It opens no pixel outside by itself; what it moved there counts for the causes above",
            Fix("Set Refiner to off", "refiner", "off"),
            pixels=0,
            certainty=Certainty.INFERRED,
        )


def _tell_early(names: str) -> Finding:
    """Other scripts at the hook before the overlay: what they did there the overlay covers."""
    return Finding(
        Cause.OTHER_SCRIPT,
        Severity.INFO,
        f"{names} may have edited the picture before the original was laid over it",
        "That opens no pixel outside by itself; what it moved there counts for the causes above",
        Fix(f"Switch {names} off for this run"),
        pixels=0,
        certainty=Certainty.INFERRED,
    )


def _tell_padding(box: Box, pictures: Pictures, traces: Traces) -> Iterator[Finding]:
    """The part of the crop that only padding made the model see."""
    job = traces.job(pictures.mask)
    tight = crop_box(blur_on_host(job.mask, job), padding=0, size=job.size)
    if tight is None:
        return
    exposed = np.zeros(pictures.mask.shape, bool)
    exposed[box.slices] = True
    exposed[tight.slices] = False
    moved = difference(pictures.reference, pictures.unguarded)[exposed] > 0
    changed = int(np.count_nonzero(moved & pictures.protected[exposed]))
    yield Finding(
        Cause.PADDING,
        Severity.INFO,
        f"Padding {job.padding} showed the model {int(exposed.sum()):,} more pixels as context",
        f"By itself that changes none; {changed:,} of them were changed by the causes above",
        pixels=int(exposed.sum()),
        where=box,
        evidence={"changed": changed},
    )


def _tell_strength(pictures: Pictures, job: InpaintJob) -> Finding:
    seam = measure_seam(pictures.reference, pictures.result, pictures.mask)
    return Finding(
        Cause.STRENGTH,
        Severity.INFO,
        f"Denoising strength {job.denoising_strength:g} is high",
        "It opens no pixel outside by itself; it raises the risk at the seam, whose step here is "
        f"{seam.ratio:.1f} times the original's own",
        Fix("Lower the denoising strength", "denoising strength", RECOMMENDED_STRENGTH),
        pixels=0,
        evidence={"ratio": round(seam.ratio, 3)},
    )

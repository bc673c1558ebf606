"""After the run: which cause changed how many pixels, where, and which setting stops it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from bleed_guard.core.attribution import FILE_CAUSES, Scene, attribute
from bleed_guard.core.effects import View, refine_shift
from bleed_guard.core.geometry import LATENT_STEP, crop_box
from bleed_guard.core.job import Box, Cause, Certainty, Finding, InpaintJob
from bleed_guard.core.mask import HARD_LEVEL, edge_distance
from bleed_guard.core.measure import difference, measure_reach, measure_seam
from bleed_guard.core.reach import blur_on_host
from bleed_guard.core.record import ImageRecord, Pictures, describe_finding
from bleed_guard.core.signals import ColorLine, fit_colors, measure_shift, share_at_ends
from bleed_guard.core.traces import Sample, Traces
from bleed_guard.core.wording import BUCKETS, LEVELS, fill_in, tell_share, word_measured

VISIBLE_SEAM = 1.5
"""Seam ratio from which people see the edge: half again the original's own step there."""

SURE_SHIFT, SURE_RESPONSE = 0.4, 0.1
"""A shift counts from this many px on, and if phase correlation is at least this sure (0-1)."""

MOVED_NEAR = 6
"""px from the mask: nearer, what is measured sees the edit."""

LEAST_DRIFT = 0.05
"""Levels on average: less would be told as 0.0."""

LEAST_CONTRAST = 0.5
"""A decoded picture that keeps less than this share of the contrast is another picture."""

CLIPPED_SHARE = 0.95
"""A decoded picture with more than this share of its levels at 0 or 255 is no picture any more."""

LOST_LEVELS, LOST_SHARE = 16, 0.5
"""Unless the original lies there too: more than this share of its levels are this far away."""

HIGH_STRENGTH = 0.85
"""Denoising strength from which the seam is at risk."""

NOISE_LIKE = 2
"""Differences up to this many levels are called noise-like by custom; see `LEVELS`."""


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
        told += _tell_model(pictures, image.traces)
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
    is_known = cause is not Cause.OTHER_SCRIPT or cause in traces.areas
    pixels = int(np.count_nonzero(area))
    told = {
        **_words(traces),
        "pixels": f"{pixels:,}",
        "share": tell_share(pixels / int(evidence["total"])),
        "largest": largest or 0,
    }
    why = "" if largest is None else LEVELS[largest <= NOISE_LIKE]
    return replace(
        fill_in(BUCKETS[cause]._replace(why=why), **told),
        pixels=pixels,
        max=largest,
        where=_bounds(area),
        evidence=evidence,
        certainty=Certainty.MEASURED if is_known else Certainty.INFERRED,
    )


def _words(traces: Traces) -> dict[str, int | str]:
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


def _tell_noop(pictures: Pictures) -> Iterator[Finding]:
    """Nothing changed inside the mask: the run did nothing, and nobody said so."""
    inside = pictures.mask >= HARD_LEVEL
    total = int(np.count_nonzero(inside))
    if not total or (difference(pictures.reference, pictures.result)[inside]).any():
        return
    yield replace(
        word_measured("no_edit", pixels=f"{total:,}"),
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
    steps = {"step": f"{seam.step:.1f}", "own_step": f"{seam.reference_step:.1f}"}
    yield replace(
        word_measured("seam", ratio=f"{seam.ratio:.1f}", **steps),
        pixels=seam.pairs,
        where=_bounds(edge),
        evidence={"ratio": round(seam.ratio, 3), "step": round(seam.step, 3)},
    )


def _tell_model(pictures: Pictures, traces: Traces) -> Iterator[Finding]:
    """What the model and its autoencoder did to pixels nobody asked to change."""
    sample = traces.sample
    if sample is None:
        return
    reference = pictures.crop("reference", sample.box)
    free = pictures.crop("mask", sample.box) == 0
    delta = difference(reference, sample.decoded)[free]
    if not delta.any():
        return
    clipped = _tell_clipped(reference[free], sample.decoded[free])
    if clipped is not None:
        yield replace(clipped, max=int(delta.max()), where=sample.box)
        return
    yield from _tell_shift(reference, sample, free, traces.settings)
    line = fit_colors(reference[free], sample.decoded[free])
    if np.mean(line.gain) < LEAST_CONTRAST or delta.mean() < LEAST_DRIFT:
        return
    finding = _word_drift(line, float(delta.mean()))
    yield replace(finding, max=int(delta.max()), where=sample.box)


def _tell_clipped(reference: np.ndarray, decoded: np.ndarray) -> Finding | None:
    """A decoded picture that is all black, or cut at 0 and 255, where the original is not."""
    share = share_at_ends(decoded)
    moved = cv2.absdiff(reference, decoded)
    if share < CLIPPED_SHARE or np.mean(moved > LOST_LEVELS) < LOST_SHARE:
        return None
    is_black = np.mean(decoded) < LOST_LEVELS
    finding = word_measured("model_black" if is_black else "model_clipped", share=tell_share(share))
    return replace(finding, evidence={"clipped": round(share, 4)})


def _word_drift(line: ColorLine, mean: float) -> Finding:
    """By how much a picture moved; its colors only where all three channels tell a line."""
    evidence: dict[str, float | int | str] = {"mean": round(mean, 2)}
    if not all(line.is_told):
        return replace(word_measured("model_uncolored", mean=f"{mean:.1f}"), evidence=evidence)
    red, green, blue = line.step
    contrast, noise = float(np.mean(line.gain)), float(np.mean(line.noise))
    finding = word_measured(
        "model",
        red=f"{red:+.1f}",
        green=f"{green:+.1f}",
        blue=f"{blue:+.1f}",
        contrast=f"{100 * contrast:.0f}",
        noise=f"{noise:.1f}",
        mean=f"{mean:.1f}",
    )
    steps = {"red": red, "green": green, "blue": blue}
    evidence = {name: round(step, 2) for name, step in steps.items()} | evidence
    evidence |= {"contrast": round(contrast, 4), "noise": round(noise, 2)}
    return replace(finding, evidence=evidence)


def _tell_shift(
    reference: np.ndarray, sample: Sample, free: np.ndarray, job: InpaintJob
) -> Iterator[Finding]:
    around = np.ones((2 * MOVED_NEAR + 1, 2 * MOVED_NEAR + 1), np.uint8)
    apart = cv2.erode(free.astype(np.uint8), around) > 0
    shift = measure_shift(reference, sample.decoded, apart)
    if shift.response < SURE_RESPONSE:
        return
    x, y = refine_shift(View(reference, sample.decoded, apart, ~free), shift.x, shift.y)
    shift = shift._replace(x=x, y=y)
    if shift.length < SURE_SHIFT:
        return
    told = {"length": f"{shift.length:.1f}", "x": f"{shift.x:+.1f}", "y": f"{shift.y:+.1f}"}
    is_size_to_blame = any(side % LATENT_STEP for side in job.size)
    yield replace(
        word_measured("shift" if is_size_to_blame else "shift_model", **told),
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
        yield replace(
            word_measured("transparency", pixels=f"{traces.flattened:,}"),
            pixels=traces.flattened,
        )
    if image.crop_box is not None and job.padding:
        yield from _tell_padding(image.crop_box, pictures, traces)
    if job.denoising_strength >= HIGH_STRENGTH:
        yield _tell_strength(pictures, job)
    if traces.early_scripts:
        yield replace(
            word_measured("early_script", names=" or ".join(traces.early_scripts)),
            pixels=0,
            certainty=Certainty.INFERRED,
        )
    if job.refiner:
        yield replace(
            word_measured("refiner_measured", refiner=job.refiner),
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
    told = {"pixels": f"{int(exposed.sum()):,}", "changed": f"{changed:,}"}
    yield replace(
        word_measured("padding", padding=job.padding, **told),
        pixels=int(exposed.sum()),
        where=box,
        evidence={"changed": changed},
    )


def _tell_strength(pictures: Pictures, job: InpaintJob) -> Finding:
    seam = measure_seam(pictures.reference, pictures.result, pictures.mask)
    told = {"strength": job.denoising_strength, "ratio": f"{seam.ratio:.1f}"}
    return replace(
        word_measured("strength_measured", **told),
        pixels=0,
        evidence={"ratio": round(seam.ratio, 3)},
    )

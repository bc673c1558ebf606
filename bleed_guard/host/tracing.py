"""What is kept of an image's stages so that its causes can be told when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.core.job import Cause
from bleed_guard.core.measure import difference
from bleed_guard.core.patch import Patch
from bleed_guard.core.stripes import read_channel
from bleed_guard.core.traces import Sample, Traces, trace_job
from bleed_guard.host import compat, processing
from bleed_guard.host.carry import has_alpha
from bleed_guard.host.compositing import (
    Composed,
    DecodedImage,
    LaidOutImage,
    Rules,
    compose_unguarded,
    outside_of,
)
from bleed_guard.host.processing import Canvas


def trace(
    p: Any, laid: LaidOutImage, composed: Composed, rules: Rules, scripts: tuple[str, ...]
) -> Traces:
    """The traces of a finished image; `scripts` name those that may have edited it.

    Pictures are compared only where another script, a color correction or face restoration took
    part.
    """
    canvas, plan, job = composed.canvas, rules.plan, rules.plan.job
    if laid.canvas.crop_box is None:
        job = replace(job, size=laid.canvas.asked_size)  # some hosts round it
    early = processing.editing_scripts(p, "postprocess_image")
    traces = replace(trace_job(job, canvas.mask), scripts=scripts, early_scripts=early)
    if canvas is not laid.canvas:
        return replace(traces, is_brought_back=True)
    outside = outside_of(canvas, plan.protection)
    if scripts:
        edited = _find_edits(p, laid, composed.composite, rules)
        traces = traces.with_area(Cause.OTHER_SCRIPT, edited & outside)
    for cause, picture in _list_counterfactuals(p, laid.decoded):
        bare = compose_unguarded(p, laid, picture)
        moved = _differs(canvas, composed.unguarded, rules)
        spared = moved & ~_differs(canvas, bare, rules)
        traces = traces.with_area(cause, spared & outside)
    box = canvas.sample_box
    sample = box and Sample(box, processing.place_decoded(laid.decoded.image, canvas, box))
    return replace(traces, sample=sample, flattened=_count_flattened(canvas, outside))


def _list_counterfactuals(p: Any, decoded: DecodedImage) -> Iterator[tuple[Cause, Image.Image]]:
    """Each stage between the decoder and the overlay that took part, and the picture without it."""
    corrected = compat.apply_color_correction(p, decoded.batch_index, decoded.image)
    if corrected is not decoded.image:
        yield Cause.COLOR_CORRECTION, decoded.image
    if decoded.before_faces is not None:
        bare = processing.to_picture(decoded.before_faces)
        if bare.size == decoded.image.size:
            correct = compat.apply_color_correction
            yield Cause.FACE_RESTORE, correct(p, decoded.batch_index, bare)


def _count_flattened(canvas: Canvas, outside: np.ndarray) -> int:
    """How many of the `outside` pixels (bool H x W) the init image has transparent."""
    if not has_alpha(canvas.init_image) or not canvas.has_original_size:
        return 0
    alpha = read_channel(canvas.init_image, "A")
    return int(np.count_nonzero(outside & (alpha < 255)))


def _find_edits(p: Any, laid: LaidOutImage, composite: Patch, rules: Rules) -> np.ndarray:
    """bool H x W: what another script changed between the host's overlay and the guard."""
    changed = _differs(laid.canvas, composite, rules)
    if rules.is_forcing and not laid.keeps_host_blend:
        return changed  # the overlay was the guard's: all that differs came after it
    index, part = laid.decoded.batch_index, composite.box.slices
    corrected = compat.apply_color_correction(p, index, laid.decoded.image)
    alone = compose_unguarded(p, laid, corrected)
    laid_over = alone.crop(laid.canvas.part(composite.box), composite.box)
    changed[part] &= difference(laid_over, composite.pixels) > 0
    return changed


def _differs(canvas: Canvas, picture: Patch, rules: Rules) -> np.ndarray:
    """bool H x W: where a picture is not the reference."""
    found, part = np.zeros(canvas.mask.shape, bool), picture.box.slices
    found[part] = difference(canvas.part(picture.box), picture.pixels) > rules.settings.tolerance
    return found


def trace_file(
    traces: Traces, cause: Cause, pixels: np.ndarray, result: np.ndarray, changed: np.ndarray
) -> Traces:
    """The traces with what saving did: `pixels` of the file and `result` are uint8 H x W x 3,
    `changed` is bool H x W, the protected pixels in which the file is not the original."""
    return traces.with_area(cause, changed & (difference(result, pixels) > 0))

"""The end of a run: late edits undone, the verdict told where the user looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.core.job import Finding, Severity, Verdict
from bleed_guard.core.mask import soft_fraction
from bleed_guard.core.measure import difference
from bleed_guard.core.stripes import read_pixels
from bleed_guard.host import compat, files, infotext, options, processing
from bleed_guard.host.run import FinishedImage, GuardRun
from bleed_guard.host.telling import show, tell_run

FORETOLD_FILES = ("lossy_file", "export_4chan")
"""Findings of the plan that reading the files back makes numbers of."""


def close_run(run: GuardRun, p: Any, processed: Any) -> tuple[str, ...]:
    """Finish the record, mend the reply where something edited it late, and write the comments.

    Returns the lines this job is told in.
    """
    run.stop_awaiting()
    run.place_images(_find_places(run, p, processed))
    if run.rules.is_forcing:
        _mend_reply(run, processed)
    if processed.images and not run.record.images:
        run.fail_image("the host skipped a stage the guard depends on", 0)
    run.record = replace(
        run.record,
        changes=run.rules.plan.changes,
        findings=_leave_out_measured(run),
        preset=run.rules.settings.named_preset(),
        tolerance=run.rules.settings.tolerance,
        owner=processing.read_owner(p),
        prompt=str(processed.prompt or ""),
        facts=hold_facts(run, p),
    )
    lines = tell_run(run)
    infotext.tell(processed, lines, run.record)
    if options.read("tell_in_page"):
        show(p, processed, run)
    return lines


def _leave_out_measured(run: GuardRun) -> tuple[Finding, ...]:
    """What was foretold, without what the files by now have been measured for: told once; and
    without what the guard was to keep in order, where it guarded nothing."""
    measured = {finding.cause for image in run.record.images for finding in image.findings}
    is_unguarded = all(one.verdict is Verdict.NOT_GUARDED for one in run.record.images)
    return tuple(
        finding
        for finding in run.rules.plan.findings
        if (finding.message not in FORETOLD_FILES or finding.cause not in measured)
        and not (is_unguarded and finding.severity is Severity.INFO)
    )


def _mend_reply(run: GuardRun, processed: Any) -> None:
    """Gallery and reply show what is in this list; a script after the guard may have edited it."""
    has_strangers = _has_strangers(run, processed)
    for finished in run.finished:
        record = run.record_of(finished.index)
        if record is None:
            continue
        if record.places is not None:
            _mend_picture(run, processed, record.places[0], finished)
        elif has_strangers:
            told = "another extension has exchanged the reply's pictures: this one is not there"
            run.fail_image(told, finished.index)


def _mend_picture(run: GuardRun, processed: Any, at: int, finished: FinishedImage) -> None:
    """The finished image where it is in the reply."""
    image, record = processed.images[at], run.record_of(finished.index)
    if image.size != finished.canvas.size:
        width, height = finished.canvas.size
        run.fail_image(
            f"another extension made the picture in the reply {image.width} x {image.height} "
            f"where {width} x {height} was expected",
            finished.index,
        )
        return
    mended, late = files.mend_edits(image, finished)
    if late is None:
        files.tell_hidden_infotext(run, finished)
    processed.images[at] = mended
    if record is not None and record.verdict is not Verdict.NOT_GUARDED:
        _serve(mended, record.saved_as)


def _serve(image: Any, file: str) -> None:
    """Let the gallery show the file that was read back, or the picture itself if there is none:
    never one that another extension saved of it."""
    if file:
        image.already_saved_as = file
    elif hasattr(image, "already_saved_as"):
        del image.already_saved_as


def _find_places(run: GuardRun, p: Any, processed: Any) -> dict[int, tuple[int, int]]:
    """Of each image its place in the reply and the one behind its mask and composite, by index.

    An image that another script has replaced is looked for by what it shows; one that this does
    not tell, or that is not guarded, where the host puts it: behind a grid, and behind the images
    before it with theirs. What other extensions add stays theirs.
    """
    returned = processing.count_returned_masks(p, has_mask=run.has_mask_to_show)
    count, length = len(processed.images), 1 + returned
    first = int(getattr(processed, "index_of_first_image", 0) or 0)
    known = {id(image): at for at, image in reversed([*enumerate(processed.images)])}
    starts = {one.index: known[id(one.image)] for one in run.finished if id(one.image) in known}
    for one in run.finished:
        if one.index not in starts:
            free = sorted(set(range(first, count)) - set(starts.values()))
            at = _find_likeness(one.image, {at: processed.images[at] for at in free})
            if at is not None:
                starts[one.index] = at
    taken = set(starts.values())
    for number, image in enumerate(run.record.images):
        at = first + number * length
        if image.index not in starts and at < count and at not in taken:
            starts[image.index] = at
    ends = [*sorted(starts.values()), count]
    return {
        index: (at, min(at + length, *(end for end in ends if end > at)))
        for index, at in starts.items()
    }


def _find_likeness(image: Image.Image, others: Mapping[int, Image.Image]) -> int | None:
    """The key of the picture that has most pixels of `image`, if that is more than half of them."""
    pixels, most, found = read_pixels(image), 0.5, None
    for key, other in others.items():
        if other.size != image.size:
            continue
        share = float(np.mean(difference(pixels, read_pixels(other)) == 0))
        if share > most:
            most, found = share, key
    return found


def _has_strangers(run: GuardRun, processed: Any) -> bool:
    """Whether any picture of the reply is neither an image of the run, nor a grid, nor a mask."""
    first = int(getattr(processed, "index_of_first_image", 0) or 0)
    places = (image.places or (0, 0) for image in run.record.images)
    known = {at for start, end in places for at in range(start, end)}
    return not known.issuperset(range(first, len(processed.images)))


def hold_facts(run: GuardRun, p: Any) -> dict[str, str]:
    """The facts of the run as it was, what the guard changed included, label -> value, in the
    order they are shown; of the mask, what was given."""
    job, given = run.rules.plan.job, run.rules.job
    softness = soft_fraction(given.marked)
    edges = f"{100 * softness:.0f} % of it grey" if softness else "crisp edges"
    sizes = dict.fromkeys("{} x {}".format(*one.canvas.size) for one in run.finished)
    return {
        "Inpaint area": "only masked" if job.only_masked else "whole picture",
        "Inpaint mode": "not masked" if job.mask_is_inverted else "masked",
        "Masked content": job.masked_content.name.lower().replace("_", " "),
        "Mask": f"{given.mask_mode}, {given.mask.shape[1]} x {given.mask.shape[0]}, {edges}",
        "Mask blur": f"{job.mask_blur} (reach {run.rules.plan.predicted_reach} px)",
        "Padding": str(job.padding),
        "Denoising strength": f"{job.denoising_strength:g}",
        "Refiner": job.refiner or "off",
        "Face restoration": "on" if job.has_face_restoration else "off",
        "Color correction": "on" if job.has_color_correction else "off",
        "Overlay original": "on" if job.has_overlay else "off",
        "Soft Inpainting": "on" if job.has_soft_inpainting else "off",
        "Other scripts": ", ".join(processing.editing_scripts(p, "postprocess_image")) or "none",
        "Put together by": run.rules.job.assembled_by or "one job",
        "Format": compat.tell_format(job.image_format),
        "Original": f"{job.init_size[0]} x {job.init_size[1]}",
        "Result size": ", ".join(sizes) or "none",
        "Tolerance": str(run.rules.settings.tolerance),
        "Host": compat.host_version(),
    }

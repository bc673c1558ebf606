"""The file: right before it is written, and read back after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.core.job import Cause, Finding, Fix, Severity
from bleed_guard.core.measure import count_changes, judge
from bleed_guard.core.record import Stage
from bleed_guard.host import compat
from bleed_guard.host.run import GuardRun

LOSSY_FORMATS = {
    ".jpg": ("JPEG", Cause.JPEG),
    ".jpeg": ("JPEG", Cause.JPEG),
    ".webp": ("WebP", Cause.WEBP),
    ".avif": ("AVIF", Cause.AVIF),
    ".heif": ("HEIF", Cause.AVIF),
    ".jxl": ("JPEG XL", Cause.AVIF),
}

HOST_SUFFIXES = ("-mask", "-mask-composite", "-before-face-restoration", "-before-color-correction")
"""What the hosts append to the files they save beside the result itself."""


def is_result(run: GuardRun | None, params: Any) -> bool:
    """Whether this save is the run's finished image, and not a grid, a mask or an earlier stage."""
    if run is None or run.work is None or not run.work.is_awaiting_save:
        return False
    work = run.work
    if params.image is work.final:
        return True
    is_aside = Path(params.filename).stem.endswith(HOST_SUFFIXES)
    return not is_aside and work.canvas is not None and params.image.size == work.canvas.size


def prepare_save(run: GuardRun, params: Any) -> None:
    """on_before_image_saved: undo late edits outside the mask, choose a lossless format."""
    if run.is_forcing:
        _undo_late_edits(run, params)
    if run.settings.lossy_format == "png":
        _save_as_png(run, params)


def _undo_late_edits(run: GuardRun, params: Any) -> None:
    """Put back protected pixels another extension changed on the picture's way to its file."""
    work = run.work
    assert work is not None
    assert work.canvas is not None
    if params.image is work.final:
        return
    pixels = np.asarray(params.image.convert("RGB"))
    late = count_changes(work.canvas.reference, pixels, work.canvas.protected)
    if not late.changed or _is_stealth(late.max):
        return
    mended = np.where(work.canvas.protected[..., None], work.canvas.reference, pixels)
    image = Image.fromarray(mended)
    if params.image.mode == "RGBA":
        image.putalpha(params.image.getchannel("A"))
    image.info = dict(params.image.info)
    params.image = image
    stage = Stage("before saving", late.changed, late.max)
    if run.current is not None:
        run.update_current(stages=(*run.current.stages, stage))


def _is_stealth(largest: int) -> bool:
    """Whether a difference is the host's own hidden infotext in the low bits of R, G, B."""
    return largest <= 1 and "rgb" in str(compat.option("stealth_pnginfo_option", "")).lower()


def _save_as_png(run: GuardRun, params: Any) -> None:
    """Give a lossy file a .png name no other file has: the host looked for a free one only with
    its own extension, and replaces what is there."""
    path = Path(params.filename)
    if path.suffix.lower() not in LOSSY_FORMATS:
        return
    free, number = path.with_suffix(".png"), 0
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}.png")
    params.filename = str(free)


def check_saved(run: GuardRun, params: Any) -> None:
    """on_image_saved: read the file back; the verdict is about the bytes on disk."""
    work = run.work
    assert work is not None
    assert work.canvas is not None
    work.is_awaiting_save = False
    path = Path(getattr(params.image, "already_saved_as", None) or params.filename)
    with Image.open(path) as file:
        pixels = np.asarray(file.convert("RGB"))
    if pixels.shape != work.canvas.reference.shape or run.current is None:
        return
    tolerance = run.settings.tolerance
    saved = count_changes(
        work.canvas.reference, pixels, work.canvas.protected, tolerance=tolerance
    )
    record = run.current
    findings = record.findings
    verdict = record.verdict
    if run.is_forcing and saved.changed > record.changed:
        verdict = judge(saved.changed, saved.max)
        findings = (*findings, explain_file(path, saved.changed, saved.max))
    run.update_current(
        verdict=verdict,
        saved_as=str(path),
        stages=(*record.stages, Stage("saved file", saved.changed, saved.max)),
        findings=findings,
    )


def explain_file(path: Path, changed: int, largest: int) -> Finding:
    """Why a saved file differs outside the mask although the picture does not."""
    if _is_stealth(largest):
        return Finding(
            Cause.STEALTH,
            Severity.INFO,
            f"{path.name} carries hidden infotext in {changed:,} protected pixels (by 1 level)",
            "The host writes it into the lowest bits on purpose",
            Fix("set stealth infotext to alpha or none", "stealth_pnginfo_option", "none"),
            pixels=changed,
            max=largest,
        )
    name, cause = LOSSY_FORMATS.get(path.suffix.lower(), ("", Cause.OTHER_SCRIPT))
    if name:
        return Finding(
            cause,
            Severity.WARNING,
            f"{path.name} is {name}: {changed:,} protected pixels differ in the file "
            f"(max {largest})",
            "A lossy format changes pixels everywhere; the picture itself was exact",
            Fix("save as PNG", "lossy_format", "png"),
            pixels=changed,
            max=largest,
        )
    return Finding(
        cause,
        Severity.WARNING,
        f"{path.name} differs from the picture in {changed:,} protected pixels (max {largest})",
        "Another extension changed it while it was saved",
        pixels=changed,
        max=largest,
    )



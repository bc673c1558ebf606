"""The file: right before it is written, and read back after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.core.geometry import flatten_image
from bleed_guard.core.job import Cause, Finding
from bleed_guard.core.measure import ChangeCount, count_changes, difference, judge
from bleed_guard.core.patch import Patch
from bleed_guard.core.plan import LOSSY_FORMATS, is_lossy
from bleed_guard.core.record import Stage
from bleed_guard.core.stripes import read_pixels
from bleed_guard.core.wording import word_measured
from bleed_guard.host import compat
from bleed_guard.host.carry import carry_over, has_alpha, read_hidden, write_resolution
from bleed_guard.host.compositing import count_bleed, outside_of, read_composite
from bleed_guard.host.processing import Canvas, UnmappableError, is_own_save
from bleed_guard.host.run import FinishedImage, GuardRun
from bleed_guard.host.tracing import trace_file

OVERWRITING = ("Replace", "Override")
"""What the hosts' option says where a file of the same name is overwritten."""

LONGEST_PATH = 255
"""Characters: the hosts cut a longer one, most of them all of it with its folders."""

GRID_PREFIX = "grid"
"""What the name of a grid begins with."""


def find_result(run: GuardRun | None, params: Any) -> FinishedImage | None:
    """The run's finished image this save is of; None for a grid, an earlier stage of the next
    image or what another extension saves.

    Of what the host saves of an image the result comes first.
    """
    finished = run.awaiting_save if run is not None else None
    if run is None or finished is None or not is_own_save():
        return None
    if params.image is finished.image:
        return finished
    is_named_so = Path(params.filename).stem.startswith(GRID_PREFIX)
    may_be_grid = is_named_so or params.image.size != finished.canvas.size
    is_grid = may_be_grid and not params.p.save_samples()
    return None if is_grid or run.index_of(params.p) != finished.index else finished


def prepare_save(run: GuardRun, finished: FinishedImage, params: Any) -> None:
    """on_before_image_saved: undo late edits outside the mask, choose a lossless format.

    A picture another extension has made larger or smaller is left alone: its file will be told.
    """
    if params.image.size != finished.canvas.size:
        return
    is_forcing = run.rules.is_forcing
    if is_forcing:
        _undo_late_edits(run, finished, params)
    _choose_name(run, params)
    if run.rules.settings.keep_metadata:
        canvas = finished.canvas
        protected = canvas.protected if is_forcing and canvas.has_original_size else None
        path, made = Path(params.filename), params.image
        params.image = carry_over(made, canvas.init_image, protected, path)
        if params.image is not made:
            _tell_unhidden(run, finished, path, made, params.image)


def _tell_unhidden(
    run: GuardRun, finished: FinishedImage, path: Path, made: Image.Image, carried: Image.Image
) -> None:
    """The host had hidden its infotext where the original's own transparency and colors are."""
    record, hidden = run.record_of(finished.index), read_hidden(made)
    if record is None or not hidden or read_hidden(carried) == hidden:
        return
    told = word_measured("file_unhidden", file=path.name)
    run.update_image(finished.index, findings=(*record.findings, told))


def _undo_late_edits(run: GuardRun, finished: FinishedImage, params: Any) -> None:
    """Put back protected pixels another extension changed on the picture's way to its file."""
    mended, late = mend_edits(params.image, finished)
    if late is None:
        return
    params.image = mended
    record = run.record_of(finished.index)
    if record is not None:
        stage = Stage("before saving", late.changed, late.max)
        run.update_image(finished.index, stages=(*record.stages, stage))


def mend_edits(
    image: Image.Image, finished: FinishedImage
) -> tuple[Image.Image, ChangeCount | None]:
    """`image` with every protected pixel the reference's, and what was changed; None for nothing.

    The finished image itself, edited in place, is mended in place: gallery and reply show it.
    """
    canvas = finished.canvas
    picture = read_composite(image, canvas)
    late = count_bleed(canvas, picture, canvas.protected)
    if not late.changed or _is_stealth(late.max):
        return image, None
    reference = canvas.reference
    pixels = picture.lay_on(reference)
    mended = Image.fromarray(np.where(canvas.protected[..., None], reference, pixels))
    if image.mode == "RGBA":
        mended.putalpha(image.getchannel("A"))
    if image is finished.image:
        image.paste(mended)
        return image, late
    mended.info = dict(image.info)
    return mended, late


def tell_hidden_infotext(run: GuardRun, finished: FinishedImage) -> None:
    """The host hides it in the picture itself: gallery and reply carry it even where the file,
    which kept the original's own pixels beside its transparency, does not."""
    record = run.record_of(finished.index)
    if record is None or "rgb" not in compat.stealth_mode():
        return
    if any(finding.message == "file_hidden" for finding in record.findings):
        return
    canvas = finished.canvas
    seen = count_changes(canvas.reference, read_pixels(finished.image), canvas.protected)
    if seen.changed and _is_stealth(seen.max):
        told = explain_hidden("reply_hidden", seen.changed, seen.max)
        run.update_image(finished.index, findings=(*record.findings, told))


def _is_stealth(largest: int) -> bool:
    """Whether a difference is the host's own hidden infotext in the low bits of R, G, B."""
    return largest <= 1 and "rgb" in compat.stealth_mode()


def _choose_name(run: GuardRun, params: Any) -> None:
    """A name no other file has, where the host would change the name after it has told it, or
    would replace what is there: it looked for a free one only with its own extension."""
    path = Path(params.filename)
    suffix = path.suffix
    is_kept = run.rules.job.webp_is_lossless
    is_spoiled = is_lossy(find_suffix(path), webp_is_lossless=is_kept)
    if run.rules.settings.lossy_format == "png" and is_spoiled:
        suffix = ".png"
    elif compat.option("save_images_replace_action", "Replace") in OVERWRITING:
        return
    free, number = _name_beside(path, suffix), 0
    while _exists(free):
        number += 1
        free = _name_beside(path, f"-{number}{suffix}")
    params.filename = str(free)


def _name_beside(path: Path, ending: str) -> Path:
    """The same name with another ending, cut so that the host does not cut off what makes it
    another: of a long path the hosts leave the beginning."""
    room = LONGEST_PATH - len(str(path.parent / ending))
    return path.with_name((path.stem[:room] if room > 0 else path.stem) + ending)


def _exists(path: Path) -> bool:
    """Whether there is such a file; never of a name no file can have."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def find_suffix(path: Path) -> str:
    """For instance "jpg": as the host's options and `LOSSY_FORMATS` name a format."""
    return path.suffix.lower().removeprefix(".")


def check_saved(run: GuardRun, finished: FinishedImage, params: Any) -> None:
    """on_image_saved: read the file back; the verdict is about the bytes on disk."""
    finished.awaits_save = False
    path = _find_written(params)
    canvas = finished.canvas
    if run.rules.settings.keep_metadata:
        write_resolution(path, canvas.init_image)
    with Image.open(path) as file:
        picture = _read_as_seen(file, canvas)
    if params.image is not finished.image:  # the gallery shows the file of the picture it has
        finished.image.already_saved_as = str(path)  # type: ignore[attr-defined]
    outside = outside_of(canvas, run.rules.plan.protection)
    saved = count_bleed(canvas, picture, outside, run.rules.settings.tolerance)
    _record_file(run, finished, path, saved)
    if saved.changed:
        _trace_file(run, finished, path, picture.lay_on(canvas.reference))
    if run.rules.job.has_4chan_export:
        _check_copy(run, finished, path)


def _find_written(params: Any) -> Path:
    """The file of this save: the name it was given, which nobody else had, or the one the host
    made of a name that is too long. An extension may have saved the same picture since."""
    path = Path(params.filename)
    return path if _exists(path) else Path(params.image.already_saved_as)


def _trace_file(run: GuardRun, finished: FinishedImage, path: Path, pixels: np.ndarray) -> None:
    """Keep which protected pixels saving changed: `pixels` are the file's, uint8 H x W x 3."""
    record, canvas = run.record_of(finished.index), finished.canvas
    if record is None or record.traces is None or record.pictures is None:
        return
    delta = difference(canvas.reference, pixels)
    outside = outside_of(canvas, run.rules.plan.protection)
    changed = outside & (delta > run.rules.settings.tolerance)
    _, cause = LOSSY_FORMATS.get(find_suffix(path), ("", Cause.OTHER_SCRIPT))
    if _is_stealth(int(delta[changed].max(initial=0))):
        cause = Cause.STEALTH
    traces = trace_file(record.traces, cause, pixels, record.pictures.result, changed)
    run.update_image(finished.index, traces=traces)


def _check_copy(run: GuardRun, finished: FinishedImage, path: Path) -> None:
    """The host's extra JPEG beside a large file, which it writes before it tells of the file."""
    copy, record = path.with_suffix(".jpg"), run.record_of(finished.index)
    is_new = copy != path and copy.exists() and copy.stat().st_mtime >= run.record.started - 1
    if record is None or not is_new:
        return
    canvas = finished.canvas
    with Image.open(copy) as file:
        size, pixels = file.size, read_pixels(file)
    told: dict[str, Any] = {"copy": copy.name, "file": path.name}
    told |= {"width": size[0], "height": size[1]}
    key, lost = "copy", None
    if size == canvas.size:
        outside = outside_of(canvas, run.rules.plan.protection)
        lost = count_changes(canvas.reference, pixels, outside)
        told |= {"pixels": f"{lost.changed:,}", "max": lost.max}
        key = "copy_counted"
    finding = replace(
        word_measured(key, **told),
        pixels=lost.changed if lost else None,
        max=lost.max if lost else None,
    )
    run.update_image(finished.index, findings=(*record.findings, finding))


def _read_as_seen(file: Image.Image, canvas: Canvas) -> Patch:
    """The file's picture; one that kept the original's transparency on the host's background.

    An alpha channel the host made to hide an infotext in is not looked at. UnmappableError for
    another size.
    """
    if file.size != canvas.size:
        name = Path(getattr(file, "filename", "")).name
        raise UnmappableError(
            f"the saved file {name} is {file.width} x {file.height} where "
            f"{canvas.size[0]} x {canvas.size[1]} was expected"
        )
    if file.mode == "RGBA" and has_alpha(canvas.init_image) and has_alpha(file):
        return Patch.whole(flatten_image(file, canvas.background))
    return read_composite(file, canvas)


def _record_file(run: GuardRun, finished: FinishedImage, path: Path, saved: ChangeCount) -> None:
    record = run.record_of(finished.index)
    if record is None:
        return
    verdict, findings = record.verdict, record.findings
    if run.rules.is_forcing and saved.changed > record.changed:
        findings = (*findings, explain_file(path, saved.changed, saved.max))
        if not _is_stealth(saved.max):
            verdict = judge(saved.changed, saved.max)
    run.update_image(
        finished.index,
        verdict=verdict,
        saved_as=str(path),
        stages=(*record.stages, Stage("saved file", saved.changed, saved.max)),
        findings=findings,
    )


def explain_hidden(key: str, changed: int, largest: int, **told: str) -> Finding:
    """The infotext the host hides in the lowest bits of R, G and B."""
    finding = word_measured(key, pixels=f"{changed:,}", **told)
    return replace(finding, pixels=changed, max=largest)


def explain_file(path: Path, changed: int, largest: int) -> Finding:
    """Why a saved file differs outside the mask although the picture does not."""
    if _is_stealth(largest):
        return explain_hidden("file_hidden", changed, largest, file=path.name)
    told: dict[str, Any] = {"file": path.name, "pixels": f"{changed:,}", "max": largest}
    name, cause = LOSSY_FORMATS.get(find_suffix(path), ("", Cause.OTHER_SCRIPT))
    finding = word_measured("file_lossy" if name else "file_changed", format=name, **told)
    return replace(finding, cause=cause, pixels=changed, max=largest)

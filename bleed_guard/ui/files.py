"""Any three files as a record, so that the tab shows them as it shows a generation."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bleed_guard.audit.infotext import read_infotext
from bleed_guard.cli.compare import Paths, Pictures, fit_pictures, tell_size
from bleed_guard.cli.pictures import tell_more
from bleed_guard.core.files_diagnosis import diagnose_files
from bleed_guard.core.job import Cause, Certainty, Finding, Severity
from bleed_guard.core.mask import protected_area
from bleed_guard.core.measure import ChangeCount, count_changes, judge
from bleed_guard.core.record import GenerationRecord, ImageRecord, LoadedPictures
from bleed_guard.core.wording import tell_share
from bleed_guard.images import Picture, decode_mask, decode_picture, read_bytes, shallow

SUREST = 0.99
"""Nothing that is inferred is certain: more would be rounded up to 100 %."""

PRESET = "files"
"""What such a record has in the place of a preset."""


@dataclass(frozen=True)
class Given:
    """One of the three pictures: a file, or an array from the history. `name` is for people."""

    name: str
    path: Path | None = None
    array: np.ndarray | None = None

    def read(self) -> Picture:
        """PictureError if the file cannot be read."""
        if self.array is not None:
            return Picture(self.name, self.array)
        return decode_picture(self._read_bytes(), self.name)

    def read_infotext(self) -> str:
        """The WebUI's parameters in the file, "" if there are none."""
        return "" if self.path is None else read_infotext(self._read_bytes(), self.name)

    def read_mask(self) -> np.ndarray:
        """uint8 H x W, 255 = repaint. PictureError if the file cannot be read."""
        if self.array is not None:
            return self.array
        return decode_mask(self._read_bytes(), self.name)

    def _read_bytes(self) -> bytes:
        assert self.path is not None, "an array has no file"
        return read_bytes(self.path)


def record_files(
    original: Given, result: Given, mask: Given | None, *, owner: str = "", tolerance: int = 0
) -> GenerationRecord:
    """Compare the pictures; without a mask every pixel counts.

    PictureError for a file that cannot be read, SizeError for sizes that cannot be matched.
    """
    first, second = original.read(), result.read()
    area = mask.read_mask() if mask else np.zeros(first.pixels.shape[:2], np.uint8)
    names = Paths(original.name, result.name, mask.name if mask else "")
    pictures = fit_pictures(names, first, second, area)
    shown = shallow(first.pixels), shallow(second.pixels)
    protected = protected_area(pictures.mask)
    kept = LoadedPictures(shown[0], shown[1], shown[1], pictures.mask, protected)
    count = count_changes(*shown, protected, tolerance=tolerance)
    return GenerationRecord(
        id=uuid.uuid4().hex,
        started=time.time(),
        images=(_record_image(kept, count, result.read_infotext(), second.codec),),
        preset=PRESET,
        tolerance=tolerance,
        owner=owner,
        facts=_tell_facts(names, pictures),
    )


def _record_image(
    pictures: LoadedPictures, count: ChangeCount, infotext: str, codec: str
) -> ImageRecord:
    return ImageRecord(
        index=0,
        verdict=judge(count.changed, count.max),
        protected=count.protected,
        changed=count.changed,
        max=count.max,
        findings=tuple(find_causes(pictures, infotext, codec)) if count.changed else (),
        pictures=pictures,
    )


def find_causes(pictures: LoadedPictures, infotext: str, codec: str = "") -> Iterator[Finding]:
    """The causes the files speak for, the most probable first."""
    for one in diagnose_files(
        pictures.reference,
        pictures.result,
        pictures.mask,
        infotext,
        codec=Cause(codec) if codec else None,
    ):
        yield Finding(
            one.cause,
            Severity.WARNING,
            f"{NAMES[one.cause]}: {min(one.probability, SUREST):.0%} probable, "
            f"{tell_share(one.share)} of the changed pixels",
            fix=one.fix,
            evidence={"probability": round(one.probability, 3), **one.evidence},
            certainty=Certainty.INFERRED,
        )


NAMES = {
    Cause.MASK_BLUR: "Mask blur",
    Cause.SOFT_MASK: "Grey pixels of the mask",
    Cause.SOFT_INPAINTING: "Soft Inpainting",
    Cause.OVERLAY_OFF: "The original was not laid over the result",
    Cause.WHOLE_REDRAW: "The whole picture was redrawn",
    Cause.RESIZE: "The picture was resized and brought back",
    Cause.SHIFT: "The whole picture is shifted",
    Cause.COLOR_SHIFT: "The colors are shifted",
    Cause.COLOR_CORRECTION: "Color correction",
    Cause.FACE_RESTORE: "Face restoration",
    Cause.VAE: "An autoencoder's error",
    Cause.PADDING: "The crop was pasted without its mask",
    Cause.OTHER_SCRIPT: "Another script or tool",
    Cause.JPEG: "JPEG",
    Cause.WEBP: "WebP",
    Cause.AVIF: "AVIF",
    Cause.PALETTE: "A palette of few colors",
}
"""What the causes are called."""


def _tell_facts(names: Paths, pictures: Pictures) -> dict[str, str]:
    original, result = pictures.original, pictures.result
    facts = {
        "Original": names.original,
        "Result": names.result,
        "Mask": names.mask or "none: every pixel counts",
        "Size": tell_size(original.size),
    }
    notes = list(pictures.notes if names.mask else tell_more(names, original, result))
    if max(original.depth, result.depth) > 8:
        notes.append("16-bit levels are rounded to 8 bits here")
    if original.alpha is not None or result.alpha is not None:
        notes.append("transparency is left out here")
    return facts | ({"Note": "; ".join(notes)} if notes else {})

"""Any three files as a record, so that the tab shows them as it shows a generation."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bleed_guard.cli.compare import Paths, Pictures, fit_pictures, tell_size
from bleed_guard.core.mask import protected_area
from bleed_guard.core.measure import ChangeCount, count_changes, judge
from bleed_guard.core.record import GenerationRecord, ImageRecord, LoadedPictures
from bleed_guard.images import Picture, read_mask_file, read_picture, shallow

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
        return read_picture(str(self.path))

    def read_mask(self) -> np.ndarray:
        """uint8 H x W, 255 = repaint. PictureError if the file cannot be read."""
        if self.array is not None:
            return self.array
        return read_mask_file(str(self.path))


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
        images=(_record_image(kept, count),),
        preset=PRESET,
        tolerance=tolerance,
        owner=owner,
        facts=_tell_facts(names, pictures),
    )


def _record_image(pictures: LoadedPictures, count: ChangeCount) -> ImageRecord:
    return ImageRecord(
        index=0,
        verdict=judge(count.changed, count.max),
        protected=count.protected,
        changed=count.changed,
        max=count.max,
        pictures=pictures,
    )


def _tell_facts(names: Paths, pictures: Pictures) -> dict[str, str]:
    original, result = pictures.original, pictures.result
    facts = {
        "Original": names.original,
        "Result": names.result,
        "Mask": names.mask or "none: every pixel counts",
        "Size": tell_size(original.size),
    }
    notes = list(pictures.notes) if names.mask else []
    if max(original.depth, result.depth) > 8:
        notes.append("16-bit levels are rounded to 8 bits here")
    if original.alpha is not None or result.alpha is not None:
        notes.append("transparency is left out here")
    return facts | ({"Note": "; ".join(notes)} if notes else {})

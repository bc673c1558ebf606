"""Where a crop was cut: written into its PNG, and read back as data that is not trusted."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import dataclass

import numpy as np
from PIL import Image

from bleed_guard.cli.errors import CommandError
from bleed_guard.core.job import Box
from bleed_guard.images import Picture
from bleed_guard.metadata import read_metadata

PLACE_KEY = "bleed_guard_place"
"""Name of the PNG text chunk."""

UNSOUND = (ValueError, TypeError, KeyError, OverflowError, RecursionError, OSError)
"""What `parse_place` raises on text that is not a place."""


@dataclass(frozen=True)
class Place:
    """The region a crop was cut from.

    `size` (width, height) of the whole picture, `fingerprint` of the region's pixels, `mask`
    uint8 of the box's size, 255 = repaint.
    """

    box: Box
    size: tuple[int, int]
    fingerprint: str
    mask: np.ndarray

    def to_text(self) -> str:
        """As one line of JSON; the mask is a PNG in base64."""
        buffer = io.BytesIO()
        Image.fromarray(self.mask).save(buffer, "PNG")
        return json.dumps(
            {
                "box": list(self.box),
                "size": list(self.size),
                "fingerprint": self.fingerprint,
                "mask": base64.b64encode(buffer.getvalue()).decode(),
            }
        )


def cut(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside `box`."""
    alpha = None if picture.alpha is None else picture.alpha[box.slices].copy()
    return Picture(picture.path, picture.pixels[box.slices].copy(), alpha)


def fingerprint(region: Picture) -> str:
    """Tells one region's pixels from another's."""
    digest = hashlib.blake2b(region.pixels.tobytes(), digest_size=16)
    if region.alpha is not None:
        digest.update(region.alpha.tobytes())
    return digest.hexdigest()


def read_place(path: str) -> Place:
    """The place a crop file holds; CommandError if it holds none, or one that is not sound."""
    text = read_metadata(path).text.get(PLACE_KEY)
    if text is None:
        raise CommandError(
            f"{path}: holds no place it was cut at (not written by `crop`, or its editor dropped "
            "it); name the crop as it was before the edit with --place"
        )
    try:
        return parse_place(text)
    except (*UNSOUND, Image.DecompressionBombError) as error:
        raise CommandError(f"{path}: the place it was cut at is damaged ({error})") from None


def parse_place(text: str) -> Place:
    """A Place from `Place.to_text`; one of `UNSOUND` if it is none."""
    fields = json.loads(text)
    box = Box(*(int(side) for side in fields["box"]))
    width, height = (int(side) for side in fields["size"])
    if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
        raise ValueError("its box lies outside its picture")
    with Image.open(io.BytesIO(base64.b64decode(fields["mask"], validate=True))) as image:
        if image.size != (box.width, box.height) or image.mode != "L":
            raise ValueError("its mask does not fit its box")
        mask = np.asarray(image)
    return Place(box, (width, height), str(fields["fingerprint"]), mask)

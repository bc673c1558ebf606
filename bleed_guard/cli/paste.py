"""`paste`: put an edited crop back where it was cut."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from bleed_guard.cli.errors import CommandError, Exit, SizeError
from bleed_guard.cli.fix import repair, verify_written
from bleed_guard.cli.options import add_blend, add_out
from bleed_guard.cli.pictures import Pictures, alpha_of, has_aspect, tell_size
from bleed_guard.cli.place import PLACE_KEY, Place, cut, fingerprint, read_place
from bleed_guard.cli.streams import say
from bleed_guard.core.job import Box
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.images import Picture, deepen, read_picture
from bleed_guard.metadata import Metadata, read_metadata, tell_changes
from bleed_guard.saving import check_target, write_picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("original", metavar="ORIGINAL", help="the picture it was cut from")
    parser.add_argument("crop", metavar="CROP", help="the edited crop; it may have been enlarged")
    parser.add_argument(
        "--place",
        metavar="FILE",
        help="the crop before the edit, if the editor dropped the place from its metadata",
    )
    add_blend(parser)
    add_out(parser, "the whole picture with the edit")


def run(arguments: argparse.Namespace) -> Exit:
    """Put an edited crop back under its mask."""
    check_target(arguments.out, lossy=arguments.lossy, force=arguments.force)
    place = read_place(arguments.place or arguments.crop)
    original = read_picture(arguments.original)
    edited = fit_crop(read_picture(arguments.crop), place.box)
    check_origin(original, place, arguments)
    pasted = paste_crop(original, edited, place, blend=arguments.blend, feather=arguments.feather)
    before, after = _read_metadata(arguments.original), _read_metadata(arguments.crop)
    write_picture(arguments.out, pasted, before.over(after))
    for note in tell_changes(before, after, Path(arguments.out).suffix.lower()):
        say(f"note: {note}\n")
    outside = np.ones(original.pixels.shape[:2], bool)
    outside[place.box.slices] = place.mask < HARD_LEVEL
    told = verify_written(arguments.out, original, outside, lossy=arguments.lossy)
    say(f"{told}\n")
    return Exit.CLEAN


def _read_metadata(path: str) -> Metadata:
    """All but the place it was cut at, which is of no use in the whole picture."""
    metadata = read_metadata(path)
    text = {key: value for key, value in metadata.text.items() if key != PLACE_KEY}
    return replace(metadata, text=text)


def check_origin(original: Picture, place: Place, arguments: argparse.Namespace) -> None:
    """SizeError or CommandError unless the crop was cut from this picture."""
    if original.size != place.size:
        raise SizeError(
            f"{arguments.crop}: was cut from a picture of {tell_size(place.size)} px, but "
            f"{arguments.original} is {tell_size(original.size)}"
        )
    if fingerprint(cut(original, place.box)) != place.fingerprint:
        raise CommandError(
            f"{arguments.crop}: was cut from another picture than {arguments.original}, or that "
            "region has changed since"
        )


def fit_crop(edited: Picture, box: Box) -> Picture:
    """The edited crop at the size it was cut with; SizeError if its proportions are others.

    Pixel edges fall on pixel edges, so nothing moves by half a pixel.
    """
    size = (box.width, box.height)
    if edited.size == size:
        return edited
    if not has_aspect(edited.size, size):
        raise SizeError(
            f"{edited.path}: the crop is {tell_size(edited.size)} px, expected "
            f"{tell_size(size)} as it was cut, or the same proportions"
        )
    pixels = np.dstack([_resize(edited.pixels[..., channel], size) for channel in range(3)])
    alpha = None if edited.alpha is None else _resize(edited.alpha, size)
    return Picture(edited.path, pixels, alpha)


def _resize(levels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 or uint16 H x W -> the same dtype at `size` (width, height), LANCZOS."""
    resized = Image.fromarray(levels.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
    top = np.iinfo(levels.dtype).max
    return np.clip(np.rint(np.asarray(resized)), 0, top).astype(levels.dtype)


def paste_crop(
    original: Picture, edited: Picture, place: Place, *, blend: str, feather: int
) -> Picture:
    """The original with the edited crop, of the box's size, under the mask.

    Only the box is worked on; where the mask goes up to its edge, also what lies around it.
    """
    margin = feather + 1 if _touches_edge(place.mask) else 0
    width, height = original.size
    near = Box(
        max(place.box.left - margin, 0),
        max(place.box.top - margin, 0),
        min(place.box.right + margin, width),
        min(place.box.bottom + margin, height),
    )
    inner = Box(
        place.box.left - near.left,
        place.box.top - near.top,
        place.box.right - near.left,
        place.box.bottom - near.top,
    ).slices
    part = cut(original, near)
    mask = np.zeros(part.pixels.shape[:2], np.uint8)
    mask[inner] = place.mask
    generated = _lay_over(part, edited, inner)
    mended = repair(Pictures(part, generated, mask), blend=blend, feather=feather)
    pixels = original.pixels.copy()
    pixels[near.slices] = mended.pixels
    if mended.alpha is None:
        return Picture(original.path, pixels, original.alpha)
    alpha = alpha_of(original).copy()
    alpha[near.slices] = mended.alpha
    return Picture(original.path, pixels, alpha)


def _touches_edge(mask: np.ndarray) -> bool:
    """Whether the mask, uint8 H x W, goes up to its own border."""
    border = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return any((side >= HARD_LEVEL).any() for side in border)


def _lay_over(part: Picture, edited: Picture, inner: tuple[slice, slice]) -> Picture:
    """`part` with `edited` at `inner`, both brought to 16 bits if either is deep."""
    is_deep = 16 in (part.depth, edited.depth)
    pixels = deepen(part.pixels).copy() if is_deep else part.pixels.copy()
    pixels[inner] = deepen(edited.pixels) if is_deep else edited.pixels
    if edited.alpha is None:
        return Picture(edited.path, pixels)
    alpha = deepen(alpha_of(part)).copy() if is_deep else alpha_of(part).copy()
    alpha[inner] = deepen(edited.alpha) if is_deep else edited.alpha
    return Picture(edited.path, pixels, alpha)

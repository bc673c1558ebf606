"""`crop` and `paste`: edit a small region with any tool, and put it back where it was cut."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from PIL import Image

from bleed_guard.cli.compare import Pictures, fit_mask, has_aspect, tell_size
from bleed_guard.cli.errors import CommandError, Exit, SizeError
from bleed_guard.cli.fix import repair, verify_written
from bleed_guard.cli.place import PLACE_KEY, Place, fingerprint, read_place
from bleed_guard.core.job import Box
from bleed_guard.core.mask import HARD_LEVEL, mask_box
from bleed_guard.images import Picture, deepen, read_mask_file, read_picture
from bleed_guard.saving import check_target, read_metadata, write_picture


def run_crop(arguments: argparse.Namespace) -> Exit:
    """Cut the region around the mask, and keep its place in the file."""
    if not arguments.out.lower().endswith(".png"):
        raise CommandError(f"{arguments.out}: expected a .png, which keeps the place it was cut at")
    check_target(arguments.out, force=arguments.force)
    picture = read_picture(arguments.image)
    mask = read_mask_file(arguments.mask, channel=arguments.mask_channel, invert=arguments.invert)
    mask, notes = fit_mask(arguments.mask, mask, picture.size)
    box = choose_box(
        mask, padding=arguments.padding, multiple=arguments.multiple, size=arguments.size
    )
    region = cut(picture, box)
    place = Place(box, picture.size, fingerprint(region), mask[box.slices])
    metadata = read_metadata(arguments.image)
    text = {**metadata.text, PLACE_KEY: place.to_text()}
    write_picture(arguments.out, region, replace(metadata, text=text))
    for note in notes:
        print(f"note: {note}")
    at = f"x {box.left}, y {box.top}"
    print(f"written: {arguments.out}: {tell_size((box.width, box.height))} px cut at {at}")
    return Exit.CLEAN


def run_paste(arguments: argparse.Namespace) -> Exit:
    """Put an edited crop back under its mask."""
    check_target(arguments.out, lossy=arguments.lossy, force=arguments.force)
    place = read_place(arguments.place or arguments.crop)
    original = read_picture(arguments.original)
    edited = fit_crop(read_picture(arguments.crop), place.box)
    check_origin(original, place, arguments)
    pasted = paste_crop(original, edited, place, blend=arguments.blend, feather=arguments.feather)
    metadata = read_metadata(arguments.original).over(read_metadata(arguments.crop))
    text = {key: value for key, value in metadata.text.items() if key != PLACE_KEY}
    write_picture(arguments.out, pasted, replace(metadata, text=text))
    outside = np.ones(original.pixels.shape[:2], bool)
    outside[place.box.slices] = place.mask < HARD_LEVEL
    print(verify_written(arguments.out, original, outside, lossy=arguments.lossy))
    return Exit.CLEAN


def choose_box(
    mask: np.ndarray,
    *,
    padding: int = 32,
    multiple: int = 8,
    size: tuple[int, int] | None = None,
) -> Box:
    """The region to cut for a mask, uint8 H x W.

    `size` (width, height) around the mask if given; else the mask's box and `padding` px around
    it, widened to multiples of `multiple` as far as the picture goes. CommandError for a blank
    mask or a size that would cut it, SizeError for one larger than the picture.
    """
    box = mask_box(mask >= HARD_LEVEL)
    if box is None:
        raise CommandError("the mask is blank: there is nothing to cut out")
    limit = mask.shape[::-1]
    if size is None:
        width = min(_round_up(box.width + 2 * padding, multiple), limit[0])
        height = min(_round_up(box.height + 2 * padding, multiple), limit[1])
    else:
        width, height = size
        if width > limit[0] or height > limit[1]:
            told = tell_size(limit)
            raise SizeError(f"--size {width}x{height} is larger than the picture, which is {told}")
        if width < box.width or height < box.height:
            told = tell_size((box.width, box.height))
            raise CommandError(f"--size {width}x{height} would cut the mask, which takes {told}")
    left = _place(box.left, box.right, width, limit[0])
    top = _place(box.top, box.bottom, height, limit[1])
    return Box(left, top, left + width, top + height)


def _round_up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _place(start: int, stop: int, length: int, limit: int) -> int:
    """Where `length` px around the middle of [start, stop) begin, kept inside [0, limit)."""
    return min(max((start + stop - length) // 2, 0), limit - length)


def cut(picture: Picture, box: Box) -> Picture:
    """The part of a picture inside `box`."""
    alpha = None if picture.alpha is None else picture.alpha[box.slices].copy()
    return Picture(picture.path, picture.pixels[box.slices].copy(), alpha)


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

    Only the box and the margin that the blend looks at are worked on.
    """
    margin = feather + 1
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
    alpha = None if original.alpha is None else original.alpha.copy()
    if alpha is not None and mended.alpha is not None:
        alpha[near.slices] = mended.alpha
    return Picture(original.path, pixels, alpha)


def _lay_over(part: Picture, edited: Picture, inner: tuple[slice, slice]) -> Picture:
    """`part` with `edited` at `inner`, both brought to 16 bits if either is deep."""
    is_deep = 16 in (part.depth, edited.depth)
    pixels = deepen(part.pixels).copy() if is_deep else part.pixels.copy()
    pixels[inner] = deepen(edited.pixels) if is_deep else edited.pixels
    if part.alpha is None or edited.alpha is None:
        return Picture(edited.path, pixels)
    alpha = deepen(part.alpha).copy() if is_deep else part.alpha.copy()
    alpha[inner] = deepen(edited.alpha) if is_deep else edited.alpha
    return Picture(edited.path, pixels, alpha)

"""`crop`: cut the region around a mask, to edit it with any tool."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from bleed_guard.cli.errors import CommandError, Exit, SizeError
from bleed_guard.cli.options import add_mask, read_size, whole_number
from bleed_guard.cli.pictures import fit_mask, tell_size
from bleed_guard.cli.place import PLACE_KEY, Place, cut, fingerprint
from bleed_guard.cli.streams import say
from bleed_guard.core.job import Box, mask_box
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.images import read_mask_file, read_picture
from bleed_guard.metadata import read_metadata
from bleed_guard.saving import check_target, write_picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("image", metavar="IMAGE", help="the picture to edit")
    parser.add_argument("mask", metavar="MASK", help="white = to be repainted")
    add_mask(parser)
    parser.add_argument(
        "--padding",
        type=whole_number(0, 4096),
        default=32,
        metavar="N",
        help="px around it (32)",
    )
    parser.add_argument(
        "--multiple",
        type=whole_number(1, 512),
        default=8,
        metavar="N",
        help="sides are multiples of this, as models like 8 or 64 (8)",
    )
    parser.add_argument(
        "--size", type=read_size, metavar="WxH", help="cut just this size around the mask"
    )
    parser.add_argument("-o", "--out", required=True, metavar="CROP", help="the region, a PNG")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(arguments: argparse.Namespace) -> Exit:
    """Cut the region around the mask, and keep its place in the file."""
    if not arguments.out.lower().endswith(".png"):
        raise CommandError(f"{arguments.out}: expected a .png, which keeps the place it was cut at")
    check_target(arguments.out, force=arguments.force)
    picture = read_picture(arguments.image)
    mask = read_mask_file(arguments.mask, channel=arguments.mask_channel, invert=arguments.invert)
    mask, _, notes = fit_mask(arguments.mask, mask, picture.size)
    box = choose_box(
        mask, padding=arguments.padding, multiple=arguments.multiple, size=arguments.size
    )
    region = cut(picture, box)
    place = Place(box, picture.size, fingerprint(region), mask[box.slices])
    metadata = read_metadata(arguments.image)
    text = {**metadata.text, PLACE_KEY: place.to_text()}
    write_picture(arguments.out, region, replace(metadata, text=text))
    if not arguments.size and (box.width % arguments.multiple or box.height % arguments.multiple):
        notes += (f"the picture ends before the sides are multiples of {arguments.multiple}",)
    for note in notes:
        say(f"note: {note}\n")
    at = f"x {box.left}, y {box.top}"
    say(f"written: {arguments.out}: {tell_size((box.width, box.height))} px cut at {at}\n")
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

"""`fix`: repair any tool's result, so that everything outside the mask is as it was."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bleed_guard.cli.compare import as_eight_bits
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.options import add_blend, add_mask, add_out
from bleed_guard.cli.pictures import CompareOptions, Paths, Pictures, alpha_of, load_pictures
from bleed_guard.cli.streams import say
from bleed_guard.core.composite import paste_back
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.core.measure import difference
from bleed_guard.images import DEEP_LEVELS, Picture, deepen, read_picture, shallow
from bleed_guard.metadata import read_metadata, tell_changes
from bleed_guard.saving import check_target, write_picture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("original", metavar="ORIGINAL", help="the picture before the inpaint")
    parser.add_argument("result", metavar="RESULT", help="the picture after it")
    parser.add_argument("mask", metavar="MASK", help="white = repainted; any mode, alpha too")
    add_mask(parser)
    add_blend(parser)
    add_out(parser, "the repaired picture")


def run(arguments: argparse.Namespace) -> Exit:
    """Paste the original back and write the repaired picture."""
    paths = Paths(arguments.original, arguments.result, arguments.mask)
    options = CompareOptions(mask_channel=arguments.mask_channel, invert=arguments.invert)
    check_target(arguments.out, lossy=arguments.lossy, force=arguments.force)
    pictures = load_pictures(paths, options)
    repaired = repair(pictures, blend=arguments.blend, feather=arguments.feather)
    before, after = read_metadata(paths.original), read_metadata(paths.result)
    write_picture(arguments.out, repaired, before.over(after))
    suffix = Path(arguments.out).suffix.lower()
    told = *pictures.notes, *_judge_mask(pictures), *tell_changes(before, after, suffix)
    for note in told:
        say(f"note: {note}\n")
    outside = pictures.mask < HARD_LEVEL
    written = verify_written(arguments.out, pictures.original, outside, lossy=arguments.lossy)
    say(f"{written}\n")
    return Exit.CLEAN


def _judge_mask(pictures: Pictures) -> list[str]:
    """Some tools' masks are white where the picture is kept: nothing of an edit would be left."""
    changed = difference(*as_eight_bits(pictures)) > 0
    inside = pictures.mask >= HARD_LEVEL
    if not inside.any() or changed[inside].any() or not changed.any():
        return []
    return [
        "nothing was edited inside the mask; if it is white where the picture is kept, say "
        "--invert (or leave it out)"
    ]


def repair(pictures: Pictures, *, blend: str, feather: int) -> Picture:
    """The result with the original put back outside the mask, at the original's depth.

    Alpha is the original's outside the mask; inside it is the result's where it has one. A
    picture that is opaque throughout has none.
    """
    original, result, mask = pictures.original, pictures.result, pictures.mask
    pixels = paste_back(
        shallow(original.pixels), shallow(result.pixels), mask, blend=blend, feather=feather
    )
    inside = mask >= HARD_LEVEL
    if original.depth == 16:
        pixels = _paste_deep(original.pixels, result.pixels, pixels, inside)
    return Picture(original.path, pixels, _paste_alpha(original, result, inside))


def _paste_deep(
    original: np.ndarray, result: np.ndarray, blended: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """The 8-bit blend applied to 16-bit pictures: what it moved each pixel by, times 257.

    uint16 H x W x 3 original, uint8 or uint16 result, uint8 blend, bool H x W -> uint16.
    """
    generated = deepen(result).astype(np.int32)
    moved = (blended.astype(np.int32) - shallow(result)) * DEEP_LEVELS
    mixed = np.clip(generated + moved, 0, 65535).astype(np.uint16)
    return np.where(inside[..., None], mixed, original)


def _paste_alpha(original: Picture, result: Picture, inside: np.ndarray) -> np.ndarray | None:
    if result.alpha is None:
        return original.alpha
    alpha = deepen(result.alpha) if original.depth == 16 else shallow(result.alpha)
    mixed = np.where(inside, alpha, alpha_of(original))
    is_needed = original.alpha is not None or mixed.min() < np.iinfo(mixed.dtype).max
    return mixed if is_needed else None


def verify_written(
    target: str, original: Picture, outside: np.ndarray, *, lossy: bool = False
) -> str:
    """Read the written file back, for the promise is about the bytes on disk; what to tell."""
    written = read_picture(target)
    differs = (written.pixels != original.pixels).any(axis=2) & outside
    changed, protected = int(np.count_nonzero(differs)), int(np.count_nonzero(outside))
    told = f"written: {target}: {changed:,} of {protected:,} protected pixels differ"
    if not changed:
        return told
    if lossy:
        return f"{told}, because the format is lossy"
    raise CommandError(f"{target}: was written, but does not hold the original's pixels when read")

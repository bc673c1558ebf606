"""The files of one check: which, how they are compared, decoded, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bleed_guard.cli.beside import Head, reading_beside
from bleed_guard.cli.errors import Exit, SizeError
from bleed_guard.core.report import BleedReport, Protection, Verdict
from bleed_guard.images import MaskChannel, Picture, read_mask_file, read_picture

if TYPE_CHECKING:
    from decimal import Decimal

HARD_LEVEL = 128
"""As `core.mask.HARD_LEVEL`, without loading OpenCV."""

UNKNOWN_REACH = -1
"""The reach of a report that was made without measuring it."""

STRIP = 1 << 18
"""Words or mask pixels looked at in one go: what is worked out of them stays in the cache."""

STEALTH_SIGNATURES = (b"stealth_pngcomp", b"stealth_pnginfo")


class Paths(NamedTuple):
    """The three files of one check."""

    original: str
    result: str
    mask: str


class Allowance(NamedTuple):
    """How many protected pixels may change: a number, or a share (0-1) of them.

    A share is a Decimal, which holds what was typed exactly: 29 % of 100 are 29.
    """

    pixels: int = 0
    share: float | Decimal = 0.0

    def of(self, protected: int) -> int:
        """The number of pixels allowed out of `protected`."""
        return max(self.pixels, int(self.share * protected))


NOTHING = Allowance()


class CompareOptions(NamedTuple):
    """How files are compared.

    `tolerance` is in 8-bit levels, `mask_blur` in px (the soft band that `Protection.SOFT` leaves
    out). `has_detail` asks for zones, profile and seam, which cost more than the count.
    """

    tolerance: int = 0
    allowance: Allowance = NOTHING
    protection: Protection = Protection.HARD
    mask_blur: int = 4
    mask_channel: MaskChannel = MaskChannel.AUTO
    invert: bool = False
    has_detail: bool = True

    @property
    def mask_flags(self) -> tuple[str, ...]:
        """The arguments by which another command reads the mask in the same way."""
        is_named = self.mask_channel is not MaskChannel.AUTO
        channel = ("--mask-channel", self.mask_channel.value) if is_named else ()
        return (*(("--invert",) if self.invert else ()), *channel)


class Pictures(NamedTuple):
    """The three files decoded and brought to one size.

    `mask` is uint8 H x W, 255 = repaint; `notes` tell what was done to make them fit.
    """

    original: Picture
    result: Picture
    mask: np.ndarray
    notes: tuple[str, ...] = ()


class FittedMask(NamedTuple):
    """A mask at its picture's size: uint8 H x W, 255 = repaint; how many pixels it leaves, and
    what is to be said of it."""

    levels: np.ndarray
    protected: int
    notes: tuple[str, ...] = ()


class Comparison(NamedTuple):
    """The outcome for one result file.

    Differences are in 8-bit levels. `depth` is the number of bits they were compared at;
    `alpha_changed` counts protected pixels whose transparency changed (they are in the report's
    count too); `allowed` is how many pixels may change without failing the check;
    `causes` are what the pictures speak for, the most probable first, where detail was asked for.
    """

    paths: Paths
    report: BleedReport
    allowed: int = 0
    depth: int = 8
    alpha_changed: int = 0
    notes: tuple[str, ...] = ()
    causes: tuple[dict[str, Any], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The report's verdict, but within tolerance where no more changed than is allowed."""
        if self.report.verdict is Verdict.BLEED and self.report.changed <= self.allowed:
            return Verdict.WITHIN_TOLERANCE
        return self.report.verdict

    @property
    def code(self) -> Exit:
        return Exit.BLEED if self.verdict is Verdict.BLEED else Exit.CLEAN

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, ready for `json.dumps`."""
        return {
            **self.paths._asdict(),
            **self.report.to_json(),
            "verdict": self.verdict.value,
            "allowed": self.allowed,
            "depth": self.depth,
            "alpha_changed": self.alpha_changed,
            "notes": list(self.notes),
            "causes": list(self.causes),
        }


def alpha_of(picture: Picture) -> np.ndarray:
    """The picture's alpha; opaque where it has none."""
    if picture.alpha is not None:
        return picture.alpha
    levels = picture.pixels[..., 0]
    return np.full_like(levels, np.iinfo(levels.dtype).max)


def load_pictures(paths: Paths, options: CompareOptions) -> Pictures:
    """Decode the three files, two at a time, and bring the mask to the original's size.

    PictureError for a file that cannot be read, SizeError for sizes that cannot be matched.
    """
    with reading_beside(paths.result) as result:
        original, mask = read_picture(paths.original), read_mask(paths, options)
        return fit_pictures(paths, original, result.whole, mask)


def read_mask(paths: Paths, options: CompareOptions) -> np.ndarray:
    """The mask as its file has it: uint8 H x W, 255 = repaint."""
    return read_mask_file(paths.mask, channel=options.mask_channel, invert=options.invert)


def fit_pictures(paths: Paths, original: Picture, result: Picture, mask: np.ndarray) -> Pictures:
    """The pictures with the mask brought to their size; SizeError where that cannot be."""
    check_sizes(paths, original, result)
    fitted = fit_mask(paths.mask, mask, original.size)
    notes = (*tell_more(paths, original, result), *tell_hidden(paths, original, result))
    shown = _without_hidden(original), _without_hidden(result)
    return Pictures(*shown, fitted.levels, (*notes, *fitted.notes))


def check_sizes(paths: Paths, original: Picture | Head, result: Picture | Head) -> None:
    """SizeError unless both are of one size."""
    if result.size != original.size:
        raise SizeError(
            f"{paths.result}: the result is {tell_size(result.size)} px, expected "
            f"{tell_size(original.size)} as {paths.original} is"
        )


def tell_more(paths: Paths, original: Picture | Head, result: Picture | Head) -> tuple[str, ...]:
    """A note for each file that holds more than the picture that is compared."""
    files = zip(paths, (original, result), strict=False)
    return tuple(f"{path}: only its first picture counts" for path, one in files if one.has_more)


def tell_hidden(paths: Paths, original: Picture, result: Picture) -> tuple[str, ...]:
    """A note for each file whose alpha channel is taken for opaque."""
    files = zip(paths, (original, result), strict=False)
    told = "its alpha channel only hides a text (stealth infotext) and counts as opaque"
    return tuple(f"{path}: {told}" for path, one in files if _hides_text(one.alpha))


def _without_hidden(picture: Picture) -> Picture:
    return replace(picture, alpha=None) if _hides_text(picture.alpha) else picture


def _hides_text(alpha: np.ndarray | None) -> bool:
    """Whether an alpha channel, uint8 H x W, is opaque but for a text in its lowest bits.

    Forge and reForge hide the infotext of every PNG there by default, down the columns, behind a
    signature of 15 letters.
    """
    if alpha is None or alpha.dtype != np.uint8 or alpha.min() < 254:
        return False
    bits = alpha.T.flat[: 8 * len(STEALTH_SIGNATURES[0])] & 1
    return np.packbits(bits).tobytes() in STEALTH_SIGNATURES


def fit_mask(path: str, mask: np.ndarray, size: tuple[int, int]) -> FittedMask:
    """A mask, uint8 h x w, at `size` (width, height).

    SizeError if its proportions are others.
    """
    notes = []
    if mask.shape[::-1] != size:
        given, wanted = tell_size(mask.shape[::-1]), tell_size(size)
        if not has_aspect(mask.shape[::-1], size):
            raise SizeError(
                f"{path}: the mask is {given} px and cannot be scaled to the original's "
                f"{wanted}, expected that size or the same proportions"
            )
        from bleed_guard.core.geometry import build_mask

        mask = build_mask(mask, size=size)
        notes.append(f"the mask was scaled from {given} to {wanted}")
    protected = count_protected(mask)
    return FittedMask(mask, protected, (*notes, *_judge_mask(protected, mask.size)))


def count_protected(mask: np.ndarray) -> int:
    """How many pixels of a uint8 H x W the hard mask leaves."""
    flat = np.ascontiguousarray(mask).reshape(-1)
    return sum(int(np.count_nonzero(flat[at] < HARD_LEVEL)) for at in strips(flat.size))


def strips(size: int) -> Iterator[slice]:
    """The indices below `size`, `STRIP` at a time."""
    return (slice(start, min(start + STRIP, size)) for start in range(0, size, STRIP))


def _judge_mask(protected: int, size: int) -> list[str]:
    if protected == size:
        return ["the mask is blank: every pixel is protected"]
    if not protected:
        return ["the mask covers the whole picture: nothing is protected, nothing can bleed"]
    return []


def has_aspect(given: tuple[int, ...], wanted: tuple[int, int]) -> bool:
    """Whether (width, height) `given`, scaled to `wanted`'s width or height, is it within 1 px."""
    by_width = abs(given[1] * wanted[0] / given[0] - wanted[1])
    by_height = abs(given[0] * wanted[1] / given[1] - wanted[0])
    return min(by_width, by_height) <= 1


def tell_size(size: tuple[int, ...]) -> str:
    """For instance "600 x 400"."""
    return f"{size[0]} x {size[1]}"

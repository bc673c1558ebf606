"""What a run leaves behind for the diagnosis, beside its pictures. Small, and bounded."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np

from bleed_guard.core.job import Box, Cause, InpaintJob

SAMPLE_SIDE = 256
"""px: of the decoded picture no more than a square of this side is kept."""

SPARSE = 4

NO_MASK = np.zeros((0, 0), np.uint8)


@dataclass(frozen=True)
class PackedArea:
    """A bool H x W in few bytes: one bit a pixel, then deflated."""

    shape: tuple[int, int]
    packed: bytes

    @classmethod
    def of(cls, area: np.ndarray) -> PackedArea:
        bits = np.packbits(area, axis=1)
        height, width = area.shape
        return cls((height, width), zlib.compress(bits.tobytes(), 1))

    def unpack(self) -> np.ndarray:
        """bool H x W."""
        height, width = self.shape
        bits = np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(height, -1)
        return np.unpackbits(bits, axis=1)[:, :width].astype(bool)


@dataclass(frozen=True)
class PackedMask:
    """A uint8 H x W, deflated."""

    shape: tuple[int, int]
    packed: bytes

    @classmethod
    def of(cls, mask: np.ndarray) -> PackedMask:
        height, width = mask.shape
        return cls((height, width), zlib.compress(np.ascontiguousarray(mask).tobytes(), 1))

    def unpack(self) -> np.ndarray:
        """uint8 H x W."""
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.shape)


@dataclass(frozen=True)
class Sample:
    """A part of the picture as the model gave it, far from the mask: uint8 h x w x 3 at `box`."""

    box: Box
    decoded: np.ndarray


@dataclass(frozen=True)
class Traces:
    """What the stages of one image left behind.

    `settings` is the job as it ran, without its mask; `own_mask` is that mask where it is not
    the picture's (None: it is). `areas` are the protected pixels that are one stage's doing: for
    another script and for a file format those it changed, for color correction and face
    restoration those the host alone would have left as they were without it. `scripts` are the
    other scripts that may edit a finished picture. `is_brought_back` tells that the pictures are
    a resized run's, brought back to the original's size.
    """

    settings: InpaintJob
    own_mask: PackedMask | None = None
    areas: dict[Cause, PackedArea] = field(default_factory=dict)
    scripts: tuple[str, ...] = ()
    sample: Sample | None = None
    is_brought_back: bool = False
    flattened: int = 0  # protected pixels of the init image that are transparent
    early_scripts: tuple[str, ...] = ()  # others that may edit it before the host's overlay

    @property
    def nbytes(self) -> int:
        """What these take of memory."""
        packed = [area.packed for area in self.areas.values()]
        packed += [self.own_mask.packed] if self.own_mask else []
        return sum(map(len, packed)) + (self.sample.decoded.nbytes if self.sample else 0)

    def job(self, placed_mask: np.ndarray) -> InpaintJob:
        """The job as it ran; `placed_mask` is the picture's, uint8 H x W."""
        mask = placed_mask if self.own_mask is None else self.own_mask.unpack()
        return replace(self.settings, mask=mask)

    def with_area(self, cause: Cause, area: np.ndarray) -> Traces:
        """These, and the bool H x W that is this cause's doing too; unchanged if it is empty."""
        if not area.any():
            return self
        known = self.areas.get(cause)
        if known is not None and known.shape == area.shape:
            area = area | known.unpack()
        return replace(self, areas={**self.areas, cause: PackedArea.of(area)})


def trace_job(job: InpaintJob, placed_mask: np.ndarray) -> Traces:
    """Traces that hold the job as it runs, the guard's changes made."""
    is_placed = job.mask is placed_mask or np.array_equal(job.mask, placed_mask)
    own = None if is_placed else PackedMask.of(job.mask)
    return Traces(replace(job, mask=NO_MASK), own)


def find_sample_box(mask: np.ndarray, within: Box | None = None) -> Box | None:
    """The square of the picture that lies farthest from the mask; None if all touch it.

    `mask` is uint8 H x W, `within` where the model painted (None: all over). Only the corners
    and the middles of the sides are tried, and of the mask every `SPARSE`th pixel.
    """
    height, width = mask.shape
    area = (within or Box(0, 0, width, height)).intersect(Box(0, 0, width, height))
    sparse = np.ascontiguousarray(mask[::SPARSE, ::SPARSE])
    best = max(_squares(area), key=lambda box: _clear_share(sparse, box), default=None)
    return None if best is None or _clear_share(sparse, best) < 0.5 else best


def _squares(area: Box) -> list[Box]:
    width, height = min(SAMPLE_SIDE, area.width), min(SAMPLE_SIDE, area.height)
    if width < 16 or height < 16:
        return []
    lefts = {area.left, (area.left + area.right - width) // 2, area.right - width}
    tops = {area.top, (area.top + area.bottom - height) // 2, area.bottom - height}
    return [Box(x, y, x + width, y + height) for y in sorted(tops) for x in sorted(lefts)]


def _clear_share(sparse: np.ndarray, box: Box) -> float:
    """Share (0-1) of the box the mask, of which every `SPARSE`th pixel is given, leaves free."""
    part = sparse[Box(*(side // SPARSE for side in box)).slices]
    return 1.0 - np.count_nonzero(part) / part.size

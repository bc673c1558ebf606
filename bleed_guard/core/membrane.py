"""The drift of the generated picture, read around the mask and carried smoothly inward.

A diffusion pipeline gives back the picture around the mask too, and a little off: another tint,
another contrast, a soft edge. What it is off by outside, it is off by inside. Subtracting that
makes the two meet without a step, and without any of the old content showing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from bleed_guard.core.edges import find_ring
from bleed_guard.core.geometry import LATENT_CELL

RING_WIDTH = 4
"""The drift is read from so many px around the mask, one latent away from it: what differs nearer
may be new content. The seam benchmark hardly knows how many, nor whether they lie nearer."""

EDGE_WIDTH = 2
"""How well the pictures match across the edge is judged from this many px outside the mask."""

NEAR_EDGE = np.ones((2 * EDGE_WIDTH + 1, 2 * EDGE_WIDTH + 1), np.uint8)

STIFFNESS = 36.0
"""What a slope of the drift costs against a pixel's misfit. The drift is smoothed over about the
square root, 6 px, which no noise and no fine texture on the ring survives."""

OUTLIER = 3.0
"""Misfits count less and less from this many times their usual size on: something in the
generated picture that crosses the mask's edge is content, not drift."""

SMALLEST_MISFIT = 2.0
"""Levels; no misfit below this is an outlier."""

COPIED_SHARE = 0.5
"""If more of the ring is the reference's own, bit for bit, then nothing was generated there:
somebody has pasted it back before."""

CLIPPED_WEIGHT = 1e-3
"""Weight of a pixel whose generated colour is clipped at 0 or 255: it may be off by any amount."""

SEEN_STEP = 1.0
"""CIELAB units: about one just noticeable difference. Smaller steps count as it."""

GRID = 20
"""The drift is solved on a grid of about this many cells a side: it is smooth by design."""

LARGE = 400
"""px: a region whose sides are longer tells as much at half its size (seen on the seam benchmark's
edits at three times theirs)."""

LARGEST_CELL = 16
"""Pixels; nothing is seen of larger ones in the seam benchmark, but they would soon be wider than
the ring is far from the mask."""

SWEEPS = 3
"""Jacobi sweeps on each level of the pyramid: enough, since each starts from the coarser one."""

COARSEST = 4
"""Cells a side from which on the pyramid is no longer halved."""

ALL = slice(None)

NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


class Ring(NamedTuple):
    """The pixels around a mask from which the drift is read: the same for a whole batch.

    `pixels` (intp N) are indices into the pixels, one after the other, of the region shrunk by
    `step`; `cells` those of the grid they lie in, `own` the reference's colours there (uint8
    N x 3). The `edge` is what is nearest to the mask (intp M, of the whole region); of it
    `edge_cells` and `edge_corners` are its places on the grid, `edge_lab` the reference's colours
    there in CIELAB (float32 M x 3) and `steps` how much it differs from pixel to pixel.
    """

    grid: _Grid
    step: int
    pixels: np.ndarray
    cells: np.ndarray
    own: np.ndarray
    edge: np.ndarray
    edge_cells: np.ndarray
    edge_corners: Corners
    edge_lab: np.ndarray
    steps: np.ndarray

    @property
    def weight(self) -> int:
        """How many pixels each one stands for."""
        return self.step**2


class Drift(NamedTuple):
    """What lies between the reference and the generated picture, over a grid of the region.

    `misfits` (float32 h x w of cells) is what still differs at the mask's edge without the drift,
    carried inward, as a multiple of the steps the reference takes there from pixel to pixel by
    itself.
    """

    grid: _Grid
    offsets: np.ndarray
    misfits: np.ndarray

    def offset(self, rows: slice = ALL) -> np.ndarray:
        """What is to be added to the generated picture, in levels: float32 h x W x 3."""
        return self.grid.spread(self.offsets, rows)


def find_margin(latent_cell: float) -> int:
    """px around a mask that `read_ring` looks at."""
    return math.ceil(latent_cell) + RING_WIDTH


def read_ring(
    reference: np.ndarray, inside: np.ndarray, known: np.ndarray, latent_cell: float = LATENT_CELL
) -> Ring | None:
    """The ring of a region: uint8 H x W x 3, and two bool H x W, what is repainted and where the
    generated picture really was generated; `latent_cell` is a latent's width in px of the region.
    None if none of the ring is known, or nothing right at the edge."""
    grid = _Grid.over(inside.shape)
    for step in (2, 1) if min(inside.shape) > LARGE else (1,):
        ring, edge = _find_ring(inside, known, step, latent_cell), _find_edge(inside, known, step)
        if ring.size and edge.size:
            break
    else:
        return None  # only masked without padding, for one
    height, width = inside.shape
    rows, columns = np.divmod(edge, width)
    below = edge + width * (rows < height - 1)
    beside = edge + (columns < width - 1)
    colors = reference.reshape(-1, 3)
    lab, lab_below, lab_beside = _to_lab(colors.take(np.stack([edge, below, beside]), axis=0))
    steps = (_measure_step(lab, lab_below) + _measure_step(lab, lab_beside)) / 2
    own = _shrink(reference, step).reshape(-1, 3).take(ring, axis=0)
    cells = grid.place(_find_in_whole(ring, width // step, width, step))
    places = grid.place(edge), grid.find_corners(edge)
    return Ring(grid, step, ring, cells, own, edge, *places, lab, steps)


def _find_ring(inside: np.ndarray, known: np.ndarray, step: int, latent_cell: float) -> np.ndarray:
    """The known ring as `Ring.pixels`; `inside` and `known` are the whole region's."""
    covered, is_unknown = _touch(inside, step), _touch(~known, step)
    ring = find_ring(covered, latent_cell / step, (latent_cell + RING_WIDTH) / step)
    return ring[~is_unknown.reshape(-1).take(ring)]


def _find_edge(inside: np.ndarray, known: np.ndarray, step: int) -> np.ndarray:
    """Every `step`th known pixel down and across that is outside a mask, next to it."""
    covered = inside.view(np.uint8)
    near = (cv2.dilate(covered, NEAR_EDGE) > covered) & known
    few = near[::step, ::step]
    return _find_in_whole(np.flatnonzero(few), few.shape[1], inside.shape[1], step)


def _touch(area: np.ndarray, step: int) -> np.ndarray:
    """Which squares of `step` px have a pixel of a bool H x W: bool h x w, what is over cut."""
    return area if step == 1 else _shrink(area.view(np.uint8) * np.uint8(255), step) > 0


def _shrink(picture: np.ndarray, step: int) -> np.ndarray:
    """The means of squares of `step` px: uint8 H x W (x 3) -> h x w (x 3), what is over cut."""
    if step == 1:
        return picture
    height, width = picture.shape[0] // step, picture.shape[1] // step
    whole = picture[: height * step, : width * step]
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)


def _find_in_whole(pixels: np.ndarray, few: int, width: int, step: int) -> np.ndarray:
    """Indices of pixels where every `step`th is taken, `few` a row, as those of all, `width`."""
    rows, columns = np.divmod(pixels, few)
    return (rows * width + columns) * step


def measure_drift(generated: np.ndarray, ring: Ring | None) -> Drift | None:
    """The drift of a region's generated picture, uint8 H x W x 3, read from the ring.

    None if that tells nothing: there is none, or it is a copy of the reference.
    """
    if ring is None:
        return None
    given = _shrink(generated, ring.step).reshape(-1, 3).take(ring.pixels, axis=0)
    if np.mean(_on_all_channels(ring.own == given)) > COPIED_SHARE:
        return None
    offsets = _solve_offset(given, ring)
    colors = generated.reshape(-1, 3)
    corrected = colors.take(ring.edge, axis=0) + ring.edge_corners.sample(offsets)
    misfit = _measure_step(ring.edge_lab, _to_lab(corrected[None])[0])
    sums = ring.grid.gather(ring.edge_cells, [misfit, ring.steps, np.ones_like(misfit)])
    carried = _solve(sums * np.float32(ring.weight))
    misfits = carried[..., 0] / np.maximum(carried[..., 1], SEEN_STEP)
    return Drift(ring.grid, offsets, misfits)


def _measure_step(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far apart colours are: CIELAB, float32 M x 3 twice -> float32 M."""
    squares = (second - first) ** 2
    return np.sqrt(squares[:, 0] + squares[:, 1] + squares[:, 2])


def _on_all_channels(flags: np.ndarray) -> np.ndarray:
    """bool N x 3 -> bool N. numpy's own reduction over so short an axis takes long."""
    return flags[:, 0] & flags[:, 1] & flags[:, 2]


class Corners(NamedTuple):
    """Of N pixels the four cells whose middles are around each (intp N, upper left first), and
    how far towards the right and the lower ones it lies: 0-1, float32 N x 1."""

    cells: tuple[np.ndarray, ...]
    across: np.ndarray
    down: np.ndarray

    def sample(self, values: np.ndarray) -> np.ndarray:
        """`_Grid.spread`, at these pixels only: h x w x C -> float32 N x C."""
        flat = values.reshape(-1, values.shape[2])
        first, second, third, fourth = (flat.take(cells, axis=0) for cells in self.cells)
        upper = first + self.across * (second - first)
        lower = third + self.across * (fourth - third)
        return upper + self.down * (lower - upper)


class _Grid(NamedTuple):
    """Square cells over a region of `height` x `width` px, the last row and column cut."""

    height: int
    width: int
    cell: int

    @classmethod
    def over(cls, shape: tuple[int, ...]) -> _Grid:
        side = float(np.sqrt(shape[0] * shape[1]))
        return cls(shape[0], shape[1], int(np.clip(round(side / GRID), 1, LARGEST_CELL)))

    @property
    def shape(self) -> tuple[int, int]:
        return -(-self.height // self.cell), -(-self.width // self.cell)

    def place(self, pixels: np.ndarray) -> np.ndarray:
        """The index of the cell each pixel lies in."""
        rows = pixels // self.width
        columns = pixels - rows * self.width
        down = np.arange(self.height) // self.cell * self.shape[1]
        across = np.arange(self.width) // self.cell
        return down.take(rows) + across.take(columns)

    def gather(self, cells: np.ndarray, channels: Sequence[np.ndarray]) -> np.ndarray:
        """Sums over the cells: C times N values of pixels in `cells` -> float32 h x w x C."""
        rows, columns = self.shape
        sums = np.empty((rows * columns, len(channels)), np.float32)
        for index, channel in enumerate(channels):
            sums[:, index] = np.bincount(cells, channel, len(sums))
        return sums.reshape(rows, columns, -1)

    def spread(self, values: np.ndarray, rows: slice) -> np.ndarray:
        """Values of the cells -> of all pixels in these rows, linear between the cells' middles."""
        top, bottom, _ = rows.indices(self.height)
        first = max(top // self.cell - 1, 0)
        near = values[first : -(-bottom // self.cell) + 1]
        size = near.shape[1] * self.cell, near.shape[0] * self.cell
        full = cv2.resize(near, size, interpolation=cv2.INTER_LINEAR) if self.cell > 1 else near
        top, bottom = top - first * self.cell, bottom - first * self.cell
        return full[top:bottom, : self.width]

    def find_corners(self, pixels: np.ndarray) -> Corners:
        """Where N pixels lie between the cells' middles."""
        (rows, columns), width = self.shape, self.width
        lines = pixels // width
        top, below, down = self._find_cells(lines, self.height, rows)
        left, beside, across = self._find_cells(pixels - lines * width, width, columns)
        cells = (line * columns + cell for line in (top, below) for cell in (left, beside))
        return Corners(tuple(cells), across, down)

    def _find_cells(
        self, at: np.ndarray, size: int, count: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Along one axis of `size` px and `count` cells: the two cells around each of N places,
        and the share (float32 N x 1) of the second."""
        middles = (np.arange(size, dtype=np.float32) + 0.5) / self.cell - 0.5
        middles = np.clip(middles, 0, count - 1)
        first = middles.astype(np.intp)
        share = (middles - first)[:, None]
        return first.take(at), np.minimum(first + 1, count - 1).take(at), share.take(at, axis=0)


def _solve_offset(given: np.ndarray, ring: Ring) -> np.ndarray:
    """The offset on the grid, float32 h x w x 3, from what was generated on the ring, uint8 N x 3.

    Robust: a cell counts by its misfit against the median of all.
    """
    is_safe = _on_all_channels((given > 0) & (given < 255))
    weight = np.where(is_safe, np.float32(ring.weight), np.float32(ring.weight * CLIPPED_WEIGHT))
    difference = np.subtract(ring.own.T, given.T, dtype=np.float32) * weight
    sums = ring.grid.gather(ring.cells, [*difference, weight])
    trusted = sums.reshape(-1, 4)
    used = np.flatnonzero(trusted[:, 3])
    known = trusted[used]
    means = known[:, :3] / known[:, 3:]
    trusted[used] = known * _trust(means - np.median(means, axis=0))
    return _solve(sums)


def _trust(misfits: np.ndarray) -> np.ndarray:
    """Geman-McClure weights (0-1, N x 1) of misfits in levels (N x 3), by the largest channel's,
    against their median's scale."""
    sizes = np.abs(misfits)
    misfit = np.maximum(np.maximum(sizes[:, :1], sizes[:, 1:2]), sizes[:, 2:])
    usual = max(float(np.median(misfit)), SMALLEST_MISFIT)
    return 1 / (1 + (misfit / (OUTLIER * usual)) ** 2) ** 2


def _to_lab(colors: np.ndarray) -> np.ndarray:
    """RGB of 0-255 levels -> float32 CIELAB, both M x N x 3."""
    scaled = np.clip(colors, 0, 255).astype(np.float32) / 255
    return cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)


def _solve(sums: np.ndarray) -> np.ndarray:
    """The smoothest field through weighted data: float32 h x w x (C + 1) -> h x w x C, C > 1.

    `sums` holds weight times value and, last, the weight. Minimises the sum of weight times
    squared misfit plus `STIFFNESS` times squared slope, which is harmonic where there is no data.
    Coarse to fine; cell sizes cancel out of the slope's term in two dimensions.
    """
    levels = [sums]
    while max(levels[-1].shape[:2]) > COARSEST:
        levels.append(_halve(levels[-1]))
    total = levels[-1].sum(axis=(0, 1))
    height, width, channels = levels[-1].shape
    start = -(-height // 2), -(-width // 2), channels - 1
    field = np.full(start, total[:-1] / total[-1], np.float32)
    for level in reversed(levels):
        height, width, _ = level.shape
        field = cv2.resize(field, (2 * field.shape[1], 2 * field.shape[0]))[:height, :width]
        share = 1 / (level[..., -1:] + 4 * STIFFNESS)
        pull = level[..., :-1] * share
        spring = np.repeat(STIFFNESS * share, pull.shape[2], axis=2)
        for _ in range(SWEEPS):
            field = cv2.filter2D(field, -1, NEIGHBOURS, borderType=cv2.BORDER_REPLICATE)
            field *= spring
            field += pull
    return field


def _halve(sums: np.ndarray) -> np.ndarray:
    """Sums over 2 x 2 cells; an odd last row or column stays by itself."""
    height, width = sums.shape[:2]
    even = cv2.copyMakeBorder(sums, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT)
    pairs = even[::2] + even[1::2]
    return pairs[:, ::2] + pairs[:, 1::2]

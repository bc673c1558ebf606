"""The drift of the generated picture, read just outside the mask and carried smoothly inward.

A diffusion pipeline gives back the picture around the mask too, and a little off: another tint,
another contrast, a soft edge. What it is off by outside, it is off by inside. Subtracting that
makes the two meet without a step, and without any of the old content showing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

RING_WIDTH = 8
"""The drift is read from this many px outside the mask: one latent cell."""

EDGE_WIDTH = 3
"""How well the pictures match across the edge is judged from this many px outside the mask."""

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

GRID = 64
"""The drift is solved on a grid of about this many cells a side: it is smooth by design."""

LARGEST_CELL = 8
"""Pixels; larger cells would miss the ring."""

SWEEPS = 4
"""Jacobi sweeps on each level of the pyramid: enough, since each starts from the coarser one."""

NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


class Drift(NamedTuple):
    """What lies between the reference and the generated picture, for every pixel of the region.

    `offset` (float32 H x W x 3, levels) is to be added to the generated picture. `misfit`
    (float32 H x W) is what still differs at the mask's edge then, carried inward, as a multiple
    of the steps the reference takes there from pixel to pixel by itself.
    """

    offset: np.ndarray
    misfit: np.ndarray


def measure_drift(
    reference: np.ndarray, generated: np.ndarray, inside: np.ndarray, known: np.ndarray
) -> Drift | None:
    """The drift over a region, read from the ring just outside the mask.

    Two uint8 H x W x 3; `inside` and `known` are bool H x W: what is repainted, and where
    `generated` really was generated. None if the ring tells nothing: none of it is known, or it
    is a copy of the reference.
    """
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    is_ring = (distance <= RING_WIDTH) & ~inside & known
    if inside.all() or not is_ring.any():
        return None
    ring = find_pixels(is_ring)
    is_edge = distance[ring] <= EDGE_WIDTH
    if not is_edge.any():  # only masked without padding: nothing is known right at the edge
        return None
    own, given = reference[ring], generated[ring]
    if np.mean(_on_all_channels(own == given)) > COPIED_SHARE:
        return None
    grid = _Grid.over(inside.shape)
    offset = grid.spread(_solve_offset(own, given, grid, ring))
    edge = tuple(axis[is_edge] for axis in ring)
    corrected = generated[edge] + offset[edge]
    return Drift(offset, grid.spread(_judge_match(reference, corrected, grid, edge)))


def find_pixels(area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the true pixels of a bool H x W, as np.nonzero has them, but sooner."""
    flat = np.flatnonzero(area)
    rows = flat // area.shape[1]
    return rows, flat - rows * area.shape[1]


def _on_all_channels(flags: np.ndarray) -> np.ndarray:
    """bool N x 3 -> bool N. numpy's own reduction over so short an axis takes long."""
    return flags[:, 0] & flags[:, 1] & flags[:, 2]


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

    def gather(self, at: tuple[np.ndarray, ...], channels: Iterable[np.ndarray]) -> np.ndarray:
        """Sums over the cells: C times N values of the pixels `at` (rows, columns) -> h x w x C."""
        rows, columns = self.shape
        cells = at[0] // self.cell * columns + at[1] // self.cell
        sums = [np.bincount(cells, channel, rows * columns) for channel in channels]
        return np.stack(sums, axis=-1).reshape(rows, columns, -1).astype(np.float32)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the cells -> of every pixel, linear between the cells' middles."""
        if self.cell == 1:
            return values
        size = values.shape[1] * self.cell, values.shape[0] * self.cell
        full = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR)
        return full[: self.height, : self.width]


def _solve_offset(
    reference: np.ndarray, generated: np.ndarray, grid: _Grid, ring: tuple[np.ndarray, ...]
) -> np.ndarray:
    """The offset on the grid, float32 h x w x 3, from the ring's pixels (uint8 N x 3 twice).

    Robust: weights follow the misfit against the median first, then against the smooth solution.
    """
    is_safe = _on_all_channels((generated > 0) & (generated < 255))
    weight = np.where(is_safe, 1.0, CLIPPED_WEIGHT)
    difference = reference.astype(np.float32) - generated
    sums = grid.gather(ring, [*(difference.T * weight), weight])
    used = sums[..., 3] > 0
    means = sums[used, :3] / sums[used, 3:]
    offset = np.median(means, axis=0)
    for _ in range(2):
        fitted = offset[used] if offset.ndim == 3 else offset
        trusted = sums.copy()
        trusted[used] *= _trust(np.abs(means - fitted).max(axis=1))[:, None]
        offset = _solve(trusted)
    return offset


def _trust(misfit: np.ndarray) -> np.ndarray:
    """Geman-McClure weights (0-1) of misfits in levels, against their median's scale."""
    usual = max(float(np.median(misfit)), SMALLEST_MISFIT)
    return 1 / (1 + (misfit / (OUTLIER * usual)) ** 2) ** 2


def _judge_match(
    reference: np.ndarray, corrected: np.ndarray, grid: _Grid, edge: tuple[np.ndarray, ...]
) -> np.ndarray:
    """`Drift.misfit` on the grid, float32 h x w, from the pixels `edge` of the reference (uint8
    H x W x 3) and their generated colours without drift (N x 3)."""
    rows, columns = edge
    below = reference[np.minimum(rows + 1, grid.height - 1), columns]
    beside = reference[rows, np.minimum(columns + 1, grid.width - 1)]
    lab = _to_lab(np.stack([reference[edge], corrected, below, beside]))
    squares = (lab[1:] - lab[0]) ** 2
    misfit, down, right = np.sqrt(squares[..., 0] + squares[..., 1] + squares[..., 2])
    carried = _solve(grid.gather(edge, [misfit, (down + right) / 2, np.ones_like(misfit)]))
    return carried[..., 0] / np.maximum(carried[..., 1], SEEN_STEP)


def _to_lab(colors: np.ndarray) -> np.ndarray:
    """RGB of 0-255 levels -> float32 CIELAB, both M x N x 3."""
    scaled = np.clip(colors, 0, 255).astype(np.float32) / 255
    return cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB)


def _solve(sums: np.ndarray) -> np.ndarray:
    """The smoothest field through weighted data: float32 h x w x (C + 1) -> h x w x C.

    `sums` holds weight times value and, last, the weight. Minimises the sum of weight times
    squared misfit plus `STIFFNESS` times squared slope, which is harmonic where there is no data.
    Coarse to fine; cell sizes cancel out of the slope's term in two dimensions.
    """
    levels = [sums]
    while max(levels[-1].shape[:2]) > 2:
        levels.append(_halve(levels[-1]))
    total = levels[-1].sum(axis=(0, 1))
    field = np.full((1, 1, total.size - 1), total[:-1] / total[-1], np.float32)
    for level in reversed(levels):
        height, width = level.shape[:2]
        field = cv2.resize(field, (2 * field.shape[1], 2 * field.shape[0]))
        field = field.reshape(*field.shape[:2], -1)[:height, :width]
        known = np.ascontiguousarray(level[..., :-1])
        scale = np.repeat(1 / (level[..., -1:] + 4 * STIFFNESS), known.shape[2], axis=2)
        for _ in range(SWEEPS):
            field = cv2.filter2D(field, -1, NEIGHBOURS, borderType=cv2.BORDER_REPLICATE)
            field = field.reshape(known.shape)
            field *= STIFFNESS
            field += known
            field *= scale
    return field


def _halve(sums: np.ndarray) -> np.ndarray:
    """Sums over 2 x 2 cells; an odd last row or column stays by itself."""
    height, width = sums.shape[:2]
    even = cv2.copyMakeBorder(sums, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT)
    return even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]

"""What two pictures tell by their numbers alone: shift, color, noise. No guess is made here."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np

SMALLEST_SIDE = 32
"""px: smaller parts hold too little to measure a shift or a color line."""

CLIP_LOW, CLIP_HIGH = 4, 251
"""Levels beyond these may be cut, and say nothing of an offset."""

LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
"""Of R, G and B in luma (ITU-R BT.601)."""

FEWEST_PAIRS = 16
"""Of a channel's levels: fewer tell no color line."""

HUBER_LEVELS = 4.0
"""Residuals beyond this many levels count less, the farther the less."""


class Shift(NamedTuple):
    """Translation in px (right, down) and how sure phase correlation is of it, 0-1."""

    x: float
    y: float
    response: float

    @property
    def length(self) -> float:
        return float(np.hypot(self.x, self.y))


class ColorLine(NamedTuple):
    """result = gain * original + offset, one value each for R, G, B; the offset at mid-grey is
    `step`, in levels. `noise` is the residual's robust standard deviation. A channel that is not
    `is_told` had too few levels to tell a line by: its values are those of no change."""

    gain: tuple[float, float, float]
    offset: tuple[float, float, float]
    noise: tuple[float, float, float]
    is_told: tuple[bool, bool, bool] = (True, True, True)

    @property
    def step(self) -> tuple[float, float, float]:
        """What mid-grey is moved by, in levels of R, G, B."""
        red, green, blue = (
            128 * (gain - 1) + offset for gain, offset in zip(self.gain, self.offset, strict=True)
        )
        return red, green, blue


def measure_shift(
    original: np.ndarray, result: np.ndarray, free: np.ndarray | None = None
) -> Shift:
    """How far the content moved: two uint8 H x W x 3 -> Shift, by phase correlation of luma.

    Only where `free`, bool H x W, if it is given: what is new elsewhere may be the old, moved.
    """
    if min(original.shape[:2]) < SMALLEST_SIDE:
        return Shift(0.0, 0.0, 0.0)
    first, second = (_flatten(picture) for picture in (original, result))
    if free is not None:
        weight = cv2.GaussianBlur(free.astype(np.float32), (0, 0), 4) * free
        first, second = first * weight, second * weight
    if not first.any() or not second.any():
        return Shift(0.0, 0.0, 0.0)
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(first, second, window)
    return Shift(x, y, float(response))


def _flatten(picture: np.ndarray) -> np.ndarray:
    """Luma without its slow changes: a shading that stands still would hide a moving texture."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return luma - cv2.GaussianBlur(luma, (0, 0), 8)


def fit_colors(original: np.ndarray, result: np.ndarray) -> ColorLine:
    """The straight line from one picture's levels to the other's, by robust regression.

    Two uint8 N x 3 of the same pixels. Levels near 0 and 255 are left out: they may be cut.
    """
    fits = [_fit_channel(original[:, c], result[:, c]) for c in range(3)]
    red, green, blue = (fit is not None for fit in fits)
    gain, offset, noise = zip(*(fit or (1.0, 0.0, 0.0) for fit in fits), strict=True)
    return ColorLine(gain, offset, noise, (red, green, blue))


def _fit_channel(original: np.ndarray, result: np.ndarray) -> tuple[float, float, float] | None:
    """(gain, offset, noise): least squares, reweighted so that outliers count little. None where
    too few levels are left."""
    use = (original >= CLIP_LOW) & (original <= CLIP_HIGH)
    use &= (result >= CLIP_LOW) & (result <= CLIP_HIGH)
    x, y = original[use].astype(np.float64), result[use].astype(np.float64)
    if x.size < FEWEST_PAIRS:
        return None
    gain, offset = 1.0, float(np.median(y - x))
    spread = float(x.std())
    for _ in range(8):
        residual = y - gain * x - offset
        weight = np.minimum(1.0, HUBER_LEVELS / np.maximum(np.abs(residual), 1e-9))
        middle = np.average(x, weights=weight)
        level = np.average(y, weights=weight)
        if spread > 4.0:
            variance = np.average((x - middle) ** 2, weights=weight)
            gain = float(np.average((x - middle) * (y - level), weights=weight) / variance)
        offset = float(level - gain * middle)
    noise = 1.4826 * float(np.median(np.abs(y - gain * x - offset)))
    return gain, offset, noise


def share_at_ends(picture: np.ndarray) -> float:
    """Share (0-1) of a uint8 picture's levels that are at an end, cut or as good as cut."""
    at_end = (picture < CLIP_LOW) | (picture > CLIP_HIGH)
    return float(at_end.mean()) if picture.size else 0.0


COMB_FREQUENCIES = tuple(
    (row, column) for row in range(5) for column in range(5) if 0 < row + column < 5
)
"""Coefficients of an 8 x 8 block that photographs fill: (down, across)."""

LUMA_STEPS = np.array(
    [
        [16, 11, 10, 16, 24],
        [12, 12, 14, 19, 26],
        [14, 13, 16, 24, 40],
        [14, 17, 22, 29, 51],
        [18, 22, 37, 56, 68],
    ]
)
"""The low frequencies of JPEG's example table for luma, quality 50 (ITU-T T.81, table K.1)."""

FINEST_STEP = 2
"""Rounding to levels hides a quantization in steps of less, in DCT units of 8-bit luma."""

COMB_QUALITIES = tuple(range(10, 98))


class Comb(NamedTuple):
    """How strictly DCT coefficients keep to multiples of one table's steps, 0 (not at all) to 1,
    how much of that the original does not have, and the table's JPEG quality."""

    score: float
    growth: float
    quality: int


def measure_comb(original: np.ndarray, result: np.ndarray) -> Comb:
    """JPEG's trace, which stays when the file is saved as PNG again.

    Two uint8 H x W x 3, their top left on the 8 x 8 grid.
    """
    before, after = (_comb_scores(_transform(picture)) for picture in (original, result))
    combs = (
        Comb(score, score - max(known, 0.0), quality)
        for quality, known, score in zip(COMB_QUALITIES, before, after, strict=True)
    )
    return max(combs, key=lambda comb: comb.growth)


def luma_steps(quality: int) -> np.ndarray:
    """The table's low frequencies at a quality 1-100, as libjpeg scales them: float64 5 x 5."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((LUMA_STEPS * percent + 50) // 100, 1, 255).astype(np.float64)


def _transform(picture: np.ndarray) -> np.ndarray:
    """The coefficients of `COMB_FREQUENCIES` of all blocks of luma: float32 count x blocks."""
    height, width = (side // 8 * 8 for side in picture.shape[:2])
    if not height or not width:
        return np.zeros((len(COMB_FREQUENCIES), 0), np.float32)
    luma = picture[:height, :width].astype(np.float32) @ LUMA_WEIGHTS - 128
    blocks = luma.reshape(height // 8, 8, width // 8, 8)
    basis = np.hstack([cv2.dct(column[:, None]) for column in np.eye(8, dtype=np.float32)])
    found = np.einsum("ri,aibj,cj->rcab", basis[:5], blocks, basis[:5], optimize=True)
    return np.stack([found[row, column].ravel() for row, column in COMB_FREQUENCIES])


def _comb_scores(coefficients: np.ndarray) -> list[float]:
    """For each of `COMB_QUALITIES`, the mean cosine at its table's steps, of the coefficients that
    are not near 0."""

    @cache  # neighbouring qualities share most steps
    def measure(index: int, step: float) -> tuple[float, int]:
        values = coefficients[index]
        used = values[np.abs(values) > 0.6 * step]
        if step < FINEST_STEP or used.size < 12:
            return 0.0, 0
        return float(np.mean(np.cos(2 * np.pi / step * used))), min(used.size, 400)

    scores = []
    for quality in COMB_QUALITIES:
        steps = luma_steps(quality)
        told = [measure(index, steps[place]) for index, place in enumerate(COMB_FREQUENCIES)]
        total = sum(count for _, count in told)
        scores.append(sum(score * count for score, count in told) / total if total else 0.0)
    return scores


class Lattice(NamedTuple):
    """Share (0-1) of the pixels whose R, G, B a decoder of 8-bit Y, Cb, Cr can give: all of
    them in a decoded file, one in four to six in other colored pictures, all greys in `full`.

    `full` is the range of JPEG and AVIF, `limited` that of WebP (luma 16 to 235).
    """

    full: float
    limited: float


def measure_lattice(picture: np.ndarray) -> Lattice:
    """uint8 ... x 3 -> Lattice."""
    pixels = np.ascontiguousarray(picture).reshape(-1, 3).astype(np.int32)
    if not pixels.size:
        return Lattice(0.0, 0.0)
    full, limited = (np.mean((code(pixels) == pixels).all(axis=1)) for code in (_full, _limited))
    return Lattice(float(full), float(limited))


def _full(pixels: np.ndarray) -> np.ndarray:
    """int N x 3 to 8-bit Y, Cb, Cr and back with libjpeg's rounding."""
    levels = pixels @ np.array(
        [[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]]
    )
    luma, blue, red = np.rint(levels).astype(np.int32).T
    half = 1 << 15
    decoded = (
        luma + ((91881 * red + half) >> 16),
        luma + ((-22554 * blue - 46802 * red + half) >> 16),
        luma + ((116130 * blue + half) >> 16),
    )
    return np.clip(np.stack(decoded, axis=1), 0, 255)


def _limited(pixels: np.ndarray) -> np.ndarray:
    """int N x 3 to 8-bit Y, U, V and back with libwebp's fixed-point numbers."""
    levels = pixels @ np.array(
        [[0.25679, -0.14822, 0.43922], [0.50413, -0.29099, -0.36779], [0.09791, 0.43922, -0.07143]]
    )
    luma, blue, red = np.rint(levels + np.array([16, 128, 128])).astype(np.int32).T
    luma = (luma * 19077) >> 8
    decoded = (
        luma + ((red * 26149) >> 8) - 14234,
        luma - ((blue * 6419) >> 8) - ((red * 13320) >> 8) + 8708,
        luma + ((blue * 33050) >> 8) - 17685,
    )
    return np.clip(np.stack(decoded, axis=1) >> 6, 0, 255)

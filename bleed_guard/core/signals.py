"""What two pictures tell by their numbers alone: shift, color, noise. No guess is made here."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

SMALLEST_SIDE = 32
"""px: smaller parts hold too little to measure a shift or a color line."""

CLIP_LOW, CLIP_HIGH = 4, 251
"""Levels beyond these may be cut, and say nothing of an offset."""

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
    `step`, in levels. `noise` is the residual's robust standard deviation."""

    gain: tuple[float, float, float]
    offset: tuple[float, float, float]
    noise: tuple[float, float, float]

    @property
    def step(self) -> tuple[float, float, float]:
        """What mid-grey is moved by, in levels of R, G, B."""
        red, green, blue = (
            128 * (gain - 1) + offset for gain, offset in zip(self.gain, self.offset, strict=True)
        )
        return red, green, blue


def measure_shift(original: np.ndarray, result: np.ndarray) -> Shift:
    """How far the content moved: two uint8 H x W x 3 -> Shift, by phase correlation of luma."""
    if min(original.shape[:2]) < SMALLEST_SIDE:
        return Shift(0.0, 0.0, 0.0)
    first, second = (_flatten(picture) for picture in (original, result))
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
    gain, offset, noise = zip(*fits, strict=True)
    return ColorLine(gain, offset, noise)


def _fit_channel(original: np.ndarray, result: np.ndarray) -> tuple[float, float, float]:
    """(gain, offset, noise): least squares, reweighted so that outliers count little."""
    use = (original >= CLIP_LOW) & (original <= CLIP_HIGH)
    use &= (result >= CLIP_LOW) & (result <= CLIP_HIGH)
    x, y = original[use].astype(np.float64), result[use].astype(np.float64)
    if x.size < 16:
        return 1.0, 0.0, 0.0
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


COMB_STEPS = tuple(range(2, 41))
"""Quantization steps looked for, in DCT units of 8-bit luma."""

COMB_FREQUENCIES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1))
"""Coefficients of an 8 x 8 block that photographs fill."""


def measure_comb(picture: np.ndarray) -> float:
    """How strictly the DCT coefficients of the 8 x 8 grid keep to multiples of one step each.

    uint8 H x W x 3, its top left on the grid -> 0 (not at all) to 1 (JPEG, also after the file
    was saved as PNG again). Mean over the frequencies of the best step's cosine score.
    """
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[..., 0].astype(np.float32) - 128
    height, width = (side // 8 * 8 for side in luma.shape)
    if not height or not width:
        return 0.0
    blocks = luma[:height, :width].reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)
    basis = np.hstack([cv2.dct(column[:, None]) for column in np.eye(8, dtype=np.float32)])
    scores = []
    for row, column in COMB_FREQUENCIES:
        values = np.einsum("abij,i,j->ab", blocks, basis[row], basis[column]).ravel()
        scores.append(_comb_score(values))
    return float(np.mean(scores))


def _comb_score(values: np.ndarray) -> float:
    """The best step's mean cosine over the coefficients that are not near 0."""
    best = 0.0
    for step in COMB_STEPS:
        used = values[np.abs(values) > 0.6 * step]
        if used.size < 24:
            break
        best = max(best, float(np.mean(np.cos(2 * np.pi / step * used))))
    return best

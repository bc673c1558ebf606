"""An edit comes back to the original's size without moving by a fraction of a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.geometry import build_reference
from bleed_guard.core.job import ResizeMode
from bleed_guard.core.original_size import bring_back


def make_grating(width: int, height: int, period: float) -> np.ndarray:
    """Vertical and horizontal sine waves in two channels: any shift shows as a phase."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    across = 127.5 + 100 * np.sin(2 * np.pi * x / period)
    down = 127.5 + 100 * np.sin(2 * np.pi * y / period)
    return np.stack([across, down, np.full(x.shape, 90.0)], axis=2).astype(np.uint8)


def phase_shift(first: np.ndarray, second: np.ndarray, period: float) -> float:
    """Shift in px between two waves of one period along the last axis."""
    wave = np.exp(-2j * np.pi * np.arange(first.shape[-1]) / period)
    phases = [np.angle(np.sum((image - image.mean()) * wave)) for image in (first, second)]
    return float((phases[1] - phases[0]) * period / (2 * np.pi))


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [(512, 512), (320, 448), (200, 96), (93, 61)])
def test_a_grating_comes_back_where_it_was(mode: int, size: tuple[int, int]) -> None:
    original = make_grating(256, 192, 32)
    resize_mode = ResizeMode(mode)
    resized = build_reference(
        Image.fromarray(original), only_masked=False, size=size, resize_mode=resize_mode
    )
    decoded = resized[: size[1] // 8 * 8, : size[0] // 8 * 8]
    back = bring_back(decoded, original, size=size, resize_mode=resize_mode)
    assert back.shape == original.shape
    rows, columns = slice(64, 128), slice(64, 192)
    across = phase_shift(original[96, columns, 0], back[96, columns, 0], 32)
    down = phase_shift(original[rows, 128, 1], back[rows, 128, 1], 32)
    assert abs(across) < 0.1
    assert abs(down) < 0.1


def test_the_part_the_host_cropped_away_is_the_originals() -> None:
    original = make_grating(256, 128, 32)
    white = np.full((128, 128, 3), 255, np.uint8)
    mode = ResizeMode.CROP_AND_RESIZE
    back = bring_back(white, original, size=(128, 128), resize_mode=mode)
    assert np.array_equal(back[:, :60], original[:, :60])
    assert np.array_equal(back[:, 70:180], np.full((128, 110, 3), 255, np.uint8))

"""A small picture, its mask and results that bleed or do not, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bleed_guard.cli import main

SIZE = (64, 48)


@pytest.fixture
def pixels() -> np.ndarray:
    """uint8 48 x 64 x 3."""
    return np.random.default_rng(7).integers(20, 235, (*SIZE[::-1], 3), np.uint8)


@pytest.fixture
def mask() -> np.ndarray:
    """uint8 48 x 64 with a 20 x 16 rectangle to repaint."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[16:32, 24:44] = 255
    return mask


@pytest.fixture
def files(tmp_path: Path, pixels: np.ndarray, mask: np.ndarray, monkeypatch) -> Path:
    """The working folder, with original.png, mask.png, clean.png (edited inside the mask only)
    and bleed.png (one pixel outside is one level off)."""
    monkeypatch.chdir(tmp_path)
    save("original.png", pixels)
    save("mask.png", mask)
    clean = pixels.copy()
    clean[mask > 0] = 255 - clean[mask > 0]
    save("clean.png", clean)
    clean[40, 60, 1] += 1
    save("bleed.png", clean)
    return tmp_path


def save(name: str, array: np.ndarray, **options: Any) -> None:
    Image.fromarray(array).save(name, **options)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line; returns its exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call

"""A folder of results: most clean, some bled for known reasons, some broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

SIZE = (48, 32)


def save(path: Path, levels: np.ndarray, infotext: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = PngInfo()
    if infotext:
        text.add_text("parameters", infotext)
    Image.fromarray(levels).save(path, pnginfo=text)


def make_pair(folder: Path, name: str, seed: int = 0, change=None, infotext: str = "") -> None:
    """NAME.orig.png, NAME.mask.png and NAME.png, the original but for what `change` does."""
    levels = np.random.default_rng(seed).integers(0, 255, (*SIZE[::-1], 3), np.uint8)
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[12:20, 20:28] = 255
    save(folder / f"{name}.orig.png", levels)
    save(folder / f"{name}.mask.png", mask)
    result = levels.copy()
    result[mask > 0] = 255
    if change is not None:
        change(result)
    save(folder / f"{name}.png", result, infotext)


def one_pixel(result: np.ndarray) -> None:
    result[0, 0] ^= 1


def near_the_mask(result: np.ndarray) -> None:
    result[16, 30] ^= 8


def everywhere(result: np.ndarray) -> None:
    np.add(result, 1, out=result)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven pairs: four clean, three bled."""
    monkeypatch.chdir(tmp_path)
    pairs = tmp_path / "pairs"
    for number in range(4):
        make_pair(pairs, f"deep/er/clean{number}", number)
    make_pair(pairs, "blurred", 5, near_the_mask, "a mug\nSteps: 20, Mask blur: 4, Size: 48x32")
    make_pair(pairs, "redrawn", 6, everywhere)
    make_pair(pairs, "speck", 7, one_pixel)
    return pairs

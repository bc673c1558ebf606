"""The documented API example, run with PyPI's `webuiapi` against a served host."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLE = Path(__file__).parents[2] / "examples" / "webuiapi_inpaint.py"


def test_the_example_keeps_every_protected_pixel(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    mask = np.zeros((128, 128), np.uint8)
    mask[40:80, 40:80] = 255
    files = {"photo.png": photo, "mask.png": mask}
    for name, pixels in files.items():
        Image.fromarray(pixels).save(tmp_path / name)
    paths = [str(tmp_path / name) for name in files]
    out = tmp_path / "out.png"
    monkeypatch.setattr("sys.argv", [str(EXAMPLE), url, *paths, "a red mug", str(out)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    changed = (np.asarray(Image.open(out).convert("RGB")) != photo).any(axis=2)
    assert changed[mask > 0].mean() > 0.9
    assert not changed[mask == 0].any()
    told = capsys.readouterr().out
    assert f"protected pixels changed: 0 of {128 * 128 - 40 * 40}" in told
    assert "padding 32 -> 8, limit of preset tight-edit" in told

"""`python -m minihost demo --headless` shows the guard at work without a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bleed_guard.cli import main as check
from minihost import demo
from minihost.__main__ import main
from tests.minihost.conftest import host_names


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder the demo has written to."""
    folder = tmp_path_factory.mktemp("demo") / "new"
    assert main(["demo", "--headless", "--out", str(folder), "--profile", host_names()[0]]) == 0
    return folder


def pixels(path: Path) -> np.ndarray:
    """uint8 H x W x 3."""
    return np.asarray(Image.open(path).convert("RGB"))


def test_demo_changes_nothing_outside_where_the_host_alone_changes_much(out: Path) -> None:
    outside = np.asarray(demo.make_job().mask) == 0
    original = pixels(out / "original.png")
    changed = {
        name: np.any(pixels(out / f"{name}.png") != original, axis=2)
        for name in ("unguarded", "result")
    }
    assert changed["unguarded"][outside].sum() > 1000
    assert not changed["result"][outside].any()
    assert changed["result"][~outside].mean() > 0.5


def test_report_agrees_with_the_pictures(out: Path) -> None:
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    outside = np.asarray(demo.make_job().mask) == 0
    different = np.any(pixels(out / "unguarded.png") != pixels(out / "original.png"), axis=2)
    assert (report["changed"], report["max"], report["verdict"]) == (0, 0, "clean")
    assert report["protected"] == outside.sum()
    assert report["unguarded"]["changed"] == (different & outside).sum()
    assert report["unguarded"]["verdict"] == "bleed"


def test_check_finds_in_the_files_what_the_demo_tells(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    original, mask = str(out / "original.png"), str(out / "mask.png")
    codes = [
        check(["check", original, str(out / f"{name}.png"), mask])
        for name in ("result", "unguarded")
    ]
    told = json.loads((out / "report.json").read_text(encoding="utf-8"))["unguarded"]
    assert codes == [0, 1]
    assert f"{told['changed']:,} of {told['protected']:,}" in capsys.readouterr().out


def test_heatmap_is_a_picture_of_the_bleed(out: Path) -> None:
    heatmap = pixels(out / "heatmap.png")
    assert heatmap.shape[1] == 600
    assert len(np.unique(heatmap[:400].reshape(-1, 3), axis=0)) > 10


def test_headless_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--headless"]) == 2
    assert "--out" in capsys.readouterr().err

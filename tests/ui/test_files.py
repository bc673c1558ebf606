"""Any three files are measured and shown as a run is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from bleed_guard.ui.viewer import Viewer
from tests.ui.records import make_pictures
from tests.ui.test_viewer import ask


@pytest.fixture
def uploaded(gradio_folder: Path) -> dict[str, Any]:
    """The pictures of `make_pictures` as files gradio has taken."""
    pictures = make_pictures()
    files = {"original": pictures.reference, "result": pictures.unguarded, "mask": pictures.mask}
    given = {}
    for name, array in files.items():
        path = gradio_folder / f"{name}.png"
        cv2.imwrite(str(path), array)
        given[name] = {"path": str(path), "name": f"my {name}.png"}
    return given


def newest(viewer: Viewer) -> dict[str, Any]:
    return ask(viewer, ask="list")["records"][0]


def test_three_files_become_the_newest_record(viewer: Viewer, uploaded: dict[str, Any]) -> None:
    answer = ask(viewer, ask="compare", **uploaded)
    record = newest(viewer)
    image = record["images"][0]
    assert record["id"] == answer["id"]
    assert record["facts"]["Original"] == "my original.png"
    assert (image["verdict"], image["max"]) == ("bleed", 5)
    assert image["changed"] == ask(viewer, ask="report", id="run")["changed"]


def test_without_a_mask_every_pixel_counts(viewer: Viewer, uploaded: dict[str, Any]) -> None:
    del uploaded["mask"]
    ask(viewer, ask="compare", **uploaded)
    image = newest(viewer)["images"][0]
    assert image["protected"] == make_pictures().mask.size
    assert newest(viewer)["facts"]["Mask"] == "none: every pixel counts"


def test_result_and_mask_may_come_from_the_history(
    viewer: Viewer, uploaded: dict[str, Any]
) -> None:
    for name in ("result", "mask"):
        uploaded[name] = {"id": "run", "image": 0, "picture": name}
    ask(viewer, ask="compare", **uploaded)
    image = newest(viewer)["images"][0]
    assert (image["verdict"], image["changed"]) == ("clean", 0)


def test_sizes_that_do_not_fit_are_told(
    viewer: Viewer, uploaded: dict[str, Any], gradio_folder: Path
) -> None:
    cv2.imwrite(uploaded["result"]["path"], np.zeros((5, 5, 3), np.uint8))
    error = ask(viewer, ask="compare", **uploaded)["error"]
    assert "my result.png" in error
    assert "5 x 5" in error


@pytest.mark.parametrize("which", ["original", "mask"])
def test_a_file_that_is_no_picture_is_told_by_the_users_name_for_it(
    viewer: Viewer, uploaded: dict[str, Any], gradio_folder: Path, which: str
) -> None:
    Path(uploaded[which]["path"]).write_text("no picture")
    error = ask(viewer, ask="compare", **uploaded)["error"]
    assert "not a picture" in error
    assert error.startswith(uploaded[which]["name"])
    assert str(gradio_folder) not in error


def test_only_files_gradio_has_taken_are_read(
    viewer: Viewer, uploaded: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    cv2.imwrite(str(outside), make_pictures().reference)
    uploaded["original"]["path"] = str(outside)
    assert ask(viewer, ask="compare", **uploaded) == {"error": "This is not a file you uploaded."}
    uploaded["original"]["path"] += "/../../secret.png"
    assert "error" in ask(viewer, ask="compare", **uploaded)


def test_the_causes_are_told(viewer: Viewer, uploaded: dict[str, Any]) -> None:
    ask(viewer, ask="compare", **uploaded)
    findings = newest(viewer)["images"][0]["findings"]
    assert findings
    assert findings[0]["certainty"] == "inferred"
    assert "probable" in findings[0]["what"]
    assert findings[0]["fix"]["text"]
    beliefs = [finding["evidence"]["probability"] for finding in findings]
    assert beliefs == sorted(beliefs, reverse=True)


def test_the_files_own_format_and_further_frames_are_told(
    viewer: Viewer, uploaded: dict[str, Any]
) -> None:
    picture = Image.fromarray(make_pictures().unguarded)
    path = uploaded["result"]["path"]
    picture.save(path, format="JPEG", quality=99)
    ask(viewer, ask="compare", **uploaded)
    assert newest(viewer)["images"][0]["findings"][0]["cause"] == "jpeg"
    picture.save(path, format="MPO", save_all=True, append_images=[picture])
    del uploaded["mask"]
    ask(viewer, ask="compare", **uploaded)
    assert newest(viewer)["facts"]["Note"] == "my result.png: only its first picture counts"

"""Every question the page asks is answered from the asker's own records, or with a sentence."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bleed_guard.core.job import Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord
from bleed_guard.host.history import History
from bleed_guard.ui.layers import PHOTOGRAPHS
from bleed_guard.ui.served import ServedFiles
from bleed_guard.ui.viewer import Viewer
from tests.ui.records import MASK, REACH, SHAPE, make_pictures, make_record


def ask(viewer: Viewer, owner: str = "", **question: Any) -> dict[str, Any]:
    """The answer, having gone through JSON both ways as it does on its way to the page."""
    sent = json.loads(json.dumps({"id": "run", "image": 0, **question}))
    return json.loads(json.dumps(viewer.answer(sent, owner)))


def read_layer(answer: dict[str, Any], name: str) -> np.ndarray:
    """A layer's file as the page decodes it: RGB, or values."""
    layer = answer["layers"][name]
    left, top, right, bottom = layer["box"]
    content = Path(layer["file"]).read_bytes()
    if layer["file"].endswith(".bin"):
        values = zlib.decompress(content) if layer["packed"] else content
        channels = (3,) if name in PHOTOGRAPHS else ()
        return np.frombuffer(values, np.uint8).reshape(bottom - top, right - left, *channels)
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def test_list_tells_the_runs_and_their_extent(viewer: Viewer) -> None:
    (record,) = ask(viewer, ask="list")["records"]
    (image,) = record["images"]
    assert record["prompt"] == "a mug"
    assert record["changes"] == ["padding 64 -> 32, limit of preset guard"]
    assert image["verdict"] == "clean"
    assert image["view"] == {"width": 64, "height": 48, "factor": 1, "tile": 1024}


def test_list_tells_nothing_twice(viewer: Viewer, history: History) -> None:
    revision = ask(viewer, ask="list")["revision"]
    assert ask(viewer, ask="list", revision=revision) == {"revision": revision}
    history.add(make_record("next"))
    answer = ask(viewer, ask="list", revision=revision)
    assert [record["id"] for record in answer["records"]] == ["next", "run"]


def test_a_revision_of_an_earlier_process_is_not_taken_for_ours(
    history: History, gradio_folder: Path
) -> None:
    before = ask(Viewer(history, ServedFiles()), ask="list")["revision"]
    after = ask(Viewer(history, ServedFiles()), ask="list", revision=before)
    assert after["records"]


@pytest.mark.parametrize("is_near", [True, False])
def test_layers_are_the_true_pixels(viewer: Viewer, is_near: bool) -> None:
    names = ["reference", "unguarded", "result", "levels-unguarded", "areas"]
    answer = ask(viewer, ask="layers", layers=names, is_near=is_near)
    pictures, around = make_pictures(), MASK.grown(REACH)
    np.testing.assert_array_equal(read_layer(answer, "reference"), pictures.reference)
    np.testing.assert_array_equal(
        read_layer(answer, "unguarded"), pictures.unguarded[around.slices]
    )
    np.testing.assert_array_equal(read_layer(answer, "result"), pictures.result[MASK.slices])
    assert answer["layers"]["unguarded"]["box"] == list(around)
    assert read_layer(answer, "levels-unguarded")[0, 0] == 6
    assert read_layer(answer, "areas")[REACH, REACH] == 2


def test_a_layer_equal_to_the_reference_needs_no_file(viewer: Viewer, history: History) -> None:
    pictures = make_pictures()
    same = dataclasses.replace(pictures, unguarded=pictures.reference)
    image = ImageRecord(0, Verdict.CLEAN, 1, 0, 0, pictures=same)
    history.add(GenerationRecord("same", 0.0, (image,)))
    layer = ask(viewer, ask="layers", id="same", layers=["unguarded"])["layers"]["unguarded"]
    assert layer == {"box": [0, 0, 0, 0], "file": ""}


def test_a_layer_asked_for_again_is_the_same_file(viewer: Viewer) -> None:
    first, second = (ask(viewer, ask="layers", layers=["reference"]) for _ in range(2))
    assert first == second


def test_report_is_of_what_was_held_back_while_the_result_is_clean(viewer: Viewer) -> None:
    report = ask(viewer, ask="report")
    assert report["of"] == "unguarded"
    assert report["changed"] == ask(viewer, ask="list")["records"][0]["images"][0]["prevented"]
    assert report["max"] == 5
    assert report["reach"] == REACH
    assert [bin["max"] for bin in report["profile"][: REACH + 1]] == [5, 5, 5, 0]
    assert report["crop_distance"] == 8


def test_report_is_of_the_result_where_that_bleeds(viewer: Viewer, history: History) -> None:
    pictures = make_pictures()
    pictures.result[0, 0] += 50
    image = ImageRecord(0, Verdict.BLEED, 1, 1, 50, pictures=pictures)
    history.add(GenerationRecord("bled", 0.0, (image,)))
    report = ask(viewer, ask="report", id="bled")
    assert (report["of"], report["changed"], report["max"]) == ("result", 1, 50)
    assert report["worst"][0] | {"distance": 0} == {"x": 0, "y": 0, "difference": 50, "distance": 0}


def test_pixels_are_the_true_values(viewer: Viewer) -> None:
    x, y = MASK.left - 2, MASK.top
    answer = ask(viewer, ask="pixels", x=x, y=y)
    left, top, right, _ = answer["box"]
    at = (y - top) * (right - left) + x - left

    def read(name: str, size: int) -> list[int]:
        return list(base64.b64decode(answer[name])[size * at : size * (at + 1)])

    assert read("reference", 3) == [100, 100, 100]
    assert read("unguarded", 3) == [105, 105, 105]
    assert read("result", 3) == [100, 100, 100]
    assert read("mask", 1) == [0]
    assert read("protected", 1) == [1]
    assert read("distance", 2) == [2, 0]


def test_a_pixel_beside_the_picture_is_refused(viewer: Viewer) -> None:
    assert ask(viewer, ask="pixels", x=SHAPE[1], y=0) == {"error": "there is no pixel 64, 0"}


def test_thumbnails_are_small_and_there_is_none_without_pictures(
    viewer: Viewer, history: History
) -> None:
    failed = ImageRecord(0, Verdict.NOT_GUARDED, 0, 0, 0, reason="odd size")
    history.add(GenerationRecord("failed", 0.0, (failed,)))
    first, second = ask(viewer, ask="thumbnails", wanted=[["run", 0], ["failed", 0]])["files"]
    assert cv2.imread(first).shape == (*SHAPE, 3)
    assert second == ""


@pytest.mark.parametrize(
    "question",
    [
        {"ask": "layers", "layers": ["reference"]},
        {"ask": "report"},
        {"ask": "pixels", "x": 0, "y": 0},
        {"ask": "takeaway"},
        {"ask": "thumbnails", "wanted": [["run", 0]]},
        {"ask": "compare", "original": {"id": "run", "image": 0, "picture": "reference"}},
    ],
    ids=lambda question: question["ask"],
)
def test_nobody_sees_the_runs_of_another(viewer: Viewer, question: dict[str, Any]) -> None:
    assert ask(viewer, owner="eve", **question) == {
        "error": "This run is no longer in the history."
    }
    assert ask(viewer, owner="eve", ask="list")["records"] == []


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ({"ask": "report", "image": 7}, "This run has no such image."),
        ({"ask": "tell me"}, "unknown question 'tell me'"),
        ({"ask": "layers", "layers": ["nonsense"]}, "'nonsense' is not a valid Layer"),
        ({"ask": "layers", "layers": ["reference"], "tile": [5, 0]}, "there is no tile 5, 0"),
        ({"ask": "compare"}, "An original and a result are needed."),
    ],
)
def test_what_is_not_there_is_told_in_a_sentence(
    viewer: Viewer, question: dict[str, Any], sentence: str
) -> None:
    assert ask(viewer, **question) == {"error": sentence}


def test_pictures_that_were_forgotten_are_told(viewer: Viewer, tmp_path: Path) -> None:
    unable = History(memory_limit=0)  # and without a folder: numbers only
    unable.add(make_record())
    unable.settle()
    forgetful = Viewer(unable, ServedFiles(tmp_path))
    assert "no longer" in ask(forgetful, ask="report")["error"]
    assert ask(forgetful, ask="list")["records"][0]["images"][0]["verdict"] == "clean"

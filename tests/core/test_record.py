"""What is kept and told of one generation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bleed_guard.core.job import (
    Box,
    Cause,
    Certainty,
    Change,
    Finding,
    Fix,
    Phrases,
    Severity,
    Verdict,
)
from bleed_guard.core.patch import Patch
from bleed_guard.core.record import (
    GenerationRecord,
    ImageRecord,
    LoadedPictures,
    PatchedPictures,
    Pictures,
    Stage,
    describe_finding,
    describe_record,
)


def image(index: int = 0, verdict: Verdict = Verdict.CLEAN, **values: object) -> ImageRecord:
    numbers = {"protected": 22848, "changed": 0, "max": 0, **values}
    return ImageRecord(index, verdict, **numbers)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        pytest.param(
            image(),
            "0 of 22,848 protected pixels changed. Without the guard: 0.",
            id="nothing to prevent",
        ),
        pytest.param(
            image(prevented=2805, prevented_max=222, prevented_reach=10),
            "0 of 22,848 protected pixels changed. "
            "Without the guard: 2,805 (max 222, reach 10 px).",
            id="prevented",
        ),
        pytest.param(
            image(verdict=Verdict.BLEED, changed=1200, max=7),
            "1,200 of 22,848 protected pixels changed (max 7). Without the guard: 0.",
            id="bleed",
        ),
        pytest.param(
            image(verdict=Verdict.FULL_REDO, changed=1200, max=7, prevented=1200, prevented_max=7),
            "Full redo: 1,200 of 22,848 pixels outside the mask changed (max 7).",
            id="full redo",
        ),
        pytest.param(
            image(verdict=Verdict.WITHIN_TOLERANCE, max=6, prevented_max=6),
            "0 of 22,848 protected pixels changed by more than the tolerance (max 6). "
            "Without the guard: 0 by more than the tolerance (max 6).",
            id="within tolerance",
        ),
        pytest.param(
            image(verdict=Verdict.NOT_GUARDED, reason="the sizes differ"),
            "NOT GUARDED: the sizes differ",
            id="not guarded",
        ),
    ],
)
def test_sentence(record: ImageRecord, sentence: str) -> None:
    assert record.sentence == sentence


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        pytest.param([], Verdict.NOT_GUARDED, id="no image"),
        pytest.param([Verdict.CLEAN], Verdict.CLEAN, id="one"),
        pytest.param([Verdict.CLEAN, Verdict.FULL_REDO], Verdict.FULL_REDO, id="full redo"),
        pytest.param(
            [Verdict.WITHIN_TOLERANCE, Verdict.CLEAN], Verdict.WITHIN_TOLERANCE, id="near"
        ),
        pytest.param([Verdict.CLEAN, Verdict.BLEED], Verdict.BLEED, id="bleed"),
        pytest.param([Verdict.BLEED, Verdict.NOT_GUARDED], Verdict.NOT_GUARDED, id="worst of all"),
    ],
)
def test_the_worst_image_decides(verdicts: list[Verdict], expected: Verdict) -> None:
    images = tuple(image(index, verdict) for index, verdict in enumerate(verdicts))
    assert GenerationRecord("a", 0.0, images=images).verdict is expected


def test_an_image_takes_its_place_by_index() -> None:
    record = GenerationRecord("a", 0.0)
    for index in (2, 0, 1):
        record = record.with_image(image(index))
    record = record.with_image(image(1, Verdict.BLEED, changed=3))
    assert [(entry.index, entry.changed) for entry in record.images] == [(0, 0), (1, 3), (2, 0)]


def test_the_description_survives_json() -> None:
    finding = Finding(
        Cause.MASK_BLUR,
        Severity.WARNING,
        "Mask blur reaches 10 px out",
        fix=Fix("Set it to 0", "mask_blur", 0),
        where=Box(1, 2, 3, 4),
    )
    record = GenerationRecord(
        "a",
        12.5,
        images=(image(stages=(Stage("composite", 2805, 222, ("soft inpainting",)),)),),
        changes=(Change("padding", 64, 32, "limit of preset guard"),),
        findings=(finding,),
        facts={"mode": "whole picture"},
    )
    told = json.loads(json.dumps(describe_record(record)))
    assert told["verdict"] == "clean"
    assert told["changes"] == ["padding 64 -> 32, limit of preset guard"]
    assert told["facts"] == {"mode": "whole picture"}
    assert told["findings"][0]["cause"] == "mask_blur"
    assert told["findings"][0]["fix"] == {"text": "Set it to 0", "setting": "mask_blur", "value": 0}
    assert told["findings"][0]["where"] == [1, 2, 3, 4]
    assert told["images"][0]["stages"][0]["scripts"] == ["soft inpainting"]
    assert told["images"][0]["sentence"].startswith("0 of 22,848")


FINDING = Finding(
    Cause.JPEG,
    Severity.WARNING,
    "The file is JPEG",
    "It is lossy",
    Fix("Save as PNG", "lossy_format", "png"),
    pixels=412,
    max=9,
    where=Box(1, 2, 3, 4),
    evidence={"share": 0.5},
    certainty=Certainty.INFERRED,
    phrases=Phrases("The file is {format}", "It is lossy", "Save as PNG"),
    words={"format": "JPEG"},
)


def test_a_finding_is_described_with_all_it_says() -> None:
    """As report.json and the API give it: these names are read by other programs."""
    assert json.loads(json.dumps(describe_finding(FINDING))) == {
        "cause": "jpeg",
        "severity": "warning",
        "what": "The file is JPEG",
        "why": "It is lossy",
        "fix": {"text": "Save as PNG", "setting": "lossy_format", "value": "png"},
        "pixels": 412,
        "max": 9,
        "where": [1, 2, 3, 4],
        "evidence": {"share": 0.5},
        "words": {"format": "JPEG"},
        "wording": {
            "what": "The file is {format}",
            "why": "It is lossy",
            "fix": "Save as PNG",
        },
        "certainty": "inferred",
    }
    bare = describe_finding(Finding(Cause.NONE, Severity.INFO, "Nothing"))
    assert (bare["fix"], bare["where"], bare["wording"]) == (None, None, None)


def test_a_record_is_described_with_all_it_says() -> None:
    described = image(
        3,
        changed=5,
        max=2,
        prevented=2805,
        prevented_max=222,
        prevented_reach=10,
        predicted_reach=11,
        reason="a reason",
        saved_as="00001.png",
        places=(1, 3),
        stages=(Stage("composite", 2805, 222, ("soft inpainting",)),),
        findings=(FINDING,),
        crop_box=Box(8, 9, 72, 73),
    )
    record = GenerationRecord(
        "a1",
        12.5,
        images=(described, image(4)),
        preset="strict",
        tolerance=1,
        prompt="a cat",
        findings=(FINDING,),
    )
    told = json.loads(json.dumps(describe_record(record)))
    first, second = told.pop("images")
    assert told == {
        "id": "a1",
        "started": 12.5,
        "verdict": "clean",
        "preset": "strict",
        "tolerance": 1,
        "prompt": "a cat",
        "facts": {},
        "changes": [],
        "findings": [describe_finding(FINDING)],
    }
    assert first == {
        "index": 3,
        "verdict": "clean",
        "sentence": described.sentence,
        "protected": 22848,
        "changed": 5,
        "max": 2,
        "prevented": 2805,
        "prevented_max": 222,
        "prevented_reach": 10,
        "predicted_reach": 11,
        "reason": "a reason",
        "saved_as": "00001.png",
        "places": [1, 3],
        "stages": [
            {"name": "composite", "changed": 2805, "max": 222, "scripts": ["soft inpainting"]}
        ],
        "findings": [describe_finding(FINDING)],
        "crop_box": [8, 9, 72, 73],
    }
    assert (second["crop_box"], second["reason"], second["saved_as"]) == (None, "", "")


def paint(reference: np.ndarray, box: Box) -> np.ndarray:
    painted = reference.copy()
    painted[box.slices] += 1
    return painted


HEIGHT, WIDTH = 20, 30
WHOLE, UNGUARDED, RESULT = Box(0, 0, WIDTH, HEIGHT), Box(3, 5, 17, 14), Box(8, 6, 13, 9)
HELD = UNGUARDED.grown(2)


def load(kind: str) -> Pictures:
    """Pictures of which `unguarded` and `result` differ from the reference in a box each."""
    draw = np.random.default_rng(1)
    reference = draw.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    mask = draw.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    made = {"unguarded": paint(reference, UNGUARDED), "result": paint(reference, RESULT)}
    if kind == "loaded":
        return LoadedPictures(reference, mask=mask, protected=mask < 128, **made)
    held = {"unguarded": HELD, "result": RESULT}
    patches = {name: Patch(box, made[name][box.slices]) for name, box in held.items()}
    return PatchedPictures(reference, mask, mask < 128, patches)


@pytest.mark.parametrize("kind", ["loaded", "patched"])
def test_pictures_give_their_parts_and_where_they_differ(kind: str) -> None:
    pictures = load(kind)
    assert pictures.shape == (HEIGHT, WIDTH)
    assert np.array_equal(pictures.result, paint(pictures.reference, RESULT))
    assert np.array_equal(pictures.unguarded, paint(pictures.reference, UNGUARDED))
    box = Box(6, 4, 20, 12)
    for name in ("reference", "unguarded", "result", "mask", "protected"):
        assert np.array_equal(pictures.crop(name, box), getattr(pictures, name)[box.slices]), name
    is_patched = kind == "patched"  # whose patch is known to hold it all
    assert pictures.changed_box("unguarded") == (HELD if is_patched else UNGUARDED)
    assert pictures.changed_box("result") == RESULT


def test_pictures_in_memory_tell_what_they_take() -> None:
    pictures = load("loaded")
    assert isinstance(pictures, LoadedPictures)
    assert pictures.size_in_bytes == HEIGHT * WIDTH * (3 + 3 + 3 + 1 + 1)

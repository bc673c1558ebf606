"""What is kept and told of one generation."""

from __future__ import annotations

import json

import pytest

from bleed_guard.core.job import Box, Cause, Change, Finding, Fix, Severity, Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord, Stage, describe_record


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

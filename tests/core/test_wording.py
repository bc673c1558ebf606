"""The one table of sentences: complete, filled in, and the same in Python and in the page."""

from __future__ import annotations

import json
import re
from string import Formatter

import pytest

from bleed_guard.core.live import live_rules
from bleed_guard.core.settings import SETTINGS
from bleed_guard.core.wording import (
    BUCKETS,
    MEASURED,
    REASONS,
    WORDING,
    Wording,
    tell_share,
    word_finding,
    word_measured,
    word_reason,
)

HOST_CONTROLS = {
    "mask blur",
    "mask mode",
    "masked content",
    "inpaint area",
    "padding",
    "denoising strength",
    "samples_format",
    "grid_format",
    "export_for_4chan",
}

MODEL_WORDS = ("red", "green", "blue", "contrast", "noise", "mean")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDING)
def test_each_message_says_what_why_and_what_to_do(key: str) -> None:
    wording = WORDING[key]
    for sentence in (wording.what, wording.why, wording.fix):
        assert sentence[0].isupper() or sentence[0] == "{"
        assert not sentence.endswith(".")
    assert wording.setting in {"", *SETTINGS, *HOST_CONTROLS}
    if wording.setting in SETTINGS:
        assert SETTINGS[wording.setting].check(wording.value) == wording.value


def test_no_sentence_says_the_same_as_another() -> None:
    texts = [(wording.what, wording.why) for wording in WORDING.values()]
    assert len(set(texts)) == len(texts)


def test_a_finding_carries_what_the_page_fills_its_sentence_in_with() -> None:
    finding = word_finding("mask_blur", blur=4, reach=10)
    assert finding.what == "Mask blur 4 repaints up to 10 px outside the mask"
    assert finding.message == "mask_blur"
    assert finding.evidence == {"blur": 4, "reach": 10}
    with pytest.raises(KeyError):
        word_finding("mask_blur", blur=4)


def test_reasons_name_the_preset_or_the_user() -> None:
    assert word_reason("limit", "guard") == "limit of preset guard"
    assert word_reason("limit", "custom") == "limit of your settings"
    assert set().union(*map(placeholders, REASONS.values())) == {"source"}


def test_the_page_gets_the_table_as_json() -> None:
    rules = json.loads(json.dumps(live_rules()))
    assert set(rules["messages"]) == set(WORDING)
    assert rules["messages"]["strength"]["fix"] == "Try {recommended}"
    assert rules["messages"]["strength"]["severity"] == "warning"
    assert (rules["reach"][0], rules["reach"][4], len(rules["reach"])) == (0, 10, 65)
    assert rules["lossyFormats"]["webp"] == "WebP"


@pytest.mark.parametrize("wording", [*BUCKETS.values(), *MEASURED.values()], ids=lambda w: w.what)
def test_what_is_told_after_a_run_is_worded_alike(wording: Wording) -> None:
    for sentence in filter(None, (wording.what, wording.why, wording.fix)):
        assert sentence[0].isupper() or sentence[0] == "{"
        assert not sentence.endswith(".")


def test_a_measured_finding_carries_what_a_translation_is_filled_in_with() -> None:
    finding = word_measured("seam", ratio="2.0", step="9.1", own_step="4.6")
    assert finding.why == "9.1 CIELAB units across the edge, the original has 4.6"
    assert finding.phrases is not None
    assert finding.phrases.why.format(**finding.words) == finding.why
    assert word_measured("model", **dict.fromkeys(MODEL_WORDS, "1")).fix is None


def test_one_pixel_is_told_in_the_same_words_as_many() -> None:
    for wording in (*WORDING.values(), *BUCKETS.values(), *MEASURED.values()):
        for sentence in (wording.what, wording.why, wording.fix):
            told = sentence.format(**dict.fromkeys(placeholders(sentence), "1"))
            assert not re.search(r"\b1 (\w+ )?pixels ", told + " "), told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "0.0 %"),
        (1e-6, "< 0.1 %"),
        (0.00099, "< 0.1 %"),
        (0.001, "0.1 %"),
        (0.1234, "12.3 %"),
        (0.999, "99.9 %"),
        (0.99999, "> 99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_a_share_is_neither_rounded_to_nothing_nor_to_all(share: float, told: str) -> None:
    assert tell_share(share) == told

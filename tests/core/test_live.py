"""The page's script says live what the plan says for the run: cases for both, in one file.

`tests/js/live_cases.json` is made here and read by tests/js/panel.test.js. After a change of the
plan or its sentences: `UPDATE_GOLDENS=1 python -m pytest tests/core/test_live.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bleed_guard.core.job import InpaintJob, MaskedContent, ResizeMode
from bleed_guard.core.live import live_rules
from bleed_guard.core.plan import plan_guard
from bleed_guard.core.settings import PRESETS, GuardSettings

CASES = Path(__file__).parents[1] / "js" / "live_cases.json"
SIDE = 512
READ_BY_PAGE = (
    "preset",
    "paste_back",
    "protect",
    "limit_padding",
    "padding_limit",
    "soft_mask",
    "cap_strength",
    "strength_cap",
    "strength_warning",
    "face_restoration",
    "color_correction",
    "lossy_format",
)
JOBS: tuple[dict[str, Any], ...] = (
    {"blur": 0, "padding": 32, "strength": 0.75, "onlyMasked": True},
    {"blur": 4, "padding": 64, "strength": 0.9, "onlyMasked": True},
    {"blur": 9, "padding": 64, "strength": 1.0, "onlyMasked": False},
    {"blur": 4, "padding": 0, "strength": 0.85, "onlyMasked": False, "isMisplaced": True},
    {"blur": 0, "strength": 0.5, "isMisplaced": True, "keepsContent": False},
)
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"format": "jpg", "hasFaces": True, "hasColors": True},
    {"format": "webp", "isLossless": True, "hasOverlay": False, "hasFaces": True},
    {"format": "webp", "saves": False, "hasColors": True, "hasOverlay": False},
    {"isSoft": True},
)
SETTINGS: tuple[GuardSettings, ...] = (
    *PRESETS.values(),
    GuardSettings(preset="custom", paste_back=False),
    GuardSettings(preset="custom", cap_strength=True, color_correction="off"),
    GuardSettings(preset="custom", limit_padding=False, soft_mask="ignore"),
    GuardSettings(preset="custom", strength_warning=0.4, lossy_format="ignore"),
)


@cache
def make_cases() -> list[dict[str, Any]]:
    return list(_make_cases())


def _make_cases() -> Iterator[dict[str, Any]]:
    for job, options, settings in product(JOBS, OPTIONS, SETTINGS):
        job = {"padding": 32, "onlyMasked": False, "isMisplaced": False, "keepsContent": True} | job
        options = {
            "format": "png",
            "hasOverlay": True,
            "hasFaces": False,
            "hasColors": False,
            "isLossless": False,
            "saves": True,
            "isSoft": False,
        } | options
        said = list(say(job, options, settings))
        read = {name: getattr(settings, name) for name in READ_BY_PAGE}
        yield {"job": job, "options": options, "settings": read, "said": said}


def say(job: dict[str, Any], options: dict[str, Any], settings: GuardSettings) -> Iterator[Any]:
    """What the plan says of a mask with one straight edge, as the page's script writes it."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[:, : SIDE // 2] = 255
    plan = plan_guard(
        InpaintJob(
            mask=mask,
            init_size=(SIDE, SIDE),
            size=(SIDE + 8, SIDE) if job["isMisplaced"] else (SIDE, SIDE),
            only_masked=job["onlyMasked"],
            padding=job["padding"],
            mask_blur=job["blur"],
            denoising_strength=job["strength"],
            resize_mode=ResizeMode.LATENT_UPSCALE if job["isMisplaced"] else ResizeMode.JUST_RESIZE,
            masked_content=MaskedContent.ORIGINAL if job["keepsContent"] else MaskedContent.FILL,
            image_format=options["format"],
            has_overlay=options["hasOverlay"],
            has_soft_inpainting=options["isSoft"],
            has_face_restoration=options["hasFaces"],
            has_color_correction=options["hasColors"],
            webp_is_lossless=options["isLossless"],
            saves_images=options["saves"],
        ),
        settings,
    )
    for change in plan.changes:
        yield {"key": "change", "severity": "change", "lines": [change.text]}
    for finding in plan.findings:
        lines = [finding.what, finding.why, finding.fix.text if finding.fix else ""]
        yield {"key": finding.message, "severity": finding.severity.value, "lines": lines}


def test_the_pages_cases_are_the_plans() -> None:
    wanted = {"rules": live_rules(), "cases": make_cases()}
    if os.environ.get("UPDATE_GOLDENS"):
        text = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
        CASES.write_text(text + "\n", encoding="utf-8")
    assert json.loads(CASES.read_text(encoding="utf-8")) == wanted


def test_the_cases_say_most_of_what_the_page_can_say() -> None:
    said = {entry["key"] for case in make_cases() for entry in case["said"]}
    assert len(said) >= 18

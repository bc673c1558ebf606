"""Infotext: what it says, and that pasting it brings every setting back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from bleed_guard.core.job import Change, Verdict
from bleed_guard.core.record import ImageRecord
from bleed_guard.core.settings import CUSTOM, PRESETS, SCHEMA, GuardSettings
from bleed_guard.host import infotext
from tests.any_settings import any_settings

CLEAN = ImageRecord(
    0, Verdict.CLEAN, protected=22848, changed=0, max=0, prevented=2805, prevented_max=222
)


def join_as_host(params: dict[str, Any]) -> str:
    """The hosts' last line of infotext: entries with a comma, colon or newline as JSON strings."""
    told = []
    for key, value in params.items():
        text = str(value)
        if re.search("[,:\n]", text):
            text = json.dumps(text, ensure_ascii=False)
        told.append(f"{key}: {text}")
    return ", ".join(told)


def split_as_host(line: str) -> dict[str, str]:
    """The hosts' parser of that line; `512x512` becomes two entries."""
    found = re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', line)
    params: dict[str, str] = {}
    for key, value in found:
        text = json.loads(value) if value.startswith('"') and value.endswith('"') else value
        size = re.match(r"^(\d+)x(\d+)$", text)
        if size:
            params.update({f"{key}-1": size[1], f"{key}-2": size[2]})
        else:
            params[key] = text
    return params


def paste(params: dict[str, Any], presets: Any = None) -> dict[str, Any]:
    """What each control shows after the host pasted an infotext of these entries."""
    controls = [setting.name for setting in SCHEMA]
    fields, _ = infotext.paste_fields(controls, lambda: presets)
    read = split_as_host(join_as_host({"Steps": 20, "Size": "512x512", **params, "Version": "v1"}))
    return {control: reader(read) for control, reader in fields}


def test_the_default_run_says_preset_and_verdict_only() -> None:
    params: dict[str, Any] = {"Denoising strength": 0.75}
    infotext.write(params, GuardSettings(), CLEAN)
    assert join_as_host(params) == (
        "Denoising strength: 0.75, Bleed guard: guard, "
        "Bleed outside: 0 of 22848, Bleed prevented: 2805 (max 222)"
    )


def test_changes_are_told() -> None:
    changes = [
        Change("padding", 64, 32, "limit of preset guard"),
        Change("refiner", "x", None, "y"),
    ]
    entries = infotext.build(GuardSettings(), CLEAN, changes)
    assert entries["Bleed guard changes"] == (
        "padding 64 -> 32, limit of preset guard; refiner x -> off, y"
    )


def test_every_setting_off_its_default_is_told() -> None:
    settings = GuardSettings.from_args([{"preset": "tight-edit", "tolerance": 2}]).settings
    entries = infotext.build(settings, CLEAN)
    assert entries["Bleed guard"] == "tight-edit"
    assert entries["Bleed guard tolerance"] == "2"
    assert entries["Bleed guard padding limit"] == "8"
    assert entries["Bleed guard refiner"] == "off"


@pytest.mark.parametrize(
    ("image", "settings", "verdict"),
    [
        pytest.param(
            replace(CLEAN, verdict=Verdict.BLEED, changed=7, max=3),
            GuardSettings(),
            {"Bleed outside": "7 of 22848 (max 3)", "Bleed prevented": "2805 (max 222)"},
            id="bleed",
        ),
        pytest.param(
            replace(CLEAN, prevented=0, prevented_max=0),
            GuardSettings(),
            {"Bleed outside": "0 of 22848", "Bleed prevented": "0"},
            id="nothing to prevent",
        ),
        pytest.param(
            replace(CLEAN, verdict=Verdict.FULL_REDO, changed=22848, max=255),
            PRESETS["full-redo"],
            {"Bleed outside": "22848 of 22848 (max 255)"},
            id="full redo",
        ),
        pytest.param(
            replace(CLEAN, verdict=Verdict.NOT_GUARDED, reason="sizes differ: 8 x 8, 9 x 9"),
            GuardSettings(),
            {"Bleed guard failed": "sizes differ: 8 x 8, 9 x 9"},
            id="not guarded",
        ),
    ],
)
def test_verdicts(image: ImageRecord, settings: GuardSettings, verdict: dict[str, str]) -> None:
    entries = infotext.build(settings, image)
    assert {key: entries[key] for key in infotext.VERDICT_KEYS if key in entries} == verdict


def test_an_image_of_a_batch_has_no_entries_of_the_one_before() -> None:
    params: dict[str, Any] = {}
    infotext.write(params, PRESETS["tight-edit"], CLEAN, [Change("padding", 9, 8, "limit")])
    infotext.write(params, GuardSettings(), replace(CLEAN, changed=1))
    assert params == infotext.build(GuardSettings(), replace(CLEAN, changed=1))
    infotext.write_failure(params, "no such luck")
    assert params == {"Bleed guard": "guard", "Bleed guard failed": "no such luck"}
    infotext.clear(params)
    assert params == {}


@given(any_settings.map(lambda settings: GuardSettings.from_args([vars(settings)]).settings))
def test_pasting_an_infotext_restores_every_setting(settings: GuardSettings) -> None:
    pasted = paste(infotext.build(settings, CLEAN, [Change("format", "jpg", "png", 'a "b", c')]))
    assert pasted == vars(settings)


def test_pasting_a_foreign_infotext_leaves_every_control() -> None:
    assert set(paste({"Sampler": "Euler"}).values()) == {None}


def test_a_users_preset_comes_back_by_name_where_it_is_known() -> None:
    mine = GuardSettings(preset="My faces (2)", feather=9)
    entries = infotext.build(mine, CLEAN)
    assert entries["Bleed guard"] == "My faces (2)"
    assert paste(entries, {**PRESETS, mine.preset: mine}) == vars(mine)
    assert paste(entries) == vars(replace(mine, preset=CUSTOM))


@pytest.mark.parametrize("text", ["many", "-3", "1e9", "nan", ""])
def test_a_spoilt_value_is_left_at_its_default(text: str) -> None:
    params = {**infotext.build(GuardSettings(tolerance=2), CLEAN), "Bleed guard feather": text}
    pasted = paste(params)
    assert (pasted["feather"], pasted["tolerance"]) == (GuardSettings().feather, 2)


def test_every_key_survives_the_hosts_parser() -> None:
    line = join_as_host(dict.fromkeys(infotext.KEYS, "1"))
    assert list(split_as_host(line)) == list(infotext.KEYS)

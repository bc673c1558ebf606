"""The schema: what is accepted, what is answered with a sentence, and what the presets mean."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bleed_guard.core.settings import (
    CUSTOM,
    PRESET_SETTINGS,
    PRESETS,
    SCHEMA,
    SETTINGS,
    GuardSettings,
    Setting,
    is_preset,
)
from tests.any_settings import any_settings


@pytest.mark.parametrize("setting", SCHEMA, ids=lambda setting: setting.name)
def test_every_setting_is_told_and_bounded(setting: Setting) -> None:
    assert setting.label
    assert setting.help.endswith(".")
    assert len(setting.help) <= 100
    assert setting.check(setting.default) == setting.default
    is_number = not setting.choices and not isinstance(setting.default, bool)
    assert is_number == (setting.step is not None)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("feather", "4", "feather must be a number, not '4'"),
        ("feather", 4.5, "feather must be a whole number, not 4.5"),
        ("feather", 65, "feather must lie between 0 and 64, not 65"),
        ("feather", True, "feather must be a number, not True"),
        ("feather", 10**400, "feather must lie between 0 and 64, not 1000"),
        ("strength_cap", float("nan"), "strength_cap must be a number, not nan"),
        ("strength_cap", float("inf"), "strength_cap must be a number, not inf"),
        ("paste_back", "yes", "paste_back must be true or false, not 'yes'"),
        ("blend", "poisson", "blend must be one of hard, feather"),
        ("protect", ["hard"], "protect must be one of hard, soft, none, not ['hard']"),
        ("preset", "guardd", "preset must be one of guard, tight-edit"),
        ("fether", 4, "unknown setting 'fether'; did you mean feather?"),
        ("x", 4, "unknown setting 'x'; known are enabled, preset, "),
        (7, 4, "unknown setting 7; known are enabled"),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_nothing_else_is_lost(
    name: object, value: object, sentence: str
) -> None:
    settings, complaints = GuardSettings.from_args([{name: value, "tolerance": 3}])
    assert settings == GuardSettings(tolerance=3)
    (told,) = complaints
    assert told.startswith(sentence)
    assert "\n" not in told


def test_a_long_value_is_cut_in_its_complaint() -> None:
    _, (told,) = GuardSettings.from_args([{"blend": "x" * 10_000}])
    assert len(told) < 300


@pytest.mark.parametrize(
    ("value", "kept"), [(4.0, 4), (0, 0), (64, 64)], ids=["whole float", "least", "most"]
)
def test_numbers_arrive_in_the_settings_type(value: float, kept: int) -> None:
    feather = GuardSettings.from_args([{"feather": value}]).settings.feather
    assert (feather, type(feather)) == (kept, int)


def test_no_arguments_are_the_defaults() -> None:
    assert GuardSettings.from_args(()) == (GuardSettings(), ())
    assert GuardSettings.from_args([None] * len(SCHEMA)) == (GuardSettings(), ())


def test_too_many_arguments_are_told() -> None:
    _, complaints = GuardSettings.from_args([*GuardSettings().to_args(), 1])
    assert complaints == (f"expected at most {len(SCHEMA)} arguments, got {len(SCHEMA) + 1}",)


@given(any_settings)
def test_positions_and_names_carry_every_setting(settings: GuardSettings) -> None:
    for args in (settings.to_args(), [vars(settings)]):
        read, complaints = GuardSettings.from_args(json.loads(json.dumps(args)))
        assert complaints == ()
        if is_preset(settings, GuardSettings()):
            continue  # untouched defaults: the preset's name decides, below
        assert replace(read, preset="") == replace(settings, preset="")


ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@given(st.lists(ANY_VALUE))
def test_any_list_is_answered(args: list[object]) -> None:
    settings, _ = GuardSettings.from_args(args)
    assert GuardSettings.from_args(settings.to_args()).complaints == ()


@given(st.dictionaries(st.sampled_from([*SETTINGS, "other"]), ANY_VALUE))
def test_any_dict_is_answered(given_settings: dict[str, object]) -> None:
    settings, _ = GuardSettings.from_args([given_settings])
    assert GuardSettings.from_args(settings.to_args()).complaints == ()


@pytest.mark.parametrize("name", PRESETS)
def test_naming_a_preset_sets_its_guards(name: str) -> None:
    by_name = GuardSettings.from_args([{"preset": name}]).settings
    in_page = replace(GuardSettings(), preset=name).to_args()  # the page's other controls untouched
    by_position = GuardSettings.from_args(in_page).settings
    assert by_name == by_position == PRESETS[name]
    assert by_name.named_preset() == name


def test_names_without_a_preset_start_from_the_servers_default() -> None:
    tight = PRESETS["tight-edit"]
    given = GuardSettings.from_args([{"tolerance": 2}], default=tight).settings
    assert (given.preset, given.padding_limit, given.tolerance) == ("tight-edit", 8, 2)
    lenient = GuardSettings(tolerance=2, keep_size=True)
    named = GuardSettings.from_args([{"preset": "tight-edit"}], default=lenient).settings
    assert (named.padding_limit, named.tolerance, named.keep_size) == (8, 2, True)


def test_moving_a_guard_makes_the_preset_custom() -> None:
    moved = GuardSettings.from_args([{"preset": "tight-edit", "feather": 3}]).settings
    assert (moved.preset, moved.feather, moved.padding_limit) == (CUSTOM, 3, 8)


@pytest.mark.parametrize("free", [{"tolerance": 2}, {"keep_size": True}, {"enabled": False}])
def test_what_no_preset_decides_keeps_its_name(free: dict[str, object]) -> None:
    settings = GuardSettings.from_args([{"preset": "tight-edit", **free}]).settings
    assert settings.named_preset() == "tight-edit"


def test_values_of_a_preset_are_named_after_it_whatever_was_claimed() -> None:
    values = {name: getattr(PRESETS["full-redo"], name) for name in PRESET_SETTINGS}
    assert GuardSettings.from_args([{"preset": "guard", **values}]).settings.preset == "full-redo"


def test_a_users_preset_is_known_by_its_name() -> None:
    mine = GuardSettings(preset="faces", feather=9)
    presets = {**PRESETS, "faces": mine}
    assert GuardSettings.from_args([{"preset": "faces"}], presets).settings == mine
    assert mine.named_preset() == "faces"
    moved = GuardSettings.from_args([{"preset": "faces", "feather": 8}], presets).settings
    assert moved.named_preset() == CUSTOM
    settings, (complaint,) = GuardSettings.from_args([{"preset": "faces"}])
    assert settings == GuardSettings()
    assert "faces" in complaint


def test_of_two_presets_with_the_same_values_the_named_one_counts() -> None:
    mine = GuardSettings(preset="mine")
    presets = {**PRESETS, "mine": mine}
    for args in ([{"preset": "mine"}], mine.to_args()):
        assert GuardSettings.from_args(args, presets).settings == mine
    assert GuardSettings.from_args([{"preset": "guard"}], presets).settings.preset == "guard"


PRESET_MEANING = {
    "guard": {
        "paste_back": True,
        "protect": "hard",
        "limit_padding": True,
        "padding_limit": 32,
        "soft_mask": "warn",
        "refiner": "warn",
    },
    "tight-edit": {
        "paste_back": True,
        "protect": "hard",
        "padding_limit": 8,
        "soft_mask": "harden",
        "refiner": "off",
        "face_restoration": "off",
        "lossy_format": "png",
    },
    "blend-edit": {
        "paste_back": True,
        "protect": "soft",
        "padding_limit": 256,
        "soft_mask": "warn",
        "refiner": "warn",
    },
    "full-redo": {"paste_back": False, "protect": "none", "limit_padding": False},
}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_mean_what_they_promise(name: str) -> None:
    preset = PRESETS[name]
    assert preset.preset == name
    promised = PRESET_MEANING[name]
    assert {key: getattr(preset, key) for key in promised} == promised


def test_the_guard_blends_inward_by_default() -> None:
    assert "feather" in GuardSettings().blend
    assert GuardSettings().feather > 0

"""The section "Bleed Guard" of the host's settings, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import gradio as gr
from modules import shared
from modules.options import OptionInfo, options_section

from bleed_guard.core.heatmap import ColorMap
from bleed_guard.core.presets import UserPresets
from bleed_guard.core.settings import PRESET_FREE, PRESETS, SETTINGS, GuardSettings, SettingValue
from bleed_guard.host import compat, presets

SECTION = ("bleed_guard", "Bleed Guard")
PREFIX = "bleed_guard_"
PLACES = ("inpaint section", "scripts")
COLOR_MAPS = tuple(member.value for member in ColorMap)


@dataclass(frozen=True)
class Option:
    """One entry of the section. `choices` is empty for toggles and numbers; a number has all of
    `minimum`, `maximum` and `step`."""

    name: str
    default: SettingValue
    label: str
    info: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    needs_reload: bool = False


def _default_of(name: str, label: str) -> Option:
    """What the panel's control of a setting shows in a new page."""
    setting = SETTINGS[name]
    return Option(
        f"default_{name}",
        setting.default,
        label,
        setting.help,
        choices=setting.choices,
        minimum=setting.minimum,
        maximum=setting.maximum,
        step=setting.step,
        needs_reload=True,
    )


OPTIONS: tuple[Option, ...] = (
    _default_of("enabled", "Bleed Guard is on in a new page"),
    _default_of("preset", "Preset in a new page"),
    _default_of("strength_warning", "Warn from this denoising strength in a new page"),
    _default_of("tolerance", "Tolerance in a new page"),
    _default_of("keep_size", "Keep the original's size in a new page"),
    _default_of("keep_metadata", "Keep alpha, ICC profile and DPI in a new page"),
    Option(
        "panel_place",
        "inpaint section",
        "Place of the panel",
        "Under the inpaint controls, or among the scripts.",
        choices=PLACES,
        needs_reload=True,
    ),
    Option(
        "hide_panel",
        False,
        "Hide the panel",
        "Every inpaint is guarded with the defaults above.",
        needs_reload=True,
    ),
    Option(
        "history_size",
        20,
        "Generations the Bleed tab remembers",
        minimum=1,
        maximum=200,
        step=1,
        needs_reload=True,
    ),
    Option(
        "color_map",
        ColorMap.CIVIDIS.value,
        "Colors of the heatmap",
        choices=COLOR_MAPS,
        needs_reload=True,
    ),
    Option("live_messages", True, "Tell in the panel what the settings will do"),
    Option("tell_in_page", True, "Tell verdict, changes and warnings under the gallery"),
    Option("tell_in_console", True, "Tell the verdict in the console"),
    Option("write_infotext", True, "Write settings and verdict into the infotext"),
)
"""All of them. A failure ("NOT GUARDED") is told whatever the opt-outs say."""

BY_NAME: Mapping[str, Option] = MappingProxyType({option.name: option for option in OPTIONS})


def read(name: str) -> Any:
    """What the option says now; its default where the host has not stored it. KeyError if there
    is none of that name."""
    option = BY_NAME[name]
    value = compat.option(PREFIX + name, option.default)
    return option.default if value is None else value


def default_settings(known: UserPresets | None = None) -> GuardSettings:
    """What the panel shows in a new page, and what an API job without arguments gets. `known` are
    the presets there are, where they have been read already."""
    known = presets.load_all() if known is None else known
    chosen = known.get(str(read("default_preset")), PRESETS["guard"])
    free = {name: read(f"default_{name}") for name in PRESET_FREE if name != "preset"}
    settings, _ = GuardSettings.from_args([free], known, chosen)
    return replace(settings, preset=chosen.preset)


def add_section() -> None:
    """on_ui_settings: add the options to the host's. Called again at every Reload UI."""
    made = {PREFIX + option.name: _make_info(option) for option in OPTIONS}
    for key, info in options_section(SECTION, made).items():
        shared.opts.add_option(key, info)


def _make_info(option: Option) -> OptionInfo:
    component, arguments = _choose_component(option)
    info = OptionInfo(option.default, option.label, component, arguments)
    if option.info:
        info.info(option.info.rstrip("."))
    return info.needs_reload_ui() if option.needs_reload else info


def _choose_component(option: Option) -> tuple[Any, Any]:
    """The gradio component, and its arguments (or a function giving them when it is built)."""
    if option.name == "default_preset":
        return gr.Dropdown, lambda: {"choices": list(presets.load_all())}
    if option.choices:
        return gr.Dropdown, {"choices": list(option.choices)}
    if isinstance(option.default, bool):
        return gr.Checkbox, {}
    return gr.Slider, {
        "minimum": option.minimum,
        "maximum": option.maximum,
        "step": option.step,
    }

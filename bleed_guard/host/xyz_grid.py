"""Axes for the host's own X/Y/Z plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

from modules import scripts

from bleed_guard.core.settings import (
    SETTINGS,
    GuardSettings,
    Setting,
    SettingValue,
    take_preset,
)
from bleed_guard.host import presets

LABEL_PREFIX = "[Bleed Guard] "
AXES = ("preset", "blend", "feather", "padding_limit", "soft_mask", "strength_cap")
"""The settings that have an axis."""

SWITCHES = MappingProxyType({"padding_limit": "limit_padding", "strength_cap": "cap_strength"})
"""A value on these axes means nothing unless its guard is on: the axis switches it on."""

ATTRIBUTE = "bleed_guard_axes"
"""Where the plot's copy of the host's job carries the values of its cell: name -> value."""


def add_axes() -> None:
    """on_before_ui: add our axes to every X/Y/Z plot of this host that lacks them."""
    for module in _find_plots():
        told = {axis.label for axis in module.axis_options}
        for name in AXES:
            axis = _make_axis(module, SETTINGS[name])
            if axis.label not in told:
                module.axis_options.append(axis)


def _find_plots() -> list[ModuleType]:
    """The loaded scripts that keep the contract: `axis_options` and `AxisOptionImg2Img`."""
    modules = {id(entry.module): entry.module for entry in scripts.scripts_data}
    return [
        module
        for module in modules.values()
        if hasattr(module, "axis_options") and hasattr(module, "AxisOptionImg2Img")
    ]


def _make_axis(module: ModuleType, setting: Setting) -> Any:
    arguments: dict[str, Any] = {"confirm": partial(_confirm, setting)}
    if setting.choices:
        arguments["choices"] = partial(_list_choices, setting)
    apply: Callable[..., None] = partial(_apply, setting.name)
    kind = type(setting.default)
    return module.AxisOptionImg2Img(axis_label(setting), kind, apply, **arguments)


def axis_label(setting: Setting) -> str:
    return f"{LABEL_PREFIX}{setting.label}"


def _list_choices(setting: Setting) -> list[str]:
    return list(presets.load_all()) if setting.name == "preset" else list(setting.choices)


def _confirm(setting: Setting, p: Any, values: Sequence[Any]) -> None:
    """The plot asks before it starts. RuntimeError names the first value that does not fit."""
    if setting.choices:
        setting = replace(setting, choices=tuple(_list_choices(setting)))
    for value in values:
        try:
            setting.check(value)
        except ValueError as error:
            raise RuntimeError(f"{axis_label(setting)}: {error}") from None


def _apply(name: str, p: Any, value: SettingValue, values: Sequence[Any]) -> None:
    """One cell's value onto its copy of the job; the copy is shallow, so nothing is shared."""
    setattr(p, ATTRIBUTE, {**getattr(p, ATTRIBUTE, {}), name: value})


def apply_axes(p: Any, settings: GuardSettings) -> GuardSettings:
    """The settings of this job, with those of its cell where it is one of a plot."""
    values = getattr(p, ATTRIBUTE, None)
    if not values:
        return settings
    known = presets.load_all()
    preset = known.get(values.get("preset", ""))
    if preset is not None:
        settings = take_preset(settings, preset)
    axes = {name: value for name, value in values.items() if name != "preset"}
    switched_on = {SWITCHES[name]: True for name in axes if name in SWITCHES}
    given = {**vars(settings), "preset": values.get("preset"), **axes, **switched_on}
    return GuardSettings.from_args([given], known).settings

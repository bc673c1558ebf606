"""The panel under the inpaint controls: one control per setting of the schema, in its order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gradio as gr

from bleed_guard.core.settings import (
    CUSTOM,
    PRESET_SETTINGS,
    PRESETS,
    SCHEMA,
    SETTINGS,
    GuardSettings,
    Setting,
)
from bleed_guard.ui import element_ids
from bleed_guard.ui.events import script

TITLE = "Bleed Guard"
AT_FIRST_SIGHT = (("preset",), ("feather", "tolerance"))
"""Settings shown when the panel is open, row by row; the rest is one click away."""
IN_DETAIL = (
    ("blend",),
    ("paste_back", "protect"),
    ("limit_padding", "padding_limit"),
    ("cap_strength", "strength_cap", "strength_warning"),
    ("soft_mask", "small_mask"),
    ("refiner", "face_restoration", "color_correction"),
    ("lossy_format",),
    ("keep_size", "keep_metadata"),
)


def build_panel(
    accordion: Callable[..., Any] | None = None, defaults: GuardSettings | None = None
) -> list[Any]:
    """Gradio components of all settings, in the schema's order, showing `defaults` at first.

    `accordion` is the host's InputAccordion, whose open state is a value, for `enabled`; without
    one a plain accordion holds a checkbox.
    """
    made: dict[str, Any] = {}
    values = vars(defaults or GuardSettings())
    if accordion is not None:
        enabled = accordion(values["enabled"], label=TITLE, elem_id=element_ids.setting("enabled"))
        made["enabled"] = enabled
        with enabled:
            _build_rows(made, values)
    else:
        with gr.Accordion(TITLE, open=False, elem_id=element_ids.PANEL):
            made["enabled"] = _build_control(SETTINGS["enabled"], values["enabled"])
            _build_rows(made, values)
    _follow_preset(made)
    return [made[setting.name] for setting in SCHEMA]


def _build_rows(made: dict[str, Any], values: dict[str, Any]) -> None:
    for names in AT_FIRST_SIGHT:
        _build_row(names, made, values)
    with gr.Accordion("More guards", open=False, elem_id=element_ids.setting("more")):
        for names in IN_DETAIL:
            _build_row(names, made, values)
        _build_row([name for name in SETTINGS if name not in made], made, values)


def _build_row(
    names: tuple[str, ...] | list[str], made: dict[str, Any], values: dict[str, Any]
) -> None:
    if not names:
        return
    with gr.Row():
        for name in names:
            made[name] = _build_control(SETTINGS[name], values[name])


def _build_control(setting: Setting, value: Any) -> Any:
    """The control that fits the setting's type, with its help as the line below the label."""
    common: dict[str, Any] = {
        "value": value,
        "label": setting.label,
        "info": setting.help,
        "elem_id": element_ids.setting(setting.name),
    }
    if setting.choices:
        return gr.Radio(choices=list(setting.choices), **common)
    if isinstance(setting.default, bool):
        return gr.Checkbox(**common)
    bounds = {"minimum": setting.minimum, "maximum": setting.maximum, "step": setting.step}
    return gr.Slider(**bounds, **common)


def _follow_preset(made: dict[str, Any]) -> None:
    """Choosing a preset sets the guards; moving a guard shows the preset it now is, or custom."""
    governed = [made[name] for name in PRESET_SETTINGS]
    made["preset"].input(
        fn=None, inputs=[made["preset"], *governed], outputs=governed, **script(_apply_preset())
    )
    for control in governed:
        control.input(fn=None, inputs=governed, outputs=[made["preset"]], **script(_name_preset()))


def _preset_table() -> str:
    """The presets as JSON: name -> values of the governed settings, in order."""
    return json.dumps(
        {
            name: [getattr(preset, key) for key in PRESET_SETTINGS]
            for name, preset in PRESETS.items()
        }
    )


def _apply_preset() -> str:
    count = len(PRESET_SETTINGS)
    return f"(preset, ...values) => ({_preset_table()})[preset] ?? values.slice(0, {count})"


def _name_preset() -> str:
    return (
        "(...values) => "
        f"Object.entries({_preset_table()}).find(([, preset]) => "
        "preset.every((value, index) => typeof value === 'number' "
        "? Math.abs(value - values[index]) < 1e-9 : value === values[index])"
        f")?.[0] ?? {json.dumps(CUSTOM)}"
    )

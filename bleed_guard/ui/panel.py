"""The panel under the inpaint controls: one control per setting of the schema, in its order."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from bleed_guard.core.presets import NO_PRESETS, PresetStore
from bleed_guard.core.settings import (
    CUSTOM,
    PRESET_SETTINGS,
    SCHEMA,
    SETTINGS,
    GuardSettings,
    Setting,
)
from bleed_guard.ui import element_ids
from bleed_guard.ui.events import script
from bleed_guard.ui.live import build_live
from bleed_guard.ui.preset_row import build_preset_row, build_table, list_choices

TITLE = "Bleed Guard"
AT_FIRST_SIGHT = (("preset",), ("feather", "tolerance"))
"""Settings shown when the panel is open, row by row; the rest is one click away."""
IN_DETAIL = (
    ("blend",),
    ("paste_back", "protect"),
    ("limit_padding", "padding_limit"),
    ("cap_strength", "strength_cap"),
    ("soft_mask", "small_mask"),
    ("refiner", "face_restoration", "color_correction"),
    ("strength_warning", "lossy_format"),
    ("keep_size", "keep_metadata"),
)


def build_panel(
    defaults: GuardSettings | None = None,
    store: PresetStore | None = None,
    size_step: int = 1,
) -> list[Any]:
    """Gradio components of all settings, in the schema's order, showing `defaults` at first.

    The hosts' own accordion with a checkbox would switch the guard off when it is closed: ours
    only folds away, and the script says in its header what is on. `store` keeps the users'
    presets; without one there are the built-in ones only. `size_step` is the multiple, px, the
    host brings the asked size to.
    """
    made: dict[str, Any] = {}
    values = vars(defaults or GuardSettings())
    with gr.Accordion(TITLE, open=False, elem_id=element_ids.PANEL):
        made["enabled"] = _build_control(SETTINGS["enabled"], values["enabled"])
        _build_rows(made, values, store, size_step)
    return [made[setting.name] for setting in SCHEMA]


def _build_rows(
    made: dict[str, Any], values: dict[str, Any], store: PresetStore | None, size_step: int
) -> None:
    known = store.load().presets if store else NO_PRESETS
    gr.HTML(build_live(size_step))
    for names in AT_FIRST_SIGHT:
        _build_row(names, made, values, list_choices(known))
    with gr.Accordion("More guards", open=False, elem_id=element_ids.setting("more")):
        for names in IN_DETAIL:
            _build_row(names, made, values)
        _build_row([name for name in SETTINGS if name not in made], made, values)
    table = build_table(store)
    governed = [made[name] for name in PRESET_SETTINGS]
    _follow_preset(made["preset"], table, governed)
    if store is not None:
        build_preset_row(store, made["preset"], table, governed)


def _build_row(
    names: tuple[str, ...] | list[str],
    made: dict[str, Any],
    values: dict[str, Any],
    presets: list[str] | None = None,
) -> None:
    if not names:
        return
    with gr.Row():
        for name in names:
            choices = presets if name == "preset" else None
            made[name] = _build_control(SETTINGS[name], values[name], choices)


def _build_control(setting: Setting, value: Any, choices: list[str] | None = None) -> Any:
    """The control that fits the setting's type, with its help as the line below the label.

    `choices` are offered in place of the schema's, where users add their own.
    """
    common: dict[str, Any] = {
        "value": value,
        "label": setting.label,
        "info": setting.help,
        "elem_id": element_ids.setting(setting.name),
    }
    if setting.choices:
        return gr.Radio(choices=choices or list(setting.choices), **common)
    if isinstance(setting.default, bool):
        return gr.Checkbox(**common)
    bounds = {"minimum": setting.minimum, "maximum": setting.maximum, "step": setting.step}
    return gr.Slider(**bounds, **common)


def _follow_preset(preset: Any, table: Any, governed: list[Any]) -> None:
    """Choosing a preset sets the guards; moving a guard shows the preset it now is, or custom."""
    preset.input(
        fn=None, inputs=[preset, table, *governed], outputs=governed, **script(APPLY_PRESET)
    )
    for control in governed:
        control.input(fn=None, inputs=[table, *governed], outputs=[preset], **script(NAME_PRESET))


APPLY_PRESET = "(preset, table, ...values) => JSON.parse(table)[preset] ?? values"
NAME_PRESET = (
    "(table, ...values) => "
    "Object.entries(JSON.parse(table)).find(([, preset]) => "
    "preset.every((value, index) => typeof value === 'number' "
    "? Math.abs(value - values[index]) < 1e-9 : value === values[index])"
    f")?.[0] ?? {json.dumps(CUSTOM)}"
)

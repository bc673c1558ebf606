"""The panel: one control per setting, in the API's order, showing what the schema says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from bleed_guard.core.settings import SCHEMA, GuardSettings, Setting
from bleed_guard.ui.panel import build_panel


@pytest.fixture(scope="module")
def panel() -> list[Any]:
    with gr.Blocks():
        return build_panel()


def test_one_control_per_setting_in_the_order_of_the_arguments(panel: list[Any]) -> None:
    assert [control.elem_id for control in panel] == [
        f"bleed_guard_{setting.name}" for setting in SCHEMA
    ]


@pytest.mark.parametrize("setting", SCHEMA, ids=lambda setting: setting.name)
def test_a_control_shows_the_setting(panel: list[Any], setting: Setting) -> None:
    control = panel[SCHEMA.index(setting)]
    assert control.value == setting.default
    assert control.label == setting.label
    assert control.info == setting.help
    if setting.choices:
        shown = [entry[-1] if isinstance(entry, tuple) else entry for entry in control.choices]
        assert tuple(shown) == setting.choices
    if setting.maximum is not None:
        bounds = (control.minimum, control.maximum, control.step)
        assert bounds == (setting.minimum, setting.maximum, setting.step)


def test_defaults_of_the_host_are_shown() -> None:
    with gr.Blocks():
        panel = build_panel(replace(GuardSettings(), feather=9, blend="hard"))
    shown = {setting.name: control.value for setting, control in zip(SCHEMA, panel, strict=True)}
    assert (shown["feather"], shown["blend"]) == (9, "hard")


def test_the_page_is_told_what_the_host_makes_of_a_size() -> None:
    """Hosts that bring every size to a multiple of 64 px."""
    with gr.Blocks() as blocks:
        build_panel(size_step=64)
    shown = [str(block.value) for block in blocks.blocks.values() if isinstance(block, gr.HTML)]
    assert any('data-step="64"' in html for html in shown)

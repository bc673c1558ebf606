"""The settings section: what the host shows, and what a new page starts with."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modules import shared

from bleed_guard.core.presets import add_preset, format_presets
from bleed_guard.core.settings import PRESET_FREE, PRESETS, GuardSettings
from bleed_guard.host import options, presets
from bleed_guard.ui.encode import encode_text
from bleed_guard.ui.layers import color_tables
from bleed_guard.ui.tab import build_frame

pytestmark = pytest.mark.usefixtures("host")


def entries() -> dict[str, Any]:
    labels: dict[str, Any] = shared.opts.data_labels
    return {key: info for key, info in labels.items() if key.startswith(options.PREFIX)}


def test_the_section_holds_every_option_once_after_reload_ui_too() -> None:
    options.add_section()
    options.add_section()
    assert list(entries()) == [f"bleed_guard_{option.name}" for option in options.OPTIONS]
    assert {info.section for info in entries().values()} == {("bleed_guard", "Bleed Guard")}


def test_the_host_stores_and_gives_back_every_default() -> None:
    options.add_section()
    for option in options.OPTIONS:
        assert options.read(option.name) == option.default
        assert shared.opts.set(f"bleed_guard_{option.name}", option.default) is False


def test_components_fit_their_options() -> None:
    options.add_section()
    for option in options.OPTIONS:
        info = entries()[f"bleed_guard_{option.name}"]
        arguments = info.component_args
        arguments = arguments() if callable(arguments) else arguments
        component = info.component(value=info.default, **arguments)
        assert component.value == option.default


def test_options_are_read_before_the_host_knows_them() -> None:
    assert options.read("history_size") == 20
    with pytest.raises(KeyError):
        options.read("no such option")


def test_what_no_preset_decides_has_a_default_of_its_own() -> None:
    named = {f"default_{name}" for name in PRESET_FREE}
    assert named <= set(options.BY_NAME)


def test_a_new_page_starts_with_the_chosen_defaults() -> None:
    options.add_section()
    assert options.default_settings() == GuardSettings()
    shared.opts.set("bleed_guard_default_preset", "tight-edit")
    shared.opts.set("bleed_guard_default_tolerance", 2)
    shared.opts.set("bleed_guard_default_enabled", False)
    chosen = options.default_settings()
    assert chosen.named_preset() == "tight-edit"
    assert (chosen.tolerance, chosen.enabled, chosen.padding_limit) == (2, False, 8)


def test_a_users_preset_can_be_the_default_and_may_vanish(host: Path) -> None:
    options.add_section()
    mine = add_preset({}, "faces", GuardSettings(feather=9))
    (host / presets.FILE_NAME).write_text(format_presets(mine))
    choices = entries()["bleed_guard_default_preset"].component_args()["choices"]
    assert choices == [*PRESETS, "faces"]
    shared.opts.set("bleed_guard_default_preset", "faces")
    assert (options.default_settings().preset, options.default_settings().feather) == ("faces", 9)
    (host / presets.FILE_NAME).unlink()
    assert options.default_settings() == GuardSettings()


def test_the_owner_chooses_the_folder_of_the_presets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert presets.shared_store().path == tmp_path / presets.FILE_NAME
    folder = tmp_path / "elsewhere"
    monkeypatch.setattr(shared.cmd_opts, "bleed_guard_data_dir", str(folder), raising=False)
    presets.shared_store().save("faces", GuardSettings())
    assert (folder / presets.FILE_NAME).exists()
    assert list(presets.load_all()) == [*PRESETS, "faces"]


@pytest.mark.parametrize("name", options.COLOR_MAPS)
def test_each_color_map_colors_the_tab_and_grows_lighter(name: str) -> None:
    table = color_tables(name)["linear"][:-1]
    light = table.astype(float) @ (0.2126, 0.7152, 0.0722)
    assert light[-1] - light[2] > 120
    assert (np.diff(light[2:]) > -2).all()
    others = [color_tables(other)["linear"] for other in options.COLOR_MAPS if other != name]
    assert not any(np.array_equal(color_tables(name)["linear"], other) for other in others)
    assert html.escape(json.dumps(encode_text(color_tables(name)["log"]))) in build_frame((), name)

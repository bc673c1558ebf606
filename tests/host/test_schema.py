"""One schema: panel, API, infotext, X/Y/Z axes, translations and README say what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bleed_guard import settings_table
from bleed_guard.core.settings import SCHEMA, SETTINGS, GuardSettings, Setting
from bleed_guard.host import api, infotext, options, xyz_grid
from bleed_guard.ui import element_ids, panel
from tests.host.guarded import GuardedHost, installed_profiles

ROOT = Path(__file__).parents[2]


@pytest.fixture
def controls(host: Path) -> dict[str, Any]:
    """The panel's controls by setting."""
    with gr.Blocks():
        made = panel.build_panel()
    assert len(made) == len(SCHEMA)
    return dict(zip(SETTINGS, made, strict=True))


@pytest.mark.parametrize("setting", SCHEMA, ids=lambda setting: setting.name)
def test_the_panels_control(controls: dict[str, Any], setting: Setting) -> None:
    control = controls[setting.name]
    if setting.name != "enabled":
        assert (control.label, control.info) == (setting.label, setting.help)
    assert control.value == setting.default
    assert control.elem_id == element_ids.setting(setting.name)
    if setting.choices:
        choices = [choice[1] if isinstance(choice, tuple) else choice for choice in control.choices]
        assert choices == list(setting.choices)
    if setting.step is not None:
        bounds = (control.minimum, control.maximum, control.step)
        assert bounds == (setting.minimum, setting.maximum, setting.step)


def test_the_hosts_script_info_shows_every_label(tmp_path: Path) -> None:
    GuardedHost(installed_profiles()[0], tmp_path)
    from modules.call_queue import queue_lock

    from minihost.web.api import Api

    app = FastAPI()
    Api(app, queue_lock)
    scripts = TestClient(app).get("/sdapi/v1/script-info").json()
    (shown,) = [entry["args"] for entry in scripts if entry["name"] == "bleed guard"]
    told = [(entry["label"], entry["value"]) for entry in shown]
    expected = [(setting.label, setting.default) for setting in SCHEMA]
    assert told[1:] == expected[1:]
    assert told[0][1] is True


def test_positional_arguments_are_the_schemas_order() -> None:
    described = api.describe_schema()["settings"]
    assert [entry["name"] for entry in described] == list(SETTINGS)
    assert GuardSettings(*[entry["default"] for entry in described]) == GuardSettings()


def test_every_setting_has_an_infotext_name_of_its_own() -> None:
    names = [setting.infotext for setting in SCHEMA]
    assert len(set(names)) == len(names)
    assert all(name.startswith("Bleed guard") for name in names)
    assert set(names) <= set(infotext.KEYS)


def test_pasting_reaches_every_control() -> None:
    fields, _ = infotext.paste_fields(list(SETTINGS))
    assert [control for control, _ in fields] == list(SETTINGS)


def test_axes_are_labelled_as_the_settings() -> None:
    for name in (*xyz_grid.AXES, *xyz_grid.SWITCHES.values()):
        assert xyz_grid.axis_label(SETTINGS[name]) == f"[Bleed Guard] {SETTINGS[name].label}"


def test_defaults_of_a_new_page_are_settings() -> None:
    for option in options.OPTIONS:
        if option.name.startswith("default_"):
            setting = SETTINGS[option.name.removeprefix("default_")]
            assert (option.default, option.choices) == (setting.default, setting.choices)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "localizations").glob("*.json")), ids=lambda p: p.stem
)
def test_every_label_help_and_choice_is_translated(path: Path) -> None:
    entries = json.loads(path.read_text(encoding="utf-8"))
    for setting in SCHEMA:
        assert {setting.label, setting.help, *setting.choices} <= set(entries)


def test_the_table_has_a_row_for_each_setting() -> None:
    rows = settings_table.format_table().splitlines()
    assert len(rows) == len(SCHEMA) + 2
    for setting, row in zip(SCHEMA, rows[2:], strict=True):
        assert row.startswith(f"| `{setting.name}` | {setting.label} |")
        assert row.endswith(f"| {setting.help} |")
    assert len({row.count("|") for row in rows}) == 1


def test_readmes_table_is_the_schemas() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not written yet")
    text = readme.read_text(encoding="utf-8")
    assert settings_table.renew(text) == text


def test_the_table_is_renewed_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    page.write_text(f"# A\n{settings_table.BEGIN}\nold\n{settings_table.END}\nend\n")
    other.write_text("# B\n")
    assert settings_table.main([str(page), str(other)]) == 1
    table = settings_table.format_table()
    assert page.read_text() == f"# A\n{settings_table.BEGIN}\n{table}{settings_table.END}\nend\n"
    assert other.read_text() == "# B\n"
    assert "other.md: the text has no" in capsys.readouterr().err

"""Axes on a plot that keeps the hosts' contract, and what a cell's values do."""

from __future__ import annotations

from copy import copy
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from modules import scripts

from bleed_guard.core.presets import add_preset, format_presets
from bleed_guard.core.settings import PRESETS, GuardSettings
from bleed_guard.host import presets, xyz_grid

LABELS = [
    "[Bleed Guard] Preset",
    "[Bleed Guard] Blend at the edge",
    "[Bleed Guard] Feather",
    "[Bleed Guard] Padding limit",
    "[Bleed Guard] Soft mask",
    "[Bleed Guard] Strength cap",
]

pytestmark = pytest.mark.usefixtures("host")


class Axis:
    """What the hosts' own plot takes, by the names it takes it."""

    def __init__(
        self,
        label: str,
        type: Any,
        apply: Any,
        format_value: Any = None,
        confirm: Any = None,
        cost: float = 0.0,
        choices: Any = None,
        prepare: Any = None,
    ) -> None:
        self.label, self.type, self.apply = label, type, apply
        self.confirm, self.choices = confirm, choices


def load_plot() -> ModuleType:
    """A plot as the hosts load theirs: a module of its own each time the scripts are loaded."""
    module = ModuleType("xyz_grid.py")
    module.AxisOptionImg2Img = Axis  # type: ignore[attr-defined]
    module.axis_options = [Axis("Nothing", str, None)]  # type: ignore[attr-defined]
    return module


@pytest.fixture
def plot(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_plot()
    other = ModuleType("another_script.py")
    loaded = [SimpleNamespace(module=entry) for entry in (other, module, module)]
    monkeypatch.setattr(scripts, "scripts_data", loaded)
    return module


def labels(plot: ModuleType) -> list[str]:
    return [axis.label for axis in plot.axis_options]


def find_axis(plot: ModuleType, name: str) -> Axis:
    xyz_grid.add_axes()
    return next(axis for axis in plot.axis_options if axis.label == f"[Bleed Guard] {name}")


def test_axes_are_added_once(plot: ModuleType) -> None:
    xyz_grid.add_axes()
    xyz_grid.add_axes()
    assert labels(plot) == ["Nothing", *LABELS]


def test_axes_are_added_again_after_the_scripts_were_reloaded(
    plot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    xyz_grid.add_axes()
    fresh = load_plot()
    monkeypatch.setattr(scripts, "scripts_data", [SimpleNamespace(module=fresh)])
    xyz_grid.add_axes()
    assert labels(fresh) == ["Nothing", *LABELS]
    assert labels(plot) == ["Nothing", *LABELS]


def test_a_host_without_the_plot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripts, "scripts_data", [])
    xyz_grid.add_axes()


def run_cell(plot: ModuleType, **values: str) -> GuardSettings:
    """What one cell's job gets: values as the plot reads them, onto a copy of the job."""
    p = SimpleNamespace()
    cell = copy(p)
    for name, text in values.items():
        axis = find_axis(plot, name.replace("_", " "))
        typed = axis.type(text)
        axis.confirm(p, [typed])
        axis.apply(cell, typed, [typed])
    assert vars(p) == {}
    return xyz_grid.apply_axes(cell, GuardSettings())


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        ({}, {}),
        ({"Feather": "9"}, {"feather": 9}),
        ({"Blend_at_the_edge": "hard"}, {"blend": "hard"}),
        ({"Soft_mask": "harden"}, {"soft_mask": "harden"}),
        ({"Padding_limit": "16"}, {"padding_limit": 16, "limit_padding": True}),
        ({"Strength_cap": "0.5"}, {"strength_cap": 0.5, "cap_strength": True}),
        ({"Feather": "3", "Soft_mask": "ignore"}, {"feather": 3, "soft_mask": "ignore"}),
    ],
)
def test_a_cell_gets_its_values(
    plot: ModuleType, values: dict[str, str], settings: dict[str, Any]
) -> None:
    cell = run_cell(plot, **values)
    expected = GuardSettings.from_args([{**vars(GuardSettings()), **settings}]).settings
    assert cell == expected
    assert cell.preset == ("custom" if settings else "guard")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_axis_sets_its_guards(plot: ModuleType, name: str) -> None:
    assert run_cell(plot, Preset=name) == PRESETS[name]


def test_a_guard_axis_moves_a_preset_axis(plot: ModuleType) -> None:
    cell = run_cell(plot, Feather="5", Preset="tight-edit")
    assert (cell.preset, cell.feather, cell.padding_limit) == ("custom", 5, 8)


def test_users_presets_are_on_the_axis(plot: ModuleType, host: Path) -> None:
    mine = add_preset({}, "faces", GuardSettings(feather=9))
    (host / presets.FILE_NAME).write_text(format_presets(mine))
    assert find_axis(plot, "Preset").choices() == [*PRESETS, "faces"]
    assert run_cell(plot, Preset="faces").preset == "faces"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("Feather", 99, r"\[Bleed Guard\] Feather: feather must lie between 0 and 64, not 99"),
        ("Preset", "gard", r"\[Bleed Guard\] Preset: preset must be one of guard, tight-edit"),
        ("Soft mask", "hard", r"\[Bleed Guard\] Soft mask: soft_mask must be one of ignore"),
    ],
)
def test_the_plot_is_told_before_it_starts(
    plot: ModuleType, name: str, value: Any, sentence: str
) -> None:
    with pytest.raises(RuntimeError, match=sentence):
        find_axis(plot, name).confirm(None, [value])

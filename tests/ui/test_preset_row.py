"""The users' presets in the panel: what each button answers with, and what is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from bleed_guard.core.presets import (
    LARGEST_FILE,
    NO_PRESETS,
    ParsedPresets,
    UserPresets,
    add_preset,
    delete_preset,
    format_presets,
    merge_presets,
    parse_presets,
    rename_preset,
)
from bleed_guard.core.settings import CUSTOM, PRESET_SETTINGS, PRESETS, SETTINGS, GuardSettings
from bleed_guard.scratch import ScratchFolder
from bleed_guard.ui import panel
from bleed_guard.ui.preset_row import PresetDesk, format_table

MINE = GuardSettings(feather=9)
VALUES = [getattr(MINE, name) for name in PRESET_SETTINGS]


class Store:
    """Presets in memory; `broken` makes every change fail as a full disk does."""

    def __init__(self) -> None:
        self.presets: UserPresets = NO_PRESETS
        self.complaints: tuple[str, ...] = ()
        self.broken = False

    def load(self) -> ParsedPresets:
        return ParsedPresets(self.presets, self.complaints)

    def save(self, name: str, settings: GuardSettings) -> None:
        self._change(lambda: add_preset(self.presets, name, settings))

    def rename(self, name: str, new_name: str) -> None:
        self._change(lambda: rename_preset(self.presets, name, new_name))

    def delete(self, name: str) -> None:
        self._change(lambda: delete_preset(self.presets, name))

    def import_text(self, text: str) -> ParsedPresets:
        parsed = parse_presets(text)
        self.presets, added = merge_presets(self.presets, parsed.presets)
        return ParsedPresets(added, parsed.complaints)

    def export_text(self) -> str:
        return format_presets(self.presets)

    def _change(self, change: Callable[[], UserPresets]) -> None:
        if self.broken:
            raise OSError("No space left on device")
        self.presets = change()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> PresetDesk:
    return PresetDesk(store, ScratchFolder(tmp_path / "exports", "exports-"))


def read(answer: tuple[Any, str, str]) -> tuple[list[str], str, list[str], str]:
    """Choices, the chosen one, names in the table, and what is said."""
    update, table, said = answer
    said = said.removeprefix("<span data-fresh>").removesuffix("</span>")
    said = re.sub(r'<div [^>]*role="alert"><span aria-hidden="true">✗</span> |</div>', "", said)
    return update["choices"], update.get("value", ""), list(json.loads(table)), said


def test_saving_adds_a_choice_and_chooses_it(desk: PresetDesk, store: Store) -> None:
    answer = desk.save(" faces ", "custom", *VALUES)
    choices, chosen, names, said = read(answer)
    assert choices == [*PRESETS, "faces", CUSTOM]
    assert (chosen, names, said) == ("faces", [*PRESETS, "faces"], "")
    assert store.presets["faces"].feather == 9
    assert json.loads(answer[1])["faces"] == VALUES


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "a preset needs a name"), ("guard", "guard is a built-in preset: choose another name")],
)
def test_a_bad_name_is_told_and_nothing_changes(
    desk: PresetDesk, store: Store, name: str, sentence: str
) -> None:
    _, chosen, _, said = read(desk.save(name, "tight-edit", *VALUES))
    assert (chosen, said) == ("tight-edit", sentence)
    assert store.presets == {}


def test_a_failure_is_marked_as_one_and_what_went_well_is_not(
    desk: PresetDesk, store: Store, tmp_path: Path
) -> None:
    assert 'role="alert"' in desk.save("", "custom", *VALUES)[2]
    assert 'role="alert"' not in desk.save("faces", "custom", *VALUES)[2]
    path = tmp_path / "presets.json"
    path.write_text(store.export_text(), encoding="utf-8")
    assert desk.bring_in(str(path), "guard")[2] == "<span data-fresh>faces (2)</span>"
    path.write_text("{", encoding="utf-8")
    assert 'role="alert"' in desk.bring_in(str(path), "guard")[2]
    (tmp_path / "exports").write_text("a file where the folder should be")
    assert 'role="alert"' in desk.export()[1]


def test_rename_and_delete(desk: PresetDesk, store: Store) -> None:
    desk.save("faces", "custom", *VALUES)
    assert read(desk.rename("eyes", "faces"))[:2] == ([*PRESETS, "eyes", CUSTOM], "eyes")
    assert read(desk.delete("eyes"))[:2] == ([*PRESETS, CUSTOM], CUSTOM)
    assert "guard is built in" in read(desk.delete("guard"))[3]
    assert store.presets == {}


def test_a_fresh_page_gets_the_presets_and_keeps_its_choice(desk: PresetDesk) -> None:
    desk.save("faces", "custom", *VALUES)
    choices, chosen, names, _ = read(desk.refresh(format_table(NO_PRESETS)))
    assert (choices, chosen, names) == ([*PRESETS, "faces", CUSTOM], "", [*PRESETS, "faces"])


def test_a_page_that_has_the_presets_is_left_alone(desk: PresetDesk, store: Store) -> None:
    """Else the answer would take away a preset that was saved while it was under way."""
    desk.save("faces", "custom", *VALUES)
    choice, table, _ = desk.refresh(format_table(store.presets))
    assert (choice, table) == (gr.update(), gr.update())


def test_a_full_disk_is_told(desk: PresetDesk, store: Store) -> None:
    store.broken = True
    assert read(desk.save("faces", "custom", *VALUES))[3] == "No space left on device"


def test_what_is_wrong_with_the_file_is_told_as_text(desk: PresetDesk, store: Store) -> None:
    store.complaints = ("kept as <b>.json",)
    assert read(desk.refresh(""))[3] == "kept as &lt;b&gt;.json"


@pytest.mark.parametrize("wrap", [str, lambda path: SimpleNamespace(name=str(path))])
def test_an_export_is_imported(
    desk: PresetDesk, tmp_path: Path, wrap: Callable[[Path], Any]
) -> None:
    desk.save("faces", "custom", *VALUES)
    path = tmp_path / "presets.json"
    path.write_text(Path(str(desk.export()[0])).read_text())
    choices, chosen, _, said = read(desk.bring_in(wrap(path), "guard"))
    assert choices == [*PRESETS, "faces", "faces (2)", CUSTOM]
    assert (chosen, said) == ("guard", "faces (2)")


def test_a_file_windows_has_marked_as_utf_8_is_imported(desk: PresetDesk, tmp_path: Path) -> None:
    desk.save("faces", "custom", *VALUES)
    path = tmp_path / "presets.json"
    path.write_text(Path(str(desk.export()[0])).read_text(), encoding="utf-8-sig")
    assert read(desk.bring_in(str(path), "guard"))[3] == "faces (2)"


def test_exports_do_not_pile_up(desk: PresetDesk, store: Store, tmp_path: Path) -> None:
    paths = {str(desk.export()[0]) for _ in range(3)}
    desk.save("faces", "custom", *VALUES)
    paths.add(str(desk.export()[0]))
    (path,) = paths
    assert Path(path).name == "bleed_guard_presets.json"
    assert "faces" in Path(path).read_text()
    assert len([*(tmp_path / "exports").rglob("*.json")]) == 1


def test_an_export_that_cannot_be_written_is_told(desk: PresetDesk, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file where the folder should be")
    path, said = desk.export()
    assert path is None
    assert "exports" in said


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00"])
def test_a_bad_import_is_told(desk: PresetDesk, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "presets.json"
    path.write_bytes(content)
    assert read(desk.bring_in(str(path), "guard"))[3]


def test_an_import_is_read_up_to_its_limit(desk: PresetDesk, tmp_path: Path) -> None:
    path = tmp_path / "presets.json"
    path.write_text("[" * (3 * LARGEST_FILE), encoding="utf-8")
    *_, told = desk.bring_in(str(path), "guard")
    assert f"not {LARGEST_FILE + 1}" in str(told)


def test_the_panel_offers_the_users_presets(store: Store) -> None:
    store.save("faces", MINE)
    with gr.Blocks() as blocks:
        controls = dict(zip(SETTINGS, panel.build_panel(store=store), strict=True))
    shown = [
        entry[-1] if isinstance(entry, tuple) else entry for entry in controls["preset"].choices
    ]
    assert shown == [*PRESETS, "faces", CUSTOM]
    ids = {getattr(block, "elem_id", None) for block in blocks.blocks.values()}
    wanted = ("name", "save", "rename", "delete", "export", "import", "refresh", "table")
    assert {f"bleed_guard_preset_{name}" for name in wanted} <= ids


def test_the_table_is_what_the_pages_script_sets() -> None:
    table = json.loads(format_table(NO_PRESETS))
    for name, values in table.items():
        assert values == [getattr(PRESETS[name], key) for key in PRESET_SETTINGS]

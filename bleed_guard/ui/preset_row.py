"""The users' own presets in the panel: save, rename, delete, import, export."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from bleed_guard.core.presets import (
    LARGEST_FILE,
    NO_PRESETS,
    PresetStore,
    UserPresets,
    all_presets,
)
from bleed_guard.core.settings import CUSTOM, PRESET_SETTINGS, GuardSettings
from bleed_guard.scratch import ScratchFolder
from bleed_guard.ui import element_ids
from bleed_guard.ui.served import gradio_folder

EXPORT_NAME = "bleed_guard_presets.json"
FOLDER_PREFIX = "bleed-guard-presets-"

Answer = tuple[Any, str, str]
"""What every button changes: the choice of presets, the table of their values, a sentence."""


def format_table(user_presets: UserPresets) -> str:
    """All presets as JSON for the page's script: name -> values of what a preset decides."""
    return json.dumps(
        {
            name: [getattr(preset, key) for key in PRESET_SETTINGS]
            for name, preset in all_presets(user_presets).items()
        }
    )


def list_choices(user_presets: UserPresets) -> list[str]:
    """What the preset's control offers."""
    return [*all_presets(user_presets), CUSTOM]


def build_table(store: PresetStore | None) -> Any:
    """The hidden component that holds the table; without a store the built-in presets only."""
    known = store.load().presets if store else NO_PRESETS
    table = gr.Textbox(format_table(known), visible=False, elem_id=element_ids.PRESET_TABLE)
    return _without_default(table)


def _without_default(component: Any) -> Any:
    """The component, kept out of the host's ui-config.json: its value is no default of a page."""
    component.do_not_save_to_config = True
    return component


def build_preset_row(store: PresetStore, preset: Any, table: Any, governed: Sequence[Any]) -> None:
    """The controls that change the users' presets, and what they do.

    `preset` is the preset's own control, `governed` those of `PRESET_SETTINGS`, in order.
    """
    desk = PresetDesk(store)
    with gr.Accordion("Your presets", open=False, elem_id=element_ids.setting("presets")):
        with gr.Row():
            name = gr.Textbox(
                label="Name of the preset",
                info="Saves the guards as they are now; renames the preset chosen above.",
                elem_id=element_ids.setting("preset_name"),
            )
        with gr.Row():
            save = gr.Button("Save", elem_id=element_ids.setting("preset_save"))
            rename = gr.Button("Rename", elem_id=element_ids.setting("preset_rename"))
            delete = gr.Button("Delete", elem_id=element_ids.setting("preset_delete"))
            export = gr.Button("Export", elem_id=element_ids.setting("preset_export"))
        said = gr.HTML(elem_id=element_ids.setting("preset_said"))
        fresh = gr.HTML(elem_id=element_ids.setting("preset_fresh"))
        with gr.Row():
            upload = gr.File(label="Import presets", elem_id=element_ids.setting("preset_import"))
            download = gr.File(
                label="Exported presets",
                interactive=False,
                elem_id=element_ids.setting("preset_export_file"),
            )
    refresh = gr.Button(visible=False, elem_id=element_ids.PRESET_REFRESH)
    for component in (name, upload, download):
        _without_default(component)
    changed = [preset, table, said]
    save.click(desk.save, [name, preset, *governed], changed, show_progress="hidden")
    rename.click(desk.rename, [name, preset], changed, show_progress="hidden")
    delete.click(desk.delete, [preset], changed, show_progress="hidden")
    upload.upload(desk.bring_in, [upload, preset], changed, show_progress="hidden")
    # Of its own: its answers may come behind that of a button, whose sentence is to stay.
    refresh.click(desk.refresh, [table], [preset, table, fresh], show_progress="hidden")
    export.click(desk.export, [], [download, said], show_progress="hidden")


@dataclass(frozen=True)
class PresetDesk:
    """What the buttons do. A failure is told in a sentence, and changes nothing."""

    store: PresetStore
    scratch: ScratchFolder = field(
        default_factory=lambda: ScratchFolder(gradio_folder(), FOLDER_PREFIX)
    )

    def save(self, name: str, preset: str, *values: Any) -> Answer:
        guards = dict(zip(PRESET_SETTINGS, values, strict=True))
        settings, complaints = GuardSettings.from_args([{**vars(GuardSettings()), **guards}])
        if complaints:
            return self._answer(preset, *complaints)
        return self._change(preset, lambda: self.store.save(name, settings), name)

    def rename(self, name: str, preset: str) -> Answer:
        return self._change(preset, lambda: self.store.rename(preset, name), name)

    def delete(self, preset: str) -> Answer:
        return self._change(preset, lambda: self.store.delete(preset), CUSTOM)

    def bring_in(self, upload: Any, preset: str) -> Answer:
        """Import an uploaded file: its path in gradio 4, an open file in gradio 3."""
        path = Path(getattr(upload, "name", upload))
        try:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(LARGEST_FILE + 1)
            added, complaints = self.store.import_text(text)
        except (ValueError, OSError) as error:
            return self._answer(preset, str(error))
        return self._answer(preset, *complaints, news=", ".join(added))

    def export(self) -> tuple[str | None, str]:
        """The path of a file with the users' presets, which gradio copies to serve it, and what
        is said; no file where it cannot be written."""
        try:
            path, new = self.scratch.path / EXPORT_NAME, self.scratch.new_file(".json")
            new.write_text(self.store.export_text(), encoding="utf-8")
            new.replace(path)  # at once: another user's export may be on its way
        except OSError as error:
            return None, _tell_failure(str(error))
        return str(path), ""

    def refresh(self, shown: str) -> tuple[Any, Any, str]:
        """What a freshly loaded page shows: the presets as they stand now.

        The choice is left alone, for the user may have made one since the page asked; so are the
        choices if the page has them already (`shown` is its table): this answer may come behind
        that of a button the user pressed meanwhile.
        """
        _, table, said = self._answer(CUSTOM)
        if table == shown:
            return gr.update(), gr.update(), said
        return gr.update(choices=[*json.loads(table), CUSTOM]), table, said

    def _change(self, preset: str, change: Callable[[], None], chosen: str) -> Answer:
        try:
            change()
        except (ValueError, OSError) as error:
            return self._answer(preset, str(error))
        return self._answer(chosen.strip())

    def _answer(self, chosen: str, *failures: str, news: str = "") -> Answer:
        known, complaints = self.store.load()
        choices = list_choices(known)
        value = chosen if chosen in choices else CUSTOM
        told = html.escape(news) + _tell_failure("; ".join((*failures, *complaints)))
        said = f"<span data-fresh>{told}</span>"
        return gr.update(choices=choices, value=value), format_table(known), said


def _tell_failure(sentence: str) -> str:
    """The sentence as HTML that looks, and is read out, as a failure; nothing for no sentence."""
    if not sentence:
        return ""
    mark = '<span aria-hidden="true">✗</span>'
    return f'<div class="bleed-guard-failure" role="alert">{mark} {html.escape(sentence)}</div>'

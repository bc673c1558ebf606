"""The users' presets in one JSON file: written atomically, kept aside when it is broken."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from modules import paths

from bleed_guard.core.presets import (
    LARGEST_FILE,
    NO_PRESETS,
    ParsedPresets,
    UserPresets,
    add_preset,
    all_presets,
    delete_preset,
    format_presets,
    merge_presets,
    parse_presets,
    rename_preset,
)
from bleed_guard.core.settings import GuardSettings
from bleed_guard.host import compat

log = logging.getLogger("bleed_guard")

FILE_NAME = "bleed_guard_presets.json"


class PresetFile:
    """`PresetStore` in a file. One per process: its lock keeps two users' changes apart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._complaints: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self._path

    def load(self) -> ParsedPresets:
        """The presets of the file, none if there is no file; never raises.

        A file that cannot be used as it is is kept aside under another name, which the
        complaints of this and later calls tell.
        """
        with self._lock:
            return self._load()

    def save(self, name: str, settings: GuardSettings) -> None:
        """Add or replace a preset. ValueError for a bad name, OSError for the disk."""
        self._change(lambda presets: add_preset(presets, name, settings))

    def rename(self, name: str, new_name: str) -> None:
        """ValueError if there is none of that name, or the new one is taken or bad."""
        self._change(lambda presets: rename_preset(presets, name, new_name))

    def delete(self, name: str) -> None:
        """ValueError if there is none of that name, or it is built in."""
        self._change(lambda presets: delete_preset(presets, name))

    def import_text(self, text: str) -> ParsedPresets:
        """Add the presets of an exported file; those added, under their new names, and one
        sentence for each that was left out. ValueError if it is not such a file."""
        added, complaints = parse_presets(text)
        renamed: UserPresets = NO_PRESETS

        def merge(presets: UserPresets) -> UserPresets:
            nonlocal renamed
            merged, renamed = merge_presets(presets, added)
            return merged

        self._change(merge)
        return ParsedPresets(renamed, complaints)

    def export_text(self) -> str:
        """The users' presets as a file to keep or give away."""
        return format_presets(self.load().presets)

    def _change(self, change: Callable[[UserPresets], UserPresets]) -> None:
        with self._lock:
            self._write(format_presets(change(self._load().presets)))

    def _load(self) -> ParsedPresets:
        try:
            with self._path.open(encoding="utf-8-sig") as file:
                text = file.read(LARGEST_FILE + 1)
        except FileNotFoundError:
            return ParsedPresets(NO_PRESETS, self._complaints)
        except (OSError, UnicodeDecodeError) as error:
            return self._set_aside(NO_PRESETS, f"it cannot be read: {error}")
        try:
            parsed = parse_presets(text)
        except ValueError as error:
            return self._set_aside(NO_PRESETS, str(error))
        if parsed.complaints:
            return self._set_aside(parsed.presets, "; ".join(parsed.complaints))
        return ParsedPresets(parsed.presets, self._complaints)

    def _set_aside(self, presets: UserPresets, reason: str) -> ParsedPresets:
        """Keep a file that is not right under another name and go on with what is right."""
        aside = self._free_name()
        try:
            self._path.replace(aside)
            if presets:
                self._write(format_presets(presets))
        except OSError as error:
            told = f"the preset file {self._path.name} is broken ({reason}) and stays: {error}"
        else:
            told = f"the preset file was broken and is kept as {aside.name}: {reason}"
        log.warning("Bleed Guard: %s", told)
        self._complaints = (told,)
        return ParsedPresets(presets, self._complaints)

    def _free_name(self) -> Path:
        stem = f"{self._path.stem}.broken-{time.strftime('%Y%m%d-%H%M%S')}"
        aside, number = self._path.with_name(f"{stem}.json"), 1
        while aside.exists():
            number += 1
            aside = self._path.with_name(f"{stem}-{number}.json")
        return aside

    def _write(self, text: str) -> None:
        """All or nothing: a new file takes the old one's place. OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".tmp", self._path.name, self._path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


_STORES: dict[str, PresetFile] = {}


def shared_store() -> PresetFile:
    """The one store of this process for the folder the server's owner chose, by default the
    host's data folder."""
    folder = str(compat.flag("bleed_guard_data_dir") or paths.data_path)
    if folder not in _STORES:
        _STORES[folder] = PresetFile(Path(folder) / FILE_NAME)
    return _STORES[folder]


def load_all() -> UserPresets:
    """The built-in presets and the users' own, as they stand now."""
    return all_presets(shared_store().load().presets)

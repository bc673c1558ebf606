"""The users' own presets: their names, their JSON form, and what is done with a bad one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from bleed_guard.core.settings import (
    PRESET_NAMES,
    PRESET_SETTINGS,
    PRESETS,
    SETTINGS,
    GuardSettings,
    show,
)

FORMAT = 1
NAME_PATTERN = re.compile(r"[^\W\d_][\w .()+-]*")
"""Starts with a letter and holds nothing an infotext or an X/Y/Z list would take apart."""

LONGEST_NAME = 40
MOST_PRESETS = 200
LARGEST_FILE = 1 << 20
"""Characters; 200 presets with every setting spelt out take about a tenth of it."""

UserPresets = Mapping[str, GuardSettings]
NO_PRESETS: UserPresets = MappingProxyType({})


class ParsedPresets(NamedTuple):
    """The presets that could be read, and one sentence for each that could not."""

    presets: UserPresets
    complaints: tuple[str, ...] = ()


class PresetStore(Protocol):
    """Where the users' presets are kept; the host's file implements it.

    What cannot be done raises ValueError (or OSError, for the disk) with one sentence.
    """

    def load(self) -> ParsedPresets: ...

    def save(self, name: str, settings: GuardSettings) -> None: ...

    def rename(self, name: str, new_name: str) -> None: ...

    def delete(self, name: str) -> None: ...

    def import_text(self, text: str) -> ParsedPresets:
        """Add the presets of an exported file; returns those added, under their new names."""
        ...

    def export_text(self) -> str: ...


def all_presets(user_presets: UserPresets) -> UserPresets:
    """The built-in presets, then the users' own by name."""
    return {**PRESETS, **dict(sorted(user_presets.items()))}


def check_name(name: object) -> str:
    """A preset's name without outer spaces; ValueError if it cannot be one."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("a preset needs a name")
    name = name.strip()
    if name.casefold() in PRESET_NAMES:
        raise ValueError(f"{name} is a built-in preset: choose another name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a preset's name has at most {LONGEST_NAME} characters, not {len(name)}")
    if not NAME_PATTERN.fullmatch(name):
        raise ValueError(
            f"a preset's name starts with a letter and has letters, digits, spaces and _.()+- "
            f"only, not {show(name)}"
        )
    return name


def add_preset(presets: UserPresets, name: str, settings: GuardSettings) -> UserPresets:
    """`presets` with this one added or replaced. ValueError for a bad name or too many."""
    name = check_name(name)
    if name not in presets and len(presets) >= MOST_PRESETS:
        raise ValueError(f"there are {MOST_PRESETS} presets already: delete one first")
    guards = {key: getattr(settings, key) for key in PRESET_SETTINGS}
    return {**presets, name: replace(GuardSettings(preset=name), **guards)}


def rename_preset(presets: UserPresets, name: str, new_name: str) -> UserPresets:
    """`presets` with one under a new name. ValueError if there is none, or the name is taken."""
    new_name = check_name(new_name)
    if new_name in presets and new_name != name:
        raise ValueError(f"there is a preset {new_name} already")
    return add_preset(delete_preset(presets, name), new_name, presets[name])


def delete_preset(presets: UserPresets, name: str) -> UserPresets:
    """`presets` without one. ValueError if there is none of that name."""
    if name in PRESET_NAMES:
        raise ValueError(f"{name} is built in: it can be neither renamed nor deleted")
    if name not in presets:
        raise ValueError(f"there is no preset {show(name)}")
    return {key: preset for key, preset in presets.items() if key != name}


def merge_presets(presets: UserPresets, added: UserPresets) -> tuple[UserPresets, UserPresets]:
    """Both together, and the added ones as they are now named: "faces" becomes "faces (2)" if
    there is one already. ValueError if there are too many."""
    merged: UserPresets = dict(presets)
    renamed: dict[str, GuardSettings] = {}
    for name, settings in added.items():
        free = _free_name(name, merged)
        merged = add_preset(merged, free, settings)
        renamed[free] = merged[free]
    return merged, renamed


def _free_name(name: str, taken: UserPresets) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        suffix = f" ({number})"
        free = f"{name[: LONGEST_NAME - len(suffix)]}{suffix}"
    return free


def format_presets(presets: UserPresets) -> str:
    """The JSON file: a format number and, for each preset, the settings it decides."""
    told = {
        name: {key: getattr(settings, key) for key in PRESET_SETTINGS}
        for name, settings in sorted(presets.items())
    }
    content = {"bleed_guard_presets": FORMAT, "presets": told}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def parse_presets(text: str) -> ParsedPresets:
    """Read what `format_presets` wrote. Data only: whatever does not fit is left out and told.

    ValueError with one sentence if it is not such a file at all.
    """
    entries = _read_entries(text)
    presets: UserPresets = {}
    complaints: list[str] = []
    for name, values in entries.items():
        try:
            settings, ignored = _read_preset(name, values)
            presets = add_preset(presets, name, settings)
        except ValueError as error:
            complaints.append(f"preset {show(name)} left out: {error}")
            continue
        complaints += [f"preset {name}: {complaint}" for complaint in ignored]
    return ParsedPresets(presets, tuple(complaints))


def _read_entries(text: str) -> Mapping[str, Any]:
    if len(text) > LARGEST_FILE:
        raise ValueError(f"a preset file has at most {LARGEST_FILE} characters, not {len(text)}")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is not a preset file: {error}") from None
    if not isinstance(content, dict) or content.get("bleed_guard_presets") != FORMAT:
        raise ValueError(f"this is not a preset file of format {FORMAT}")
    entries = content.get("presets")
    if not isinstance(entries, dict):
        raise ValueError("this preset file has no list of presets")
    return entries


def _read_preset(name: str, values: object) -> tuple[GuardSettings, tuple[str, ...]]:
    check_name(name)
    if not isinstance(values, dict):
        raise ValueError("its settings are not a JSON object")
    free = [key for key in values if key in SETTINGS and key not in PRESET_SETTINGS]
    kept = {key: value for key, value in values.items() if key not in free}
    settings, complaints = GuardSettings.from_args([kept])
    return settings, (*complaints, *(f"{key} is not a preset's to decide" for key in free))

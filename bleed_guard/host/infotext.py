"""Settings, changes and verdict in an image's infotext, and back into the page's controls.

Plain dicts in and out: the host joins, quotes and parses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any

from bleed_guard.core.job import Change, Protection, Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord
from bleed_guard.core.settings import SCHEMA, SETTINGS, GuardSettings, Setting, SettingValue

PRESET_KEY = SETTINGS["preset"].infotext
CHANGES_KEY = "Bleed guard changes"
FAILED_KEY = "Bleed guard failed"
OUTSIDE_KEY = "Bleed outside"
PREVENTED_KEY = "Bleed prevented"
REPORT_KEY = "Bleed guard report"
FACTS_KEY = "Bleed guard facts"
RUN_KEY = "Bleed guard run"
VERDICT_KEYS = (FAILED_KEY, OUTSIDE_KEY, PREVENTED_KEY)
KEYS = (*(setting.infotext for setting in SCHEMA), CHANGES_KEY, *VERDICT_KEYS)

Presets = Mapping[str, GuardSettings]
PasteField = tuple[Any, Callable[[Mapping[str, str]], SettingValue | None]]


def write(
    params: MutableMapping[str, Any],
    settings: GuardSettings,
    image: ImageRecord,
    changes: Iterable[Change] = (),
    assembled_by: str = "",
) -> None:
    """Put this image's entries into `p.extra_generation_params`, which a batch shares.

    A script that makes one picture of several jobs hands it one job's infotext: what is told of
    that job names the script.
    """
    clear(params)
    entries = build(settings, image, changes)
    if assembled_by and OUTSIDE_KEY in entries:
        entries[OUTSIDE_KEY] += f" in one job of {assembled_by}"
    params.update(entries)


def write_failure(params: MutableMapping[str, Any], reason: str) -> None:
    """Instead of a verdict: this image is not guarded, and why."""
    for key in VERDICT_KEYS:
        params.pop(key, None)
    params[FAILED_KEY] = reason


def tell(processed: Any, lines: Sequence[str], record: GenerationRecord) -> None:
    """Put what was told, the facts of the run and its id into the reply's `info`: the hosts' API
    leaves comments out of it, and the page finds the run by its id.

    Into a copy of the reply's entries, for the dict is the job's own, whose next loop writes
    infotexts from it.
    """
    entries = dict(processed.extra_generation_params or {})
    told = "\n".join(f"{label}: {fact}" for label, fact in record.facts.items())
    entries |= {REPORT_KEY: "\n".join(lines), FACTS_KEY: told, RUN_KEY: record.id}
    processed.extra_generation_params = entries


def clear(params: MutableMapping[str, Any]) -> None:
    """Remove all entries of ours: those of the image before, or of the picture it started from."""
    for key in KEYS:
        params.pop(key, None)


def build(
    settings: GuardSettings, image: ImageRecord, changes: Iterable[Change] = ()
) -> dict[str, str]:
    """Every entry of one image: the preset, what differs from its default, changes, verdict."""
    entries = {PRESET_KEY: settings.named_preset()}
    for setting in SCHEMA:
        value = getattr(settings, setting.name)
        if setting.infotext != PRESET_KEY and value != setting.default:
            entries[setting.infotext] = _to_text(value)
    told = "; ".join(change.text for change in changes)
    if told:
        entries[CHANGES_KEY] = told
    return {**entries, **_build_verdict(settings, image)}


def _build_verdict(settings: GuardSettings, image: ImageRecord) -> dict[str, str]:
    if image.verdict is Verdict.NOT_GUARDED:
        return {FAILED_KEY: image.reason}
    if image.reason:  # a full redo that could not be measured
        return {}
    verdict = {OUTSIDE_KEY: f"{image.changed} of {image.protected}{_top(image.max)}"}
    if settings.paste_back and settings.protect != Protection.NONE.value:
        verdict[PREVENTED_KEY] = f"{image.prevented}{_top(image.prevented_max)}"
    return verdict


def _top(largest: int) -> str:
    return f" (max {largest})" if largest else ""


def _to_text(value: SettingValue) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def parse(params: Mapping[str, Any], presets: Presets | None = None) -> GuardSettings | None:
    """The settings an infotext tells, or None if it is not one of ours.

    `presets` are those the page offers. A value that does not fit is left at its default.
    """
    if PRESET_KEY not in params:
        return None
    values = {setting.name: _read_value(setting, params) for setting in SCHEMA}
    return GuardSettings.from_args([values], presets).settings


def _read_value(setting: Setting, params: Mapping[str, Any]) -> object:
    if setting.infotext not in params:
        return setting.default
    text = str(params[setting.infotext])
    if setting.choices:
        return text
    if isinstance(setting.default, bool):
        return {"True": True, "False": False}.get(text, setting.default)
    try:
        return float(text)
    except ValueError:
        return setting.default


def read_field(
    name: str, get_presets: Callable[[], Presets | None], params: Mapping[str, Any]
) -> SettingValue | None:
    """What the control of one setting shows after a paste; None leaves it as it is."""
    settings = parse(params, get_presets())
    return None if settings is None else getattr(settings, name)


def paste_fields(
    controls: Sequence[Any], get_presets: Callable[[], Presets | None] = lambda: None
) -> tuple[list[PasteField], list[str]]:
    """The host's `infotext_fields` and `paste_field_names` for the panel's controls.

    `controls` are in schema order. A paste sets every control, those at their defaults too. The
    second list stays empty: it copies controls between tabs that both have them, and only
    img2img has ours; "send to" restores them from the infotext.
    """
    fields = [
        (control, partial(read_field, setting.name, get_presets))
        for setting, control in zip(SCHEMA, controls, strict=False)
    ]
    return fields, []

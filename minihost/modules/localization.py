"""Translations of the page: the extensions' files of one language, merged in order."""

from __future__ import annotations

import json
from pathlib import Path

from modules import errors, scripts

localizations: dict[str, list[str]] = {}


def list_localizations(dirname: str) -> None:
    """Find the host's own files and the extensions' by language name."""
    localizations.clear()
    found = sorted(Path(dirname).glob("*.json")) if Path(dirname).is_dir() else []
    found += [Path(file.path) for file in scripts.list_scripts("localizations", ".json")]
    for path in found:
        localizations.setdefault(path.stem, []).append(str(path))


def localization_js(current_localization_name: str) -> str:
    """The statement that gives the page its translations; an unreadable file is reported."""
    table: dict[str, str] = {}
    for name in localizations.get(current_localization_name, []):
        try:
            table |= json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            errors.report(f"Error loading localization from {name}", exc_info=True)
    text = json.dumps(table).replace("</", "<\\/")
    return f"window.localization = {text}"

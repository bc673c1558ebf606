"""The settings as README's table: `python -m bleed_guard.settings_table README.md` renews it."""

from __future__ import annotations

import sys
from pathlib import Path

from bleed_guard.core.settings import PRESETS, SCHEMA, Setting, SettingValue

BEGIN = "<!-- settings: begin -->"
END = "<!-- settings: end -->"


def format_table() -> str:
    """One row a setting: API name, label, values, default, what the presets say, its truth."""
    others = [name for name in PRESETS if name != "guard"]
    rows = [
        ("name", "label", "values", "default", *others, "what it does"),
        ("---",) * (5 + len(others)),
        *(_format_row(setting, others) for setting in SCHEMA),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _format_row(setting: Setting, presets: list[str]) -> tuple[str, ...]:
    default = _format_value(setting.default)
    others = (_format_value(getattr(PRESETS[name], setting.name)) for name in presets)
    told = ("" if value == default or setting.name == "preset" else value for value in others)
    return (
        f"`{setting.name}`",
        setting.label,
        _format_range(setting),
        default,
        *told,
        setting.help,
    )


def _format_range(setting: Setting) -> str:
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    if isinstance(setting.default, bool):
        return "true, false"
    return f"{setting.minimum:g} to {setting.maximum:g}"


def _format_value(value: SettingValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


def renew(text: str) -> str:
    """`text` with the table between its two markers renewed. ValueError without the markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the text has no {BEGIN} followed by {END}")
    return f"{before}{BEGIN}\n{format_table()}{END}{after}"


def main(paths: list[str]) -> int:
    """Renew the table in each file; the number of files without markers."""
    failed = 0
    for path in map(Path, paths):
        try:
            path.write_text(renew(path.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            print(f"{path}: {error}", file=sys.stderr)
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The files that reports and heatmaps are written to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bleed_guard.cli.errors import CommandError
from bleed_guard.cli.streams import STDOUT, say


def name_heatmaps(target: str | None, count: int) -> list[str | None]:
    """The heatmap's file of each pair: of several heat-1.png, heat-2.png ... for heat.png."""
    if not target or count == 1:
        return [target] * count
    path = Path(target)
    stem, suffix = path.stem, path.suffix
    return [str(path.with_name(f"{stem}-{number}{suffix}")) for number in range(1, count + 1)]


def check_targets(targets: Sequence[str], triples: Sequence[Sequence[str]]) -> None:
    """CommandError if two reports go to one place, or one to a picture that is read."""
    if targets.count(STDOUT) > 1:
        raise CommandError("only one report can go to stdout (-)")
    inputs = {Path(path).resolve() for paths in triples for path in paths}
    taken = set()
    for target in targets:
        if target == STDOUT:
            continue
        place = Path(target).resolve()
        if place in inputs:
            raise CommandError(f"{target}: the report would overwrite a picture it is made from")
        if place in taken:
            raise CommandError(f"{target}: is named for two reports")
        taken.add(place)


def write_text(target: str, text: str) -> None:
    """Write to a file, or to stdout for "-"; CommandError if it cannot be."""
    if target == STDOUT:
        say(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"{target}: cannot be written ({error.strerror or error})") from None

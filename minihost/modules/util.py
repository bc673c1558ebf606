"""Small things the hosts keep in `modules.util`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_DIGITS = re.compile(r"(\d+)")


def natural_sort_key(text: str) -> list[int | str]:
    """Sort key that puts "2" before "10"."""
    return [int(part) if part.isdigit() else part.lower() for part in _DIGITS.split(text)]


def listfiles(dirname: str) -> list[str]:
    """Visible files of a folder in natural order, with the folder's path."""
    files = (path for path in Path(dirname).iterdir() if path.is_file())
    names = sorted((path.name for path in files), key=natural_sort_key)
    return [str(Path(dirname) / name) for name in names if not name.startswith(".")]


def walk_files(path: str, allowed_extensions: Iterable[str] | None = None) -> Iterator[str]:
    """Files below `path` in natural order; `allowed_extensions` like ".png", lower case."""
    allowed = None if allowed_extensions is None else set(allowed_extensions)
    found = (str(file) for file in Path(path).rglob("*") if file.is_file())
    for file in sorted(found, key=natural_sort_key):
        if allowed is None or Path(file).suffix.lower() in allowed:
            yield file


def html(filename: str) -> str:
    """Text of a file of the host's html folder; "" if there is none."""
    from modules import paths

    path = Path(paths.script_path) / "html" / filename
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def topological_sort(dependencies: Mapping[str, Iterable[str]]) -> list[str]:
    """Names in an order where each comes after what it depends on.

    Unknown names and circles are passed over without a word, as the hosts do.
    """
    ordered: dict[str, None] = {}
    visiting: set[str] = set()

    def visit(name: str) -> None:
        visiting.add(name)
        for needed in dependencies[name]:
            if needed in dependencies and needed not in visiting:
                visit(needed)
        ordered[name] = None

    for name in dependencies:
        if name not in visiting:
            visit(name)
    return list(ordered)

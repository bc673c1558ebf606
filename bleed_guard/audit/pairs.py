"""Which files belong together: from a folder by pattern, or from a manifest. Always a stream."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from bleed_guard.audit.store import folder_of, join, open_any, walk
from bleed_guard.cli.errors import CommandError

PLACEHOLDER = "{name}"
MANIFESTS = (".csv", ".jsonl", ".ndjson", ".parquet")
COLUMNS = ("original", "result", "mask")
BATCH = 1024


class Pair(NamedTuple):
    """One result to check; `id` names it in the report."""

    id: str
    original: str
    result: str
    mask: str


@dataclass(frozen=True)
class Patterns:
    """How the three files of a folder are named; `{name}` is what they share, with its folders."""

    original: str = "{name}.orig.png"
    result: str = "{name}.png"
    mask: str = "{name}.mask.png"

    def __post_init__(self) -> None:
        for what in COLUMNS:
            if getattr(self, what).count(PLACEHOLDER) != 1:
                raise CommandError(f"the pattern of the {what} must hold {PLACEHOLDER} once")


def tell_no_pairs(source: str, patterns: Patterns) -> str:
    """Why a source gave nothing: an audit of nothing must not pass for a clean one."""
    if source.lower().endswith(MANIFESTS):
        return f"{source}: lists no pictures"
    return f"{source}: holds no file named {patterns.original}; name yours with --original"


def read_pairs(source: str, patterns: Patterns) -> Iterator[Pair]:
    """The pairs of a folder or a manifest, in an order that stays the same.

    CommandError for a manifest that cannot be read.
    """
    if not source.lower().endswith(MANIFESTS):
        yield from _read_folder(source, patterns)
        return
    base = folder_of(source)
    for number, row in enumerate(_read_rows(source), 1):
        yield _read_row(row, base, f"{source}, entry {number}")


def _read_folder(folder: str, patterns: Patterns) -> Iterator[Pair]:
    """A pair for each original; whether the others exist shows when they are read."""
    before, after = patterns.original.split(PLACEHOLDER)
    shape = re.compile(re.escape(before) + "(.+)" + re.escape(after), re.DOTALL)
    for path in walk(folder):
        found = shape.fullmatch(path)
        if found:
            name = found[1]
            files = (getattr(patterns, what).replace(PLACEHOLDER, name) for what in COLUMNS)
            yield Pair(name, *(join(folder, file) for file in files))


def _read_rows(manifest: str) -> Iterator[Mapping[str, Any]]:
    if manifest.lower().endswith(".parquet"):
        return _read_parquet(manifest)
    return _read_csv(manifest) if manifest.lower().endswith(".csv") else _read_jsonl(manifest)


def _read_csv(manifest: str) -> Iterator[Mapping[str, Any]]:
    with open_any(manifest, "r") as file:
        try:
            yield from csv.DictReader(file)
        except (csv.Error, UnicodeDecodeError) as error:
            raise CommandError(f"{manifest}: is no CSV ({error})") from None


def _read_jsonl(manifest: str) -> Iterator[Mapping[str, Any]]:
    with open_any(manifest, "r") as file:
        for number, line in enumerate(_text_lines(file, manifest), 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CommandError(f"{manifest}, line {number}: is no JSON ({error})") from None
            if not isinstance(row, dict):
                raise CommandError(f"{manifest}, line {number}: expected an object")
            yield row


def _text_lines(file: Iterable[str], manifest: str) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        raise CommandError(f"{manifest}: is not UTF-8 text ({error})") from None


def _read_parquet(manifest: str) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise CommandError("Parquet needs pyarrow: pip install pyarrow") from None
    with open_any(manifest, "rb") as file:
        try:
            table = parquet.ParquetFile(file)
            known = [name for name in ("id", *COLUMNS) if name in table.schema_arrow.names]
            for batch in table.iter_batches(BATCH, columns=known):
                yield from batch.to_pylist()
        except (ValueError, OSError) as error:  # pyarrow's own errors are among these
            raise CommandError(f"{manifest}: is no Parquet file ({error})") from None


def _read_row(row: Mapping[str, Any], base: str, place: str) -> Pair:
    """A row's files, relative to the manifest's folder; CommandError if one is not named."""
    for what in COLUMNS:
        if not isinstance(row.get(what), str) or not row[what]:
            raise CommandError(f"{place}: names no {what}; expected {', '.join(COLUMNS)}")
    files = (join(base, row[what]) for what in COLUMNS)
    name = row.get("id")
    return Pair(row["result"] if name in (None, "") else str(name), *files)

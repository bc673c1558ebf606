"""One audit from its source to its results file."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bleed_guard.audit.engines import Engine, EngineName, make_engine
from bleed_guard.audit.journal import Digest, Journal, digest_pairs, open_journal, read_records
from bleed_guard.audit.pairs import Pair, Patterns, read_pairs, tell_no_pairs
from bleed_guard.audit.store import is_url
from bleed_guard.audit.summary import Summary
from bleed_guard.audit.worker import AuditOptions
from bleed_guard.cli.errors import CommandError

PARQUET = ".parquet"
ROWS_PER_GROUP = 10_000


@dataclass(frozen=True)
class AuditPlan:
    """What is audited, how, and where the results go (.jsonl or .parquet)."""

    source: str
    out: Path
    patterns: Patterns = Patterns()  # noqa: RUF009 - frozen
    options: AuditOptions = AuditOptions()  # noqa: RUF009 - frozen
    engine: EngineName = EngineName.PROCESSES
    workers: int = 0
    scheduler: str = ""
    chunk: int = 16
    restart: bool = False
    force: bool = False

    @property
    def rows(self) -> Path:
        """The JSON lines that are written while checking."""
        return self.out.with_name(self.out.name + ".jsonl") if _is_parquet(self.out) else self.out

    @property
    def identity(self) -> str:
        """What must stay the same for an interrupted audit to go on."""
        return repr((self.source, self.patterns, self.options))


class ProgressBar:
    """A line on stderr, drawn anew at most five times a second; nothing if it is no terminal."""

    def __init__(self, total: int | None, done: int) -> None:
        self.total, self.first, self.started = total, done, time.monotonic()
        self.drawn = 0.0
        self.is_shown = sys.stderr.isatty()

    def show(self, summary: Summary, *, last: bool = False) -> None:
        now = time.monotonic()
        if not self.is_shown or (now - self.drawn < 0.2 and not last):
            return
        self.drawn = now
        done = summary.total
        speed = (done - self.first) / max(now - self.started, 1e-9)
        of = f" of {self.total:,} ({100 * done // max(self.total, 1)} %)" if self.total else ""
        left = f", {(self.total - done) / speed:,.0f} s left" if self.total and speed else ""
        told = (
            f"{done:,}{of}, {summary.bled:,} bled, {summary.failed:,} errors, {speed:,.1f}/s{left}"
        )
        sys.stderr.write(f"\r\x1b[K{told}" + ("\n" if last else ""))
        sys.stderr.flush()


def run_audit(plan: AuditPlan) -> Summary:
    """Check every pair and write its record; goes on where an interrupted run stopped.

    CommandError if the source, the results file or the engine cannot be used.
    """
    rows = plan.rows
    if rows != plan.out and plan.out.exists() and not (plan.force or plan.restart):
        raise CommandError(f"{plan.out}: the file exists; say --force to replace it")
    if rows != plan.out:
        _import_pyarrow()  # told now, not after hours of checking
    journal = open_journal(rows, plan.identity, restart=plan.restart, force=plan.force)
    summary = Summary()
    for record in journal.read():
        summary.add(record)
    _check_rest(plan, journal, summary)
    if rows != plan.out:
        write_parquet(rows, plan.out)
        rows.unlink()
    journal.finish()
    return summary


def _check_rest(plan: AuditPlan, journal: Journal, summary: Summary) -> None:
    """Check what is not done yet; CommandError if there is nothing to check at all."""
    pairs = _skip_done(read_pairs(plan.source, plan.patterns), journal)
    engine = make_engine(plan.engine, plan.options, plan.workers, plan.scheduler)
    try:
        _check_all(pairs, plan, engine, journal, summary)
    finally:
        engine.close()
    if not summary.total:
        raise CommandError(tell_no_pairs(plan.source, plan.patterns))


def _check_all(
    pairs: Iterator[Pair], plan: AuditPlan, engine: Engine, journal: Journal, summary: Summary
) -> None:
    bar = ProgressBar(_count(plan), summary.total)
    digests: deque[Digest] = deque()
    for _, records in engine.check(_hand_out(pairs, plan, journal.progress.digest, digests)):
        journal.append(records, digests.popleft())
        for record in records:
            summary.add(record)
        bar.show(summary)
    bar.show(summary, last=True)


def _hand_out(
    pairs: Iterator[Pair], plan: AuditPlan, digest: Digest, digests: deque[Digest]
) -> Iterator[Sequence[Pair]]:
    """Chunks for the engine; `digests` gets, for each, what tells later whether it has changed.
    Files are looked at before they are read: one replaced meanwhile is noticed."""
    while chunk := list(islice(pairs, plan.chunk)):
        digest = digest_pairs(chunk, digest)
        digests.append(digest)
        yield [_locate(pair) for pair in chunk] if plan.engine is EngineName.DASK else chunk


def _locate(pair: Pair) -> Pair:
    """The pair with whole paths, for workers that have folders of their own."""
    name, *paths = pair
    return Pair(name, *(path if is_url(path) else str(Path(path).absolute()) for path in paths))


def _count(plan: AuditPlan) -> int | None:
    """How many pairs there are, where counting costs little next to checking and is seen."""
    if not sys.stderr.isatty() or is_url(plan.source):
        return None
    return sum(1 for _ in read_pairs(plan.source, plan.patterns))


def _skip_done(pairs: Iterator[Pair], journal: Journal) -> Iterator[Pair]:
    """The pairs that are left; CommandError if those done are not the first ones any more, or if
    a file of theirs was replaced."""
    digest = digest_pairs(islice(pairs, journal.progress.done), Digest())
    if digest != journal.progress.digest:
        is_list = digest.names != journal.progress.names
        what = "the list of files" if is_list else "a file that was checked"
        raise CommandError(f"{journal.path}: {what} has changed since; say --restart to begin anew")
    return pairs


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == PARQUET


def write_parquet(rows: Path, target: Path) -> None:
    """A results file of JSON lines as Parquet, a group of rows at a time.

    CommandError without pyarrow.
    """
    pyarrow, parquet = _import_pyarrow()
    schema = pyarrow.schema(
        [
            *((name, pyarrow.string()) for name in ("id", "original", "result", "mask")),
            *((name, pyarrow.string()) for name in ("verdict", "cause", "error")),
            *((name, pyarrow.int64()) for name in ("changed", "protected", "max", "reach")),
            ("mean", pyarrow.float64()),
            ("size", pyarrow.list_(pyarrow.int32())),
            ("depth", pyarrow.int32()),
            ("tolerance", pyarrow.int32()),
            ("notes", pyarrow.list_(pyarrow.string())),
            ("ms", pyarrow.float64()),
        ]
    )
    part = target.with_name(f".{target.name}.part")
    records = read_records(rows)
    with parquet.ParquetWriter(part, schema) as writer:
        while group := list(islice(records, ROWS_PER_GROUP)):
            texts = [_as_utf8(record) for record in group]
            writer.write_table(pyarrow.Table.from_pylist(texts, schema=schema))
    part.replace(target)


def _as_utf8(record: dict[str, Any]) -> dict[str, Any]:
    """The record with escapes for what file names may hold and Unicode does not."""
    return {
        key: value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for key, value in record.items()
    }


def _import_pyarrow() -> tuple[Any, Any]:
    """pyarrow and its Parquet part."""
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]
        from pyarrow import parquet  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise CommandError("Parquet needs pyarrow: pip install pyarrow") from None
    return pyarrow, parquet

"""The results on disk, as JSON lines, and how far they go: an interrupted audit goes on there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from bleed_guard.audit.pairs import Pair
from bleed_guard.cli.errors import CommandError
from bleed_guard.saving import write_bytes

Record = dict[str, Any]


@dataclass(frozen=True)
class Progress:
    """How many pairs are done, where the results file ends, and checksums that tell whether the
    list of pairs and the options are still the same."""

    options: str
    done: int = 0
    size: int = 0
    digest: int = 0


class Journal:
    """Appends chunks of records; the state beside the file is replaced after each chunk.

    Made by `open_journal`. What another audit left stays until the first chunk takes its place. A
    chunk that was written without its state is cut off then, so nothing is counted twice.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        self.progress = progress
        self._is_begun = False

    @property
    def state(self) -> Path:
        return state_of(self.path)

    def read(self) -> Iterator[Record]:
        """The records of the pairs that are done."""
        return islice(read_records(self.path), self.progress.done)

    def append(self, pairs: Sequence[Pair], records: Sequence[Record]) -> None:
        """Write the records of these pairs, the next ones in the list."""
        lines = "".join(json.dumps(record) + "\n" for record in records).encode()
        with self.path.open("ab") as file:
            if not self._is_begun:
                self._save()
                file.truncate(self.progress.size)
                self._is_begun = True
            file.write(lines)
        self.progress = replace(
            self.progress,
            done=self.progress.done + len(pairs),
            size=self.progress.size + len(lines),
            digest=digest_pairs(pairs, self.progress.digest),
        )
        self._save()

    def _save(self) -> None:
        write_bytes(self.state, json.dumps(asdict(self.progress)).encode())

    def finish(self) -> None:
        """The audit is complete: the results stay, the state goes."""
        self.state.unlink(missing_ok=True)


def open_journal(
    path: Path, options: str, *, restart: bool = False, force: bool = False
) -> Journal:
    """The journal at `path`: new, or where an interrupted audit with the same `options` stopped.

    CommandError if it was another audit, or if finished results would be replaced without
    `force`.
    """
    state = state_of(path)
    if state.exists() and not restart:
        return Journal(path, _read_progress(path, state, options))
    if path.exists() and not (force or restart):
        raise CommandError(f"{path}: the file exists; say --force to replace it")
    return Journal(path, Progress(options))


def _read_progress(path: Path, state: Path, options: str) -> Progress:
    advice = "say --restart to begin anew"
    try:
        progress = Progress(**json.loads(state.read_text()))
        is_whole = path.exists() and path.stat().st_size >= progress.size
    except (ValueError, TypeError, OSError) as error:
        raise CommandError(f"{state}: cannot be used ({error}); {advice}") from None
    if not is_whole:
        raise CommandError(f"{path}: holds less than {state} says; {advice}")
    if progress.options != options:
        raise CommandError(f"{path}: was begun with other options; {advice}")
    return progress


def state_of(path: Path) -> Path:
    """The file that tells how far the results at `path` go."""
    return path.with_name(path.name + ".state")


def digest_pairs(pairs: Sequence[Pair], digest: int = 0) -> int:
    """A checksum over pairs, continued from those before."""
    for pair in pairs:
        digest = zlib.crc32("\0".join(pair).encode("utf-8", "surrogateescape"), digest)
    return digest


def read_records(path: Path) -> Iterator[Record]:
    """The records of a results file, one at a time."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)

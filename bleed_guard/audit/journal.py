"""The results on disk, as JSON lines, and how far they go: an interrupted audit goes on there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bleed_guard.audit.pairs import Pair
from bleed_guard.audit.store import stamp
from bleed_guard.cli.errors import CommandError
from bleed_guard.saving import write_bytes

Record = dict[str, Any]


class Digest(NamedTuple):
    """Checksums over pairs: of their names, and of how large and how old their local files are."""

    names: int = 0
    files: int = 0


@dataclass(frozen=True)
class Progress:
    """How many pairs are done, where the results file ends, and what tells whether options, list
    of pairs and files are still the same."""

    options: str
    done: int = 0
    size: int = 0
    names: int = 0
    files: int = 0

    @property
    def digest(self) -> Digest:
        return Digest(self.names, self.files)


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

    def append(self, records: Sequence[Record], digest: Digest) -> None:
        """Write the records of the next pairs in the list; `digest` is of all up to these."""
        lines = "".join(json.dumps(record) + "\n" for record in records).encode()
        with self.path.open("ab") as file:
            if not self._is_begun:
                self._save()
                file.truncate(self.progress.size)
                self._is_begun = True
            file.write(lines)
        self.progress = replace(
            self.progress,
            done=self.progress.done + len(records),
            size=self.progress.size + len(lines),
            **digest._asdict(),
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


def digest_pairs(pairs: Iterable[Pair], digest: Digest) -> Digest:
    """The checksums, continued over these pairs."""
    names, files = digest
    for pair in pairs:
        names = zlib.crc32("\0".join(pair).encode("utf-8", "surrogatepass"), names)
        _, *paths = pair
        files = zlib.crc32("\0".join(map(stamp, paths)).encode(), files)
    return Digest(names, files)


def read_records(path: Path) -> Iterator[Record]:
    """The records of a results file, one at a time."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)

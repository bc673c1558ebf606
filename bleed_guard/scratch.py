"""Folders for files that live as long as this process, and go with it."""

from __future__ import annotations

import atexit
import contextlib
import secrets
import shutil
import threading
from pathlib import Path
from typing import IO

LOCK_NAME = "in-use"

RETRIES = 2
"""How often another folder is made before it is told that none can be."""


class ScratchFolder:
    """A folder of this process under `parent`, made when first asked for, removed at exit; made
    anew where somebody else has removed it, as those do who tidy up temporary folders.

    Folders of the same `prefix` left over by processes that ended without cleaning up are removed
    when this one is made: nobody holds their lock file.
    """

    def __init__(self, parent: str | Path, prefix: str) -> None:
        self._parent = Path(parent)
        self._prefix = prefix
        self._path: Path | None = None
        self._in_use: IO[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The folder. Its name cannot be guessed. OSError if it cannot be made."""
        with self._lock:
            if self._path is None or not self._path.is_dir():
                self._path = self._make()
            return self._path

    def new_file(self, suffix: str) -> Path:
        """Path of a file that is not there yet, in the folder, with a name nobody can guess."""
        return self.path / f"{secrets.token_hex(16)}{suffix}"

    def remove_left_overs(self) -> None:
        """Remove the folders of processes that are gone."""
        for folder in self._parent.glob(f"{self._prefix}*"):
            _remove_left_over(folder)

    def remove(self) -> None:
        """Remove the folder and all in it; the next `path` makes a new one."""
        with self._lock:
            path, in_use = self._path, self._in_use
            self._path = self._in_use = None
        if in_use is not None:
            in_use.close()
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)

    def _make(self) -> Path:
        if self._in_use is not None:
            self._in_use.close()
        self.remove_left_overs()
        path, self._in_use = self._take_new()
        atexit.unregister(self.remove)
        atexit.register(self.remove)
        return path

    def _take_new(self) -> tuple[Path, IO[bytes]]:
        """A new folder and its lock file, locked; another one where a process that tidies up has
        found it before it was locked."""
        for _ in range(RETRIES):
            with contextlib.suppress(OSError):
                return self._try_new()
        return self._try_new()

    def _try_new(self) -> tuple[Path, IO[bytes]]:
        path = self._parent / f"{self._prefix}{secrets.token_hex(16)}"
        path.mkdir(parents=True)
        return path, _lock_folder(path)


def _lock_folder(folder: Path) -> IO[bytes]:
    """OSError if another process has removed it, or is about to."""
    lock = folder / LOCK_NAME
    handle = lock.open("wb")
    try:
        _lock_file(handle)
        lock.stat()  # whoever tidies up may have had the lock before and removed the file
    except OSError:
        handle.close()
        raise
    return handle


def _remove_left_over(folder: Path) -> None:
    """Remove a folder if its lock can be had, which is held meanwhile. One without a lock file may
    be one in the making: only if it is empty, and then another one is made."""
    try:
        with (folder / LOCK_NAME).open("r+b") as handle:
            _lock_file(handle)
            shutil.rmtree(folder, ignore_errors=True)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            folder.rmdir()
    except OSError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)  # Windows keeps a file that is open


def _lock_file(handle: IO[bytes]) -> None:
    """Lock an open file for this process until it is closed; OSError if another one has it."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

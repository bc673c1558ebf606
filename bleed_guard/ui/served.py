"""Pictures as files in gradio's temporary folder, which its own authenticated route serves.

A bounded number of bytes is kept; names cannot be guessed and are told to their owner only.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path

from bleed_guard.scratch import ScratchFolder

BYTE_LIMIT = 2**30
FOLDER_PREFIX = "bleed-guard-view-"


def gradio_folder() -> Path:
    """Where gradio itself keeps what it serves."""
    return Path(
        os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir(), "gradio")
    ).resolve()


def check_uploaded(path: str) -> Path:
    """`path` if it is a file gradio's upload route made; PermissionError otherwise."""
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(gradio_folder()) or not resolved.is_file():
        raise PermissionError("This is not a file you uploaded.")
    return resolved


@dataclass(frozen=True)
class _Served:
    path: Path
    size: int


class ServedFiles:
    """Files made when first asked for, kept under a key, the least recently used removed."""

    def __init__(self, folder: Path | None = None, byte_limit: int = BYTE_LIMIT) -> None:
        self._scratch = ScratchFolder(folder or gradio_folder(), FOLDER_PREFIX)
        self._byte_limit = byte_limit
        self._files: OrderedDict[Hashable, _Served] = OrderedDict()
        self._lock = threading.Lock()

    def publish(self, key: Hashable, suffix: str, make: Callable[[], bytes]) -> Path:
        """Path of the file with what `make` returns, made once per `key`. OSError."""
        with self._lock:
            known = self._find(key)
        if known is not None:
            return known
        content = make()
        path = self._scratch.new_file(suffix)
        try:
            path.write_bytes(content)
        except BaseException:  # no part of a file where the disk is full
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            known = self._find(key)
            if known is not None:  # somebody else asked for it at the same time
                path.unlink()
                return known
            self._files[key] = _Served(path, len(content))
            self._remove_oldest()
        return path

    def _find(self, key: Hashable) -> Path | None:
        known = self._files.get(key)
        if known is None or not known.path.is_file():
            return None
        self._files.move_to_end(key)
        return known.path

    def _remove_oldest(self) -> None:
        excess = sum(file.size for file in self._files.values()) - self._byte_limit
        while excess > 0 and len(self._files) > 1:
            _, oldest = self._files.popitem(last=False)
            excess -= oldest.size
            with contextlib.suppress(OSError):  # being sent (Windows): removed at exit
                oldest.path.unlink()

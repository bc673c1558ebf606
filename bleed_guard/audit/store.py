"""Files on the local disk or in any store fsspec knows (s3, gcs, http, ...)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NoReturn

from bleed_guard.cli.errors import CommandError
from bleed_guard.images import PictureError, read_bytes


def is_url(path: str) -> bool:
    """Whether `path` names a store rather than a local file."""
    return "://" in path


def read_any(path: str) -> bytes:
    """The bytes of a local file or a URL; PictureError in one sentence if it cannot be read."""
    if not is_url(path):
        return read_bytes(path)
    fsspec = import_fsspec()
    try:
        with fsspec.open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise PictureError(f"{path}: there is no such file") from None
    except Exception as error:  # stores raise what their client library raises; it is told
        raise PictureError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error


def identify(path: str) -> tuple[int, int] | None:
    """What tells whether two paths lead to one local file; None for a URL, or where none is."""
    found = _stat(path)
    return found and (found.st_dev, found.st_ino)


def stamp(path: str) -> str:
    """Size and time of the last change of a local file, "" if it cannot be read. "" for a URL too:
    asking the store takes a request for each."""
    found = _stat(path)
    return f"{found.st_size} {found.st_mtime_ns}" if found else ""


def _stat(path: str) -> os.stat_result | None:
    """None for a URL, or where there is no such file to be looked at."""
    if is_url(path):
        return None
    try:
        return Path(path).stat()
    except (OSError, ValueError):
        return None


@contextmanager
def open_any(path: str, mode: str) -> Iterator[IO[Any]]:
    """Open a local file or a URL for reading, text behind a byte order mark if it has one;
    CommandError if it cannot be opened."""
    encoding = None if "b" in mode else "utf-8-sig"
    with _telling(path):
        opener = import_fsspec().open if is_url(path) else open
        with opener(path, mode, encoding=encoding) as file:
            yield file


@contextmanager
def _telling(path: str) -> Iterator[None]:
    """Turn what a store raises, which is what its client library raises, into one sentence."""
    try:
        yield
    except CommandError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        raise CommandError(f"{path}: cannot be read ({reason})") from error


def walk(folder: str) -> Iterator[str]:
    """Every file under a folder or URL, relative to it with "/", always in the same order.

    CommandError if there is no such folder, or if one in it cannot be read.
    """
    if is_url(folder):
        yield from _walk_store(folder)
        return
    if not os.path.isdir(folder):  # noqa: PTH112
        raise CommandError(f"{folder}: there is no such folder")
    for root, folders, names in os.walk(folder, onerror=_refuse):
        folders.sort()
        prefix = os.path.relpath(root, folder).replace(os.sep, "/")
        for name in sorted(names):
            yield name if prefix == "." else f"{prefix}/{name}"


def _refuse(error: OSError) -> NoReturn:
    """An audit that passes over a folder must not pass for a whole one."""
    raise CommandError(f"{error.filename}: cannot be read ({error.strerror or error})")


def _walk_store(folder: str) -> Iterator[str]:
    with _telling(folder):
        store, base = import_fsspec().core.url_to_fs(folder)
        base = base.rstrip("/")
        if not store.isdir(base):
            raise CommandError(f"{folder}: there is no such folder")
        for path in _list_store(store, base):
            yield path.removeprefix(base).lstrip("/")


def _list_store(store: Any, folder: str) -> Iterator[str]:
    """Every file under a store's folder; raises what the store raises, for its own `walk` passes
    over what it cannot list."""
    entries = sorted(store.ls(folder, detail=True), key=itemgetter("name"))
    folders = []
    for entry in entries:
        path = entry["name"].rstrip("/")
        if entry["type"] != "directory":
            yield path
        elif path != folder:
            folders.append(path)
    for inner in folders:
        yield from _list_store(store, inner)


def join(folder: str, name: str) -> str:
    """A path inside a folder or URL; an absolute path or URL stays what it is."""
    if is_url(name) or os.path.isabs(name):  # noqa: PTH117
        return name
    return f"{folder.rstrip('/')}/{name}" if folder else name


def folder_of(path: str) -> str:
    """The folder a file or URL lies in, "" for a bare name."""
    return path.rpartition("/")[0] if is_url(path) else os.path.dirname(path)  # noqa: PTH120


def import_fsspec() -> Any:
    """fsspec; CommandError saying how to install it."""
    try:
        import fsspec
    except ImportError:
        raise CommandError("reading from a store needs fsspec: pip install fsspec") from None
    return fsspec

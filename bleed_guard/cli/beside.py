"""A picture read beside the work of this process.

The fastest decoder holds Python's lock while it works, so threads alone would take turns: where
the system can fork, the picture is decoded in a child and comes back through a pipe.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import numpy as np

from bleed_guard.images import Picture, PictureError, read_picture

PIPE_BYTES = 1 << 20
"""What a Linux pipe may hold without privileges; the default is 64 KB (man 7 pipe)."""


@contextmanager
def reading_beside(path: str) -> Iterator[Callable[[], Picture]]:
    """Begin `read_picture(path)` now; calling what is given waits for it, and raises as it does."""
    child = _start_child(path)
    if child is None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(read_picture, path).result
        return
    number, pipe = child
    try:
        with os.fdopen(pipe, "rb") as file:
            yield lambda: _receive(path, file)
    finally:  # the pipe is closed: a child that still writes ends
        os.waitpid(number, 0)


def _start_child(path: str) -> tuple[int, int] | None:
    """The number of a process that reads the picture, and the pipe it answers through; None
    where that is no help, for no processor is free, or a risk, for threads would be lost."""
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        return None
    try:
        if len([*Path("/proc/self/task").iterdir()]) > 1:
            return None
        ours, theirs = os.pipe()
    except OSError:  # no such folder, or no more pipes
        return None
    try:
        child = os.fork()
    except OSError:  # no more processes
        os.close(ours)
        os.close(theirs)
        return None
    if not child:
        os.close(ours)
        _answer(path, theirs)
    os.close(theirs)
    return child, ours


def _answer(path: str, pipe: int) -> None:
    """In the child: decode, write a line of JSON and the bytes, and end without a return."""
    try:
        _widen(pipe)
        with os.fdopen(pipe, "wb") as file:
            try:
                picture = read_picture(path)
            except PictureError as error:
                file.write(json.dumps({"error": str(error)}).encode() + b"\n")
            else:
                head = {"shape": picture.pixels.shape, "depth": picture.depth}
                head |= {"has_alpha": picture.alpha is not None, "codec": picture.codec}
                head["has_more"] = picture.has_more
                file.write(json.dumps(head).encode() + b"\n")
                for levels in (picture.pixels, picture.alpha):
                    file.write(b"" if levels is None else np.ascontiguousarray(levels).data)
    finally:
        os._exit(0)


def _widen(pipe: int) -> None:
    """Fewer turns between the two processes; the system may refuse."""
    import fcntl

    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return


def _receive(path: str, pipe: BufferedReader) -> Picture:
    line = pipe.readline()
    if not line.endswith(b"\n"):  # the child died, of too little memory for instance
        return read_picture(path)
    head = json.loads(line)
    if "error" in head:
        raise PictureError(head["error"])
    dtype = np.dtype(f"uint{head['depth']}")
    pixels = np.empty(head["shape"], dtype)
    alpha = np.empty(head["shape"][:2], dtype) if head["has_alpha"] else None
    is_whole = all(levels is None or _fill(levels, pipe) for levels in (pixels, alpha))
    if not is_whole:
        return read_picture(path)
    return Picture(path, pixels, alpha, head["codec"], head["has_more"])


def _fill(levels: np.ndarray, pipe: BufferedReader) -> bool:
    """Read the array's bytes; whether all of them came."""
    return pipe.readinto(levels.reshape(-1).view(np.uint8).data) == levels.nbytes

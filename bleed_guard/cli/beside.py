"""A picture read in a process beside this one.

The fastest decoder holds Python's lock while it works, so threads alone would take turns: where
the system lets it, the picture is decoded in a child, and read out of its memory as it is needed.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bleed_guard.images import Picture, PictureError, find_pipe, read_picture

SEPARATOR = "\0"
"""Between what a child tells; no codec is named so, nor anything before it."""

CODING = ("utf-8", "surrogatepass")
"""Names of files may be no text."""


class Head(NamedTuple):
    """What a picture is, without its pixels; the fields as `Picture`'s of the same names."""

    size: tuple[int, int]
    depth: int
    has_alpha: bool
    has_more: bool

    @classmethod
    def of(cls, picture: Picture) -> Head:
        """What a picture is that is at hand."""
        return cls(picture.size, picture.depth, picture.alpha is not None, picture.has_more)


class PictureBeside:
    """A picture that is being read, by another process or thread, or will be.

    `head` and `whole` wait for it, and raise PictureError as `read_picture` does.
    """

    def __init__(self, wait: Callable[[], Picture], child: Child | None = None) -> None:
        self._wait = wait
        self._child = child

    @cached_property
    def head(self) -> Head:
        """What it is."""
        place = self._child.place if self._child else None
        if place is None:
            return Head.of(self.whole)
        return Head((place.width, place.height), place.depth, place.alpha > 0, bool(place.has_more))

    @cached_property
    def whole(self) -> Picture:
        """All of it, in this process."""
        fetched = self._child.fetch() if self._child else None
        return fetched or self._wait()

    def strip(self, part: slice) -> np.ndarray:
        """Bytes of its pixels, counted from the first: uint8, good until the next call."""
        if self._child and "whole" not in vars(self):
            levels = self._child.read(part)
            if levels is not None:
                return levels
        return np.ascontiguousarray(self.whole.pixels).reshape(-1).view(np.uint8)[part]


@contextmanager
def reading_beside(path: str, *, processors: int = 2) -> Iterator[PictureBeside]:
    """Begin `read_picture(path)` now, beside what is done within. Where there are fewer
    `processors`, that would but be in the way, and waits until it is asked for; so does a pipe,
    which gives its bytes once and to one process."""
    if _count_processors() < processors or find_pipe(path):
        yield PictureBeside(lambda: read_picture(path))
        return
    child = _start_child(path)
    if child is None:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            yield PictureBeside(pool.submit(read_picture, path).result)
        return
    try:
        yield PictureBeside(lambda: read_picture(path), child)
    finally:
        child.end()


class Place(NamedTuple):
    """A picture in the memory of a child: what it is, and the addresses of its levels."""

    height: int
    width: int
    depth: int
    has_more: int
    pixels: int
    alpha: int  # 0 where it has none
    codec: str


class Child:
    """A process that reads a picture, tells where it lies, and holds it until `end`.

    What it gives is None where the child died, of too little memory for instance.
    """

    def __init__(self, number: int, path: str, answer: int, hold: int) -> None:
        self._number = number
        self._path = path
        self._answer = os.fdopen(answer, "rb")
        self._hold = hold
        self._strip = np.empty(0, np.uint8)

    @cached_property
    def place(self) -> Place | None:
        """What `_answer` says; PictureError if the picture cannot be read."""
        kind, _, told = self._answer.read().decode(*CODING).partition(SEPARATOR)
        if kind == "error":
            raise PictureError(told)
        if kind != "place":
            return None
        *numbers, codec = told.split(SEPARATOR)
        height, width, depth, has_more, pixels, alpha = map(int, numbers)
        return Place(height, width, depth, has_more, pixels, alpha, codec)

    def read(self, part: slice) -> np.ndarray | None:
        """Bytes of the pixels: uint8, overwritten by the next call."""
        size = part.stop - part.start
        if size > self._strip.size:
            self._strip = np.empty(size, np.uint8)
        strip = self._strip[:size]
        if self.place and _copy_memory(self._number, self.place.pixels + part.start, strip):
            return strip
        return None

    def fetch(self) -> Picture | None:
        """The whole picture."""
        place = self.place
        if place is None:
            return None
        dtype = np.dtype(f"uint{place.depth}")
        pixels = np.empty((place.height, place.width, 3), dtype)
        alpha = np.empty((place.height, place.width), dtype) if place.alpha else None
        for address, levels in ((place.pixels, pixels), (place.alpha, alpha)):
            if levels is not None and not _copy_memory(self._number, address, levels):
                return None
        return Picture(self._path, pixels, alpha, place.codec, bool(place.has_more))

    def end(self) -> None:
        """Let it end, once it has read, and wait for that."""
        os.close(self._hold)
        self._answer.close()
        os.waitpid(self._number, 0)


def _start_child(path: str) -> Child | None:
    """A child that reads the picture; None where that is no help, for its memory may not be read,
    or a risk, for threads would be lost."""
    if sys.platform != "linux":
        return None
    try:
        if len([*os.scandir("/proc/self/task")]) > 1 or not _can_copy_memory():
            return None
        answer, theirs = os.pipe()
    except OSError:  # no such folder, or no more pipes
        return None
    try:
        held, hold = os.pipe()
    except OSError:
        _close(answer, theirs)
        return None
    try:
        number = os.fork()
    except OSError:  # no more processes
        _close(answer, theirs, held, hold)
        return None
    if not number:
        _close(answer, hold)
        _answer(path, theirs, held)
    _close(theirs, held)
    return Child(number, path, answer, hold)


def _count_processors() -> int:
    """How many this process may use."""
    if sys.platform != "linux":
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _answer(path: str, answer: int, held: int) -> None:
    """In the child: decode, tell the place, and end without a return once nobody holds the other
    end of the second pipe any more."""
    try:
        try:
            picture = read_picture(path)
        except PictureError as error:
            told: tuple[object, ...] = ("error", error)
        else:
            pixels, alpha = map(_make_contiguous, (picture.pixels, picture.alpha))
            place = Place(
                height=picture.size[1],
                width=picture.size[0],
                depth=picture.depth,
                has_more=int(picture.has_more),
                pixels=_address(pixels),
                alpha=_address(alpha),
                codec=picture.codec,
            )
            told = ("place", *place)
        os.write(answer, SEPARATOR.join(map(str, told)).encode(*CODING))
        os.close(answer)
        os.read(held, 1)
    finally:
        os._exit(0)


def _make_contiguous(levels: np.ndarray | None) -> np.ndarray | None:
    return None if levels is None else np.ascontiguousarray(levels)


def _address(levels: np.ndarray | None) -> int:
    return 0 if levels is None else levels.ctypes.data


class _Span(ctypes.Structure):
    """The system's `struct iovec`."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _copy_memory(process: int, address: int, levels: np.ndarray) -> bool:
    """Fill a contiguous array from another process of this user; whether the system did it."""
    copy = getattr(ctypes.CDLL(None), "process_vm_readv", None)  # Linux 3.2, glibc 2.15, musl 1.1
    if copy is None:
        return False
    spans, count = ctypes.POINTER(_Span), ctypes.c_ulong
    copy.argtypes = (ctypes.c_int, spans, count, spans, count, count)
    copy.restype = ctypes.c_ssize_t
    here, there = _Span(levels.ctypes.data, levels.nbytes), _Span(address, levels.nbytes)
    return copy(process, here, 1, there, 1, 0) == levels.nbytes


def _can_copy_memory() -> bool:
    """Whether the system has that call and lets this process use it; some containers do not."""
    wanted, got = np.ones(1, np.uint8), np.zeros(1, np.uint8)
    return _copy_memory(os.getpid(), wanted.ctypes.data, got) and bool(got[0])

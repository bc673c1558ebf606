"""The last generations, for the tab: a bounded amount of memory, the rest on disk.

`HISTORY` lives as long as the host's process and so survives Reload UI.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np

from bleed_guard.core.arrays import take_rgb
from bleed_guard.core.job import Box
from bleed_guard.core.patch import Patch
from bleed_guard.core.record import GenerationRecord, ImageRecord, PatchedPictures, Pictures
from bleed_guard.scratch import ScratchFolder

log = logging.getLogger("bleed_guard")

DEFAULT_LIMIT = 20
MEMORY_LIMIT = 64 * 2**20
DISK_LIMIT = 8 * 2**30
BACKLOG = 512 * 2**20
"""Bytes beyond the limit on memory that may wait to be written; a job that adds more waits."""

KEPT_SHARE = 0.5
"""A part of an array is kept with all of it if it is at least this much, else it is copied."""

PAUSE = 0.2
"""Seconds before anything is written: the host's reply goes out first."""

FOLDER_PREFIX = "bleed-guard-history-"


class ForgottenError(LookupError):
    """The pictures of this generation are no longer kept."""


class KeptArray:
    """One array, in memory or in a file of its own."""

    def __init__(self, array: np.ndarray, source: np.ndarray | None = None) -> None:
        self._array: np.ndarray | None = array
        self._path: Path | None = None
        self._source = weakref.ref(array if source is None else source)
        self.nbytes = array.nbytes
        self._held = _count_held(array)

    def is_made_of(self, array: np.ndarray) -> bool:
        """Whether it was made of this very array, and is still kept."""
        return self._source() is array and bool(self.bytes_in_memory or self.bytes_on_disk)

    def holds(self, array: np.ndarray) -> bool:
        """Whether these are its values."""
        with contextlib.suppress(ForgottenError):
            return np.array_equal(self.load(), array)
        return False

    @property
    def bytes_in_memory(self) -> int:
        return 0 if self._array is None else self._held

    @property
    def bytes_on_disk(self) -> int:
        return 0 if self._path is None else self.nbytes

    def load(self) -> np.ndarray:
        """The array, read-only; mapped from its file if it is on disk. ForgottenError."""
        array, path = self._array, self._path
        if array is not None:
            return array
        if path is None:
            raise ForgottenError("these pictures are no longer in the history")
        try:
            return np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise ForgottenError(f"the history's file is gone or damaged: {error}") from error

    def write(self, path: Path) -> None:
        """The array to the new file `path`. OSError, and no file of which the disk took a part
        only."""
        try:
            np.save(path, self.load())
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def move_to(self, path: Path) -> None:
        """Let go of the memory, for the array is in the file `path`, which goes if the array was
        forgotten meanwhile."""
        if self._array is None:
            path.unlink(missing_ok=True)
        else:
            self._path, self._array = path, None

    def forget(self) -> Path | None:
        """Drop the memory; the file that is to be removed, if there is one."""
        path, self._array, self._path = self._path, None, None
        return path


@dataclass(frozen=True)
class KeptPicture:
    """A picture as its difference from the reference: all it changes lies in `box`."""

    box: Box
    patch: KeptArray

    def crop(self, reference: np.ndarray, box: Box) -> np.ndarray:
        """The part `box` of the picture; `reference` is the same part of the reference."""
        return Patch(self.box, self.patch.load()).crop(reference, box)


class KeptPictures:
    """The pictures of one image: the reference, and what differs from it. Is a `Pictures`."""

    def __init__(self, pictures: Pictures, shared: KeptPictures | None = None) -> None:
        is_patched = isinstance(pictures, PatchedPictures)
        base = pictures.base if is_patched else pictures.reference
        self._base = _keep(base, shared and shared._base)
        self._mask = _keep(pictures.mask, shared and shared._mask)
        self._protected = _keep(pictures.protected, shared and shared._protected, _pack)
        self._shape = pictures.shape
        self._others = {name: _keep_difference(pictures, name) for name in ("unguarded", "result")}
        patches = (other.patch for other in self._others.values())
        self.arrays = (self._base, self._mask, self._protected, *patches)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the arrays."""
        return self._shape

    @property
    def reference(self) -> np.ndarray:
        return self.crop("reference", self._all)

    @property
    def unguarded(self) -> np.ndarray:
        return self.crop("unguarded", self._all)

    @property
    def result(self) -> np.ndarray:
        return self.crop("result", self._all)

    @property
    def mask(self) -> np.ndarray:
        return self.crop("mask", self._all)

    @property
    def protected(self) -> np.ndarray:
        return self.crop("protected", self._all)

    def crop(self, name: str, box: Box) -> np.ndarray:
        """The part `box` of the picture `name`, reading no more than that. ForgottenError."""
        if name == "mask":
            return self._mask.load()[box.slices]
        if name == "protected":
            rows = self._protected.load()[box.top : box.bottom]
            return np.unpackbits(rows, axis=1)[:, box.left : box.right].astype(bool)
        reference = take_rgb(self._base.load()[box.slices])
        return reference if name == "reference" else self._others[name].crop(reference, box)

    def changed_box(self, name: str) -> Box:
        """The smallest box that holds every pixel in which `name` is not the reference."""
        return self._others[name].box

    @property
    def _all(self) -> Box:
        height, width = self.shape
        return Box(0, 0, width, height)


class History:
    """A thread-safe store of generation records. Implements `core.record.RecordStore`.

    Keeps `limit` generations of each owner, at most `memory_limit` bytes of their pictures in
    memory and `disk_limit` bytes in files under the folder given to `configure`; whatever
    exceeds a bound goes, the oldest first. Files are written and removed beside the generation, by
    a thread that ends when memory is within its bound again; `settle` waits for it.
    """

    def __init__(self, memory_limit: int = MEMORY_LIMIT, disk_limit: int = DISK_LIMIT) -> None:
        self._lock = threading.RLock()
        self._records: dict[str, GenerationRecord] = {}
        self._kept: dict[str, tuple[KeptArray, ...]] = {}  # each record's, each once
        self._memory_limit = memory_limit
        self._disk_limit = disk_limit
        self._limit = DEFAULT_LIMIT
        self._scratch: ScratchFolder | None = None
        self._revision = 0
        self._writer: threading.Thread | None = None
        self._doomed: list[Path] = []
        self._hurry = threading.Event()

    def configure(self, folder: str | Path, limit: int = DEFAULT_LIMIT) -> None:
        """Keep `limit` generations per owner, what memory cannot hold under `folder`.

        May be called again at any time, which changes the limit only. Left-overs of processes
        that ended without cleaning up are removed.
        """
        with self._lock:
            if self._scratch is None:
                self._scratch = ScratchFolder(folder, FOLDER_PREFIX)
                self._scratch.remove_left_overs()
            self._limit = max(1, limit)
            self._trim()

    def add(self, record: GenerationRecord) -> None:
        """Keep `record` as the newest, or in the place of the one with its id."""
        with self._lock:
            previous = self._records.get(record.id)
            kept, last = replace(record, images=()), None
            for image in record.images:
                kept = kept.with_image(_keep_image(image, last))
                last = kept.images[-1].pictures
            arrays = tuple(dict.fromkeys(_arrays_of(kept)))
            self._records[record.id], self._kept[record.id] = kept, arrays
            if previous is not None:
                self._forget(previous)
            self._revision += 1
            excess = self._trim()
        if excess > BACKLOG:
            self.settle()

    def settle(self) -> None:
        """Wait until memory is within its bound."""
        writer = self._writer
        if writer is not None:
            self._hurry.set()
            writer.join()

    def latest(self, owner: str = "") -> GenerationRecord | None:
        """The newest generation of `owner`."""
        return next(iter(self.list(owner)), None)

    def get(self, record_id: str, owner: str = "") -> GenerationRecord | None:
        """The generation of that id, if it is kept and belongs to `owner`."""
        with self._lock:
            record = self._records.get(record_id)
        return record if record is not None and record.owner == owner else None

    def list(self, owner: str = "") -> tuple[GenerationRecord, ...]:
        """The generations of `owner`, newest first."""
        with self._lock:
            records = [record for record in self._records.values() if record.owner == owner]
        return tuple(reversed(records))

    @property
    def revision(self) -> int:
        return self._revision

    @property
    def bytes_in_memory(self) -> int:
        """What the kept pictures take of memory."""
        with self._lock:
            traces = sum(_trace_bytes(record) for record in self._records.values())
            return traces + sum(array.bytes_in_memory for array in self._arrays())

    @property
    def bytes_on_disk(self) -> int:
        """What the kept pictures take on disk."""
        with self._lock:
            return sum(array.bytes_on_disk for array in self._arrays())

    def clear(self) -> None:
        """Forget everything and remove the files."""
        with self._lock:
            for record in list(self._records.values()):
                self._drop(record)
            self._doomed.clear()
            if self._scratch is not None:
                self._scratch.remove()

    def _trim(self) -> int:
        """Drop what is over a limit of records; bytes in memory over its limit, to be written."""
        for owner in {record.owner for record in self._records.values()}:
            for record in self.list(owner)[self._limit :]:
                self._drop(record)
        excess = self.bytes_in_memory - self._memory_limit
        is_writing = self._writer is not None and self._writer.is_alive()
        if not is_writing and (excess > 0 or self._doomed):
            self._hurry.clear()
            self._writer = threading.Thread(target=self._write_excess, name=FOLDER_PREFIX)
            self._writer.start()
        return excess

    def _write_excess(self) -> None:
        """Move the oldest arrays to disk until memory holds no more than its limit; where that is
        not enough, let go of what the oldest runs keep for their diagnosis. Files of what was
        forgotten are removed."""
        self._hurry.wait(PAUSE)
        while True:
            with self._lock:
                while self.bytes_on_disk > self._disk_limit and len(self._records) > 1:
                    self._drop(next(iter(self._records.values())))
                excess = self.bytes_in_memory - self._memory_limit
                held = (array for array in self._arrays() if array.bytes_in_memory)
                array = next(held, None) if excess > 0 else None
                if array is None:
                    self._forget_traces(excess)
                doomed, self._doomed = self._doomed, []
                if array is None and not doomed:
                    self._writer = None
                    return
            for path in doomed:
                with contextlib.suppress(OSError):  # a reader has it (Windows): swept at exit
                    path.unlink()
            if array is not None:
                self._spill(array)

    def _forget_traces(self, excess: int) -> None:
        for record in list(self._records.values()):
            if excess <= 0:
                return
            excess -= _trace_bytes(record)
            bare = tuple(replace(image, traces=None) for image in record.images)
            self._records[record.id] = replace(record, images=bare)

    def _spill(self, array: KeptArray) -> None:
        """To disk; what cannot be written is forgotten, for the bound on memory holds."""
        try:
            if self._scratch is None:
                raise OSError("the history has no folder")
            path = self._scratch.new_file(".npy")
            array.write(path)
        except ForgottenError:
            return
        except Exception as error:  # in a thread nobody waits for: told, and the bound holds
            log.warning("The Bleed tab lost the pictures of an older run: %s", error)
            with self._lock:
                array.forget()
        else:
            with self._lock:
                array.move_to(path)

    def _drop(self, record: GenerationRecord) -> None:
        del self._records[record.id], self._kept[record.id]
        self._revision += 1
        self._forget(record)

    def _forget(self, record: GenerationRecord) -> None:
        """Let go of the pictures of a record that is no longer kept; the one that took its place
        may have them too."""
        needed = {*self._kept.get(record.id, ())}
        for array in _arrays_of(record):
            path = None if array in needed else array.forget()
            if path is not None:
                self._doomed.append(path)

    def _arrays(self) -> Iterator[KeptArray]:
        """Every kept array once, the oldest generation's first."""
        return chain.from_iterable(self._kept.values())


def _trace_bytes(record: GenerationRecord) -> int:
    """What is kept for the diagnosis; without it an older run's causes are not told."""
    return sum(image.traces.nbytes for image in record.images if image.traces is not None)


def _arrays_of(record: GenerationRecord) -> Iterator[KeptArray]:
    for image in record.images:
        if isinstance(image.pictures, KeptPictures):
            yield from image.pictures.arrays


def _keep_image(image: ImageRecord, last: Pictures | None) -> ImageRecord:
    """The image with its pictures in our form, sharing with `last` what is the same."""
    if image.pictures is None or isinstance(image.pictures, KeptPictures):
        return image
    shared = last if isinstance(last, KeptPictures) else None
    return replace(image, pictures=KeptPictures(image.pictures, shared))


def _count_held(array: np.ndarray) -> int:
    """Bytes that stay in memory with an array: all of the one that it is a part of."""
    return array.base.nbytes if isinstance(array.base, np.ndarray) else array.nbytes


def _own(array: np.ndarray) -> np.ndarray:
    """The array itself if it is whole, or a copy of the part of another that it is."""
    is_whole = not isinstance(array.base, np.ndarray) and array.flags.c_contiguous
    return array if is_whole else array.copy()


def _pack(area: np.ndarray) -> np.ndarray:
    """A bool H x W in an eighth of the bytes."""
    return np.packbits(area, axis=1)


def _keep(
    array: np.ndarray, same: KeptArray | None, form: Callable[[np.ndarray], np.ndarray] = _own
) -> KeptArray:
    """`same` if it holds these very values, as images of one batch do; else a new one."""
    if same is not None and same.is_made_of(array):
        return same
    kept = form(array)
    return same if same is not None and same.holds(kept) else KeptArray(kept, array)


def _keep_difference(pictures: Pictures, name: str) -> KeptPicture:
    """A picture's own array where it holds little more than the difference, else a copy."""
    box = pictures.changed_box(name)
    part = pictures.crop(name, box)
    is_most = part.nbytes >= KEPT_SHARE * _count_held(part)
    return KeptPicture(box, KeptArray(part if is_most else part.copy()))


HISTORY = History()

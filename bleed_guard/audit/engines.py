"""Where chunks are checked: in this process, in local processes, or on a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from enum import Enum
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, NoReturn, Protocol

from bleed_guard.audit.pairs import Pair
from bleed_guard.audit.worker import AuditOptions, Record, check_chunk
from bleed_guard.cli.errors import CommandError

CHUNKS_PER_WORKER = 4
"""Chunks handed out ahead, so that no worker waits; bounds the memory."""

ATTEMPTS = 3
"""How often a chunk is tried whose worker died, before its pairs are tried one by one."""

CONNECT_TIMEOUT = 30
"""Seconds to wait for a Dask scheduler."""


class EngineName(str, Enum):
    """What `--engine` takes."""

    PROCESSES = "processes"
    SERIAL = "serial"
    DASK = "dask"


Checked = tuple[Sequence[Pair], list[Record]]
"""A chunk and its records."""


class Engine(Protocol):
    """Checks chunks; `workers` is how many at once."""

    workers: int

    def check(self, chunks: Iterable[Sequence[Pair]]) -> Iterator[Checked]:
        """Each chunk with its records, in the order given, read no further ahead than needed."""
        ...

    def close(self) -> None: ...


class SerialEngine:
    """One after the other, here."""

    workers = 1

    def __init__(self, options: AuditOptions) -> None:
        self.options = options

    def check(self, chunks: Iterable[Sequence[Pair]]) -> Iterator[Checked]:
        for chunk in chunks:
            yield chunk, check_chunk(chunk, self.options)

    def close(self) -> None:
        """Nothing is held."""


class ProcessEngine:
    """Local processes. A worker that dies is replaced and its chunks are checked again."""

    def __init__(self, options: AuditOptions, workers: int) -> None:
        self.options = options
        self.workers = workers
        self.pool = _make_pool(workers)

    def check(self, chunks: Iterable[Sequence[Pair]]) -> Iterator[Checked]:
        waiting: list[tuple[Sequence[Pair], Future[list[Record]]]] = []
        for chunk in chunks:
            waiting.append((chunk, self._submit(chunk)))
            if len(waiting) >= CHUNKS_PER_WORKER * self.workers:
                yield self._collect(waiting)
        while waiting:
            yield self._collect(waiting)

    def _submit(self, chunk: Sequence[Pair]) -> Future[list[Record]]:
        try:
            return self.pool.submit(check_chunk, chunk, self.options)
        except BrokenExecutor:
            self._replace_pool()
            return self.pool.submit(check_chunk, chunk, self.options)

    def _collect(self, waiting: list[tuple[Sequence[Pair], Future[list[Record]]]]) -> Checked:
        """The oldest chunk's records. A broken pool fails all that wait: they go out anew."""
        for _ in range(ATTEMPTS):
            chunk, future = waiting[0]
            try:
                records = future.result()
            except BrokenExecutor:
                self._replace_pool()
                waiting[:] = [(chunk, self._submit(chunk)) for chunk, _ in waiting]
                continue
            waiting.pop(0)
            return chunk, records
        chunk, _ = waiting.pop(0)
        return chunk, [self._check_alone(pair) for pair in chunk]

    def _check_alone(self, pair: Pair) -> Record:
        """A pair that may be what kills workers, in a process of its own."""
        with _make_pool(1) as pool:
            try:
                return pool.submit(check_chunk, [pair], self.options).result()[0]
            except BrokenExecutor:
                return _died(pair)

    def _replace_pool(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pool = _make_pool(self.workers)

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


def _make_pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_follow_parent)


def _follow_parent() -> None:
    """Ctrl-C reaches every process of a terminal: a worker leaves it to its parent, and ends with
    it, however it ends; by itself it would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(parent_process(),), daemon=True).start()


def _end_with(process: Any) -> NoReturn:
    process.join()
    os._exit(1)


class DaskEngine:
    """A Dask cluster: the one at `scheduler`, or one of this machine's. Dask itself gives a chunk
    whose worker died to another."""

    def __init__(self, options: AuditOptions, workers: int, scheduler: str) -> None:
        try:
            import distributed  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise CommandError("--engine dask needs Dask: pip install distributed") from None
        self.options = options
        try:
            if scheduler:
                self.client = distributed.Client(scheduler, timeout=CONNECT_TIMEOUT)
            else:
                self.client = distributed.Client(n_workers=workers, threads_per_worker=1)
        except (OSError, ValueError) as error:
            raise CommandError(f"{scheduler}: no Dask scheduler answers there ({error})") from None
        self.workers = max(sum(self.client.nthreads().values()), 1)

    def check(self, chunks: Iterable[Sequence[Pair]]) -> Iterator[Checked]:
        waiting: list[tuple[Sequence[Pair], Any]] = []
        for chunk in chunks:
            future = self.client.submit(
                check_chunk, chunk, self.options, pure=False, retries=ATTEMPTS
            )
            waiting.append((chunk, future))
            if len(waiting) >= CHUNKS_PER_WORKER * self.workers:
                yield self._collect(waiting)
        while waiting:
            yield self._collect(waiting)

    def _collect(self, waiting: list[tuple[Sequence[Pair], Any]]) -> Checked:
        from distributed import KilledWorker  # pyright: ignore[reportMissingImports]

        chunk, future = waiting.pop(0)
        try:
            return chunk, future.result()
        except KilledWorker:
            return chunk, [self._check_alone(pair) for pair in chunk]
        except Exception as error:  # the cluster failed, not a file: what is done is kept
            raise CommandError(
                f"the Dask cluster failed ({type(error).__name__}: {error})"
            ) from error

    def _check_alone(self, pair: Pair) -> Record:
        """A pair that may be what kills workers."""
        from distributed import KilledWorker  # pyright: ignore[reportMissingImports]

        try:
            return self.client.submit(check_chunk, [pair], self.options, pure=False).result()[0]
        except KilledWorker:
            return _died(pair)

    def close(self) -> None:
        self.client.close()


def _died(pair: Pair) -> Record:
    told = f"{pair.result}: the process that read it died"
    return {**pair._asdict(), "verdict": "error", "error": told}


def make_engine(name: EngineName, options: AuditOptions, workers: int, scheduler: str) -> Engine:
    """The engine of that name; `workers` 0 means one per core. CommandError if it is not there."""
    count = workers or os.cpu_count() or 1
    makers: dict[EngineName, Callable[[], Engine]] = {
        EngineName.SERIAL: lambda: SerialEngine(options),
        EngineName.PROCESSES: lambda: ProcessEngine(options, count),
        EngineName.DASK: lambda: DaskEngine(options, count, scheduler),
    }
    return makers[name]()

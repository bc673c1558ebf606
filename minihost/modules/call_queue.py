"""One job at a time, and errors shown where the result would be."""

from __future__ import annotations

import html
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any


class FIFOLock:
    """A lock that serves who came first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def acquire(self, blocking: bool = True) -> bool:
        """Takes the lock; without `blocking` only if it is free."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            if not blocking:
                return False
            mine = threading.Event()
            self._waiting.append(mine)
        mine.wait()
        return True

    def release(self) -> None:
        """Hands the lock to the next in line."""
        with self._guard:
            if not self._held:
                raise RuntimeError("release unlocked lock")
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


queue_lock = FIFOLock()


def wrap_queued_call(func: Callable[..., Any]) -> Callable[..., Any]:
    """`func` in its turn."""

    @wraps(func)
    def queued(*args: Any, **kwargs: Any) -> Any:
        with queue_lock:
            return func(*args, **kwargs)

    return queued


def _task_id(args: tuple[Any, ...]) -> str | None:
    first = args[0] if args else None
    is_task = isinstance(first, str) and first.startswith("task(") and first.endswith(")")
    return first if is_task else None


def wrap_gradio_gpu_call(
    func: Callable[..., Any], extra_outputs: list[Any] | None = None
) -> Callable[..., Any]:
    """`func` as a job of the page: in its turn, with progress, errors as HTML."""
    from modules import progress, shared

    @wraps(func)
    def job(*args: Any, **kwargs: Any) -> Any:
        task = _task_id(args)
        progress.add_task_to_queue(task)
        with queue_lock:
            shared.state.begin(job=task or "(unknown)")
            progress.start_task(task)
            try:
                result = func(*args, **kwargs)
                progress.record_results(task, result)
            finally:
                progress.finish_task(task)
            shared.state.end()
        return result

    return wrap_gradio_call(job, extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(
    func: Callable[..., Any], extra_outputs: list[Any] | None = None, add_stats: bool = False
) -> Callable[..., Any]:
    """`func` with errors as HTML; whatever happens, no wish to end the job is left over."""
    from modules import shared

    @wraps(func)
    def cleaned(*args: Any, **kwargs: Any) -> Any:
        try:
            return func(*args, **kwargs)
        finally:
            state = shared.state
            state.skipped = state.interrupted = state.stopping_generation = False
            state.job_count, state.job = 0, ""

    return wrap_gradio_call_no_job(cleaned, extra_outputs, add_stats)


def wrap_gradio_call_no_job(
    func: Callable[..., Any], extra_outputs: list[Any] | None = None, add_stats: bool = False
) -> Callable[..., Any]:
    """`func` whose error becomes the last output, as HTML; the others are `extra_outputs`."""

    @wraps(func)
    def shown(
        *args: Any, extra_outputs_array: list[Any] | None = extra_outputs, **kwargs: Any
    ) -> Any:
        start = time.perf_counter()
        try:
            result = list(func(*args, **kwargs))
        except Exception as error:
            traceback.print_exc()
            message = html.escape(f"{type(error).__name__}: {error}")
            others = [None, ""] if extra_outputs_array is None else extra_outputs_array
            result = [*others, f"<div class='error'>{message}</div>"]
        if add_stats:
            seconds = time.perf_counter() - start
            taken = f"Time taken: <span class='measurement'>{seconds:.1f} sec.</span>"
            result[-1] += f"<div class='performance'><p class='time'>{taken}</p></div>"
        return tuple(result)

    return shown

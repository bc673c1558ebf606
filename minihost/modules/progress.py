"""Which jobs of the page wait, run and are done."""

from __future__ import annotations

import itertools
import time
from typing import Any

MAX_FINISHED = 16
MAX_RESULTS = 2

current_task: str | None = None
pending_tasks: dict[str, float] = {}
finished_tasks: list[str] = []
recorded_results: list[tuple[str, Any]] = []
_numbers = itertools.count(1)


def forget() -> None:
    """No job was ever seen."""
    global current_task
    current_task = None
    pending_tasks.clear()
    finished_tasks.clear()
    recorded_results.clear()


def create_task_id(task_type: str) -> str:
    """A name no other job has."""
    return f"task({task_type}-{next(_numbers)})"


def add_task_to_queue(id_job: str | None) -> None:
    """The job waits; None is a job without a name."""
    if id_job is not None:
        pending_tasks[id_job] = time.time()


def start_task(id_task: str | None) -> None:
    """The job runs."""
    global current_task
    current_task = id_task
    if id_task is not None:
        pending_tasks.pop(id_task, None)


def finish_task(id_task: str | None) -> None:
    """The job is done."""
    global current_task
    if current_task == id_task:
        current_task = None
    if id_task is not None:
        finished_tasks.append(id_task)
        del finished_tasks[:-MAX_FINISHED]


def record_results(id_task: str | None, res: Any) -> None:
    """Keeps the job's result for a page that was closed meanwhile."""
    if id_task is not None:
        recorded_results.append((id_task, res))
        del recorded_results[:-MAX_RESULTS]

"""Routes the page's own script asks: progress of a task, and whether the server is there."""

from __future__ import annotations

from typing import Any

from modules import progress, shared
from pydantic import BaseModel


class ProgressRequest(BaseModel):
    """Whose progress the page asks for."""

    id_task: str | None = None
    id_live_preview: int = -1
    live_preview: bool = True


class ProgressResponse(BaseModel):
    """A task waits, runs with a share done from 0 to 1, or is completed."""

    active: bool
    queued: bool
    completed: bool
    progress: float | None = None
    textinfo: str | None = None


def share_done() -> float:
    """Share of the running job that is done, 0 to 1."""
    state = shared.state
    if state.job_count <= 0:
        return 0.0
    done = state.job_no / state.job_count
    if state.sampling_steps > 0:
        done += state.sampling_step / state.sampling_steps / state.job_count
    return min(done, 1.0)


def task_progress(request: ProgressRequest) -> ProgressResponse:
    """How far one task is."""
    is_active = request.id_task is not None and request.id_task == progress.current_task
    return ProgressResponse(
        active=is_active,
        queued=request.id_task in progress.pending_tasks,
        completed=request.id_task in progress.finished_tasks,
        progress=share_done() if is_active else None,
        textinfo=shared.state.textinfo if is_active else "Waiting...",
    )


def add_page_routes(app: Any) -> None:
    """Add the routes to the running application."""
    app.add_api_route(
        "/internal/progress", task_progress, methods=["POST"], response_model=ProgressResponse
    )
    app.add_api_route(
        "/internal/pending-tasks",
        lambda: {"size": len(progress.pending_tasks), "tasks": list(progress.pending_tasks)},
        methods=["GET"],
    )
    app.add_api_route("/internal/ping", lambda: {}, methods=["GET"])

"""What the host is doing now, and the wishes of the user about it."""

from __future__ import annotations

import datetime
import threading
import time
from typing import Any


class State:
    """Progress and interruption of the running job. `reset` makes it as good as new."""

    def __init__(self) -> None:
        self._signal = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Back to the state of a host that has just started."""
        self.skipped = False
        self.interrupted = False
        self.stopping_generation = False
        self.job = ""
        self.job_no = 0
        self.job_count = 0
        self.processing_has_refined_job_count = False
        self.job_timestamp = "0"
        self.sampling_step = 0
        self.sampling_steps = 0
        self.current_latent: Any = None
        self.current_image: Any = None
        self.current_image_sampling_step = 0
        self.id_live_preview = 0
        self.textinfo: str | None = None
        self.time_start: float | None = None
        self.server_start = time.time()
        self._server_command: str | None = None
        self._signal.clear()

    @property
    def need_restart(self) -> bool:
        """Whether a restart was asked for."""
        return self.server_command == "restart"

    @need_restart.setter
    def need_restart(self, value: bool) -> None:
        if value:
            self.server_command = "restart"

    @property
    def server_command(self) -> str | None:
        """ "stop", "restart" or None; setting it wakes who waits for it."""
        return self._server_command

    @server_command.setter
    def server_command(self, value: str | None) -> None:
        self._server_command = value
        self._signal.set()

    def wait_for_server_command(self, timeout: float | None = None) -> str | None:
        """Waits `timeout` seconds for a command, takes it away and gives it."""
        if not self._signal.wait(timeout):
            return None
        self._signal.clear()
        command, self._server_command = self._server_command, None
        return command

    def request_restart(self) -> None:
        """Ends the job and asks for a restart."""
        self.interrupt()
        self.server_command = "restart"

    def skip(self) -> None:
        """Ends this batch; the job goes on with the next one."""
        self.skipped = True

    def interrupt(self) -> None:
        """Ends the job at the next step."""
        self.interrupted = True

    def stop_generating(self) -> None:
        """Ends the job after this batch."""
        self.stopping_generation = True

    def nextjob(self) -> None:
        """Counts one batch as done."""
        self.job_no += 1
        self.sampling_step = 0
        self.current_image_sampling_step = 0

    def dict(self) -> dict[str, Any]:
        """The state as `/sdapi/v1/progress` shows it."""
        names = ("skipped", "interrupted", "stopping_generation", "job", "job_count")
        names += ("job_timestamp", "job_no", "sampling_step", "sampling_steps")
        return {name: getattr(self, name) for name in names}

    def begin(self, job: str = "(unknown)") -> None:
        """A job starts."""
        self.reset_progress()
        self.job_count = -1
        self.job = job
        now = datetime.datetime.now(datetime.timezone.utc).astimezone()
        self.job_timestamp = now.strftime("%Y%m%d%H%M%S")
        self.time_start = time.time()

    def end(self) -> None:
        """The job is over."""
        self.job = ""
        self.job_count = 0

    def reset_progress(self) -> None:
        """No progress, no wish to end, no picture to preview."""
        self.skipped = self.interrupted = self.stopping_generation = False
        self.processing_has_refined_job_count = False
        self.job_no = self.sampling_step = self.sampling_steps = 0
        self.current_latent = self.current_image = self.textinfo = None
        self.current_image_sampling_step = self.id_live_preview = 0

    def assign_current_image(self, image: Any) -> None:
        """Shows this Pillow image as the preview."""
        self.current_image = image
        self.id_live_preview += 1

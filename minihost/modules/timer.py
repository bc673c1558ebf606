"""Times of the start-up, by name."""

from __future__ import annotations

import time


class Timer:
    """Adds up how long named parts took, in seconds."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything and starts now."""
        self.start = self._last = time.perf_counter()
        self.records: dict[str, float] = {}
        self.total = 0.0

    def record(self, category: str, extra_time: float = 0) -> None:
        """Books the time since the last record to `category`."""
        now = time.perf_counter()
        elapsed = now - self._last + extra_time
        self._last = now
        self.records[category] = self.records.get(category, 0.0) + elapsed
        self.total += elapsed

    def summary(self) -> str:
        """One line: the total and the parts that took a tenth of a second or more."""
        parts = [f"{name}: {t:.1f}s" for name, t in self.records.items() if t >= 0.1]
        return f"{self.total:.1f}s" + (f" ({', '.join(parts)})" if parts else "")


startup_timer = Timer()
startup_record: dict[str, float] | None = None

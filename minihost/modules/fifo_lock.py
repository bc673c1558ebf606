"""The hosts' place for the lock of `modules.call_queue`."""

from __future__ import annotations

from modules.call_queue import FIFOLock

__all__ = ["FIFOLock"]

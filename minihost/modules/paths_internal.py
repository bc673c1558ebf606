"""The hosts' second name for `modules.paths`."""

from __future__ import annotations

from typing import Any

from modules import paths


def __getattr__(name: str) -> Any:
    return getattr(paths, name)

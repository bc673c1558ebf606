"""Schedulers by name; nothing is scheduled here."""

from __future__ import annotations

from typing import NamedTuple


class Scheduler(NamedTuple):
    """One entry of the scheduler list."""

    name: str
    label: str


schedulers = [
    Scheduler("automatic", "Automatic"),
    Scheduler("uniform", "Uniform"),
    Scheduler("karras", "Karras"),
    Scheduler("exponential", "Exponential"),
    Scheduler("simple", "Simple"),
    Scheduler("normal", "Normal"),
]
schedulers_map = {x.name: x for x in schedulers} | {x.label: x for x in schedulers}

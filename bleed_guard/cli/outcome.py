"""What one check came to: a comparison, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bleed_guard import __version__
from bleed_guard.cli.errors import Exit
from bleed_guard.cli.pictures import UNKNOWN_REACH, Comparison, Paths
from bleed_guard.core.report import Verdict

ERROR = "error"
"""Stands where a verdict would, for files that could not be compared."""


class Outcome(NamedTuple):
    """One triple of files with its comparison, or with `error`, one sentence, and its `code`.

    `mask_flags` are the arguments by which the mask was read.
    """

    paths: Paths
    code: Exit
    comparison: Comparison | None = None
    error: str = ""
    mask_flags: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return self.comparison.verdict.value if self.comparison else ERROR

    @property
    def sentence(self) -> str:
        """The outcome in one line, for people."""
        return tell_comparison(self.comparison) if self.comparison else self.error

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        shared = {"version": __version__, "exit": int(self.code)}
        if self.comparison:
            return {**shared, **self.comparison.to_json()}
        return {**shared, **self.paths._asdict(), "verdict": ERROR, "error": self.error}


def worst_code(outcomes: Sequence[Outcome]) -> Exit:
    """The exit code of several checks: unreadable files before sizes before bleed."""
    order = (Exit.USAGE, Exit.SIZE, Exit.BLEED, Exit.CLEAN)
    return min((outcome.code for outcome in outcomes), key=order.index, default=Exit.CLEAN)


def tell_comparison(comparison: Comparison) -> str:
    """For instance "2,805 of 22,848 protected pixels changed (12.3 %), max 222, reach 10 px"."""
    report = comparison.report
    told = f"{report.changed:,} of {report.protected:,} protected pixels changed"
    if report.changed:
        share = report.changed / report.protected
        told += f" ({tell_share(share)}), max {report.max}"
        told += f", reach {report.reach} px" if report.reach != UNKNOWN_REACH else ""
        if comparison.verdict is not Verdict.BLEED:
            told += f"; {comparison.allowed:,} are allowed"
    elif report.max:
        told += f" by more than {report.tolerance}; largest difference {report.max}"
    return told


def tell_share(share: float) -> str:
    """A share of 0-1 for people: "12.3 %", and never "0.0 %" for what is not nothing."""
    percent = 100 * share
    return "less than 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %"

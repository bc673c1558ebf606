"""What an audit came to, in flat memory: counts, and the worst results only."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bleed_guard.cli.errors import Exit
from bleed_guard.cli.outcome import ERROR
from bleed_guard.core.job import Cause, Verdict

Record = dict[str, Any]

WORST_KEPT = 200
ERRORS_KEPT = 200


@dataclass
class Summary:
    """Counts over records; `add` one at a time.

    `causes` counts results that bled by their cause, `pixels` their changed pixels.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    pixels: Counter[str] = field(default_factory=Counter)
    errors: list[Record] = field(default_factory=list)
    _heap: list[tuple[float, int, Record]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.verdicts.values())

    @property
    def bled(self) -> int:
        return self.verdicts[Verdict.BLEED.value]

    @property
    def failed(self) -> int:
        """Pairs that could not be compared."""
        return self.verdicts[ERROR]

    @property
    def code(self) -> Exit:
        """Bleed before files that could not be read: those were reported and passed over."""
        if self.bled:
            return Exit.BLEED
        return Exit.USAGE if self.failed else Exit.CLEAN

    def add(self, record: Record) -> None:
        """Count one record."""
        verdict = record["verdict"]
        self.verdicts[verdict] += 1
        if verdict == ERROR:
            if len(self.errors) < ERRORS_KEPT:
                self.errors.append(record)
        elif verdict == Verdict.BLEED.value:
            cause = record.get("cause", Cause.SEVERAL.value)
            self.causes[cause] += 1
            self.pixels[cause] += record["changed"]
            self._keep(record)

    def _keep(self, record: Record) -> None:
        entry = (record["changed"] / record["protected"], -self.total, record)
        if len(self._heap) < WORST_KEPT:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def worst(self) -> Iterator[Record]:
        """The results of which the largest share changed, largest first."""
        return (record for _, _, record in sorted(self._heap, reverse=True))

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        return {
            "total": self.total,
            "verdicts": dict(self.verdicts),
            "causes": {
                cause: {"results": count, "pixels": self.pixels[cause]}
                for cause, count in self.causes.most_common()
            },
        }


def render_summary(summary: Summary) -> str:
    """The summary for a terminal."""
    lines = [f"{summary.total:,} results"]
    lines += [f"  {verdict:<18}{count:>12,}" for verdict, count in summary.verdicts.most_common()]
    if summary.causes:
        lines.append("bleed by cause" + f"{'results':>18}{'pixels':>18}")
    for cause, count in summary.causes.most_common():
        lines.append(f"  {tell_cause(cause):<18}{count:>12,}{summary.pixels[cause]:>18,}")
    return "\n".join(lines)


def tell_cause(cause: str) -> str:
    """A cause's value for people: "mask blur"."""
    return "not one cause" if cause == Cause.SEVERAL.value else cause.replace("_", " ")

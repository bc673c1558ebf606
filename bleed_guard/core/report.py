"""The record of what a comparison found.

Apart from `core.job`, whose names it shares, for the command line: `check` starts sooner with
nothing but this.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, NamedTuple


class Protection(str, Enum):
    """What "outside the mask" means for a run."""

    HARD = "hard"  # everything where the hard mask is off
    SOFT = "soft"  # everything beyond the soft band the user allowed
    NONE = "none"  # nothing: a full redo, measured and badged as such


class Verdict(str, Enum):
    """The one word about a result."""

    CLEAN = "clean"
    WITHIN_TOLERANCE = "within tolerance"
    BLEED = "bleed"
    NOT_GUARDED = "not guarded"
    FULL_REDO = "full redo"


class ZoneStats(NamedTuple):
    """Bleed in one zone: protected pixels, how many changed, largest and mean difference."""

    name: str
    protected: int
    changed: int
    max: int
    mean: float


class ProfileBin(NamedTuple):
    """Differences of the protected pixels `distance` px away from the mask's edge."""

    distance: int
    protected: int
    changed: int
    max: int
    mean: float


class SeamStats(NamedTuple):
    """CIELAB steps over the pixel pairs across the mask's edge.

    `step` is the result's mean step, `reference_step` the original's own at the same pairs;
    `ratio` = step / reference_step (1.0 = no seam), 1.0 where there is no edge.
    """

    pairs: int
    step: float
    reference_step: float
    ratio: float


NO_SEAM = SeamStats(0, 0.0, 0.0, 1.0)


class WorstSpot(NamedTuple):
    """The pixel of largest difference in one neighbourhood."""

    x: int
    y: int
    difference: int
    distance: int


@dataclass(frozen=True)
class BleedReport:
    """What changed outside the mask. Differences are the largest over R, G, B, in levels 0-255.

    `changed` counts protected pixels that differ by more than `tolerance`; `max`, `mean` and
    `p99` are over all protected pixels; `reach` is how far from the mask's edge a changed pixel
    lies, in px, on the chessboard metric the host's separable blur follows.
    """

    size: tuple[int, int]
    tolerance: int
    protected: int
    changed: int
    max: int
    mean: float
    p99: float
    reach: int
    verdict: Verdict
    zones: tuple[ZoneStats, ...] = ()
    profile: tuple[ProfileBin, ...] = ()
    seam: SeamStats = NO_SEAM
    histogram: tuple[int, ...] = ()
    worst: tuple[WorstSpot, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, ready for `json.dumps`."""
        plain = asdict(self)
        plain["verdict"] = self.verdict.value
        plain["size"] = list(self.size)
        plain["zones"] = {zone.name: _without(zone, "name") for zone in self.zones}
        plain["profile"] = [entry._asdict() for entry in self.profile]
        plain["seam"] = self.seam._asdict()
        plain["histogram"] = list(self.histogram)
        plain["worst"] = [spot._asdict() for spot in self.worst]
        return plain


def _without(entry: ZoneStats, name: str) -> dict[str, Any]:
    return {key: value for key, value in entry._asdict().items() if key != name}

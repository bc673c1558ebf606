"""What the page needs to speak the guards' sentences by itself, while the user moves sliders."""

from __future__ import annotations

from typing import Any

from bleed_guard.core.plan import (
    INVERTED_SHARE,
    LOSSY_FORMATS,
    RECOMMENDED_STRENGTH,
    SMALL_MASK_SIDE,
)
from bleed_guard.core.reach import straight_edge_reach
from bleed_guard.core.wording import REASONS, SOURCES, describe_wording

LARGEST_BLUR = 64
"""The end of the host's slider for mask blur."""


def live_rules() -> dict[str, Any]:
    """Sentences and numbers as plain values, ready for `json.dumps`.

    `messages` has `what`, `why` and `fix` with {placeholders} by key, `reasons` and `sources`
    the words of a change; `reach` is px by mask blur, for a straight edge of the mask.
    """
    return {
        "messages": describe_wording(),
        "reasons": dict(REASONS),
        "sources": list(SOURCES),
        "reach": [straight_edge_reach(blur) for blur in range(LARGEST_BLUR + 1)],
        "lossyFormats": {suffix: name for suffix, (name, _) in LOSSY_FORMATS.items()},
        "recommendedStrength": RECOMMENDED_STRENGTH,
        "smallMaskSide": SMALL_MASK_SIDE,
        "invertedShare": INVERTED_SHARE,
    }

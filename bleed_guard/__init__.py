"""Bleed Guard: inpainting that leaves every pixel outside the mask exactly as it was.

The names below are imported when they are first used, so that importing the package costs
nothing: hosts import it at their start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bleed_guard.core.composite import Blend, build_overlay, paste_back
    from bleed_guard.core.heatmap import render_heatmap
    from bleed_guard.core.job import BleedReport, Finding, GuardPlan, InpaintJob, Verdict
    from bleed_guard.core.measure import measure_bleed
    from bleed_guard.core.plan import plan_guard
    from bleed_guard.core.settings import GuardSettings

__version__ = "1.0.0"

__all__ = [
    "BleedReport",
    "Blend",
    "Finding",
    "GuardPlan",
    "GuardSettings",
    "InpaintJob",
    "Verdict",
    "__version__",
    "build_overlay",
    "measure_bleed",
    "paste_back",
    "plan_guard",
    "render_heatmap",
]

HOMES = {
    "Blend": "composite",
    "BleedReport": "job",
    "Finding": "job",
    "GuardPlan": "job",
    "GuardSettings": "settings",
    "InpaintJob": "job",
    "Verdict": "job",
    "build_overlay": "composite",
    "measure_bleed": "measure",
    "paste_back": "composite",
    "plan_guard": "plan",
    "render_heatmap": "heatmap",
}
"""Public name -> module of `bleed_guard.core` it lives in."""


def __getattr__(name: str) -> Any:
    home = HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"bleed_guard.core.{home}"), name)

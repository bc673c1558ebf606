"""Bleed Guard: inpainting that leaves every pixel outside the mask exactly as it was."""

from bleed_guard.core.composite import Blend, build_overlay, paste_back
from bleed_guard.core.heatmap import render_heatmap
from bleed_guard.core.job import BleedReport, Finding, GuardPlan, InpaintJob, Verdict
from bleed_guard.core.measure import measure_bleed
from bleed_guard.core.plan import plan_guard
from bleed_guard.core.settings import GuardSettings


__version__ = "0.1.0"

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

"""The weights by which signals become probabilities, fitted to the tuning photographs.

`python dev.py bench likelihoods` prints `bleed_guard/core/likelihoods.py`. No photograph that
`bench diagnose` judges is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from benchmarks._corpus import Sample, load_tuning, make_corpus
from bleed_guard.core.files_diagnosis import list_signals, look, read_told
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import HARD_LEVEL

PENALTY = 0.2
"""Of a squared weight: keeps a signal that separates perfectly from being certain."""

UNPASTED = (
    *("excess", "slow", "noisy", "noisy_sampled", "slow_sampled"),
    *("crop", "color_correction", "face_restore", "webp", "jpeg"),
    *("calm", "calm_webp", "slow_webp", "slow_jpeg", "told_crop", "told_cropped", "told_blur"),
)
RIM = ("touched", "reach", "even", "decay", "unpasted", "crop", "told_soft")
PULL = ("plain_pull", "pulled", "pulled_steadily")
SIGNALS: dict[Cause, tuple[str, ...]] = {
    Cause.WHOLE_REDRAW: ("redrawn", "redrawn_by_mask"),
    Cause.OVERLAY_OFF: (*UNPASTED, "redrawn_by_mask"),
    Cause.VAE: UNPASTED,
    Cause.RESIZE: ("resize",),
    Cause.SHIFT: ("shift",),
    Cause.COLOR_SHIFT: ("color_shift",),
    Cause.COLOR_CORRECTION: ("color_correction",),
    Cause.FACE_RESTORE: ("face_restore", "told_face"),
    Cause.MASK_BLUR: ("plain_touched", "beyond", "told_blur", "told_cropped", "grey", *RIM, *PULL),
    Cause.SOFT_MASK: ("grey", "soft_touched", "soft_pull"),
    Cause.SOFT_INPAINTING: ("grey", *RIM, *PULL),
    Cause.PADDING: ("crop", "told_soft", "told_crop", "told_cropped"),
    Cause.OTHER_SCRIPT: ("patch", "patch_ratio", "unpasted", "color_correction", "crop", "webp"),
    Cause.JPEG: ("jpeg",),
    Cause.WEBP: ("webp",),
    Cause.AVIF: ("avif",),
    Cause.PALETTE: ("palette",),
}
"""The signals that may speak for or against a cause."""

ALWAYS: dict[Cause, dict[str, float]] = {
    Cause.AVIF: {"bias": -7.0, "avif": 10.0},
    Cause.PALETTE: {"bias": -7.0, "palette": 12.0},
}
"""Causes the corpus lacks: not every host's Pillow writes the one, and a file tells the other."""


class Case(NamedTuple):
    truth: tuple[Cause, ...]
    signals: dict[str, float]


def measure(sample: Sample) -> Iterator[Case]:
    """The signals of one sample with its infotext and, where that is not what tells, without."""
    changed = (sample.original != sample.result).any(axis=2) & (sample.mask < HARD_LEVEL)
    if not changed.any():
        return
    scene = look(sample.original, sample.result, sample.mask)
    told, untold = (
        list_signals(scene, read_told(text), sample.mask) for text in (sample.infotext or "", "")
    )
    yield Case(sample.truth, told)
    if untold != told and Cause.OVERLAY_OFF not in sample.truth:
        yield Case(sample.truth, untold)


def fit(cases: list[Case], cause: Cause) -> dict[str, float]:
    """Logistic regression by Newton's method, with a penalty on all weights but the bias."""
    names = ("bias", *SIGNALS[cause])
    rows = np.array([[case.signals.get(name, 1.0) for name in names] for case in cases])
    truth = np.array([float(cause in case.truth) for case in cases])
    penalty = np.full(len(names), PENALTY)
    penalty[0] = 1e-3
    weights = np.zeros(len(names))
    for _ in range(60):
        belief = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (belief - truth) + penalty * weights
        curve = (rows.T * (belief * (1 - belief))) @ rows + np.diag(penalty)
        weights = weights - np.clip(np.linalg.solve(curve, slope), -3, 3)
    return {name: round(float(weight), 2) for name, weight in zip(names, weights, strict=True)}


def render(weights: Mapping[Cause, Mapping[str, float]]) -> str:
    """The module that holds the weights."""
    lines = [
        '"""Weights of the signals of `files_diagnosis.list_signals`, cause by cause: the sum,',
        "through the logistic function, is the probability. Made by `python dev.py bench",
        'likelihoods` from the tuning half of the corpus; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from bleed_guard.core.job import Cause",
        "",
        "WEIGHTS: dict[Cause, dict[str, float]] = {",
    ]
    for cause, values in weights.items():
        lines.append(f"    Cause.{cause.name}: {{")
        lines += [f'        "{name}": {value},' for name, value in values.items()]
        lines.append("    },")
    return "\n".join([*lines, "}"])


def main() -> int:
    """Fit, and print the module."""
    cases = [case for sample in make_corpus(load_tuning()) for case in measure(sample)]
    print(render({cause: ALWAYS.get(cause) or fit(cases, cause) for cause in SIGNALS}))
    return 0

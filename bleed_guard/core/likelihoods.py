"""Weights of the signals of `files_diagnosis.list_signals`, cause by cause: the sum,
through the logistic function, is the probability. Made by `python dev.py bench
likelihoods` from the tuning half of the corpus; do not edit."""

from __future__ import annotations

from bleed_guard.core.job import Cause

WEIGHTS: dict[Cause, dict[str, float]] = {
    Cause.WHOLE_REDRAW: {
        "bias": -6.25,
        "redrawn": 7.95,
        "redrawn_by_mask": -4.34,
    },
    Cause.OVERLAY_OFF: {
        "bias": -5.55,
        "excess": 0.23,
        "slow": -0.09,
        "noisy": -0.49,
        "noisy_sampled": 1.82,
        "slow_sampled": 0.98,
        "crop": -2.25,
        "color_correction": -2.54,
        "face_restore": -2.29,
        "webp": 1.72,
        "jpeg": 1.19,
        "redrawn_by_mask": 7.83,
    },
    Cause.VAE: {
        "bias": -3.97,
        "excess": -0.04,
        "slow": 0.9,
        "noisy": 1.94,
        "noisy_sampled": -1.67,
        "slow_sampled": -1.75,
        "crop": -2.97,
        "color_correction": -3.8,
        "face_restore": -2.84,
        "webp": 0.68,
        "jpeg": 1.26,
    },
    Cause.RESIZE: {
        "bias": -5.56,
        "resize": 9.49,
    },
    Cause.SHIFT: {
        "bias": -5.93,
        "shift": 9.9,
    },
    Cause.COLOR_SHIFT: {
        "bias": -5.28,
        "color_shift": 8.69,
    },
    Cause.COLOR_CORRECTION: {
        "bias": -6.11,
        "color_correction": 9.05,
    },
    Cause.FACE_RESTORE: {
        "bias": -4.96,
        "face_restore": 7.06,
        "told_face": 5.52,
    },
    Cause.MASK_BLUR: {
        "bias": -3.16,
        "plain_touched": 3.86,
        "beyond": -2.37,
        "told_blur": 2.69,
        "grey": -3.94,
        "touched": -0.05,
        "reach": -5.88,
        "even": 3.4,
        "decay": 1.32,
        "unpasted": -4.05,
        "crop": -2.24,
        "told_soft": -2.73,
    },
    Cause.SOFT_MASK: {
        "bias": -5.39,
        "grey": 6.31,
        "soft_touched": 4.04,
    },
    Cause.SOFT_INPAINTING: {
        "bias": -11.11,
        "grey": -1.03,
        "touched": 1.03,
        "reach": 6.05,
        "even": 2.63,
        "decay": -0.3,
        "unpasted": 0.81,
        "crop": -3.49,
        "told_soft": 3.67,
    },
    Cause.PADDING: {
        "bias": -3.79,
        "crop": 4.04,
        "told_soft": -2.72,
    },
    Cause.OTHER_SCRIPT: {
        "bias": -11.85,
        "patch": 5.73,
        "patch_ratio": 2.62,
        "unpasted": 0.57,
        "color_correction": -4.08,
        "crop": 0.9,
        "webp": -0.2,
    },
    Cause.JPEG: {
        "bias": -5.85,
        "jpeg": 10.14,
    },
    Cause.WEBP: {
        "bias": -4.97,
        "webp": 9.35,
    },
    Cause.AVIF: {
        "bias": -4.0,
        "avif": 7.0,
    },
}

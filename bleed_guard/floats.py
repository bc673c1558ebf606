"""Paste-back for pictures of floats 0-1, as Diffusers and ComfyUI hold them."""

from __future__ import annotations

import numpy as np

from bleed_guard.core.composite import Blend, paste_back
from bleed_guard.core.mask import HARD_LEVEL


def as_levels(picture: np.ndarray) -> np.ndarray:
    """Floats 0-1 -> uint8 0-255, rounded to the nearest; uint8 is passed through."""
    if picture.dtype == np.uint8:
        return picture
    return np.rint(np.clip(np.nan_to_num(picture), 0, 1) * 255).astype(np.uint8)


def paste_back_floats(
    reference: np.ndarray,
    generated: np.ndarray,
    mask: np.ndarray,
    *,
    blend: Blend | str = Blend.FEATHER,
    feather: int = 4,
) -> np.ndarray:
    """`paste_back` that keeps floats: outside the mask they are the reference's, bit for bit.

    `reference` and `generated` are floats 0-1, H x W x 3, `mask` uint8 H x W with 255 = repaint.
    Inside, each pixel is moved by what the blend moves its 8-bit level by, so that the generated
    picture keeps its precision. Returns `generated`'s dtype. ValueError as `paste_back`.
    """
    shown = as_levels(generated)
    blended = paste_back(as_levels(reference), shown, mask, blend=blend, feather=feather)
    moved = (blended.astype(np.float32) - shown) / 255
    inside = (mask >= HARD_LEVEL)[..., None]
    mixed = np.clip(np.nan_to_num(generated) + moved, 0, 1)
    return np.where(inside, mixed, reference).astype(generated.dtype)

"""Put the reference back where it is protected, with a seam nobody sees. Inward only."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np

from bleed_guard.core.mask import HARD_LEVEL, mask_box


class Blend(str, Enum):
    """How the edit meets the mask's edge. No blend touches a protected pixel."""

    HARD = "hard"
    FEATHER = "feather"


def paste_back(
    reference: np.ndarray,
    generated: np.ndarray,
    mask: np.ndarray,
    *,
    blend: Blend | str = Blend.FEATHER,
    feather: int = 4,
) -> np.ndarray:
    """The generated picture with every pixel outside the mask taken from the reference.

    `reference` and `generated` are uint8 H x W x 3 RGB, `mask` uint8 H x W with 255 = repaint;
    `feather` is the width in px, inside the mask, over which the two fade into each other.
    Returns uint8 H x W x 3. ValueError if sizes differ or `blend` is unknown.
    """
    check_sizes(reference, generated, mask)
    blend = Blend(blend)
    box = mask_box(mask >= HARD_LEVEL)
    result = reference.copy()
    if box is None:
        return result
    part = box.slices
    inside = mask[part] >= HARD_LEVEL
    if blend is Blend.HARD or feather <= 0:
        np.copyto(result[part], generated[part], where=inside[..., None])
        return result
    weight = _inward_ramp(mask, feather)[part][..., None]
    mixed = reference[part] + weight * (generated[part].astype(np.float32) - reference[part])
    np.copyto(result[part], np.rint(mixed).astype(np.uint8), where=inside[..., None])
    return result


def build_overlay(
    reference: np.ndarray,
    mask: np.ndarray,
    *,
    blend: Blend | str = Blend.FEATHER,
    feather: int = 4,
) -> np.ndarray:
    """The overlay a host composites over the generated picture: alpha 255 where protected.

    uint8 H x W x 3 and uint8 H x W -> uint8 H x W x 4 RGBA. Blends that need the generated
    picture get a hard edge here; `paste_back` finishes them. ValueError if sizes differ.
    """
    check_sizes(reference, reference, mask)
    alpha = np.where(mask >= HARD_LEVEL, 0, 255).astype(np.uint8)
    if Blend(blend) is Blend.FEATHER and feather > 0:
        ramp = np.rint(255 * (1 - _inward_ramp(mask, feather))).astype(np.uint8)
        alpha = np.where(mask >= HARD_LEVEL, ramp, np.uint8(255))
    return np.dstack([reference, alpha])


def check_sizes(reference: np.ndarray, generated: np.ndarray, mask: np.ndarray) -> None:
    """ValueError naming all three sizes unless they are the same."""
    if reference.shape == generated.shape and reference.shape[:2] == mask.shape:
        return
    sizes = (f"{array.shape[1]} x {array.shape[0]}" for array in (reference, generated, mask))
    names = ("reference", "generated", "mask")
    told = ", ".join(f"{name} {size}" for name, size in zip(names, sizes, strict=True))
    raise ValueError(f"the pictures must have one size, got {told}")


def _inward_ramp(mask: np.ndarray, feather: int) -> np.ndarray:
    """float32 H x W: 0 outside, rising to 1 at `feather` px inside the mask."""
    inside = (mask >= HARD_LEVEL).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.clip(depth / (feather + 1), 0, 1, dtype=np.float32)

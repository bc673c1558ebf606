"""Any mask form -> the user's mask; its softness, its reach, and the area it protects."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.job import Box, Protection

HARD_LEVEL = 128
"""A mask value from here on is repainted: 50 % of 255. The host cuts an alpha mask at > 128,
which agrees everywhere but at alpha 128 itself, and there the host's cut comes first."""

ALPHA_CUT = 128
"""The host turns alpha above this into 255 and the rest into 0 (measured on all four hosts)."""

BLUR_RADIUS_PER_SIGMA = 2.5
"""The host's kernel is 2 * int(2.5 * blur + 0.5) + 1 wide, so this many px a side per px of blur."""


def read_mask(image: Image.Image, *, invert: bool = False) -> np.ndarray:
    """The user's mask from a picture in any mode, read as the hosts read it.

    The alpha channel is the mask if the picture is RGBA and not all opaque, else its luma is.
    16-bit pictures are scaled to 8 bits. Returns uint8 H x W, 255 = repaint.
    """
    mask = _read_levels(image)
    return np.asarray(255 - mask if invert else mask, dtype=np.uint8)


def _read_levels(image: Image.Image) -> np.ndarray:
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"))
        if alpha.size and alpha.min() < 255:
            return np.where(alpha > ALPHA_CUT, 255, 0).astype(np.uint8)
    if image.mode.startswith("I") or image.mode == "F":
        return _read_deep(np.asarray(image))
    return np.asarray(image.convert("L"))


def _read_deep(levels: np.ndarray) -> np.ndarray:
    """Grey levels of more than 8 bits -> uint8: divided by 257 where any exceeds 255."""
    top = float(levels.max(initial=0))
    scaled = levels / 257.0 if top > 255 else levels
    return np.clip(scaled, 0, 255).astype(np.uint8)


def harden(mask: np.ndarray) -> np.ndarray:
    """The mask's hard form, uint8 H x W of 0 and 255: on from `HARD_LEVEL`."""
    return np.where(mask >= HARD_LEVEL, 255, 0).astype(np.uint8)


def soft_fraction(mask: np.ndarray) -> float:
    """Share (0-1) of the mask's non-zero pixels that are neither off nor fully on."""
    used = int(np.count_nonzero(mask))
    full = int(np.count_nonzero(mask == 255))
    return (used - full) / used if used else 0.0


def mask_box(mask: np.ndarray) -> Box | None:
    """The smallest box around all non-zero pixels; None for a blank mask."""
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def blur_reach(mask_blur: float) -> int:
    """How many px per axis the host's mask blur can spread a mask: int(2.5 * blur + 0.5)."""
    return int(BLUR_RADIUS_PER_SIGMA * mask_blur + 0.5)


def blur_mask(mask: np.ndarray, mask_blur: float) -> np.ndarray:
    """The host's mask blur, bit for bit: one Gaussian per axis, rounded to uint8 in between."""
    if mask_blur <= 0:
        return mask
    kernel = 2 * blur_reach(mask_blur) + 1
    across = cv2.GaussianBlur(mask, (kernel, 1), mask_blur)
    return cv2.GaussianBlur(across, (1, kernel), mask_blur)


def largest_living_blur(mask: np.ndarray, mask_blur: int) -> int:
    """The largest blur up to `mask_blur` under which the mask still repaints somewhere.

    A thin mask under a large blur rounds to blank; the host then drops to plain img2img and
    redraws the whole picture. Alive means that some pixel stays at `HARD_LEVEL` or above.
    """
    box = mask_box(mask)
    if box is None or mask.max() < HARD_LEVEL:
        return mask_blur
    margin = blur_reach(mask_blur)
    near = cv2.copyMakeBorder(mask[box.slices], *[margin] * 4, cv2.BORDER_CONSTANT)
    for blur in range(mask_blur, 0, -1):
        if blur_mask(near, blur).max() >= HARD_LEVEL:
            return blur
    return 0


def edge_distance(mask: np.ndarray) -> np.ndarray:
    """Chessboard distance of every pixel outside the hard mask to its nearest mask pixel.

    uint8 or bool H x W -> float32 H x W, 0 inside the mask; infinity everywhere if it is blank.
    """
    inside = mask >= HARD_LEVEL if mask.dtype != np.bool_ else mask
    if not inside.any():
        return np.full(mask.shape, np.inf, np.float32)
    return cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_C, 3)


def protected_area(
    mask: np.ndarray, protection: Protection = Protection.HARD, *, band: int = 0
) -> np.ndarray:
    """bool H x W: the pixels that must equal the reference.

    HARD: where the hard mask is off. SOFT: where the mask is 0 and more than `band` px from its
    edge. NONE: nowhere.
    """
    if protection is Protection.NONE:
        return np.zeros(mask.shape, bool)
    if protection is Protection.HARD:
        return mask < HARD_LEVEL
    allowed = (mask > 0).astype(np.uint8)
    if band > 0:
        allowed = cv2.dilate(allowed, np.ones((2 * band + 1, 1), np.uint8))
        allowed = cv2.dilate(allowed, np.ones((1, 2 * band + 1), np.uint8))
    return allowed == 0

"""Any mask form -> the user's mask; its softness, its reach, and the area it protects."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.job import Box, Protection
from bleed_guard.core.stripes import read_channel

HARD_LEVEL = 128
"""A mask value from here on is repainted: 50 % of 255. The host cuts an alpha mask at > 128,
which agrees everywhere but at alpha 128 itself, and there the host's cut comes first."""

ALPHA_CUT = 128
"""The host turns alpha above this into 255 and the rest into 0 (measured on all four hosts)."""

BLUR_RADIUS_PER_SIGMA = 2.5
"""The host's kernel is 2 * int(2.5 * blur + 0.5) + 1 wide: this many px a side per px of blur."""

COARSE_BLUR = 8
"""Where only the blur's brightest place is looked for, the mask is shrunk until its blur is this
many px wide: narrow enough to be quick, wide enough that the place is found to a px or two."""


def read_mask(image: Image.Image, *, invert: bool = False) -> np.ndarray:
    """The user's mask from a picture in any mode, read as the hosts read it.

    The alpha channel is the mask if the picture is RGBA and not all opaque, else its luma is
    (LA, P and 1-bit pictures too: the hosts look at no other alpha). Deeper pictures are brought
    to 8 bits by `to_eight_bits`. Returns uint8 H x W, 255 = repaint.
    """
    mask = _read_levels(image)
    return np.asarray(255 - mask if invert else mask, dtype=np.uint8)


def _read_levels(image: Image.Image) -> np.ndarray:
    if image.mode == "RGBA":
        alpha = read_channel(image, "A")
        if alpha.size and alpha.min() < 255:
            return cv2.threshold(alpha, ALPHA_CUT, 255, cv2.THRESH_BINARY)[1]
    if is_deep(image):
        return to_eight_bits(np.asarray(image))
    return read_channel(image if image.mode == "L" else image.convert("L"), "L")


def is_deep(image: Image.Image) -> bool:
    """Whether the picture is grey of more than 8 bits: 16- and 32-bit integers, or floats."""
    return image.mode.startswith("I") or image.mode == "F"


def to_eight_bits(levels: np.ndarray) -> np.ndarray:
    """Deep grey levels -> uint8 of the same shape, keeping what half brightness is.

    Floats up to 1 stand for 0-1 and integers above 255 for 0-65535 (their high byte is kept, as
    libpng does); the rest is cut to 0-255. Pillow itself only cuts, on every host: a 16-bit mask
    repaints there from 0.4 % on, where the user meant 50 %.
    """
    top = float(levels.max(initial=0))
    if top > 255:
        return np.clip(levels // 256, 0, 255).astype(np.uint8)
    scale = 255.0 if top <= 1 and levels.dtype.kind == "f" else 1.0
    return np.clip(np.rint(levels * scale), 0, 255).astype(np.uint8)


def harden(mask: np.ndarray) -> np.ndarray:
    """The mask's hard form, uint8 H x W of 0 and 255: on from `HARD_LEVEL`."""
    return np.where(mask >= HARD_LEVEL, np.uint8(255), np.uint8(0))


def soft_fraction(mask: np.ndarray) -> float:
    """Share (0-1) of the mask's non-zero pixels that are neither off nor fully on."""
    used = int(np.count_nonzero(mask))
    full = int(np.count_nonzero(mask == 255))
    return (used - full) / used if used else 0.0


def grow_box(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    """`box` with `margin` px more on each side, cut at a picture of `shape` (height, width)."""
    return Box(
        max(box.left - margin, 0),
        max(box.top - margin, 0),
        min(box.right + margin, shape[1]),
        min(box.bottom + margin, shape[0]),
    )


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


def largest_living_blur(mask: np.ndarray, mask_blur: int, box: Box | None) -> int:
    """The largest blur (to 1 px) up to `mask_blur` under which the mask still repaints somewhere.

    A thin mask under a large blur rounds to blank; the host then drops to plain img2img and
    redraws the whole picture. Alive means that some pixel stays at `HARD_LEVEL` or above. A mask
    that repaints nothing anyway keeps its blur. uint8 H x W, px and the mask's box -> px.
    """
    if box is None or mask[box.slices].max() < HARD_LEVEL or _survives(mask, box, mask_blur):
        return mask_blur
    living, blank = 0, mask_blur
    while blank - living > 1:
        middle = (living + blank) // 2
        living, blank = (middle, blank) if _survives(mask, box, middle) else (living, middle)
    return living


def _survives(mask: np.ndarray, box: Box, mask_blur: int) -> bool:
    """Whether the blurred mask reaches `HARD_LEVEL` somewhere.

    It does where all the blur takes in is that strong. Blurring a large mask widely takes
    seconds, so else the brightest place is found on a coarse copy and only its surroundings are
    blurred in full.
    """
    region = grow_box(box, blur_reach(mask_blur), mask.shape)
    if mask_blur <= 0 or _weakest_around(mask[region.slices], mask_blur).max() >= HARD_LEVEL:
        return True
    scale = max(1, mask_blur // COARSE_BLUR)
    size = -(-region.width // scale), -(-region.height // scale)
    coarse = cv2.resize(mask[region.slices], size, interpolation=cv2.INTER_AREA)
    sigma = mask_blur / scale
    bright = cv2.GaussianBlur(coarse, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    x, y = cv2.minMaxLoc(bright)[3]
    left, top = region.left + x * scale, region.top + y * scale
    found = grow_box(Box(left, top, left + scale, top + scale), scale + COARSE_BLUR, mask.shape)
    near = grow_box(found, blur_reach(mask_blur), mask.shape)
    blurred = np.zeros(mask.shape, np.uint8)
    blurred[near.slices] = blur_mask(mask[near.slices], mask_blur)
    return bool(blurred[found.slices].max(initial=0) >= HARD_LEVEL)


def _weakest_around(mask: np.ndarray, mask_blur: int) -> np.ndarray:
    """The least of what each pixel's blur takes in, uint8 H x W: what it blurs to at least."""
    window = np.ones((2 * blur_reach(mask_blur) + 1, 1), np.uint8)
    return cv2.erode(cv2.erode(mask, window), window.T)


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

"""Bringing the generated image back over the original: uncrop, colour correction, overlay."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from modules import images, shared
from PIL import Image

Box = tuple[int, int, int, int]

LUMINOSITY_WEIGHTS = (0.299, 0.587, 0.114)


def setup_color_correction(image: Image.Image) -> np.ndarray:
    """What an image's colours shall be like later: its CIELAB pixels, uint8 H x W x 3."""
    return cv2.cvtColor(np.asarray(image.copy()), cv2.COLOR_RGB2LAB)


def _match_histograms(image: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Each channel's values moved to the target's distribution; uint8 H x W x 3 twice."""
    from skimage.exposure import match_histograms

    return match_histograms(image, target, channel_axis=2)


def _luminosity(colors: np.ndarray) -> np.ndarray:
    red, green, blue = (colors[..., i] * LUMINOSITY_WEIGHTS[i] for i in range(3))
    return red + green + blue


def _clip_color(colors: np.ndarray) -> np.ndarray:
    """Colours out of 0-1 pulled towards their luminosity until they fit."""
    middle = _luminosity(colors)[..., None]
    low, high = colors.min(axis=2, keepdims=True), colors.max(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        colors = np.where(low < 0, middle + (colors - middle) * middle / (middle - low), colors)
        lifted = middle + (colors - middle) * (1 - middle) / (high - middle)
    return np.where(high > 1, lifted, colors)


def _with_luminosity_of(colors: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """The luminosity blend mode: uint8 H x W x 3 twice -> uint8 H x W x 3."""
    colors, brightness = colors / 255, brightness / 255
    moved = colors + (_luminosity(brightness) - _luminosity(colors))[..., None]
    levels = np.clip(_clip_color(moved), 0, 1) * 255
    return (levels.round() if shared.profile.correction_rounds else levels).astype(np.uint8)


def apply_color_correction(correction: np.ndarray, original_image: Image.Image) -> Image.Image:
    """The image with the histogram of what `setup_color_correction` saw; RGB."""
    pixels = np.asarray(original_image, dtype=np.uint8)
    lab = _match_histograms(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), correction)
    matched = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).astype(np.uint8)
    if shared.profile.correction_keeps_luminosity:
        matched = _with_luminosity_of(matched, pixels)
    return Image.fromarray(matched).convert("RGB")


def uncrop(image: Image.Image, dest_size: tuple[int, int], paste_loc: Box) -> Image.Image:
    """An empty RGBA image of that size with the crop at (x, y, width, height)."""
    x, y, width, height = paste_loc
    canvas = Image.new("RGBA", dest_size)
    canvas.paste(images.resize_image(1, image, width, height), (x, y))
    return canvas


def _blend_precisely(
    image: Image.Image, original: Image.Image, mask: np.ndarray
) -> Image.Image | None:
    """image * mask + original * (1 - mask); None if the sizes differ."""
    if image.size != original.size or mask.shape != (image.height, image.width):
        return None
    new = np.array(image, dtype=np.float32)[..., :3] / 255.0
    old = np.array(original, dtype=np.float32) / 255.0
    mask = mask[..., None]
    blended = new * mask + old * (1.0 - mask)
    return Image.fromarray(np.clip((blended * 255.0).round(), 0, 255).astype(np.uint8))


def apply_overlay(
    image: Image.Image, paste_loc: Box | None, overlay: Any
) -> tuple[Image.Image, Image.Image]:
    """Lays the overlay over the image, which is first put at its place if it is a crop.

    Args:
        overlay: RGBA image; a tuple (RGB image, float32 mask H x W in 0-1) where the host has
            the precise mask; None leaves the image alone.

    Returns:
        The result, and the image before the overlay.
    """
    if overlay is None:
        return image, image.copy()
    original, mask = overlay, None
    if isinstance(overlay, tuple) and shared.profile.offers_precise_mask:
        original, mask = overlay
    if paste_loc is not None:
        image = uncrop(image, original.size, paste_loc)
    below = image.copy()
    if mask is not None:
        return _blend_precisely(image, original, mask) or image, below
    image = image.convert("RGBA")
    image.alpha_composite(original)
    return image.convert("RGB"), below


def mask_composite(denoised: Image.Image, mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The generated content alone, RGBA: transparent where the mask is 0."""
    fitted = images.resize_image(2, mask, *size).convert("L")
    premultiplied = denoised.convert("RGBA").convert("RGBa")
    return Image.composite(premultiplied, Image.new("RGBa", size), fitted).convert("RGBA")

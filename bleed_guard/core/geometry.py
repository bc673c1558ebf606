"""Where the result lies over the init image: reference, crop box, resize modes, odd sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageColor

from bleed_guard.core.job import Box, ResizeMode, mask_box
from bleed_guard.core.mask import is_deep, to_eight_bits
from bleed_guard.core.stripes import read_pixels

LATENT_CELL = 8
"""px of a decoded picture that one latent covers: its sides are multiples of it (93 x 61 ->
88 x 56), and a host repaints whole latents: new content may reach so far beyond the mask."""

LATENT_STEP = 64
"""px: what width and height are best multiples of, so that all models can take them and no layer
rounds them; some hosts bring every size to one."""

ResizeImage = Callable[[ResizeMode, Image.Image, int, int], Image.Image]
Read = Callable[..., np.ndarray]
"""`stripes.read_pixels` or `stripes.read_layer`."""


def flatten_image(
    image: Image.Image, background: str = "#ffffff", *, read: Read = read_pixels
) -> np.ndarray:
    """Any picture as the host sees it: transparency laid on `background`, then RGB.

    Only RGBA is laid on it, as in the hosts: other modes lose their alpha. Grey of more than
    8 bits is scaled, where Pillow alone would turn it white. Returns what `read` gives: uint8
    H x W x 3 by default.
    """
    if is_deep(image):
        return read(Image.fromarray(to_eight_bits(np.asarray(image))))
    if image.mode != "RGBA":
        return read(image)
    return read(image, lambda part: _lay_on(part, background))


def _lay_on(image: Image.Image, background: str) -> Image.Image:
    """An RGBA picture on a background, RGB."""
    base = Image.new("RGBA", image.size, ImageColor.getrgb(background))
    base.paste(image, mask=image)
    return base.convert("RGB")


def resize_image(mode: ResizeMode, image: Image.Image, width: int, height: int) -> Image.Image:
    """The host's resize modes with its LANCZOS filter; the picture keeps its mode.

    JUST_RESIZE and LATENT_UPSCALE stretch; CROP_AND_RESIZE covers the target and cuts what
    stands over; RESIZE_AND_FILL fits inside and stretches the picture's edge over the rest.
    """
    if mode in (ResizeMode.JUST_RESIZE, ResizeMode.LATENT_UPSCALE):
        return image.resize((width, height), Image.Resampling.LANCZOS)
    covers = mode == ResizeMode.CROP_AND_RESIZE
    fitted = scaled_size(image.size, (width, height), covers=covers)
    scaled = image.resize(fitted, Image.Resampling.LANCZOS)
    left, top = width // 2 - scaled.width // 2, height // 2 - scaled.height // 2
    canvas = Image.new(image.mode, (width, height))
    canvas.paste(scaled, (left, top))
    if mode == ResizeMode.RESIZE_AND_FILL:
        _fill_edges(canvas, scaled, left, top)
    return canvas


def scaled_size(
    source: tuple[int, int], target: tuple[int, int], *, covers: bool
) -> tuple[int, int]:
    """`source` brought to one side of `target`, the other whole-number scaled as the host does;
    where that leaves nothing (the host fails there), one pixel."""
    (width, height), (target_width, target_height) = source, target
    is_wider = target_width / target_height > width / height
    if is_wider == covers:
        return target_width, max(height * target_width // width, 1)
    return max(width * target_height // height, 1), target_height


def _fill_edges(canvas: Image.Image, scaled: Image.Image, left: int, top: int) -> None:
    """Stretch the outermost row or column of `scaled` over what it leaves free of `canvas`."""
    width, height = canvas.size
    if top > 0:
        first = scaled.resize((width, top), box=(0, 0, scaled.width, 0))
        last = scaled.resize((width, top), box=(0, scaled.height, scaled.width, scaled.height))
        canvas.paste(first, (0, 0))
        canvas.paste(last, (0, top + scaled.height))
    elif left > 0:
        first = scaled.resize((left, height), box=(0, 0, 0, scaled.height))
        last = scaled.resize((left, height), box=(scaled.width, 0, scaled.width, scaled.height))
        canvas.paste(first, (0, 0))
        canvas.paste(last, (left + scaled.width, 0))


def build_reference(
    init_image: Image.Image,
    *,
    only_masked: bool,
    size: tuple[int, int],
    resize_mode: ResizeMode = ResizeMode.JUST_RESIZE,
    background: str = "#ffffff",
    resize: ResizeImage = resize_image,
    read: Read = read_pixels,
) -> np.ndarray:
    """What every protected pixel of the result must equal, before any top-left crop.

    Only masked keeps the init image's own size; whole picture brings it to `size` (width,
    height) by `resize_mode`. Pass the host's own `resize` so that an upscaler it uses is used
    here too. Returns what `read` gives: uint8 H x W x 3 by default.
    """
    if only_masked or init_image.size == tuple(size):
        return flatten_image(init_image, background, read=read)
    flat = flatten_image(init_image, background)
    return read(resize(resize_mode, Image.fromarray(flat), *size))


def build_mask(
    mask: np.ndarray,
    *,
    size: tuple[int, int],
    resize_mode: ResizeMode = ResizeMode.JUST_RESIZE,
) -> np.ndarray:
    """The user's mask brought to `size` (width, height) the way the host brings its own.

    uint8 H x W -> uint8 H x W.
    """
    if mask.shape[::-1] == tuple(size):
        return mask
    return np.asarray(resize_image(resize_mode, Image.fromarray(mask), *size))


def crop_top_left(array: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """`array` cut to `size` (width, height) at its top left, where a result of a size that is no
    multiple of 8 lies; None if `size` is not within one latent cell below the array's own."""
    height, width = array.shape[:2]
    lost_width, lost_height = width - size[0], height - size[1]
    if lost_width == lost_height == 0:
        return array  # no view of it: who keeps the array need not copy it
    if 0 <= lost_width < LATENT_CELL and 0 <= lost_height < LATENT_CELL:
        return array[: size[1], : size[0]]
    return None


def crop_box(mask: np.ndarray, *, padding: int, size: tuple[int, int]) -> Box | None:
    """The region the host crops in only masked, for a mask as the host holds it (blurred).

    The mask's box grown by `padding` px, cut at the picture, then widened to the aspect ratio of
    `size` (width, height). uint8 H x W -> Box, or None for a blank mask.
    """
    box = mask_box(mask)
    if box is None:
        return None
    height, width = mask.shape
    left, right = max(box.left - padding, 0), min(box.right + padding, width)
    top, bottom = max(box.top - padding, 0), min(box.bottom + padding, height)
    wanted = size[0] / size[1]
    if (right - left) / (bottom - top) > wanted:
        top, bottom = _grow(top, bottom, (right - left) / wanted, height)
    else:
        left, right = _grow(left, right, (bottom - top) * wanted, width)
    return Box(left, top, right, bottom)


def _grow(start: int, stop: int, wanted: float, limit: int) -> tuple[int, int]:
    """Widen [start, stop) to `wanted` around its middle, moved and cut to stay in [0, limit)."""
    extra = int(wanted - (stop - start))
    start -= extra // 2
    stop += extra - extra // 2
    if stop >= limit:
        start, stop = start - (stop - limit), limit
    if start < 0:
        start, stop = 0, min(stop - start, limit)
    return start, stop

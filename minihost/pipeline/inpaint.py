"""What the hosts make of init images and mask before sampling."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from modules import images, masking, shared
from PIL import Image, ImageOps

from minihost.pipeline import compositing, latents
from minihost.profiles import Ramp

BLANK_MASK = 'Unable to perform "Inpaint Only mask" because mask is blank, switch to img2img mode.'


def create_binary_mask(image: Image.Image, round: bool = True) -> Image.Image:
    """The user's mask as L: the alpha channel, cut at > 128, unless it is all opaque."""
    if image.mode != "RGBA" or image.getextrema()[-1] == (255, 255):
        return image.convert("L")
    alpha = image.getchannel("A")
    return alpha.point([255 * (level > 128) for level in range(256)]) if round else alpha


class Mask(NamedTuple):
    """The blurred mask: L, and the same as an array (float32 0-1 when it is the precise one)."""

    image: Image.Image
    exact: np.ndarray


@dataclass
class Prepared:
    """What `prepare` found, handed on to the init images.

    Attributes:
        mask: Mask of the latents at the working size; None is no inpaint.
        exact: Float mask of precise overlays, at the overlay's size.
        crop_region: Of only masked.
    """

    mask: Image.Image | None = None
    exact: np.ndarray | None = None
    crop_region: masking.Region | None = None


def _kernel(blur: float) -> int:
    return 2 * int(2.5 * blur + 0.5) + 1


def _is_precise() -> bool:
    return shared.profile.offers_precise_mask and shared.opts.img2img_inpaint_precise_mask


def _blur_by_axis(p: Any, mask: Image.Image) -> Mask:
    pixels = np.array(mask)
    if p.mask_blur_x > 0:
        pixels = cv2.GaussianBlur(pixels, (_kernel(p.mask_blur_x), 1), p.mask_blur_x)
    if p.mask_blur_y > 0:
        pixels = cv2.GaussianBlur(pixels, (1, _kernel(p.mask_blur_y)), p.mask_blur_y)
    return Mask(Image.fromarray(pixels), pixels)


def _blur_at_once(p: Any, mask: Image.Image) -> Mask:
    precise = _is_precise()
    exact = np.array(mask, dtype=np.float32) / 255.0 if precise else np.array(mask)
    if p.mask_blur <= 0:
        return Mask(mask, exact)
    side = _kernel(p.mask_blur)
    exact = cv2.GaussianBlur(exact, (side, side), p.mask_blur)
    levels = np.clip((exact * 255.0).round(), 0, 255).astype(np.uint8) if precise else exact
    return Mask(Image.fromarray(levels), exact)


def _read_mask(p: Any) -> Mask:
    """The user's mask: binary, inverted if asked, blurred."""
    mask = create_binary_mask(p.image_mask, round=p.mask_round)
    if p.inpainting_mask_invert:
        mask = ImageOps.invert(mask)
        p.extra_generation_params["Mask mode"] = "Inpaint not masked"
    blur = _blur_by_axis if shared.profile.blur_in_two_passes else _blur_at_once
    blurred = blur(p, mask)
    if p.mask_blur_x > 0 or p.mask_blur_y > 0:
        p.extra_generation_params["Mask blur"] = p.mask_blur
    return blurred


def _ramped(mask: Image.Image) -> Image.Image:
    """Whole picture's mask of the overlay: the blurred mask, made larger."""
    pixels = np.array(mask, dtype=np.float32)
    if shared.profile.ramp is Ramp.DOUBLE:
        return Image.fromarray(np.clip(pixels * 2, 0, 255).astype(np.uint8))
    rooted = np.power(pixels / 255.0, 0.5) * 255.0
    return Image.fromarray(np.clip(rooted.round(), 0, 255).astype(np.uint8))


def _prepare_only_masked(p: Any, mask: Mask) -> Prepared:
    p.mask_for_overlay = mask.image
    region = masking.get_crop_region_v2(mask.image, p.inpaint_full_res_padding)
    if region is None:
        p.mask_for_overlay = None
        p.inpaint_full_res = False
        p.sd_model.comments.append(BLANK_MASK)
        return Prepared()
    region = masking.expand_crop_region(region, p.width, p.height, *mask.image.size)
    left, top, right, bottom = region
    p.paste_to = (left, top, right - left, bottom - top)
    p.extra_generation_params["Inpaint area"] = "Only masked"
    p.extra_generation_params["Masked area padding"] = p.inpaint_full_res_padding
    cropped = images.resize_image(2, mask.image.crop(region), p.width, p.height)
    return Prepared(cropped, mask.exact, region)


def _prepare_whole_picture(p: Any, mask: Mask) -> Prepared:
    resized = images.resize_image(p.resize_mode, mask.image, p.width, p.height)
    p.mask_for_overlay = _ramped(resized)
    exact = mask.exact
    if _is_precise():
        exact = cv2.resize(exact, (p.width, p.height), interpolation=cv2.INTER_LINEAR)
    return Prepared(resized, exact)


def prepare_mask(p: Any) -> Prepared:
    """Reads the job's mask; sets `mask_for_overlay`, `paste_to` and `overlay_images`."""
    if p.image_mask is None:
        return Prepared()
    prepare = _prepare_only_masked if p.inpaint_full_res else _prepare_whole_picture
    prepared = prepare(p, _read_mask(p))
    p.overlay_images = []
    return prepared


def _add_overlay(p: Any, image: Image.Image, prepared: Prepared) -> None:
    """The original where the mask is not: what will be laid over the result."""
    if p.mask_for_overlay.size != image.size:
        p.mask_for_overlay = images.resize_image(p.resize_mode, p.mask_for_overlay, *image.size)
    if _is_precise():
        p.overlay_images.append((image.copy(), prepared.exact))
        return
    kept = Image.new("RGBa", image.size)
    outside = ImageOps.invert(p.mask_for_overlay.convert("L"))
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=outside)
    p.overlay_images.append(kept.convert("RGBA"))


def _save_init_image(p: Any, image: Image.Image) -> None:
    if not shared.opts.save_init_img:
        return
    p.init_img_hash = hashlib.md5(image.tobytes()).hexdigest()
    images.save_image(
        image,
        path=shared.opts.outdir_init_images,
        basename=None,
        forced_filename=p.init_img_hash,
        save_to_dirs=False,
        existing_info={str(key): value for key, value in image.info.items()},
    )


def _prepare_image(p: Any, given: Image.Image, prepared: Prepared) -> Image.Image:
    """One init image as the model gets it, RGB; its overlay is added on the way."""
    _save_init_image(p, given)
    image = images.flatten(given, shared.opts.img2img_background_color)
    if prepared.crop_region is None and p.resize_mode != 3:
        image = images.resize_image(p.resize_mode, image, p.width, p.height)
    if prepared.mask is not None:
        _add_overlay(p, image, prepared)
    if prepared.crop_region is not None:
        cropped = image.crop(prepared.crop_region)
        image = images.resize_image(2, cropped, p.width, p.height)
    if prepared.mask is not None and p.inpainting_fill != 1:
        image = masking.fill(image, _latent_mask(p, prepared.mask))
        if p.inpainting_fill == 0:
            p.extra_generation_params["Masked content"] = "fill"
    return image


def _latent_mask(p: Any, mask: Image.Image) -> Image.Image:
    return p.latent_mask if p.latent_mask is not None else mask


def _batch(p: Any, prepared_images: list[np.ndarray]) -> np.ndarray:
    """uint8 B x H x W x 3: one image for the whole batch, or one for each."""
    if len(prepared_images) == 1:
        if p.overlay_images is not None:
            p.overlay_images = p.overlay_images * p.batch_size
        if p.color_corrections is not None and len(p.color_corrections) == 1:
            p.color_corrections = p.color_corrections * p.batch_size
        return np.repeat(prepared_images[0][None], p.batch_size, axis=0)
    if len(prepared_images) > p.batch_size:
        count = len(prepared_images)
        raise RuntimeError(
            f"bad number of images passed: {count}; expecting {p.batch_size} or less"
        )
    p.batch_size = len(prepared_images)
    return np.array(prepared_images)


def prepare_images(p: Any, prepared: Prepared) -> None:
    """Makes the job's overlays, colour corrections and the batch of images for the model."""
    made = [_prepare_image(p, given, prepared) for given in p.init_images]
    if shared.opts.img2img_color_correction and p.color_corrections is None:
        p.color_corrections = [compositing.setup_color_correction(image) for image in made]
    p.model_images = _batch(p, [np.array(image) for image in made])


def prepare_latents(p: Any, prepared: Prepared, seeds: list[int]) -> None:
    """Encodes the images; with a mask makes `p.mask` and `p.nmask`, float32 4 x h x w each."""
    p.init_latent = latents.encode(p.model_images)
    cells = (p.height // latents.FACTOR, p.width // latents.FACTOR)
    if p.resize_mode == 3:
        p.init_latent = latents.interpolate(p.init_latent, *cells)
    if prepared.mask is None:
        return
    rows, columns = p.init_latent.shape[2:]
    resized = _latent_mask(p, prepared.mask).convert("RGB").resize((columns, rows))
    cut = np.asarray(resized, dtype=np.float32)[..., 0] / 255
    cut = np.around(cut) if p.mask_round else cut
    p.nmask = latents.as_host_array(np.tile(cut[None], (latents.CHANNELS, 1, 1)))
    p.mask = latents.as_host_array(1.0 - p.nmask)
    if p.inpainting_fill == 2:
        drawn = latents.noise(seeds[: len(p.init_latent)], rows, columns)
        p.init_latent = p.init_latent * p.mask + drawn * p.nmask
        p.extra_generation_params["Masked content"] = "latent noise"
    elif p.inpainting_fill == 3:
        p.init_latent = p.init_latent * p.mask
        p.extra_generation_params["Masked content"] = "latent nothing"

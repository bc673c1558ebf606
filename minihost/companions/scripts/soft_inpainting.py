"""Soft Inpainting, in small: the overlay follows what changed in the latents, not the mask.

The title, the arguments and what hooks are used are the hosts'; the latents are the mini
host's, so that the masks are of the same kind, not the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from modules import images, processing, scripts, shared
from PIL import Image, ImageFilter, ImageOps

LATENT_SPREAD = 4.0
"""How much wider an autoencoder's latents are than the mini host's block means."""
BLUR_RADIUS = 4
"""Blur of the masks, px, against the latents' blocks."""

PARAMETERS = {
    "Schedule bias": (0, 8, 1, 0.1),
    "Preservation strength": (0, 8, 0.5, 0.05),
    "Transition contrast boost": (1, 32, 4, 0.5),
    "Mask influence": (0, 1, 0, 0.05),
    "Difference threshold": (0, 8, 0.5, 0.25),
    "Difference contrast": (0, 8, 2, 0.25),
}
"""Label -> (least, most, default, step)."""


def _smoother(x: np.ndarray) -> np.ndarray:
    return x * x * x * (x * (6 * x - 15) + 10)


def _changed(distance: np.ndarray, threshold: float, contrast: float) -> Image.Image:
    """L at the latents' size: 0 where they hardly changed, 255 where they did."""
    kept = 1 / (1 + (distance / max(threshold, 1e-5)) ** contrast)
    return Image.fromarray((255 * (1 - _smoother(kept))).astype(np.uint8))


def _original(p: Any, given: Image.Image) -> Image.Image:
    image = images.flatten(given, shared.opts.img2img_background_color)
    if p.paste_to is None and p.resize_mode != 3:
        image = images.resize_image(p.resize_mode, image, p.width, p.height)
    return image


class SoftInpainting(scripts.Script):
    """Always on, in the inpaint section."""

    section = "inpaint"

    def title(self) -> str:
        return "Soft Inpainting"

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible if is_img2img else False

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio
        from modules.ui_components import InputAccordion

        with InputAccordion(
            False, label="Soft inpainting", elem_id="soft_inpainting_enabled"
        ) as on:
            sliders = [
                gradio.Slider(low, high, value, step=step, label=label)
                for label, (low, high, value, step) in PARAMETERS.items()
            ]
        names = [f"Soft inpainting {label.lower()}" for label in ("Enabled", *PARAMETERS)]
        self.infotext_fields = list(zip([on, *sliders], names, strict=True))
        self.paste_field_names = names
        return [on, *sliders]

    def process(self, p: Any, enabled: bool = False, *values: float) -> None:
        if not enabled or getattr(p, "image_mask", None) is None:
            return
        p.mask_round = False
        told = zip(("Enabled", *PARAMETERS), (True, *values), strict=True)
        p.extra_generation_params.update({f"Soft inpainting {x.lower()}": v for x, v in told})

    def on_mask_blend(self, p: Any, mba: Any, enabled: bool = False, *values: float) -> None:
        if enabled and mba.is_final_blend:
            mba.blended_latent = mba.current_latent

    def post_sample(self, p: Any, ps: Any, enabled: bool = False, *values: float) -> None:
        if not enabled or p.nmask is None or getattr(ps.samples, "already_decoded", False):
            return
        threshold, contrast = values[4], values[5]
        originals = [_original(p, given) for given in p.init_images]
        originals *= len(ps.samples) if len(originals) == 1 else 1
        moved = np.asarray(ps.samples, np.float32) - np.asarray(p.init_latent, np.float32)
        distances = np.linalg.norm(moved, axis=1) * LATENT_SPREAD
        p.soft_inpainting = [
            self._overlay(p, original, _changed(distance, threshold, contrast))
            for original, distance in zip(originals, distances, strict=False)
        ]

    def _overlay(
        self, p: Any, original: Image.Image, changed: Image.Image
    ) -> tuple[Image.Image, Image.Image]:
        """(mask_for_overlay, overlay_image)."""
        mask = images.resize_image(2, changed, p.width, p.height).convert("L")
        mask = mask.filter(ImageFilter.GaussianBlur(BLUR_RADIUS))
        if p.paste_to is not None:
            mask = processing.uncrop(mask, original.size, p.paste_to)
        overlay = Image.new("RGBa", original.size)
        outside = ImageOps.invert(mask.convert("L"))
        if outside.size != original.size:
            outside = outside.resize(original.size)
        overlay.paste(original.convert("RGBA").convert("RGBa"), mask=outside)
        return mask, overlay.convert("RGBA")

    def postprocess_maskoverlay(
        self, p: Any, ppmo: Any, enabled: bool = False, *values: float
    ) -> None:
        made = getattr(p, "soft_inpainting", [])
        if enabled and ppmo.index < len(made):
            ppmo.mask_for_overlay, ppmo.overlay_image = made[ppmo.index]

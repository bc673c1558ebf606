"""One image from the host's decoded picture to the guarded result, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from bleed_guard.core.composite import Blend, build_overlay, paste_back
from bleed_guard.core.job import GuardPlan, InpaintJob, Protection
from bleed_guard.core.mask import HARD_LEVEL, protected_area
from bleed_guard.core.original_size import bring_back
from bleed_guard.core.settings import GuardSettings
from bleed_guard.host import compat, processing
from bleed_guard.host.processing import Canvas, UnmappableError


@dataclass(frozen=True)
class Rules:
    """What was decided for all images of the job."""

    settings: GuardSettings
    job: InpaintJob
    plan: GuardPlan

    @property
    def is_forcing(self) -> bool:
        """Whether protected pixels are put back, rather than only measured."""
        return self.settings.paste_back and self.plan.protection is not Protection.NONE


@dataclass(frozen=True)
class DecodedImage:
    """What the model gave, as the host is about to composite it.

    `before_faces` is the host's tensor from before face restoration, float 3 x H x W of 0-1; None
    where there is none.
    """

    index: int
    batch_index: int
    image: Image.Image
    before_faces: Any = None


@dataclass(frozen=True)
class LaidOutImage:
    """A decoded image, where it lies, and the overlay the host alone would have used.

    `host_overlay` is an RGBA image, a tuple of an RGB image and a float mask, or None.
    """

    decoded: DecodedImage
    canvas: Canvas
    host_overlay: Any
    keeps_host_blend: bool

    @property
    def editable(self) -> np.ndarray:
        """uint8 H x W, 255 where the picture may change."""
        return np.where(self.canvas.protected, np.uint8(0), np.uint8(255))


class Composed(NamedTuple):
    """One finished image at each stage, uint8 H x W x 3 of the canvas' size.

    `composite` is what reached the guard, `unguarded` what the host alone would have given.
    """

    canvas: Canvas
    composite: np.ndarray
    unguarded: np.ndarray
    result: np.ndarray


def lay_out(p: Any, decoded: DecodedImage, overlay: Any, rules: Rules) -> LaidOutImage:
    """Where the image lies. Raises UnmappableError if nobody can tell."""
    canvas = processing.build_canvas(
        p, rules.job, rules.plan, decoded.batch_index, decoded.image.size
    )
    wants_blend = rules.plan.protection is Protection.SOFT or rules.job.has_soft_inpainting
    picture = overlay[0] if isinstance(overlay, tuple) else overlay
    fits = picture is not None and picture.size == canvas.size  # in latent upscale it does not
    return LaidOutImage(decoded, canvas, overlay, wants_blend and fits)


def make_overlay(laid: LaidOutImage) -> Image.Image:
    """The guard's overlay for the host: opaque where protected, clear where not."""
    overlay = build_overlay(laid.canvas.reference, laid.editable, blend=Blend.HARD)
    return Image.fromarray(overlay, "RGBA")


def compose(p: Any, laid: LaidOutImage, image: Image.Image, rules: Rules) -> Composed:
    """The guarded result from the picture the host composited.

    Raises UnmappableError if another extension changed the picture's size.
    """
    canvas = laid.canvas
    if image.size != canvas.size:
        raise UnmappableError(
            f"another extension made the picture {image.width} x {image.height} where "
            f"{canvas.size[0]} x {canvas.size[1]} was expected"
        )
    composite = np.asarray(image.convert("RGB"))
    if not rules.is_forcing:
        return Composed(canvas, composite, composite, composite)
    if laid.keeps_host_blend:
        result = paste_back(canvas.reference, composite, laid.editable, blend=Blend.HARD)
        return _restore_size(Composed(canvas, composite, composite, result), rules)
    batch_index = laid.decoded.batch_index
    corrected = compat.apply_color_correction(p, batch_index, laid.decoded.image)
    unguarded = compose_unguarded(p, laid, corrected)
    result = _blend_in(laid, composite, corrected, rules.settings)
    return _restore_size(Composed(canvas, composite, unguarded, result), rules)


def compose_unguarded(p: Any, laid: LaidOutImage, corrected: Image.Image) -> np.ndarray:
    """The host's own overlay over the picture, or no overlay where it has none."""
    if laid.host_overlay is not None:
        corrected = compat.apply_overlay(corrected, p.paste_to, laid.host_overlay)
    return processing.place_bare(corrected, laid.canvas)


def _blend_in(
    laid: LaidOutImage, composite: np.ndarray, corrected: Image.Image, settings: GuardSettings
) -> np.ndarray:
    """Paste-back with the chosen blend.

    Inside, the picture is the one that reached the guard; the ring outside, which the blends
    read the drift from, is what the model made of it before any overlay.
    """
    placed = processing.place_decoded(corrected, laid.canvas)
    generated = np.where(laid.canvas.protected[..., None], placed, composite)
    return paste_back(
        laid.canvas.reference,
        generated,
        laid.editable,
        blend=settings.blend,
        feather=settings.feather,
        known=laid.canvas.crop_box,
    )


def _restore_size(composed: Composed, rules: Rules) -> Composed:
    """If asked to and the host had resized the picture: the edit on the original, at its size."""
    canvas = composed.canvas
    if not rules.settings.keep_size or canvas.crop_box is not None or canvas.has_original_size:
        return composed
    original = canvas.flatten_original()
    mode, plan = rules.job.resize_mode, rules.plan
    mask = processing.mask_at(rules.job, canvas.init_image.size)
    protected = protected_area(mask, plan.protection, band=plan.band)
    pictures = [
        bring_back(picture, original, size=canvas.asked_size, resize_mode=mode)
        for picture in composed[1:]
    ]
    editable = np.where(protected, np.uint8(0), np.uint8(255))
    result = paste_back(original, pictures[-1], editable, blend=Blend.HARD)
    restored = replace(canvas, reference=original, mask=mask, protected=protected)
    return Composed(restored, pictures[0], pictures[1], result)


def outside_of(canvas: Canvas, protection: Protection) -> np.ndarray:
    """bool H x W: the pixels counted. Where nothing is protected, all outside the hard mask."""
    if protection is Protection.NONE:
        return canvas.mask < HARD_LEVEL
    return canvas.protected

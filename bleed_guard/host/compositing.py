"""One image from the host's decoded picture to the guarded result, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.composite import Blend, paste_back
from bleed_guard.core.job import Box, GuardPlan, InpaintJob, Protection
from bleed_guard.core.mask import HARD_LEVEL, protected_area
from bleed_guard.core.measure import ChangeCount, count_changes, differs_outside
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


class Composed(NamedTuple):
    """One finished image at each stage, uint8 H x W x 3 of the canvas' size.

    `composite` is what reached the guard, `unguarded` what the host alone would have given.
    Outside of `edit_box` the result is the reference by construction, and so is the unguarded
    picture outside of `open_box`; None where that is not known.
    """

    canvas: Canvas
    composite: np.ndarray
    unguarded: np.ndarray
    result: np.ndarray
    open_box: Box | None = None
    edit_box: Box | None = None

    def find_reached_box(self) -> Box | None:
        """Outside of it the picture that reached the guard is the reference; None: unknown."""
        box = self.edit_box
        is_right = box is not None and not differs_outside(
            self.canvas.reference, self.composite, box
        )
        return box if is_right else None


class Counter(NamedTuple):
    """Counts what differs from `reference` (uint8 H x W x 3) `outside` (bool H x W)."""

    reference: np.ndarray
    outside: np.ndarray
    tolerance: int

    def count_in(self, picture: np.ndarray, within: Box | None = None) -> ChangeCount:
        """Of a picture that is the reference outside of `within`; None: anywhere else, perhaps."""
        part = np.s_[:] if within is None else within.slices
        counted = count_changes(
            self.reference[part], picture[part], self.outside[part], tolerance=self.tolerance
        )
        total = cv2.countNonZero(self.outside.view(np.uint8))
        return counted._replace(protected=total)


class Unguarded(NamedTuple):
    """What the host alone gives, uint8 H x W x 3; the reference outside of `open_box`, if known."""

    picture: np.ndarray
    open_box: Box | None


def lay_out(
    p: Any, decoded: DecodedImage, overlay: Any, rules: Rules, known: Canvas | None = None
) -> LaidOutImage:
    """Where the image lies; `known` is where the image before it lay.

    Raises UnmappableError if nobody can tell.
    """
    place = processing.read_place(p, decoded.batch_index, decoded.image.size)
    if known is not None and known.place == place:
        canvas = known
    else:
        canvas = processing.build_canvas(place, rules.job, rules.plan)
    wants_blend = rules.plan.protection is Protection.SOFT or rules.job.has_soft_inpainting
    picture = overlay[0] if isinstance(overlay, tuple) else overlay
    fits = picture is not None and picture.size == canvas.size  # in latent upscale it does not
    return LaidOutImage(decoded, canvas, overlay, wants_blend and fits)


def compose(p: Any, laid: LaidOutImage, image: Image.Image, rules: Rules) -> Composed:
    """The guarded result from the picture the host composited.

    Raises UnmappableError if another extension changed the picture's size.
    """
    canvas = laid.canvas
    if image.size != canvas.size:
        is_bare = canvas.crop_box is not None and image.size == laid.decoded.image.size
        who = "the host, its overlay option off," if is_bare else "another extension"
        raise UnmappableError(
            f"{who} made the picture {image.width} x {image.height} where "
            f"{canvas.size[0]} x {canvas.size[1]} was expected"
        )
    composite = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    if not rules.is_forcing:
        return Composed(canvas, composite, composite, composite)
    if laid.keeps_host_blend:
        result = paste_back(canvas.reference, composite, canvas.editable, blend=Blend.HARD)
        return _restore_size(Composed(canvas, composite, composite, result), rules)
    batch_index = laid.decoded.batch_index
    corrected = compat.apply_color_correction(p, batch_index, laid.decoded.image)
    unguarded = compose_unguarded(p, laid, corrected)
    result = _blend_in(laid, composite, corrected, rules.settings)
    composed = Composed(canvas, composite, *unguarded[:1], result, unguarded[1], canvas.edit_box)
    return _restore_size(composed, rules)


def compose_unguarded(p: Any, laid: LaidOutImage, corrected: Image.Image) -> Unguarded:
    """The host's own overlay over the picture, or no overlay where it has none.

    Where an RGBA overlay is opaque it shows the reference: only the rest is composited.
    """
    overlay, canvas = laid.host_overlay, laid.canvas
    if overlay is None:
        return Unguarded(processing.place_bare(corrected, canvas), None)
    if not isinstance(overlay, Image.Image) or overlay.size != canvas.size:
        corrected = compat.apply_overlay(corrected, p.paste_to, overlay)
        return Unguarded(processing.place_bare(corrected, canvas), None)
    picture, box, paste_to = canvas.reference.copy(), canvas.open_box(overlay), p.paste_to
    if box.is_empty:
        return Unguarded(picture, box)
    if paste_to is None:
        corrected = corrected.crop(box)
    else:
        x, y, width, height = paste_to
        paste_to = (x - box.left, y - box.top, width, height)
    part = compat.apply_overlay(corrected, paste_to, overlay.crop(box))
    picture[box.slices] = np.asarray(part.convert("RGB"))
    return Unguarded(picture, box)


def _blend_in(
    laid: LaidOutImage, composite: np.ndarray, corrected: Image.Image, settings: GuardSettings
) -> np.ndarray:
    """Paste-back with the chosen blend.

    Inside, the picture is the one that reached the guard; the ring outside, which the blends
    read the drift from, is what the model made of it before any overlay.
    """
    canvas, part = laid.canvas, laid.canvas.edit_box
    result = canvas.reference.copy()
    if part.is_empty:
        return result
    placed = processing.place_decoded(corrected, canvas, part)
    protected = canvas.protected[part.slices]
    known = None if canvas.crop_box is None else canvas.crop_box.intersect(part)
    result[part.slices] = paste_back(
        canvas.reference[part.slices],
        np.where(protected[..., None], placed, composite[part.slices]),
        canvas.editable[part.slices],
        blend=settings.blend,
        feather=settings.feather,
        known=known and known.moved(-part.left, -part.top),
    )
    return result


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
        for picture in (composed.composite, composed.unguarded, composed.result)
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

"""One image from the host's decoded picture to the guarded result, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.composite import Blend
from bleed_guard.core.job import GuardPlan, InpaintJob, Protection
from bleed_guard.core.mask import HARD_LEVEL, protected_area
from bleed_guard.core.measure import ChangeCount, count_changes
from bleed_guard.core.original_size import bring_back
from bleed_guard.core.patch import Patch
from bleed_guard.core.settings import GuardSettings
from bleed_guard.core.stripes import differs_from, read_pixels
from bleed_guard.host import compat, processing
from bleed_guard.host.processing import Canvas, UnmappableError


@dataclass(frozen=True)
class Rules:
    """What was decided for all images of the job.

    `own` is laid below the result in place of an init image that a sketch or a filling is in.
    """

    settings: GuardSettings
    job: InpaintJob
    plan: GuardPlan
    own: Image.Image | None = None

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

    `host_overlay` is an RGBA image, a tuple of an RGB image and a float mask, or None. It
    `shows_reference` where it is opaque, unless the init image is not the user's own.
    """

    decoded: DecodedImage
    canvas: Canvas
    host_overlay: Any
    keeps_host_blend: bool
    shows_reference: bool = True


class Composed(NamedTuple):
    """One finished image at each stage, as what it changes of the canvas' reference.

    `composite` is what reached the guard, `unguarded` what the host alone would have given.
    """

    canvas: Canvas
    composite: Patch
    unguarded: Patch
    result: Patch


def lay_out(
    p: Any, decoded: DecodedImage, overlay: Any, rules: Rules, known: Canvas | None = None
) -> LaidOutImage:
    """Where the image lies; `known` is where the image before it lay.

    Raises UnmappableError if nobody can tell.
    """
    place = processing.read_place(p, decoded.batch_index, decoded.image.size)
    if rules.own is not None:
        place = place._replace(init_image=rules.own)
    if known is not None and known.place == place:
        canvas = known
    else:
        canvas = processing.build_canvas(place, rules.job, rules.plan)
    wants_blend = rules.plan.protection is Protection.SOFT or rules.job.has_soft_inpainting
    picture = overlay[0] if isinstance(overlay, tuple) else overlay
    fits = picture is not None and picture.size == canvas.size  # in latent upscale it does not
    is_own = rules.own is None
    return LaidOutImage(decoded, canvas, overlay, wants_blend and fits, is_own)


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
    composite = read_composite(image, canvas)
    if not rules.is_forcing:
        return Composed(canvas, composite, composite, composite)
    if laid.keeps_host_blend:
        result = _paste(canvas, composite, Blend.HARD)
        return _restore_size(Composed(canvas, composite, composite, result), rules)
    batch_index = laid.decoded.batch_index
    corrected = compat.apply_color_correction(p, batch_index, laid.decoded.image)
    unguarded = compose_unguarded(p, laid, corrected)
    result = _blend_in(canvas, composite, corrected, rules.settings)
    return _restore_size(Composed(canvas, composite, unguarded, result), rules)


def read_composite(image: Image.Image, canvas: Canvas) -> Patch:
    """The picture that reached the guard; no more of it than where it may differ, if all else is
    the reference."""
    box = canvas.edit_box
    if differs_from(canvas.layer, image, outside=box):
        return Patch.whole(read_pixels(image))
    return Patch(box, read_pixels(image, box=box))


def compose_unguarded(p: Any, laid: LaidOutImage, corrected: Image.Image) -> Patch:
    """The host's own overlay over the picture, or no overlay where it has none.

    Where an RGBA overlay is opaque it shows the reference: only the rest is composited, and of
    that no more than what is half transparent where there is little of it.
    """
    overlay, canvas = laid.host_overlay, laid.canvas
    if overlay is None:
        return Patch.whole(processing.place_bare(corrected, canvas))
    fits = isinstance(overlay, Image.Image) and overlay.size == canvas.size
    if not (fits and laid.shows_reference):
        corrected = compat.apply_overlay(corrected, p.paste_to, overlay)
        return Patch.whole(processing.place_bare(corrected, canvas))
    opened, paste_to = canvas.host_overlay(overlay), p.paste_to
    box = opened.box
    if box.is_empty:
        return Patch(box, canvas.part(box))
    if paste_to is None and corrected.mode == "RGB" and opened.is_sparse:
        pixels = read_pixels(corrected, box=box)
        return Patch(box, opened.lay_on(pixels, canvas.part(box), compat.lay_over))
    if paste_to is None:
        corrected = corrected.crop(box)
    else:
        x, y, width, height = paste_to
        paste_to = (x - box.left, y - box.top, width, height)
    return Patch(box, read_pixels(compat.apply_overlay(corrected, paste_to, overlay.crop(box))))


def _blend_in(
    canvas: Canvas, composite: Patch, corrected: Image.Image, settings: GuardSettings
) -> Patch:
    """Paste-back with the chosen blend.

    Inside, the picture is the one that reached the guard; the ring outside, which the blends
    read the drift from, is what the model made of it before any overlay.
    """
    part = canvas.edit_box
    if part.is_empty:
        return _paste(canvas, composite, Blend.HARD)
    placed = processing.place_decoded(corrected, canvas, part)
    edit = composite.crop(canvas.part(part), part)
    generated = cv2.copyTo(edit, canvas.editable, placed)
    return _paste(canvas, Patch(part, generated), settings.blend, settings.feather)


def _paste(canvas: Canvas, generated: Patch, blend: str, feather: int = 0) -> Patch:
    """`generated` where the picture may change, all else the reference."""
    part = canvas.edit_box
    reference = canvas.part(part)
    if part.is_empty:
        return Patch(part, reference)
    edit = generated.crop(reference, part)
    return Patch(part, canvas.seam.paste(edit, blend, feather))


def _restore_size(composed: Composed, rules: Rules) -> Composed:
    """If asked to and the host had resized the picture: the edit on the original, at its size."""
    canvas = composed.canvas
    is_asked = rules.settings.keep_size and not rules.plan.leaves_size
    if not is_asked or canvas.crop_box is not None or canvas.has_original_size:
        return composed
    original = canvas.flatten_original()
    mode, plan, size = rules.job.resize_mode, rules.plan, canvas.init_image.size
    mask = processing.mask_at(plan.job, size)
    protected = protected_area(mask, plan.protection, band=plan.band)
    place = canvas.place._replace(asked_size=size, size=size)
    layer = cv2.cvtColor(original, cv2.COLOR_RGB2RGBA)
    restored = Canvas.over(layer, mask, protected, place)
    composite, unguarded, result = (
        Patch.whole(
            bring_back(
                picture.lay_on(canvas.reference),
                original,
                size=canvas.asked_size,
                resize_mode=mode,
            )
        )
        for picture in composed[1:]
    )
    return Composed(restored, composite, unguarded, _paste(restored, result, Blend.HARD))


def outside_of(canvas: Canvas, protection: Protection) -> np.ndarray:
    """bool H x W: the pixels counted. Where nothing is protected, all outside the hard mask."""
    return canvas.mask < HARD_LEVEL if protection is Protection.NONE else canvas.protected


def count_bleed(
    canvas: Canvas, picture: Patch, outside: np.ndarray, tolerance: int = 0
) -> ChangeCount:
    """What differs from the canvas' reference `outside` (bool H x W)."""
    own, counted = canvas.part(picture.box), outside[picture.box.slices]
    found = count_changes(own, picture.pixels, counted, tolerance=tolerance)
    is_shared = outside is canvas.protected  # by a batch, which counts it once
    total = canvas.protected_count if is_shared else int(np.count_nonzero(outside))
    return found._replace(protected=total)

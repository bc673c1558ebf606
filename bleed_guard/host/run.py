"""One guarded run: from the plan to the verdict on each image. Lives in `p.bleed_guard_run`."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.core.composite import Blend, build_overlay, paste_back
from bleed_guard.core.job import GuardPlan, InpaintJob, Protection, Verdict
from bleed_guard.core.mask import HARD_LEVEL, edge_distance
from bleed_guard.core.measure import count_changes, difference, judge, measure_reach
from bleed_guard.core.record import GenerationRecord, ImageRecord, LoadedPictures, Stage
from bleed_guard.core.settings import GuardSettings
from bleed_guard.host import compat, processing


@dataclass
class ImageWork:
    """The image being worked on, from decoding to its file."""

    index: int
    batch_index: int
    decoded: Image.Image
    host_overlay: Any = None
    canvas: processing.Canvas | None = None
    result: np.ndarray | None = None
    unguarded: np.ndarray | None = None
    final: Image.Image | None = None
    is_awaiting_save: bool = False


@dataclass(frozen=True)
class FinishedImage:
    """A finished image and where it lies, to recognise late edits by."""

    image: Image.Image
    canvas: processing.Canvas


@dataclass
class GuardRun:
    """What one job carries. Made in before_process, closed in postprocess."""

    settings: GuardSettings
    job: InpaintJob
    plan: GuardPlan
    complaints: tuple[str, ...] = ()
    record: GenerationRecord = field(
        default_factory=lambda: GenerationRecord(uuid.uuid4().hex, time.time())
    )
    work: ImageWork | None = None
    finished: list[FinishedImage] = field(default_factory=list)

    @property
    def is_forcing(self) -> bool:
        """Whether protected pixels are put back, rather than only measured."""
        return self.settings.paste_back and self.plan.protection is not Protection.NONE

    def look_at_decoded(self, p: Any, image: Image.Image) -> None:
        """postprocess_image: remember the picture the host is about to composite."""
        batch_index = int(getattr(p, "batch_index", 0) or 0)
        index = int(getattr(p, "iteration", 0) or 0) * int(p.batch_size) + batch_index
        self.work = ImageWork(index, batch_index, image)

    def supply_overlay(self, p: Any, ppmo: Any) -> None:
        """postprocess_maskoverlay: hand the host an overlay that is opaque where protected."""
        work = self.work
        if work is None or work.batch_index != ppmo.index:
            return
        work.host_overlay = ppmo.overlay_image
        work.canvas = processing.build_canvas(
            p, self.job, self.plan, work.batch_index, work.decoded.size
        )
        if self.is_forcing and not self._keeps_host_blend():
            overlay = build_overlay(work.canvas.reference, self._editable(), blend=Blend.HARD)
            ppmo.overlay_image = Image.fromarray(overlay, "RGBA")

    def _keeps_host_blend(self) -> bool:
        """Whether the host's own blending is wanted inside the area that may change."""
        assert self.work is not None
        wants_blend = self.plan.protection is Protection.SOFT or self.job.has_soft_inpainting
        return wants_blend and self._has_fitting_overlay()

    def _has_fitting_overlay(self) -> bool:
        """Whether the host has an overlay of the result's size: in latent upscale it has not."""
        assert self.work is not None
        assert self.work.canvas is not None
        overlay = self.work.host_overlay
        picture = overlay[0] if isinstance(overlay, tuple) else overlay  # (RGB, float mask)
        return picture is not None and picture.size == self.work.canvas.size

    def _editable(self) -> np.ndarray:
        """uint8 H x W, 255 where the picture may change."""
        assert self.work is not None
        assert self.work.canvas is not None
        return np.where(self.work.canvas.protected, np.uint8(0), np.uint8(255))

    def finish_image(self, p: Any, image: Image.Image) -> Image.Image:
        """postprocess_image_after_composite: the picture the user gets, and the verdict on it."""
        work = self.work
        if work is None or work.canvas is None:
            raise processing.UnmappableError("the host skipped a stage the guard depends on")
        canvas = work.canvas
        if image.size != canvas.size:
            raise processing.UnmappableError(
                f"another extension made the picture {image.width} x {image.height} where "
                f"{canvas.size[0]} x {canvas.size[1]} was expected"
            )
        composite = np.asarray(image.convert("RGB"))
        placed = self._place_corrected(p, work)
        work.unguarded = self._compose_unguarded(p, work, composite)
        work.result = self._protect(composite, placed) if self.is_forcing else composite
        work.final = self._keep_or_wrap(image, composite, work.result)
        work.is_awaiting_save = True
        self.finished.append(FinishedImage(work.final, canvas))
        self._conclude(p, composite)
        return work.final

    def _place_corrected(self, p: Any, work: ImageWork) -> np.ndarray:
        assert work.canvas is not None
        corrected = compat.apply_color_correction(p, work.batch_index, work.decoded)
        work.decoded = corrected
        return processing.place_decoded(corrected, work.canvas)

    def _compose_unguarded(self, p: Any, work: ImageWork, composite: np.ndarray) -> np.ndarray:
        """What the host alone would have given: its overlay over the picture, no guard."""
        assert work.canvas is not None
        if not self.is_forcing or self._keeps_host_blend():
            return composite
        if work.host_overlay is None:
            return processing.place_bare(work.decoded, work.canvas)
        bare = compat.apply_overlay(work.decoded, p.paste_to, work.host_overlay)
        if bare.size != work.canvas.size:
            return processing.place_bare(bare, work.canvas)
        return np.asarray(bare.convert("RGB"))

    def _protect(self, composite: np.ndarray, placed: np.ndarray) -> np.ndarray:
        """Force paste-back: the reference where protected, the edit blended into it inward."""
        assert self.work is not None
        assert self.work.canvas is not None
        canvas = self.work.canvas
        editable = self._editable()
        if self._keeps_host_blend():
            return paste_back(canvas.reference, composite, editable, blend=Blend.HARD)
        generated = np.where(editable[..., None] >= HARD_LEVEL, composite, placed)
        return paste_back(
            canvas.reference,
            generated,
            editable,
            blend=self.settings.blend,
            feather=self.settings.feather,
        )

    @staticmethod
    def _keep_or_wrap(
        image: Image.Image, composite: np.ndarray, result: np.ndarray
    ) -> Image.Image:
        """The host's own picture if it is right as it is, else ours with its metadata."""
        if image.mode == "RGB" and np.array_equal(composite, result):
            return image
        final = Image.fromarray(result)
        final.info = dict(image.info)
        return final

    def _conclude(self, p: Any, composite: np.ndarray) -> None:
        work = self.work
        assert work is not None
        assert work.canvas is not None
        assert work.unguarded is not None
        assert work.result is not None
        canvas, tolerance = work.canvas, self.settings.tolerance
        measured = canvas.protected
        if self.plan.protection is Protection.NONE:
            measured = canvas.mask < HARD_LEVEL
        after = count_changes(canvas.reference, work.result, measured, tolerance=tolerance)
        alone = count_changes(canvas.reference, work.unguarded, measured, tolerance=tolerance)
        others = count_changes(canvas.reference, composite, measured, tolerance=tolerance)
        verdict = judge(after.changed, after.max)
        if self.plan.protection is Protection.NONE:
            verdict = Verdict.FULL_REDO
        self.add_image(
            ImageRecord(
                index=work.index,
                verdict=verdict,
                protected=after.protected,
                changed=after.changed,
                max=after.max,
                prevented=alone.changed,
                prevented_max=alone.max,
                prevented_reach=self._reach(alone.changed, tolerance),
                predicted_reach=self.plan.predicted_reach,
                crop_box=canvas.crop_box,
                stages=(
                    Stage("composite", alone.changed, alone.max),
                    Stage(
                        "after other scripts",
                        others.changed,
                        others.max,
                        processing.editing_scripts(p, "postprocess_image_after_composite"),
                    ),
                    Stage("guarded", after.changed, after.max),
                ),
                pictures=LoadedPictures(
                    canvas.reference, work.unguarded, work.result, canvas.mask, canvas.protected
                ),
            )
        )

    def _reach(self, changed: int, tolerance: int) -> int:
        """How far the unguarded bleed reaches, in px; nothing is computed when there is none."""
        if not changed:
            return 0
        assert self.work is not None
        assert self.work.canvas is not None
        assert self.work.unguarded is not None
        canvas = self.work.canvas
        delta = difference(canvas.reference, self.work.unguarded)
        bled = (delta > tolerance) & canvas.protected
        return measure_reach(bled, edge_distance(canvas.mask))

    def add_image(self, image: ImageRecord) -> None:
        self.record = self.record.with_image(image)

    def fail_image(self, reason: str) -> None:
        """Tell that the current image is not guarded, and why."""
        index = self.work.index if self.work else len(self.record.images)
        self.add_image(ImageRecord(index, Verdict.NOT_GUARDED, 0, 0, 0, reason=reason))

    @property
    def current(self) -> ImageRecord | None:
        """The record of the image being worked on."""
        if self.work is None:
            return None
        wanted = self.work.index
        return next((image for image in self.record.images if image.index == wanted), None)

    def update_current(self, **changes: Any) -> None:
        """Replace fields of the current image's record."""
        if self.current is not None:
            self.add_image(replace(self.current, **changes))

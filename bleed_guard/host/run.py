"""One guarded run: from the plan to the verdict on each image. Lives in `p.bleed_guard_run`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.core.arrays import differs
from bleed_guard.core.job import Protection, Verdict
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.core.measure import difference, judge, measure_farthest
from bleed_guard.core.plan import settle_plan
from bleed_guard.core.record import GenerationRecord, ImageRecord, PatchedPictures, Stage
from bleed_guard.host import compositing, processing, tracing
from bleed_guard.host.compositing import Composed, DecodedImage, LaidOutImage, Rules
from bleed_guard.host.processing import Canvas, UnmappableError


@dataclass
class FinishedImage:
    """A finished image and where it lies: to recognise it in its file and in the reply.

    `laid_on` is the canvas of the run, which differs where the original's size was restored.
    `awaits_save` until its file was read back or the host has gone on.
    """

    index: int
    image: Image.Image
    canvas: Canvas
    laid_on: Canvas
    awaits_save: bool = True


@dataclass
class GuardRun:
    """What one job carries. Made in before_process, closed in postprocess.

    `replaced` is what the guard wrote to the job, `origin` the picture the job began with, or the
    first of the loops before it. `batch` holds the number of the batch the host
    is at, and the index of its first image. `has_mask_to_show` tells whether the host was left a
    mask it can return, its own or another script's.
    """

    rules: Rules
    complaints: tuple[str, ...] = ()
    replaced: processing.Replaced = field(default_factory=dict)
    origin: Image.Image | None = None
    batch: tuple[int, int] = (0, 0)
    record: GenerationRecord = field(
        default_factory=lambda: GenerationRecord(uuid.uuid4().hex, time.time())
    )
    before_faces: tuple[Any, ...] = ()
    decoded: DecodedImage | None = None
    laid: LaidOutImage | None = None
    has_mask_to_show: bool = False
    finished: list[FinishedImage] = field(default_factory=list)

    def settle_size(self, size: tuple[int, int]) -> bool:
        """process: some hosts round the size (width, height) only now. Whether that changed
        what is foretold; what the guard has changed in the job stays."""
        rules = self.rules
        if size == rules.job.size:
            return False
        plan = settle_plan(rules.plan, size, rules.settings)
        self.rules = replace(rules, job=replace(rules.job, size=size), plan=plan)
        return plan.findings != rules.plan.findings

    def find_origin(self, inits: Sequence[Image.Image] | None) -> Image.Image | None:
        """The picture a loop began with whose next one begins with `inits`, if that is a result
        which has lost something of it: the host would stretch what is left."""
        is_less = any(
            one.image is init and one.canvas.size != one.canvas.asked_size
            for one in self.finished
            for init in inits or ()
        )
        return self.origin if is_less else None

    def look_at_batch(self, p: Any, images: Any) -> None:
        """postprocess_batch_list: face restoration comes next; hold on to what it will change.

        Another script may have made more images of the batch before than was asked for.
        """
        self.before_faces = tuple(images) if self.rules.plan.job.has_face_restoration else ()
        number = processing.read_iteration(p)
        known = [image.index + 1 for image in self.record.images] if number else []
        self.batch = number, max([number * int(p.batch_size), *known])

    def index_of(self, p: Any) -> int:
        """Number of the image the host is at, over all batches of the job."""
        number, first = processing.read_iteration(p), self.batch[1]
        if number != self.batch[0]:  # a host without that hook
            first = number * int(p.batch_size)
        return first + processing.read_batch_index(p)

    def look_at_decoded(self, p: Any, image: Image.Image) -> None:
        """postprocess_image: remember the picture the host is about to composite."""
        self.stop_awaiting()
        self.decoded = self.laid = None
        batch_index = processing.read_batch_index(p)
        before = self.before_faces[batch_index : batch_index + 1]
        self.decoded = DecodedImage(self.index_of(p), batch_index, image, *before)

    def supply_overlay(self, p: Any, ppmo: Any) -> None:
        """postprocess_maskoverlay: hand the host an overlay that is opaque where protected."""
        self.has_mask_to_show = getattr(ppmo, "mask_for_overlay", None) is not None
        if self.decoded is None or self.decoded.batch_index != ppmo.index:
            return
        known = self.finished[-1].laid_on if self.finished else None
        laid = compositing.lay_out(p, self.decoded, ppmo.overlay_image, self.rules, known)
        if self.rules.is_forcing and not laid.keeps_host_blend:
            ppmo.overlay_image = laid.canvas.overlay
        self.laid = laid

    def finish_image(self, p: Any, image: Image.Image) -> Image.Image:
        """postprocess_image_after_composite: the picture the user gets, and the verdict on it."""
        laid, self.laid = self.laid, None  # never the next image's, should that one's hooks fail
        if laid is None:
            raise UnmappableError("the host skipped a stage the guard depends on")
        try:
            composed = compositing.compose(p, laid, image, self.rules)
        except UnmappableError as error:
            if self.rules.plan.protection is not Protection.NONE:
                raise
            self.tell_redo(laid.decoded.index, str(error))
            return image
        own = image.copy() if image is laid.decoded.image else image
        final = _keep_or_wrap(own, composed)
        index = laid.decoded.index
        self.finished = [one for one in self.finished if one.index != index]  # of a job run again
        self.finished.append(FinishedImage(index, final, composed.canvas, laid.canvas))
        scripts = processing.editing_scripts(p, "postprocess_image_after_composite")
        record = self._conclude(index, composed, scripts)
        traces = tracing.trace(p, laid, composed, self.rules, scripts)
        self.add_image(replace(record, traces=traces))
        return final

    def _conclude(self, index: int, composed: Composed, scripts: tuple[str, ...]) -> ImageRecord:
        """The record of a finished image: its verdict and what the guard prevented."""
        canvas, tolerance = composed.canvas, self.rules.settings.tolerance
        protection = self.rules.plan.protection
        outside = compositing.outside_of(canvas, protection)
        alone, reached, after = (
            compositing.count_bleed(canvas, picture, outside, tolerance)
            for picture in (composed.unguarded, composed.composite, composed.result)
        )
        redo = protection is Protection.NONE
        return ImageRecord(
            index=index,
            verdict=Verdict.FULL_REDO if redo else judge(after.changed, after.max),
            protected=after.protected,
            changed=after.changed,
            max=after.max,
            prevented=alone.changed,
            prevented_max=alone.max,
            prevented_reach=_measure_reach(composed, outside, self.rules) if alone.changed else 0,
            predicted_reach=self.rules.plan.predicted_reach,
            crop_box=canvas.crop_box,
            stages=(
                Stage("composite", alone.changed, alone.max),
                Stage("after other scripts", reached.changed, reached.max, scripts),
                Stage("guarded", after.changed, after.max),
            ),
            pictures=PatchedPictures(
                canvas.layer,
                canvas.mask,
                outside,
                {"unguarded": composed.unguarded, "result": composed.result},
            ),
        )

    def add_image(self, image: ImageRecord) -> None:
        """Keep an image's record; one whose hook has failed stays not guarded."""
        known = self.record_of(image.index)
        if known is not None and known.verdict is Verdict.NOT_GUARDED:
            image = replace(image, verdict=known.verdict, reason=known.reason)
        self.record = self.record.with_image(image)

    def fail_image(self, reason: str, index: int) -> None:
        """Tell that an image is not guarded, and why."""
        known = self.record_of(index)
        places = known and known.places
        self.add_image(
            ImageRecord(index, Verdict.NOT_GUARDED, 0, 0, 0, reason=reason, places=places)
        )

    def tell_redo(self, index: int, reason: str) -> None:
        """Tell of an image nothing was asked to be protected in why it is not measured either."""
        self.add_image(ImageRecord(index, Verdict.FULL_REDO, 0, 0, 0, reason=reason))

    @property
    def has_failed(self) -> bool:
        """Whether the current image is told as not guarded already, with the reason that counts."""
        record = self.current
        return record is not None and record.verdict is Verdict.NOT_GUARDED

    @property
    def awaiting_save(self) -> FinishedImage | None:
        """The image that was finished last, until its file is written or the host goes on."""
        newest = self.finished[-1] if self.finished else None
        return newest if newest is not None and newest.awaits_save else None

    def stop_awaiting(self) -> None:
        """The host goes on: what is saved from now on is not the image that was finished last."""
        newest = self.awaiting_save
        if newest is not None:
            newest.awaits_save = False

    @property
    def current(self) -> ImageRecord | None:
        """The record of the image the host is at, once there is one."""
        return self.record_of(self.decoded.index) if self.decoded else None

    def place_images(self, places: Mapping[int, tuple[int, int]]) -> None:
        """Tell where in the reply each image is, by its index."""
        images = (replace(image, places=places.get(image.index)) for image in self.record.images)
        self.record = replace(self.record, images=tuple(images))

    def record_of(self, index: int) -> ImageRecord | None:
        return next((image for image in self.record.images if image.index == index), None)

    def update_image(self, index: int, **changes: Any) -> None:
        """Replace fields of one image's record."""
        image = self.record_of(index)
        if image is not None:
            self.add_image(replace(image, **changes))


def _keep_or_wrap(image: Image.Image, composed: Composed) -> Image.Image:
    """The host's own picture, mended where it needs to be: a copy takes as long as all the rest.

    Ours with its metadata, where the host's may differ anywhere or is none of R, G, B alone.
    """
    given, result = composed.composite, composed.result
    if image.mode == "RGB" and image.size == composed.canvas.size and given.box == result.box:
        if differs(given.pixels, result.pixels):
            image.paste(Image.fromarray(result.pixels), result.box[:2])
        return image
    final = Image.fromarray(result.lay_on(composed.canvas.reference))
    final.info = dict(image.info)
    return final


def _measure_reach(composed: Composed, outside: np.ndarray, rules: Rules) -> int:
    """How far the unguarded bleed reaches, in px."""
    canvas, (box, pixels) = composed.canvas, composed.unguarded
    if canvas.mask_box.is_empty:
        return max(canvas.size)
    delta = difference(canvas.part(box), pixels)
    window = box.around(canvas.mask_box)  # a pixel's nearest of the mask is in there
    changed = np.zeros((window.height, window.width), bool)
    changed[box.within(window).slices] = (delta > rules.settings.tolerance) & outside[box.slices]
    inside = canvas.mask[window.slices] >= HARD_LEVEL
    return measure_farthest(changed, inside, rules.plan.predicted_reach)


def make_failed_record(reason: str) -> GenerationRecord:
    """The record of a job the guard could not even begin to guard."""
    image = ImageRecord(0, Verdict.NOT_GUARDED, 0, 0, 0, reason=reason)
    return GenerationRecord(uuid.uuid4().hex, time.time(), (image,))

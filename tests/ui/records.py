"""Small runs to show: pictures whose every difference is known."""

from __future__ import annotations

import numpy as np

from bleed_guard.core.job import Box, Cause, Change, Finding, Fix, Severity, Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord, LoadedPictures, Stage

SHAPE = (48, 64)
MASK = Box(20, 16, 40, 32)
REACH = 3
CROP = Box(12, 8, 48, 40)


def make_pictures(shape: tuple[int, int] = SHAPE, mask: Box = MASK) -> LoadedPictures:
    """A grey picture; unguarded is 5 levels brighter up to `REACH` px around the mask, the
    result 9 levels darker inside it."""
    reference = np.full((*shape, 3), 100, np.uint8)
    area = np.zeros(shape, np.uint8)
    area[mask.slices] = 255
    unguarded, result = reference.copy(), reference.copy()
    unguarded[mask.grown(REACH).slices] += 5
    result[mask.slices] -= 9
    return LoadedPictures(reference, unguarded, result, area, area < 128)


def make_image(index: int = 0, pictures: LoadedPictures | None = None) -> ImageRecord:
    """A clean image of which `REACH` px around the mask were held back."""
    pictures = pictures or make_pictures()
    around = (MASK.width + 2 * REACH) * (MASK.height + 2 * REACH) - MASK.area
    finding = Finding(
        Cause.MASK_BLUR,
        Severity.WARNING,
        "Mask blur 1 reaches outside",
        fix=Fix("Set it to 0", "mask blur", 0),
        pixels=around,
    )
    return ImageRecord(
        index=index,
        verdict=Verdict.CLEAN,
        protected=int(pictures.protected.sum()),
        changed=0,
        max=0,
        prevented=around,
        prevented_max=5,
        prevented_reach=REACH,
        stages=(Stage("composite", around, 5), Stage("guarded", 0, 0)),
        findings=(finding,),
        predicted_reach=REACH,
        crop_box=CROP,
        pictures=pictures,
    )


def make_record(
    name: str = "run", images: int = 1, owner: str = "", prompt: str = "a mug"
) -> GenerationRecord:
    return GenerationRecord(
        id=name,
        started=1_700_000_000.0,
        images=tuple(make_image(index) for index in range(images)),
        changes=(Change("padding", 64, 32, "limit of preset guard"),),
        owner=owner,
        prompt=prompt,
        facts={"Inpaint area": "whole picture"},
    )

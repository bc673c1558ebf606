"""What is told of an image in numbers: its description, its report, its single pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from bleed_guard.core.diagnose import describe_causes, find_buckets
from bleed_guard.core.job import BleedReport, Box, Cause, mask_box
from bleed_guard.core.mask import edge_distance
from bleed_guard.core.measure import measure_bleed, measure_seam
from bleed_guard.core.record import GenerationRecord, ImageRecord, Pictures, describe_record
from bleed_guard.ui.encode import encode_text
from bleed_guard.ui.layers import BASE_PIXELS, TILE, base_factor

BLOCK = 64
"""Side in px of the blocks in which the inspector gets its values."""

DISTANCE_LIMIT = 2**16 - 1
"""Stands for "there is no mask"."""

CAUSES = tuple(cause.value for cause in Cause)
PICTURE_NAMES = ("reference", "unguarded", "result", "mask", "protected")


class NoPicturesError(LookupError):
    """An image has numbers only; the message is for the user."""


def pictures_of(image: ImageRecord) -> Pictures:
    """The image's pictures; NoPicturesError if none were kept."""
    if image.pictures is None:
        raise NoPicturesError("No pictures were kept of this image.")
    return image.pictures


def describe_view(record: GenerationRecord, pixels: int = BASE_PIXELS) -> dict[str, Any]:
    """`describe_record`, the extent of each image, and the wording of each finding.

    `pixels` is how large the first view of an image may be.
    """
    plain = describe_record(record)
    for image, entry in zip(record.images, plain["images"], strict=True):
        if image.pictures is not None:
            height, width = image.pictures.shape
            factor = base_factor((height, width), pixels)
            entry["view"] = {"width": width, "height": height, "factor": factor, "tile": TILE}
    return plain


def describe_report(record: GenerationRecord, image: ImageRecord) -> dict[str, Any]:
    """Everything measured about the picture that has the most to tell, named `of`.

    That is the result if any protected pixel differs in it, else what the host alone would have
    given. `seam` is the result's in any case.
    """
    name = "result" if image.max else "unguarded"
    pictures = pictures_of(image)
    with ThreadPoolExecutor(1) as pool:  # numpy and OpenCV let go of the interpreter
        diagnosing = pool.submit(describe_causes, image, tolerance=record.tolerance)
        report = measure_image(record, image, name).to_json()
        causes = diagnosing.result()
    seam = measure_seam(pictures.reference, pictures.result, pictures.mask)
    crop_distance = find_crop_distance(image)
    told = {"seam": seam._asdict(), "crop_distance": crop_distance, "causes": causes}
    return {**report, "of": name, **told}


def measure_image(record: GenerationRecord, image: ImageRecord, name: str) -> BleedReport:
    """The report on the picture `name` (unguarded or result). NoPicturesError."""
    pictures = pictures_of(image)
    return measure_bleed(
        pictures.reference,
        getattr(pictures, name),
        pictures.mask,
        tolerance=record.tolerance,
        protected=pictures.protected,
        predicted_reach=image.predicted_reach,
        crop_box=image.crop_box,
    )


def find_crop_distance(image: ImageRecord) -> int | None:
    """How far from the mask's box the crop box reaches at most, in px; None if one is missing."""
    masked = mask_box(pictures_of(image).mask)
    crop = image.crop_box
    if masked is None or crop is None:
        return None
    sides = (
        masked.left - crop.left,
        masked.top - crop.top,
        crop.right - masked.right,
        crop.bottom - masked.bottom,
    )
    return max(0, *sides)


def map_causes(record: GenerationRecord, image: ImageRecord) -> np.ndarray:
    """Why each pixel would have changed without the guard: uint8 H x W.

    0 where it would not, or where nothing was left behind that tells; else 1 + the place in
    `CAUSES`.
    """
    pictures = pictures_of(image)
    causes = np.zeros(pictures.shape, np.uint8)
    if image.traces is not None:
        buckets = find_buckets(pictures, image.traces, tolerance=record.tolerance)
        for cause, area in buckets.items():
            causes[area] = 1 + CAUSES.index(cause.value)
    return causes


def describe_block(pictures: Pictures, causes: np.ndarray, x: int, y: int) -> dict[str, Any]:
    """The true values around a pixel, in base64. ValueError if there is no such pixel.

    `causes` is what `map_causes` gives.
    """
    box = block_box(pictures.shape, x, y)
    arrays = {name: pictures.crop(name, box) for name in PICTURE_NAMES}
    distance = np.minimum(find_distance(pictures, box), DISTANCE_LIMIT).astype("<u2")
    arrays |= {"distance": distance, "cause": causes[box.slices]}
    texts = {name: encode_text(array) for name, array in arrays.items()}
    return {"box": list(box), "causes": CAUSES, **texts}


def block_box(shape: tuple[int, ...], x: int, y: int) -> Box:
    """The block of `BLOCK` x `BLOCK` px that holds this pixel. ValueError if there is none."""
    height, width = shape[:2]
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"there is no pixel {x}, {y}")
    left, top = x - x % BLOCK, y - y % BLOCK
    return Box(left, top, min(left + BLOCK, width), min(top + BLOCK, height))


def find_distance(pictures: Pictures, box: Box) -> np.ndarray:
    """Distance to the hard mask over `box`, computed on no more than the box and the mask.

    float32 h x w in px; infinity if the mask is blank.
    """
    masked = mask_box(pictures.mask)
    if masked is None:
        return np.full((box.height, box.width), np.inf, np.float32)
    window = masked.around(box)
    return edge_distance(pictures.crop("mask", window))[box.within(window).slices]

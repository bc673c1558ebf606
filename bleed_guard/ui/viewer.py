"""Answers what the page asks: records, reports, pictures. Plain values in, plain values out."""

from __future__ import annotations

import secrets
import zlib
from base64 import b64encode
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from bleed_guard.core.job import BleedReport, Box
from bleed_guard.core.mask import edge_distance, mask_box
from bleed_guard.core.measure import measure_bleed
from bleed_guard.core.record import (
    GenerationRecord,
    ImageRecord,
    Pictures,
    RecordStore,
    describe_record,
)
from bleed_guard.ui.layers import (
    PHOTOGRAPHS,
    TILE,
    Layer,
    Part,
    base_factor,
    render_base,
    render_tile,
    tile_box,
)
from bleed_guard.ui.served import ServedFiles

PNG_SPEED = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""zlib's fastest level: a page on the same machine waits for the encoder, not for the network."""

BLOCK = 64
"""Side of the blocks in which the inspector gets its values."""

DISTANCE_LIMIT = 2**16 - 1
PICTURE_NAMES = ("reference", "unguarded", "result", "mask", "protected")

Question = Mapping[str, Any]


class QuestionError(Exception):
    """The page asked for what is not there; the message is for the user."""


@dataclass(frozen=True)
class LayerQuestion:
    """Of which pictures, which tile (None: the whole) and for how far a page layers are asked."""

    pictures: Pictures
    tile: tuple[int, int] | None
    reach: int
    is_near: bool

    def render(self, layer: Layer) -> Part:
        if self.tile is None:
            return render_base(self.pictures, layer, self.reach)
        box = tile_box(self.pictures.mask.shape, *self.tile)
        return render_tile(self.pictures, layer, box, self.reach)


class Viewer:
    """What the Bleed tab can ask. Every answer is limited to the records of `owner`."""

    def __init__(self, store: RecordStore, files: ServedFiles) -> None:
        self._store = store
        self._files = files
        self._epoch = secrets.token_hex(4)  # a revision of an earlier process is never ours
        self._answers: dict[str, Callable[[Question, str], dict[str, Any]]] = {
            "list": self._list,
            "report": self._report,
            "layers": self._layers,
            "pixels": self._pixels,
        }

    def answer(self, question: Question, owner: str) -> dict[str, Any]:
        """The answer to one question, or `{"error": sentence}`."""
        ask = self._answers.get(str(question.get("ask")))
        if ask is None:
            return {"error": f"unknown question {question.get('ask')!r}"}
        try:
            return ask(question, owner)
        except (QuestionError, LookupError, ValueError, OSError) as error:
            return {"error": str(error)}

    def _list(self, question: Question, owner: str) -> dict[str, Any]:
        """All records without pictures, or only the revision if the page has them."""
        revision = f"{self._epoch}.{self._store.revision}"
        if question.get("revision") == revision:
            return {"revision": revision}
        records = [_describe(record) for record in self._store.list(owner)]
        return {"revision": revision, "records": records}

    def _report(self, question: Question, owner: str) -> dict[str, Any]:
        """Everything measured about one image, as it is and as it would have been."""
        record, image = self._find(question, owner)
        return {
            name: measure_image(record, image, name).to_json() for name in ("unguarded", "result")
        }

    def _layers(self, question: Question, owner: str) -> dict[str, Any]:
        """Files of the named layers: of the whole, or of one tile of real pixels.

        With `is_near` the page runs on this machine: uncompressed files are ready sooner.
        """
        record, image = self._find(question, owner)
        tile = question.get("tile")
        ask = LayerQuestion(
            _pictures_of(image),
            None if tile is None else (int(tile[0]), int(tile[1])),
            image.predicted_reach,
            bool(question.get("is_near")),
        )
        key = (record.id, image.index, ask.tile, ask.is_near)
        names = [Layer(name) for name in question["layers"]]
        return {"layers": {layer.value: self._publish(key, ask, layer) for layer in names}}

    def _publish(
        self, key: tuple[Hashable, ...], ask: LayerQuestion, layer: Layer
    ) -> dict[str, Any]:
        """The layer's file and the box it fills in the view; no file if the box is empty."""
        part = ask.render(layer)
        if part.box.is_empty:
            return {"box": list(part.box), "file": ""}
        is_photograph = layer in PHOTOGRAPHS
        encode = encode_photograph if is_photograph else encode_values
        suffix = (".bmp" if ask.is_near else ".png") if is_photograph else ".bin"
        path = self._files.publish(
            (*key, layer), suffix, lambda: encode(part.values, is_near=ask.is_near)
        )
        return {"box": list(part.box), "file": str(path), "packed": not ask.is_near}

    def _pixels(self, question: Question, owner: str) -> dict[str, Any]:
        """The true values of one block of pixels, for the inspector: base64 of raw bytes."""
        _, image = self._find(question, owner)
        pictures = _pictures_of(image)
        box = block_box(pictures.mask.shape, int(question["x"]), int(question["y"]))
        distance = np.minimum(find_distance(pictures, box), DISTANCE_LIMIT).astype("<u2")
        arrays = {name: pictures.crop(name, box) for name in PICTURE_NAMES} | {"distance": distance}
        return {
            "box": list(box),
            **{name: b64encode(array.tobytes()).decode() for name, array in arrays.items()},
        }

    def _find(self, question: Question, owner: str) -> tuple[GenerationRecord, ImageRecord]:
        record = self._store.get(str(question.get("id")), owner)
        if record is None:
            raise QuestionError("This run is no longer in the history.")
        for image in record.images:
            if image.index == question.get("image"):
                return record, image
        raise QuestionError("This run has no such image.")


def measure_image(record: GenerationRecord, image: ImageRecord, name: str) -> BleedReport:
    """The report on the picture `name` (unguarded or result) of one image."""
    pictures = _pictures_of(image)
    return measure_bleed(
        pictures.reference,
        getattr(pictures, name),
        pictures.mask,
        tolerance=record.tolerance,
        protected=pictures.protected,
        predicted_reach=image.predicted_reach,
        crop_box=image.crop_box,
    )


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


def encode_photograph(image: np.ndarray, *, is_near: bool = False) -> bytes:
    """uint8 H x W x 3 RGB -> a BMP or PNG file without a colour profile."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if is_near:
        return cv2.imencode(".bmp", bgr)[1].tobytes()
    return cv2.imencode(".png", bgr, PNG_SPEED)[1].tobytes()


def encode_values(values: np.ndarray, *, is_near: bool = False) -> bytes:
    """uint8 H x W -> its bytes, row by row, packed by zlib unless `is_near`."""
    return values.tobytes() if is_near else zlib.compress(values.tobytes(), 1)


def _describe(record: GenerationRecord) -> dict[str, Any]:
    """`describe_record` with what the viewer needs to know before it asks for pictures."""
    plain = describe_record(record)
    for image, entry in zip(record.images, plain["images"], strict=True):
        if image.pictures is not None:
            height, width = image.pictures.mask.shape
            factor = base_factor((height, width))
            entry["view"] = {"width": width, "height": height, "factor": factor, "tile": TILE}
    return plain


def _pictures_of(image: ImageRecord) -> Pictures:
    if image.pictures is None:
        raise QuestionError("No pictures were kept of this image.")
    return image.pictures

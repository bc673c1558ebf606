"""Answers what the page asks: records, reports, pictures. Plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from bleed_guard.core.job import BleedReport
from bleed_guard.core.measure import measure_bleed
from bleed_guard.core.record import (
    GenerationRecord,
    ImageRecord,
    Pictures,
    RecordStore,
    describe_record,
)
from bleed_guard.ui.layers import TILE, Layer, base_factor, render_base, render_part, tile_box
from bleed_guard.ui.served import ServedFiles

PNG_SPEED = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""zlib's fastest level: a page on the same machine waits for the encoder, not for the network."""

Question = Mapping[str, Any]


class QuestionError(Exception):
    """The page asked for what is not there; the message is for the user."""


class Viewer:
    """What the Bleed tab can ask. Every answer is limited to the records of `owner`."""

    def __init__(self, store: RecordStore, files: ServedFiles) -> None:
        self._store = store
        self._files = files
        self._answers: dict[str, Callable[[Question, str], dict[str, Any]]] = {
            "list": self._list,
            "report": self._report,
            "layers": self._layers,
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
        revision = self._store.revision
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
        """Files of the named layers: of the whole, or of one tile of real pixels."""
        record, image = self._find(question, owner)
        pictures = _pictures_of(image)
        layers = [Layer(name) for name in question["layers"]]
        tile = question.get("tile")
        key = (record.id, image.index, None if tile is None else tuple(tile))
        files = {layer.value: self._publish(key, pictures, layer) for layer in layers}
        return {"files": files}

    def _publish(
        self, key: tuple[str, int, tuple[int, int] | None], pictures: Pictures, layer: Layer
    ) -> str:
        tile = key[2]
        shape = pictures.mask.shape

        def make() -> bytes:
            if tile is None:
                return encode_png(render_base(pictures, layer, base_factor(shape)))
            return encode_png(render_part(pictures, layer, tile_box(shape, *tile)))

        return str(self._files.publish((*key, layer), ".png", make))

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


def encode_png(array: np.ndarray) -> bytes:
    """uint8 H x W or H x W x 3 RGB -> a PNG without a colour profile."""
    levels = cv2.cvtColor(array, cv2.COLOR_RGB2BGR) if array.ndim == 3 else array
    return cv2.imencode(".png", levels, PNG_SPEED)[1].tobytes()


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

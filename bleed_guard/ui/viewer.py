"""Answers what the page asks: records, reports, pictures. Plain values in, plain values out."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bleed_guard.cli.errors import SizeError
from bleed_guard.core.heatmap import ColorMap
from bleed_guard.core.record import GenerationRecord, ImageRecord, Pictures, RecordStore
from bleed_guard.images import PictureError
from bleed_guard.ui.encode import encode_photograph, encode_thumbnail, encode_values
from bleed_guard.ui.layers import PHOTOGRAPHS, Layer, Part, render_base, render_tile, tile_box
from bleed_guard.ui.report import (
    PICTURE_NAMES,
    describe_block,
    describe_report,
    describe_view,
    map_causes,
    pictures_of,
)
from bleed_guard.ui.served import ServedFiles, check_uploaded

if TYPE_CHECKING:
    from bleed_guard.ui.files import Given

THUMBNAIL_SIDE = 96
Question = Mapping[str, Any]


class QuestionError(LookupError):
    """The page asked for what is not there; the message is for the user."""


EXPECTED = (LookupError, ValueError, TypeError, OSError, PictureError, SizeError)
"""What a question may run into; the message is told to the user."""


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
        box = tile_box(self.pictures.shape, *self.tile)
        return render_tile(self.pictures, layer, box, self.reach)


def choose_encoding(layer: Layer, *, is_near: bool) -> tuple[str, Callable[[np.ndarray], bytes]]:
    """What a layer's file is called at its end, and what makes its content."""
    if is_near:
        return ".bin", np.ndarray.tobytes
    return (".png", encode_photograph) if layer in PHOTOGRAPHS else (".bin", encode_values)


class Viewer:
    """What the Bleed tab can ask. Every answer is limited to the records of `owner`."""

    def __init__(
        self, store: RecordStore, files: ServedFiles, color_map: str = ColorMap.CIVIDIS
    ) -> None:
        self._store = store
        self._files = files
        self._color_map = color_map
        self._epoch = secrets.token_hex(4)  # a revision of an earlier process is never ours
        self._answers: dict[str, Callable[[Question, str], dict[str, Any]]] = {
            "list": self._list,
            "report": self._report,
            "layers": self._layers,
            "pixels": self._pixels,
            "thumbnails": self._thumbnails,
            "takeaway": self._takeaway,
            "compare": self._compare,
        }

    def answer(self, question: Question, owner: str) -> dict[str, Any]:
        """The answer to one question, or `{"error": sentence}`."""
        ask = self._answers.get(str(question.get("ask")))
        if ask is None:
            return {"error": f"unknown question {question.get('ask')!r}"}
        try:
            return ask(question, owner)
        except EXPECTED as error:
            return {"error": str(error)}

    def _list(self, question: Question, owner: str) -> dict[str, Any]:
        """All records without pictures, or only the revision if the page has them."""
        revision = f"{self._epoch}.{self._store.revision}"
        if question.get("revision") == revision:
            return {"revision": revision}
        records = [describe_view(record) for record in self._store.list(owner)]
        return {"revision": revision, "records": records}

    def _report(self, question: Question, owner: str) -> dict[str, Any]:
        return describe_report(*self._find(question, owner))

    def _layers(self, question: Question, owner: str) -> dict[str, Any]:
        """Files of the named layers: of the whole, or of one tile of real pixels.

        With `is_near` the page runs on this machine: bare bytes are there sooner than any file
        that has to be packed and unpacked.
        """
        record, image = self._find(question, owner)
        tile = question.get("tile")
        ask = LayerQuestion(
            pictures_of(image),
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
        suffix, encode = choose_encoding(layer, is_near=ask.is_near)
        path = self._file((*key, layer), suffix, lambda: encode(part.values))
        return {"box": list(part.box), "file": path, "packed": not ask.is_near}

    def _file(self, key: Hashable, suffix: str, make: Callable[[], bytes]) -> str:
        return str(self._files.publish(key, suffix, make))

    def _pixels(self, question: Question, owner: str) -> dict[str, Any]:
        record, image = self._find(question, owner)
        causes = self._map_causes(record, image)
        x, y = int(question["x"]), int(question["y"])
        return describe_block(pictures_of(image), causes, x, y)

    def _map_causes(self, record: GenerationRecord, image: ImageRecord) -> np.ndarray:
        """`map_causes`, made once and then read from its file as far as it is needed."""

        def make() -> bytes:
            target = io.BytesIO()
            np.save(target, map_causes(record, image))
            return target.getvalue()

        return np.load(self._file((record.id, image.index, "causes"), ".npy", make), mmap_mode="r")

    def _thumbnails(self, question: Question, owner: str) -> dict[str, Any]:
        """Small pictures of the results; "" for an image that has none."""
        files = []
        for record_id, index in question["wanted"]:
            record, image = self._find({"id": record_id, "image": index}, owner)
            files.append(self._publish_thumbnail(record, image))
        return {"files": files}

    def _publish_thumbnail(self, record: GenerationRecord, image: ImageRecord) -> str:
        pictures = image.pictures
        if pictures is None:
            return ""
        return self._file(
            (record.id, image.index, "thumbnail"),
            ".jpg",
            lambda: encode_thumbnail(pictures.result, THUMBNAIL_SIDE),
        )

    def _takeaway(self, question: Question, owner: str) -> dict[str, Any]:
        """A zip of one image's pictures, numbers and offline page, and a name for it."""
        from bleed_guard.ui.takeaway import pack_image  # here, for the host's start takes no longer

        record, image = self._find(question, owner)
        colors = self._color_map
        key = (record.id, image.index, "takeaway", colors)
        path = self._file(key, ".zip", lambda: pack_image(record, image, colors))
        return {"file": path, "name": f"bleed-guard-{record.id[:8]}-{image.index}.zip"}

    def _compare(self, question: Question, owner: str) -> dict[str, Any]:
        """Compare three files, or pictures of the history; the answer is the new record's id."""
        from bleed_guard.ui.files import record_files  # with all the diagnosis from files

        given = {name: self._take(question.get(name), owner) for name in ("original", "result")}
        if given["original"] is None or given["result"] is None:
            raise QuestionError("An original and a result are needed.")
        record = record_files(
            given["original"],
            given["result"],
            self._take(question.get("mask"), owner),
            owner=owner,
            tolerance=int(question.get("tolerance", 0)),
        )
        self._store.add(record)
        return {"id": record.id}

    def _take(self, wanted: Mapping[str, Any] | None, owner: str) -> Given | None:
        """An uploaded file, or a picture of the history: {path, name} or {id, image, picture}."""
        from bleed_guard.ui.files import Given

        if not wanted:
            return None
        if not isinstance(wanted, Mapping):
            raise QuestionError("a file is asked for by its path, a picture by its run")
        if "path" in wanted:
            path = check_uploaded(str(wanted["path"]))
            return Given(str(wanted.get("name") or path.name), path)
        return Given("from the history", array=self.picture(wanted, owner))

    def picture(self, wanted: Question, owner: str) -> np.ndarray:
        """One picture of an image: uint8 H x W x 3, or H x W for the mask. QuestionError."""
        _, image = self._find(wanted, owner)
        name = str(wanted.get("picture"))
        if name not in PICTURE_NAMES:
            raise QuestionError(f"There is no picture {name!r}.")
        return getattr(pictures_of(image), name)

    def _find(self, question: Question, owner: str) -> tuple[GenerationRecord, ImageRecord]:
        record = self._store.get(str(question.get("id")), owner)
        if record is None:
            raise QuestionError("This run is no longer in the history.")
        for image in record.images:
            if image.index == question.get("image"):
                return record, image
        raise QuestionError("This run has no such image.")

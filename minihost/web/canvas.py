"""Where a picture is put and painted on: gradio 3's image editor, or two data URLs on gradio 4."""

from __future__ import annotations

import base64
import binascii
import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from modules import shared
from PIL import Image, ImageEnhance, ImageFilter

from minihost.web.gradio_shim import IS_GRADIO_4, gr, install

install()  # before the first subclass: gradio 4 would write a .pyi file for each

PNG_URL = "data:image/png;base64,"
MASK_COLOUR = "#ffffff"
SKETCH_COLOUR = "#ff0000"
BRUSH_WIDTH = 16  # of gradio 3's brush on a picture of the demo's size, px of the picture
EDITOR_HEIGHT = 480
MASK_CUT = 128  # the page of Forge and Neo cuts masks above this level


class CanvasKind(Enum):
    """What can be done on a canvas."""

    PICTURE = "picture"
    MASK = "mask"
    COLOUR = "colour"


@dataclass(frozen=True)
class Painted:
    """What a canvas held when the page was sent; None where nothing was."""

    image: Image.Image | None
    mask: Image.Image | None = None


def make_canvas(elem_id: str, label: str, kind: CanvasKind) -> SketchCanvas | UrlCanvas:
    """The canvas of the running gradio, inside the current gradio context."""
    return UrlCanvas(elem_id, kind) if IS_GRADIO_4 else SketchCanvas(elem_id, label, kind)


class SketchCanvas:
    """Gradio 3's image component with its own brush.

    Attributes:
        picture: The component a picture is sent to.
        inputs: The components whose values `read` takes.
    """

    def __init__(self, elem_id: str, label: str, kind: CanvasKind) -> None:
        self.kind = kind
        tool = {CanvasKind.MASK: "sketch", CanvasKind.COLOUR: "color-sketch"}.get(kind, "editor")
        colours = {CanvasKind.MASK: MASK_COLOUR, CanvasKind.COLOUR: SKETCH_COLOUR}
        self.picture = gr.Image(
            label=label,
            elem_id=elem_id,
            show_label=False,
            source="upload",
            interactive=True,
            type="pil",
            tool=tool,
            image_mode="RGB" if kind is CanvasKind.COLOUR else "RGBA",
            height=EDITOR_HEIGHT,
            brush_color=colours.get(kind, "#000000"),
        )
        self.inputs = [self.picture]
        if kind is CanvasKind.COLOUR:
            self.unpainted = gr.State(None)
            self.inputs.append(self.unpainted)
            self.picture.change(keep_unpainted, self.inputs, self.unpainted)

    def read(self, values: Sequence[Any], mask_alpha: float, mask_blur: int) -> Painted:
        """What was put and painted, from the values of `inputs`.

        Args:
            values: Values of `inputs`.
            mask_alpha: Transparency of a colour sketch's mask, 0-100.
            mask_blur: Mask blur of the job, px; a colour sketch is blended with it.
        """
        if self.kind is CanvasKind.PICTURE:
            return Painted(values[0])
        if self.kind is CanvasKind.MASK:
            held = values[0] or {}
            return Painted(held.get("image"), held.get("mask"))
        image, unpainted = values
        if image is None:
            return Painted(None)
        return blend_sketch(image, unpainted or image, mask_alpha, mask_blur)


def keep_unpainted(image: Image.Image | None, kept: Image.Image | None) -> Image.Image | None:
    """The picture before the strokes: the kept one while strokes are added, else the new one."""
    if image is None:
        return None
    if kept is None or kept.size != image.size:
        return image
    is_same_picture = np.any(np.all(np.asarray(image) == np.asarray(kept), axis=-1))
    return kept if is_same_picture else image


def blend_sketch(
    image: Image.Image, unpainted: Image.Image, mask_alpha: float, mask_blur: int
) -> Painted:
    """A colour sketch as gradio 3's hosts read it: strokes blended in, the mask dimmed."""
    changed = np.any(np.asarray(image) != np.asarray(unpainted), axis=-1)
    mask = Image.fromarray(changed.astype(np.uint8) * 255, "L")
    mask = ImageEnhance.Brightness(mask).enhance(1 - mask_alpha / 100)
    blur = ImageFilter.GaussianBlur(mask_blur)
    blended = Image.composite(image.filter(blur), unpainted, mask.filter(blur))
    return Painted(blended, mask)


class LogicalImage(gr.Textbox):
    """A hidden textarea that holds an RGBA picture as a PNG data URL."""

    def preprocess(self, payload: str | None) -> Image.Image | None:
        """The picture, RGBA, or None where the text is no PNG data URL."""
        if not isinstance(payload, str) or not payload.startswith(PNG_URL):
            return None
        try:
            data = base64.b64decode(payload[len(PNG_URL) :], validate=True)
            return Image.open(io.BytesIO(data)).convert("RGBA")
        except (binascii.Error, OSError) as error:
            raise gr.Error(f"The picture on the canvas cannot be read: {error}") from error

    def postprocess(self, value: Image.Image | str | None) -> str | None:
        """The data URL of a picture; text goes through as it is."""
        if value is None or isinstance(value, str):
            return value
        buffer = io.BytesIO()
        value.convert("RGBA").save(buffer, format="PNG")
        return PNG_URL + base64.b64encode(buffer.getvalue()).decode("ascii")

    def get_block_name(self) -> str:
        return "textbox"


class UrlCanvas:
    """Our painter on gradio 4, with the hosts' ids and two logical images.

    Attributes:
        picture: The component a picture is sent to.
        strokes: The component of the strokes over it.
        inputs: The components whose values `read` takes.
    """

    def __init__(self, elem_id: str, kind: CanvasKind) -> None:
        self.kind = kind
        name = f"canvas_{uuid.uuid4().hex}"
        gr.HTML(canvas_html(name, kind), elem_id=elem_id)
        self.strokes = LogicalImage(
            visible=False,
            label="foreground",
            elem_id=f"{name}_foreground",
            elem_classes=["logical_image_foreground"],
        )
        self.picture = LogicalImage(
            visible=False,
            label="background",
            elem_id=f"{name}_background",
            elem_classes=["logical_image_background"],
        )
        self.inputs = [self.picture, self.strokes]

    def read(self, values: Sequence[Any], mask_alpha: float, mask_blur: int) -> Painted:
        """What was put and painted, from the values of `inputs`; the numbers are not used here."""
        image, strokes = values
        if image is None or self.kind is CanvasKind.PICTURE:
            return Painted(image)
        if strokes is None:
            strokes = Image.new("RGBA", image.size)
        alpha = strokes.getchannel("A")
        if self.kind is CanvasKind.COLOUR:
            image = Image.alpha_composite(image, strokes)
            alpha = alpha.filter(ImageFilter.MaxFilter(int(0.015 * min(alpha.size)) * 2 + 1))
        opaque = Image.new("L", alpha.size, 255)
        return Painted(image, Image.merge("RGBA", (alpha, alpha, alpha, opaque)))


def brush_strokes(mask: Image.Image) -> list[list[list[int]]]:
    """Closed paths, as lists of [x, y], along which gradio 3's brush fills an L mask."""
    binary = (np.asarray(mask) > MASK_CUT).astype(np.uint8)
    depth = cv2.distanceTransform(cv2.copyMakeBorder(binary, 1, 1, 1, 1, 0), cv2.DIST_L2, 5)
    depth = depth[1:-1, 1:-1]
    paths: list[list[list[int]]] = []
    for level in range(BRUSH_WIDTH // 2, int(depth.max()) + 1, BRUSH_WIDTH // 2):
        inner = (depth >= level).astype(np.uint8)
        contours, _ = cv2.findContours(inner, cv2.RETR_LIST, cv2.CHAIN_APPROX_TC89_L1)
        paths += [contour[:, 0].tolist() for contour in contours if len(contour) > 2]
    return paths


def cut_as_the_page_does(mask: Image.Image | None) -> Image.Image | None:
    """The mask cut to black and white, where the host's page does that to every mask."""
    if mask is None or not shared.profile.page_cuts_masks:
        return mask
    levels = [0] * (MASK_CUT + 1) + [255] * (255 - MASK_CUT)
    return mask.point(levels * len(mask.getbands()))


def canvas_html(name: str, kind: CanvasKind) -> str:
    """Markup canvas.js brings to life; `name` leads to the two logical images."""
    colour = SKETCH_COLOUR if kind is CanvasKind.COLOUR else MASK_COLOUR
    brush = f"""
      <button type="button" data-part="undo" title="Undo the last stroke">Undo</button>
      <button type="button" data-part="clear" title="Remove all strokes">Clear</button>
      <label {"" if kind is CanvasKind.COLOUR else "hidden"}>Colour
        <input type="color" data-part="colour" value="{colour}"></label>
      <label>Brush <input type="range" data-part="size" min="2" max="120" value="32"></label>"""
    return f"""
    <div class="minihost-canvas minihost-canvas-empty"
         data-canvas="{name}" data-kind="{kind.value}">
      <div class="minihost-canvas-tools">
        <button type="button" data-part="upload" title="Choose a picture">Upload</button>
        <button type="button" data-part="remove" title="Remove the picture">Remove</button>
        {brush if kind is not CanvasKind.PICTURE else ""}
      </div>
      <div class="minihost-canvas-area">
        <img class="minihost-canvas-image" alt="">
        <canvas class="minihost-canvas-paint" width="1" height="1"></canvas>
        <button type="button" class="minihost-canvas-hint" data-part="hint">
          Drop a picture here or click to choose one</button>
      </div>
      <input type="file" accept="image/*" data-part="file" hidden>
    </div>"""

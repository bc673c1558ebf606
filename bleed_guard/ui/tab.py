"""The Bleed tab: an empty frame the page's script fills, and the endpoint it asks."""

from __future__ import annotations

import html
import inspect
import json
from collections.abc import Callable
from typing import Any

import gradio as gr
from PIL import Image

from bleed_guard.core.heatmap import ColorMap
from bleed_guard.core.record import RecordStore
from bleed_guard.ui import element_ids
from bleed_guard.ui.encode import encode_text
from bleed_guard.ui.events import script
from bleed_guard.ui.layers import color_tables
from bleed_guard.ui.served import ServedFiles
from bleed_guard.ui.viewer import Viewer

TITLE = "Bleed"
TARGETS = ("inpaint", "extras")
"""Tabs of the host that a picture can be sent to, by the host's names."""

FILES = ServedFiles()
"""Lives as long as the process, so that Reload UI leaves no files behind."""

BindSend = Callable[[Any, str, Any], None]
"""Given a button, a tab's name and an image component: a click sends the picture to the tab."""


def build_tab(
    store: RecordStore, bind_send: BindSend | None = None, color_map: str = ColorMap.CIVIDIS
) -> list[tuple[gr.Blocks, str, str]]:
    """The tab, as the host's `on_ui_tabs` wants it: (blocks, title, id).

    `bind_send` registers a button with the host's own "send to"; without it the page offers none.
    `color_map` are the colours of the heatmaps.
    """
    viewer = Viewer(store, FILES, color_map)
    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.HTML(build_frame(TARGETS if bind_send else (), color_map))
        _build_endpoint(viewer)
        if bind_send:
            _build_sending(viewer, bind_send)
    return [(blocks, TITLE, element_ids.TAB)]


def build_frame(targets: tuple[str, ...] = (), color_map: str = ColorMap.CIVIDIS) -> str:
    """The element the page's script fills, with the colours of the differences' codes."""
    tables = {name: encode_text(table) for name, table in color_tables(color_map).items()}
    colors = html.escape(json.dumps(tables))
    return (
        f'<div id="{element_ids.ROOT}" data-colors="{colors}" data-targets="{" ".join(targets)}">'
        "<noscript>The Bleed tab needs JavaScript.</noscript></div>"
    )


def _build_endpoint(viewer: Viewer) -> None:
    """What the page asks through gradio's own route, behind gradio's own login."""

    def answer(question: str, request: gr.Request) -> str:
        return json.dumps(viewer.answer(json.loads(question), _owner(request)))

    asked = gr.Textbox(visible=False, elem_id=element_ids.QUESTION)
    reply = gr.Textbox(visible=False, elem_id=element_ids.ANSWER)
    button = gr.Button(visible=False, elem_id=element_ids.ASK)
    button.click(
        answer, inputs=[asked], outputs=[reply], api_name=element_ids.API_NAME, queue=False
    )


def _build_sending(viewer: Viewer, bind_send: BindSend) -> None:
    """A hidden picture that the page fills, and a hidden button per tab that sends it there."""

    def load(wanted: str, request: gr.Request) -> Image.Image:
        try:
            return Image.fromarray(viewer.picture(json.loads(wanted), _owner(request)))
        except LookupError as error:  # gone: what the user has in the other tab must stay there
            raise gr.Error(str(error)) from None

    wanted = gr.Textbox(visible=False, elem_id=element_ids.SEND_WHAT)
    picture = gr.Image(
        visible=False, type="pil", elem_id=element_ids.SEND_IMAGE, **_lossless(gr.Image)
    )
    button = gr.Button(visible=False, elem_id=element_ids.SEND_LOAD)
    loaded = button.click(
        load, inputs=[wanted], outputs=[picture], queue=False, **script("bleedGuard.send.wanted")
    )
    loaded.success(fn=None, inputs=[], outputs=[], **script("bleedGuard.send.loaded"))
    for target in TARGETS:
        bind_send(gr.Button(visible=False, elem_id=element_ids.send(target)), target, picture)


def _lossless(component: type) -> dict[str, Any]:
    """Gradio 4 hands pictures over as WebP unless it is told otherwise."""
    return {"format": "png"} if "format" in inspect.signature(component).parameters else {}


def _owner(request: gr.Request) -> str:
    return getattr(request, "username", None) or ""

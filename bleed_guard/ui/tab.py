"""The Bleed tab: an empty frame the page's script fills, and the endpoint it asks."""

from __future__ import annotations

import html
import json
from base64 import b64encode

import gradio as gr

from bleed_guard.core.record import RecordStore
from bleed_guard.ui import element_ids
from bleed_guard.ui.layers import color_tables
from bleed_guard.ui.served import ServedFiles
from bleed_guard.ui.viewer import Viewer

TITLE = "Bleed"
FILES = ServedFiles()
"""Lives as long as the process, so that Reload UI leaves no files behind."""


def build_tab(store: RecordStore) -> list[tuple[gr.Blocks, str, str]]:
    """The tab, as the host's `on_ui_tabs` wants it: (blocks, title, id)."""
    viewer = Viewer(store, FILES)

    def answer(question: str, request: gr.Request) -> str:
        owner = getattr(request, "username", None) or ""
        return json.dumps(viewer.answer(json.loads(question), owner))

    with gr.Blocks(analytics_enabled=False) as blocks:
        gr.HTML(build_frame())
        question = gr.Textbox(visible=False, elem_id=element_ids.QUESTION)
        reply = gr.Textbox(visible=False, elem_id=element_ids.ANSWER)
        ask = gr.Button(visible=False, elem_id=element_ids.ASK)
        ask.click(
            answer, inputs=[question], outputs=[reply], api_name=element_ids.API_NAME, queue=False
        )
    return [(blocks, TITLE, element_ids.TAB)]


def build_frame() -> str:
    """The element the page's script fills, with the colours of the differences' codes."""
    tables = {name: b64encode(table.tobytes()).decode() for name, table in color_tables().items()}
    colors = html.escape(json.dumps(tables))
    return (
        f'<div id="{element_ids.ROOT}" data-colors="{colors}">'
        "<noscript>The Bleed tab needs JavaScript.</noscript></div>"
    )

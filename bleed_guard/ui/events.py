"""The words in which the two gradios differ."""

from __future__ import annotations

import inspect
from typing import Any

import gradio as gr

SCRIPT_KEYWORD = "js" if "js" in inspect.signature(gr.Blocks.load).parameters else "_js"
"""Name of the argument that carries an event's JavaScript: gradio 4 dropped the underscore."""


def script(source: str) -> dict[str, Any]:
    """Keyword arguments of an event that runs `source` in the page before its function."""
    return {SCRIPT_KEYWORD: source}

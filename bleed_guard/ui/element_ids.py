"""Ids of everything of ours in the page. The script and the style sheet use the same ones."""

from __future__ import annotations

PREFIX = "bleed_guard"

TAB = f"{PREFIX}_tab"
ROOT = f"{PREFIX}_root"
PANEL = f"{PREFIX}_panel"
QUESTION = f"{PREFIX}_question"
LIVE = f"{PREFIX}_live"
PRESET_TABLE = f"{PREFIX}_preset_table"
PRESET_REFRESH = f"{PREFIX}_preset_refresh"
ANSWER = f"{PREFIX}_answer"
ASK = f"{PREFIX}_ask"
SEND_WHAT = f"{PREFIX}_send_what"
SEND_IMAGE = f"{PREFIX}_send_image"
SEND_LOAD = f"{PREFIX}_send_load"

API_NAME = PREFIX
"""Name of the gradio endpoint the page asks: /run/bleed_guard, behind gradio's own login."""


def setting(name: str) -> str:
    """Id of the panel's control for this setting."""
    return f"{PREFIX}_{name}"


def send(target: str) -> str:
    """Id of the hidden button that hands the picture to another tab of the host."""
    return f"{PREFIX}_send_to_{target}"

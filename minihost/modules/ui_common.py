"""Small parts of the page that extensions import from a host."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

from modules.ui_components import ToolButton

from minihost.web.gradio_shim import gr

refresh_symbol = "\U0001f504"


def plaintext_to_html(text: str, classname: str | None = None) -> str:
    """The text as one HTML paragraph, escaped, its line breaks kept."""
    content = "<br>\n".join(html.escape(line) for line in text.split("\n"))
    return f"<p class='{classname}'>{content}</p>" if classname else f"<p>{content}</p>"


def update_generation_info(generation_info: str, html_info: str, img_index: int) -> tuple[Any, Any]:
    """HTML of the selected picture's infotext; the former HTML when there is none."""
    try:
        infotexts = json.loads(generation_info)["infotexts"]
    except (TypeError, ValueError, KeyError):
        return html_info, gr.update()
    if not 0 <= img_index < len(infotexts):
        return html_info, gr.update()
    return plaintext_to_html(infotexts[img_index]), gr.update()


def create_refresh_button(
    refresh_component: Any,
    refresh_method: Callable[[], Any],
    refreshed_args: Callable[[], dict[str, Any]] | dict[str, Any],
    elem_id: str,
) -> ToolButton:
    """A button that calls `refresh_method` and updates the component (or list of them)."""
    many = isinstance(refresh_component, list)
    components = refresh_component if many else [refresh_component]
    label = next((item.label for item in components if getattr(item, "label", None)), None)

    def refresh() -> Any:
        refresh_method()
        args = refreshed_args() if callable(refreshed_args) else refreshed_args
        for component in components:
            for key, value in args.items():
                setattr(component, key, value)
        updates = [gr.update(**args) for _ in components]
        return updates if many else updates[0]

    button = ToolButton(
        value=refresh_symbol, elem_id=elem_id, tooltip=f"{label}: refresh" if label else "Refresh"
    )
    button.click(fn=refresh, inputs=[], outputs=components)
    return button

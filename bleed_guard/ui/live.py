"""The place in the panel where the page's script says what the settings will do."""

from __future__ import annotations

import html
import json

from bleed_guard.core.live import live_rules
from bleed_guard.ui import element_ids


def build_live(size_step: int = 1) -> str:
    """The element the script fills while the user moves sliders, with the sentences it may say.

    `size_step` is the multiple, px, the host brings the asked size to.
    """
    rules = html.escape(json.dumps(live_rules(), ensure_ascii=False))
    return (
        f'<div id="{element_ids.LIVE}" role="status" aria-live="polite" '
        f'data-step="{size_step}" data-rules="{rules}"></div>'
    )

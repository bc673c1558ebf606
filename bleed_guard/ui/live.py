"""The place in the panel where the page's script says what the settings will do."""

from __future__ import annotations

import html
import json

from bleed_guard.core.live import live_rules
from bleed_guard.ui import element_ids


def build_live() -> str:
    """The element the script fills while the user moves sliders, with the sentences it may say."""
    rules = html.escape(json.dumps(live_rules(), ensure_ascii=False))
    return (
        f'<div id="{element_ids.LIVE}" role="status" aria-live="polite" data-rules="{rules}"></div>'
    )

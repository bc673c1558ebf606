"""Everything into the host, through one function that every Reload UI calls again."""

from __future__ import annotations

from modules import script_callbacks

from bleed_guard.host import compat, order, script
from bleed_guard.host.history import DEFAULT_LIMIT, HISTORY
from bleed_guard.ui import tab


def register() -> None:
    """Register callbacks. The host clears them at Reload UI and runs this file's caller again."""
    for hook in compat.missing_hooks():
        print(f"Bleed Guard: this host does not call {hook}; images will be told NOT GUARDED")
    limit = int(compat.option("bleed_guard_history_size", DEFAULT_LIMIT))
    HISTORY.configure(compat.temporary_folder(), limit)
    script_callbacks.on_before_image_saved(script.before_image_saved)
    script_callbacks.on_image_saved(script.image_saved)
    script_callbacks.on_ui_tabs(_build_tab)
    if compat.has_callback("on_before_ui"):
        script_callbacks.on_before_ui(order.order_last)


def _build_tab() -> list[tuple[object, str, str]]:
    return tab.build_tab(HISTORY)

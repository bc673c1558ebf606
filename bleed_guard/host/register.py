"""Everything into the host, through one function that every Reload UI calls again."""

from __future__ import annotations

from typing import Any

from modules import infotext_utils, script_callbacks

from bleed_guard.host import api, compat, options, order, script, xyz_grid
from bleed_guard.host.history import HISTORY
from bleed_guard.ui import tab


def register() -> None:
    """Register callbacks. The host clears them at Reload UI and runs this file's caller again."""
    for name, loss in compat.find_losses().items():
        print(f"Bleed Guard: this host has no {name}: {loss}")
    order.make_known()
    callbacks = {
        "on_ui_settings": options.add_section,
        "on_ui_tabs": _build_tab,
        "on_before_ui": _complete_host,
        "on_app_started": _add_routes,
        "on_before_image_saved": script.before_image_saved,
        "on_image_saved": script.image_saved,
    }
    for name, callback in callbacks.items():
        if compat.has_callback(name):
            getattr(script_callbacks, name)(callback)


def _build_tab() -> list[tuple[Any, str, str]]:
    return tab.build_tab(HISTORY, _bind_send, options.read("color_map"))


def _bind_send(button: Any, target: str, picture: Any) -> None:
    """A click on `button` sends the image component `picture` to the host's tab `target`."""
    binding = infotext_utils.ParamBinding(
        paste_button=button, tabname=target, source_image_component=picture
    )
    infotext_utils.register_paste_params_button(binding)


def _complete_host() -> None:
    """All options and scripts are loaded: the X/Y/Z plot gets our axes, and we go last."""
    HISTORY.configure(compat.make_temporary_folder(), int(options.read("history_size")))
    xyz_grid.add_axes()
    order.order_last()


def _add_routes(demo: Any, app: Any) -> None:
    api.add_routes(app, HISTORY)

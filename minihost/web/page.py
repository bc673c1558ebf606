"""The whole page: the host's tabs, the extensions' tabs, and what is in the head."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio
from modules import infotext_utils, localization, script_callbacks, scripts, shared

from minihost.web import gradio_shim, head
from minihost.web.gradio_shim import gr
from minihost.web.img2img_tab import StartingJob, create_img2img_tab
from minihost.web.settings_tab import SettingsTab
from minihost.web.tools_tabs import create_extras_tab, create_pnginfo_tab
from minihost.web.txt2img_tab import create_txt2img_tab

ASSET_SCRIPTS = ("script.js", "localization.js", "page.js", "canvas.js")

Tab = tuple[Any, str, str]
"""Block, title, id; as extensions give their own."""


def create_ui(start: StartingJob | None = None) -> gradio.Blocks:
    """Build the page from the loaded scripts; `start` already stands on the Inpaint page."""
    gradio_shim.install()
    install_head()
    infotext_utils.reset()
    script_callbacks.ui_settings_callback()
    shared.opts.reorder()
    tabs: list[Tab] = [
        (create_txt2img_tab(), "txt2img", "txt2img"),
        (create_img2img_tab(start), "img2img", "img2img"),
        (create_extras_tab(), "Extras", "extras"),
        (create_pnginfo_tab(), "PNG Info", "pnginfo"),
    ]
    settings = SettingsTab()
    tabs += [*script_callbacks.ui_tabs_callback(), (settings.block, "Settings", "settings")]
    shared.tab_names[:] = [title for _, title, _ in tabs]
    with gr.Blocks(theme=make_theme(), analytics_enabled=False, title="Mini host") as page:
        infotext_utils.connect_paste_params_buttons()
        with gr.Tabs(elem_id="tabs", selected="img2img"):
            for block, title, tab_id in in_order(tabs):
                with gr.TabItem(title, id=tab_id, elem_id=f"tab_{tab_id}"):
                    block.render()
        gr.HTML(footer_html(), elem_id="footer")
        settings.connect(page)
    return page


def in_order(tabs: list[Tab]) -> list[Tab]:
    """The tabs that are not hidden, in the order of the setting; others come last."""
    places = {title: place for place, title in enumerate(shared.opts.ui_tab_order)}
    shown = [tab for tab in tabs if tab[1] not in shared.opts.hidden_tabs]
    return sorted(shown, key=lambda tab: places.get(tab[1], len(places)))


def make_theme() -> gradio.themes.Base:
    """Gradio's own look with the system's fonts, so that none are fetched."""
    sans = ["system-ui", "Segoe UI", "Helvetica", "Arial", "sans-serif"]
    return gr.themes.Default(font=sans, font_mono=["ui-monospace", "Consolas", "monospace"])


def footer_html() -> str:
    """Which host is played, with what, and that no model is behind it."""
    profile, engine = shared.profile, shared.engine
    return (
        f"Mini host playing {profile.title} {profile.version} &middot; gradio {gr.__version__} "
        f"&middot; engine: {html.escape(engine.label)}"
    )


def install_head() -> None:
    """Put localization, the page's own and the extensions' scripts and styles into the page."""
    translation = localization.localization_js(shared.opts.localization)
    files = [head.ASSETS / name for name in ASSET_SCRIPTS]
    for suffix in (".js", ".mjs"):
        files += [Path(file.path) for file in scripts.list_scripts("javascript", suffix)]
    styles = [head.ASSETS / "style.css"]
    styles += [Path(path) for path in scripts.list_files_with_name("style.css")]
    head.install(
        f'<script type="text/javascript">{translation}</script>\n{head.script_tags(files)}',
        head.style_tags(styles),
    )

"""The Settings tab: every registered option, Apply, and Reload UI."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import gradio
from modules import shared, ui_common
from modules.call_queue import wrap_gradio_call
from modules.options import OptionInfo
from modules.ui_components import FormRow

from minihost.web.gradio_shim import gr

COMPONENTS_BY_TYPE = {str: gr.Textbox, int: gr.Number, float: gr.Number, bool: gr.Checkbox}


class SettingsTab:
    """Builds the tab; `connect` adds what needs the whole page.

    Attributes:
        block: The tab, to be rendered in the page.
        json: Hidden JSON of all settings, which the page's script reads.
    """

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}
        shared.settings_components = self.components
        with gr.Blocks(analytics_enabled=False) as self.block:
            with gr.Row():
                with gr.Column(scale=6):
                    self.submit = gr.Button(
                        "Apply settings", variant="primary", elem_id="settings_submit"
                    )
                with gr.Column():
                    self.reload = gr.Button(
                        "Reload UI", variant="primary", elem_id="settings_restart_gradio"
                    )
            self.result = gr.HTML(elem_id="settings_result")
            with gr.Tabs(elem_id="settings"):
                self._create_sections()
            self.json = gr.Textbox(
                elem_id="settings_json", value=lambda: shared.opts.dumpjson(), visible=False
            )

    def _create_sections(self) -> None:
        options = shared.opts.data_labels.items()
        for (elem_id, title), members in groupby(options, key=section_of):
            if elem_id is None:
                continue
            with (
                gr.TabItem(title, elem_id=f"settings_{elem_id}"),
                gr.Column(elem_id=f"column_settings_{elem_id}", variant="compact"),
            ):
                for key, info in members:
                    component = create_setting(key, info)
                    if component is not None:
                        self.components[key] = component

    def connect(self, page: gradio.Blocks) -> None:
        """Make Apply and Reload UI work, and show the values in force whenever the page loads."""
        keys = list(self.components)
        self.submit.click(
            fn=wrap_gradio_call(
                lambda *values: apply_settings(dict(zip(keys, values, strict=True))),
                extra_outputs=[gr.update()],
            ),
            inputs=list(self.components.values()),
            outputs=[self.json, self.result],
        )
        self.reload.click(
            fn=lambda: shared.state.request_restart(),
            _js="restart_reload",
            inputs=[],
            outputs=[],
        )
        page.load(
            fn=lambda: [gr.update(value=getattr(shared.opts, key)) for key in keys],
            inputs=[],
            outputs=list(self.components.values()),
            queue=False,
        )


def section_of(item: tuple[str, OptionInfo]) -> tuple[str | None, str]:
    """Id and title of the section a setting stands in; the id is None for hidden ones."""
    return item[1].section or (None, "")


def component_arguments(info: OptionInfo) -> dict[str, Any]:
    """The keyword arguments an option asks for its component."""
    found = info.component_args
    return dict((found() if callable(found) else found) or {})


def create_setting(key: str, info: OptionInfo) -> Any | None:
    """The component of one option; None for a type the page cannot show."""
    kind = info.component or COMPONENTS_BY_TYPE.get(type(info.default))
    if kind is None:
        return None
    common = {"label": info.label, "elem_id": f"setting_{key}", **component_arguments(info)}
    if info.do_not_save:
        kind(value=info.default, **common)
        return None
    value = getattr(shared.opts, key)
    if info.refresh is None:
        return kind(value=value, **common)
    with FormRow():
        component = kind(value=value, **common)
        ui_common.create_refresh_button(
            component, info.refresh, lambda: component_arguments(info), f"refresh_{key}"
        )
    return component


def apply_settings(values: dict[str, Any]) -> tuple[str, str]:
    """Set and save the options whose value changed.

    Raises:
        ValueError: A value is of the wrong type; nothing is changed.
    """
    opts = shared.opts
    for key, value in values.items():
        default = opts.data_labels[key].default
        if not opts.same_type(value, default):
            wanted = type(default).__name__
            raise ValueError(f"Bad value for setting {key}: {value!r}; expecting {wanted}.")
    changed = [key for key, value in values.items() if opts.set(key, value)]
    opts.save(shared.config_filename)
    names = f": {', '.join(changed)}" if changed else ""
    return opts.dumpjson(), f"{len(changed)} settings changed{names}."

"""The right side of a generation page: gallery, its buttons, infotext and messages."""

from __future__ import annotations

import json
from typing import Any

import gradio
from modules import images, infotext_utils, scripts, shared
from modules.call_queue import wrap_gradio_call
from modules.ui_common import plaintext_to_html, update_generation_info

from minihost.web.gradio_shim import IS_GRADIO_4, gr

SEND_BUTTONS = {
    "img2img": ("to img2img", "Send image and generation parameters to img2img tab."),
    "inpaint": ("to inpaint", "Send image and generation parameters to img2img inpaint tab."),
    "extras": ("to Extras", "Send image to extras tab."),
}


class OutputPanel:
    """Builds the panel inside the current gradio context.

    Attributes:
        gallery: The results.
        generation_info: Hidden JSON of the job, `infotexts` among it.
        infotext: HTML of the selected picture's infotext.
        html_log: HTML of comments, errors and the time taken.
    """

    def __init__(self, tab: str) -> None:
        with (
            gr.Column(elem_id=f"{tab}_results"),
            gr.Column(variant="panel", elem_id=f"{tab}_results_panel"),
        ):
            with gr.Group(elem_id=f"{tab}_gallery_container"):
                self.gallery = gr.Gallery(
                    label="Output",
                    show_label=False,
                    elem_id=f"{tab}_gallery",
                    columns=4,
                    preview=True,
                    height=512,
                    object_fit="contain",
                    **({"type": "pil", "interactive": False} if IS_GRADIO_4 else {}),
                )
            with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes="image-buttons"):
                save = gr.Button(
                    "Save", elem_id=f"save_{tab}", size="sm", tooltip="Save the image once more."
                )
                buttons = {
                    target: gr.Button(
                        label, elem_id=f"{tab}_send_to_{target}", size="sm", tooltip=tooltip
                    )
                    for target, (label, tooltip) in SEND_BUTTONS.items()
                }
            self._create_texts(tab)
        self.outputs = [self.gallery, self.generation_info, self.infotext, self.html_log]
        self._connect_save(save)
        self._bind(tab, buttons)

    def _create_texts(self, tab: str) -> None:
        with gr.Group():
            self.infotext = gr.HTML(elem_id=f"html_info_{tab}", elem_classes="infotext")
            self.html_log = gr.HTML(elem_id=f"html_log_{tab}", elem_classes="html-log")
            self.generation_info = gr.Textbox(visible=False, elem_id=f"generation_info_{tab}")
            selected = gr.Button(visible=False, elem_id=f"{tab}_generation_info_button")
        selected.click(
            fn=update_generation_info,
            _js="function(x, y, z){ return [x, y, selected_gallery_index()] }",
            inputs=[self.generation_info, self.infotext, self.infotext],
            outputs=[self.infotext, self.infotext],
            show_progress=False,
        )

    def _connect_save(self, button: Any) -> None:
        button.click(
            fn=wrap_gradio_call(save_selected, extra_outputs=[]),
            _js="function(x, y, z){ return [x, y, selected_gallery_index()] }",
            inputs=[self.generation_info, self.gallery, self.infotext],
            outputs=[self.html_log],
            show_progress=False,
        )

    def _bind(self, tab: str, buttons: dict[str, gradio.Button]) -> None:
        runner = {"txt2img": scripts.scripts_txt2img, "img2img": scripts.scripts_img2img}.get(tab)
        for target, button in buttons.items():
            infotext_utils.register_paste_params_button(
                infotext_utils.ParamBinding(
                    paste_button=button,
                    tabname=target,
                    source_tabname="txt2img" if tab == "txt2img" else None,
                    source_image_component=self.gallery,
                    paste_field_names=runner.paste_field_names if runner else [],
                )
            )


def save_selected(generation_info: str, gallery: list[Any], index: int) -> tuple[str]:
    """Save the selected picture (the first one if none is) to the folder of the save button."""
    if not gallery:
        return (plaintext_to_html("Nothing to save."),)
    place = index if 0 <= index < len(gallery) else 0
    image = infotext_utils.image_from_url_text([gallery[place]])
    if image is None:
        return (plaintext_to_html("Nothing to save."),)
    infotext = json.loads(generation_info)["infotexts"][place]
    parameters = infotext_utils.parse_generation_parameters(infotext, [])
    name, _ = images.save_image(
        image,
        shared.opts.outdir_save,
        "",
        seed=parameters.get("Seed"),
        prompt=parameters["Prompt"],
        extension=shared.opts.samples_format,
        info=infotext,
    )
    return (plaintext_to_html(f"Saved: {name}"),)

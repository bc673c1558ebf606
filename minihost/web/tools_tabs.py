"""The Extras and PNG Info tabs."""

from __future__ import annotations

import html
from typing import Any

import gradio
from modules import images, infotext_utils, shared
from modules.call_queue import wrap_gradio_call, wrap_gradio_gpu_call
from modules.ui_common import plaintext_to_html
from modules.ui_components import ResizeHandleRow
from PIL import Image

from minihost.web.gradio_shim import gr
from minihost.web.output_panel import OutputPanel


def create_extras_tab() -> gradio.Blocks:
    """Makes a picture larger or smaller, and nothing else."""
    with gr.Blocks(analytics_enabled=False) as block, ResizeHandleRow(equal_height=False):
        with gr.Column(variant="compact"):
            image = gr.Image(
                label="Source",
                elem_id="extras_image",
                source="upload",
                interactive=True,
                type="pil",
                image_mode="RGBA",
            )
            factor = gr.Slider(
                minimum=0.25,
                maximum=4.0,
                step=0.05,
                value=1.0,
                label="Resize",
                elem_id="extras_upscaling_resize",
            )
            submit = gr.Button("Generate", elem_id="extras_generate", variant="primary")
        panel = OutputPanel("extras")
        submit.click(
            fn=wrap_gradio_gpu_call(run_extras, extra_outputs=[None, "", ""]),
            inputs=[image, factor],
            outputs=panel.outputs,
            show_progress=False,
        )
    infotext_utils.add_paste_fields("extras", image, None)
    return block


def run_extras(image: Image.Image | None, factor: float) -> tuple[list[Any], str, str, str]:
    """Resize the picture, save it and show it; its infotext stays with it."""
    if image is None:
        raise ValueError("No picture: put one on this page.")
    infotext, items = images.read_info_from_image(image)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    result = image.resize(size, Image.Resampling.LANCZOS)
    images.save_image(
        result,
        shared.opts.outdir_extras_samples,
        "",
        extension=shared.opts.samples_format,
        info=infotext,
        existing_info=items,
        short_filename=True,
        no_prompt=True,
        pnginfo_section_name="extras",
    )
    return [result], "", plaintext_to_html(infotext or ""), ""


def create_pnginfo_tab() -> gradio.Blocks:
    """Shows what a picture says about its making, and sends it to the other tabs."""
    with gr.Blocks(analytics_enabled=False) as block, ResizeHandleRow(equal_height=False):
        with gr.Column(variant="panel"):
            image = gr.Image(
                elem_id="pnginfo_image",
                label="Source",
                source="upload",
                interactive=True,
                type="pil",
            )
        with gr.Column(variant="panel"):
            shown = gr.HTML()
            infotext = gr.Textbox(visible=False, elem_id="pnginfo_generation_info")
            table = gr.HTML(elem_id="pnginfo_html2_info")
            with gr.Row():
                buttons = infotext_utils.create_buttons(["txt2img", "img2img", "inpaint", "extras"])
        image.change(
            fn=wrap_gradio_call(run_pnginfo), inputs=[image], outputs=[shown, infotext, table]
        )
    for target, button in buttons.items():
        infotext_utils.register_paste_params_button(
            infotext_utils.ParamBinding(
                paste_button=button,
                tabname=target,
                source_text_component=infotext,
                source_image_component=image,
            )
        )
    return block


def run_pnginfo(image: Image.Image | None) -> tuple[str, str, str]:
    """Nothing, the infotext, and HTML of all texts in the picture."""
    if image is None:
        return "", "", ""
    infotext, items = images.read_info_from_image(image)
    rows = [
        f"<div><p><b>{html.escape(str(key))}</b></p>{plaintext_to_html(str(text))}</div>"
        for key, text in {"parameters": infotext, **items}.items()
        if text
    ]
    return "", infotext or "", "\n".join(rows) or plaintext_to_html("Nothing found in the image.")

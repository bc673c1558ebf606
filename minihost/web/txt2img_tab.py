"""The txt2img tab: enough of it for extensions that look for it, and that leave it alone."""

from __future__ import annotations

import gradio
from modules import infotext_utils, scripts
from modules.call_queue import wrap_gradio_gpu_call
from modules.ui_components import FormGroup, ResizeHandleRow

from minihost.web import controls as parts
from minihost.web.gradio_shim import gr
from minihost.web.output_panel import OutputPanel
from minihost.web.submit import Txt2ImgPage
from minihost.web.toprow import Toprow

TAB = "txt2img"
SECTIONS = {
    "sampler": parts.sampler_controls,
    "dimensions": parts.size_controls,
    "cfg": parts.cfg_control,
    "seed": parts.seed_control,
    "batch": parts.batch_controls,
    "override_settings": parts.override_control,
}


def create_txt2img_tab() -> gradio.Blocks:
    """The tab as a block to be rendered in the page."""
    runner = scripts.scripts_txt2img
    scripts.scripts_current = runner
    runner.initialize_scripts(is_img2img=False)
    controls: parts.Controls = {}
    with gr.Blocks(analytics_enabled=False) as block:
        hidden = gr.Textbox(visible=False)
        toprow = Toprow(TAB)
        with ResizeHandleRow(equal_height=False):
            with gr.Column(variant="compact", elem_id="txt2img_settings"):
                runner.prepare_ui()
                for section, maker in SECTIONS.items():
                    controls |= maker(TAB)
                    runner.setup_ui_for_section(section)
                with FormGroup(elem_id="txt2img_script_container"):
                    script_inputs = runner.setup_ui()
            panel = OutputPanel(TAB)
        page = Txt2ImgPage(tuple(controls))
        inputs = [hidden, toprow.prompt, toprow.negative_prompt, toprow.styles]
        toprow.submit.click(
            fn=wrap_gradio_gpu_call(page.run, extra_outputs=[None, "", ""]),
            _js="submit",
            inputs=[*inputs, *controls.values(), *script_inputs],
            outputs=panel.outputs,
            show_progress=False,
        )
        register_paste(toprow, controls)
    scripts.scripts_current = None
    return block


def register_paste(toprow: Toprow, controls: parts.Controls) -> None:
    """Tell the host's paste buttons about this tab's fields."""
    fields = parts.paste_fields(controls, toprow.prompt, toprow.negative_prompt)
    fields += scripts.scripts_txt2img.infotext_fields
    infotext_utils.add_paste_fields(TAB, None, fields, controls["override_settings"])
    infotext_utils.register_paste_params_button(
        infotext_utils.ParamBinding(
            paste_button=toprow.paste,
            tabname=TAB,
            source_text_component=toprow.prompt,
            source_image_component=None,
        )
    )

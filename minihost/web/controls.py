"""The sliders and choices both generation pages have, with the hosts' ids, ranges and defaults."""

from __future__ import annotations

from typing import Any

import gradio
from modules import sd_samplers, sd_schedulers
from modules.ui_components import FormGroup, FormRow, ToolButton

from minihost.web.gradio_shim import gr

RANDOM_SYMBOL = "\U0001f3b2\ufe0f"
SWITCH_SYMBOL = "\U000021c5"

Controls = dict[str, Any]
"""Components by the name their value has in the submitted form."""


def sampler_controls(tab: str) -> Controls:
    """Sampler, scheduler and steps."""
    samplers = sd_samplers.visible_sampler_names()
    schedulers = [scheduler.label for scheduler in sd_schedulers.schedulers]
    with FormRow(elem_id=f"sampler_selection_{tab}"):
        return {
            "sampler_name": gr.Dropdown(
                label="Sampling method",
                elem_id=f"{tab}_sampling",
                choices=samplers,
                value=samplers[0],
            ),
            "scheduler": gr.Dropdown(
                label="Schedule type",
                elem_id=f"{tab}_scheduler",
                choices=schedulers,
                value=schedulers[0],
            ),
            "steps": gr.Slider(
                label="Sampling steps",
                elem_id=f"{tab}_steps",
                minimum=1,
                maximum=150,
                step=1,
                value=20,
            ),
        }


def size_controls(tab: str) -> Controls:
    """Width and height, with a button that swaps them."""
    with FormRow():
        with gr.Column(elem_id=f"{tab}_column_size", scale=4):
            width, height = (
                gr.Slider(
                    label=name,
                    elem_id=f"{tab}_{name.lower()}",
                    minimum=64,
                    maximum=2048,
                    step=8,
                    value=512,
                )
                for name in ("Width", "Height")
            )
        with gr.Column(elem_id=f"{tab}_dimensions_row", scale=1, elem_classes="dimensions-tools"):
            switch = ToolButton(
                value=SWITCH_SYMBOL,
                elem_id=f"{tab}_res_switch_btn",
                tooltip="Switch width/height",
            )
    script = f"function(){{ return switchWidthHeight('{tab}'); }}"
    switch.click(fn=None, _js=script, inputs=None, outputs=None, show_progress=False)
    return {"width": width, "height": height}


def batch_controls(tab: str) -> Controls:
    """Batch count and size."""
    with FormRow(elem_id=f"{tab}_column_batch"):
        return {
            "n_iter": gr.Slider(
                label="Batch count",
                elem_id=f"{tab}_batch_count",
                minimum=1,
                maximum=100,
                step=1,
                value=1,
            ),
            "batch_size": gr.Slider(
                label="Batch size",
                elem_id=f"{tab}_batch_size",
                minimum=1,
                maximum=8,
                step=1,
                value=1,
            ),
        }


def cfg_control(tab: str) -> Controls:
    """CFG scale."""
    with FormRow():
        slider = gr.Slider(
            label="CFG Scale",
            elem_id=f"{tab}_cfg_scale",
            minimum=1.0,
            maximum=30.0,
            step=0.5,
            value=7.0,
        )
    return {"cfg_scale": slider}


def denoising_control(tab: str) -> Controls:
    """Denoising strength."""
    with FormRow():
        slider = gr.Slider(
            label="Denoising strength",
            elem_id=f"{tab}_denoising_strength",
            minimum=0.0,
            maximum=1.0,
            step=0.01,
            value=0.75,
        )
    return {"denoising_strength": slider}


def seed_control(tab: str) -> Controls:
    """Seed, with a button that makes it random."""
    with FormRow(elem_id=f"{tab}_seed_row"):
        seed = gr.Number(label="Seed", value=-1, elem_id=f"{tab}_seed", min_width=100, precision=0)
        dice = ToolButton(
            RANDOM_SYMBOL,
            elem_id=f"{tab}_random_seed",
            tooltip="Set seed to -1: a new random number every time",
        )
    dice.click(fn=lambda: -1, inputs=[], outputs=[seed], show_progress=False, queue=False)
    return {"seed": seed}


def inpaint_controls(is_visible: bool) -> tuple[FormGroup, Controls]:
    """All that concerns the mask, and the group they are in."""
    with FormGroup(elem_id="inpaint_controls", visible=is_visible) as group:
        with FormRow():
            blur = gr.Slider(
                label="Mask blur",
                minimum=0,
                maximum=64,
                step=1,
                value=4,
                elem_id="img2img_mask_blur",
            )
            alpha = gr.Slider(
                label="Mask transparency", visible=False, elem_id="img2img_mask_alpha"
            )
        with FormRow():
            invert = _index_radio(
                "Mask mode", "img2img_mask_mode", ["Inpaint masked", "Inpaint not masked"], 0
            )
        with FormRow():
            contents = ["fill", "original", "latent noise", "latent nothing"]
            fill = _index_radio("Masked content", "img2img_inpainting_fill", contents, 1)
        area, padding = _area_controls()
    return group, {
        "mask_blur": blur,
        "mask_alpha": alpha,
        "inpainting_mask_invert": invert,
        "inpainting_fill": fill,
        "inpaint_full_res": area,
        "inpaint_full_res_padding": padding,
    }


def _area_controls() -> tuple[Any, Any]:
    """What part of the picture the model gets, and how much around the mask."""
    with FormRow():
        with gr.Column():
            areas = ["Whole picture", "Only masked"]
            area = _index_radio("Inpaint area", "img2img_inpaint_full_res", areas, 0)
        with gr.Column(scale=4):
            padding = gr.Slider(
                label="Only masked padding, pixels",
                minimum=0,
                maximum=256,
                step=4,
                value=32,
                elem_id="img2img_inpaint_full_res_padding",
            )
    return area, padding


def _index_radio(label: str, elem_id: str, choices: list[str], chosen: int) -> gradio.Radio:
    return gr.Radio(
        label=label, elem_id=elem_id, choices=choices, value=choices[chosen], type="index"
    )


def override_control(tab: str) -> Controls:
    """Settings a pasted infotext overrides for this page's jobs; hidden while there are none."""
    with FormRow(elem_id=f"{tab}_override_settings_row"):
        dropdown = gr.Dropdown(
            [],
            label="Override settings",
            visible=False,
            elem_id=f"{tab}_override_settings",
            multiselect=True,
        )
    dropdown.change(
        fn=lambda texts: gr.update(visible=bool(texts)), inputs=[dropdown], outputs=[dropdown]
    )
    return {"override_settings": dropdown}


def paste_fields(controls: Controls, prompt: Any, negative_prompt: Any) -> list[tuple[Any, str]]:
    """Which control takes which infotext field."""
    names = {
        "steps": "Steps",
        "sampler_name": "Sampler",
        "scheduler": "Schedule type",
        "cfg_scale": "CFG scale",
        "seed": "Seed",
        "width": "Size-1",
        "height": "Size-2",
        "batch_size": "Batch size",
        "denoising_strength": "Denoising strength",
        "mask_blur": "Mask blur",
        "inpainting_mask_invert": "Mask mode",
        "inpainting_fill": "Masked content",
        "inpaint_full_res": "Inpaint area",
        "inpaint_full_res_padding": "Masked area padding",
    }
    fields = [(prompt, "Prompt"), (negative_prompt, "Negative prompt")]
    return fields + [(controls[name], label) for name, label in names.items() if name in controls]

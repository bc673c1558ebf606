"""The img2img tab: pictures and masks, controls, extensions' panels, results."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

import gradio
from modules import infotext_utils, scripts
from modules.call_queue import wrap_gradio_gpu_call
from modules.ui_components import FormGroup, FormRow, ResizeHandleRow
from PIL import Image

from minihost.web import controls as parts
from minihost.web.canvas import (
    CanvasKind,
    SketchCanvas,
    UrlCanvas,
    brush_strokes,
    make_canvas,
)
from minihost.web.gradio_shim import gr
from minihost.web.output_panel import OutputPanel
from minihost.web.submit import Img2ImgPage, Mode
from minihost.web.toprow import Toprow

TAB = "img2img"
RESIZE_MODES = (
    "Just resize",
    "Crop and resize",
    "Resize and fill",
    "Just resize (latent upscale)",
)
SECTIONS = (
    "inpaint",
    "sampler",
    "accordions",
    "checkboxes",
    "dimensions",
    "cfg",
    "seed",
    "batch",
    "override_settings",
    "scripts",
)


@dataclass(frozen=True)
class StartingJob:
    """What already stands on the Inpaint page when the tab is opened.

    Attributes:
        image: RGB picture.
        mask: L mask of the same size, 255 where it is painted.
    """

    image: Image.Image
    mask: Image.Image


@dataclass(frozen=True)
class Pictures:
    """The components of the pages in `mode_img2img`."""

    canvases: dict[Mode, SketchCanvas | UrlCanvas]
    uploaded: list[Any]
    batch: list[Any]
    tabs: list[Any]


def create_img2img_tab(start: StartingJob | None) -> gradio.Blocks:
    """The tab as a block to be rendered in the page; `start` is already on its Inpaint page."""
    runner = scripts.scripts_img2img
    scripts.scripts_current = runner
    runner.initialize_scripts(is_img2img=True)
    with gr.Blocks(analytics_enabled=False) as block:
        hidden = gr.Textbox(visible=False)
        toprow = Toprow(TAB)
        with ResizeHandleRow(equal_height=False):
            with gr.Column(variant="compact", elem_id="img2img_settings"):
                runner.prepare_ui()
                pictures = create_pictures(start)
                runner.setup_ui_for_section("image")
                controls, script_inputs = create_controls(pictures)
                if start is not None:
                    controls["width"].value, controls["height"].value = start.image.size
            panel = OutputPanel(TAB)
        connect_submit(hidden, toprow, pictures, controls, script_inputs, panel)
        register_paste(toprow, pictures, controls)
    scripts.scripts_current = None
    return block


def create_pictures(start: StartingJob | None) -> Pictures:
    """The six ways to give a picture, as tabs; Inpaint is in front."""
    canvases: dict[Mode, SketchCanvas | UrlCanvas] = {}
    with gr.Tabs(elem_id="mode_img2img", selected="inpaint"):
        pages = []
        for mode, (tab_id, title, elem_id, kind) in CANVAS_PAGES.items():
            with gr.TabItem(title, id=tab_id, elem_id=f"img2img_{tab_id}_tab") as page:
                canvases[mode] = make_canvas(elem_id, title, kind)
                if mode is Mode.INPAINT and start is not None:
                    preload(canvases[mode], start)
            pages.append(page)
        with gr.TabItem(
            "Inpaint upload", id="inpaint_upload", elem_id="img2img_inpaint_upload_tab"
        ) as page:
            uploaded = create_uploads()
        pages.append(page)
        with gr.TabItem("Batch", id="batch", elem_id="img2img_batch_tab") as page:
            batch = create_batch_page()
        pages.append(page)
    return Pictures(canvases, uploaded, batch, pages)


CANVAS_PAGES = {
    Mode.IMG2IMG: ("img2img", "img2img", "img2img_image", CanvasKind.PICTURE),
    Mode.SKETCH: ("img2img_sketch", "Sketch", "img2img_sketch", CanvasKind.COLOUR),
    Mode.INPAINT: ("inpaint", "Inpaint", "img2maskimg", CanvasKind.MASK),
    Mode.INPAINT_SKETCH: ("inpaint_sketch", "Inpaint sketch", "inpaint_sketch", CanvasKind.COLOUR),
}


def preload(canvas: SketchCanvas | UrlCanvas, start: StartingJob) -> None:
    """Put the starting job on the Inpaint page.

    Gradio 3 takes only the picture; there the page's script paints the mask with the brush.
    """
    canvas.picture.value = canvas.picture.postprocess(start.image)
    if isinstance(canvas, UrlCanvas):
        strokes = Image.merge("RGBA", [Image.new("L", start.mask.size, 255)] * 3 + [start.mask])
        canvas.strokes.value = canvas.strokes.postprocess(strokes)
    else:
        plan = html.escape(json.dumps(brush_strokes(start.mask)))
        gr.HTML(f'<div id="minihost_strokes" data-strokes="{plan}" hidden></div>')


def create_uploads() -> list[gradio.Image]:
    """Two uploads: picture and mask."""
    common = {"show_label": False, "source": "upload", "interactive": True, "type": "pil"}
    return [
        gr.Image(label="Image for img2img", elem_id="img_inpaint_base", **common),
        gr.Image(label="Mask", elem_id="img_inpaint_mask", image_mode="RGBA", **common),
    ]


def create_batch_page() -> list[gradio.Textbox]:
    """Folders on the server's machine: pictures, results, masks."""
    gr.HTML("<p>Process every picture of a folder on the machine the server runs on.</p>")
    return [
        gr.Textbox(label="Input directory", elem_id="img2img_batch_input_dir"),
        gr.Textbox(label="Output directory", elem_id="img2img_batch_output_dir"),
        gr.Textbox(
            label="Inpaint batch mask directory (required for inpaint batch processing only)",
            elem_id="img2img_batch_inpaint_mask_dir",
        ),
    ]


def create_controls(pictures: Pictures) -> tuple[parts.Controls, list[Any]]:
    """The controls in the hosts' order, each section followed by the panels extensions put there.

    Returns:
        Components by form name, and the script inputs in the runner's order.
    """
    runner = scripts.scripts_img2img
    found: parts.Controls = {}
    script_inputs: list[Any] = []
    with FormRow():
        found["resize_mode"] = gr.Radio(
            label="Resize mode",
            elem_id="resize_mode",
            choices=list(RESIZE_MODES),
            type="index",
            value=RESIZE_MODES[0],
        )
    for section in SECTIONS:
        if section == "scripts":
            with FormGroup(elem_id="img2img_script_container"):
                script_inputs = runner.setup_ui()
        elif section == "inpaint":
            group, created = parts.inpaint_controls(is_visible=True)
            found |= created
            show_with_masks(pictures.tabs, group, created["mask_alpha"])
        elif section == "accordions":
            with gr.Row(elem_id="img2img_accordions", elem_classes="accordions"):
                runner.setup_ui_for_section(section)
            continue
        else:
            found |= create_section(section)
        runner.setup_ui_for_section(section)
    return found, script_inputs


def create_section(section: str) -> parts.Controls:
    """The host's own controls of one section."""
    if section == "dimensions":
        return create_sizes()
    makers = {
        "sampler": [parts.sampler_controls],
        "cfg": [parts.denoising_control, parts.cfg_control],
        "seed": [parts.seed_control],
        "batch": [parts.batch_controls],
        "override_settings": [parts.override_control],
    }
    created: parts.Controls = {}
    for maker in makers.get(section, []):
        created |= maker(TAB)
    return created


def create_sizes() -> parts.Controls:
    """The size asked for: in pixels, or as a factor."""
    chosen = gr.Number(value=0, visible=False)
    with gr.Tabs():
        with gr.Tab(label="Resize to", elem_id="img2img_tab_resize_to") as to_tab:
            sizes = parts.size_controls(TAB)
        with gr.Tab(label="Resize by", elem_id="img2img_tab_resize_by") as by_tab:
            scale = gr.Slider(
                minimum=0.05,
                maximum=4.0,
                step=0.05,
                label="Scale",
                value=1.0,
                elem_id="img2img_scale",
            )
    to_tab.select(fn=lambda: 0, inputs=[], outputs=[chosen])
    by_tab.select(fn=lambda: 1, inputs=[], outputs=[chosen])
    return {**sizes, "selected_scale_tab": chosen, "scale_by": scale}


def show_with_masks(tabs: list[Any], group: FormGroup, mask_alpha: gradio.Slider) -> None:
    """Show the mask's controls on the pages that have a mask."""
    masked = {Mode.INPAINT, Mode.INPAINT_SKETCH, Mode.INPAINT_UPLOAD, Mode.BATCH}
    for place, tab in enumerate(tabs):
        is_masked = Mode(place) in masked
        is_sketch = Mode(place) is Mode.INPAINT_SKETCH

        def show(is_masked: bool = is_masked, is_sketch: bool = is_sketch) -> tuple[Any, Any]:
            return gr.update(visible=is_masked), gr.update(visible=is_sketch)

        tab.select(fn=show, inputs=[], outputs=[group, mask_alpha])


def connect_submit(
    hidden: gradio.Textbox,
    toprow: Toprow,
    pictures: Pictures,
    controls: parts.Controls,
    script_inputs: list[Any],
    panel: OutputPanel,
) -> None:
    """Make the Generate button run the job."""
    page = Img2ImgPage(tuple(controls), pictures.canvases)
    inputs = [hidden, hidden, toprow.prompt, toprow.negative_prompt, toprow.styles]
    inputs += [controls[name] for name in page.names]
    inputs += [item for canvas in pictures.canvases.values() for item in canvas.inputs]
    inputs += [*pictures.uploaded, *pictures.batch, *script_inputs]
    call = {
        "fn": wrap_gradio_gpu_call(page.run, extra_outputs=[None, "", ""]),
        "_js": "submit_img2img",
        "inputs": inputs,
        "outputs": panel.outputs,
        "show_progress": False,
    }
    toprow.submit.click(**call)


def register_paste(toprow: Toprow, pictures: Pictures, controls: parts.Controls) -> None:
    """Tell the host's paste buttons about this tab's fields."""
    fields = parts.paste_fields(controls, toprow.prompt, toprow.negative_prompt)
    fields += scripts.scripts_img2img.infotext_fields
    overrides = controls["override_settings"]
    for tab, mode in (("img2img", Mode.IMG2IMG), ("inpaint", Mode.INPAINT)):
        picture = pictures.canvases[mode].picture
        infotext_utils.add_paste_fields(tab, picture, fields, overrides)
    infotext_utils.register_paste_params_button(
        infotext_utils.ParamBinding(
            paste_button=toprow.paste,
            tabname=TAB,
            source_text_component=toprow.prompt,
            source_image_component=None,
        )
    )

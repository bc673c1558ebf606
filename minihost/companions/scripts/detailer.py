"""A detailer, as ADetailer works: each image gets inpaint jobs of its own, inside the job."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from modules import processing, scripts, shared
from PIL import Image, ImageDraw

FOUND = (0.35, 0.2, 0.65, 0.6)
"""Where the stand-in's detector finds its face, as shares of width and height."""


class Detailer(scripts.Script):
    """Always on. Nested jobs carry `_ad_inner`, and all scripts get their hooks."""

    def title(self) -> str:
        return "Detailer"

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio

        return [gradio.Checkbox(False, label="Enable detailer", elem_id=self.elem_id("on"))]

    def postprocess_image(self, p: Any, pp: Any, enabled: bool = False, *args: Any) -> None:
        if not enabled or getattr(p, "_ad_inner", False):
            return
        mask = Image.new("L", pp.image.size)
        box = [share * length for share, length in zip(FOUND, pp.image.size * 2, strict=True)]
        ImageDraw.Draw(mask).ellipse(box, fill=255)
        inner = processing.StableDiffusionProcessingImg2Img(
            init_images=[pp.image],
            mask=mask,
            mask_blur=4,
            inpainting_fill=1,
            inpaint_full_res=True,
            inpaint_full_res_padding=32,
            denoising_strength=0.4,
            prompt=p.prompt,
            seed=p.seeds[p.batch_index],
            steps=p.steps,
            sampler_name=p.sampler_name,
            width=p.width,
            height=p.height,
            do_not_save_samples=True,
            do_not_save_grid=True,
            outpath_samples=p.outpath_samples,
            outpath_grids=p.outpath_grids,
        )
        inner._ad_inner = True
        inner.scripts, inner.script_args = p.scripts, p.script_args
        with closing(inner):
            processed = processing.process_images(inner)
        if processed.images and not shared.state.interrupted:
            pp.image = processed.images[0].convert("RGB")
        p.extra_generation_params["Detailer"] = True

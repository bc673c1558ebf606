"""Loopback: each result is the next job's init image, on one and the same job object."""

from __future__ import annotations

import math
from typing import Any

from modules import images, processing, scripts, shared
from PIL import Image

CURVES = {
    "Aggressive": lambda progress: math.sin(progress * math.pi / 2),
    "Linear": lambda progress: progress,
    "Lazy": lambda progress: 1 - math.cos(progress * math.pi / 2),
}


class Loopback(scripts.Script):
    """Selectable; as the hosts' script of that title."""

    def title(self) -> str:
        return "Loopback"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio

        curve = gradio.Dropdown(list(CURVES), value="Linear", label="Denoising strength curve")
        return [
            gradio.Slider(1, 32, 4, step=1, label="Loops", elem_id=self.elem_id("loops")),
            gradio.Slider(0, 1, 0.5, step=0.01, label="Final denoising strength"),
            curve,
        ]

    def run(self, p: Any, *args: Any) -> Any:
        loops, final_strength, curve = args
        processing.fix_seed(p)
        p.extra_generation_params = {
            "Final denoising strength": final_strength,
            "Denoising curve": curve,
        }
        batches, first_strength = p.n_iter, p.denoising_strength
        given, fill = p.init_images, p.inpainting_fill
        shared.state.job_count = loops * batches
        made: list[Image.Image] = []
        info = ""
        for _ in range(batches):
            p.init_images, p.denoising_strength = given, first_strength
            strengths = [
                first_strength + (final_strength - first_strength) * CURVES[curve](i / (loops - 1))
                for i in range(1, loops)
            ]
            results = self._loop(p, [*strengths, final_strength])
            p.inpainting_fill = fill
            made += [image for image, _ in (results if batches == 1 else results[-1:])]
            info = info or (results[0][1] if results else "")
            if shared.state.interrupted or shared.state.stopping_generation:
                break
        if len(made) > 1 and shared.opts.return_grid:
            made = [images.image_grid(made, rows=1), *made]
        return processing.Processed(p, made, p.seed, info)

    def _loop(self, p: Any, next_strengths: list[float]) -> list[tuple[Image.Image, str]]:
        """(image, infotext) of every round."""
        results = []
        for strength in next_strengths:
            p.n_iter = p.batch_size = 1
            p.do_not_save_grid = True
            processed = processing.process_images(p)
            if shared.state.interrupted or shared.state.stopping_generation:
                break
            p.seed, p.denoising_strength = processed.seed + 1, strength
            if shared.state.skipped:
                break
            p.init_images, p.inpainting_fill = [processed.images[0]], 1
            results.append((processed.images[0], processed.info))
        return results

"""Scripts' panels without a page around them: for jobs that nobody presses a button for."""

from __future__ import annotations

from typing import Any

from modules import scripts

from minihost.web import gradio_shim
from minihost.web.gradio_shim import gr

SECTIONS = ("inpaint", "sampler", "accordions", "dimensions", "cfg", "seed", "batch")


def create_panels() -> None:
    """Make the scripts of both tabs and their controls, which gives arguments their places."""
    gradio_shim.install()
    with gradio_shim.without_applications(), gr.Blocks(analytics_enabled=False):
        for runner in (scripts.scripts_txt2img, scripts.scripts_img2img):
            scripts.scripts_current = runner
            runner.initialize_scripts(is_img2img=runner is scripts.scripts_img2img)
            runner.prepare_ui()
            for section in SECTIONS:
                runner.setup_ui_for_section(section)
            runner.setup_ui()
    scripts.scripts_current = None


def starting_args(runner: Any) -> tuple[Any, ...]:
    """Values of a runner's controls as the page starts with them, as `p.script_args` takes them."""
    return (0, *(component.value for component in runner.inputs[1:]))

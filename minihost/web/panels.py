"""Scripts' panels without a page around them: for jobs that nobody presses a button for."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts

from minihost.web import gradio_shim

SECTIONS = ("inpaint", "sampler", "accordions", "dimensions", "cfg", "seed", "batch")


def create_panels() -> tuple[Any, tuple[Any, ...]]:
    """Make the img2img scripts and their controls.

    Returns:
        The script runner, and the controls' starting values as `p.script_args` takes them.
    """
    gradio_shim.install()
    runner = scripts.scripts_img2img
    scripts.scripts_current = runner
    runner.initialize_scripts(is_img2img=True)
    with gr.Blocks(analytics_enabled=False):
        runner.prepare_ui()
        for section in SECTIONS:
            runner.setup_ui_for_section(section)
        inputs = runner.setup_ui()
    scripts.scripts_current = None
    return runner, (0, *(component.value for component in inputs[1:]))

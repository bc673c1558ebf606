"""The top of a generation page: prompts, the Generate button and the small buttons beside it."""

from __future__ import annotations

import gradio
from modules import shared
from modules.ui_components import ToolButton

from minihost.web.gradio_shim import gr

PASTE_SYMBOL = "\u2199\ufe0f"


class Toprow:
    """Builds the row inside the current gradio context.

    Attributes:
        prompt, negative_prompt: Text boxes.
        styles: Dropdown of prompt styles.
        submit: The Generate button.
        paste: Reads an infotext from the prompt into the page's controls.
    """

    def __init__(self, tab: str) -> None:
        with gr.Row(elem_id=f"{tab}_toprow", variant="compact"):
            with gr.Column(elem_id=f"{tab}_prompt_container", scale=6):
                self.prompt = self._textbox(tab, "prompt", "Prompt")
                self.negative_prompt = self._textbox(tab, "neg_prompt", "Negative prompt")
            with gr.Column(scale=1, elem_id=f"{tab}_actions_column"):
                self._create_buttons(tab)
                with gr.Row(elem_id=f"{tab}_tools"):
                    self.paste = ToolButton(
                        value=PASTE_SYMBOL,
                        elem_id="paste" if tab == "txt2img" else f"{tab}_paste",
                        tooltip="Read generation parameters from the prompt into the page.",
                    )
                self.styles = gr.Dropdown(
                    label="Styles",
                    show_label=False,
                    elem_id=f"{tab}_styles",
                    choices=list(shared.prompt_styles.styles),
                    value=[],
                    multiselect=True,
                    tooltip="Styles",
                )

    def _textbox(self, tab: str, name: str, label: str) -> gradio.Textbox:
        with gr.Row(elem_id=f"{tab}_{name}_row", elem_classes=["prompt-row"]):
            return gr.Textbox(
                label=label,
                elem_id=f"{tab}_{name}",
                show_label=False,
                lines=2,
                placeholder=label,
                elem_classes=["prompt"],
            )

    def _create_buttons(self, tab: str) -> None:
        with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]):
            interrupt, skip, interrupting = (
                gr.Button(
                    label,
                    elem_id=f"{tab}_{name}",
                    elem_classes=[f"generate-box-{name}"],
                )
                for name, label in (
                    ("interrupt", "Interrupt"),
                    ("skip", "Skip"),
                    ("interrupting", "Interrupting..."),
                )
            )
            self.submit = gr.Button("Generate", elem_id=f"{tab}_generate", variant="primary")
        state = shared.state
        placeholder = f"function(){{ showSubmitInterruptingPlaceholder('{tab}'); }}"
        interrupt.click(fn=lambda: state.interrupt(), _js=placeholder, queue=False)
        interrupting.click(fn=lambda: state.interrupt(), queue=False)
        skip.click(fn=lambda: state.skip(), queue=False)

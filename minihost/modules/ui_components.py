"""Gradio components under the names extensions import from a host."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import gradio

from minihost.web.gradio_shim import IS_GRADIO_4, gr, install

install()  # before the first subclass: gradio 4 would write a .pyi file for each


Init = TypeVar("Init", bound=Callable[..., None])


def signed_like(parent: Any) -> Callable[[Init], Init]:
    """Give a constructor its parent's signature: gradio 4 sends the browser what that names."""
    return cast("Callable[[Init], Init]", wraps(parent.__init__))


class _InForm:
    """Lets a block stand inside a gradio form, beside sliders and dropdowns."""

    def get_expected_parent(self) -> type:
        return gr.components.Form


FormComponent: Any = _InForm
gr.Dropdown.get_expected_parent = FormComponent.get_expected_parent


class ToolButton(FormComponent, gr.Button):
    """A small button with one symbol as its text."""

    @signed_like(gr.Button)
    def __init__(self, value: str = "", *args: Any, **kwargs: Any) -> None:
        classes = kwargs.pop("elem_classes", None) or []
        super().__init__(value, *args, elem_classes=["tool", *classes], **kwargs)

    def get_block_name(self) -> str:
        return "button"


class ResizeHandleRow(gr.Row):
    """The row of a page's two columns."""

    @signed_like(gr.Row)
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.elem_classes.append("resize-handle-row")

    def get_block_name(self) -> str:
        return "row"


class FormRow(FormComponent, gr.Row):
    """A row inside a form."""

    def get_block_name(self) -> str:
        return "row"


class FormColumn(FormComponent, gr.Column):
    """A column inside a form."""

    def get_block_name(self) -> str:
        return "column"


class FormGroup(FormComponent, gr.Group):
    """A group inside a form."""

    def get_block_name(self) -> str:
        return "group"


class FormHTML(FormComponent, gr.HTML):
    """HTML inside a form."""

    def get_block_name(self) -> str:
        return "html"


class FormColorPicker(FormComponent, gr.ColorPicker):
    """A colour picker inside a form."""

    def get_block_name(self) -> str:
        return "colorpicker"


class DropdownMulti(FormComponent, gr.Dropdown):
    """A dropdown for several values."""

    @signed_like(gr.Dropdown)
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "multiselect": True})

    def get_block_name(self) -> str:
        return "dropdown"


class DropdownEditable(FormComponent, gr.Dropdown):
    """A dropdown that takes values of the user's own."""

    @signed_like(gr.Dropdown)
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "allow_custom_value": True})

    def get_block_name(self) -> str:
        return "dropdown"


class InputAccordionImpl(gr.Checkbox):
    """An accordion whose open state is a value: a hidden checkbox that follows it and leads it."""

    global_index = 0

    @signed_like(gr.Checkbox)
    def __init__(self, value: bool | None = None, setup: bool = False, **kwargs: Any) -> None:
        if not setup:  # gradio 4 rebuilds components from their arguments to make updates
            super().__init__(value=value, **kwargs)
            return
        self.accordion_id = kwargs.get("elem_id") or self._next_id()
        super().__init__(
            value=value,
            **{**kwargs, "elem_id": f"{self.accordion_id}-checkbox", "visible": False},
        )
        script = f"function(checked) {{ inputAccordionChecked('{self.accordion_id}', checked); }}"
        self.change(fn=None, _js=script, inputs=[self])
        look = {
            **kwargs,
            "elem_id": self.accordion_id,
            "label": kwargs.get("label", "Accordion"),
            "elem_classes": ["input-accordion"],
            "open": bool(value),
        }
        self.accordion = gr.Accordion(**look)

    @classmethod
    def _next_id(cls) -> str:
        InputAccordionImpl.global_index += 1
        return f"input-accordion-{InputAccordionImpl.global_index - 1}"

    def extra(self) -> gradio.Column:
        """A place inside the accordion's label: `with accordion.extra(): ...`."""
        return gr.Column(
            elem_id=f"{self.accordion_id}-extra", elem_classes="input-accordion-extra", min_width=0
        )

    def __enter__(self) -> InputAccordionImpl:
        self.accordion.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.accordion.__exit__(*exc_info)

    def get_block_name(self) -> str:
        return "checkbox"


class _InputAccordion(InputAccordionImpl):
    def __init__(self, value: bool | None = None, **kwargs: Any) -> None:
        super().__init__(value=value, setup=True, **kwargs)


def _make_input_accordion(value: bool | None = None, **kwargs: Any) -> InputAccordionImpl:
    return InputAccordionImpl(value=value, setup=True, **kwargs)


InputAccordion: Any = _make_input_accordion if IS_GRADIO_4 else _InputAccordion
"""Builds an accordion whose open state is a value: a function on gradio 4, a class on gradio 3."""

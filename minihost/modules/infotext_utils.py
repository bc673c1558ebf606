"""Infotexts: reading them, pasting them into the page, and "send to" buttons."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from modules import errors, images, options, paths, script_callbacks, shared
from PIL import Image

_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"^(\d+)x(\d+)$")
_FEWEST_PARAMETERS = 3
"""A last line with fewer belongs to the prompt."""

_ABSENT_MEANS: dict[str, Any] = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "Refiner switch by sampling steps": False,
}


class ParamBinding:
    """A "send to" button: what it carries, and to which tab."""

    def __init__(
        self,
        paste_button: Any,
        tabname: str,
        source_text_component: Any = None,
        source_image_component: Any = None,
        source_tabname: str | None = None,
        override_settings_component: Any = None,
        paste_field_names: list[str] | None = None,
    ) -> None:
        self.paste_button = paste_button
        self.tabname = tabname
        self.source_text_component = source_text_component
        self.source_image_component = source_image_component
        self.source_tabname = source_tabname
        self.override_settings_component = override_settings_component
        self.paste_field_names = paste_field_names or []


class PasteField(tuple):
    """A pair (component, infotext name or function of all parameters)."""

    api: str | None
    component: Any
    label: str | None
    function: Callable[..., Any] | None

    def __new__(cls, component: Any, target: Any, *, api: str | None = None) -> PasteField:
        made = super().__new__(cls, (component, target))
        made.api = api
        made.component = component
        made.label = target if isinstance(target, str) else None
        made.function = target if callable(target) else None
        return made


paste_fields: dict[str, dict[str, Any]] = {}
registered_param_bindings: list[ParamBinding] = []


def reset() -> None:
    """No tab has fields, no button is bound."""
    paste_fields.clear()
    registered_param_bindings.clear()


# --- text ---


def quote(text: Any) -> Any:
    """The value as it stands in an infotext: quoted when it holds a comma, colon or newline."""
    if any(mark in str(text) for mark in ",\n:"):
        return json.dumps(text, ensure_ascii=False)
    return text


def unquote(text: str) -> str:
    """What `quote` was given; text that is not quoted comes back as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _split_text(text: str) -> tuple[str, str, str]:
    """(prompt, negative prompt, line of parameters)."""
    *lines, last = text.strip().split("\n")
    if len(_PARAMETER.findall(last)) < _FEWEST_PARAMETERS:
        lines, last = [*lines, last], ""
    prompts: tuple[list[str], list[str]] = ([], [])
    side = 0
    for line in (line.strip() for line in lines):
        if line.startswith("Negative prompt:"):
            side, line = 1, line.removeprefix("Negative prompt:").strip()
        prompts[side].append(line)
    return "\n".join(prompts[0]), "\n".join(prompts[1]), last


def parse_generation_parameters(x: str, skip_fields: Iterable[str] | None = None) -> dict[str, Any]:
    """An infotext's parameters by name; "Size: 96x64" becomes "Size-1" and "Size-2".

    Args:
        skip_fields: Names to leave out; those of the settings if None.
    """
    prompt, negative_prompt, last = _split_text(x)
    found: dict[str, Any] = {}
    for name, value in _PARAMETER.findall(last):
        value = unquote(value)
        size = _SIZE.match(value)
        if size:
            found[f"{name}-1"], found[f"{name}-2"] = size.groups()
        else:
            found[name] = value
    found["Prompt"], found["Negative prompt"] = prompt, negative_prompt
    for name, value in _ABSENT_MEANS.items():
        found.setdefault(name, value)
    for name in shared.opts.infotext_skip_pasting if skip_fields is None else skip_fields:
        found.pop(name, None)
    return found


def _setting_names() -> list[tuple[str, str]]:
    known = list(options.names_of(shared.opts.data_labels))
    return [*known, *(pair for pair in infotext_to_setting_name_mapping if pair not in known)]


infotext_to_setting_name_mapping: list[tuple[str, str]] = []


def create_override_settings_dict(text_pairs: Iterable[str]) -> dict[str, Any]:
    """["Clip skip: 2", ...] -> {"CLIP_stop_at_last_layers": 2, ...}."""
    given = dict(pair.split(":", maxsplit=1) for pair in text_pairs if ":" in pair)
    stripped = {name.strip(): value.strip() for name, value in given.items()}
    return {
        setting: shared.opts.cast_value(setting, stripped[name])
        for name, setting in _setting_names()
        if name in stripped
    }


def get_override_settings(
    params: dict[str, Any], *, skip_fields: Iterable[Any] | None = None
) -> list[tuple[str, str, Any]]:
    """(infotext name, setting, value) of parameters that differ from the settings in force."""
    skipped = set(skip_fields or ())
    found = []
    for name, setting in _setting_names():
        if name in skipped or name not in params:
            continue
        if setting == "sd_model_checkpoint" and shared.opts.disable_weights_auto_swap:
            continue
        value = shared.opts.cast_value(setting, params[name])
        if value is not None and value != getattr(shared.opts, setting, None):
            found.append((name, setting, value))
    return found


# --- the page ---


def image_from_url_text(filedata: Any) -> Image.Image | None:
    """The image a gallery or image component stands for.

    Raises:
        AssertionError: The file is outside the folders the page may read.
    """
    if isinstance(filedata, list):
        filedata = filedata[0] if filedata else None
    if isinstance(filedata, tuple):
        filedata = filedata[0]
    if filedata is None or isinstance(filedata, Image.Image):
        return filedata
    if isinstance(filedata, dict):
        from modules import ui_tempdir

        name = filedata["name"].rsplit("?", 1)[0]
        allowed = ui_tempdir.check_tmp_file(shared.demo, name)
        assert allowed, "trying to open image file outside of allowed directories"
        return images.read(Path(name))
    encoded = filedata.removeprefix("data:image/png;base64,")
    return images.read(io.BytesIO(base64.b64decode(encoded)))


def add_paste_fields(
    tabname: str, init_img: Any, fields: list[Any] | None, override_settings_component: Any = None
) -> None:
    """Makes a tab's fields known; pairs among them become PasteFields in place."""
    if fields is not None:
        fields[:] = [x if isinstance(x, PasteField) else PasteField(*x) for x in fields]
    paste_fields[tabname] = {
        "init_img": init_img,
        "fields": fields,
        "override_settings_component": override_settings_component,
    }


def create_buttons(tabs_list: Iterable[str]) -> dict[str, Any]:
    """A "send to" button for each tab."""
    import gradio

    return {tab: gradio.Button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def bind_buttons(buttons: dict[str, Any], send_image: Any, send_generate_info: Any) -> None:
    """Old way to bind buttons; use register_paste_params_button."""
    is_tab = isinstance(send_generate_info, str)
    for tabname, button in buttons.items():
        register_paste_params_button(
            ParamBinding(
                paste_button=button,
                tabname=tabname,
                source_text_component=None if is_tab else send_generate_info,
                source_image_component=send_image,
                source_tabname=send_generate_info if is_tab else None,
            )
        )


def register_paste_params_button(binding: ParamBinding) -> None:
    """Binds the button once the page is built."""
    registered_param_bindings.append(binding)


def send_image_and_dimensions(x: Any) -> tuple[Any, Any, Any]:
    """(image, width, height) of what a component holds, as the page's components take it."""
    import gradio

    image = image_from_url_text(x)
    if image is not None and image.mode == "RGBA":
        image = image.convert("RGB")
    if shared.opts.send_size and image is not None:
        return image, image.width, image.height
    return image, gradio.update(), gradio.update()


def _named(fields: Iterable[Any] | None, name: str) -> Any:
    return next((component for component, target in fields or () if target == name), None)


def _bind_image(binding: ParamBinding, target: dict[str, Any]) -> None:
    import gradio

    size = [_named(target["fields"], name) for name in ("Size-1", "Size-2")]
    sends_size = all(size) and binding.tabname != "inpaint"
    gallery = isinstance(binding.source_image_component, gradio.Gallery)
    function = send_image_and_dimensions if sends_size else image_from_url_text
    binding.paste_button.click(
        fn=function,
        _js="extract_image_from_gallery" if gallery else None,
        inputs=[binding.source_image_component],
        outputs=[target["init_img"], *(size if sends_size else [])],
        show_progress=False,
    )


def _bind_fields(binding: ParamBinding, source_tab: str, fields: list[Any]) -> None:
    names = {"Prompt", "Negative prompt", "Steps", "Face restoration", *binding.paste_field_names}
    if shared.opts.send_seed:
        names.add("Seed")
    source = paste_fields[source_tab]["fields"]
    binding.paste_button.click(
        fn=lambda *values: values,
        inputs=[component for component, target in source if target in names],
        outputs=[component for component, target in fields if target in names],
        show_progress=False,
    )


def connect_paste_params_buttons() -> None:
    """Binds the registered buttons; the page is built."""
    for binding in registered_param_bindings:
        target = paste_fields[binding.tabname]
        fields, settings = target["fields"], target["override_settings_component"]
        if binding.source_image_component and target["init_img"]:
            _bind_image(binding, target)
        if binding.source_text_component is not None and fields is not None:
            override = binding.override_settings_component or settings
            text = binding.source_text_component
            connect_paste(binding.paste_button, fields, text, override, binding.tabname)
        if binding.source_tabname is not None and fields is not None:
            _bind_fields(binding, binding.source_tabname, fields)
        binding.paste_button.click(
            fn=None, _js=f"switch_to_{binding.tabname}", inputs=None, outputs=None
        )


def _cast(value: Any, component: Any) -> Any:
    """The value as the hosts cast it: whole numbers become floats, "False" becomes false."""
    kind = type(component.value)
    if kind is bool and value == "False":
        return False
    return float(value) if kind is int else kind(value)


def _pasted(field: Any, params: dict[str, Any]) -> Any:
    """What the component is told: its new value, or nothing."""
    import gradio

    component, target = field
    try:
        value = target(params) if callable(target) else params.get(target)
    except Exception:
        errors.report(f"Error executing {target}", exc_info=True)
        value = None
    if value is None:
        return gradio.update()
    if isinstance(value, dict):
        return value
    try:
        return gradio.update(value=_cast(value, component))
    except (TypeError, ValueError):
        return gradio.update()


def _last_infotext() -> str:
    """The infotext of the last job, which pasting nothing pastes."""
    if shared.cmd_opts.hide_ui_dir_config or shared.cmd_opts.no_prompt_history:
        return ""
    file = Path(paths.data_path) / "params.txt"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def connect_paste(
    button: Any,
    paste_fields: list[Any],
    input_comp: Any,
    override_settings_component: Any,
    tabname: str,
) -> None:
    """Has the button read the infotext in `input_comp` into the tab's fields."""
    handled = {target for _, target in paste_fields}

    def paste_settings(params: dict[str, Any]) -> Any:
        import gradio

        found = get_override_settings(params, skip_fields=handled)
        values = [f"{name}: {value}" for name, _, value in found]
        return gradio.update(value=values, choices=values, visible=bool(values))

    fields = list(paste_fields)
    if override_settings_component is not None:
        fields.append((override_settings_component, paste_settings))

    def paste(text: str) -> list[Any]:
        text = text or _last_infotext()
        params = parse_generation_parameters(text)
        script_callbacks.infotext_pasted_callback(text, params)
        return [_pasted(field, params) for field in fields]

    outputs = [component for component, _ in fields]
    button.click(fn=paste, inputs=[input_comp], outputs=outputs, show_progress=False)
    button.click(fn=None, _js=f"recalculate_prompts_{tabname}", inputs=[], outputs=[])

"""Calls the scripts' hooks: one runner for text jobs, one for image jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modules import errors, script_callbacks, script_loading
from modules.api import models

if TYPE_CHECKING:
    from modules.scripts import Script


def wrap_call(
    func: Callable[..., Any],
    filename: str | None,
    funcname: str,
    *args: Any,
    default: Any = None,
    **kwargs: Any,
) -> Any:
    """`func`'s result; after an error, which is reported, `default`."""
    try:
        return func(*args, **kwargs)
    except Exception:
        errors.report(f"Error calling: {filename}/{funcname}", exc_info=True)
    return default


def _describe(control: Any) -> models.ScriptArg:
    argument = models.ScriptArg(label=getattr(control, "label", None) or "")
    for name in ("value", "minimum", "maximum", "step"):
        value = getattr(control, name, None)
        if value is not None:
            setattr(argument, name, value)
    choices = getattr(control, "choices", None)
    if choices is not None:
        argument.choices = [x[0] if isinstance(x, tuple) else x for x in choices]
    return argument


class ScriptRunner:
    """The scripts of one tab.

    Attributes:
        scripts: All of them.
        alwayson_scripts: Those that get the hooks.
        selectable_scripts: Those of the dropdown.
        inputs: Components whose values are `p.script_args`; the first is the dropdown.
    """

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.selectable_scripts: list[Script] = []
        self.alwayson_scripts: list[Script] = []
        self.titles: list[str] = []
        self.title_map: dict[str, Script] = {}
        self.infotext_fields: list[Any] = []
        self.paste_field_names: list[str] = []
        self.inputs: list[Any] = [None]
        self.callback_map: dict[str, tuple[int, list[script_callbacks.ScriptCallback]]] = {}
        self.on_before_component_elem_id: dict[str, list[tuple[Any, Script]]] = {}
        self.on_after_component_elem_id: dict[str, list[tuple[Any, Script]]] = {}

    def initialize_scripts(self, is_img2img: bool) -> None:
        """Makes an instance of every script class for this tab."""
        from modules import scripts

        for listed in (self.scripts, self.alwayson_scripts, self.selectable_scripts):
            listed.clear()
        for data in scripts.scripts_data:
            try:
                script = data.script_class()
            except Exception:
                errors.report(f"Error making script {data.script_class}", exc_info=True)
                continue
            script.filename = data.path
            script.is_txt2img, script.is_img2img = not is_img2img, is_img2img
            script.tabname = "img2img" if is_img2img else "txt2img"
            self._add(script, script.show(is_img2img))
        self.callback_map.clear()
        self.apply_on_before_component_callbacks()

    def _add(self, script: Script, visibility: Any) -> None:
        from modules import scripts

        if visibility is scripts.AlwaysVisible:
            script.alwayson = True
            self.alwayson_scripts.append(script)
            self.scripts.append(script)
        elif visibility:
            self.selectable_scripts.append(script)
            self.scripts.append(script)

    def apply_on_before_component_callbacks(self) -> None:
        """Takes over what scripts asked by on_before_component and on_after_component."""
        for script in self.scripts:
            for asked, known in (
                (script.on_before_component_elem_id, self.on_before_component_elem_id),
                (script.on_after_component_elem_id, self.on_after_component_elem_id),
            ):
                for elem_id, callback in asked or []:
                    known.setdefault(elem_id, []).append((callback, script))
                if asked:
                    asked.clear()

    # --- the page ---

    def create_script_ui(self, script: Script) -> None:
        """Makes a script's controls and gives its arguments their place."""
        script.args_from = script.args_to = len(self.inputs)
        try:
            self.create_script_ui_inner(script)
        except Exception:
            errors.report(f"Error creating UI for {script.name}: ", exc_info=True)

    def create_script_ui_inner(self, script: Script) -> None:
        """As create_script_ui; errors come through."""
        controls = wrap_call(script.ui, script.filename, "ui", script.is_img2img)
        script.controls = controls
        if controls is None:
            return
        title = wrap_call(script.title, script.filename, "title", default=script.filename)
        script.name = name = str(title).lower()
        for control in controls:
            control.custom_script_source = Path(script.filename or "").name
        script.api_info = models.ScriptInfo(
            name=name,
            is_img2img=script.is_img2img,
            is_alwayson=script.alwayson,
            args=[_describe(control) for control in controls],
        )
        self.infotext_fields += script.infotext_fields or []
        self.paste_field_names += script.paste_field_names or []
        self.inputs += controls
        script.args_to = len(self.inputs)

    def setup_ui_for_section(
        self, section: str | None, scriptlist: Sequence[Script] | None = None
    ) -> None:
        """Makes the controls of the scripts of one section, each in its group."""
        import gradio

        chosen = self.alwayson_scripts if scriptlist is None else scriptlist
        for script in sorted(chosen, key=lambda x: x.sorting_priority):
            if script.alwayson and script.section != section:
                continue
            if not script.create_group:
                self.create_script_ui(script)
                continue
            with gradio.Group(visible=script.alwayson) as group:
                self.create_script_ui(script)
            script.group = group

    def prepare_ui(self) -> None:
        """Before the page is built: no inputs but the place of the dropdown."""
        self.inputs = [None]

    def setup_ui(self) -> list[Any]:
        """Makes the controls of the remaining scripts and the dropdown; gives all inputs."""
        import gradio

        named = [
            (str(wrap_call(script.title, script.filename, "title") or script.filename), script)
            for script in self.scripts
        ]
        self.title_map = {title.lower(): script for title, script in named}
        self.titles = [title for title, script in named if script in self.selectable_scripts]
        self.setup_ui_for_section(None)
        dropdown = gradio.Dropdown(
            label="Script",
            elem_id="script_list",
            choices=["None", *self.titles],
            value="None",
            type="index",
        )
        self.inputs[0] = dropdown
        self.setup_ui_for_section(None, self.selectable_scripts)
        groups = [script.group for script in self.selectable_scripts]
        if groups:
            dropdown.change(fn=self._show_selected, inputs=[dropdown], outputs=groups)
        self.infotext_fields.append((dropdown, lambda x: x.get("Script", "None")))
        self.apply_on_before_component_callbacks()
        return self.inputs

    def _show_selected(self, script_index: int | None) -> list[Any]:
        import gradio

        chosen = (script_index or 0) - 1
        return [gradio.update(visible=chosen == i) for i in range(len(self.selectable_scripts))]

    # --- jobs ---

    def run(self, p: Any, *args: Any) -> Any:
        """Lets the selected script do the job; None when none is selected."""
        if not args[0]:
            return None
        script = self.selectable_scripts[args[0] - 1]
        return script.run(p, *args[script.args_from : script.args_to])

    def script(self, title: str) -> Script | None:
        """The script of that title, whatever its case."""
        return self.title_map.get(title.lower())

    def list_scripts_for_method(self, method_name: str) -> list[Script]:
        """Those who may get that hook."""
        for_all = method_name in ("before_component", "after_component")
        return self.scripts if for_all else self.alwayson_scripts

    def create_ordered_callbacks_list(
        self, method_name: str, *, enable_user_sort: bool = True
    ) -> list[script_callbacks.ScriptCallback]:
        """The scripts that have the hook, as callbacks in calling order."""
        from modules.scripts import Script

        category = f"script_{method_name}"
        callbacks: list[script_callbacks.ScriptCallback] = []
        for script in self.list_scripts_for_method(method_name):
            if getattr(type(script), method_name, None) == getattr(Script, method_name, None):
                continue
            name = type(script).__name__
            script_callbacks.add_callback(
                callbacks, script, category=category, name=name, filename=script.filename
            )
        return script_callbacks.sort_callbacks(
            category, callbacks, enable_user_sort=enable_user_sort
        )

    def ordered_callbacks(
        self, method_name: str, *, enable_user_sort: bool = True
    ) -> list[script_callbacks.ScriptCallback]:
        """As create_ordered_callbacks_list, remembered until the number of scripts changes."""
        category = f"script_{method_name}"
        count = len(self.list_scripts_for_method(method_name))
        known = self.callback_map.get(category)
        if known is None or known[0] != count:
            made = self.create_ordered_callbacks_list(
                method_name, enable_user_sort=enable_user_sort
            )
            known = self.callback_map[category] = (count, made)
        return known[1]

    def ordered_scripts(self, method_name: str) -> list[Script]:
        """The scripts that have the hook, in calling order."""
        return [x.callback for x in self.ordered_callbacks(method_name)]

    def _hook(self, name: str, p: Any, *handed: Any, **kwargs: Any) -> None:
        for script in self.ordered_scripts(name):
            try:
                args = p.script_args[script.args_from : script.args_to]
                getattr(script, name)(p, *handed, *args, **kwargs)
            except Exception:
                errors.report(f"Error running {name}: {script.filename}", exc_info=True)

    def setup_scrips(self, p: Any, *, is_ui: bool = True) -> None:
        """Hook `setup` (the hosts spell it so)."""
        for script in self.ordered_scripts("setup"):
            if not is_ui and script.setup_for_ui_only:
                continue
            try:
                script.setup(p, *p.script_args[script.args_from : script.args_to])
            except Exception:
                errors.report(f"Error running setup: {script.filename}", exc_info=True)

    def before_process(self, p: Any) -> None:
        """Hook of that name."""
        self._hook("before_process", p)

    def process(self, p: Any) -> None:
        """Hook of that name."""
        self._hook("process", p)

    def before_process_init_images(self, p: Any, pp: dict[str, Any], **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("before_process_init_images", p, pp, **kwargs)

    def before_process_batch(self, p: Any, **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("before_process_batch", p, **kwargs)

    def after_extra_networks_activate(self, p: Any, **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("after_extra_networks_activate", p, **kwargs)

    def process_batch(self, p: Any, **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("process_batch", p, **kwargs)

    def process_before_every_sampling(self, p: Any, **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("process_before_every_sampling", p, **kwargs)

    def on_mask_blend(self, p: Any, mba: Any) -> None:
        """Hook of that name."""
        self._hook("on_mask_blend", p, mba)

    def post_sample(self, p: Any, ps: Any) -> None:
        """Hook of that name."""
        self._hook("post_sample", p, ps)

    def postprocess_batch(self, p: Any, images: Any, **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("postprocess_batch", p, images=images, **kwargs)

    def postprocess_batch_list(self, p: Any, pp: Any, **kwargs: Any) -> None:
        """Hook of that name."""
        self._hook("postprocess_batch_list", p, pp, **kwargs)

    def postprocess_image(self, p: Any, pp: Any) -> None:
        """Hook of that name."""
        self._hook("postprocess_image", p, pp)

    def postprocess_maskoverlay(self, p: Any, ppmo: Any) -> None:
        """Hook of that name."""
        self._hook("postprocess_maskoverlay", p, ppmo)

    def postprocess_image_after_composite(self, p: Any, pp: Any) -> None:
        """Hook of that name."""
        self._hook("postprocess_image_after_composite", p, pp)

    def postprocess(self, p: Any, processed: Any) -> None:
        """Hook of that name."""
        self._hook("postprocess", p, processed)

    def before_hr(self, p: Any) -> None:
        """Hook of that name."""
        self._hook("before_hr", p)

    def before_component(self, component: Any, **kwargs: Any) -> None:
        """Hook of that name, and the callbacks asked for by element id."""
        asked = self.on_before_component_elem_id.get(kwargs.get("elem_id") or "", [])
        self._component("before_component", asked, component, kwargs)

    def after_component(self, component: Any, **kwargs: Any) -> None:
        """Hook of that name, and the callbacks asked for by element id."""
        asked = self.on_after_component_elem_id.get(component.elem_id or "", [])
        self._component("after_component", asked, component, kwargs)

    def _component(
        self, name: str, asked: list[tuple[Any, Script]], component: Any, kwargs: dict[str, Any]
    ) -> None:
        from modules.scripts import OnComponent

        for callback, script in asked:
            wrap_call(callback, script.filename, f"on_{name}", OnComponent(component=component))
        for script in self.ordered_scripts(name):
            wrap_call(getattr(script, name), script.filename, name, component, **kwargs)

    def reload_sources(self, cache: dict[str, ModuleType]) -> None:
        """Makes new instances from the scripts' files as they are now."""
        from modules.scripts import Script

        for index, old in enumerate(self.scripts):
            filename = old.filename or ""
            if filename not in cache:
                cache[filename] = script_loading.load_module(filename)
            for member in vars(cache[filename]).values():
                if isinstance(member, type) and issubclass(member, Script):
                    new = self.scripts[index] = member()
                    new.filename = filename
                    new.args_from, new.args_to = old.args_from, old.args_to

    def set_named_arg(
        self, args: Any, script_name: str, arg_elem_id: str, value: Any, fuzzy: bool = False
    ) -> Any:
        """`args` with the value of one control replaced; `fuzzy` takes a part of its id.

        Raises:
            RuntimeError: There is no such script or control.
        """
        script = next((x for x in self.scripts if x.name == script_name), None)
        if script is None:
            raise RuntimeError(f"script {script_name} not found")
        for index, control in enumerate(script.controls or [], start=script.args_from or 0):
            found = arg_elem_id in control.elem_id if fuzzy else arg_elem_id == control.elem_id
            if found:
                changed = [*args[:index], value, *args[index + 1 :]]
                return type(args)(changed)
        raise RuntimeError(f"arg_elem_id {arg_elem_id} not found in script {script_name}")

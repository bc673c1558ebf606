"""Callbacks extensions register with the host, and the order they are called in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules import errors, extensions, shared, timer, util


class ImageSaveParams:
    """What is about to be saved; on_before_image_saved may change every field.

    Attributes:
        image: The Pillow image.
        p: The job, or None.
        filename: Full path; its extension decides the format.
        pnginfo: Texts by key; the infotext is under "parameters".
    """

    def __init__(self, image: Any, p: Any, filename: str, pnginfo: dict[str, Any]) -> None:
        self.image = image
        self.p = p
        self.filename = filename
        self.pnginfo = pnginfo


class ImageGridLoopParams:
    """Images of a grid and how many columns and rows it gets."""

    def __init__(self, imgs: list[Any], cols: int, rows: int) -> None:
        self.imgs = imgs
        self.cols = cols
        self.rows = rows


class ExtraNoiseParams:
    """Noise about to be added: float32 B x 4 x h x w each."""

    def __init__(self, noise: Any, x: Any, xi: Any = None) -> None:
        self.noise = noise
        self.x = x
        self.xi = xi


class CFGDenoiserParams:
    """One step's input to the model; `x` is float32 B x 4 x h x w."""

    def __init__(
        self,
        x: Any,
        image_cond: Any,
        sigma: Any,
        sampling_step: int,
        total_sampling_steps: int,
        text_cond: Any,
        text_uncond: Any,
        denoiser: Any = None,
    ) -> None:
        self.x = x
        self.image_cond = image_cond
        self.sigma = sigma
        self.sampling_step = sampling_step
        self.total_sampling_steps = total_sampling_steps
        self.text_cond = text_cond
        self.text_uncond = text_uncond
        self.denoiser = denoiser


class CFGDenoisedParams:
    """One step's output of the model; `x` is float32 B x 4 x h x w."""

    def __init__(
        self, x: Any, sampling_step: int, total_sampling_steps: int, inner_model: Any
    ) -> None:
        self.x = x
        self.sampling_step = sampling_step
        self.total_sampling_steps = total_sampling_steps
        self.inner_model = inner_model


class AfterCFGCallbackParams:
    """One step's result; `x` is float32 B x 4 x h x w."""

    def __init__(self, x: Any, sampling_step: int, total_sampling_steps: int) -> None:
        self.x = x
        self.sampling_step = sampling_step
        self.total_sampling_steps = total_sampling_steps


class UiTrainTabParams:
    """Fields the training tab previews with."""

    def __init__(self, txt2img_preview_params: Any) -> None:
        self.txt2img_preview_params = txt2img_preview_params


@dataclass
class BeforeTokenCounterParams:
    """A prompt about to be counted."""

    prompt: str
    steps: int
    styles: list[str]
    is_positive: bool = True


@dataclass
class ScriptCallback:
    """A callback, the file that registered it, and its name "extension/file/category"."""

    script: str
    callback: Any
    name: str = "unnamed"


_CATEGORIES = (
    "app_started",
    "model_loaded",
    "ui_tabs",
    "ui_train_tabs",
    "ui_settings",
    "before_image_saved",
    "image_saved",
    "extra_noise",
    "cfg_denoiser",
    "cfg_denoised",
    "cfg_after_cfg",
    "before_component",
    "after_component",
    "image_grid",
    "infotext_pasted",
    "script_unloaded",
    "before_ui",
    "on_reload",
    "list_optimizers",
    "list_unets",
    "before_token_counter",
)

callback_map: dict[str, list[ScriptCallback]] = {f"callbacks_{x}": [] for x in _CATEGORIES}
ordered_callbacks_map: dict[str, list[ScriptCallback]] = {}


def clear_callbacks() -> None:
    """Forgets all callbacks, as Reload UI does."""
    for callbacks in callback_map.values():
        callbacks.clear()
    ordered_callbacks_map.clear()


def _calling_file() -> str:
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename if frame is not None else "unknown file"


def add_callback(
    callbacks: list[ScriptCallback],
    fun: Any,
    *,
    name: str | None = None,
    category: str = "unknown",
    filename: str | None = None,
) -> None:
    """Appends `fun` under a name that is its own: a second one of a file gets "-1" behind it."""
    filename = filename or _calling_file()
    extension = extensions.find_extension(filename)
    owner = extension.canonical_name if extension else "base"
    wanted = f"{owner}/{Path(filename).name}/{category}" + (f"/{name}" if name else "")
    taken = {callback.name for callback in callbacks}
    unique, count = wanted, 0
    while unique in taken:
        count += 1
        unique = f"{wanted}-{count}"
    callbacks.append(ScriptCallback(filename, fun, unique))


def _wishes(names: Iterable[str]) -> dict[str, list[extensions.CallbackOrderInfo]]:
    """What the metadata.ini of all extensions say about the order of these callbacks."""
    wishes: dict[str, list[extensions.CallbackOrderInfo]] = {name: [] for name in names}
    for extension in extensions.extensions:
        for wish in extension.metadata.list_callback_order_instructions():
            if wish.name in wishes:
                wishes[wish.name].append(wish)
    return wishes


def _dependencies(callbacks: list[ScriptCallback]) -> dict[str, list[str]]:
    """Name -> names called before it."""
    wishes = _wishes(callback.name for callback in callbacks)
    needed: dict[str, list[str]] = {name: [] for name in wishes}
    for name, told in wishes.items():
        for wish in told:
            needed[name] += [other for other in wish.after if other in needed]
            for other in wish.before:
                if other in needed:
                    needed[other].append(name)
    return needed


def sort_callbacks(
    category: str, unordered_callbacks: list[ScriptCallback], *, enable_user_sort: bool = True
) -> list[ScriptCallback]:
    """Order of registration, bent by metadata.ini, then the user's favourites to the front."""
    by_name = {callback.name: callback for callback in unordered_callbacks}
    needed = _dependencies(unordered_callbacks)
    ordered = list(unordered_callbacks)
    if any(needed.values()):
        ordered = [by_name[name] for name in util.topological_sort(needed)]
    if enable_user_sort:
        first = getattr(shared.opts, f"prioritized_callbacks_{category}", [])
        front = [by_name[name] for name in first if name in by_name]
        ordered = front + [callback for callback in ordered if callback not in front]
    return ordered


def ordered_callbacks(
    category: str,
    unordered_callbacks: list[ScriptCallback] | None = None,
    *,
    enable_user_sort: bool = True,
) -> list[ScriptCallback]:
    """The category's callbacks in calling order; sorted anew when their number changed."""
    if unordered_callbacks is None:
        unordered_callbacks = callback_map.get(f"callbacks_{category}", [])
    if not enable_user_sort:
        return sort_callbacks(category, unordered_callbacks, enable_user_sort=False)
    known = ordered_callbacks_map.get(category)
    if known is None or len(known) != len(unordered_callbacks):
        known = ordered_callbacks_map[category] = sort_callbacks(category, unordered_callbacks)
    return known


def enumerate_callbacks() -> Iterator[tuple[str, list[ScriptCallback]]]:
    """Pairs (category, callbacks)."""
    for key, callbacks in callback_map.items():
        yield key.removeprefix("callbacks_"), callbacks


def _results(category: str, *args: Any, backwards: bool = False, **kwargs: Any) -> Iterator[Any]:
    callbacks = ordered_callbacks(category)
    for item in list(reversed(callbacks)) if backwards else list(callbacks):
        try:
            yield item.callback(*args, **kwargs)
        except Exception:
            errors.report(f"Error executing callback {category} for {item.script}", exc_info=True)


def _run(category: str, *args: Any, backwards: bool = False, **kwargs: Any) -> None:
    for _ in _results(category, *args, backwards=backwards, **kwargs):
        pass


def app_started_callback(demo: Any, app: Any) -> None:
    """The page and the FastAPI application are up."""
    for item in ordered_callbacks("app_started"):
        try:
            item.callback(demo, app)
        except Exception:
            errors.report(f"Error executing app_started for {item.script}", exc_info=True)
        timer.startup_timer.record(Path(item.script).name)


def app_reload_callback() -> None:
    """The server is about to reload."""
    _run("on_reload")


def model_loaded_callback(sd_model: Any) -> None:
    """A model is loaded."""
    _run("model_loaded", sd_model)


def ui_tabs_callback() -> list[tuple[Any, str, str]]:
    """Tabs of extensions: (component, title, element id) each."""
    return [tab for tabs in _results("ui_tabs") for tab in tabs or []]


def ui_train_tabs_callback(params: UiTrainTabParams) -> None:
    """The training tab is being built."""
    _run("ui_train_tabs", params)


def ui_settings_callback() -> None:
    """Extensions add their settings now."""
    _run("ui_settings")


def before_image_saved_callback(params: ImageSaveParams) -> None:
    """An image is about to be saved; `params` may be changed."""
    _run("before_image_saved", params)


def image_saved_callback(params: ImageSaveParams) -> None:
    """An image has been saved."""
    _run("image_saved", params)


def extra_noise_callback(params: ExtraNoiseParams) -> None:
    """Extra noise is about to be added."""
    _run("extra_noise", params)


def cfg_denoiser_callback(params: CFGDenoiserParams) -> None:
    """Before a step."""
    _run("cfg_denoiser", params)


def cfg_denoised_callback(params: CFGDenoisedParams) -> None:
    """After the model's part of a step."""
    _run("cfg_denoised", params)


def cfg_after_cfg_callback(params: AfterCFGCallbackParams) -> None:
    """After a step."""
    _run("cfg_after_cfg", params)


def before_component_callback(component: Any, **kwargs: Any) -> None:
    """A component of the page is about to be made."""
    _run("before_component", component, **kwargs)


def after_component_callback(component: Any, **kwargs: Any) -> None:
    """A component of the page has been made."""
    _run("after_component", component, **kwargs)


def image_grid_callback(params: ImageGridLoopParams) -> None:
    """A grid is about to be made; `params` may be changed."""
    _run("image_grid", params)


def infotext_pasted_callback(infotext: str, params: dict[str, Any]) -> None:
    """An infotext has been read; its parameters may be changed."""
    _run("infotext_pasted", infotext, params)


def script_unloaded_callback() -> None:
    """Scripts are about to go: last in, first out."""
    _run("script_unloaded", backwards=True)


def before_ui_callback() -> None:
    """The page is about to be built: last in, first out."""
    _run("before_ui", backwards=True)


def list_optimizers_callback() -> list[Any]:
    """Attention optimisations of extensions."""
    found: list[Any] = []
    _run("list_optimizers", found)
    return found


def list_unets_callback() -> list[Any]:
    """Other U-Nets of extensions."""
    found: list[Any] = []
    _run("list_unets", found)
    return found


def before_token_counter_callback(params: BeforeTokenCounterParams) -> None:
    """A prompt is about to be counted."""
    _run("before_token_counter", params)


def _remove(unwanted: Callable[[ScriptCallback], bool]) -> None:
    for callbacks in (*callback_map.values(), *ordered_callbacks_map.values()):
        callbacks[:] = [callback for callback in callbacks if not unwanted(callback)]


def remove_current_script_callbacks() -> None:
    """Takes back what the calling file registered."""
    filename = _calling_file()
    _remove(lambda callback: callback.script == filename)


def remove_callbacks_for_function(callback_func: Callable[..., Any]) -> None:
    """Takes back this function, wherever it is registered."""
    _remove(lambda callback: callback.callback == callback_func)


def _registrar(category: str, told: str) -> Callable[..., None]:
    def register(callback: Callable[..., Any], *, name: str | None = None) -> None:
        callbacks = callback_map[f"callbacks_{category}"]
        add_callback(callbacks, callback, name=name, category=category)

    register.__doc__ = f"Registers a callback {told}."
    return register


on_app_started = _registrar("app_started", "(demo, app) for when the server is up")
on_before_reload = _registrar("on_reload", "() for before the server reloads")
on_model_loaded = _registrar("model_loaded", "(sd_model) for when a model is loaded")
on_ui_tabs = _registrar("ui_tabs", "() that gives [(component, title, element id)] or None")
on_ui_train_tabs = _registrar("ui_train_tabs", "(params) that adds tabs for training")
on_ui_settings = _registrar("ui_settings", "() that adds settings by shared.opts.add_option")
on_before_image_saved = _registrar("before_image_saved", "(ImageSaveParams) for before saving")
on_image_saved = _registrar("image_saved", "(ImageSaveParams) for after saving")
on_extra_noise = _registrar("extra_noise", "(ExtraNoiseParams)")
on_cfg_denoiser = _registrar("cfg_denoiser", "(CFGDenoiserParams) for before a step")
on_cfg_denoised = _registrar("cfg_denoised", "(CFGDenoisedParams) for after the model's part")
on_cfg_after_cfg = _registrar("cfg_after_cfg", "(AfterCFGCallbackParams) for after a step")
on_before_component = _registrar("before_component", "(component, **kwargs)")
on_after_component = _registrar("after_component", "(component, **kwargs)")
on_image_grid = _registrar("image_grid", "(ImageGridLoopParams) for before a grid is made")
on_infotext_pasted = _registrar("infotext_pasted", "(infotext, parameters)")
on_script_unloaded = _registrar("script_unloaded", "() for before the scripts go")
on_before_ui = _registrar("before_ui", "() for before the page is built")
on_list_optimizers = _registrar("list_optimizers", "(list) that appends to the list")
on_list_unets = _registrar("list_unets", "(list) that appends to the list")
on_before_token_counter = _registrar("before_token_counter", "(BeforeTokenCounterParams)")

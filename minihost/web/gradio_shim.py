"""What the hosts bend in gradio so that one extension runs on both of its versions.

On every gradio: script hooks and callbacks around each component, the class `gradio-<block>`, and
the keyword `tooltip`. On gradio 4 also the words of gradio 3: `_js`, `source`, a Boolean
`show_progress`, `Component.update`, `gr.Box`; unknown keywords are dropped with a warning.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio
import gradio.blocks
import gradio.components
from modules import script_callbacks, scripts, ui_tempdir

gr: Any = gradio
"""Gradio as the hosts bend it: its own types do not know the hosts' keywords."""

IS_GRADIO_4 = int(gr.__version__.split(".")[0]) >= 4

START_SECONDS = 60.0

_installed = False


class GradioDeprecationWarning(DeprecationWarning):
    """An extension used a keyword this gradio does not have."""


def install() -> None:
    """Bend gradio, once per process; call it before any component is built."""
    global _installed
    if _installed:
        return
    _installed = True
    if IS_GRADIO_4:
        _keep_interface_files_away()
        for cls in _public_blocks():
            _accept_host_keywords(cls)
            _accept_host_events(cls)
        _accept_host_follow_ups()
        gr.Box = gr.Group
        component = gradio.components.Component
    else:
        component = gr.components.IOComponent
    ui_tempdir.install_ui_tempdir_override()
    _wait_for_slow_machines()
    _announce(component)
    _announce(gradio.blocks.BlockContext)
    _show_tooltips_in_config()


@contextmanager
def without_applications() -> Iterator[None]:
    """Build blocks without the web application gradio makes for each of them, twice.

    Only the page that is launched needs one, and launching makes it; with gradio 4 the others take
    three quarters of the time it takes to build the page.
    """
    app: Any = gr.routes.App
    original = app.__dict__["create_app"]
    app.create_app = staticmethod(lambda *_args, **_kwargs: None)
    try:
        yield
    finally:
        app.create_app = original


def _wait_for_slow_machines() -> None:
    """Give gradio's server more than the five seconds it has to start on a busy machine."""
    from gradio.exceptions import ServerFailedToStartError

    place = "gradio.http_server" if IS_GRADIO_4 else "gradio.networking"
    server: Any = importlib.import_module(place).Server

    def run_in_thread(self: Any) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self.started:
            if not self.thread.is_alive() or time.monotonic() > deadline:
                raise ServerFailedToStartError("The server did not start; is the port free?")
            time.sleep(0.005)

    server.run_in_thread = run_in_thread


def _public_blocks() -> list[type]:
    names = [*gr.components.__all__, *gr.layouts.__all__]
    found = {getattr(gr, name, None) for name in names}
    return [cls for cls in found if inspect.isclass(cls) and getattr(cls, "EVENTS", None)]


def _announce(cls: type) -> None:
    """Tell scripts and callbacks about every instance of `cls`, before and after it is built."""
    original = cls.__init__

    @functools.wraps(original)
    def announced_init(self: Any, *args: Any, **kwargs: Any) -> None:
        tooltip = kwargs.pop("tooltip", None)
        runner = scripts.scripts_current
        if runner is not None:
            runner.before_component(self, **kwargs)
        script_callbacks.before_component_callback(self, **kwargs)
        original(self, *args, **kwargs)
        if tooltip:
            self.webui_tooltip = tooltip
        _add_classes(self)
        script_callbacks.after_component_callback(self, **kwargs)
        if runner is not None:
            runner.after_component(self, **kwargs)

    cls.__init__ = announced_init


def _add_classes(block: Any) -> None:
    classes = [f"gradio-{block.get_block_name()}", *(block.elem_classes or [])]
    if getattr(block, "multiselect", False):
        classes.append("multiselect")
    block.elem_classes = classes


def _show_tooltips_in_config() -> None:
    original = gradio.blocks.Block.get_config

    @functools.wraps(original)
    def get_config(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        config = original(self, *args, **kwargs)
        tooltip = getattr(self, "webui_tooltip", None)
        return {**config, "webui_tooltip": tooltip} if tooltip else config

    gradio.blocks.Block.get_config = get_config


def _keep_interface_files_away() -> None:
    """Stop gradio 4 from writing a .pyi file beside the source of every subclass."""
    from gradio import component_meta

    component_meta.create_or_modify_pyi = lambda *_args: None
    component_meta.updateable = lambda function: function


def _accept_host_keywords(cls: type) -> None:
    original = cls.__init__
    accepted = inspect.signature(original).parameters

    @functools.wraps(original)
    def lenient_init(
        self: Any, *args: Any, tooltip: str | None = None, source: str | None = None, **kwargs: Any
    ) -> None:
        if source:
            kwargs["sources"] = [source]
        for name in [name for name in kwargs if name not in accepted]:
            kwargs.pop(name)
            warnings.warn(
                f"unexpected argument for {cls.__name__}: {name}",
                GradioDeprecationWarning,
                stacklevel=2,
            )
        original(self, *args, **kwargs)
        if tooltip:
            self.webui_tooltip = tooltip

    cls.__init__ = lenient_init
    cls.update = staticmethod(gr.update)


def _accept_host_events(cls: type) -> None:
    for event in cls.EVENTS:
        setattr(cls, str(event), _translating(getattr(cls, str(event))))


def _accept_host_follow_ups() -> None:
    """Translate keywords in events made later too: `.then`, `.success` and subclasses' own."""
    from gradio.events import EventListener

    original = EventListener._setup

    def _setup(*args: Any, **kwargs: Any) -> Callable[..., Any]:
        return _translating(original(*args, **kwargs))

    EventListener._setup = staticmethod(_setup)
    gr.Blocks.load = _translating(gr.Blocks.load)


def _translating(listener: Callable[..., Any]) -> Callable[..., Any]:
    if getattr(listener, "accepts_host_keywords", False):
        return listener

    @functools.wraps(listener)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if "_js" in kwargs:
            kwargs["js"] = kwargs.pop("_js")
        if isinstance(kwargs.get("show_progress"), bool):
            kwargs["show_progress"] = "full" if kwargs["show_progress"] else "hidden"
        return listener(*args, **kwargs)

    wrapper.accepts_host_keywords = True  # type: ignore[attr-defined]
    return wrapper

"""Serves the page, the page's own routes and, when asked, the API; rebuilds them on Reload UI."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minihost import ROOT, activate, loader

HOST = "127.0.0.1"
QUEUE_SIZE = 64
COMMAND_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class ServeOptions:
    """What to serve.

    Attributes:
        profile: Name of the host to play.
        engine: Name of the stand-in for the model.
        extensions: The extensions to load, in this order.
        data_dir: Folder for settings and outputs; None is a temporary one.
        port: TCP port on 127.0.0.1.
        flags: Flags in the hosts' words, extensions' own among them.
        open_browser: Open the page in the user's browser.
    """

    profile: str
    engine: str
    extensions: tuple[loader.ExtensionFolder, ...] = (loader.OWN_EXTENSION,)
    data_dir: Path | None = None
    port: int = 7860
    flags: tuple[str, ...] = ()
    open_browser: bool = False


def start_host(options: ServeOptions) -> None:
    """Start the host and load the extensions; no page yet.

    Raises:
        KeyError: There is no such profile or engine.
        SystemExit: A flag is unknown.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    activate(options.profile, engine=options.engine, data_dir=options.data_dir, flags=options.flags)
    loader.preload(options.extensions, options.flags)
    loader.load(options.extensions)


def serve(
    options: ServeOptions, start: Any = None, on_ready: Callable[[str], None] = print
) -> None:
    """Serve until the process is interrupted; a request to restart builds the page anew.

    Args:
        options: What to serve.
        start: A `StartingJob` that stands on the Inpaint page, or None.
        on_ready: Called with the page's address when it answers, after every Reload UI too.
    """
    start_host(options)
    from modules import shared

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave no temporary folder behind
    is_first = True
    while True:
        url = launch(options, start, open_browser=options.open_browser and is_first)
        on_ready(url)
        is_first = False
        if wait_for_command() == "stop":
            return  # the server's thread ends with the process
        shared.demo.close()
        time.sleep(0.5)  # a browser may still hold the old connection
        loader.reload(options.extensions)


def wait_for_command() -> str:
    """Wait until somebody asks for "restart" or "stop"; an interruption from the keyboard stops."""
    from modules import shared

    try:
        while True:
            command = shared.state.wait_for_server_command(timeout=COMMAND_WAIT_SECONDS)
            if command in ("stop", "restart"):
                return command
    except KeyboardInterrupt:
        return "stop"


def launch(options: ServeOptions, start: Any, *, open_browser: bool) -> str:
    """Build the page and serve it with its routes; the page's address."""
    from modules import script_callbacks, shared

    from minihost.web import routes
    from minihost.web.gradio_shim import without_applications
    from minihost.web.page import create_ui

    script_callbacks.before_ui_callback()
    with without_applications():
        shared.demo = create_ui(start)
        shared.demo.queue(**queue_arguments())
    app, url, _ = shared.demo.launch(
        server_name=HOST,
        server_port=options.port,
        auth=list(gradio_credentials()) or None,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        allowed_paths=allowed_paths(options.extensions),
        quiet=True,
        show_api=False,
        app_kwargs={"docs_url": "/docs", "redoc_url": "/redoc"},
    )
    routes.add_page_routes(app)
    if shared.cmd_opts.api:
        from modules.call_queue import queue_lock

        from minihost.web.api import Api

        Api(app, queue_lock)
    script_callbacks.app_started_callback(shared.demo, app)
    return url


def queue_arguments() -> dict[str, Any]:
    """How this gradio is told to run several events at a time, as its host does."""
    from minihost.web.gradio_shim import IS_GRADIO_4

    if IS_GRADIO_4:
        return {"default_concurrency_limit": QUEUE_SIZE}
    return {"concurrency_count": QUEUE_SIZE}


def gradio_credentials() -> Iterator[tuple[str, str]]:
    """Users and passwords of --gradio-auth and --gradio-auth-path."""
    from modules import shared

    texts = [shared.cmd_opts.gradio_auth or ""]
    if shared.cmd_opts.gradio_auth_path:
        lines = Path(shared.cmd_opts.gradio_auth_path).read_text(encoding="utf-8").splitlines()
        texts += lines
    for text in texts:
        for credential in filter(None, (part.strip() for part in text.split(","))):
            user, _, password = credential.partition(":")
            yield user, password


def allowed_paths(folders: Sequence[loader.ExtensionFolder]) -> list[str]:
    """Folders gradio's file route serves to whoever is logged in, as in the hosts."""
    from modules import paths, shared

    known = [str(ROOT), paths.data_path, *shared.cmd_opts.gradio_allowed_path]
    return known + [str(folder.path) for folder in folders]

"""A mini host in a process of its own, and a browser that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio
import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from tests.browser.host_page import HostPage
from tests.minihost.conftest import PROBE_FILES, write_extension

ROOT = Path(__file__).resolve().parents[2]
VIEWPORT: ViewportSize = {"width": 1280, "height": 1000}
START_SECONDS = 90
STOP_SECONDS = 10
IS_GRADIO_4 = int(gradio.__version__.split(".")[0]) >= 4
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Server:
    """A running mini host.

    Attributes:
        url: Its address, with a slash at the end.
        data_dir: Its settings and outputs.
        lines: What it has printed so far.
    """

    url: str
    data_dir: Path
    lines: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """What it has printed so far, as one text."""
        return "".join(self.lines)


def free_port() -> int:
    """A TCP port of this machine nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_server(
    data_dir: Path, extensions: Sequence[str] = (), flags: Sequence[str] = (), engine: str = "drift"
) -> Iterator[Server]:
    """Start a mini host that plays the host of the running gradio; stop it whatever happens.

    Args:
        data_dir: Folder for settings and outputs; what is there already is used.
        extensions: "DIR" or "NAME=DIR"; none means this repository.
        flags: Further flags of the host.
        engine: Stand-in for the model.
    """
    port = free_port()
    command = [sys.executable, "-u", "-m", "minihost", "serve", "--port", str(port)]
    command += ["--engine", engine, "--data-dir", str(data_dir), *flags]
    for extension in extensions:
        command += ["--extension", extension]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "PYTHONIOENCODING": "utf-8"},
    )
    server = Server(f"http://127.0.0.1:{port}/", data_dir)
    is_ready = threading.Event()
    reader = threading.Thread(target=_read, args=(process, server, is_ready), daemon=True)
    reader.start()
    try:
        is_started = is_ready.wait(START_SECONDS) and process.poll() is None
        assert is_started, f"the mini host did not start:\n{server.output}"
        yield server
    finally:
        _stop(process)
        reader.join(STOP_SECONDS)


def _read(process: subprocess.Popen[str], server: Server, is_ready: threading.Event) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        server.lines.append(line)
        if line.startswith("Running on http"):
            is_ready.set()
    is_ready.set()  # it ended: nothing to wait for


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def find_chromium() -> str | None:
    """Path of the system's Chromium, or of the one named in BLEED_GUARD_CHROMIUM."""
    named = os.environ.get("BLEED_GUARD_CHROMIUM", "")
    found = (shutil.which(name) for name in (named, *CHROMIUM_NAMES) if name)
    return next(filter(None, found), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine (or name one in BLEED_GUARD_CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A mini host with this repository as its extension and the API, for all tests that leave it
    as it was."""
    with running_server(tmp_path_factory.mktemp("host"), flags=["--api"]) as running:
        yield running


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an extension that changes no picture: a script, a tab, a style, translations."""
    return write_extension(tmp_path_factory.mktemp("extensions") / "probe", PROBE_FILES)


@pytest.fixture(scope="session")
def bare_server(tmp_path_factory: pytest.TempPathFactory, probe: Path) -> Iterator[Server]:
    """A mini host that guards nothing, whose engine makes noise; with the probe extension.

    For all tests that leave it as it was.
    """
    with running_server(tmp_path_factory.mktemp("host"), [str(probe)], engine="noise") as running:
        yield running


OpenPage = Callable[..., HostPage]


@pytest.fixture(scope="session")
def shared_context(chromium: Browser) -> BrowserContext:
    """For all pages that need none of their own: what it has of Gradio's scripts stays compiled,
    which saves nearly half the work of loading a page."""
    return chromium.new_context()


@contextmanager
def opening_pages(chromium: Browser, shared: BrowserContext) -> Iterator[OpenPage]:
    """Opens pages: `open_page(server, query="", viewport=..., **context)`.

    With keywords for Playwright's context a page gets a context of its own; the others share one,
    without what earlier pages stored in it.

    The page must have nothing to complain of in the end: no script error, no failed request, no
    request to another machine.
    """
    opened: list[HostPage] = []

    def open_one(
        server: Server, query: str = "", viewport: ViewportSize = VIEWPORT, **context: Any
    ) -> HostPage:
        browser_page = (chromium.new_context(**context) if context else shared).new_page()
        browser_page.set_viewport_size(viewport)
        page = HostPage(browser_page, server.url, is_gradio_4=IS_GRADIO_4)
        opened.append(page)
        return page.open(query)

    yield open_one
    complaints = [line for page in opened for line in page.complaints]
    for page in opened:
        if page.page.context is shared:
            page.page.evaluate("localStorage.clear()")
            page.page.close()
        else:
            page.page.context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def open_page(chromium: Browser, shared_context: BrowserContext) -> Iterator[OpenPage]:
    """`opening_pages` for one test."""
    with opening_pages(chromium, shared_context) as open_one:
        yield open_one

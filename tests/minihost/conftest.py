"""A started host in this process, with an extension that tells what it is given."""

from __future__ import annotations

import base64
import io
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio
import numpy as np
import pytest
from PIL import Image

from minihost import PROFILES, activate, loader

PROBE_SCRIPT = """
    import gradio as gr
    from modules import script_callbacks, scripts

    import probe_package

    seen = probe_package.seen


    class Probe(scripts.Script):
        def title(self):
            return "Probe"

        def show(self, is_img2img):
            return scripts.AlwaysVisible if is_img2img else False

        def ui(self, is_img2img):
            strength = gr.Slider(0, 10, value=3, step=1, label="Strength", elem_id="probe_strength")
            name = gr.Textbox(value="nobody", label="Name", elem_id="probe_name")
            self.infotext_fields = [(strength, "Probe strength")]
            return [strength, name]

        def process(self, p, *args):
            seen.append(args)
            p.extra_generation_params["Probe strength"] = args[0] if args else None
            p.comment("probe was here <b>")


    class Shouter(scripts.Script):
        def title(self):
            return "Shout"

        def ui(self, is_img2img):
            return [gr.Textbox(value="hey", label="Word")]

        def run(self, p, word):
            from modules.processing import process_images

            seen.append(("run", word))
            return process_images(p)


    script_callbacks.on_ui_tabs(lambda: [(make_tab(), "Probe tab", "probe_tab")])
    probe_package.loads.append(__file__)


    def make_tab():
        with gr.Blocks(analytics_enabled=False) as tab:
            gr.HTML("<p id='probe_text'>probe text</p>")
        return tab
"""


PROBE_FILES = {
    "scripts/probe.py": PROBE_SCRIPT,
    "probe_package.py": "seen = []\nloads = []\n",
    "preload.py": """
        def preload(parser):
            parser.add_argument("--probe-level", type=int, default=1)
    """,
    "localizations/de_DE.json": '{"Strength": "Stärke"}',
    "javascript/probe.js": """
        window.probeCalls = {loaded: 0, options: 0, tabs: 0};
        onUiLoaded(() => { window.probeCalls.loaded += 1; });
        onOptionsChanged(() => { window.probeCalls.options += 1; });
        onUiTabChange(() => { window.probeCalls.tabs += 1; });
    """,
    "javascript/module.mjs": "window.probeModule = true;\n",
    "style.css": "#probe_text { color: rgb(1, 2, 3); }\n",
}


def write_extension(root: Path, files: dict[str, str]) -> Path:
    """Write an extension's files; texts are dedented."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def host_names() -> list[str]:
    """Hosts whose page is written for the gradio that is installed."""
    major = int(gradio.__version__.split(".")[0])
    return [name for name, profile in PROFILES.items() if profile.gradio_major == major]


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Path]:
    """Folder of an extension with an always-on script, a selectable one, a tab and a package."""
    yield write_extension(tmp_path / "probe", PROBE_FILES)
    sys.modules.pop("probe_package", None)


@pytest.fixture
def started(tmp_path: Path, probe: Path) -> Callable[..., loader.ExtensionFolder]:
    """Starts a host with the probe: `started("forge", "--api-auth=a:b", engine="noise")`."""

    def start(profile: str = "", *flags: str, engine: str = "noise") -> loader.ExtensionFolder:
        activate(profile or host_names()[0], engine=engine, data_dir=tmp_path / "data", flags=flags)
        folder = loader.ExtensionFolder("probe", probe)
        loader.preload([folder], flags)
        loader.load([folder])
        return folder

    return start


def probe_calls() -> list[Any]:
    """What the probe's scripts were given, call by call."""
    return sys.modules["probe_package"].seen


def as_base64(image: Image.Image) -> str:
    """The picture as base64 PNG, the way API clients send it."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def from_base64(text: str) -> Image.Image:
    """The picture an API sent."""
    return Image.open(io.BytesIO(base64.b64decode(text)))


@pytest.fixture
def picture() -> Image.Image:
    """128 x 64 of smooth colours: a size every host keeps."""
    rows, columns = np.mgrid[0:64, 0:128].astype(np.uint8)
    return Image.fromarray(np.dstack([columns, rows, 200 - columns]))


@pytest.fixture
def mask() -> Image.Image:
    """128 x 64, a white rectangle on black."""
    mask = Image.new("L", (128, 64))
    mask.paste(255, (48, 20, 80, 44))
    return mask

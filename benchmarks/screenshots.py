"""The README's picture of the Bleed tab: `python dev.py bench screenshots`.

A real run of the demo's job through the miniature host, looked at in Chromium. With --all FOLDER
the tab is kept there at a phone's, a laptop's and a large screen's width, light and dark.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gradio
import numpy as np
from PIL import Image
from playwright.sync_api import APIRequestContext, Browser

from benchmarks.tab import open_browser
from bleed_guard.core.job import Box
from minihost.demo import PROMPT, SEED, make_job
from tests.browser.bleed_tab import BleedTab, to_base64
from tests.browser.conftest import IS_GRADIO_4, Server, running_server
from tests.browser.host_page import HostPage

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "bleed-tab.png"
COLORS = 256


class Screen(NamedTuple):
    """A window, in CSS px, and the host's theme in it."""

    width: int
    height: int
    theme: str

    @property
    def name(self) -> str:
        return f"gradio-{gradio.__version__.split('.')[0]}-{self.width}-{self.theme}.png"


README_SCREEN = Screen(1280, 960, "dark")
SCREENS = [
    Screen(width, height, theme)
    for width, height in ((390, 844), (1280, 960), (2560, 1440))
    for theme in ("light", "dark")
]

PICTURE_BOX = """() => {
    const [root, picture] = ['#bleed_guard_root', '.bleed-guard-picture'].map(name =>
        document.querySelector(name).getBoundingClientRect());
    return [picture.left - root.left, picture.top - root.top, picture.right - root.left,
        picture.bottom - root.top].map(Math.round);
}"""

RUNS: Sequence[dict[str, Any]] = (
    {"alwayson_scripts": {"Bleed Guard": {"args": [{"preset": "full-redo"}]}}},
    {"inpainting_mask_invert": 0, "inpaint_full_res": True, "inpaint_full_res_padding": 64},
    {"batch_size": 2},
    {"denoising_strength": 0.9},
)
"""What differs from the demo's job, oldest first: the history's thumbnails."""


def main(arguments: Sequence[str] = ()) -> int:
    """Write the README's picture, and the others where they are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--all", type=Path, metavar="FOLDER")
    folder = parser.parse_args(arguments).all
    with (
        tempfile.TemporaryDirectory() as data_dir,
        running_server(Path(data_dir), flags=["--api"]) as server,
        open_browser() as browser,
    ):
        inpaint(browser.new_context().request, server)
        reduce_colors(*look(browser, server, README_SCREEN)).save(TARGET, optimize=True)
        print(f"wrote {TARGET.relative_to(ROOT)}, {TARGET.stat().st_size / 1000:.0f} KB")
        for path in keep(browser, server, folder) if folder else ():
            print(f"wrote {path}", flush=True)
    return 0


def inpaint(request: APIRequestContext, server: Server) -> None:
    """The demo's job in a few variants, through the host's API."""
    job = make_job()
    pictures = {"init_images": [np.asarray(job.image)], "mask": [np.asarray(job.mask)]}
    base = {
        "init_images": [to_base64(array) for array in pictures["init_images"]],
        "mask": to_base64(pictures["mask"][0]),
        "width": job.image.width,
        "height": job.image.height,
        "mask_blur": 4,
        "inpainting_fill": 1,
        "inpaint_full_res": False,
        "denoising_strength": 0.75,
        "prompt": PROMPT,
        "seed": SEED,
    }
    for changes in RUNS:
        answer = request.post(f"{server.url}sdapi/v1/img2img", data={**base, **changes})
        assert answer.ok, answer.text()


def keep(browser: Browser, server: Server, folder: Path) -> Iterator[Path]:
    """Screenshots on every screen; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for screen in SCREENS:
        path = folder / screen.name
        look(browser, server, screen)[0].save(path)
        yield path


def reduce_colors(shot: Image.Image, photograph: Box) -> Image.Image:
    """A palette of at most 256 colours, of which the interface keeps half: else the photograph
    would take its few colours away."""
    half = COLORS // 2
    part = shot.crop(photograph).quantize(half, dither=Image.Dither.FLOYDSTEINBERG)
    rest = shot.copy()
    rest.paste("black", photograph)
    rest = rest.quantize(half, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).convert("RGB")
    rest.paste(part.convert("RGB"), photograph[:2])
    return rest.quantize(COLORS, dither=Image.Dither.NONE)


def look(browser: Browser, server: Server, screen: Screen) -> tuple[Image.Image, Box]:
    """The tab as it opens, from its verdict to its end, and where the picture is in it."""
    context = browser.new_context(viewport={"width": screen.width, "height": screen.height})
    page = HostPage(context.new_page(), server.url, is_gradio_4=IS_GRADIO_4)
    tab = BleedTab(page.open(f"?__theme={screen.theme}"))
    tab.open()
    page.page.wait_for_function(
        "() => { const { stage, report } = bleedGuard.page;"
        " return stage.spots === report.worst && !stage.frame"
        " && [...document.querySelectorAll('.bleed-guard-strip img')].every(i => i.complete); }"
    )
    shot = page.page.locator("#bleed_guard_root").screenshot()
    left, top, right, bottom = page.page.evaluate(PICTURE_BOX)
    context.close()
    return Image.open(io.BytesIO(shot)).convert("RGB"), Box(left, top, right, bottom)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

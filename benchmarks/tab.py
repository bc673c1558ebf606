"""How long the Bleed tab takes to show a run: `python dev.py bench tab`.

The miniature host inpaints a photograph from its own page while the Bleed tab is open. Times run
from the moment the page has the host's answer: to the verdict, and to the complete tab - pictures,
outlines, heatmap, findings, plots, thumbnails.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import gradio
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from skimage import data

from tests.browser.conftest import CHROMIUM_FLAGS, IS_GRADIO_4, find_chromium, running_server
from tests.browser.host_page import HostPage

SIDE = 2048
RUNS = 5
LARGE_SIDE = 8192
WAIT_MS = 300_000

STOPWATCH = """() => {
    const { page } = bleedGuard, last = page.records[0]?.id;
    const info = document.querySelector('#generation_info_img2img textarea');
    const before = info.value;
    window.times = {};
    const isComplete = () => {
        const { stage, report, records, selected } = page;
        const { layers, options: { first, second, scale } } = stage;
        if (!report || layers?.id !== records[0].id || selected.record !== records[0]) return false;
        const zoom = stage.view.scale * devicePixelRatio;
        const pictures = [...document.querySelectorAll('.bleed-guard-strip img')];
        return [first, second].every(layer => layers.base.drawable(layer, scale, zoom))
            && layers.base.findOutlines() && stage.spots === report.worst
            && pictures.length && pictures.every(picture => picture.complete);
    };
    const look = () => {
        const { times } = window, now = performance.now();
        if (!times.answer && info.value !== before) times.answer = now;
        if (!times.verdict && page.records[0]?.id !== last) times.verdict = now;
        if (times.answer && times.verdict && isComplete()) {
            times.complete = now;
            return;
        }
        setTimeout(look, 2);
    };
    look();
}"""


def main() -> None:
    """Print one line a size."""
    print(f"gradio {gradio.__version__}, ms from the host's answer, median of {RUNS} (worst)")
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        time_generations(Path(folder), browser)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    with sync_playwright() as playwright:
        path = find_chromium()
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


def make_photograph(side: int) -> Image.Image:
    """A photograph with a camera's noise, so that it packs as badly as a real one."""
    scaled = cv2.resize(data.astronaut(), (side, side), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 2, scaled.shape)
    return Image.fromarray(np.clip(scaled + noise, 0, 255).astype(np.uint8))


def time_generations(folder: Path, browser: Browser) -> None:
    """Inpaint a photograph of 4 megapixels a few times, the tab open."""
    path = folder / "photograph.png"
    make_photograph(SIDE).save(path)
    with running_server(folder / "host") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        host = HostPage(page, server.url, is_gradio_4=IS_GRADIO_4).open()
        host.put_inpaint_picture(path)
        host.set_number("img2img_width", SIDE)
        host.set_number("img2img_height", SIDE)
        host.paint(((SIDE * 0.4, SIDE * 0.5), (SIDE * 0.6, SIDE * 0.5)))
        host.show_tab("Bleed")
        times = [time_run(page) for _ in range(RUNS + 1)][1:]
    for name in ("verdict", "complete"):
        values = [entry[name] - entry["answer"] for entry in times]
        print(f"{SIDE} x {SIDE} {name:9} {statistics.median(values):6.0f} ({max(values):.0f})")


def time_run(page) -> dict[str, float]:
    """Generate once; when the answer, the verdict and the complete tab were there, in ms."""
    page.evaluate(STOPWATCH)
    page.evaluate("document.getElementById('img2img_generate').click()")
    page.wait_for_function("window.times.complete", timeout=WAIT_MS)
    return page.evaluate("window.times")


if __name__ == "__main__":
    main()

"""How long the Bleed tab takes to show a run: `python dev.py bench tab`.

The miniature host inpaints a photograph from its own page, in Chromium and under both Gradios,
while the Bleed tab is open. Times run from the moment the page has the host's answer: to the
verdict, to the pictures, and to the complete tab - pictures, outlines, heatmap, findings, plots,
thumbnails; then from a click on the worst spot to its real pixels. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import gradio
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from skimage import data

import dev
from tests.browser.conftest import CHROMIUM_FLAGS, IS_GRADIO_4, find_chromium, running_server
from tests.browser.host_page import HostPage

SIDES = (2048, 8192)
RUNS = 5
WAIT_MS = 300_000
SETTLE_MS = 6_000
"""After a run Chromium saves the page's fields. Where the host keeps its picture in one, as Forge
does, the page stands still for seconds at 64 megapixels, with the tab or without."""

VENVS = ("a1111", "forge")
ROWS = {
    "verdict": "verdict",
    "pictures": "pictures, heatmap, outlines",
    "complete": "complete",
    "zoomed": "worst spot, real pixels",
}

STOPWATCH = """settle => {
    const { page } = bleedGuard, last = page.records[0]?.id;
    const info = document.querySelector('#generation_info_img2img textarea');
    const before = info.value;
    window.times = {};
    const isDrawn = () => {
        const { stage, records, selected } = page;
        const { layers, frame, options: { first, second, scale } } = stage;
        if (layers?.id !== records[0].id || selected.record !== records[0] || frame) return false;
        const zoom = stage.view.scale * devicePixelRatio;
        return stage.sheets(stage.panes[0], zoom).every(sheet => sheet.findOutlines()
            && [first, second].every(layer => sheet.drawable(layer, scale, zoom)));
    };
    const isComplete = () => {
        const pictures = [...document.querySelectorAll('.bleed-guard-strip img')];
        return page.report && page.stage.spots === page.report.worst
            && pictures.length && pictures.every(picture => picture.complete);
    };
    const steps = {
        answer: () => info.value !== before,
        verdict: () => page.records[0]?.id !== last,
        pictures: isDrawn,
        complete: isComplete,
        flown: () => performance.now() > window.times.complete + settle
            && !document.querySelector('.bleed-guard-spots button').click(),
        zoomed: isDrawn,
    };
    const look = () => {
        const { times } = window, open = Object.keys(steps).filter(step => !times[step]);
        for (const step of open) {
            if (!steps[step]()) break;
            times[step] = performance.now();
        }
        if (open.length) setTimeout(look, 2);
    };
    look();
}"""


def main(arguments: Sequence[str] = ()) -> int:
    """Print a table under each Gradio, or with --here under that of this Python alone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--here", action="store_true")
    if not parser.parse_args(arguments).here:
        command = ["-m", "benchmarks.tab", "--here"]
        return max(subprocess.call([dev.ensure(venv), *command]) for venv in VENVS)
    print(f"\ngradio {gradio.__version__}, ms, median of {RUNS} (worst)\n")
    print("| pixels | " + " | ".join(ROWS.values()) + " |")
    print("|---|" + "--:|" * len(ROWS), flush=True)
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        for side in SIDES:
            time_generations(Path(folder), browser, side)
    return 0


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


def time_generations(folder: Path, browser: Browser, side: int) -> None:
    """Inpaint a photograph of `side` x `side` px a few times, the tab open; print a row."""
    path = folder / "photograph.png"
    make_photograph(side).save(path)
    with running_server(folder / f"host-{side}") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        host = HostPage(page, server.url, is_gradio_4=IS_GRADIO_4).open()
        host.put_inpaint_picture(path)
        host.set_number("img2img_width", side)
        host.set_number("img2img_height", side)
        host.paint(((side * 0.4, side * 0.5), (side * 0.6, side * 0.5)))
        host.show_tab("Bleed")
        times = [time_run(page) for _ in range(RUNS + 1)][1:]
        page.close()
    columns = [[run[name] for run in times] for name in ROWS]
    told = [f"{statistics.median(column):.0f} ({max(column):.0f})" for column in columns]
    print(f"| {side} x {side} | " + " | ".join(told) + " |", flush=True)


def time_run(page: Page) -> dict[str, float]:
    """Generate once, then look at the worst spot; ms from the answer, or from the click."""
    page.evaluate("bleedGuard.page.stage.fit()")
    page.evaluate(STOPWATCH, SETTLE_MS)
    page.evaluate("document.getElementById('img2img_generate').click()")
    page.wait_for_function("window.times.zoomed", timeout=WAIT_MS)
    times = page.evaluate("window.times")
    shown = {name: times[name] - times["answer"] for name in ("verdict", "pictures", "complete")}
    return {**shown, "zoomed": times["zoomed"] - times["flown"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

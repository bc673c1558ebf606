"""The Bleed tab as a test's hand and eye: works the same on both Gradios."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import APIRequestContext, Locator, Page, expect

from tests.browser.conftest import Server
from tests.browser.host_page import HostPage

WAIT_MS = 30_000
WIDTH, HEIGHT = 192, 128
MASK = (60, 40, 120, 90)
"""Left, top, right, bottom of what `run_job` repaints."""


def make_original() -> np.ndarray:
    """Smooth colours: uint8 H x W x 3 RGB."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.uint8)
    return np.dstack([columns, rows, 255 - columns])


def run_job(request: APIRequestContext, url: str, **changes: Any) -> list[np.ndarray]:
    """Inpaint through the host's API, mask blur 4, whole picture; the results as RGB arrays."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[MASK[1] : MASK[3], MASK[0] : MASK[2]] = 255
    job = {
        "init_images": [to_base64(make_original())],
        "mask": to_base64(mask),
        "width": WIDTH,
        "height": HEIGHT,
        "mask_blur": 4,
        "inpaint_full_res": False,
        "prompt": "a mug",
        "seed": 7,
        **changes,
    }
    answer = request.post(f"{url}sdapi/v1/img2img", data=job, timeout=WAIT_MS)
    assert answer.ok, answer.text()
    images = [Image.open(io.BytesIO(base64.b64decode(text))) for text in answer.json()["images"]]
    return [np.asarray(image.convert("RGB")) for image in images]


def to_base64(array: np.ndarray) -> str:
    """uint8 array -> a PNG in base64."""
    target = io.BytesIO()
    Image.fromarray(array).save(target, "PNG")
    return base64.b64encode(target.getvalue()).decode()


RESET = """() => {
    localStorage.clear();
    const { stage } = bleedGuard.page;
    stage.set({
        mode: 'slider', first: 'result', second: 'heat-unguarded', scale: 'log', opacity: 0.6,
        mask: true, reach: true, crop: true, spots: true,
    });
    stage.setSplit(0.5);
    stage.look(null);
    stage.fit();
    return bleedGuard.page.refresh();
}"""


class BleedTab:
    """The tab in a page that is open.

    Attributes:
        page: Playwright's page.
        host: The host's page around it.
    """

    def __init__(self, host: HostPage) -> None:
        self.host = host
        self.page: Page = host.page

    def run_job(self, server: Server, **changes: Any) -> list[np.ndarray]:
        """`run_job`, and let the page notice at once."""
        results = run_job(self.page.request, server.url, **changes)
        self.page.evaluate("bleedGuard.page.refresh()")
        return results

    def part(self, name: str) -> Locator:
        """An element of ours by the end of its class."""
        return self.page.locator(f"#bleed_guard_root .bleed-guard-{name}")

    def open(self) -> BleedTab:
        """Bring the tab to the front and wait until the picture is there."""
        self.host.show_tab("Bleed")
        return self.wait()

    def reset(self) -> BleedTab:
        """Show the newest run as a page does that was never used."""
        self.page.evaluate(RESET)
        return self.open()

    def wait(self) -> BleedTab:
        """Wait until picture and report of the selected image are shown."""
        expect(self.part("verdict")).to_be_visible(timeout=WAIT_MS)
        self.page.wait_for_function(
            "() => document.getElementById('bleed_guard_root').dataset.state === 'ready'"
            " && bleedGuard.page.report && bleedGuard.page.stage.layers"
            " && bleedGuard.page.stage.layers.image === bleedGuard.page.selected.image",
            timeout=WAIT_MS,
        )
        return self

    @property
    def verdict(self) -> str:
        return self.part("verdict").inner_text()

    def wait_for_runs(self, count: int) -> None:
        """Wait until the page knows this many runs."""
        self.page.wait_for_function(
            "count => bleedGuard.page.records.length === count", arg=count, timeout=WAIT_MS
        )

    def run_count(self) -> int:
        return self.page.evaluate("bleedGuard.page.records.length")

    def choose(self, label: str, value: str) -> None:
        """Choose in one of the toolbar's lists, by the value."""
        self.part("toolbar").get_by_label(label, exact=True).select_option(value)

    def press(self, name: str) -> None:
        """Press a button of the tab by its text."""
        root = self.page.locator("#bleed_guard_root")
        root.get_by_role("button", name=name, exact=True).click()

    def place_of(self, x: float, y: float) -> tuple[float, float]:
        """Where the middle of a picture's pixel is on the screen."""
        box = self.part("canvas").bounding_box()
        assert box is not None
        view = self.page.evaluate("({...bleedGuard.page.stage.view})")
        return (
            box["x"] + view["x"] + (x + 0.5) * view["scale"],
            box["y"] + view["y"] + (y + 0.5) * view["scale"],
        )

    def color_at(self, x: int, y: int) -> np.ndarray:
        """What the canvas shows in the middle of a picture's pixel: R, G, B."""
        shown, box = self.look(), self.part("canvas").bounding_box()
        assert box is not None
        across, down = self.place_of(x, y)
        return shown[int(down - box["y"]), int(across - box["x"])]

    def inspect(self, x: int, y: int) -> dict[str, str]:
        """Point at a pixel; what the inspector says of it, by label."""
        self.part("canvas").scroll_into_view_if_needed()
        self.page.mouse.move(*self.place_of(x, y))
        place = self.part("inspector").locator("dd").first
        expect(place).to_have_text(f"{x}, {y}", timeout=WAIT_MS)
        labels = self.part("inspector").locator("dt").all_inner_texts()
        values = self.part("inspector").locator("dd").all_inner_texts()
        return dict(zip(labels, (value.strip() for value in values), strict=True))

    def look(self) -> np.ndarray:
        """What the canvas shows, one value per screen pixel: uint8 h x w x 3."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")
        url = self.page.evaluate("bleedGuard.page.stage.canvas.toDataURL()")
        picture = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
        return np.asarray(picture.convert("RGB"))

    def hide_outlines(self) -> None:
        """Show the layers alone."""
        self.page.evaluate(
            "bleedGuard.page.stage.set({mask: false, reach: false, crop: false, spots: false})"
        )

"""The hosts' page, as a test's hand and eye: works the same on both Gradios."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

LOAD_MS = 60_000
GENERATE_MS = 60_000
PUT_MS = 20_000
PUT_ATTEMPTS = 4
STROKE_STEPS = 8

Stroke = tuple[tuple[float, float], tuple[float, float]]
"""From and to, in the picture's pixels."""


class HostPage:
    """One browser page with the host in it.

    Attributes:
        page: Playwright's page.
        url: The host's address, with a slash at its end.
        is_gradio_4: Which Gradio the page is built with.
        complaints: Errors of scripts, failed requests, and requests to other machines.
    """

    def __init__(self, page: Page, url: str, *, is_gradio_4: bool) -> None:
        self.page = page
        self.url = url
        self.is_gradio_4 = is_gradio_4
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("request", lambda request: self._note_request(request.url))
        page.on("response", lambda response: self._note_status(response.url, response.status))

    def _note_request(self, url: str) -> None:
        if not url.startswith(
            (self.url, self.url.replace("http", "ws"), "data:", "blob:", "about:")
        ):
            self.complaints.append(f"request to another machine: {url}")

    def _note_status(self, url: str, status: int) -> None:
        is_expected = url.endswith("/internal/ping")  # asked while the host restarts
        if status >= 400 and not is_expected:
            self.complaints.append(f"HTTP {status}: {url}")

    def open(self, query: str = "") -> HostPage:
        """Load the page and wait until it is built."""
        self.page.goto(self.url + query, timeout=LOAD_MS)
        expect(self.page.locator("#img2img_generate")).to_be_visible(timeout=LOAD_MS)
        self.page.wait_for_function("() => Object.keys(opts).length > 0", timeout=LOAD_MS)
        return self

    # --- tabs ---

    def show_tab(self, title: str) -> None:
        """Bring a top-level tab to the front by its title."""
        self.page.locator("#tabs > .tab-nav > button").get_by_text(title, exact=True).click()

    def show_mode(self, title: str) -> None:
        """Bring one of img2img's pages to the front by its title."""
        buttons = self.page.locator("#mode_img2img > .tab-nav > button")
        buttons.get_by_text(title, exact=True).click()

    # --- pictures ---

    def put_inpaint_picture(self, path: Path) -> None:
        """Put a picture on the Inpaint page, in place of the one that is there.

        Gradio 3's canvas may miss the picture's arrival and keep a canvas' default size; then it
        is put there again, as a user would. Where that does not help the page is loaded anew, and
        what the canvas raised is not held against it: taking a picture away may break it for good.
        """
        width, height = Image.open(path).size
        known = len(self.complaints)
        painted = self._hand_over(path)
        for attempt in range(PUT_ATTEMPTS):
            if _becomes(painted, "width", width):
                break
            if attempt:
                self.open()
                del self.complaints[known:]
            painted = self._hand_over(path)
        expect(painted).to_have_js_property("width", width)
        expect(painted).to_have_js_property("height", height)

    def _hand_over(self, path: Path) -> Locator:
        """Choose the file; the canvas it is to be seen on."""
        if self.is_gradio_4:
            self._canvas_part("file").set_input_files(path)
            return self.page.locator("#img2img_inpaint_tab .minihost-canvas-paint")
        remove = self.page.locator("#img2maskimg button[aria-label='Remove Image']")
        if remove.count():
            remove.click()
        self.page.locator("#img2maskimg input[type=file]").set_input_files(path)
        return self._gradio_3_canvas()

    def _canvas_part(self, name: str) -> Locator:
        return self.page.locator(f"#img2img_inpaint_tab [data-part={name}]")

    def _gradio_3_canvas(self) -> Locator:
        return self.page.locator("#img2maskimg canvas[key=interface]")

    def paint(self, *strokes: Stroke) -> None:
        """Paint strokes over the Inpaint page's picture with the brush as it is set."""
        canvas = (
            self.page.locator("#img2img_inpaint_tab .minihost-canvas-paint")
            if self.is_gradio_4
            else self._gradio_3_canvas()
        )
        canvas.scroll_into_view_if_needed()
        for start, end in strokes:
            box = canvas.bounding_box()
            assert box is not None, "the canvas is not visible"
            scale = box["width"] / canvas.evaluate("canvas => canvas.width")
            places = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in (start, end)]
            self.page.mouse.move(*places[0])
            self.page.mouse.down()
            self.page.mouse.move(*places[1], steps=STROKE_STEPS)
            self.page.mouse.up()

    def clear_mask(self) -> None:
        """Remove all strokes from the Inpaint page's picture."""
        if self.is_gradio_4:
            self._canvas_part("clear").click()
        else:
            self.page.locator("#img2maskimg button[aria-label=Clear]").click()

    # --- controls ---

    def number(self, elem_id: str) -> float:
        """Value of a slider or number field."""
        return float(self._number_input(elem_id).input_value())

    def set_number(self, elem_id: str, value: float) -> None:
        """Set a slider or number field as a user types it."""
        field = self._number_input(elem_id)
        field.fill(str(value))
        field.press("Tab")

    def _number_input(self, elem_id: str) -> Locator:
        return self.page.locator(f"#{elem_id} input[type=number]")

    def choose(self, elem_id: str, label: str) -> None:
        """Choose a radio button by its label."""
        self.page.locator(f"#{elem_id}").get_by_text(label, exact=True).click()

    def chosen(self, elem_id: str) -> str:
        """Label of the chosen radio button."""
        checked = self.page.locator(f"#{elem_id} label", has=self.page.locator("input:checked"))
        return checked.inner_text().strip()

    # --- results ---

    def generate(self) -> None:
        """Press Generate and wait for new results."""
        before = self.generation_info_text()
        self.page.locator("#img2img_generate").click()
        self.page.wait_for_function(
            "before => document.querySelector('#generation_info_img2img textarea').value !== before"
            " || document.querySelector('#html_log_img2img .error')",
            arg=before,
            timeout=GENERATE_MS,
        )
        expect(self.page.locator("#img2img_interrupt")).to_be_hidden(timeout=GENERATE_MS)

    def generation_info_text(self) -> str:
        """The hidden JSON of the last job; "" before the first."""
        return self.page.locator("#generation_info_img2img textarea").input_value()

    def generation_info(self) -> dict[str, Any]:
        """The last job's facts."""
        return json.loads(self.generation_info_text())

    def gallery(self, tab: str = "img2img") -> list[np.ndarray]:
        """The gallery's pictures as the browser gets them: uint8 H x W x 3, or x 4 with alpha."""
        small = self.page.locator(f"#{tab}_gallery .thumbnails img")
        expect(small.first).to_be_visible(timeout=GENERATE_MS)
        return [self._fetch(image.get_attribute("src") or "") for image in small.all()]

    def _fetch(self, url: str) -> np.ndarray:
        answer = self.page.request.get(url)
        assert answer.ok, f"HTTP {answer.status}: {url}"
        return np.asarray(Image.open(io.BytesIO(answer.body())))

    def html_info(self) -> str:
        """The infotext under the gallery."""
        return self.page.locator("#html_info_img2img").first.inner_text()

    def comments(self) -> str:
        """The comments under the gallery."""
        shown = self.page.locator("#html_log_img2img p.comments")
        return shown.first.inner_text() if shown.count() else ""

    def reload_ui(self) -> None:
        """Press Reload UI and wait for the new page."""
        self.show_tab("Settings")
        with self.page.expect_navigation(timeout=LOAD_MS):
            self.page.locator("#settings_restart_gradio").click()
        expect(self.page.locator("#img2img_generate")).to_be_visible(timeout=LOAD_MS)
        self.page.wait_for_function("() => Object.keys(opts).length > 0", timeout=LOAD_MS)

    def is_dark(self) -> bool:
        """Whether the page's background is dark."""
        colour = self.page.evaluate(
            "getComputedStyle(document.querySelector('gradio-app')).backgroundColor"
        )
        return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) < 3 * 128


def _becomes(found: Locator, name: str, value: object) -> bool:
    """Whether an element's property is of that value within some time."""
    try:
        expect(found).to_have_js_property(name, value, timeout=PUT_MS)
    except AssertionError:
        return False
    return True

"""The Bleed tab follows the page's own inpaints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Server
from tests.browser.host_page import HostPage

OpenPage = Callable[..., HostPage]

COLOURS_SHOWN = """
    canvas => new Set(new Uint32Array(
        canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size
"""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of smooth colours whose size the host keeps as it is."""
    rows, columns = np.mgrid[0:128, 0:192].astype(np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(np.dstack([columns, rows, 255 - columns])).save(path)
    return path


def test_painted_inpaint_is_guarded_and_its_heatmap_shown(
    open_page: OpenPage, server: Server, picture: Path
) -> None:
    page = open_page(server)
    page.put_inpaint_picture(picture)
    page.set_number("img2img_width", 192)
    page.set_number("img2img_height", 128)
    page.paint(((60, 64), (130, 64)))
    page.generate()
    (result,) = page.gallery()
    original = np.asarray(Image.open(picture))
    changed = np.any(result[..., :3] != original, axis=2)
    assert changed[64, 80:110].all()
    assert not changed[:48].any(), "mask blur 4 would reach these rows by 10 px"
    assert not changed[-48:].any()
    assert "protected pixels changed" in page.comments()
    page.show_tab("Bleed")
    tab = page.page.locator("#bleed_guard_root")
    expect(tab).to_contain_text("Clean", timeout=30_000)
    expect(tab).to_contain_text("Without the guard")
    canvas = tab.locator("canvas.bleed-guard-canvas")
    expect(canvas).to_be_visible()
    page.page.wait_for_function(
        f"canvas => ({COLOURS_SHOWN.strip()})(canvas) > 20", arg=canvas.element_handle()
    )

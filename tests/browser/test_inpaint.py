"""Inpainting through the page: what is painted is what is repainted, and the page tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import Server
from tests.browser.host_page import HostPage

OpenPage = Callable[..., HostPage]
WIDTH, HEIGHT = 192, 128


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of smooth colours whose size the host keeps as it is."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(np.dstack([columns, rows, 255 - columns])).save(path)
    return path


def open_inpaint(open_page: OpenPage, server: Server, picture: Path) -> HostPage:
    """The Inpaint page with the picture on it, ready to be painted."""
    page = open_page(server)
    page.put_inpaint_picture(picture)
    page.set_number("img2img_width", WIDTH)
    page.set_number("img2img_height", HEIGHT)
    return page


def test_painted_stroke_is_repainted_and_nothing_far_from_it(
    open_page: OpenPage, bare_server: Server, picture: Path
) -> None:
    page = open_inpaint(open_page, bare_server, picture)
    page.set_number("img2img_mask_blur", 0)
    page.paint(((60, 64), (130, 64)))
    page.generate()
    (result,) = page.gallery()
    original = np.asarray(Image.open(picture))
    changed = np.any(result[..., :3] != original, axis=2)
    assert result.shape[:2] == (HEIGHT, WIDTH)
    assert changed[64, 70:120].mean() > 0.9
    assert not changed[:24].any()
    assert not changed[-24:].any()


def test_infotext_names_what_was_set(
    open_page: OpenPage, bare_server: Server, picture: Path
) -> None:
    page = open_inpaint(open_page, bare_server, picture)
    page.set_number("img2img_mask_blur", 7)
    page.set_number("img2img_denoising_strength", 0.6)
    page.choose("img2img_inpaint_full_res", "Only masked")
    page.paint(((60, 64), (130, 64)))
    page.generate()
    assert "Mask blur: 7" in page.html_info()
    assert "Denoising strength: 0.6" in page.html_info()
    assert "Inpaint area: Only masked" in page.html_info()
    assert page.generation_info()["infotexts"] == [page.html_info().strip()]


def test_gallery_shows_the_saved_file(
    open_page: OpenPage, bare_server: Server, picture: Path
) -> None:
    page = open_inpaint(open_page, bare_server, picture)
    page.paint(((60, 64), (130, 64)))
    page.generate()
    (result,) = page.gallery()
    files = bare_server.data_dir.glob("outputs/img2img-images/*/*.png")
    saved = max(files, key=lambda path: path.stat().st_mtime_ns)
    assert np.array_equal(result, np.asarray(Image.open(saved)))

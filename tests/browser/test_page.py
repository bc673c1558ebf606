"""The page around inpainting: extensions' parts, sending and pasting, settings, Reload UI."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as WaitedTooLong

from tests.browser.conftest import Server, running_server
from tests.browser.host_page import HostPage

OpenPage = Callable[..., HostPage]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A PNG of one colour whose size the host keeps as it is."""
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((128, 192, 3), (40, 90, 160), np.uint8)).save(path)
    return path


def inpaint(page: HostPage, picture: Path) -> None:
    """Paint a stroke over the picture and generate."""
    page.put_inpaint_picture(picture)
    page.set_number("img2img_width", 192)
    page.set_number("img2img_height", 128)
    page.paint(((60, 64), (130, 64)))
    page.generate()


def test_extension_has_its_tab_scripts_and_style(open_page: OpenPage, bare_server: Server) -> None:
    page = open_page(bare_server)
    assert page.page.evaluate("window.probeModule")
    before = page.page.evaluate("window.probeCalls")
    assert before["loaded"] == 1
    assert before["options"] >= 1
    page.show_tab("Probe tab")
    text = page.page.locator("#probe_text")
    expect(text).to_be_visible()
    expect(text).to_have_css("color", "rgb(1, 2, 3)")
    page.page.wait_for_function("tabs => window.probeCalls.tabs > tabs", arg=before["tabs"])


def test_value_of_an_extensions_control_reaches_the_job(
    open_page: OpenPage, bare_server: Server, picture: Path
) -> None:
    page = open_page(bare_server)
    page.set_number("probe_strength", 6)
    inpaint(page, picture)
    assert "Probe strength: 6" in page.html_info()


def test_comment_is_shown_as_text(open_page: OpenPage, bare_server: Server, picture: Path) -> None:
    page = open_page(bare_server)
    inpaint(page, picture)
    assert "probe was here <b>" in page.comments()


def test_missing_picture_is_told(open_page: OpenPage, bare_server: Server) -> None:
    page = open_page(bare_server)
    page.generate()
    expect(page.page.locator("#html_log_img2img .error").first).to_contain_text("No picture")


def test_png_info_restores_the_settings_on_the_inpaint_page(
    open_page: OpenPage, bare_server: Server, picture: Path, tmp_path: Path
) -> None:
    page = open_page(bare_server)
    page.set_number("img2img_mask_blur", 9)
    page.set_number("img2img_inpaint_full_res_padding", 48)
    page.set_number("probe_strength", 5)
    page.choose("img2img_inpaint_full_res", "Only masked")
    inpaint(page, picture)
    saved = newest_output(bare_server)
    page.open()
    assert page.number("img2img_mask_blur") == 4
    page.show_tab("PNG Info")
    page.page.locator("#pnginfo_image input[type=file]").set_input_files(saved)
    expect(page.page.locator("#pnginfo_html2_info").first).to_contain_text("Mask blur: 9")
    page.page.locator("#inpaint_tab").click()
    expect(page.page.locator("#img2img_generate")).to_be_visible()
    expect(page.page.locator("#img2img_mask_blur input[type=number]")).to_have_value("9")
    assert page.number("img2img_inpaint_full_res_padding") == 48
    assert page.number("probe_strength") == 5
    assert page.number("img2img_width") == 192
    assert page.chosen("img2img_inpaint_full_res") == "Only masked"


def newest_output(server: Server) -> Path:
    """The file saved last."""
    files = server.data_dir.glob("outputs/img2img-images/*/*.png")
    return max(files, key=lambda path: path.stat().st_mtime_ns)


def test_result_is_sent_to_the_inpaint_page(
    open_page: OpenPage, bare_server: Server, picture: Path
) -> None:
    page = open_page(bare_server)
    inpaint(page, picture)
    (first,) = page.gallery()
    page.page.locator("#img2img_send_to_inpaint").click()
    page.page.wait_for_timeout(1000)  # nothing on the page tells when a picture has arrived
    page.clear_mask()
    page.set_number("img2img_mask_blur", 0)
    page.paint(((20, 20), (40, 20)))
    page.generate()
    (second,) = page.gallery()
    # Forge hides the infotext in the alpha channel: flattening 254 costs a level.
    away = second[40:, :, :3].astype(int) - first[40:, :, :3]
    assert np.abs(away).max() <= 1


def test_upload_page_takes_picture_and_mask(
    open_page: OpenPage, bare_server: Server, picture: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (192, 128))
    mask.paste(255, (64, 32, 128, 96))
    mask.save(tmp_path / "mask.png")
    page = open_page(bare_server)
    page.show_mode("Inpaint upload")
    uploads = {"img_inpaint_base": picture, "img_inpaint_mask": tmp_path / "mask.png"}
    for elem_id, path in uploads.items():
        page.page.locator(f"#{elem_id} input[type=file]").set_input_files(path)
        expect(page.page.locator(f"#{elem_id} img")).to_be_visible()
    page.set_number("img2img_width", 192)
    page.set_number("img2img_height", 128)
    page.set_number("img2img_mask_blur", 0)
    page.generate()
    (result,) = page.gallery()
    changed = np.any(result[..., :3] != (40, 90, 160), axis=2)
    assert changed[32:96, 64:128].mean() > 0.9
    changed[32:96, 64:128] = False
    assert not changed.any()


def test_dark_theme(open_page: OpenPage, bare_server: Server) -> None:
    assert not open_page(bare_server).is_dark()
    assert open_page(bare_server, "?__theme=dark").is_dark()


def set_language(page: HostPage, language: str) -> None:
    """Choose and apply, again if need be: gradio draws a page before it listens."""
    field = page.page.locator("#setting_localization").locator("input, textarea").first
    is_set = f"opts.localization === '{language}'"
    for _ in range(5):
        field.fill(language)
        field.press("Tab")
        page.page.locator("#settings_submit").click()
        with contextlib.suppress(WaitedTooLong):
            page.page.wait_for_function(is_set, timeout=5000)
            return
    page.page.wait_for_function(is_set)


def test_settings_and_reload_ui(
    open_page: OpenPage, probe: Path, picture: Path, tmp_path: Path
) -> None:
    with running_server(tmp_path / "host", [str(probe)], engine="noise") as server:
        page = open_page(server)
        page.show_tab("Settings")
        page.page.locator("#settings").get_by_text("User interface", exact=True).first.click()
        set_language(page, "de_DE")
        assert '"localization": "de_DE"' in (server.data_dir / "config.json").read_text("utf-8")
        page.reload_ui()
        expect(page.page.locator("#probe_strength")).to_contain_text("Stärke")
        inpaint(page, picture)
        assert len(page.gallery()) == 1
        assert "Probe strength: 3" in page.html_info()


def test_login_is_needed_for_page_and_files(
    chromium: Browser, probe: Path, picture: Path, tmp_path: Path
) -> None:
    flags = ["--gradio-auth=ann:pw"]
    with running_server(tmp_path / "host", [str(probe)], flags, engine="noise") as server:
        context = chromium.new_context(viewport={"width": 1280, "height": 1000})
        browser_page = context.new_page()
        browser_page.goto(server.url)
        expect(browser_page.locator("input[type=password]")).to_be_visible(timeout=60_000)
        saved = f"{server.url}file={probe / 'style.css'}"
        assert context.request.get(saved).status == 401
        answer = context.request.post(
            f"{server.url}login", form={"username": "ann", "password": "pw"}
        )
        assert answer.ok
        assert context.request.get(saved).status == 200
        browser_page.goto(server.url)
        expect(browser_page.locator("#img2img_generate")).to_be_visible(timeout=60_000)
        context.close()

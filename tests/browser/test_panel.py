"""The panel in the page: live sentences while sliders move, presets, and the user's language."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from bleed_guard.core.settings import PRESETS
from tests.browser.conftest import Server, running_server
from tests.browser.host_page import HostPage

OpenPage = Callable[..., HostPage]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def page(open_page: OpenPage, server: Server) -> HostPage:
    return open_inpaint(open_page, server)


def open_inpaint(open_page: OpenPage, server: Server) -> HostPage:
    opened = open_page(server)
    opened.show_tab("img2img")
    opened.show_mode("Inpaint")
    header(opened).click()
    return opened


def header(page: HostPage) -> Locator:
    return page.page.locator("#bleed_guard_panel > .label-wrap")


def live(page: HostPage) -> Locator:
    return page.page.locator("#bleed_guard_live")


def preset(page: HostPage, name: str) -> Locator:
    return page.page.locator(f"#bleed_guard_preset input[value='{name}']")


def choose_preset(page: HostPage, name: str) -> None:
    preset(page, name).check(force=True)


def test_folding_the_panel_switches_nothing_off_and_its_header_tells(page: HostPage) -> None:
    told = header(page).locator("span[data-bleed-guard]")
    expect(told).to_have_attribute("data-bleed-guard", "guard")
    switch = page.page.locator("#bleed_guard_enabled input")
    expect(switch).to_be_visible()
    header(page).click()
    expect(switch).to_be_hidden()
    assert switch.is_checked()
    page.set_number("img2img_denoising_strength", 0.9)
    expect(told).to_have_attribute("data-bleed-guard", "guard · ! 1")
    header(page).click()
    switch.uncheck()
    expect(told).to_have_attribute("data-bleed-guard", "off")


def test_the_panel_follows_the_hosts_sliders(page: HostPage) -> None:
    for blur, reach in ((4, 10), (9, 22)):
        page.set_number("img2img_mask_blur", blur)
        sentence = f"Mask blur {blur} would repaint up to {reach} px outside the mask"
        expect(live(page)).to_contain_text(sentence)
        expect(page.page.locator("#img2img_mask_blur")).to_contain_text(f"reach {reach} px")
    page.set_number("img2img_mask_blur", 0)
    expect(live(page)).not_to_contain_text("Mask blur")
    expect(page.page.locator("#bleed_guard_reach")).to_have_count(0)

    page.set_number("img2img_inpaint_full_res_padding", 64)
    expect(live(page)).not_to_contain_text("padding 64")
    page.choose("img2img_inpaint_full_res", "Only masked")
    expect(live(page)).to_contain_text("padding 64 -> 32, limit of preset guard")
    page.choose("img2img_inpaint_full_res", "Whole picture")
    expect(live(page)).not_to_contain_text("padding 64")

    page.set_number("img2img_denoising_strength", 0.8)
    expect(live(page)).not_to_contain_text("Denoising strength")
    page.set_number("img2img_denoising_strength", 0.9)
    expect(live(page)).to_contain_text("Denoising strength 0.9 is high")
    expect(live(page)).to_contain_text("Try 0.7.")


def test_a_preset_sets_its_guards_and_moving_one_shows_custom(page: HostPage) -> None:
    for name, guards in PRESETS.items():
        choose_preset(page, name)
        padding = page.page.locator("#bleed_guard_padding_limit input[type=number]")
        expect(padding).to_have_value(str(guards.padding_limit))
        protect = page.page.locator("#bleed_guard_protect input:checked")
        expect(protect).to_have_value(guards.protect)
        page.set_number("bleed_guard_feather", 17)
        expect(preset(page, "custom")).to_be_checked()
    choose_preset(page, "full-redo")
    expect(live(page)).to_contain_text("Full redo: nothing outside the mask is protected")
    choose_preset(page, "tight-edit")
    expect(live(page)).to_contain_text("mask blur 4 -> 0, hard mask of preset tight-edit")
    expect(live(page)).not_to_contain_text("Full redo")


def test_what_is_told_live_is_told_after_the_run(page: HostPage, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    rows, columns = np.mgrid[0:128, 0:192].astype(np.uint8)
    Image.fromarray(np.dstack([columns, rows, 255 - columns])).save(picture)
    page.put_inpaint_picture(picture)
    page.paint(((40, 40), (90, 40)))
    page.set_number("img2img_denoising_strength", 0.9)
    page.set_number("img2img_inpaint_full_res_padding", 64)
    page.choose("img2img_inpaint_full_res", "Only masked")
    expect(live(page)).to_contain_text("padding 64 -> 32, limit of preset guard")
    page.generate()
    assert "padding 64 -> 32, limit of preset guard" in page.comments()
    assert "Denoising strength 0.9 is high" in page.comments()
    assert "Bleed guard: guard" in page.html_info()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A host whose presets and settings this test may change."""
    with running_server(tmp_path / "host") as running:
        yield running


def test_a_users_preset_is_saved_chosen_and_there_after_a_reload(
    open_page: OpenPage, own_server: Server
) -> None:
    page = open_inpaint(open_page, own_server)
    page.set_number("bleed_guard_feather", 17)
    page.page.locator("#bleed_guard_presets").get_by_text("Your presets").click()
    save = page.page.locator("#bleed_guard_preset_save")
    save.click()
    answer = page.page.get_by_text("a preset needs a name")
    expect(answer).to_be_visible(timeout=20_000)
    below, button = answer.bounding_box(), save.bounding_box()
    assert below
    assert button
    assert below["y"] < button["y"] + 3 * button["height"]  # beside what was pressed
    page.page.locator("#bleed_guard_preset_name input, #bleed_guard_preset_name textarea").fill(
        "faces"
    )
    save.click()
    expect(preset(page, "faces")).to_be_checked(timeout=20_000)
    (file,) = own_server.data_dir.glob("bleed_guard_presets.json")
    assert json.loads(file.read_text())["presets"]["faces"]["feather"] == 17
    page.page.locator("#bleed_guard_preset_export").click()
    link = page.page.locator("#bleed_guard_preset_export_file a[href*='bleed_guard_presets']")
    with page.page.expect_download() as exported:
        link.first.click()
    assert json.loads(exported.value.path().read_text()) == json.loads(file.read_text())
    upload = page.page.locator("#bleed_guard_preset_import input[type=file]")
    upload.set_input_files(exported.value.path())
    expect(preset(page, "faces (2)")).to_be_attached()
    again = open_inpaint(open_page, own_server)
    expect(preset(again, "faces")).to_be_attached(timeout=20_000)
    choose_preset(again, "faces")
    expect(again.page.locator("#bleed_guard_feather input[type=number]")).to_have_value("17")
    again.page.locator("#bleed_guard_presets").get_by_text("Your presets").click()
    again.page.locator("#bleed_guard_preset_delete").click()
    expect(preset(again, "faces")).to_have_count(0)
    expect(preset(again, "custom")).to_be_checked()


def test_the_panel_speaks_the_hosts_language(open_page: OpenPage, tmp_path: Path) -> None:
    german = json.loads((ROOT / "localizations" / "de_DE.json").read_text(encoding="utf-8"))
    data_dir = tmp_path / "host"
    data_dir.mkdir()
    (data_dir / "config.json").write_text(json.dumps({"localization": "de_DE"}))
    with running_server(data_dir) as running:
        page = open_inpaint(open_page, running)
        expect(page.page.locator("#bleed_guard_feather")).to_contain_text(german["Feather"])
        page.set_number("img2img_mask_blur", 4)
        sentence = german["Mask blur {blur} would repaint up to {reach} px outside the mask"]
        expect(live(page)).to_contain_text(sentence.format(blur=4, reach=10))

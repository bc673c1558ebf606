"""The Bleed tab in a real browser: it shows each run by itself, and what it shows is true."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Request, Route, expect

from tests.browser.bleed_tab import (
    HEIGHT,
    MASK,
    WAIT_MS,
    WIDTH,
    BleedTab,
    make_original,
    run_job,
)
from tests.browser.conftest import IS_GRADIO_4, OpenPage, Server, opening_pages, running_server
from tests.browser.host_page import HostPage

HOSTILE_PROMPT = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>'
NOTHING = "\N{EN DASH}"
NEAR = (MASK[0] - 2, 60)
"""A pixel 2 px left of the mask: mask blur 4 reaches it, the guard puts it back."""


@pytest.fixture(scope="module")
def guarded(server: Server, chromium: Browser) -> Server:
    """A mini host with one run in its history."""
    context = chromium.new_context()
    run_job(context.request, server.url)
    context.close()
    return server


@pytest.fixture(scope="module")
def shared_tab(
    guarded: Server, chromium: Browser, shared_context: BrowserContext
) -> Iterator[BleedTab]:
    """A page for all tests that only look: loading one takes longer than most of them."""
    with opening_pages(chromium, shared_context) as open_page:
        yield BleedTab(open_page(guarded))


@pytest.fixture
def tab(shared_tab: BleedTab) -> BleedTab:
    """The Bleed tab, open, with the last run in it."""
    return shared_tab.reset()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(make_original()).save(path)
    return path


def paint_job(page: HostPage, picture: Path) -> None:
    """An inpaint ready to be generated."""
    page.put_inpaint_picture(picture)
    page.set_number("img2img_width", WIDTH)
    page.set_number("img2img_height", HEIGHT)
    page.set_number("img2img_seed", 5)
    page.paint(((60, 64), (130, 64)))


def press_generate(page: HostPage) -> None:
    """Generate without leaving the tab that is open."""
    page.page.evaluate("document.getElementById('img2img_generate').click()")


def test_each_generation_is_shown_by_itself(
    guarded: Server, open_page: OpenPage, picture: Path
) -> None:
    page = open_page(guarded)
    tab = BleedTab(page)
    paint_job(page, picture)
    tab.page.wait_for_function("bleedGuard.page.records.length > 0")
    count = tab.run_count()
    page.generate()
    tab.wait_for_runs(count + 1)
    badge = page.page.locator("#bleed_guard_gallery_badge")
    expect(badge).to_contain_text("0 of", timeout=WAIT_MS)
    tab.open()
    assert "protected pixels changed" in tab.verdict
    place = tab.part("picture").bounding_box()
    press_generate(page)  # the same seed again, and the tab stays open
    tab.wait_for_runs(count + 2)
    tab.wait()
    assert tab.part("picture").bounding_box() == place
    page.show_tab("img2img")
    page.set_number("img2img_batch_size", 4)
    press_generate(page)
    tab.wait_for_runs(count + 3)
    tab.open()
    assert "image 1 of 4" in tab.verdict
    page.reload_ui()
    again = BleedTab(page).open()
    assert "image 1 of 4" in again.verdict
    assert again.run_count() == count + 3


def generate_two(page: HostPage, picture: Path) -> Locator:
    """A batch of two images; the line under the gallery, once it tells of it."""
    paint_job(page, picture)
    page.set_number("img2img_batch_size", 2)
    page.generate()
    badge = page.page.locator("#bleed_guard_gallery_badge")
    expect(badge).to_contain_text("0 of", timeout=WAIT_MS)
    return badge


def test_the_badge_follows_the_gallery(guarded: Server, open_page: OpenPage, picture: Path) -> None:
    page = open_page(guarded)
    badge = generate_two(page, picture)
    thumbs = page.page.locator("#img2img_gallery .thumbnail-item.thumbnail-small")
    thumbs.last.click()
    badge.get_by_role("button", name="Look").click()
    tab = BleedTab(page).wait()
    assert "image 2 of 2" in tab.verdict
    # as where the host saves no files: known by its place alone
    page.page.evaluate(
        "bleedGuard.page.records[0].images.forEach((image) => { image.saved_as = ''; })"
    )
    for place, told in ((-2, "image 1 of 2"), (-1, "image 2 of 2")):
        page.show_tab("img2img")
        thumbs.nth(place).click()
        badge.get_by_role("button", name="Look").click()
        expect(tab.part("verdict")).to_contain_text(told, timeout=WAIT_MS)
    page.show_tab("img2img")
    expect(badge).to_be_visible()
    page.page.evaluate("opts.bleed_guard_tell_in_page = !opts.bleed_guard_tell_in_page")
    thumbs.nth(-2).click()
    expect(badge).to_be_hidden()
    page.page.evaluate(
        "bleedGuard.page.records.flatMap(record => record.images)"
        ".forEach(image => { image.verdict = 'not guarded'; })"
    )
    thumbs.last.click()
    expect(badge).to_be_visible()  # a failure is told in any case


def test_the_badge_does_not_wait_for_the_server(
    guarded: Server, open_page: OpenPage, picture: Path
) -> None:
    page = open_page(guarded)
    badge = generate_two(page, picture)
    page.page.evaluate(
        "bleedGuard.page.records[0].images.forEach((image, at) => { image.reason = `no. ${at}`; })"
    )
    page.page.route("**/run/bleed_guard", lambda route: None)  # it never answers
    thumbs = page.page.locator("#img2img_gallery .thumbnail-item.thumbnail-small")
    for place, told in ((-1, "no. 1"), (-2, "no. 0")):
        thumbs.nth(place).click()
        expect(badge).to_contain_text(told)
    page.page.unroute_all(behavior="ignoreErrors")


def test_the_heatmap_shows_what_was_held_back(tab: BleedTab) -> None:
    tab.hide_outlines()
    tab.page.locator("[data-mode=single]").click()
    tab.choose("First", "heat-unguarded")
    tab.page.wait_for_function("bleedGuard.page.stage.layers.base.codes.has('levels-unguarded')")
    near, far = tab.color_at(*NEAR).astype(int), tab.color_at(5, 5).astype(int)
    assert np.abs(near - far).sum() > 40
    for scale in ("linear", "signed", "delta-e"):
        tab.choose("Color scale", scale)
        tab.page.wait_for_function(
            "scale => [...bleedGuard.page.stage.layers.base.heat.keys()]"
            ".some(key => key.includes(` ${scale} `))",
            arg=scale,
        )


def test_the_inspector_tells_the_true_values(guarded: Server, open_page: OpenPage) -> None:
    tab = BleedTab(open_page(guarded))
    (result,) = tab.run_job(guarded, seed=11)
    tab.open()
    original = make_original()
    outside = tab.inspect(*NEAR)
    x, y = NEAR
    assert outside["Original"] == " ".join(map(str, original[y, x]))
    assert outside["Result"] == outside["Original"]
    alone = [int(level) for level in outside["Without the guard"].split()]
    worst = np.abs(original[y, x].astype(int) - alone).max()
    assert worst > 0
    assert outside["Difference"] == f"0 (without the guard {worst})"
    assert outside["From the mask"] == "2 px"
    assert outside["Zone"] == "within predicted reach"
    assert outside["Changed by"] == "mask blur, put back"
    inside = tab.inspect(90, 65)
    assert inside["Result"] == " ".join(map(str, result[65, 90]))
    assert inside["From the mask"] == "inside"


def test_pixels_are_magnified_without_smoothing(tab: BleedTab) -> None:
    tab.hide_outlines()
    tab.page.locator("[data-mode=single]").click()
    tab.choose("First", "reference")
    tab.part("canvas").scroll_into_view_if_needed()
    tab.page.mouse.move(*tab.place_of(100, 30))
    for _ in range(40):
        tab.page.mouse.wheel(0, -240)
    tab.page.wait_for_function("bleedGuard.page.stage.view.scale === 64")
    shown = tab.look()
    view = tab.page.evaluate("({...bleedGuard.page.stage.view})")
    left, top = (round(view["x"] + 100 * 64), round(view["y"] + 30 * 64))
    cell = shown[max(top, 0) + 3 : top + 61, max(left, 0) + 3 : left + 61]
    assert cell.size
    assert (cell == make_original()[30, 100]).all()


def test_the_divider_is_dragged_and_moved_by_keys(tab: BleedTab) -> None:
    tab.hide_outlines()
    tab.choose("First", "reference")
    tab.choose("Second", "result")
    tab.page.wait_for_function("bleedGuard.page.stage.layers.base.photographs.has('result')")
    tab.part("canvas").scroll_into_view_if_needed()
    box = tab.part("canvas").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = tab.look()
    tab.page.mouse.move(*middle)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] * 0.9, middle[1], steps=5)
    tab.page.mouse.up()
    assert not np.array_equal(before, tab.look())
    assert tab.page.evaluate("bleedGuard.page.stage.split") == pytest.approx(0.9, abs=0.02)
    divider = tab.page.get_by_label("Divider between the two layers")
    divider.focus()
    divider.press("Home")
    assert tab.page.evaluate("bleedGuard.page.stage.split") == 0


def test_the_dividers_handle_is_whole_at_the_border_and_alone_shows_the_focus(
    tab: BleedTab,
) -> None:
    def shown() -> np.ndarray:
        tab.look()  # what is asked for is drawn
        shot = Image.open(io.BytesIO(tab.part("picture").screenshot())).convert("RGB")
        return np.asarray(shot).astype(int)

    tab.hide_outlines()
    tab.part("canvas").scroll_into_view_if_needed()
    tab.page.keyboard.press("Tab")  # the keyboard is in use
    divider = tab.page.get_by_label("Divider between the two layers")
    for key, columns in (("End", slice(-40, None)), ("Home", slice(0, 40))):
        divider.focus()
        divider.press(key)
        focused = shown()
        divider.evaluate("divider => divider.blur()")
        plain = shown()
        middle = plain.shape[0] // 2
        handle = plain[middle - 12 : middle + 13, columns]
        assert (handle > 240).all(axis=2).sum() > 300  # of 490 px without the arrows
        marked = (focused != plain).any(axis=2)
        assert marked.any()
        marked[middle - 20 : middle + 20, columns] = False
        assert not marked.any()
    box = tab.part("canvas").bounding_box()
    assert box is not None
    place = (box["x"] + 17, box["y"] + box["height"] / 2)
    tab.page.mouse.move(*place)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + box["width"] / 2, place[1], steps=3)
    tab.page.mouse.up()
    assert tab.page.evaluate("bleedGuard.page.stage.split") == pytest.approx(0.5, abs=0.02)


def test_every_way_to_compare_shows_both_layers(tab: BleedTab) -> None:
    for mode in ("side", "onion", "slider"):
        tab.page.locator(f"[data-mode={mode}]").click()
        expect(tab.part("layer-label").nth(0)).to_be_visible()
        expect(tab.part("layer-label").nth(1)).to_be_visible()
    tab.page.locator("[data-mode=blink]").click()
    label = tab.part("layer-label").nth(0)
    first = label.inner_text()
    expect(label).not_to_have_text(first, timeout=WAIT_MS)


def test_keys_zoom_move_and_swap(tab: BleedTab) -> None:
    canvas = tab.part("canvas")
    canvas.focus()
    fitted = tab.page.evaluate("bleedGuard.page.stage.view.scale")
    for _ in range(3):
        canvas.press("+")
    assert tab.page.evaluate("bleedGuard.page.stage.view.scale") > 3 * fitted
    before = tab.page.evaluate("bleedGuard.page.stage.view.x")
    canvas.press("ArrowRight")
    assert tab.page.evaluate("bleedGuard.page.stage.view.x") < before
    expect(tab.part("inspector").locator("dd").first).not_to_have_text(NOTHING, timeout=WAIT_MS)
    first = tab.page.get_by_label("First", exact=True).input_value()
    canvas.press(" ")
    expect(tab.page.get_by_label("Second", exact=True)).to_have_value(first)
    canvas.press("1")
    expect(tab.part("zoom")).to_have_text("100 %")
    canvas.press("0")
    assert tab.page.evaluate("bleedGuard.page.stage.view.scale") == pytest.approx(fitted)


def test_two_fingers_zoom(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded, viewport={"width": 390, "height": 844}, has_touch=True)
    tab = BleedTab(page).open()
    tab.part("canvas").scroll_into_view_if_needed()
    box = tab.part("canvas").bounding_box()
    assert box is not None
    before = tab.page.evaluate("bleedGuard.page.stage.view.scale")
    touch = tab.page.context.new_cdp_session(tab.page)
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2

    def fingers(apart: float) -> list[dict[str, Any]]:
        return [{"x": x, "y": y - apart, "id": 1}, {"x": x, "y": y + apart, "id": 2}]

    steps = [("touchStart", 10), *(("touchMove", apart) for apart in (20, 30, 40, 50))]
    for kind, apart in steps:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers(apart)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert tab.page.evaluate("bleedGuard.page.stage.view.scale") > 2 * before


def test_what_a_finger_has_pointed_at_stays(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded, viewport={"width": 390, "height": 844}, has_touch=True)
    tab = BleedTab(page).open()
    tab.part("canvas").scroll_into_view_if_needed()
    tab.page.touchscreen.tap(*tab.place_of(10, 10))
    place = tab.part("inspector").locator("dd").first
    expect(place).to_have_text("10, 10", timeout=WAIT_MS)
    tab.page.wait_for_timeout(300)
    assert place.inner_text() == "10, 10"


def test_a_drag_that_moves_nothing_leaves_the_picture_fitted(tab: BleedTab) -> None:
    tab.part("canvas").scroll_into_view_if_needed()
    x, y = tab.place_of(10, 10)
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 5, y + 5, steps=3)
    tab.page.mouse.up()
    assert tab.page.evaluate("bleedGuard.page.stage.isFitted")


def test_a_worst_spot_is_flown_to(tab: BleedTab) -> None:
    tab.part("spots").get_by_role("button").first.click()
    expect(tab.part("inspector").locator("dd").first).not_to_have_text(NOTHING, timeout=WAIT_MS)
    told = tab.part("spots").get_by_role("button").first.inner_text()
    assert told.startswith(tab.part("inspector").locator("dd").first.inner_text())
    assert tab.page.evaluate("bleedGuard.page.stage.view.scale") == 24


def test_apply_sets_the_hosts_control(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    tab = BleedTab(page)
    tab.run_job(guarded, denoising_strength=0.95)
    tab.open()
    page.page.evaluate("bleedGuard.host.set('denoising strength', 0.95)")
    finding = tab.part("finding").filter(has_text="strength")
    finding.get_by_role("button", name="Apply").click()
    expect(finding.get_by_role("button")).to_have_text("Applied")
    expect(finding.get_by_role("button")).to_be_focused()
    page.show_tab("img2img")
    assert page.number("img2img_denoising_strength") == pytest.approx(0.7)


def test_apply_knows_every_kind_of_control(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    for setting, value in (
        ("inpaint area", "only masked"),
        ("masked content", "fill"),
        ("mask blur", 0),
        ("blend", "hard"),
        ("paste_back", False),
    ):
        done = page.page.evaluate(
            "([name, value]) => bleedGuard.host.set(name, value)", [setting, value]
        )
        assert done == "Applied", setting
    assert page.chosen("img2img_inpaint_full_res") == "Only masked"
    assert page.chosen("img2img_inpainting_fill") == "fill"
    assert page.number("img2img_mask_blur") == 0
    assert page.chosen("bleed_guard_blend") == "hard"
    assert not page.page.locator("#bleed_guard_paste_back input").is_checked()
    assert page.page.evaluate("bleedGuard.host.set('nonsense', 1)") == "Not on this page"


def test_prompts_are_text_and_never_markup(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    tab = BleedTab(page)
    tab.run_job(guarded, prompt=HOSTILE_PROMPT)
    tab.open()
    expect(tab.part("facts")).to_contain_text(HOSTILE_PROMPT)
    assert page.page.evaluate("window.hacked") is None
    told, facts = (
        part.bounding_box()
        for part in (tab.part("facts").get_by_text(HOSTILE_PROMPT), tab.part("facts"))
    )
    assert told
    assert facts
    assert told["width"] == pytest.approx(facts["width"], abs=1)  # and no tall column of words


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_focus_is_seen_around_the_picture(tab: BleedTab, theme: str) -> None:
    def edge() -> np.ndarray:
        """The picture's left side over its bottom margin, where the picture ends above it."""
        shown = np.asarray(Image.open(io.BytesIO(tab.part("picture").screenshot())).convert("RGB"))
        return shown[-12, :10].astype(int)

    tab.page.evaluate("theme => document.body.classList.toggle('dark', theme === 'dark')", theme)
    try:
        before = edge()
        tab.press("1:1")
        tab.press("Fit")
        tab.page.keyboard.press("Tab")  # to 1:1
        tab.page.keyboard.press("Tab")
        expect(tab.part("canvas")).to_be_focused()
        after = edge()
    finally:
        tab.page.evaluate("document.body.classList.remove('dark')")
    seen = [contrast(*pair) for pair in zip(before, after, strict=True)]
    assert sum(ratio >= 3 for ratio in seen) >= 2, seen


def test_what_is_chosen_is_seen_in_high_contrast(tab: BleedTab) -> None:
    def ground(selector: str) -> np.ndarray:
        shot = tab.page.locator(f"#bleed_guard_root {selector}").first.screenshot()
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))[-6, 20]

    tab.page.emulate_media(forced_colors="active")
    try:
        chosen, other = ground("[data-mode=slider]"), ground("[data-mode=blink]")
    finally:
        tab.page.emulate_media(forced_colors="none")
    assert contrast(chosen, other) >= 3


def contrast(first: np.ndarray, second: np.ndarray) -> float:
    """Contrast of two colours (R, G, B) as WCAG 2 defines it, 1 to 21."""
    shares = np.stack([first, second]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ (0.2126, 0.7152, 0.0722))
    return (high + 0.05) / (low + 0.05)


def test_history_is_walked_with_the_keyboard(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    tab = BleedTab(page)
    tab.run_job(guarded, batch_size=2)
    tab.open()
    thumbs = tab.part("thumb")
    thumbs.first.focus()
    page.page.keyboard.press("ArrowRight")
    expect(thumbs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(thumbs.nth(1)).to_be_focused()
    assert "image 2 of 2" in tab.verdict
    expect(thumbs.nth(1).locator("img")).to_have_js_property("complete", True, timeout=WAIT_MS)
    page.page.keyboard.press("End")
    expect(thumbs.last).to_have_attribute("aria-selected", "true")


def test_a_new_run_leaves_the_focus_in_the_history(guarded: Server, open_page: OpenPage) -> None:
    tab = BleedTab(open_page(guarded))
    tab.run_job(guarded)
    tab.open()
    tab.part("thumb").first.focus()
    count = tab.run_count()
    tab.run_job(guarded)
    tab.wait_for_runs(count + 1)
    expect(tab.part("thumb").nth(1)).to_be_focused(timeout=WAIT_MS)


def test_nothing_is_drawn_until_the_tab_is_looked_at(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    asked = listen(page)
    page.page.evaluate("bleedGuard.page.refresh()")
    page.page.wait_for_timeout(300)
    assert set(asked) == {"list"}
    tab = BleedTab(page).open()
    assert {"layers", "report"} <= set(asked)
    tab.page.locator("[data-mode=blink]").click()
    asked.clear()
    page.page.wait_for_timeout(3000)
    assert asked.count("list") <= 1  # what blinks is no news
    tab.page.locator("[data-mode=slider]").click()


def listen(page: HostPage) -> list[str]:
    """Fills with what the page asks the tab's endpoint from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("run/bleed_guard"):
            asked.append(read_question(request)["ask"])

    page.page.on("request", note)
    return asked


def test_what_failed_is_told_until_it_is_there(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    tab = BleedTab(page)
    tab.run_job(guarded)
    tab.open()

    def fail(route: Route) -> None:
        if read_question(route.request)["ask"] in ("layers", "pixels"):
            route.fulfill(json={"data": [json.dumps({"error": "the disk is full"})]})
        else:
            route.continue_()

    page.page.route("**/run/bleed_guard", fail)
    tab.part("thumb").nth(1).click()
    expect(tab.part("error")).to_contain_text("Original")
    expect(tab.part("error")).to_contain_text("did not come: the disk is full")
    tab.wait()  # the report is there, and the picture is no longer the one before
    page.page.evaluate("bleedGuard.page.refresh()")
    page.page.wait_for_timeout(300)
    expect(tab.part("error")).to_contain_text("the disk is full")
    page.page.unroute("**/run/bleed_guard")
    page.page.wait_for_timeout(1100)
    tab.inspect(10, 10)  # looking at it is enough
    expect(tab.part("error")).to_be_hidden(timeout=WAIT_MS)
    assert tuple(tab.color_at(20, 20)) == tuple(make_original()[20, 20])


def test_a_large_picture_is_not_asked_for_block_by_block(tab: BleedTab) -> None:
    waiting: list[Route] = []
    is_held = True

    def hold(route: Route) -> None:
        if is_held and read_question(route.request)["ask"] == "pixels":
            waiting.append(route)
        else:
            route.continue_()

    tab.page.evaluate("bleedGuard.page.inspector.show(bleedGuard.page.stage.layers)")
    tab.page.route("**/run/bleed_guard", hold)
    tab.part("canvas").scroll_into_view_if_needed()
    for x, y in ((5, 5), (70, 5), (130, 5), (185, 5), (5, 100), (185, 100)):
        tab.page.mouse.move(*tab.place_of(x, y))
        tab.page.wait_for_timeout(30)
    assert len(waiting) == 1
    is_held = False
    waiting[0].continue_()
    place = tab.part("inspector").locator("dd").first
    expect(place).to_have_text("185, 100", timeout=WAIT_MS)
    tab.page.unroute("**/run/bleed_guard")


def test_any_files_are_compared_and_a_large_one_shows_its_real_pixels(
    guarded: Server, open_page: OpenPage, tmp_path: Path
) -> None:
    tab = BleedTab(open_page(guarded)).open()
    original = np.tile(make_original(), (10, 9, 1))
    result = original.copy()
    result[703, 1604] ^= 64
    for name, array in (("original", original), ("result", result)):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    tab.page.get_by_text("Compare any files").click()
    for name in ("original", "result"):
        field = tab.page.locator(f"input[type=file][data-name={name}]")
        field.set_input_files(tmp_path / f"{name}.png")
    reuse = tab.page.get_by_label("the result of the run shown")
    field = tab.page.locator("input[type=file][data-name=result]")
    reuse.check()
    assert field.input_value() == ""
    field.set_input_files(tmp_path / "result.png")
    assert not reuse.is_checked()  # what was chosen last counts
    count = tab.run_count()
    tab.press("Compare")
    tab.wait_for_runs(count + 1)
    tab.wait()
    assert "1 of 2,211,840 protected pixels changed (max 64)" in tab.verdict
    assert "result.png against original.png" in tab.verdict
    expect(tab.part("side")).not_to_contain_text("Difference over distance")  # from what?
    assert tab.page.evaluate("bleedGuard.page.stage.layers.extent.factor") == 2
    tab.hide_outlines()
    tab.page.locator("[data-mode=single]").click()
    tab.part("spots").get_by_role("button").first.click()
    tab.page.wait_for_function(
        "[...bleedGuard.page.stage.layers.tiles.values()].some(s => s.photographs.has('result'))"
    )
    for x, difference in ((1603, "0"), (1604, "64")):
        told = tab.inspect(x, 703)
        assert (told["Difference"], told["From the mask"]) == (difference, "no mask")
        assert told["Zone"] == NOTHING
        assert tuple(tab.color_at(x, 703)) == tuple(result[703, x])
        assert told["Without the guard"] == NOTHING
    field.set_input_files(tmp_path / "original.png")
    tab.press("Compare")
    tab.wait_for_runs(count + 2)
    tab.wait()
    expect(tab.part("badge").first).to_contain_text("Clean")
    expect(tab.part("side")).not_to_contain_text("without the guard")  # there is none for files
    for label in ("First", "Second"):
        choice = tab.page.get_by_label(label, exact=True)
        for layer, is_offered in (
            ("result", True),
            ("unguarded", False),
            ("heat-unguarded", False),
        ):
            option = choice.locator(f"option[value={layer}]")
            (expect(option).to_be_enabled if is_offered else expect(option).to_be_disabled)()


def test_of_files_with_a_mask_no_reach_and_no_crop_box_is_told(
    guarded: Server, open_page: OpenPage, tmp_path: Path
) -> None:
    tab = BleedTab(open_page(guarded))
    tab.run_job(guarded)
    tab.open()
    expect(tab.part("more")).to_contain_text("Zones")
    result = make_original()
    result[NEAR[1], NEAR[0]] ^= 64
    for name, array in (("original", make_original()), ("result", result)):
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    tab.page.get_by_text("Compare any files").click()
    for name in ("original", "result"):
        field = tab.page.locator(f"input[type=file][data-name={name}]")
        field.set_input_files(tmp_path / f"{name}.png")
    tab.page.get_by_label("the mask of the run shown").check()
    count = tab.run_count()
    tab.press("Compare")
    tab.wait_for_runs(count + 1)
    tab.wait()
    expect(tab.part("more")).to_contain_text("Facts")
    expect(tab.part("more")).not_to_contain_text("far from the mask")  # it is 2 px away
    for x, zone in ((NEAR[0], "outside the mask"), (MASK[0] + 5, "inside the mask")):
        assert tab.inspect(x, NEAR[1])["Zone"] == zone


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_comparing_files_is_seen_to_fail_and_its_ticks_are_seen(
    guarded: Server, open_page: OpenPage, tmp_path: Path, theme: str
) -> None:
    tab = BleedTab(open_page(guarded, f"?__theme={theme}"))
    tab.run_job(guarded)
    tab.open()
    tab.page.get_by_text("Compare any files").click()
    notes = tmp_path / "notes.md"
    notes.write_text("no picture")
    tab.page.locator("input[type=file][data-name=original]").set_input_files(notes)
    tick = tab.page.get_by_label("the result of the run shown")
    empty = tick.screenshot()
    tick.check()
    tick.evaluate("tick => tick.blur()")
    tab.page.mouse.move(0, 0)
    before, after = (
        np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).reshape(-1, 3)
        for shot in (empty, tick.screenshot())
    )
    assert sum(contrast(*pair) >= 3 for pair in zip(before, after, strict=True)) > 20
    assert contrast(before[len(before) // 2], ground_of(tab)) < 3  # no white box on dark
    tab.press("Compare")
    told = tab.part("files").get_by_role("alert")
    expect(told).to_contain_text("notes.md: this is not a picture", timeout=WAIT_MS)
    expect(tab.part("files").locator(".bleed-guard-failed")).to_be_visible()
    color = np.array(told.evaluate(COLOR_OF))
    assert contrast(color, ground_of(tab)) >= 4.5
    assert color[0] > 1.5 * max(color[1:])  # red
    tab.page.locator("input[type=file][data-name=original]").set_input_files(
        {"name": "o.png", "mimeType": "image/png", "buffer": png_of(make_original())}
    )
    tab.press("Compare")
    expect(tab.part("files").locator(".bleed-guard-said")).to_have_text("Compared")
    expect(tab.part("files").locator(".bleed-guard-failed")).to_be_hidden()


COLOR_OF = """element => {
    const pen = document.createElement('canvas').getContext('2d');
    pen.fillStyle = getComputedStyle(element).color;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


def ground_of(tab: BleedTab) -> np.ndarray:
    """What the page shows in the corner of the files' fields: R, G, B."""
    shot = Image.open(io.BytesIO(tab.part("files").screenshot())).convert("RGB")
    return np.asarray(shot)[-1, -1]


def png_of(array: np.ndarray) -> bytes:
    """uint8 array as a PNG file's content."""
    target = io.BytesIO()
    Image.fromarray(array).save(target, "PNG")
    return target.getvalue()


def test_a_run_is_taken_away_and_opens_offline(
    guarded: Server, chromium: Browser, open_page: OpenPage, tmp_path: Path
) -> None:
    tab = BleedTab(open_page(guarded))
    tab.run_job(guarded, denoising_strength=0.95)
    tab.open()
    assert tab.part("fix").get_by_role("button").count() > 0
    with tab.page.expect_download(timeout=WAIT_MS) as waiting:
        tab.press("Download")
    archive = zipfile.ZipFile(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    original = np.asarray(Image.open(io.BytesIO(archive.read("original.png"))))
    assert np.array_equal(original, make_original())
    assert json.loads(archive.read("report.json"))["record"]["images"]
    archive.extract("report.html", tmp_path)
    context = chromium.new_context(offline=True, viewport={"width": 1000, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.goto((tmp_path / "report.html").as_uri())
    offline = BleedTab(HostPage(page, "file:", is_gradio_4=IS_GRADIO_4)).wait()
    assert "protected pixels changed" in offline.verdict
    x, y = NEAR
    assert offline.inspect(x, y) == tab.inspect(x, y)
    expect(offline.part("fix").first).to_be_visible()
    assert offline.part("fix").get_by_role("button").count() == 0  # no host to set anything in
    page.evaluate("bleedGuard.page.stage.setSplit(0.2)")
    assert offline.look().std() > 10
    context.close()
    assert complaints == []


def test_the_report_is_copied_as_text(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded, permissions=["clipboard-read", "clipboard-write"])
    tab = BleedTab(page)
    tab.run_job(guarded)
    tab.open()
    tab.press("Copy report")
    expect(tab.part("said").first).to_have_text("Copied", timeout=WAIT_MS)
    text = tab.page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("Bleed Guard: Clean. 0 of")
    assert "Seam (1 = unseen)" in text


def test_a_picture_is_sent_to_another_tab(tab: BleedTab) -> None:
    tab.press("to extras")
    image = tab.page.locator("#extras_image img, #tab_extras img").first
    expect(image).to_be_visible(timeout=WAIT_MS)
    assert tab.page.evaluate("get_uiCurrentTabContent().id") == "tab_extras"


@pytest.mark.parametrize(
    ("width", "theme"), [(390, "light"), (1280, "light"), (1280, "dark"), (2560, "dark")]
)
def test_it_fits_every_screen_and_is_accessible(
    guarded: Server, open_page: OpenPage, width: int, theme: str
) -> None:
    page = open_page(guarded, f"?__theme={theme}", viewport={"width": width, "height": 1000})
    tab = BleedTab(page).open()
    sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.page.evaluate(
        "const { record } = bleedGuard.page.selected; bleedGuard.page.select(null);"
        "record.images[0].reason = '/' + 'long'.repeat(60);"
        "bleedGuard.page.select({record, image: record.images[0]})"
    )
    tab.wait()
    assert page.page.evaluate(sideways) <= 0
    beyond = page.page.evaluate(
        "[...document.querySelectorAll('#bleed_guard_root *')].filter(e => e.offsetParent"
        " && !e.closest('.bleed-guard-strip')"
        " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"
    )
    assert beyond == []
    untold = page.page.evaluate(
        "[...document.querySelectorAll('#bleed_guard_root :is(button, select, input, output)')]"
        ".filter(e => e.checkVisibility() && !e.title && !e.className.includes('said'))"
        ".map(e => e.outerHTML.slice(0, 120))"
    )
    assert untold == []
    found = Axe().run(page.page, context="#bleed_guard_root")
    grave = [
        f"{entry['id']}: {[node['html'][:120] for node in entry['nodes'][:3]]}"
        for entry in found.response["violations"]
        if entry["impact"] in ("serious", "critical")
    ]
    assert grave == []
    assert "longlong" in tab.verdict
    boxes = []
    for mode in ("slider", "side", "onion", "blink", "single"):
        page.page.locator(f"#bleed_guard_root [data-mode={mode}]").click()
        boxes.append(tab.part("picture").bounding_box())
    assert boxes == boxes[:1] * len(boxes), "the picture stays where it is"


def read_question(request: Request) -> dict[str, Any]:
    """What the page asked with a request to the tab's endpoint."""
    return json.loads(json.loads(request.post_data or "")["data"][0])


def answer_with(**answers: Any) -> Callable[[Route], None]:
    """Stand in for the server: the given answers by question, an error for the others."""

    def fulfill(route: Route) -> None:
        asked = read_question(route.request)["ask"]
        answer = answers.get(asked, {"error": "no such thing"})
        route.fulfill(json={"data": [json.dumps(answer)]})

    return fulfill


def test_empty_not_guarded_and_broken_are_told(guarded: Server, open_page: OpenPage) -> None:
    page = open_page(guarded)
    tab = BleedTab(page)
    answers = answer_with(list={"revision": "1", "records": []})
    page.page.route("**/run/bleed_guard", answers)
    page.page.evaluate("bleedGuard.page.refresh()")
    page.show_tab("Bleed")
    expect(tab.part("cover")).to_contain_text("Inpaint something in img2img", timeout=WAIT_MS)

    image = {
        "index": 0, "verdict": "not guarded", "sentence": "", "reason": "the sizes differ",
        "protected": 0, "changed": 0, "max": 0, "prevented": 0, "prevented_max": 0,
        "prevented_reach": 0, "predicted_reach": 0, "saved_as": "", "places": [0, 1],
        "stages": [],
        "findings": [], "crop_box": None,
    }  # fmt: skip
    record = {
        "id": "x", "started": 0, "verdict": "not guarded", "preset": "guard", "tolerance": 0,
        "prompt": "", "facts": {}, "changes": [], "findings": [], "images": [image],
    }  # fmt: skip
    page.page.unroute("**/run/bleed_guard")
    answers = answer_with(list={"revision": "2", "records": [record]})
    page.page.route("**/run/bleed_guard", answers)
    page.page.evaluate("bleedGuard.page.refresh()")
    expect(tab.part("verdict")).to_contain_text("Not guarded", timeout=WAIT_MS)
    expect(tab.part("verdict")).to_contain_text("the sizes differ")
    expect(tab.part("cover")).to_contain_text("No pictures of this run")
    expect(tab.part("side")).to_contain_text("Not guarded")
    expect(tab.part("side")).not_to_contain_text("Nothing to report")

    page.page.unroute("**/run/bleed_guard")
    page.page.route("**/run/bleed_guard", answer_with())
    page.page.evaluate("bleedGuard.page.refresh()")
    expect(tab.part("error")).to_contain_text("no such thing")
    with page.page.expect_request("**/run/bleed_guard"):
        tab.press("Try again")
    expect(tab.part("error")).to_contain_text("no such thing")
    page.page.unroute("**/run/bleed_guard")  # from here on the tab may recover by itself
    page.page.evaluate("bleedGuard.page.refresh()")
    expect(tab.part("verdict")).to_contain_text("protected pixels changed", timeout=WAIT_MS)
    expect(tab.part("error")).to_be_hidden()


@pytest.fixture
def shared_server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "host", flags=["--gradio-auth=ann:a,bob:b"]) as running:
        yield running


def test_two_users_do_not_see_each_others_runs(
    shared_server: Server, chromium: Browser, picture: Path
) -> None:
    pages = {}
    for name in ("ann", "bob"):
        context = chromium.new_context(viewport={"width": 1280, "height": 1000})
        form: dict[str, str | float | bool] = {"username": name, "password": name[0]}
        assert context.request.post(f"{shared_server.url}login", form=form).ok
        page = HostPage(context.new_page(), shared_server.url, is_gradio_4=IS_GRADIO_4)
        pages[name] = page.open()
    paint_job(pages["ann"], picture)
    pages["ann"].generate()
    ann, bob = BleedTab(pages["ann"]), BleedTab(pages["bob"])
    ann.wait_for_runs(1)
    ann.open()
    pages["bob"].show_tab("Bleed")
    expect(bob.part("cover")).to_contain_text("Nothing yet", timeout=WAIT_MS)
    assert bob.run_count() == 0
    record = ann.page.evaluate("bleedGuard.page.records[0].id")
    told = bob.page.evaluate(
        "id => bleedGuard.page.server.ask({ask: 'layers', id, image: 0, layers: ['reference']})"
        ".then(() => 'told', error => error.message)",
        record,
    )
    assert told == "This run is no longer in the history."
    for page in pages.values():
        page.page.context.close()

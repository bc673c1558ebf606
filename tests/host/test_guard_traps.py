"""Every trap the hosts lay, by name, and the ways other scripts edit a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bleed_guard.core.job import Verdict
from tests.host.guarded import (
    CornerPainter,
    GuardedHost,
    Outcome,
    count_changed,
    installed_profiles,
    paint_corner,
    paint_corner_in_place,
    register_painter_before_saving,
)

pytestmark = pytest.mark.parametrize("profile", installed_profiles())
SIZE = (96, 64)  # width, height
BOX = (slice(20, 44), slice(30, 60))
PROFILE = b"an ICC header...RGB and no more."  # its colour space from the 16th byte on


def make_photo(size: tuple[int, int] = SIZE) -> Image.Image:
    drawn = np.random.default_rng(5)
    coarse = Image.fromarray(drawn.integers(0, 256, (8, 12, 3)).astype(np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def make_mask(size: tuple[int, int] = SIZE, box: tuple[slice, slice] = BOX) -> Image.Image:
    mask = np.zeros(size[::-1], np.uint8)
    mask[box] = 255
    return Image.fromarray(mask)


def assert_exact(
    outcome: Outcome, reference: Image.Image | np.ndarray, mask: Image.Image | np.ndarray
) -> None:
    """Reply and files show the reference wherever the mask is off, and say so."""
    pixels, protected = np.asarray(reference), np.asarray(mask) < 128
    for number in range(len(outcome.images)):
        assert count_changed(outcome.pixels(number), pixels, protected) == 0
    assert outcome.files
    for saved in outcome.read_files():
        assert count_changed(saved, pixels, protected) == 0
    assert {image.verdict for image in outcome.record.images} == {Verdict.CLEAN}


def changed_inside(outcome: Outcome, reference: Image.Image, mask: Image.Image) -> int:
    inside = np.asarray(mask) >= 128
    return count_changed(outcome.pixels(0), np.asarray(reference), inside)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"mask_blur": 4}, id="mask-blur-at-its-default"),
        pytest.param({"mask_blur": 64}, id="mask-blur-64"),
        pytest.param({"inpaint_full_res": True}, id="only-masked"),
        pytest.param({"inpaint_full_res": True, "inpaint_full_res_padding": 256}, id="padding-256"),
        pytest.param({"batch_size": 2, "n_iter": 2}, id="batches"),
        pytest.param({"denoising_strength": 1.0, "inpainting_fill": 2}, id="latent-noise"),
    ],
)
def test_the_ordinary_ways_to_inpaint(profile: str, fields: dict, tmp_path: Path) -> None:
    size = (128, 64)  # a size every host keeps
    photo, mask = make_photo(size), make_mask(size)
    host = GuardedHost(profile, tmp_path)
    host.set_options(grid_save=False)
    outcome = host.run(photo, mask, **fields)
    assert_exact(outcome, photo, mask)
    assert changed_inside(outcome, photo, mask) > 500


def test_the_overlay_option_switched_off(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo(), make_mask()
    host = GuardedHost(profile, tmp_path)
    host.set_options(overlay_inpaint=False)
    outcome = host.run(photo, mask, inpaint_full_res=True)
    assert_exact(outcome, photo, mask)
    assert outcome.images[0].size == SIZE


@pytest.mark.parametrize("blur", [16, 64])
def test_a_single_pixel_under_a_large_blur_stays_an_inpaint(
    profile: str, blur: int, tmp_path: Path
) -> None:
    photo, mask = make_photo(), make_mask(box=(slice(30, 31), slice(40, 41)))
    outcome = GuardedHost(profile, tmp_path).run(
        photo, mask, {"blend": "hard"}, inpaint_full_res=True, mask_blur=blur
    )
    assert_exact(outcome, photo, mask)
    assert "mask blur" in outcome.comments
    assert changed_inside(outcome, photo, mask) == 1


def test_a_blank_mask_in_only_masked_redraws_nothing(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), Image.new("L", (128, 64))
    outcome = GuardedHost(profile, tmp_path).run(photo, mask, inpaint_full_res=True)
    assert_exact(outcome, photo, mask)
    assert "mask is blank" in outcome.comments


def test_a_mask_of_another_size_in_only_masked_is_repainted_where_it_was_painted(
    profile: str, tmp_path: Path
) -> None:
    photo, mask = make_photo(), make_mask()
    small = mask.resize((48, 32), Image.Resampling.NEAREST)
    outcome = GuardedHost(profile, tmp_path).run(
        photo, small, {"blend": "hard"}, inpaint_full_res=True, mask_blur=0
    )
    inner = make_mask(box=(slice(22, 42), slice(32, 58)))
    outer = make_mask(box=(slice(18, 46), slice(28, 62)))
    assert_exact(outcome, photo, outer)
    assert changed_inside(outcome, photo, inner) > 500
    assert "mask size 48 x 32 -> 96 x 64" in outcome.comments


def test_a_latent_upscale_is_guarded_over_the_whole_larger_picture(
    profile: str, tmp_path: Path
) -> None:
    """The host lays its small overlay at the top left of the larger result."""
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    outcome = GuardedHost(profile, tmp_path).run(
        photo, mask, {"blend": "hard"}, resize_mode=3, width=256, height=128
    )
    larger = photo.resize((256, 128), Image.Resampling.LANCZOS)
    grown = make_mask((256, 128), (slice(38, 90), slice(58, 122)))  # by the resize's own reach
    assert outcome.images[0].size == (256, 128)
    assert_exact(outcome, larger, grown)
    assert changed_inside(outcome, larger, mask.resize((256, 128), Image.Resampling.NEAREST)) > 2000


def test_a_size_that_is_no_multiple_of_8_loses_its_right_and_bottom_edge(
    profile: str, tmp_path: Path
) -> None:
    photo, mask = make_photo((93, 61)), make_mask((93, 61))
    outcome = GuardedHost(profile, tmp_path).run(photo, mask)
    width, height = outcome.images[0].size
    if profile == "neo":  # it rounds to 64 and resizes
        photo, mask = (image.resize((64, 64), Image.Resampling.LANCZOS) for image in (photo, mask))
    assert (width, height) == ((64, 64) if profile == "neo" else (88, 56))
    part = (0, 0, width, height)
    assert_exact(outcome, photo.crop(part), mask.crop(part))


@pytest.mark.parametrize("is_blurred", [False, True], ids=["blur-0", "blur-4"])
def test_a_grey_mask_sent_by_api_stays_soft_in_the_host(
    profile: str, is_blurred: bool, tmp_path: Path
) -> None:
    photo = make_photo((128, 64))
    grey = np.asarray(make_mask((128, 64))).copy()
    grey[10:20, 30:60], grey[44:54, 30:60] = 100, 160
    outcome = GuardedHost(profile, tmp_path).run(
        photo, Image.fromarray(grey), {"blend": "hard"}, mask_blur=4 * is_blurred
    )
    assert_exact(outcome, photo, grey)
    assert "soft" in outcome.comments


def test_a_sketch_blended_beyond_its_strokes_leaves_the_photograph_alone(
    profile: str, tmp_path: Path
) -> None:
    """gradio 3's hosts blur the strokes into the init image; the photograph is a variable of
    theirs."""
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    sketch = photo.copy()
    sketch.paste((200, 30, 30), mask=mask)
    blur = ImageFilter.GaussianBlur(4)
    blended = Image.composite(sketch.filter(blur), photo, mask.filter(blur))
    host: dict[str, Any] = {"__name__": "modules.img2img"}
    exec("def img2img(run, orig): return run()", host)
    guarded = GuardedHost(profile, tmp_path)
    outcome = host["img2img"](lambda: guarded.run(blended, mask, mask_blur=0), photo)
    assert_exact(outcome, photo, mask)
    assert changed_inside(outcome, photo, mask) > 500
    alone = count_changed(np.asarray(blended), np.asarray(photo), np.asarray(mask) < 128)
    assert outcome.record.images[0].prevented == alone > 500


def test_the_colours_of_inpaint_sketch_stay_inside_its_mask(profile: str, tmp_path: Path) -> None:
    """The mask comes from the coloured pixels, dimmed by mask transparency, and the sketch is in
    the init image already: what was sketched under a faint mask is the reference there."""
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    sketch = photo.copy()
    sketch.paste((200, 30, 30), (30, 20, 60, 44))
    dimmed = mask.point(lambda level: int(level * 0.7))  # transparency 30
    outcome = GuardedHost(profile, tmp_path).run(sketch, dimmed)
    assert_exact(outcome, sketch, mask)
    assert changed_inside(outcome, sketch, mask) > 500


def test_a_mask_blur_that_is_no_whole_number(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    outcome = GuardedHost(profile, tmp_path).run(photo, mask, mask_blur=4.0)
    assert_exact(outcome, photo, mask)


def test_precise_mask_overlays_that_are_pairs(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.set_known_option("img2img_inpaint_precise_mask", True)
    for only_masked in (True, False):
        outcome = host.run(photo, mask, inpaint_full_res=only_masked)
        assert_exact(outcome, photo, mask)
        assert isinstance(outcome.p.overlay_images[0], tuple) == (profile == "neo")


def test_a_setting_overridden_by_the_request_is_the_one_that_counts(
    profile: str, tmp_path: Path
) -> None:
    from modules import shared

    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.set_options(samples_format="png", overlay_inpaint=True)  # unless stored, overrides stay
    given = {"samples_format": "jpg", "overlay_inpaint": False}
    told = host.run(photo, mask, override_settings=dict(given))
    assert [path.suffix for path in told.files] == [".jpg"]
    assert "JPEG" in told.comments
    mended = host.run(photo, mask, {"lossy_format": "png"}, override_settings=dict(given))
    assert [path.suffix for path in mended.files] == [".png"]
    assert_exact(mended, photo, mask)
    plain = host.run(photo, mask)
    assert_exact(plain, photo, mask)
    assert shared.opts.samples_format == "png"


def test_loops_at_a_size_the_host_cuts_keep_the_first_picture(profile: str, tmp_path: Path) -> None:
    """Each begins with the last one's result, 88 x 56, stretched to 93 x 61 and cut again."""
    photo, mask = make_photo((93, 61)), make_mask((93, 61))
    host = GuardedHost(profile, tmp_path)
    p = host.make_job(photo, mask)
    results, outcome = [], host.finish(p)
    for _ in range(2):
        results.append(outcome.pixels(0))
        p.init_images = [outcome.processed.images[0]]
        outcome = host.finish(p)
    results.append(outcome.pixels(0))
    protected = outcome.record.images[0].pictures.protected
    assert [count_changed(result, results[0], protected) for result in results[1:]] == [0, 0]
    assert outcome.record.verdict is Verdict.CLEAN
    if profile != "neo":  # which brings it to 128 x 64
        assert count_changed(results[2], np.asarray(photo)[:56, :88], protected) == 0
    assert "3 jobs, 0 protected pixels changed" in outcome.comments
    assert "3 jobs, 0 protected pixels changed" in "".join(p.comments)


def test_a_batch_of_files_tells_each_in_the_one_reply_that_is_shown(
    profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hosts run them with one job object and show what the first one's reply says."""
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    p = host.make_job(photo, mask, {"paste_back": False})
    p.image_mask = Image.new("L", photo.size)
    shown = host.finish(p).processed
    assert "Bleed Guard: 0 of 8,192 protected pixels changed" in shown.comments
    p.init_images, p.image_mask = [photo.rotate(180)], mask
    bled = host.finish(p).record.images[0]
    lines = shown.comments.splitlines()
    assert f"Bleed Guard: job 2: {bled.sentence}" in lines
    assert any(line.startswith("Bleed Guard: 1 of 2 jobs, 0 protected") for line in lines)
    assert not any(line.startswith("Bleed Guard: 0 of 8,192") for line in lines)
    assert any("The mask is blank" in line for line in lines)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("bleed_guard.host.script.plan_guard", fail)
    host.finish(p)
    assert "NOT GUARDED: RuntimeError in before_process: broken" in shown.comments


def test_a_large_batch_tells_no_more_lines_than_can_be_read(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.set_options(samples_format="jpg")
    p = host.make_job(photo, mask, {"lossy_format": "warn"})
    shown = host.finish(p).processed
    for _ in range(49):
        host.finish(p)
    lines = shown.comments.splitlines()
    assert sum(line.startswith("Bleed Guard: job ") for line in lines) == 50
    assert len(lines) < 50 + 45
    assert "further lines are in the Bleed tab" in lines[-1]


REPLY_TOLD = "The API's reply is encoded as {}"


def test_a_reply_is_encoded_by_the_setting_that_outlasts_the_job(
    profile: str, tmp_path: Path
) -> None:
    """The hosts encode it when the request's overrides are gone already."""
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    jpeg, webp = REPLY_TOLD.format("JPEG"), REPLY_TOLD.format("WebP")
    unstored = host.run(photo, mask, override_settings={"samples_format": "jpg"})
    assert jpeg in unstored.comments  # unless stored, overrides stay
    host.set_options(samples_format="jpg", webp_lossless=True)
    stored = host.run(photo, mask, override_settings={"samples_format": "png"})
    assert jpeg in stored.comments
    host.set_options(samples_format="png")
    over = host.run(photo, mask, override_settings={"samples_format": "jpg"})
    assert jpeg not in over.comments
    assert [path.suffix for path in over.files] == [".jpg"]
    host.set_options(samples_format="webp")
    lossless = host.run(photo, mask)
    assert webp in lossless.comments  # this host's API does not ask for lossless
    assert_exact(lossless, photo, mask)


def test_several_init_images_have_each_their_own_reference(profile: str, tmp_path: Path) -> None:
    photos = [make_photo((128, 64)), make_photo((128, 64)).rotate(180)]
    mask = make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.set_options(grid_save=False, return_grid=False)
    outcome = host.run(photos, mask, batch_size=2)
    for number, (photo, saved) in enumerate(zip(photos, outcome.read_files(), strict=True)):
        reference, protected = np.asarray(photo), np.asarray(mask) < 128
        assert count_changed(outcome.pixels(number), reference, protected) == 0
        assert count_changed(saved, reference, protected) == 0


def test_a_16_bit_picture_is_not_turned_white(profile: str, tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 128 * 64).reshape(64, 128).astype(np.uint16)
    mask = make_mask((128, 64))
    outcome = GuardedHost(profile, tmp_path).run(Image.fromarray(levels), mask)
    grey = np.repeat((levels >> 8).astype(np.uint8)[..., None], 3, axis=2)
    assert_exact(outcome, grey, mask)
    assert "init image 16 bits -> 8 bits" in outcome.comments


def test_transparency_comes_back_in_the_file(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    alpha = np.full((64, 128), 255, np.uint8)
    alpha[:10] = 0
    alpha[10:14] = 128
    photo.putalpha(Image.fromarray(alpha))
    photo.info |= {"icc_profile": PROFILE, "dpi": (300, 300)}
    host = GuardedHost(profile, tmp_path)
    host.set_options(img2img_background_color="#ffffff")
    for name in ("stealth_pnginfo_option", "stealth_pnginfo_opt"):
        host.set_known_option(name, "None")
    outcome = host.run(photo, mask)
    (path,) = outcome.files
    with Image.open(path) as saved:
        assert saved.mode == "RGBA"
        assert np.array_equal(np.asarray(saved)[..., 3], alpha)  # the mask lies below
        assert saved.info["icc_profile"] == PROFILE
        assert saved.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert "Bleed outside: 0 of" in saved.info["parameters"]
    own, kept = np.asarray(photo), np.asarray(Image.open(path))
    is_seen = (np.asarray(mask) < 128) & (alpha > 0)
    assert np.array_equal(kept[is_seen], own[is_seen])
    assert outcome.record.images[0].verdict is Verdict.CLEAN


def test_infotext_hidden_in_the_reply_is_told_where_the_file_has_none(
    profile: str, tmp_path: Path
) -> None:
    host = GuardedHost(profile, tmp_path)
    host.set_known_option("stealth_pnginfo_option", "RGB")
    from bleed_guard.host import compat

    if compat.stealth_mode() != "rgb":
        pytest.skip("this host hides no infotext in colours")
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    outcome = host.run(photo, mask)
    (image,), canvas = outcome.images, outcome.record.images[0].pictures.reference
    delta = np.abs(np.asarray(image.convert("RGB")).astype(int) - canvas).max(axis=2)
    hidden = int((delta[np.asarray(mask) < 128] > 0).sum())
    assert hidden
    assert (
        f"reply carries hidden infotext in {hidden:,} of the protected pixels" in outcome.comments
    )


@pytest.mark.parametrize("mode", ["Alpha", "RGB"])
def test_transparency_in_place_of_hidden_infotext_is_told(
    mode: str, profile: str, tmp_path: Path
) -> None:
    """Both lie in the lowest bits of the file: the original's transparency stays exact."""
    host = GuardedHost(profile, tmp_path)
    for name in ("stealth_pnginfo_option", "stealth_pnginfo_opt"):
        host.set_known_option(name, mode)
    from bleed_guard.host import compat

    if compat.stealth_mode() != mode.lower():
        pytest.skip("this host hides no infotext")
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    outcome = host.run(photo, mask)
    (path,) = outcome.files
    from modules import stealth_infotext

    protected = np.asarray(mask) < 128
    with Image.open(path) as saved:
        assert stealth_infotext.read_info_from_image_stealth(saved) is None
        alpha = np.asarray(saved)[..., 3]
        assert np.array_equal(alpha[protected], np.asarray(photo)[protected][:, 3])
        assert "Bleed outside: 0 of" in saved.info["parameters"]
    told = f"{path.name} carries the original's own transparency instead of the hidden infotext"
    messages = [finding.what for finding in outcome.record.images[0].findings]
    assert messages.count(told) == 1
    kept = host.run(photo, mask, {"keep_metadata": False})
    with Image.open(kept.files[0]) as saved:
        assert stealth_infotext.read_info_from_image_stealth(saved)
    messages = [finding.what for finding in kept.record.images[0].findings]
    assert not any("transparency instead" in what for what in messages)


def test_hidden_infotext_that_stays_in_the_file_is_not_told_as_gone(
    profile: str, tmp_path: Path
) -> None:
    host = GuardedHost(profile, tmp_path)
    outcome = host.run(make_photo((128, 64)), make_mask((128, 64)))
    messages = [finding.what for finding in outcome.record.images[0].findings]
    assert not any("transparency instead" in what for what in messages)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
@pytest.mark.parametrize("with_infotext", [True, False])
def test_profile_and_resolution_come_back_in_a_lossy_file(
    suffix: str, with_infotext: bool, profile: str, tmp_path: Path
) -> None:
    photo = make_photo((128, 64))
    photo.info |= {"icc_profile": PROFILE, "dpi": (300, 300)}
    host = GuardedHost(profile, tmp_path)
    host.set_options(samples_format=suffix, webp_lossless=True, enable_pnginfo=with_infotext)
    (path,) = host.run(photo, make_mask((128, 64))).files
    from modules import images

    told, _ = images.read_info_from_image(Image.open(path))
    assert ("Bleed outside: 0 of" in (told or "")) is with_infotext
    with Image.open(path) as saved:
        assert saved.info["icc_profile"] == PROFILE
        assert suffix == "webp" or saved.info["dpi"] == (300, 300)


def test_what_is_repainted_over_a_transparent_place_is_seen_in_the_file(
    profile: str, tmp_path: Path
) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    alpha = np.full((64, 128), 255, np.uint8)
    alpha[:40] = 0
    photo.putalpha(Image.fromarray(alpha))
    host = GuardedHost(profile, tmp_path)
    for name in ("stealth_pnginfo_option", "stealth_pnginfo_opt"):
        host.set_known_option(name, "None")
    (path,) = host.run(photo, mask).files
    saved = np.asarray(Image.open(path))
    assert np.array_equal(saved[..., 3], np.where(np.asarray(mask) < 128, alpha, 255))


def test_a_lossy_file_is_told_by_its_name(profile: str, tmp_path: Path) -> None:
    host = GuardedHost(profile, tmp_path)
    host.set_options(samples_format="jpg")
    outcome = host.run(make_photo(), make_mask())
    (image,) = outcome.record.images
    (path,) = outcome.files
    assert image.verdict is Verdict.BLEED
    assert f"{path.name} is JPEG" in outcome.comments
    assert image.saved_as == str(path)


def test_inpaints_saved_as_png_never_replace_a_file(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.set_options(samples_format="jpg", samples_filename_pattern="same")
    host.set_options(save_images_add_number=False)
    outcomes = [host.run(photo, mask, {"lossy_format": "png"}, seed=seed) for seed in (1, 2)]
    for outcome in outcomes:
        (path,) = outcome.files
        assert path.suffix == ".png"
        assert_exact(outcome, photo, mask)


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("hook", ["postprocess_image", "postprocess_image_after_composite"])
def test_another_script_edits_the_picture(
    profile: str, hook: str, place: str, tmp_path: Path
) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.scripts.insert(0 if place == "before" else 1, CornerPainter(hook))
    assert_exact(host.run(photo, mask, {"blend": "hard"}), photo, mask)


@pytest.mark.parametrize("paint", [paint_corner, paint_corner_in_place])
def test_another_extension_edits_the_picture_before_it_is_saved(
    profile: str, paint: Any, tmp_path: Path
) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    register_painter_before_saving(paint)
    assert_exact(host.run(photo, mask), photo, mask)


def test_an_extension_that_enlarges_the_picture_is_told_not_guarded(
    profile: str, tmp_path: Path
) -> None:
    from modules import scripts

    class Enlarger(scripts.Script):
        def title(self) -> str:
            return "Enlarger"

        def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
            pp.image = pp.image.resize((pp.image.width * 2, pp.image.height * 2))

    host = GuardedHost(profile, tmp_path)
    host.scripts.insert(0, Enlarger())
    outcome = host.run(make_photo((128, 64)), make_mask((128, 64)))
    (image,) = outcome.record.images
    assert image.verdict is Verdict.NOT_GUARDED
    assert image.reason.startswith("the picture came back as 256 x 128")
    assert outcome.comments.count("NOT GUARDED: the picture") == 1
    assert "the host skipped a stage" not in outcome.comments
    assert "Bleed outside" not in outcome.processed.infotexts[0]


def test_the_whole_picture_comes_back_at_the_originals_size(profile: str, tmp_path: Path) -> None:
    photo = make_photo((150, 100))
    mask = make_mask((150, 100), (slice(30, 70), slice(40, 100)))
    outcome = GuardedHost(profile, tmp_path).run(
        photo, mask, {"keep_size": True}, width=128, height=128
    )
    assert outcome.images[0].size == (150, 100)
    assert_exact(outcome, photo, mask)
    assert changed_inside(outcome, photo, mask) > 1500


def test_fifty_passes_leave_what_no_mask_covered(profile: str, tmp_path: Path) -> None:
    size = (128, 128)
    first = photo = make_photo(size)
    drawn = np.random.default_rng(9)
    host = GuardedHost(profile, tmp_path)
    covered = np.zeros(size[::-1], bool)
    for number in range(50):
        left, top = (int(value) for value in drawn.integers(0, 116, 2))
        box = (slice(top, top + 12), slice(left, left + 12))
        covered[box] = True
        fields = {"inpaint_full_res": number % 2 == 0, "seed": number}
        outcome = host.run(photo, make_mask(size, box), **fields)
        with Image.open(outcome.files[0]) as photo:
            photo.load()
    assert not covered.all()
    last = np.asarray(photo.convert("RGB"))
    assert count_changed(last, np.asarray(first), ~covered) == 0
    assert count_changed(last, np.asarray(first), covered) > 2000


def test_a_nested_job_is_left_alone_and_the_outer_one_guarded(profile: str, tmp_path: Path) -> None:
    from modules import scripts

    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    inner_jobs = []

    class FaceFixer(scripts.Script):
        def title(self) -> str:
            return "Face fixer"

        def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
            from modules import processing

            if inner_jobs:
                return
            box = (slice(0, 20), slice(0, 20))
            inner = host.make_job(pp.image, make_mask((128, 64), box), do_not_save_samples=True)
            inner_jobs.append(inner)
            pp.image = processing.process_images(inner).images[0]

    host.scripts.insert(0, FaceFixer())
    outcome = host.run(photo, mask)
    assert getattr(inner_jobs[0], "bleed_guard_run", None) is None
    assert_exact(outcome, photo, mask)


def test_the_same_job_looped_keeps_its_changes_in_the_infotext(
    profile: str, tmp_path: Path
) -> None:
    from modules import processing

    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    p = host.make_job(photo, mask, inpaint_full_res=True, inpaint_full_res_padding=64)
    for _ in range(3):
        processed = processing.process_images(p)
        p.init_images = [processed.images[0]]
        assert "padding 64 -> 32" in processed.infotexts[0]
    result = np.asarray(p.init_images[0].convert("RGB"))
    assert count_changed(result, np.asarray(photo), np.asarray(mask) < 128) == 0


def test_hooks_called_with_no_arguments_do_nothing(profile: str, tmp_path: Path) -> None:
    host = GuardedHost(profile, tmp_path)
    hooks = (
        "before_process",
        "postprocess_image",
        "postprocess_maskoverlay",
        "postprocess_image_after_composite",
        "postprocess",
    )
    for hook in hooks:
        assert getattr(host.guard, hook)() is None


def test_plain_img2img_is_untouched(profile: str, tmp_path: Path) -> None:
    host = GuardedHost(profile, tmp_path)
    outcome = host.run(make_photo((128, 64)), None)
    assert getattr(outcome.p, "bleed_guard_run", None) is None
    assert "leed" not in outcome.processed.infotexts[0]


def test_full_redo_is_measured_and_left_alone(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    outcome = GuardedHost(profile, tmp_path).run(photo, mask, {"preset": "full-redo"})
    (image,) = outcome.record.images
    assert image.verdict is Verdict.FULL_REDO
    assert image.changed > 0
    changed = count_changed(outcome.pixels(0), np.asarray(photo), np.asarray(mask) < 128)
    assert changed == image.changed


def test_a_full_redo_that_comes_back_as_the_bare_crop_is_no_failure(
    profile: str, tmp_path: Path
) -> None:
    """Only masked with the host's overlay off: nothing was to be protected, nothing can be told."""
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    host.set_options(overlay_inpaint=False)
    fields = {"inpaint_full_res": True, "width": 192, "height": 192}
    outcome = host.run(photo, mask, {"preset": "full-redo"}, **fields)
    (image,) = outcome.record.images
    assert image.verdict is Verdict.FULL_REDO
    assert "Full redo, not measured: the host, its overlay option off" in outcome.comments
    assert "NOT GUARDED" not in outcome.comments
    assert outcome.pixels(0).shape == (192, 192, 3), "the host's own picture is left alone"


def test_blend_edit_allows_the_soft_band_and_nothing_beyond(profile: str, tmp_path: Path) -> None:
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    outcome = GuardedHost(profile, tmp_path).run(photo, mask, {"preset": "blend-edit"})
    reach = 10  # int(2.5 * 4 + 0.5)
    band = make_mask((128, 64), (slice(20 - reach, 44 + reach), slice(30 - reach, 60 + reach)))
    assert_exact(outcome, photo, band)
    ring = (np.asarray(band) >= 128) & (np.asarray(mask) < 128)
    assert count_changed(outcome.pixels(0), np.asarray(photo), ring) > 100


def test_one_job_never_sees_anothers_state(profile: str, tmp_path: Path) -> None:
    host = GuardedHost(profile, tmp_path)
    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    outcomes = [host.run(photo, mask, {"feather": feather}) for feather in (1, 9)]
    runs = [outcome.p.bleed_guard_run for outcome in outcomes]
    assert [run.rules.settings.feather for run in runs] == [1, 9]
    assert runs[0].record.id != runs[1].record.id
    assert not vars(host.guard).keys() - {
        "section", "filename", "args_from", "args_to", "alwayson", "infotext_fields",
        "paste_field_names", "is_txt2img", "is_img2img", "name", "group", "api_info",
    }  # fmt: skip


def test_a_script_that_makes_one_picture_of_several_jobs_claims_nothing_for_it(
    profile: str, tmp_path: Path
) -> None:
    from modules import images

    from minihost.companions.scripts.sd_upscale import SDUpscale

    photo, mask = make_photo((128, 64)), make_mask((128, 64))
    host = GuardedHost(profile, tmp_path)
    p = host.make_job(photo, mask)
    upscale = SDUpscale()
    p.scripts.selectable_scripts.append(upscale)
    p.script_args = (1, *p.script_args[1:])
    processed = upscale.run(p, 16, 1, 2.0)
    (path,) = tmp_path.rglob("*.png")
    with Image.open(path) as file:
        told, _ = images.read_info_from_image(file)
        assert file.size == processed.images[0].size == (256, 128)
    assert "in one job of SD upscale" in (told or "")
    lines = p.bleed_guard_run.record.findings
    assert any("makes one picture of several jobs" in finding.what for finding in lines)


def test_original_size_is_left_where_the_host_makes_a_masked_composite(
    profile: str, tmp_path: Path
) -> None:
    """The host composites the generated picture with the finished one: their sizes must agree."""
    photo, mask = make_photo((160, 96)), make_mask((160, 96))
    host = GuardedHost(profile, tmp_path)
    host.set_options(return_mask_composite=True)
    outcome = host.run(photo, mask, {"keep_size": True}, width=128, height=64)
    assert outcome.images[0].size == (128, 64)
    assert "original's size on -> off" in outcome.comments
    assert outcome.record.images[0].verdict is Verdict.CLEAN


@pytest.mark.parametrize("asked", [(100, 66), (93, 61)])
def test_original_size_comes_back_where_only_odd_pixels_were_lost(
    asked: tuple[int, int], profile: str, tmp_path: Path
) -> None:
    """Of 100 x 66 the host returns 96 x 64: the size of the original, but not its pixels."""
    photo, mask = make_photo(), make_mask()
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    host = GuardedHost(profile, tmp_path)
    host.set_options(img2img_background_color="#ffffff")
    outcome = host.run(photo, mask, {"keep_size": True}, width=asked[0], height=asked[1])
    flat = Image.new("RGB", photo.size, "white")
    flat.paste(photo, mask=photo)
    assert count_changed(outcome.pixels(0), np.asarray(flat), np.asarray(mask) < 128) == 0


def test_a_hardened_mask_protects_what_it_leaves_out_also_resized(
    profile: str, tmp_path: Path
) -> None:
    """Resized grey lies at 50 % all over; cut first, it is on neither side of it by chance."""
    mask = np.full((67, 162), 255, np.uint8)
    mask[20:50, 60:64] = 127
    photo = make_photo((162, 67))
    host = GuardedHost(profile, tmp_path)
    outcome = host.run(photo, Image.fromarray(mask), {"soft_mask": "harden"}, width=256, height=128)
    hard = Image.fromarray(np.where(mask < 128, 0, 255).astype(np.uint8))
    size = outcome.images[0].size
    reference = np.asarray(photo.resize(size, Image.Resampling.LANCZOS))
    protected = np.asarray(hard.resize(size, Image.Resampling.LANCZOS)) < 128
    assert count_changed(outcome.pixels(0), reference, protected) == 0

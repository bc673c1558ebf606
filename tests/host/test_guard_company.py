"""Jobs that are not alone: run again, run inside others, and with other extensions' pictures."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from bleed_guard.core.job import Verdict
from bleed_guard.host import options
from bleed_guard.host.history import HISTORY
from tests.host.guarded import GuardedHost, Outcome, count_changed, installed_profiles

pytestmark = pytest.mark.parametrize("profile", installed_profiles())

SIZE = (128, 64)  # width, height
PINK = (255, 0, 255)


@pytest.fixture
def host(profile: str, tmp_path: Path) -> GuardedHost:
    made = GuardedHost(profile, tmp_path)
    made.set_options(grid_save=False, return_grid=False)
    return made


def make_photo(size: tuple[int, int] = SIZE, seed: int = 5) -> Image.Image:
    drawn = np.random.default_rng(seed)
    coarse = Image.fromarray(drawn.integers(0, 256, (8, 12, 3)).astype(np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def make_mask(
    size: tuple[int, int] = SIZE, box: tuple[int, int, int, int] = (30, 20, 70, 44)
) -> Image.Image:
    mask = Image.new("L", size, 0)
    mask.paste(255, box)
    return mask


def count_outside(image: Image.Image | np.ndarray, photo: Image.Image, mask: Image.Image) -> int:
    """Pixels of an image that are not the photograph's where the mask is off."""
    pixels = np.asarray(image.convert("RGB") if isinstance(image, Image.Image) else image)
    return count_changed(pixels, np.asarray(photo), np.asarray(mask) < 128)


def add_script(host: GuardedHost, **hooks: Callable[..., Any]) -> None:
    """Another extension, before the guard."""
    from modules import scripts

    members = {"title": lambda self: "Company", "filename": __file__, **hooks}
    host.scripts.insert(0, type("CompanyScript", (scripts.Script,), members)())


@pytest.mark.parametrize(("count", "maps"), [(1, 1), (2, 2), (2, 3), (3, 3)])
def test_pictures_another_script_adds_to_the_reply_stay_its_own(
    host: GuardedHost, count: int, maps: int
) -> None:
    """As ControlNet's detected maps; what it paints on the results is undone."""

    def postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
        for image in processed.images:
            image.paste((255, 255, 255), (0, 0, 9, 9))
        processed.images += [Image.new("RGB", SIZE, PINK) for _ in range(maps)]

    add_script(host, postprocess=postprocess)
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, batch_size=count)
    images = outcome.processed.images
    assert [count_outside(image, photo, mask) for image in images[:count]] == [0] * count
    assert all(image.getcolors() == [(SIZE[0] * SIZE[1], PINK)] for image in images[count:])
    places = [image.places for image in outcome.record.images]
    assert places == [(number, number + 1) for number in range(count)]


def test_an_image_is_placed_behind_the_grid_and_before_its_mask(host: GuardedHost) -> None:
    host.set_options(return_grid=True, return_mask=True, return_mask_composite=True)
    outcome = host.run(make_photo(), make_mask(), batch_size=2)
    assert [image.places for image in outcome.record.images] == [(1, 4), (4, 7)]
    assert len(outcome.processed.images) == 7


def test_results_that_another_script_replaces_are_found_by_their_place(host: GuardedHost) -> None:
    add_script(host, postprocess=replace_and_paint)
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, batch_size=2)
    assert [count_outside(image, photo, mask) for image in outcome.images] == [0, 0]


def replace_and_paint(self: Any, p: Any, processed: Any, *args: Any) -> None:
    processed.images = [image.copy() for image in processed.images]
    for image in processed.images:
        image.paste((255, 255, 255), (0, 0, 9, 9))


def test_results_are_found_where_the_host_has_dropped_the_mask(host: GuardedHost) -> None:
    """Under only masked, cut at 50 % a grey mask is blank: the host then returns no mask."""

    def postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
        processed.images = [image.point(lambda level: 255 - level) for image in processed.images]

    host.set_options(return_mask_composite=True)
    add_script(host, postprocess=postprocess)
    photo, mask = make_photo(), make_mask().point([level // 3 for level in range(256)])
    settings = {"soft_mask": "harden"}
    outcome = host.run(photo, mask, settings, batch_size=2, inpaint_full_res=True)
    assert len(outcome.processed.images) == 2
    assert [count_outside(image, photo, mask) for image in outcome.processed.images] == [0, 0]


def test_a_mask_another_script_shows_is_the_results_own(host: GuardedHost) -> None:
    """The host has dropped a blank one; Soft Inpainting puts another in its place."""

    def postprocess_maskoverlay(self: Any, p: Any, ppmo: Any, *args: Any) -> None:
        ppmo.mask_for_overlay = Image.new("L", SIZE, 255)

    host.set_options(return_mask=True, return_grid=False)
    add_script(host, postprocess_maskoverlay=postprocess_maskoverlay)
    blank = Image.new("L", SIZE, 0)
    outcome = host.run(make_photo(), blank, batch_size=2, inpaint_full_res=True)
    assert len(outcome.processed.images) == 4
    assert [image.places for image in outcome.record.images] == [(0, 2), (2, 4)]


@pytest.mark.parametrize("change", ["leaves the masks out", "puts one in front"])
def test_results_are_found_in_any_order(host: GuardedHost, change: str) -> None:
    def postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
        replace_and_paint(self, p, processed)
        if change == "leaves the masks out":
            del processed.images[1::2]
        else:
            processed.images.insert(0, Image.new("RGB", SIZE, PINK))

    host.set_options(return_mask=True)
    add_script(host, postprocess=postprocess)
    photo, mask = make_photo(), make_mask()
    images = host.run(photo, mask, batch_size=2).processed.images
    results = images if change == "leaves the masks out" else images[1::2]
    assert [count_outside(image, photo, mask) for image in results] == [0, 0]
    assert change == "leaves the masks out" or images[0].getcolors() == [(SIZE[0] * SIZE[1], PINK)]


def test_a_result_that_is_not_to_be_found_is_not_told_as_guarded(host: GuardedHost) -> None:
    def postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
        processed.images = [Image.new("RGB", (32, 32), PINK), processed.images[0]]

    add_script(host, postprocess=postprocess)
    outcome = host.run(make_photo(), make_mask(), batch_size=2)
    verdicts = [image.verdict for image in outcome.record.images]
    assert verdicts == [Verdict.CLEAN, Verdict.NOT_GUARDED]
    assert "another extension has exchanged the reply's pictures" in outcome.comments


def test_a_result_that_another_script_enlarges_is_not_told_as_guarded(host: GuardedHost) -> None:
    def postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
        processed.images[1] = processed.images[1].resize((256, 128))

    add_script(host, postprocess=postprocess)
    outcome = host.run(make_photo(), make_mask(), batch_size=2)
    assert [image.verdict for image in outcome.record.images] == [
        Verdict.CLEAN,
        Verdict.NOT_GUARDED,
    ]
    told = "another extension made the picture in the reply 256 x 128 where 128 x 64 was expected"
    assert told in outcome.comments


def test_a_job_whose_sampling_is_run_again_is_guarded_each_time(host: GuardedHost) -> None:
    """Without setting it up anew, as ControlNet's batches do."""
    from modules import processing

    def postprocess(self: Any, p: Any, processed: Any, *args: Any) -> None:
        for image in processed.images:
            image.paste((255, 255, 255), (0, 0, 9, 9))

    add_script(host, postprocess=postprocess)
    photo, mask = make_photo(), make_mask()
    p = host.make_job(photo, mask)
    p.scripts.before_process(p)
    for _ in range(3):
        processed = processing.process_images_inner(p)
        assert count_outside(processed.images[0], photo, mask) == 0
        assert p.bleed_guard_run.record.verdict is Verdict.CLEAN


def save_aside(p: Any, image: Image.Image) -> None:
    from modules import images

    at = p.batch_index
    images.save_image(
        image, p.outpath_samples, "", p.seeds[at], p.prompts[at], "png", p=p, suffix="-before"
    )


@pytest.mark.parametrize("is_saving", [True, False])
def test_a_picture_another_script_puts_aside_is_not_the_result(
    host: GuardedHost, is_saving: bool
) -> None:
    """As a face fixer saves the picture it begins with: it bleeds, and nobody guards it."""

    def postprocess_image(self: Any, p: Any, pp: Any, *args: Any) -> None:
        save_aside(p, pp.image)

    add_script(host, postprocess_image=postprocess_image)
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, batch_size=2, do_not_save_samples=not is_saving)
    asides = [path for path in outcome.files if path.stem.endswith("-before")]
    assert len(asides) == 2
    assert all(count_outside(Image.open(path), photo, mask) > 1000 for path in asides)
    for image, record in zip(outcome.images, outcome.record.images, strict=True):
        served = getattr(image, "already_saved_as", None)
        assert record.saved_as == (str(served) if is_saving else "")
        assert served is None or count_outside(Image.open(served), photo, mask) == 0


def test_a_file_that_another_extension_enlarges_is_not_told_as_guarded(host: GuardedHost) -> None:
    from modules import script_callbacks

    def enlarge(params: Any) -> None:
        params.image = params.image.resize((256, 128))

    registered = script_callbacks.callback_map["callbacks_before_image_saved"]
    script_callbacks.on_before_image_saved(enlarge)
    registered.insert(0, registered.pop())
    outcome = host.run(make_photo(), make_mask())
    (path,) = outcome.files
    assert outcome.record.verdict is Verdict.NOT_GUARDED
    told = f"NOT GUARDED: the saved file {path.name} is 256 x 128 where 128 x 64 was expected"
    assert told in outcome.comments


def test_a_job_run_again_without_its_mask_is_plain_img2img(host: GuardedHost) -> None:
    from modules import processing

    p = host.make_job(make_photo(), make_mask())
    processing.process_images(p)
    other = make_photo(seed=6)
    p.image_mask, p.init_images = None, [other]
    p.overlay_images = p.mask_for_overlay = None
    processed = processing.process_images(p)
    assert count_outside(processed.images[0], other, make_mask()) > 7000
    assert "Bleed" not in processed.comments + processed.infotexts[0]


@pytest.mark.parametrize("hook", ["postprocess_image", "postprocess"])
def test_a_job_inside_that_is_a_copy_claims_nothing(host: GuardedHost, hook: str) -> None:
    """It shares the dict of entries with the job around it."""
    from modules import processing

    texts: list[str] = []

    def run_inside(self: Any, p: Any, *args: Any) -> None:
        if not p.do_not_save_grid:
            inner = copy.copy(p)
            inner.do_not_save_grid, inner.image_mask = True, make_mask(box=(0, 0, 20, 20))
            inner.init_images, inner.n_iter = [make_photo(seed=8)], 1
            texts.extend(processing.process_images(inner).infotexts)

    add_script(host, **{hook: run_inside})
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, n_iter=2)
    assert texts
    assert not [text for text in texts if "Bleed" in text]
    assert all("Bleed outside: 0 of" in text for text in outcome.processed.infotexts[-2:])
    assert [count_outside(image, photo, mask) for image in outcome.images] == [0, 0]


@pytest.mark.parametrize(
    ("hook", "place"),
    [("before_process", "before"), ("before_process", "behind"), ("process", "before")],
)
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("only_masked", [True, False])
def test_a_picture_and_a_mask_another_script_gives_the_job_are_the_ones_that_count(
    host: GuardedHost, hook: str, place: str, own: bool, only_masked: bool
) -> None:
    """As Segment Anything's does, also in a job that had no mask. Ours is the last `process`."""
    photo, mask = make_photo(seed=9), make_mask(box=(64, 8, 65, 9))

    def give(self: Any, p: Any, *args: Any) -> None:
        p.init_images, p.image_mask = [photo], mask

    add_script(host, **{hook: give})
    if place == "behind":
        host.scripts.reverse()
    outcome = host.run(
        make_photo(), make_mask() if own else None, mask_blur=16, inpaint_full_res=only_masked
    )
    assert count_outside(outcome.images[0], photo, mask) == 0
    (image,) = outcome.record.images
    assert (image.verdict, image.protected) == (Verdict.CLEAN, SIZE[0] * SIZE[1] - 1)
    assert count_outside(Image.open(image.saved_as), photo, mask) == 0
    assert outcome.comments.count("mask blur 16 -> 0") == 1


def test_the_refiner_is_off_where_the_host_found_it_before_another_script_gave_the_mask(
    host: GuardedHost,
) -> None:
    mask = make_mask()
    add_script(host, process=lambda self, p, *args: setattr(p, "image_mask", mask))
    job = {"refiner_checkpoint": "minihost-refiner", "refiner_switch_at": 0.5, "steps": 8}
    assert "Refiner: minihost" in host.run(make_photo(), None, **job).processed.infotexts[0]
    outcome = host.run(make_photo(), None, {"refiner": "off"}, **job)
    assert "refiner minihost-refiner -> off" in outcome.comments
    assert "Refiner: minihost" not in outcome.processed.infotexts[0]


def test_a_fill_of_a_picture_with_hidden_infotext_is_what_is_painted_over(
    host: GuardedHost,
) -> None:
    """The guard brings such a picture to a form the host reads right, before the other edits it."""
    photo, mask = make_photo(), make_mask()
    given = photo.copy()
    given.putalpha(254)
    seen: list[tuple[int, ...]] = []

    def fill(self: Any, p: Any, *args: Any) -> None:
        p.init_images[0] = p.init_images[0].copy()
        p.init_images[0].paste(PINK, (30, 20, 70, 44))

    def look(self: Any, p: Any, *args: Any, **_: Any) -> None:
        seen.append(p.init_images[0].convert("RGB").getpixel((50, 30)))

    add_script(host, before_process=fill, process_batch=look)
    host.scripts.reverse()
    outcome = host.run(given, mask)
    assert seen == [PINK]
    assert count_outside(outcome.images[0], photo, mask) == 0


def test_each_file_of_a_batch_begins_with_what_the_user_set(host: GuardedHost) -> None:
    """The page runs one and the same job for every file and its mask."""
    from modules import processing

    size = (512, 512)
    photo = make_photo(size)
    masks = [
        make_mask(size, (200, 200, 201, 201)),
        make_mask(size, (20, 20, 480, 480)),
        make_mask(size, (30, 20, 110, 84)),
    ]
    p = host.make_job(photo, masks[0], {"small_mask": "switch"}, mask_blur=16)
    ran = []
    for mask in masks:
        p.init_images, p.image_mask = [photo.copy()], mask
        processed = processing.process_images(p)
        assert count_outside(processed.images[0], photo, mask) == 0
        told = [change.text.split(",")[0] for change in p.bleed_guard_run.record.changes]
        ran.append((p.mask_blur_x, bool(p.inpaint_full_res), told))
    only_masked = "inpaint area whole picture -> only masked"
    assert ran == [
        (0, True, [only_masked, "mask blur 16 -> 0"]),
        (16, False, []),
        (16, True, [only_masked]),
    ]


def more_images(self: Any, p: Any, pp: Any, *args: Any, **_: Any) -> None:
    pp.images.append(pp.images[0] * 0.5)
    for name in ("prompts", "negative_prompts", "seeds", "subseeds"):
        setattr(p, name, [*getattr(p, name), getattr(p, name)[0]])


def test_images_another_script_adds_to_a_batch_are_guarded_too(host: GuardedHost) -> None:
    add_script(host, postprocess_batch_list=more_images)
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, n_iter=2)
    assert [image.index for image in outcome.record.images] == [0, 1, 2, 3]
    assert [count_outside(image, photo, mask) for image in outcome.images] == [0] * 4
    assert outcome.record.verdict is Verdict.CLEAN


def test_an_added_image_without_an_init_image_is_told(host: GuardedHost) -> None:
    add_script(host, postprocess_batch_list=more_images)
    photos = [make_photo(seed=seed) for seed in (1, 2)]
    outcome = host.run(photos, make_mask(), batch_size=2)
    verdicts = [image.verdict for image in outcome.record.images]
    assert verdicts == [Verdict.CLEAN, Verdict.CLEAN, Verdict.NOT_GUARDED]
    assert "made more images of the batch than its 2 init images" in outcome.comments


def test_a_name_the_host_would_change_is_the_files_own(host: GuardedHost) -> None:
    """Some hosts tell extensions and the gallery the name without the suffix it gets."""
    host.set_options(save_images_add_number=False, save_images_replace_action="Add number suffix")
    photo, mask = make_photo(), make_mask()
    names = []
    for _ in range(3):
        outcome: Outcome = host.run(photo, mask)
        (path,) = outcome.files
        (image,) = outcome.record.images
        assert (image.saved_as, image.verdict) == (str(path), Verdict.CLEAN)
        assert outcome.images[0].already_saved_as == str(path)  # type: ignore[attr-defined]
        names.append(path.name)
    assert len(set(names)) == 3


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_names_as_long_as_they_can_be(host: GuardedHost, suffix: str) -> None:
    host.set_options(
        samples_format=suffix,
        samples_filename_pattern="[prompt]-[prompt]-[prompt]",
        save_images_add_number=False,
    )
    photo, mask = make_photo(), make_mask()
    photo.info["dpi"] = (300, 300)
    for _ in range(3):
        outcome = host.run(photo, mask, {"lossy_format": "png"}, prompt="a mug " * 40)
        assert "NOT GUARDED" not in outcome.comments
        if suffix == "png":  # the host replaces what is there, as it is asked to
            continue
        (path,) = outcome.files
        assert path.suffix == ".png"
        assert outcome.record.images[0].saved_as == str(path)
        assert count_outside(Image.open(path), photo, mask) == 0


def test_without_paste_back_a_transparent_original_changes_no_file(host: GuardedHost) -> None:
    photo, mask = make_photo(), make_mask()
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(0, (100, 0, 128, 20))
    photo.putalpha(alpha)
    outcome = host.run(photo, mask, {"paste_back": False})
    (saved,) = outcome.read_files()
    assert np.array_equal(saved, outcome.pixels(0))
    assert outcome.record.images[0].stages[-1].changed == outcome.record.images[0].changed > 0


def test_lossless_webp_stays_webp(host: GuardedHost) -> None:
    host.set_options(samples_format="webp", webp_lossless=True)
    outcome = host.run(make_photo(), make_mask(), {"lossy_format": "png"})
    assert [path.suffix for path in outcome.files] == [".webp"]
    assert outcome.record.verdict is Verdict.CLEAN


@pytest.mark.parametrize("space", [b"GRAY", b"CMYK"])
def test_a_profile_of_another_colour_space_is_not_carried_over(
    host: GuardedHost, space: bytes
) -> None:
    photo = make_photo()
    photo.info["icc_profile"] = b"an ICC header..." + space + b" and no more"
    outcome = host.run(photo, make_mask())
    with Image.open(outcome.files[0]) as saved:
        assert "icc_profile" not in saved.info


@pytest.mark.parametrize("dpi", [(float("nan"), 72), (-1, -1), (0, 0), (1e9, 1e9), (72,), "72"])
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_resolution_that_makes_no_sense_is_left_out(
    host: GuardedHost, dpi: Any, suffix: str
) -> None:
    host.set_options(samples_format=suffix)
    photo = make_photo()
    photo.info["dpi"] = dpi
    outcome = host.run(photo, make_mask(), {"lossy_format": "warn"})
    assert "NOT GUARDED" not in outcome.comments
    assert len(outcome.files) == 1


def test_a_failure_stays_out_of_the_next_images_infotext(host: GuardedHost) -> None:
    def postprocess_image(self: Any, p: Any, pp: Any, *args: Any) -> None:
        if p.iteration == 0:
            pp.image = pp.image.resize((256, 128))

    options.add_section()
    host.set_options(bleed_guard_write_infotext=False)
    add_script(host, postprocess_image=postprocess_image)
    outcome = host.run(make_photo(), make_mask(), n_iter=2)
    failed, fine = outcome.processed.infotexts[-2:]
    assert "Bleed guard failed" in failed
    assert "Bleed" not in fine


def test_a_job_interrupted_before_its_first_image_says_nothing(host: GuardedHost) -> None:
    from modules import shared

    def process(self: Any, p: Any, *args: Any) -> None:
        shared.state.interrupted = True

    add_script(host, process=process)
    known = HISTORY.latest()
    try:
        outcome = host.run(make_photo(), make_mask(box=(2, 2, 126, 62)), mask_blur=0)
    finally:
        shared.state.interrupted = False
    assert outcome.processed.images == []
    assert "NOT GUARDED" not in outcome.comments
    assert HISTORY.latest() is known


@pytest.mark.parametrize(("blurs", "left"), [((2, 16), (0, 0)), ((0, 30), (0, 14))])
def test_a_blur_of_one_axis_is_not_given_to_the_other(
    host: GuardedHost, profile: str, blurs: tuple[int, int], left: tuple[int, int]
) -> None:
    if profile == "neo":
        pytest.skip("this host has one blur for both axes")
    photo, mask = make_photo(), make_mask(box=(30, 20, 70, 44) if left[1] else (30, 20, 31, 21))
    p = host.make_job(photo, mask)
    p.mask_blur_x, p.mask_blur_y = blurs
    outcome = host.finish(p)
    assert (p.mask_blur_x, p.mask_blur_y) == left
    assert count_outside(outcome.images[0], photo, mask) == 0


@pytest.mark.parametrize(
    "field", [{"inpainting_fill": 4}, {"resize_mode": 4}, {"resize_mode": -1}], ids=str
)
def test_a_number_the_api_takes_and_no_host_knows_is_guarded(
    host: GuardedHost, field: dict[str, Any]
) -> None:
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, **field)
    assert count_outside(outcome.images[0], photo, mask) == 0
    assert outcome.record.verdict is Verdict.CLEAN


@pytest.mark.parametrize(("title", "is_kept"), [("Frames", False), ("X/Y/Z plot", True)])
def test_a_picture_a_selected_script_gives_the_job_is_its_own(
    host: GuardedHost, title: str, is_kept: bool
) -> None:
    """A frame of a film, or a tile; the hosts' grids run the user's picture as it is."""
    from modules import processing, scripts

    photo, frame, mask = make_photo(), make_photo(seed=9), make_mask()
    p = host.make_job(photo, mask)
    script = type("Selectable", (scripts.Script,), {"title": lambda self: title})()
    p.scripts.selectable_scripts.append(script)
    p.script_args = (1, *p.script_args[1:])
    p.init_images = [frame]
    processed = processing.process_images(p)
    assert count_outside(processed.images[0], photo if is_kept else frame, mask) == 0
    assert ("px outside the mask before the job" in processed.comments) != is_kept


def redraw_in_tiles(host: GuardedHost, mask: Image.Image | None, **guard: bool) -> Any:
    """As Ultimate SD upscale does: two jobs, whose own masks take the place of the user's."""
    from modules import processing, scripts

    class UltimateUpscale(scripts.Script):
        def title(self) -> str:
            return "Ultimate SD upscale"

    p = host.make_job(make_photo(), mask, {"enabled": True, **guard}, inpaint_full_res=True)
    p.scripts.selectable_scripts.append(UltimateUpscale())
    p.script_args = (1, *p.script_args[1:])
    for box in ((0, 0, 64, 64), (64, 0, 128, 64)):
        p.image_mask = make_mask(box=box)
        processed = processing.process_images(p)
        p.init_images = processed.images[:1]
    return processing.Processed(p, p.init_images, infotexts=processed.infotexts)


def test_tiles_blend_over_each_other_as_without_the_guard(host: GuardedHost) -> None:
    tiled, alone = (redraw_in_tiles(host, None, enabled=enabled) for enabled in (True, False))
    first, second = (np.asarray(one.images[0].convert("RGB")) for one in (tiled, alone))
    assert np.array_equal(first, second)  # alpha hides the infotext, packed with the time
    assert tiled.infotexts == alone.infotexts
    assert "Bleed" not in tiled.comments


def test_a_mask_that_tiles_do_not_use_is_told_as_not_guarded(host: GuardedHost) -> None:
    known = {record.id for record in HISTORY.list()}
    told = "NOT GUARDED: Ultimate SD upscale redraws the whole picture in tiles of its own"
    tiled = redraw_in_tiles(host, make_mask())
    assert told in tiled.comments
    assert told.removeprefix("NOT GUARDED: ") in tiled.infotexts[0]
    assert len({record.id for record in HISTORY.list()} - known) == 1
    assert "Bleed" not in redraw_in_tiles(host, make_mask(), enabled=False).comments


def test_a_job_another_script_closes_early_is_told_once(
    host: GuardedHost, capsys: pytest.CaptureFixture[str]
) -> None:
    """ADetailer closes the job for all scripts before each batch, with an empty reply."""
    from modules import processing

    def postprocess_image(self: Any, p: Any, pp: Any, *args: Any) -> None:
        if p.batch_index == 0:
            p.scripts.postprocess(copy.copy(p), processing.Processed(p, [], p.seed, ""))
        p.scripts.before_process(copy.copy(p))
        p.scripts.process(copy.copy(p))

    add_script(host, postprocess_image=postprocess_image)
    photo, mask = make_photo(), make_mask()
    outcome = host.run(photo, mask, n_iter=3)
    assert [count_outside(image, photo, mask) for image in outcome.images] == [0, 0, 0]
    told = [line for line in capsys.readouterr().out.splitlines() if "Bleed Guard" in line]
    assert len(told) == 1
    assert "3 images, 0 protected pixels changed" in told[0]


@pytest.mark.parametrize("only_masked", [True, False])
@pytest.mark.parametrize("inverted", [0, 1])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_filling_beyond_a_soft_masks_edge_is_not_taken_for_the_original(
    host: GuardedHost, only_masked: bool, inverted: int, mode: str
) -> None:
    """As LaMa's as masked content: it pastes what it made by the mask's grey."""

    def fill(self: Any, p: Any, *args: Any) -> None:
        soft = ImageOps.invert(p.image_mask) if p.inpainting_mask_invert else p.image_mask
        filled = p.init_images[0].copy()
        filled.paste(PINK, mask=soft)
        p.init_images[0] = filled

    add_script(host, before_process=fill)
    photo, mask = make_photo(), make_mask().filter(ImageFilter.GaussianBlur(5))
    given = ImageOps.invert(mask) if inverted else mask
    outcome = host.run(
        photo.convert(mode), given, inpainting_mask_invert=inverted, inpaint_full_res=only_masked
    )
    assert count_outside(outcome.images[0], photo, mask) == 0
    assert count_outside(Image.open(outcome.files[0]), photo, mask) == 0
    assert outcome.record.verdict is Verdict.CLEAN
    assert count_changed(outcome.pixels(0), np.asarray(photo), np.asarray(mask) >= 128) > 700


@pytest.mark.parametrize("settings", [{}, {"soft_mask": "harden"}, {"paste_back": False}])
@pytest.mark.parametrize("only_masked", [True, False])
def test_a_picture_that_was_changed_before_the_job_is_as_the_user_gave_it(
    host: GuardedHost, only_masked: bool, settings: dict[str, Any]
) -> None:
    """As by LaMa's filling under opaque RGBA masks. Told; only measured, theirs is what counts."""
    from modules import processing

    def darken(self: Any, p: Any, *args: Any) -> None:
        if p.init_images[0] is photo:
            p.init_images[0] = dark

    add_script(host, before_process=darken)
    photo, mask = make_photo(), make_mask()
    dark = Image.eval(photo, lambda level: level // 2)
    mask.putpixel((30, 20), 200)  # something to harden
    p = host.make_job(photo, mask, settings, inpaint_full_res=only_masked)
    outcome = host.finish(p)
    is_kept, dark_pixels = "paste_back" not in settings, count_outside(dark, photo, mask)
    assert (count_outside(outcome.images[0], photo, mask) == 0) == is_kept
    (image,) = outcome.record.images
    assert (image.verdict is Verdict.CLEAN) == is_kept
    assert image.prevented >= dark_pixels * is_kept
    kept = "init image edited outside the mask -> as given"
    told = f"changed {dark_pixels:,} px outside the mask before the job"
    assert [outcome.comments.count(text) for text in (kept, told)] == [is_kept, not is_kept]
    p.init_images = [make_photo(seed=8)]
    again = processing.process_images(p)
    if is_kept:
        assert count_outside(again.images[0], make_photo(seed=8), mask) == 0
    assert not [one for one in p.bleed_guard_run.record.findings if "before the job" in one.what]

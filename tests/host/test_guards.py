"""Each guard and each preset in the mini host: what it runs with, and what the user is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.job import Box, Verdict
from bleed_guard.core.settings import PRESETS
from minihost.engines import EngineRequest
from tests.host.guarded import GuardedHost, Outcome, installed_profiles

SIZE = (128, 128)


def make_picture(size: tuple[int, int] = SIZE) -> Image.Image:
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return Image.fromarray(np.dstack([x * 255 // width, y * 255 // height, x ^ y]).astype(np.uint8))


def make_mask(level: int = 255, rim: int = 0) -> Image.Image:
    """A square of `level`, with a grey rim 6 px wide at its right."""
    mask = np.zeros(SIZE, np.uint8)
    mask[40:80, 40:80] = level
    mask[40:80, 80:86] = rim
    return Image.fromarray(mask)


@pytest.fixture(params=installed_profiles())
def host(request: pytest.FixtureRequest, tmp_path: Path) -> GuardedHost:
    return GuardedHost(request.param, tmp_path)


def run(host: GuardedHost, settings: dict[str, Any] | None = None, **job: Any) -> Outcome:
    picture, mask = job.pop("init", make_picture()), job.pop("mask", make_mask())
    return host.run(picture, mask, settings, **job)


def infotext(outcome: Outcome) -> str:
    return str(outcome.processed.infotexts[outcome.processed.index_of_first_image])


def info(outcome: Outcome) -> dict[str, Any]:
    """The entries of the API's `info`."""
    entries: dict[str, Any] = json.loads(outcome.processed.js())["extra_generation_params"]
    return entries


def pixels(outcome: Outcome) -> np.ndarray:
    """R, G, B of the reply: some hosts hide infotext in its alpha."""
    return np.asarray(outcome.images[0].convert("RGB"))


def is_clean(outcome: Outcome) -> bool:
    """Nothing outside the mask changed, counted on the reply itself."""
    (image,) = outcome.record.images
    same = (pixels(outcome) == image.pictures.reference).all(axis=2)
    return image.verdict is Verdict.CLEAN and bool(same[image.pictures.protected].all())


def test_padding_is_limited_and_told_everywhere(host: GuardedHost) -> None:
    outcome = run(host, inpaint_full_res=True, inpaint_full_res_padding=64)
    told = "padding 64 -> 32, limit of preset guard"
    assert outcome.p.inpaint_full_res_padding == 32
    assert "Masked area padding: 32" in infotext(outcome)
    assert f'Bleed guard changes: "{told}"' in infotext(outcome)
    assert f"Bleed Guard: {told}" in outcome.comments
    assert [change.text for change in outcome.record.changes] == [told]


def test_padding_changes_no_outside_pixel(host: GuardedHost) -> None:
    settings = {"limit_padding": False}
    for padding in (0, 64, 900):
        outcome = run(host, settings, inpaint_full_res=True, inpaint_full_res_padding=padding)
        assert is_clean(outcome)
        assert outcome.p.inpaint_full_res_padding == padding


@pytest.mark.parametrize("only_masked", [True, False], ids=["only masked", "whole picture"])
@pytest.mark.parametrize(
    ("blur", "rim"), [(0, 0), (4, 0), (11, 0), (0, 90), (4, 90)], ids=lambda value: str(value)
)
def test_the_predicted_reach_is_the_one_measured_without_the_guard(
    host: GuardedHost, only_masked: bool, blur: int, rim: int
) -> None:
    job = {"inpaint_full_res": only_masked, "mask_blur": blur, "mask": make_mask(rim=rim)}
    (image,) = run(host, {"paste_back": False}, **job).record.images
    predicted, measured = image.predicted_reach, image.prevented_reach
    assert predicted == measured
    assert bool(predicted) == bool(blur or rim)
    (guarded,) = run(host, **job).record.images
    assert guarded.predicted_reach == predicted


@pytest.mark.parametrize("size", [(96, 64), (190, 140)], ids=str)
def test_the_predicted_reach_holds_where_the_host_rounds_the_size(
    host: GuardedHost, size: tuple[int, int]
) -> None:
    fields = {"width": size[0], "height": size[1]}
    (image,) = run(host, {"paste_back": False}, **fields).record.images
    assert image.predicted_reach == image.prevented_reach > 0


def test_a_soft_mask_is_told_and_hardened_by_tight_edit(host: GuardedHost) -> None:
    told = run(host, mask=make_mask(rim=90), mask_blur=0)
    assert "The mask is grey: 13 % of its pixels are soft" in told.comments
    hard = run(host, {"preset": "tight-edit"}, mask=make_mask(rim=90))
    levels = np.unique(np.asarray(hard.p.mask_for_overlay.convert("L")))
    assert levels.tolist() == [0, 255]
    assert "mask 13 % soft -> hard, hard mask of preset tight-edit" in hard.comments
    assert "grey" not in hard.comments
    assert hard.record.images[0].prevented == 0


def test_a_mask_of_another_size_is_hardened_at_the_pictures(host: GuardedHost) -> None:
    """Scaled after it was cut it would be grey again, and the advice to cut it told."""
    half = make_mask(rim=90).resize((64, 64), Image.Resampling.NEAREST)
    hard = run(host, {"preset": "tight-edit"}, mask=half, inpaint_full_res=True)
    assert hard.p.image_mask.size == SIZE
    assert np.unique(np.asarray(hard.p.image_mask)).tolist() == [0, 255]
    assert "mask size 64 x 64 -> 128 x 128" in hard.comments
    assert "% soft -> hard, hard mask of preset tight-edit" in hard.comments
    assert "grey" not in hard.comments
    assert hard.record.images[0].prevented == 0
    assert is_clean(hard)


def test_an_inverted_soft_mask_is_hardened_the_right_way_round(host: GuardedHost) -> None:
    mask = Image.fromarray(255 - np.asarray(make_mask(rim=90)))
    outcome = run(host, {"preset": "tight-edit"}, mask=mask, inpainting_mask_invert=1)
    assert is_clean(outcome)
    assert outcome.record.images[0].protected == SIZE[0] * SIZE[1] - 40 * 40


def test_a_mask_its_blur_would_wipe_out_still_inpaints(host: GuardedHost) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[60, 60:64] = 255
    job = {"mask": Image.fromarray(mask), "mask_blur": 33, "inpaint_full_res": True}
    outcome = run(host, **job)
    assert is_clean(outcome)
    assert outcome.p.inpaint_full_res
    assert "mask blur 33 -> " in outcome.comments
    full_redo = run(host, {"preset": "full-redo"}, **job)
    assert full_redo.record.images[0].changed > 10_000


def test_a_negative_blur_is_none_to_the_guard_too(host: GuardedHost) -> None:
    outcome = run(host, mask_blur=-4)
    assert is_clean(outcome)
    assert outcome.record.facts["Mask blur"] == "0 (reach 0 px)"


def test_a_word_a_script_left_as_masked_content_is_taken_as_the_host_takes_it(
    host: GuardedHost,
) -> None:
    outcome = run(host, inpainting_fill="fill")
    assert is_clean(outcome)
    assert outcome.record.facts["Masked content"] == "fill"


def test_a_full_redo_that_cannot_be_measured_is_in_the_infotext(host: GuardedHost) -> None:
    host.set_options(overlay_inpaint=False)
    outcome = run(host, {"preset": "full-redo"}, inpaint_full_res=True, width=64, height=64)
    assert "Full redo, not measured" in outcome.comments
    assert "Bleed guard: full-redo" in infotext(outcome)
    assert "Bleed outside" not in infotext(outcome)


def test_facts_tell_the_run_as_it_was(host: GuardedHost) -> None:
    changes = {
        "limit_padding": True, "padding_limit": 16, "cap_strength": True, "strength_cap": 0.5,
        "soft_mask": "harden", "face_restoration": "off", "lossy_format": "png",
    }  # fmt: skip
    host.set_options(samples_format="jpg")
    job = {"inpaint_full_res": True, "inpaint_full_res_padding": 100, "mask_blur": 8}
    outcome = run(host, changes, **job, denoising_strength=0.9, restore_faces=True)
    facts = outcome.record.facts
    told = {"Padding": "16", "Denoising strength": "0.5", "Mask blur": "0 (reach 0 px)",
            "Face restoration": "off", "Format": "png"}  # fmt: skip
    assert {name: facts[name] for name in told} == told


def test_a_high_strength_is_told_or_capped(host: GuardedHost) -> None:
    told = run(host, denoising_strength=0.9)
    assert "warning: Denoising strength 0.9 is high" in told.comments
    capped = run(host, {"cap_strength": True}, denoising_strength=0.9)
    assert "Denoising strength: 0.7" in infotext(capped)
    assert "denoising strength 0.9 -> 0.7, cap of your settings" in capped.comments
    assert "is high" not in capped.comments
    assert is_clean(told)
    assert is_clean(capped)


class Witness:
    """Another always-on script that notes under which mask each step is sampled, and by whom."""

    filename = "witness.py"
    alwayson = True
    given: tuple[object, ...] = ()

    def __init__(self) -> None:
        self.steps: list[tuple[bool, np.ndarray]] = []

    def title(self) -> str:
        return "Witness"

    def on_mask_blend(self, p: Any, args: Any, *_: Any) -> None:
        if args.denoiser is not None:
            self.steps.append((args.denoiser.refined, np.array(args.mask)))

    def __getattr__(self, name: str) -> Any:
        """Every other hook the runner may call does nothing."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


@pytest.fixture(params=installed_profiles())
def witnessed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[GuardedHost, Witness]:
    witness = Witness()
    return GuardedHost(request.param, tmp_path, behind=[witness]), witness


REFINER = {"refiner_checkpoint": "minihost-refiner", "refiner_switch_at": 0.5, "steps": 8}


def test_the_refiner_samples_under_the_same_mask_and_paste_back_covers_the_rest(
    witnessed: tuple[GuardedHost, Witness],
) -> None:
    host, witness = witnessed
    outcome = run(host, **REFINER)
    assert "The refiner minihost-refiner takes over" in outcome.comments
    assert "Refiner: minihost-refiner" in infotext(outcome)
    assert {refined for refined, _ in witness.steps} == {False, True}
    assert all(np.array_equal(mask, witness.steps[0][1]) for _, mask in witness.steps)
    assert is_clean(outcome)


def test_the_refiner_is_switched_off_when_asked(witnessed: tuple[GuardedHost, Witness]) -> None:
    host, witness = witnessed
    outcome = run(host, {"refiner": "off"}, **REFINER)
    assert "Refiner: minihost-refiner" not in infotext(outcome)
    assert "refiner minihost-refiner -> off, switched off by your settings" in outcome.comments
    assert not any(refined for refined, _ in witness.steps)


def test_face_restoration_is_told_or_switched_off_and_never_gets_outside(host: GuardedHost) -> None:
    host.set_options(face_restoration=True)
    told = run(host)
    assert "Face restoration is on" in told.comments
    assert is_clean(told)
    off = run(host, {"preset": "tight-edit"})
    assert off.p.restore_faces is False
    assert "face restoration on -> off, switched off by preset tight-edit" in off.comments


def test_color_correction_is_told_or_switched_off_and_never_gets_outside(host: GuardedHost) -> None:
    host.set_options(img2img_color_correction=True)
    told = run(host)
    assert "Color correction is on" in told.comments
    assert is_clean(told)
    off = run(host, {"color_correction": "off"})
    again = run(host, {"color_correction": "off"}, seed=1234)
    assert "color correction on -> off" in off.comments
    host.set_options(img2img_color_correction=False)
    plain = run(host)
    assert np.array_equal(pixels(off), pixels(plain))
    assert np.array_equal(pixels(again), pixels(plain))
    assert not np.array_equal(pixels(told), pixels(plain))


class Companion(Witness):
    """Another always-on script with one control."""

    def __init__(self, title: str, value: float) -> None:
        super().__init__()
        self._title = title
        self.given = (value,)

    def title(self) -> str:
        return self._title


@pytest.mark.parametrize(
    ("title", "value", "sentence"),
    [
        ("RescaleCFG", 0.7, "CFG rescale is on"),
        ("RescaleCFG", 0.0, ""),
        ("Soft Inpainting", True, "Soft Inpainting is on"),
        ("Soft Inpainting", False, ""),
    ],
)
def test_scripts_beside_the_guard_are_named_when_they_are_on(
    tmp_path: Path, title: str, value: float, sentence: str
) -> None:
    host = GuardedHost(installed_profiles()[0], tmp_path, behind=[Companion(title, value)])
    comments = run(host).comments
    assert (" is on" in comments) == bool(sentence)
    assert sentence in comments


def test_a_lossy_format_is_told_or_replaced_without_touching_the_hosts_setting(
    host: GuardedHost,
) -> None:
    from modules import shared

    host.set_options(samples_format="jpg")
    told = run(host)
    assert [path.suffix for path in told.files] == [".jpg"]
    assert f"{told.files[0].name} is JPEG: " in told.comments
    assert "The file is saved as" not in told.comments  # what was foretold is measured by now
    assert "The API's reply is encoded as JPEG" in told.comments
    (image,) = told.record.images
    assert (image.verdict, image.changed) == (Verdict.BLEED, 0)
    assert f"of {image.protected:,} protected pixels of the file changed (max" in told.comments
    assert "Bleed Guard: 0 of" not in told.comments
    exact = run(host, {"lossy_format": "png"})
    assert [path.suffix for path in exact.files] == [".png"]
    assert "format jpg -> png, lossless files of your settings" in exact.comments
    assert "The file is saved as" not in exact.comments
    assert is_clean(exact)
    assert shared.opts.samples_format == "jpg"


def test_whole_picture_on_a_small_mask_is_told_or_switched(host: GuardedHost) -> None:
    told = run(host)
    assert "The mask is small: its box is 40 x 40 px" in told.comments
    switched = run(host, {"small_mask": "switch"})
    assert "Inpaint area: Only masked" in infotext(switched)
    assert "inpaint area whole picture -> only masked" in switched.comments
    assert "is small" not in switched.comments
    assert "comes back as" not in switched.comments
    assert is_clean(switched)
    facts = switched.record.facts
    assert (facts["Inpaint area"], facts["Mask blur"]) == ("only masked", "4 (reach 10 px)")


@pytest.mark.parametrize("settings", [{}, {"soft_mask": "harden"}])
def test_a_small_mask_of_another_size_is_switched_where_it_is(
    host: GuardedHost, settings: dict[str, Any]
) -> None:
    half = make_mask().resize((64, 64), Image.Resampling.NEAREST)
    switched = run(host, {"small_mask": "switch", **settings}, mask=half, mask_blur=0)
    assert "inpaint area whole picture -> only masked" in switched.comments
    assert "mask size 64 x 64 -> 128 x 128" in switched.comments
    (image,) = switched.record.images
    assert image.crop_box is not None
    assert image.crop_box.grown(1).intersect(Box(40, 40, 80, 80)) == Box(40, 40, 80, 80)
    assert is_clean(switched)


def test_what_is_foretold_of_a_rounded_size_is_of_the_area_switched_to(host: GuardedHost) -> None:
    """Some hosts round 96 to 128, after the guard has switched to only masked."""
    picture, mask = make_picture().resize((96, 64)), make_mask().resize((96, 64))
    switched = run(host, {"small_mask": "switch"}, init=picture, mask=mask)
    assert switched.images[0].size == (96, 64)
    assert "inpaint area whole picture -> only masked" in switched.comments
    assert "is small" not in switched.comments
    assert "comes back as" not in switched.comments
    assert switched.record.facts["Inpaint area"] == "only masked"
    assert switched.record.images[0].predicted_reach <= 10
    assert is_clean(switched)


def test_a_latent_upscale_that_fails_was_told_beforehand(
    host: GuardedHost, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="match"):
        run(host, resize_mode=3, width=192, height=192, inpainting_fill=2)
    told = caplog.text + capsys.readouterr().out
    assert told.count("The host will fail: latent upscale to another size") == 1


def test_a_latent_upscale_fails_too_where_only_the_host_rounds_the_size(
    host: GuardedHost, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, mask = make_picture((96, 64)), make_mask().crop((32, 32, 128, 96))
    job = {"init": picture, "mask": mask, "width": 96, "height": 64}
    fails = False
    try:
        run(host, resize_mode=3, inpainting_fill=2, **job)
    except ValueError:
        fails = True
    told = caplog.text + capsys.readouterr().out
    assert ("The host will fail: latent upscale to another size" in told) == fails
    assert fails == (installed_profiles() == ("neo",))


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (Image.new("L", SIZE, 0), "The mask is blank"),
        (Image.new("L", SIZE, 255), "The mask covers the whole picture"),
        (make_mask(level=80), "The mask is too faint to see: its strongest pixel is at 80 of 255"),
        (Image.new("L", (64, 128), 255), "The mask is 64 x 128, the picture 128 x 128"),
    ],
    ids=["blank", "full", "invisible", "stale"],
)
def test_masks_that_are_probably_not_meant_are_told(
    host: GuardedHost, mask: Image.Image, sentence: str
) -> None:
    assert sentence in run(host, mask=mask).comments


def test_the_overlay_option_off_is_told_and_made_up_for(host: GuardedHost) -> None:
    host.set_options(overlay_inpaint=False)
    outcome = run(host, mask_blur=0)
    assert "The host's overlay option is off" in outcome.comments
    assert is_clean(outcome)
    assert outcome.record.images[0].prevented > 10_000


@pytest.mark.parametrize("name", PRESETS)
def test_presets(host: GuardedHost, name: str) -> None:
    outcome = run(host, {"preset": name})
    (image,) = outcome.record.images
    assert f"Bleed guard: {name}" in infotext(outcome)
    verdict = Verdict.FULL_REDO if name == "full-redo" else Verdict.CLEAN
    assert image.verdict is verdict
    assert (image.changed > 0) == (name == "full-redo")


def test_blend_edit_lets_the_soft_band_change_and_nothing_beyond(host: GuardedHost) -> None:
    outcome = run(host, {"preset": "blend-edit"})
    (image,) = outcome.record.images
    changed = (image.pictures.result != image.pictures.reference).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert (rows.min(), rows.max()) == (40 - image.predicted_reach, 79 + image.predicted_reach)
    assert (columns.min(), columns.max()) == (rows.min(), rows.max())
    assert "Mask blur 4 blends up to 10 px outside the mask" in outcome.comments


class GreenEngine:
    """Fills all it repaints with green and leaves the rest as it is."""

    label = "green"

    def generate(self, request: EngineRequest) -> np.ndarray:
        assert request.image is not None
        is_repainted = request.pixel_mask()[..., None] > 0
        return np.where(is_repainted, np.array(GREEN, np.uint8), request.image)


GREEN = 30, 110, 60


@pytest.mark.parametrize("profile", installed_profiles())
@pytest.mark.parametrize(
    ("edges", "job"),
    [
        ((3, 253), {}),
        ((50, 206), {"inpaint_full_res": True, "inpaint_full_res_padding": 32}),
    ],
    ids=["a latent at the border", "latents of 27 px"],
)
def test_the_blend_leaves_the_edit_its_colors(
    profile: str, tmp_path: Path, edges: tuple[int, int], job: dict[str, Any]
) -> None:
    """The host repaints whole latents: what is new just outside the mask is no drift."""
    mask = np.zeros((256, 256), np.uint8)
    mask[slice(*edges), slice(*edges)] = 255
    host = GuardedHost(profile, tmp_path, engine=GreenEngine())
    size = {"width": 64, "height": 64} if job else {"width": 256, "height": 256}
    picture = make_picture((256, 256))
    outcome = run(host, init=picture, mask=Image.fromarray(mask), mask_blur=0, **size, **job)
    assert is_clean(outcome)
    middle = slice(edges[0] + 20, edges[1] - 20)
    assert np.abs(pixels(outcome)[middle, middle].astype(int) - GREEN).max() <= 2


def test_full_redo_is_the_raw_output(host: GuardedHost) -> None:
    raw = run(host, {"preset": "full-redo"})
    off = run(host, {"enabled": False})
    assert np.array_equal(pixels(raw), pixels(off))
    assert "Full redo: nothing outside the mask is protected" in raw.comments
    assert "Bleed" not in off.comments + infotext(off)


@pytest.mark.parametrize(
    "settings",
    [{"enabled": False}, {"preset": "full-redo"}, {"preset": "blend-edit"}, {"paste_back": False}],
    ids=lambda settings: str(settings),
)
@pytest.mark.parametrize("profile", installed_profiles())
def test_a_strict_server_protects_whatever_is_asked(
    profile: str, tmp_path: Path, settings: dict[str, Any]
) -> None:
    strict = GuardedHost(profile, tmp_path, flags=["--bleed-guard-strict"])
    outcome = run(strict, settings)
    assert is_clean(outcome)
    assert outcome.record.images[0].protected == SIZE[0] * SIZE[1] - 40 * 40
    assert "Bleed guard: full-redo" not in infotext(outcome)
    told = next(line for line in outcome.comments.splitlines() if " -> " in line)
    assert told.endswith(", this server keeps protection on")
    assert told.removeprefix("Bleed Guard: ") in infotext(outcome)


def test_no_line_is_told_twice(host: GuardedHost) -> None:
    host.set_options(face_restoration=True, samples_format="jpg")
    outcome = run(host, mask=make_mask(rim=90), n_iter=2, batch_size=2, denoising_strength=0.95)
    lines = outcome.comments.splitlines()
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"fether": 3}, "setting not used: unknown setting 'fether'; did you mean feather?"),
        ({"feather": "wide"}, "setting not used: feather must be a number, not 'wide'"),
        ({"feather": 900}, "setting not used: feather must lie between 0 and 64, not 900"),
    ],
)
def test_a_wrong_argument_is_answered_and_the_job_is_guarded(
    host: GuardedHost, settings: dict[str, Any], sentence: str
) -> None:
    outcome = run(host, settings)
    assert sentence in outcome.comments
    assert sentence in info(outcome)["Bleed guard report"]
    assert is_clean(outcome)


def test_the_apis_info_tells_what_the_page_tells_and_later_loops_do_not(host: GuardedHost) -> None:
    outcome = run(host, inpaint_full_res=True, inpaint_full_res_padding=64)
    report = info(outcome)["Bleed guard report"]
    assert report.splitlines()[0].startswith("Bleed Guard: 0 of ")
    assert "Bleed Guard: padding 64 -> 32, limit of preset guard" in report.splitlines()
    assert set(report.splitlines()) <= set(outcome.comments.splitlines())
    assert info(outcome)["Bleed guard run"] == outcome.record.id
    assert "Bleed guard report" not in outcome.p.extra_generation_params


def test_a_cell_of_a_grid_keeps_no_entry_of_the_cell_before(host: GuardedHost) -> None:
    """X/Y/Z plot's jobs are shallow copies, which share their dict of infotext entries."""
    first = run(host, inpaint_full_res=True)
    assert "Mask blur: 4" in infotext(first)
    assert "Inpaint area: Only masked" in infotext(first)
    second = host.make_job(make_picture(), make_mask(), {"preset": "tight-edit"})
    second.extra_generation_params = first.p.extra_generation_params
    told = infotext(host.finish(second))
    assert "Bleed guard: tight-edit" in told
    assert "Mask blur" not in told.replace("mask blur 4 -> 0", "")
    assert "Only masked" not in told
    assert "Masked area padding" not in told

"""The causes are the true ones to the pixel, and the setting each finding names ends it.

The truth is found by running the same job in the host alone, once without each factor: the
picture is black and the model's white, so that the faintest opening shows.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, features

from bleed_guard.core.diagnose import diagnose_image, find_buckets
from bleed_guard.core.job import Box, Cause, Certainty, Finding, Fix
from bleed_guard.core.measure import measure_seam
from minihost.engines import EngineRequest, RecordedEngine
from tests.host.guarded import (
    CornerPainter,
    GuardedHost,
    Outcome,
    installed_profiles,
    register_painter_before_saving,
)

WIDTH, HEIGHT = 128, 128
BLACK = Image.new("RGB", (WIDTH, HEIGHT))
UNGUARDED = {"paste_back": False, "soft_mask": "ignore"}


class WhiteEngine:
    """A model that paints everything white."""

    label = "white"

    def generate(self, request: EngineRequest) -> np.ndarray:
        return np.full((request.height, request.width, 3), 255, np.uint8)


def make_mask(rim: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """A square with a grey rim at its right, at `size` (width, height)."""
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    rows = slice(height // 3, 2 * height // 3)
    mask[rows, width // 3 : width // 2] = 255
    mask[rows, width // 2 : 2 * width // 3] = rim
    return Image.fromarray(mask)


def make_dot() -> Image.Image:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[40, 60] = 255
    return Image.fromarray(mask)


@dataclass(frozen=True)
class Situation:
    """A job, and what undoes each of its factors: fields, or host options by `opts`."""

    fields: dict[str, Any]
    without: dict[Cause, dict[str, Any]]
    mask: Image.Image = field(default_factory=make_mask)
    options: dict[str, Any] = field(default_factory=dict)


BLUR = {Cause.MASK_BLUR: {"mask_blur": 0}}
SOFT = {Cause.SOFT_MASK: {"mask": make_mask()}}
OVERLAY = {Cause.OVERLAY_OFF: {"opts": {"overlay_inpaint": True}}}
NO_OVERLAY = {"overlay_inpaint": False}
LARGER = {"width": 192, "height": 192}
SMALL = (64, 64)
SITUATIONS = {
    "blur": Situation({"mask_blur": 4}, BLUR),
    "wide blur": Situation({"mask_blur": 11}, BLUR),
    "blur, only masked": Situation({"mask_blur": 4, "inpaint_full_res": True}, BLUR),
    "soft": Situation({"mask_blur": 0}, SOFT, make_mask(90)),
    "soft, only masked": Situation({"mask_blur": 0, "inpaint_full_res": True}, SOFT, make_mask(90)),
    "blur and soft": Situation({"mask_blur": 4}, BLUR | SOFT, make_mask(90)),
    "overlay off": Situation({"mask_blur": 0}, OVERLAY, options=NO_OVERLAY),
    "overlay off and blur": Situation({"mask_blur": 4}, OVERLAY | BLUR, options=NO_OVERLAY),
    "all three": Situation(
        {"mask_blur": 2}, OVERLAY | BLUR | SOFT, make_mask(60), options=NO_OVERLAY
    ),
    "wiped out": Situation(
        {"mask_blur": 33, "inpaint_full_res": True},
        {Cause.WHOLE_REDRAW: {"mask_blur": 0}},
        make_dot(),
    ),
    "small mask": Situation(
        {"mask_blur": 0},
        {Cause.MASK_FORM: {"mask": None}},
        make_mask(size=SMALL),
    ),
    "resized": Situation({"mask_blur": 4, **LARGER}, BLUR | {Cause.MASK_FORM: {"mask": None}}),
    "latent upscale": Situation(
        {"mask_blur": 0, "resize_mode": 3, **LARGER},
        {Cause.LATENT_UPSCALE: {"resize_mode": 0}, Cause.MASK_FORM: {"mask": None}},
    ),
}


@pytest.fixture(params=installed_profiles())
def host(request: pytest.FixtureRequest, tmp_path: Path) -> GuardedHost:
    return start(request.param, tmp_path)


def start(profile: str, folder: Path, **parts: Any) -> GuardedHost:
    return GuardedHost(profile, folder, **{"engine": WhiteEngine(), **parts})


def run(
    host: GuardedHost, situation: Situation, settings: dict[str, Any], **undone: Any
) -> Outcome:
    fields = {**situation.fields, **undone}
    host.set_options(**{"overlay_inpaint": True, **situation.options, **fields.pop("opts", {})})
    mask = fields.pop("mask", situation.mask)
    return host.run(BLACK, mask, settings, **fields)


def changed_alone(
    host: GuardedHost, situation: Situation, outside: np.ndarray, **undone: Any
) -> np.ndarray:
    """bool H x W: what the host alone changes outside the mask."""
    outcome = run(host, situation, UNGUARDED, **undone)
    (image,) = outcome.record.images
    return (image.pictures.result != image.pictures.reference).any(axis=2) & outside


def find_truth(host: GuardedHost, situation: Situation, outside: np.ndarray) -> dict[Cause, Any]:
    """Cause -> bool H x W: the pixels that one factor alone is to be thanked for."""
    total = changed_alone(host, situation, outside)
    spared = {
        cause: total & ~changed_alone(host, situation, outside, **undone)
        for cause, undone in situation.without.items()
    }
    times = np.sum(list(spared.values()), axis=0)
    truth = {cause: area & (times == 1) for cause, area in spared.items()}
    truth[Cause.SEVERAL] = total & (times != 1)
    return {cause: area for cause, area in truth.items() if area.any()}


def with_fitting_mask(situation: Situation, placed: np.ndarray) -> Situation:
    """The situation with the mask of the result's size filled in where a factor asks for one."""
    fitting = Image.fromarray(np.where(placed >= 128, 255, 0).astype(np.uint8))
    without = {
        cause: {key: fitting if value is None else value for key, value in undone.items()}
        for cause, undone in situation.without.items()
    }
    return replace(situation, without=without)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "measured"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_every_pixel_is_in_its_true_bucket(host: GuardedHost, name: str, guarded: bool) -> None:
    situation = SITUATIONS[name]
    settings = {"soft_mask": "ignore", "paste_back": guarded and name != "wiped out"}
    (image,) = run(host, situation, settings).record.images
    situation = with_fitting_mask(situation, image.pictures.mask)
    truth = find_truth(host, situation, image.pictures.protected)
    found = find_buckets(image.pictures, image.traces)
    counts = {cause.value: int(area.sum()) for cause, area in found.items()}
    assert counts == {cause.value: int(area.sum()) for cause, area in truth.items()}
    for cause, area in truth.items():
        assert np.array_equal(found[cause], area), cause
    assert sum(counts.values()) == image.prevented > 0


FIXES = {
    Cause.MASK_BLUR: ("mask blur", 0),
    Cause.SOFT_MASK: ("soft_mask", "harden"),
    Cause.OVERLAY_OFF: ("overlay_inpaint", True),
    Cause.WHOLE_REDRAW: ("mask blur", 0),
    Cause.MASK_FORM: ("", None),
    Cause.LATENT_UPSCALE: ("resize mode", "just resize"),
}
"""What each finding suggests; the mask's form has no control, its words name the size."""

NAMED = {
    "mask blur": lambda value: {"mask_blur": value},
    "resize mode": lambda value: {"resize_mode": ["just resize"].index(value)},
    "overlay_inpaint": lambda value: {"opts": {"overlay_inpaint": value}},
}
"""A finding's setting -> how a caller of the host sets it; what is missing is the guard's own."""


def fix_of(finding: Finding) -> Fix:
    """What the finding suggests; every cause that can be stopped has it."""
    assert finding.fix is not None
    return finding.fix


def buckets_of(outcome: Outcome) -> dict[Cause, Finding]:
    """The findings that are shares of the total, by cause."""
    (image,) = outcome.record.images
    return {one.cause: one for one in diagnose_image(image) if "share" in one.evidence}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_suggested_setting_ends_the_cause(host: GuardedHost, name: str) -> None:
    situation = SITUATIONS[name]
    first = run(host, situation, UNGUARDED)
    for cause, finding in buckets_of(first).items():
        if cause is Cause.SEVERAL:
            continue
        setting, value = FIXES[cause]
        assert (fix_of(finding).setting, fix_of(finding).value) == (setting, value)
        placed = first.record.images[0].pictures.mask
        applied = NAMED[setting](value) if setting in NAMED else {}
        settings = {**UNGUARDED, setting: value} if not applied and setting else UNGUARDED
        if cause is Cause.MASK_FORM:
            assert f"{placed.shape[1]} x {placed.shape[0]}" in fix_of(finding).text
            applied = with_fitting_mask(situation, placed).without[cause]
        again = run(host, situation, settings, **applied)
        assert cause not in buckets_of(again)
        assert again.record.images[0].prevented <= first.record.images[0].prevented


def test_findings_say_how_many_where_and_how_sure(host: GuardedHost) -> None:
    outcome = run(host, SITUATIONS["blur and soft"], {"soft_mask": "ignore"})
    (image,) = outcome.record.images
    found = buckets_of(outcome)
    assert sum(finding.pixels or 0 for finding in found.values()) == image.prevented
    shares = sum(float(finding.evidence["share"]) for finding in found.values())
    assert shares == pytest.approx(1, abs=1e-5)
    for cause, finding in found.items():
        area = find_buckets(image.pictures, image.traces)[cause]
        rows, columns = np.nonzero(area)
        assert finding.where == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert finding.max == image.pictures.unguarded[area].max()
        assert finding.certainty is Certainty.MEASURED
        assert f"{finding.pixels:,} of the pixels" in finding.what


def make_stamp(title: str, box: tuple[int, int, int, int]) -> Any:
    """A script that paints `box` red after the host's overlay."""
    from modules import scripts

    class Script(scripts.Script):
        def title(self) -> str:
            return title

        def postprocess_image_after_composite(self, p: Any, pp: Any, *args: Any) -> None:
            pp.image.paste((255, 0, 0), box)

    stamp = Script()
    stamp.filename = "stamp.py"
    return stamp


@pytest.mark.parametrize("settings", [{}, UNGUARDED], ids=["guarded", "measured"])
@pytest.mark.parametrize("profile", installed_profiles())
def test_another_script_is_named_with_its_pixels(
    profile: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    start(profile, tmp_path)  # a script can be made once the host is there
    host = start(profile, tmp_path, before=[make_stamp("Watermark", (0, 0, 20, 10))])
    outcome = host.run(BLACK, make_mask(), settings, mask_blur=0)
    found = buckets_of(outcome)
    assert list(found) == [Cause.OTHER_SCRIPT]
    finding = found[Cause.OTHER_SCRIPT]
    assert (finding.pixels, finding.where) == (200, (0, 0, 20, 10))
    assert finding.what.startswith("Watermark edited the picture")
    assert fix_of(finding).text == "Switch Watermark off for this run"


@pytest.mark.parametrize("profile", installed_profiles())
def test_two_scripts_are_candidates(profile: str, tmp_path: Path) -> None:
    start(profile, tmp_path)
    stamps = [make_stamp(name, (0, 0, 8, 8)) for name in ("Watermark", "Frame")]
    host = start(profile, tmp_path, before=stamps)
    found = buckets_of(host.run(BLACK, make_mask(), {}, mask_blur=0))
    assert found[Cause.OTHER_SCRIPT].what.startswith("Watermark or Frame edited")


@pytest.mark.parametrize("profile", installed_profiles())
def test_script_and_blur_share_what_both_reach(profile: str, tmp_path: Path) -> None:
    start(profile, tmp_path)
    left = WIDTH // 3
    stamp = make_stamp("Watermark", (0, 0, left, HEIGHT))
    host = start(profile, tmp_path, before=[stamp])
    outcome = host.run(BLACK, make_mask(), {}, mask_blur=4)
    counts = {cause: finding.pixels for cause, finding in buckets_of(outcome).items()}
    (image,) = outcome.record.images
    alone = (image.pictures.unguarded != 0).any(axis=2) & image.pictures.protected
    assert counts == {
        Cause.OTHER_SCRIPT: left * HEIGHT - int(alone[:, :left].sum()),
        Cause.MASK_BLUR: int(alone[:, left:].sum()),
        Cause.SEVERAL: int(alone[:, :left].sum()),
    }


def test_nothing_is_told_of_a_clean_run(host: GuardedHost) -> None:
    outcome = host.run(BLACK, make_mask(), UNGUARDED, mask_blur=0)
    assert buckets_of(outcome) == {}


@pytest.mark.parametrize("profile", installed_profiles())
def test_a_run_that_did_nothing_is_told(profile: str, tmp_path: Path) -> None:
    host = start(profile, tmp_path, engine=RecordedEngine([np.asarray(BLACK)]))
    (image,) = host.run(BLACK, make_mask(), {}, mask_blur=0).record.images
    (finding,) = diagnose_image(image)
    assert finding.cause is Cause.SILENT_NOOP
    assert finding.pixels == int((image.pictures.mask >= 128).sum())


LOSSY = [("jpg", Cause.JPEG), ("webp", Cause.WEBP), ("gif", Cause.PALETTE)]
if features.check("avif"):  # Forge Neo's Pillow writes it, the older ones cannot
    LOSSY.append(("avif", Cause.AVIF))


@pytest.mark.parametrize(("suffix", "cause"), LOSSY)
@pytest.mark.parametrize("settings", [{}, UNGUARDED], ids=["guarded", "measured"])
def test_what_the_file_loses_is_its_formats(
    host: GuardedHost, settings: dict[str, Any], suffix: str, cause: Cause
) -> None:
    host.set_options(samples_format=suffix)
    drawn = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    kept = {**settings, "lossy_format": "warn"}
    outcome = host.run(Image.fromarray(drawn), make_mask(), kept, mask_blur=0)
    (image,), (file,) = outcome.record.images, outcome.read_files()
    truth = (file != drawn).any(axis=2) & image.pictures.protected
    found = buckets_of(outcome)
    assert {one.cause: one.pixels for one in found.values()} == {cause: int(truth.sum())}
    fix = fix_of(found[cause])
    assert (fix.setting, fix.value) == ("lossy_format", "png")
    mended = {**settings, fix.setting: fix.value}
    again = host.run(Image.fromarray(drawn), make_mask(), mended, mask_blur=0)
    assert buckets_of(again) == {}


def test_color_correction_is_told_where_it_alone_moved_pixels(tmp_path: Path) -> None:
    """A model that leaves the outside alone: what is moved there is color correction's doing,
    though the overlay, had it been on, would have covered it."""
    drawn = np.random.default_rng(5).integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)
    made = drawn.copy()
    made[45:80, 45:60] = 255
    profile = installed_profiles()[0]
    host = start(profile, tmp_path, engine=RecordedEngine([made]))
    host.set_options(img2img_color_correction=True, overlay_inpaint=False)
    outcome = host.run(Image.fromarray(drawn), make_mask(), UNGUARDED, mask_blur=0)
    (image,) = outcome.record.images
    moved = (outcome.pixels(0) != drawn).any(axis=2) & image.pictures.protected
    off = {**UNGUARDED, "color_correction": "off"}
    without = host.run(Image.fromarray(drawn), make_mask(), off, mask_blur=0)
    still = (without.pixels(0) != drawn).any(axis=2)
    found = find_buckets(image.pictures, image.traces)
    assert moved.any()
    assert np.array_equal(found[Cause.SEVERAL], moved & ~still)
    assert sum(int(area.sum()) for area in found.values()) == image.prevented


def test_the_facts_of_the_run_are_in_the_record(host: GuardedHost) -> None:
    outcome = host.run(BLACK, make_mask(90), {}, mask_blur=4)
    facts = outcome.record.facts
    assert facts["Mask"].startswith(f"L, {WIDTH} x {HEIGHT}, ")
    assert facts["Mask"].endswith("% of it grey")
    assert facts["Result size"] == facts["Original"] == f"{WIDTH} x {HEIGHT}"
    assert facts["Host"] in outcome.processed.infotexts[0]
    crisp = host.run(BLACK, make_mask(), {}, mask_blur=4).record.facts
    assert crisp["Mask"].endswith("crisp edges")


def start_with_soft_inpainting(profile: str, folder: Path) -> GuardedHost:
    """A host in which Soft Inpainting is on for every job."""
    start(profile, folder)  # a script can be made once the host is there
    from minihost.companions.scripts.soft_inpainting import PARAMETERS, SoftInpainting

    soft: Any = SoftInpainting()
    soft.filename = "soft_inpainting.py"
    soft.given = [True, *(default for _, _, default, _ in PARAMETERS.values())]
    return start(profile, folder, before=[soft])


@pytest.mark.parametrize("profile", installed_profiles())
def test_soft_inpainting_has_its_pixels_and_ends_with_its_switch(
    profile: str, tmp_path: Path
) -> None:
    host = start_with_soft_inpainting(profile, tmp_path)
    outcome = host.run(BLACK, make_mask(), UNGUARDED, mask_blur=0)
    (image,) = outcome.record.images
    changed = (outcome.pixels(0) != 0).any(axis=2) & image.pictures.protected
    found = find_buckets(image.pictures, image.traces)
    assert changed.any()
    assert list(found) == [Cause.SOFT_INPAINTING]
    assert np.array_equal(found[Cause.SOFT_INPAINTING], changed)
    fix = fix_of(buckets_of(outcome)[Cause.SOFT_INPAINTING])
    assert (fix.setting, fix.value) == ("soft inpainting", False)
    host.scripts[0].given[0] = fix.value
    assert buckets_of(host.run(BLACK, make_mask(), UNGUARDED, mask_blur=0)) == {}


def test_a_resized_run_brought_back_has_its_pixels_and_ends_at_the_originals_size(
    host: GuardedHost,
) -> None:
    drawn = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    photo, settings = Image.fromarray(drawn), {"keep_size": True}
    outcome = host.run(photo, make_mask(), settings, mask_blur=0, width=64, height=64)
    (image,) = outcome.record.images
    found = find_buckets(image.pictures, image.traces)
    moved = (image.pictures.unguarded != image.pictures.reference).any(axis=2)
    total = np.logical_or.reduce(list(found.values()))
    assert Cause.RESIZE in found
    assert np.array_equal(total, moved & image.pictures.protected)
    fix = fix_of(buckets_of(outcome)[Cause.RESIZE])
    assert fix.text == f"Ask for the original's size, {WIDTH} x {HEIGHT}"
    again = host.run(photo, make_mask(), settings, mask_blur=0, width=WIDTH, height=HEIGHT)
    assert buckets_of(again) == {}


def test_face_restoration_has_what_it_alone_moved_and_ends_when_off(tmp_path: Path) -> None:
    """A model that leaves the outside alone, and no overlay: all that moves is the restorer's."""
    drawn = np.random.default_rng(5).integers(60, 200, (HEIGHT, WIDTH, 3), np.uint8)
    made = drawn.copy()
    made[45:80, 45:60] = 255
    host = start(installed_profiles()[0], tmp_path, engine=RecordedEngine([made]))
    host.set_options(face_restoration=True, overlay_inpaint=False)
    photo = Image.fromarray(drawn)
    outcome = host.run(photo, make_mask(), UNGUARDED, mask_blur=0)
    (image,) = outcome.record.images
    moved = (outcome.pixels(0) != drawn).any(axis=2) & image.pictures.protected
    off = {**UNGUARDED, "face_restoration": "off"}
    without = host.run(photo, make_mask(), off, mask_blur=0)
    still = (without.pixels(0) != drawn).any(axis=2) & image.pictures.protected
    assert (moved & ~still).any()
    host.set_options(overlay_inpaint=True)
    covered = host.run(photo, make_mask(), UNGUARDED, mask_blur=0)
    spared_twice = (covered.pixels(0) != drawn).any(axis=2) & image.pictures.protected
    assert not spared_twice.any()  # the overlay would have spared all of it too
    found = find_buckets(image.pictures, image.traces)
    assert np.array_equal(found[Cause.SEVERAL], moved & ~still)
    assert Cause.FACE_RESTORE in image.traces.areas
    assert np.array_equal(image.traces.areas[Cause.FACE_RESTORE].unpack(), moved & ~still)
    assert Cause.FACE_RESTORE not in without.record.images[0].traces.areas


@pytest.mark.parametrize("profile", installed_profiles())
def test_the_named_script_switched_off_ends_its_cause(profile: str, tmp_path: Path) -> None:
    start(profile, tmp_path)
    host = start(profile, tmp_path, before=[make_stamp("Watermark", (0, 0, 20, 10))])
    assert list(buckets_of(host.run(BLACK, make_mask(), {}, mask_blur=0))) == [Cause.OTHER_SCRIPT]
    del host.scripts[0]
    assert buckets_of(host.run(BLACK, make_mask(), {}, mask_blur=0)) == {}


@pytest.mark.parametrize("profile", installed_profiles())
def test_hidden_infotext_has_its_pixels_and_ends_with_its_option(
    profile: str, tmp_path: Path
) -> None:
    host = start(profile, tmp_path)
    from modules import shared

    if "stealth_pnginfo_option" not in shared.opts.data_labels:
        pytest.skip("this host hides no infotext in pixels")
    host.set_options(stealth_pnginfo_option="RGB")
    photo = Image.new("RGB", (WIDTH, HEIGHT), (90, 90, 90))
    outcome = host.run(photo, make_mask(), {}, mask_blur=0)
    (image,), (file,) = outcome.record.images, outcome.read_files()
    truth = (file != 90).any(axis=2) & image.pictures.protected
    found = buckets_of(outcome)
    assert {cause: one.pixels for cause, one in found.items()} == {Cause.STEALTH: int(truth.sum())}
    host.set_options(**{fix_of(found[Cause.STEALTH]).setting: "Alpha"})
    assert buckets_of(host.run(photo, make_mask(), {}, mask_blur=0)) == {}


def told_by(outcome: Outcome) -> dict[Cause, Finding]:
    """All findings of the only image, those of its file too."""
    (image,) = outcome.record.images
    return {one.cause: one for one in (*diagnose_image(image), *image.findings)}


@pytest.mark.parametrize("size", [(128, 128), (192, 64)])
def test_what_took_part_is_told_with_its_count(host: GuardedHost, size: tuple[int, int]) -> None:
    """The crop has the shape of the size that was asked for, not of the picture."""
    fields = {"inpaint_full_res": True, "inpaint_full_res_padding": 16, "mask_blur": 0}
    fields |= {"width": size[0], "height": size[1]}
    refiner = {"refiner_checkpoint": "minihost-refiner", "refiner_switch_at": 0.5, "steps": 4}
    told = told_by(host.run(BLACK, make_mask(), {}, denoising_strength=0.9, **fields, **refiner))
    tight = host.run(BLACK, make_mask(), {}, **{**fields, "inpaint_full_res_padding": 0})
    padded, bare = (Box(*told[Cause.PADDING].where or ()), tight.record.images[0].crop_box)
    assert padded.intersect(bare) == bare
    assert told[Cause.PADDING].pixels == padded.area - bare.area > 0
    assert told[Cause.PADDING].evidence == {"changed": 0}
    assert "0.9" in told[Cause.STRENGTH].what
    assert fix_of(told[Cause.STRENGTH]).value == 0.7
    assert "minihost-refiner" in told[Cause.REFINER].what
    capped = {"cap_strength": True, "refiner": "off", "padding_limit": 0}
    plain = told_by(
        host.run(BLACK, make_mask(), capped, denoising_strength=0.9, **fields, **refiner)
    )
    assert not {Cause.PADDING, Cause.STRENGTH, Cause.REFINER} & set(plain)


def test_transparent_pixels_that_were_flattened_are_counted_and_kept(host: GuardedHost) -> None:
    photo = Image.new("RGBA", (WIDTH, HEIGHT), (90, 90, 90, 255))
    photo.paste((90, 90, 90, 100), (0, 0, 10, 10))
    outcome = host.run(photo, make_mask(), {"keep_metadata": False}, mask_blur=0)
    finding = told_by(outcome)[Cause.TRANSPARENCY]
    assert finding.pixels == 100
    fix = fix_of(finding)
    kept = host.run(photo, make_mask(), {fix.setting: fix.value}, mask_blur=0)
    outside = np.asarray(make_mask()) < 128
    for path, is_kept in ((outcome.files[0], False), (kept.files[0], True)):
        with Image.open(path) as file:
            same = (np.asarray(file.convert("RGBA")) == np.asarray(photo)).all(axis=2)
        assert same[outside].all() == is_kept


def test_the_hosts_extra_jpeg_is_read_and_counted(host: GuardedHost) -> None:
    drawn = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    host.set_options(export_for_4chan=True, img_downscale_threshold=0.001)
    outcome = host.run(Image.fromarray(drawn), make_mask(), {}, mask_blur=0)
    (copy,) = (path for path in outcome.files if path.suffix == ".jpg")
    (image,) = outcome.record.images
    with Image.open(copy) as file:
        lost = (np.asarray(file.convert("RGB")) != drawn).any(axis=2) & image.pictures.protected
    finding = told_by(outcome)[Cause.EXPORT_4CHAN]
    assert finding.pixels == int(lost.sum())
    assert lost.any()
    assert copy.name in finding.what
    host.set_options(**{fix_of(finding).setting: fix_of(finding).value})
    again = told_by(host.run(Image.fromarray(drawn), make_mask(), {}, mask_blur=0))
    assert Cause.EXPORT_4CHAN not in again


FACTS = (
    "Inpaint area", "Inpaint mode", "Masked content", "Mask", "Mask blur", "Padding",
    "Denoising strength", "Refiner",
    "Face restoration", "Color correction", "Overlay original", "Other scripts", "Format",
    "Original", "Result size", "Tolerance", "Host",
)  # fmt: skip


def test_the_facts_of_the_run_are_in_the_apis_info_too(host: GuardedHost) -> None:
    outcome = host.run(BLACK, make_mask(), {}, mask_blur=4)
    told = json.loads(outcome.processed.js())["extra_generation_params"]["Bleed guard facts"]
    facts = dict(line.split(": ", 1) for line in told.splitlines())
    assert facts == outcome.record.facts
    assert set(FACTS) <= set(facts)


def draw_photo(low: int = 60, high: int = 200) -> np.ndarray:
    """Smooth shapes and grain, no level near the ends: uint8 H x W x 3."""
    dice = np.random.default_rng(5)
    coarse = dice.integers(low, high, (12, 12, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + dice.normal(0, 6, smooth.shape), low, high).astype(np.uint8)


def run_decoded(folder: Path, drawn: np.ndarray, made: np.ndarray, **settings: Any) -> Outcome:
    """A job whose model gives back `made`."""
    host = start(installed_profiles()[0], folder, engine=RecordedEngine([made]))
    return host.run(Image.fromarray(drawn), make_mask(), settings, mask_blur=0)


def test_a_shifted_picture_is_told_to_the_pixel(tmp_path: Path) -> None:
    drawn = draw_photo()
    finding = told_by(run_decoded(tmp_path, drawn, np.roll(drawn, (2, -3), (0, 1))))[Cause.SHIFT]
    assert finding.evidence["x"] == pytest.approx(-3, abs=0.1)
    assert finding.evidence["y"] == pytest.approx(2, abs=0.1)
    assert "3.6 px" in finding.what


def test_what_the_model_does_to_colors_is_told_by_channel(tmp_path: Path) -> None:
    drawn = draw_photo()
    noise = np.random.default_rng(7).normal(0, 3, drawn.shape)
    levels = 0.9 * (drawn - 128.0) + 128 + np.array([8, 2, -6]) + noise
    outcome = run_decoded(tmp_path, drawn, np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    told = told_by(outcome)
    evidence = told[Cause.VAE].evidence
    for name, offset in (("red", 8), ("green", 2), ("blue", -6)):
        assert evidence[name] == pytest.approx(offset, abs=0.3)
    assert evidence["contrast"] == pytest.approx(0.9, abs=0.01)
    assert evidence["noise"] == pytest.approx(3, abs=0.3)
    assert Cause.SHIFT not in told
    assert outcome.record.images[0].changed == 0  # only paste-back hides it


def test_a_visible_edge_is_told_where_it_is_and_gone_with_a_feather(tmp_path: Path) -> None:
    drawn = draw_photo()
    made = np.clip(drawn.astype(int) + 40, 0, 255).astype(np.uint8)
    hard = run_decoded(tmp_path, drawn, made, blend="hard", feather=0)
    (image,) = hard.record.images
    finding = told_by(hard)[Cause.SEAM]
    seam = measure_seam(drawn, hard.pixels(0), image.pictures.mask)
    assert finding.evidence["ratio"] == pytest.approx(seam.ratio, abs=1e-3)
    rows, columns = slice(HEIGHT // 3, 2 * HEIGHT // 3), slice(WIDTH // 3, WIDTH // 2)
    left, top, right, bottom = Box(*finding.where or ())
    assert (left, top) == (columns.start - 1, rows.start - 1)
    assert (right, bottom) == (columns.stop + 1, rows.stop + 1)
    soft = {"blend": "membrane + feather", fix_of(finding).setting: 8}
    assert Cause.SEAM not in told_by(run_decoded(tmp_path, drawn, made, **soft))


@pytest.mark.parametrize(
    ("drift", "told"), [(2, "noise-like, but it is bleed"), (40, "of 255 levels: bleed")]
)
def test_the_threshold_people_know_stands_beside_the_truth(
    tmp_path: Path, drift: int, told: str
) -> None:
    drawn = np.minimum(draw_photo(), 255 - drift)
    engine = RecordedEngine([drawn + np.uint8(drift)])
    host = start(installed_profiles()[0], tmp_path, engine=engine)
    outcome = host.run(Image.fromarray(drawn), make_mask(), mask_blur=4)
    assert told in told_by(outcome)[Cause.MASK_BLUR].why


def test_an_edit_before_saving_is_in_the_files_bucket(tmp_path: Path) -> None:
    host = start(installed_profiles()[0], tmp_path)
    register_painter_before_saving()
    outcome = host.run(BLACK, make_mask(), UNGUARDED, mask_blur=0)
    (file,) = outcome.read_files()
    (finding,) = buckets_of(outcome).values()
    assert (finding.cause, finding.pixels) == (
        Cause.OTHER_SCRIPT,
        int((file[:9, :9] > 0).all(2).sum()),
    )
    assert finding.where == (0, 0, 9, 9)
    again = host.run(BLACK, make_mask(), {}, mask_blur=0)  # forced, a late edit is undone
    assert buckets_of(again) == {}


def test_a_script_before_the_overlay_opens_nothing_and_is_named(host: GuardedHost) -> None:
    host.scripts.insert(0, CornerPainter("postprocess_image"))
    outcome = host.run(BLACK, make_mask(), UNGUARDED, mask_blur=0)
    assert buckets_of(outcome) == {}
    finding = told_by(outcome)[Cause.OTHER_SCRIPT]
    assert (finding.pixels, finding.certainty) == (0, Certainty.INFERRED)
    assert finding.what.startswith("Corner painter")


def draw_situation(seed: int) -> tuple[Situation, dict[str, Any], bool]:
    """A random job of many factors at once, the guard's settings, and whether a script edits."""
    dice = random.Random(seed)
    fields = {
        "mask_blur": dice.choice([0, 2, 4, 11]),
        "inpaint_full_res": dice.random() < 0.5,
        "inpaint_full_res_padding": dice.choice([0, 16, 64]),
        "resize_mode": dice.choice([0, 1, 2, 3]),
        **dice.choice([{}, {}, LARGER]),
    }
    options = {
        # without it only masked gives the bare crop, which has no place on the original
        "overlay_inpaint": dice.random() < 0.7 or fields["inpaint_full_res"],
        "img2img_color_correction": dice.random() < 0.3,
        "face_restoration": dice.random() < 0.3,
        "samples_format": dice.choice(["png", "png", "jpg", "webp"]),
    }
    mask = make_mask(dice.choice([0, 60, 90]), dice.choice([SMALL, (WIDTH, HEIGHT)]))
    settings = {
        "paste_back": dice.random() < 0.5,
        "soft_mask": "ignore",
        "lossy_format": "warn",
        "keep_size": dice.random() < 0.3,
    }
    return Situation(fields, {}, mask, options), settings, dice.random() < 0.4


@pytest.mark.parametrize("seed", range(16))
def test_every_pixel_is_in_exactly_one_bucket(tmp_path: Path, seed: int) -> None:
    """Across combinations: what changed is all there, nothing else is, and nothing twice."""
    host = start(installed_profiles()[seed % len(installed_profiles())], tmp_path)
    situation, settings, has_script = draw_situation(seed)
    if has_script:
        host.scripts.insert(0, CornerPainter("postprocess_image_after_composite"))
    outcome = run(host, situation, settings)
    (image,), (file,) = outcome.record.images, outcome.read_files()
    pictures = image.pictures
    moved = (pictures.unguarded != pictures.reference).any(axis=2)
    lost = (file != pictures.reference).any(axis=2)
    if has_script and not image.traces.is_brought_back:
        moved[:9, :9] = True  # what the script painted, though the guard has put it back
    found = find_buckets(pictures, image.traces)
    times = np.sum([area.astype(int) for area in found.values()] or [np.zeros(moved.shape)], axis=0)
    assert np.array_equal(times, ((moved | lost) & pictures.protected).astype(int))
    told = list(buckets_of(outcome).values())
    assert sum(one.pixels or 0 for one in told) == int(times.sum())
    assert all(one.evidence["total"] == int(times.sum()) for one in told)

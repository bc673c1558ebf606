"""What no other test noticed when mutation testing changed the code: see CONTRIBUTING.md."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.composite import Blend, build_overlay, paste_back
from bleed_guard.core.geometry import resize_image
from bleed_guard.core.job import Box, InpaintJob, Protection, ResizeMode
from bleed_guard.core.mask import protected_area, to_eight_bits
from bleed_guard.core.measure import measure_bleed, measure_seam
from bleed_guard.core.plan import plan_guard
from bleed_guard.core.presets import add_preset, check_name, format_presets, merge_presets
from bleed_guard.core.settings import PRESETS, SETTINGS, GuardSettings, take_preset


def flat(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def square_mask(side: int, low: int, high: int, level: int = 255) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[low:high, low:high] = level
    return mask


def test_a_mask_at_the_very_level_of_the_cut_is_repainted() -> None:
    mask = square_mask(9, 3, 6, 128)
    result = paste_back(flat(9, 9, 10), flat(9, 9, 90), mask, blend=Blend.HARD)
    assert ((result[..., 0] == 90) == (mask == 128)).all()


@pytest.mark.parametrize("blend", [Blend.HARD, Blend.MEMBRANE])
def test_a_hard_overlay_is_clear_inside_and_opaque_outside(blend: Blend) -> None:
    mask = square_mask(9, 3, 6)
    alpha = build_overlay(flat(9, 9, 10), mask, blend=blend)[..., 3]
    assert (alpha == np.where(mask > 0, 0, 255)).all()


def test_multi_band_takes_an_offset_in_over_some_distance() -> None:
    mask = square_mask(128, 32, 96)
    row = paste_back(flat(128, 128, 60), flat(128, 128, 160), mask, blend=Blend.MULTI_BAND)[
        64, :, 0
    ]
    steps = np.abs(np.diff(row.astype(int)))
    assert row[64] > 150, "the middle is the edit"
    assert steps.max() < 50, "a hard edge would be a step of 100"
    assert np.count_nonzero(row[32:64] < 155) > 3


def test_nothing_known_around_the_mask_is_no_drift() -> None:
    mask = square_mask(24, 8, 16)
    generated = flat(24, 24, 90)
    result = paste_back(
        flat(24, 24, 10), generated, mask, blend=Blend.MEMBRANE, known=Box(8, 8, 16, 16)
    )
    assert ((result[..., 0] == 90) == (mask > 0)).all()


@pytest.mark.parametrize(("level", "expected"), [(0.0, 0), (0.2, 51), (0.6, 153), (1.0, 255)])
def test_levels_between_0_and_1_are_shares_of_255(level: float, expected: int) -> None:
    assert to_eight_bits(np.array([[level, 1.0]], np.float32))[0, 0] == expected


def test_the_soft_band_reaches_as_far_up_and_down_as_to_the_sides() -> None:
    area = protected_area(square_mask(21, 10, 11), Protection.SOFT, band=3)
    rows, columns = np.nonzero(~area)
    assert rows.max() - rows.min() == columns.max() - columns.min() == 6


def test_what_tolerance_allows_has_no_reach() -> None:
    reference = flat(9, 40, 50)
    result = reference.copy()
    result[4, 39] += 2
    mask = np.zeros((9, 40), np.uint8)
    mask[4, 0] = 255
    assert measure_bleed(reference, result, mask, tolerance=2).reach == 0
    assert measure_bleed(reference, result, mask, tolerance=1).reach == 39


def test_a_report_tells_its_tolerance_and_where_the_worst_pixel_is() -> None:
    result = flat(9, 40, 50)
    result[7, 30] += 9
    report = measure_bleed(flat(9, 40, 50), result, square_mask(40, 2, 5)[:9], tolerance=3)
    assert report.tolerance == 3
    assert (report.worst[0].x, report.worst[0].y) == (30, 7)


def test_a_mask_without_an_edge_has_no_seam() -> None:
    for mask in (square_mask(9, 0, 9), square_mask(9, 0, 0)):
        seam = measure_seam(flat(9, 9, 50), flat(9, 9, 90), mask)
        assert (seam.pairs, seam.step, seam.reference_step, seam.ratio) == (0, 0, 0, 1)


def test_the_faintest_grey_of_a_mask_is_the_soft_band() -> None:
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 4], mask[4, 5] = 255, 1
    result = flat(9, 9, 50)
    result[4, 5] += 1
    zones = {zone.name: zone for zone in measure_bleed(flat(9, 9, 50), result, mask).zones}
    assert (zones["soft band"].protected, zones["soft band"].changed) == (1, 1)


def test_a_seam_is_between_a_pixel_and_the_one_below() -> None:
    """A picture of three stripes; only the step across the mask's edge counts."""
    picture = flat(6, 8, 0)
    picture[2:3] = 100
    picture[3:] = 250
    mask = np.zeros((6, 8), np.uint8)
    mask[3:] = 255
    alone = picture[2:4]
    assert measure_seam(picture, picture, mask).reference_step == pytest.approx(
        measure_seam(alone, alone, mask[2:4]).reference_step
    )


def test_resize_and_fill_stretches_over_a_single_row_too() -> None:
    filled = resize_image(ResizeMode.RESIZE_AND_FILL, Image.new("L", (8, 6), 200), 8, 8)
    assert np.asarray(filled).min() == 200


def test_a_picture_thinner_than_a_pixel_when_scaled_is_one_pixel() -> None:
    filled = resize_image(ResizeMode.RESIZE_AND_FILL, Image.new("L", (40, 1), 200), 8, 8)
    assert np.asarray(filled).min() == 200


def make_job(mask: np.ndarray, **changes: object) -> InpaintJob:
    size = mask.shape[1], mask.shape[0]
    return InpaintJob(mask, size, size, only_masked=True, mask_blur=0, **changes)  # type: ignore[arg-type]


def messages(job: InpaintJob) -> str:
    return "\n".join(finding.text for finding in plan_guard(job, GuardSettings()).findings)


@pytest.mark.parametrize(
    ("is_inverted", "mode"), [(True, "inpaint masked"), (False, "inpaint not masked")]
)
def test_a_mask_that_looks_inverted_names_the_other_mode(is_inverted: bool, mode: str) -> None:
    job = make_job(255 - square_mask(64, 30, 33), mask_is_inverted=is_inverted)
    (fix,) = [finding.fix for finding in plan_guard(job, GuardSettings()).findings if finding.fix]
    assert (fix.setting, fix.value) == ("mask mode", mode)


def test_a_script_that_assembles_a_picture_is_named() -> None:
    told = messages(make_job(square_mask(64, 8, 56), assembled_by="SD upscale"))
    assert "SD upscale" in told


def test_the_size_a_picture_comes_back_with_is_told_whole() -> None:
    mask = np.zeros((61, 93), np.uint8)
    mask[8:50, 8:80] = 255
    job = InpaintJob(mask, (93, 61), (93, 61), only_masked=False)
    assert "comes back as 88 x 56, not 93 x 61" in messages(job)


@pytest.mark.parametrize(
    ("soft", "told"), [(9996, "99.9"), (9960, "99.6"), (3741, "37"), (50, "0.5"), (2, "0.1")]
)
def test_a_share_is_neither_rounded_to_all_nor_to_nothing(soft: int, told: str) -> None:
    mask = np.full((100, 100), 255, np.uint8)
    mask.reshape(-1)[:soft] = 99
    change, *_ = plan_guard(make_job(mask), GuardSettings(soft_mask="harden")).changes
    assert change.text.startswith(f"mask {told} % soft -> hard")


def test_padding_that_fits_is_told_in_pixels_of_the_picture() -> None:
    """The mask is half as large as the picture, and lies at its top left."""
    mask = square_mask(32, 2, 16)
    job = InpaintJob(mask, (64, 64), (64, 64), only_masked=True, mask_blur=0, padding=500)
    (change,) = plan_guard(job, GuardSettings(padding_limit=256)).changes
    placed = np.asarray(resize_image(ResizeMode.JUST_RESIZE, Image.fromarray(mask), 64, 64))
    assert change.after == 64 - (np.flatnonzero(placed.any(axis=0)).max() + 1)


@pytest.mark.parametrize(("suffix", "name"), [("jpg", "JPEG"), ("webp", "WebP"), ("avif", "AVIF")])
def test_a_lossy_files_format_is_named(suffix: str, name: str) -> None:
    told = messages(make_job(square_mask(64, 8, 56), image_format=suffix))
    assert f"The file is saved as {name}." in told


def test_a_size_that_is_left_is_told_with_the_reason() -> None:
    job = replace(make_job(square_mask(61, 8, 56)), only_masked=False, makes_mask_composite=True)
    (change,) = plan_guard(job, GuardSettings(keep_size=True)).changes
    assert change.text == "original's size on -> off, the host makes a masked composite"


def test_a_grey_rims_reach_is_its_own_not_the_blurs() -> None:
    mask = square_mask(64, 24, 40)
    mask[40:47, 24:40] = 60
    told = messages(replace(make_job(mask), mask_blur=4))
    assert "up to 7 px outside its edge" in told
    assert "Mask blur 4 would repaint up to 16 px" in told


def test_a_mask_without_pixels_is_blank() -> None:
    job = replace(make_job(square_mask(64, 8, 56)), mask=np.zeros((0, 0), np.uint8))
    assert "The mask is blank" in messages(job)


def test_imported_presets_come_back_with_their_settings() -> None:
    mine = add_preset({}, "faces", GuardSettings(feather=9))
    _, added = merge_presets(mine, mine)
    assert {name: preset.feather for name, preset in added.items()} == {"faces (2)": 9}


def test_a_presets_name_is_written_as_people_read_it() -> None:
    text = format_presets(add_preset({}, "größer", GuardSettings()))
    assert '"größer"' in text
    assert json.loads(text)["presets"].keys() == {"größer"}


def test_a_bad_name_is_shown() -> None:
    with pytest.raises(ValueError, match="not '<b>'"):
        check_name("<b>")


def test_settings_that_take_a_preset_bear_its_name() -> None:
    assert take_preset(GuardSettings(), PRESETS["tight-edit"]).preset == "tight-edit"


def test_names_in_the_infotext_are_those_of_files_that_are_out_there() -> None:
    names = {SETTINGS[name].infotext for name in ("preset", "feather", "padding_limit")}
    assert names == {"Bleed guard", "Bleed guard feather", "Bleed guard padding limit"}
    assert all(setting.help and setting.label for setting in SETTINGS.values())

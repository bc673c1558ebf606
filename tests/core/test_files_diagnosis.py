"""Causes from files alone, on a photograph-like picture with one cause each."""

from __future__ import annotations

import json
import math
from typing import Any

import cv2
import numpy as np
import pytest

from bleed_guard.core.effects import Effect, Far
from bleed_guard.core.files_diagnosis import (
    FOUND,
    LikelyCause,
    Scene,
    Told,
    diagnose_files,
    list_signals,
    look,
    measure_told_crop,
    rank_causes,
    read_told,
    tell_noise,
    weigh,
)
from bleed_guard.core.geometry import crop_box
from bleed_guard.core.job import Box, Cause
from bleed_guard.core.likelihoods import WEIGHTS
from bleed_guard.core.mask import blur_mask
from bleed_guard.core.rims import Patch, Rim
from bleed_guard.core.signals import Comb, Lattice, measure_comb, measure_lattice

HEIGHT, WIDTH = 192, 256


def make_picture() -> np.ndarray:
    """Smooth shapes with a little texture: uint8 H x W x 3."""
    draw = np.random.default_rng(3)
    coarse = draw.integers(20, 230, (12, 16, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(draw.normal(0, 12, smooth.shape), (0, 0), 1)
    return np.clip(smooth + fine, 0, 255).astype(np.uint8)


def make_mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (70, 100), (34, 26), 15, 0, 360, (255,), -1)
    return mask


ORIGINAL, MASK = make_picture(), make_mask()
EDITED = np.where(MASK[..., None] > 0, 255 - ORIGINAL, ORIGINAL)


def encode(suffix: str, picture: np.ndarray = EDITED) -> np.ndarray:
    quality = cv2.IMWRITE_JPEG_QUALITY if suffix == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    data = cv2.imencode(suffix, picture[..., ::-1], [quality, 80])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def blend(weight: np.ndarray) -> np.ndarray:
    share = weight[..., None] / 255
    return np.rint((255 - ORIGINAL) * share + ORIGINAL * (1 - share)).astype(np.uint8)


def shift() -> np.ndarray:
    move = np.array([[1, 0, 2], [0, 1, 1]], np.float32)
    return cv2.warpAffine(EDITED, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)


RESULTS = {
    Cause.NONE: EDITED,
    Cause.MASK_BLUR: blend(blur_mask(MASK, 4)),
    Cause.JPEG: encode(".jpg"),
    Cause.WEBP: encode(".webp"),
    Cause.SHIFT: shift(),
    Cause.COLOR_SHIFT: np.clip(EDITED + np.array([8, 2, -6]), 0, 255).astype(np.uint8),
    Cause.WHOLE_REDRAW: make_picture()[::-1, ::-1].copy(),
}


@pytest.mark.parametrize("cause", RESULTS, ids=lambda cause: cause.value)
def test_the_cause_is_named_first(cause: Cause) -> None:
    first, *_ = diagnose_files(ORIGINAL, RESULTS[cause], MASK)
    assert first.cause is cause
    assert first.probability > 0.8
    assert (first.fix is None) == (cause is Cause.NONE)
    assert first.to_json()["cause"] == cause.value


def test_a_grey_mask_is_the_cause_where_it_is_grey() -> None:
    wide = cv2.dilate(MASK, np.ones((13, 13), np.uint8))
    soft = np.where(MASK > 0, 255, np.where(wide > 0, 90, 0)).astype(np.uint8)
    first, *_ = diagnose_files(ORIGINAL, blend(soft), soft)
    assert first.cause is Cause.SOFT_MASK


def test_the_infotext_makes_surer() -> None:
    plain, *_ = diagnose_files(ORIGINAL, RESULTS[Cause.MASK_BLUR], MASK)
    told, *_ = diagnose_files(ORIGINAL, RESULTS[Cause.MASK_BLUR], MASK, "a cat\nMask blur: 4")
    assert told.probability >= plain.probability
    assert told.evidence["infotext"] == "Mask blur: 4"


def test_an_autoencoders_error_in_a_webui_file_says_the_overlay_was_off() -> None:
    noise = np.random.default_rng(5).normal(0, 5, EDITED.shape)
    result = np.clip(np.rint(EDITED + noise), 0, 255).astype(np.uint8)
    assert diagnose_files(ORIGINAL, result, MASK)[0].cause is Cause.VAE
    told = diagnose_files(ORIGINAL, result, MASK, "a cat\nSteps: 20, Denoising strength: 0.75")
    assert told[0].cause is Cause.OVERLAY_OFF


def test_an_autoencoder_that_smooths_is_no_resize_and_no_face_restoration() -> None:
    """Smoothing of every strength, and the noise that neither of the two leaves."""
    noise = np.random.default_rng(5).normal(0, 2, EDITED.shape)
    sampled = "a cat\nSteps: 20, Size: 256x192, Denoising strength: 0.75"
    for sigma in (0.6, 0.8, 1.0):
        smooth = cv2.GaussianBlur(EDITED.astype(np.float32), (0, 0), sigma)
        result = np.clip(np.rint(smooth + noise), 0, 255).astype(np.uint8)
        first, *others = diagnose_files(ORIGINAL, result, MASK)
        assert first.cause is Cause.VAE, sigma
        assert all(one.probability < 0.5 for one in others)
        told = {one.cause for one in diagnose_files(ORIGINAL, result, MASK, sampled)}
        assert Cause.OVERLAY_OFF in told
        assert not told & {Cause.RESIZE, Cause.FACE_RESTORE}


def named(result: np.ndarray) -> set[Cause]:
    return {one.cause for one in diagnose_files(ORIGINAL, result, MASK) if one.probability > 0.5}


def test_two_causes_are_told_apart() -> None:
    assert named(encode(".jpg", blend(blur_mask(MASK, 4)))) == {Cause.JPEG, Cause.MASK_BLUR}
    warm = np.clip(blend(blur_mask(MASK, 4)) + np.array([8, 2, -6]), 0, 255).astype(np.uint8)
    assert named(warm) == {Cause.COLOR_SHIFT, Cause.MASK_BLUR}


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_file_format_alone_is_no_blur_and_does_not_hide_one(suffix: str) -> None:
    assert Cause.MASK_BLUR not in named(encode(suffix))
    assert Cause.MASK_BLUR in named(encode(suffix, blend(blur_mask(MASK, 2))))


def test_a_blur_around_a_rectangular_mask_is_no_pasted_crop() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[50:130, :100] = 255
    assert diagnose_files(ORIGINAL, blend(blur_mask(mask, 6)), mask)[0].cause is Cause.MASK_BLUR


def test_a_crop_pasted_without_its_mask_is_a_rectangle() -> None:
    result = EDITED.copy()
    noise = np.random.default_rng(5).normal(0, 6, (96, 112, 3))
    result[52:148, 14:126] = np.clip(result[52:148, 14:126] + noise, 0, 255)
    first, *_ = diagnose_files(ORIGINAL, result, MASK)
    assert first.cause is Cause.PADDING
    assert first.evidence["box"] == "(14, 52, 126, 148)"


def test_the_more_probable_cause_comes_first_and_has_a_fix() -> None:
    for result in (encode(".jpg", blend(blur_mask(MASK, 4))), RESULTS[Cause.WHOLE_REDRAW]):
        likely = diagnose_files(ORIGINAL, result, MASK)
        beliefs = [one.probability for one in likely]
        assert beliefs == sorted(beliefs, reverse=True)
        assert all(one.to_json()["fix"] == one.fix.text for one in likely if one.fix)
        assert all(one.fix for one in likely)


def test_a_change_where_the_mask_repaints_is_no_bleed() -> None:
    mask = np.where(MASK > 0, np.uint8(128), MASK)
    assert diagnose_files(ORIGINAL, EDITED, mask) == (LikelyCause(Cause.NONE, 1.0, 1.0),)
    mask = np.where(MASK > 0, np.uint8(127), MASK)
    assert diagnose_files(ORIGINAL, EDITED, mask)[0].cause is not Cause.NONE


def test_a_pixel_beyond_the_mask_is_a_change() -> None:
    result = EDITED.copy()
    result[5, 5, 1] ^= 1
    assert diagnose_files(ORIGINAL, result, MASK)[0].cause is not Cause.NONE


def test_shares_and_evidence_are_plain_json() -> None:
    for one in diagnose_files(ORIGINAL, RESULTS[Cause.SHIFT], MASK):
        plain = json.loads(json.dumps(one.to_json()))
        assert set(plain) == {"cause", "probability", "share", "evidence", "fix"}
        assert 0 <= plain["share"] <= 1
        assert 0 <= plain["probability"] <= 1


def test_jpeg_leaves_a_comb_that_survives_png() -> None:
    assert measure_comb(ORIGINAL, RESULTS[Cause.JPEG]).growth > 0.3
    assert measure_comb(ORIGINAL, EDITED).growth < 0.1


def test_formats_leave_their_lattice() -> None:
    assert measure_lattice(ORIGINAL).limited < 0.3
    assert measure_lattice(RESULTS[Cause.WEBP]).limited > 0.95
    assert measure_lattice(RESULTS[Cause.JPEG]).full > 0.95


@pytest.mark.parametrize("size", [(8, 8), (17, 40), (40, 17), (64, 64)])
def test_small_pictures_are_diagnosed(size: tuple[int, int]) -> None:
    width, height = size
    part = np.s_[100 : 100 + height, 70 : 70 + width]
    for cause in (Cause.JPEG, Cause.SHIFT):
        result = np.ascontiguousarray(RESULTS[cause][part])
        assert diagnose_files(ORIGINAL[part], result, MASK[part])


@pytest.mark.parametrize("level", [0, 255], ids=["blank", "full"])
def test_a_mask_without_an_edge_is_diagnosed(level: int) -> None:
    mask = np.full(MASK.shape, level, np.uint8)
    assert diagnose_files(ORIGINAL, RESULTS[Cause.WEBP], mask)


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        diagnose_files(ORIGINAL, EDITED[1:], MASK)


@pytest.mark.parametrize("shape", ["original", "result", "mask"])
def test_every_size_is_compared(shape: str) -> None:
    pictures = {"original": ORIGINAL, "result": EDITED, "mask": MASK}
    pictures[shape] = pictures[shape][:, 1:]
    original, result, mask = pictures.values()
    sizes = r"\(192, 25[56], 3\), \(192, 25[56], 3\), \(192, 25[56]\)"
    with pytest.raises(ValueError, match=f"sizes differ: {sizes}"):
        diagnose_files(original, result, mask)


# --- what the file tells -----------------------------------------------------------------------

INFOTEXT = (
    "a cat\nSteps: 20, Size: 640x448, Denoising strength: 0.75, Mask blur: 6.5, "
    "Inpaint area: Only masked, Masked area padding: 24, Face restoration: CodeFormer, "
    "Soft inpainting enabled: True, Bleed outside: 0 of 22848"
)


def test_the_infotext_is_read_whole() -> None:
    assert read_told(INFOTEXT) == Told(
        mask_blur=6.5,
        uses_mask=True,
        samples=True,
        has_soft_inpainting=True,
        face_restoration="CodeFormer",
        is_guarded=True,
        padding=24,
        size=(640, 448),
    )


def test_a_file_that_tells_nothing() -> None:
    assert read_told("") == read_told("a photograph, Mask blurred, my Size: large") == Told()


@pytest.mark.parametrize(
    ("infotext", "told"),
    [
        ("Mask blur: 4, Steps: 20", Told(mask_blur=4, uses_mask=True)),
        ("Mask blur: .", Told(uses_mask=True)),
        ("Mask blur: 4.", Told(mask_blur=4, uses_mask=True)),
        ("Inpaint area: Whole picture", Told(uses_mask=True)),
        ("Masked content: original", Told(uses_mask=True)),
        ("Masked area padding: 32", Told()),
        ("Inpaint area: Only masked", Told(uses_mask=True)),
        ("Face restoration: GFPGAN\nCodeFormer, x", Told(face_restoration="GFPGAN")),
        ("Postprocess CodeFormer visibility: 0.5, x", Told(is_reworked=True)),
        ("Hires upscale: 2", Told(is_reworked=True)),
        ("Soft inpainting enabled: False", Told()),
        ("Bleed outside: 12 of 22848", Told()),
        ("Bleed outside: 0 of 22848", Told(is_guarded=True)),
    ],
)
def test_each_setting_is_read_by_itself(infotext: str, told: Told) -> None:
    assert read_told(infotext) == told


# --- scenes ------------------------------------------------------------------------------------

CROP = Box(16, 48, 128, 160)
CHANGED = np.zeros(MASK.shape, bool)
CHANGED[40:140, 20:140] = True


def far(*causes: str, **values: Any) -> Far:
    """Far from the mask those effects, each with evidence."""
    effects = tuple(
        Effect(Cause(cause), lambda picture: picture, 0.9, 1.0, {"told": cause}) for cause in causes
    )
    nothing = Lattice(0.0, 0.0)
    fields = {"changed": 0.75, "structure": 0.9876, "effects": effects, **values}
    return Far(
        Box(0, 0, 256, 192), comb=Comb(0.0, 0.0, 50), before=nothing, after=nothing, **fields
    )


def signals(scene: Scene, told: Told = Told(), mask: np.ndarray = MASK) -> dict[str, float]:  # noqa: B008
    return list_signals(scene, told, mask)


def test_every_weight_has_its_signal() -> None:
    known = signals(Scene(far())).keys() | {"bias"}
    assert {name for weights in WEIGHTS.values() for name in weights} <= known


@pytest.mark.parametrize("cause", FOUND)
def test_an_effect_that_is_found_is_a_signal_and_the_others_are_not(cause: str) -> None:
    seen = signals(Scene(far(cause)))
    assert {name: seen[name] for name in FOUND} == {name: float(name == cause) for name in FOUND}


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e9])
def test_signals_are_bounded(size: float) -> None:
    """However strong what is seen is, no signal outweighs all the others."""
    excesses = {"excess": size, "slow_excess": size, "calm_excess": size}
    rim = Rim(1, int(size), 10, 1, 1, 1, max(size, 1), 99, 1)
    scene = Scene(far("jpeg", "webp", **excesses), CROP, rim, Patch(2**30, size, CROP))
    seen = signals(scene, read_told(INFOTEXT))
    assert max(map(abs, seen.values())) <= 6
    bound = {"excess": 4, "slow": 6, "calm": 6, "slow_sampled": 6, "reach": 2, "decay": 5}
    if size > 1:
        assert {name: seen[name] for name in bound} == bound
        assert seen["patch_ratio"] == 5
    else:
        least = {"excess": -4, "slow": -4, "calm": -4, "slow_sampled": 0, "reach": 0, "decay": 0}
        assert {name: pytest.approx(seen[name], abs=0.4) for name in least} == least
        assert seen["slow_jpeg"] == -1


@pytest.mark.parametrize(("times", "doublings"), [(0.5, -1), (1, 0), (2, 1), (8, 3)])
def test_a_doubling_of_the_excess_is_one_more(times: float, doublings: float) -> None:
    seen = far("jpeg", "webp", excess=times, slow_excess=times, calm_excess=times)
    told = signals(Scene(seen, rim=Rim(decay=times)), Told(samples=True))
    for name in ("excess", "slow", "calm", "calm_webp", "slow_webp", "slow_jpeg"):
        assert told[name] == pytest.approx(doublings, abs=0.15), name
    for name in ("slow_sampled", "decay"):
        assert told[name] == pytest.approx(max(doublings, 0), abs=0.15), name


def test_a_formats_signals_are_its_own() -> None:
    plain, jpeg, webp = (
        signals(Scene(far(*names, slow_excess=8, calm_excess=8)))
        for names in ((), ("jpeg",), ("webp",))
    )
    of_webp, of_jpeg = ("calm_webp", "slow_webp"), ("slow_jpeg",)
    assert all(plain[name] == 0 for name in (*of_webp, *of_jpeg))
    assert all(webp[name] > 2.9 and jpeg[name] == 0 for name in of_webp)
    assert all(jpeg[name] > 2.9 and webp[name] == 0 for name in of_jpeg)
    assert plain["slow_sampled"] == 0


SOFT = np.where(MASK > 0, 255, 0).astype(np.uint8)
SOFT[95:105] = np.where(MASK[95:105] > 0, 90, 0)


def test_a_rim_counts_for_grey_masks_by_its_grey_part() -> None:
    rim = Rim(touched=0.8, reach=8, grey=0.25, beyond=0.3, even=0.4, pull=0.5)
    plain, soft = (signals(Scene(far(), rim=rim), mask=mask) for mask in (MASK, SOFT))
    for seen in (plain, soft):
        assert (seen["touched"], seen["pull"], seen["grey"]) == (0.8, 0.5, 0.25)
        assert (seen["beyond"], seen["even"], seen["reach"]) == (0.3, 0.4, 0.5)
        assert seen["soft_touched"] == pytest.approx(0.2)
        assert seen["plain_touched"] == pytest.approx(0.6)
    assert (plain["soft"], plain["soft_pull"], plain["plain_pull"], plain["pulled"]) == (
        0,
        0,
        0.5,
        1,
    )
    assert (soft["soft"], soft["soft_pull"], soft["plain_pull"], soft["pulled"]) == (1, 0.5, 0, 0)


def test_a_weak_pull_is_none_and_noise_makes_it_unsteady() -> None:
    def pulled(pull: float, **values: float) -> tuple[float, float]:
        seen = signals(Scene(far(**values), rim=Rim(pull=pull)))
        return seen["pulled"], seen["pulled_steadily"]

    assert pulled(0.1) == (0, 0)
    assert pulled(0.3) == (1, 1)
    assert pulled(0.3, excess=2) == (1, 0)


NOISY = {"excess": 2.1, "slow_excess": 2.1, "calm_excess": 2.1}
OWN_SIZE = Told(samples=True, size=(WIDTH, HEIGHT))


@pytest.mark.parametrize(
    ("scene", "told", "resize", "faces"),
    [
        (far("resize", "face_restore"), Told(), 1, 1),
        (far("resize", "face_restore", excess=1.9), Told(), 1, 1),
        (far("resize", "face_restore", **NOISY), Told(), 0.5, 0),
        (far("resize", "face_restore", "jpeg", calm_excess=0.9), Told(), 1, 1),
        (far("resize", "face_restore", "jpeg", calm_excess=1.1), Told(), 0.5, 0),
        (far("resize", "face_restore", **NOISY), Told(face_restoration="GFPGAN"), 0.5, 1),
        (far("resize", "face_restore"), Told(samples=True), 1, 0),
        (far("resize", "face_restore"), OWN_SIZE, 1, 0),
        (far("resize", excess=1.1), OWN_SIZE, 0, 0),
        (far("resize", excess=1.1), OWN_SIZE._replace(size=(WIDTH, HEIGHT + 7)), 0, 0),
        (far("resize", excess=1.1), OWN_SIZE._replace(size=(WIDTH, HEIGHT + 8)), 1, 0),
        (far("resize", excess=1.1), OWN_SIZE._replace(is_reworked=True), 1, 0),
    ],
)
def test_what_smooths_is_believed_unless_noise_or_the_file_speaks_against_it(
    scene: Far, told: Told, resize: float, faces: float
) -> None:
    seen = signals(Scene(scene), told)
    assert (seen["resize"], seen["face_restore"]) == (resize, faces)
    if 0 in (resize, faces) and "face_restore" in (one.cause.value for one in scene.effects):
        assert seen["noisy"] == 1, "what is not believed is left unexplained"


def test_a_large_patch_counts_by_its_size_and_strength() -> None:
    small, large = (
        signals(Scene(far(), patch=Patch(pixels, 3, CROP))) for pixels in (1023, 2**20 - 1)
    )
    assert (small["patch"], large["patch"]) == (1, 2)
    assert small["patch_ratio"] == 2
    assert signals(Scene(far()))["patch"] == signals(Scene(far()))["patch_ratio"] == 0


@pytest.mark.parametrize(
    ("seen", "is_noise"),
    [
        (far(), False),
        (far(excess=0.9, slow_excess=2.9), False),
        (far(excess=1.1), True),
        (far(slow_excess=3.1), True),
        (far("shift", excess=1.1), True),
        (far("jpeg", excess=9, slow_excess=9), False),
        (far("jpeg", calm_excess=0.4), False),
        (far("jpeg", calm_excess=0.6), True),
        (far("color_shift", "jpeg", calm_excess=0.6), True),
        (far("webp", calm_excess=1.6), False),
        (far("webp", calm_excess=1.8), True),
        (far("avif", excess=0.9, calm_excess=9), False),
    ],
)
def test_noise_is_what_a_format_does_not_foretell(seen: Far, is_noise: bool) -> None:
    assert tell_noise(seen) == is_noise
    plain, sampled = (signals(Scene(seen), Told(samples=samples)) for samples in (False, True))
    assert plain["noisy"] == sampled["noisy"] == sampled["noisy_sampled"] == float(is_noise)
    assert plain["noisy_sampled"] == 0
    assert plain["unpasted"] == float(is_noise)


@pytest.mark.parametrize("cause", ["color_correction", "face_restore"])
def test_what_a_paste_back_would_hide_shows_that_there_was_none(cause: str) -> None:
    assert signals(Scene(far(cause)))["unpasted"] == 1
    assert signals(Scene(far("shift")))["unpasted"] == 0


BLURRED = Told(mask_blur=4)


@pytest.mark.parametrize(
    ("scene", "told", "counts"),
    [
        (Scene(far()), BLURRED, True),
        (Scene(far()), Told(), False),
        (Scene(far()), BLURRED._replace(is_guarded=True), False),
        (Scene(far()), BLURRED._replace(has_soft_inpainting=True), False),
        (Scene(far(excess=2)), BLURRED, False),
        (Scene(far("face_restore")), BLURRED, False),
        (Scene(far(), CROP), BLURRED, False),
        (Scene(far(is_redrawn=True)), BLURRED, False),
    ],
)
def test_a_blur_that_is_told_counts_unless_something_else_tells_why(
    scene: Scene, told: Told, counts: bool
) -> None:
    assert signals(scene, told)["told_blur"] == float(counts)


def test_what_is_told_is_a_signal() -> None:
    told, untold = signals(Scene(far()), read_told(INFOTEXT)), signals(Scene(far()))
    for name in ("told_soft", "told_face"):
        assert (told[name], untold[name]) == (1, 0)
    assert (signals(Scene(far(), CROP))["crop"], untold["crop"]) == (1, 0)


@pytest.mark.parametrize("level", [0, 127, 128])
@pytest.mark.parametrize("uses_mask", [False, True])
@pytest.mark.parametrize("is_redrawn", [False, True])
def test_a_redraw_in_spite_of_a_mask_is_told_apart(
    level: int, uses_mask: bool, is_redrawn: bool
) -> None:
    """A blank mask makes the host redraw the picture; one that is not blank does not."""
    mask = np.full(MASK.shape, level, np.uint8)
    seen = signals(Scene(far(is_redrawn=is_redrawn)), Told(uses_mask=uses_mask), mask)
    assert seen["redrawn"] == float(is_redrawn)
    assert seen["redrawn_by_mask"] == float(is_redrawn and uses_mask and level == 128)


# --- a crop the file tells of ------------------------------------------------------------------

ONLY_MASKED = Told(mask_blur=4, padding=20, size=(512, 512))


def make_cells(inner: float, outer: float, told: Told = ONLY_MASKED) -> np.ndarray:
    """What is left, cell by cell of 8 px, with that much in the host's crop and beyond it."""
    box = crop_box(blur_mask(MASK, 4), padding=told.padding or 0, size=told.size)
    assert box is not None
    levels = np.full(MASK.shape, outer, np.float32)
    levels[box.slices] = inner
    return cv2.resize(levels, (32, 24), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("times", [1, 2, 3, 100, 0.2])
def test_a_told_crop_is_measured_by_how_much_more_it_has(times: float) -> None:
    cells = make_cells(times * 1.1 - 0.1, 1)
    expected = min(max(math.log(times), 0), 1.5)
    assert measure_told_crop(cells, ONLY_MASKED, MASK) == pytest.approx(expected, abs=0.01)
    seen = signals(Scene(far(), cells=cells), ONLY_MASKED)
    assert seen["told_crop"] == pytest.approx(expected, abs=0.01)
    assert seen["told_cropped"] == float(times > 1.5)


def test_cells_of_which_nothing_is_known_tell_nothing_of_the_crop() -> None:
    cells = make_cells(20, 10)
    expected = measure_told_crop(cells, ONLY_MASKED, MASK)
    cells[12:14] = np.nan
    assert measure_told_crop(cells, ONLY_MASKED, MASK) == pytest.approx(expected)
    cells[2:] = np.nan
    assert measure_told_crop(cells, ONLY_MASKED, MASK) == 0


@pytest.mark.parametrize(
    "told",
    [
        ONLY_MASKED._replace(padding=None),
        ONLY_MASKED._replace(size=(0, 512)),
        ONLY_MASKED._replace(size=(512, 0)),
        ONLY_MASKED._replace(padding=400),
    ],
)
def test_no_crop_is_measured_where_none_is_told_or_it_is_all(told: Told) -> None:
    assert measure_told_crop(make_cells(20, 10), told, MASK) == 0


def test_no_crop_is_measured_without_cells_or_mask() -> None:
    cells = make_cells(20, 10)
    assert measure_told_crop(np.zeros((0, 0), np.float32), ONLY_MASKED, MASK) == 0
    assert measure_told_crop(cells, ONLY_MASKED, np.zeros_like(MASK)) == 0


def test_a_told_crop_without_a_rectangle_is_its_padding() -> None:
    scene = Scene(far(), cells=make_cells(30, 10))
    first = rank_causes(scene, ONLY_MASKED, MASK, CHANGED)[0]
    untold = rank_causes(scene, ONLY_MASKED._replace(padding=None), MASK, CHANGED)
    assert first.cause is Cause.PADDING
    assert untold[0].cause is not Cause.PADDING


# --- from signals to causes --------------------------------------------------------------------


def test_signals_that_are_all_nothing_leave_the_bias() -> None:
    """The logistic function of each cause's weights."""
    nothing = {name: 0.0 for weights in WEIGHTS.values() for name in weights if name != "bias"}
    for cause, belief in weigh(nothing).items():
        assert math.log(belief / (1 - belief)) == pytest.approx(WEIGHTS[cause]["bias"])
    for cause, belief in weigh({**nothing, "jpeg": 1.0}).items():
        level = WEIGHTS[cause]["bias"] + WEIGHTS[cause].get("jpeg", 0)
        assert math.log(belief / (1 - belief)) == pytest.approx(level)


@pytest.mark.parametrize("size", [-1e9, 1e9])
def test_probabilities_are_probabilities(size: float) -> None:
    everything = {name: size for weights in WEIGHTS.values() for name in weights}
    for belief in weigh(everything).values():
        assert belief == pytest.approx(0, abs=1e-9) or belief == pytest.approx(1, abs=1e-9)


def test_improbable_causes_are_told_only_if_there_is_no_other() -> None:
    few = rank_causes(Scene(far("jpeg")), Told(), MASK, CHANGED)
    assert few[0].cause is Cause.JPEG
    assert all(one.probability >= 0.05 for one in few)
    (alone,) = rank_causes(Scene(far()), Told(), MASK, CHANGED)
    assert alone.probability < 0.05


def rank(scene: Scene, told: Told = Told()) -> dict[Cause, LikelyCause]:  # noqa: B008
    """All causes of the scene, the improbable ones too: each by a scene in which it is likely."""
    return {one.cause: one for one in rank_causes(scene, told, MASK, CHANGED)}


RIM = Rim(0.8, 6, 1200, 0.25, 0.3, 0.4567, 1.23456, 20, 1.0)


def test_the_share_of_a_rim_is_its_part_of_the_changed_pixels() -> None:
    changed = CHANGED.sum()
    blurred = rank(Scene(far(), rim=RIM._replace(grey=0.0)), BLURRED)[Cause.MASK_BLUR]
    assert blurred.share == pytest.approx(1200 / changed)
    part = rank(Scene(far(), rim=RIM), BLURRED)[Cause.MASK_BLUR]
    assert part.share == pytest.approx(0.75 * 1200 / changed)
    soft = rank_causes(Scene(far(), rim=RIM._replace(grey=0.9)), Told(), SOFT, CHANGED)[0]
    assert soft.cause is Cause.SOFT_MASK
    assert soft.share == pytest.approx(0.9 * 1200 / changed)
    large = rank(Scene(far(), rim=RIM._replace(pixels=10**6)), BLURRED)[Cause.MASK_BLUR]
    assert large.share == 1


def test_the_share_of_a_patch_and_a_crop_is_what_changed_in_them() -> None:
    patch = rank(Scene(far(), patch=Patch(4000, 30, CROP)))[Cause.OTHER_SCRIPT]
    crop = rank(Scene(far(), CROP))[Cause.PADDING]
    share = CHANGED[CROP.slices].sum() / CHANGED.sum()
    assert patch.share == crop.share == pytest.approx(share)
    assert 0 < share < 1
    cells = make_cells(30, 10)
    assert rank(Scene(far(), cells=cells), ONLY_MASKED)[Cause.PADDING].share == 0


def test_the_share_of_what_reaches_everywhere_is_that_of_what_changed_far_from_the_mask() -> None:
    for cause in ("jpeg", "shift", "color_shift"):
        assert rank(Scene(far(cause)))[Cause(cause)].share == 0.75


def test_the_evidence_is_what_was_measured() -> None:
    blurred = rank(Scene(far(), rim=RIM), BLURRED)[Cause.MASK_BLUR]
    assert blurred.evidence == {
        "reach": 6,
        "touched": 0.8,
        "decay": 1.235,
        "grey": 0.25,
        "even": 0.457,
        "infotext": "Mask blur: 4",
    }
    assert rank(Scene(far("shift")))[Cause.SHIFT].evidence == {"told": "shift"}
    patch = rank(Scene(far(), patch=Patch(4000, 30, CROP)))[Cause.OTHER_SCRIPT]
    assert patch.evidence == {"pixels": 4000, "box": "(16, 48, 128, 160)"}
    assert rank(Scene(far(), CROP))[Cause.PADDING].evidence == {"box": "(16, 48, 128, 160)"}
    cells = make_cells(30, 10)
    assert rank(Scene(far(), cells=cells), ONLY_MASKED)[Cause.PADDING].evidence == {}
    redrawn = rank(Scene(far(is_redrawn=True)))[Cause.WHOLE_REDRAW]
    assert redrawn.evidence == {"structure": 0.988}
    noisy = far(excess=9, slow_excess=9, calm_excess=9, noise=4.567)
    assert rank(Scene(noisy))[Cause.VAE].evidence == {"noise": 4.57}
    unlaid = rank(Scene(noisy), Told(samples=True))[Cause.OVERLAY_OFF]
    assert unlaid.evidence == {"noise": 4.57}


def test_the_setting_that_speaks_for_a_cause_is_quoted() -> None:
    told = read_told(INFOTEXT)
    faces = rank(Scene(far("face_restore")), told)[Cause.FACE_RESTORE]
    assert faces.evidence == {"told": "face_restore", "infotext": "Face restoration: CodeFormer"}
    untold = rank(Scene(far("face_restore")))[Cause.FACE_RESTORE]
    assert "infotext" not in untold.evidence
    wide = Rim(1.0, 90, 9000, 0.0, 0.3, 1.0, 1.1, 20, 1.0)
    soft = rank(Scene(far(), rim=wide), told)[Cause.SOFT_INPAINTING]
    assert soft.evidence["infotext"] == "Soft inpainting enabled: True"
    untold = rank(Scene(far(), rim=wide), Told())[Cause.SOFT_INPAINTING]
    assert "infotext" not in untold.evidence


def test_a_cause_is_plain_json_with_rounded_numbers() -> None:
    cause = LikelyCause(Cause.JPEG, 0.123456, 0.654321, {"quality": 80})
    assert cause.to_json() == {
        "cause": "jpeg",
        "probability": 0.123,
        "share": 0.6543,
        "evidence": {"quality": 80},
        "fix": None,
    }


# --- what is seen ------------------------------------------------------------------------------


def test_a_blur_is_seen_at_the_edge_alone() -> None:
    result = RESULTS[Cause.MASK_BLUR]
    scene = look(ORIGINAL, result, MASK)
    changed = (result != ORIGINAL).any(axis=2) & (MASK == 0)
    assert scene.crop is None
    assert scene.patch == Patch()
    assert (scene.far.effects, scene.far.changed) == ((), 0)
    assert scene.rim.pixels == changed.sum()
    assert scene.rim.pull == 1
    assert np.nanmax(scene.cells) > 10 > 1 > np.nanmin(scene.cells)


def test_a_crop_is_seen_and_left_out_of_what_reaches_everywhere() -> None:
    """It takes most of the picture, and would pass for noise everywhere."""
    result, box = EDITED.copy(), Box(10, 20, 200, 180)
    noise = np.random.default_rng(5).normal(0, 6, (box.height, box.width, 3))
    result[box.slices] = np.clip(result[box.slices] + noise, 0, 255)
    scene = look(ORIGINAL, result, MASK)
    assert scene.crop == box
    assert (scene.far.changed, scene.far.noise) == (0, 0)
    assert scene.patch == Patch()


def test_a_patch_is_seen_beside_a_blur_and_beneath_a_format() -> None:
    result = blend(blur_mask(MASK, 4))
    stamp = Box(190, 20, 230, 60)
    result[stamp.slices] = 255 - result[stamp.slices]
    plain, coded = (look(ORIGINAL, one, MASK) for one in (result, encode(".jpg", result)))
    for scene in (plain, coded):
        box, beyond = scene.patch.box, stamp.grown(21)
        assert (box.intersect(stamp), box.around(beyond)) == (stamp, beyond)
        assert scene.patch.pixels >= stamp.area
    assert coded.far.find(Cause.JPEG) is not None
    assert {one.cause for one in diagnose_files(ORIGINAL, result, MASK)} == {
        Cause.MASK_BLUR,
        Cause.OTHER_SCRIPT,
    }


def test_another_picture_is_not_looked_at_further() -> None:
    scene = look(ORIGINAL, RESULTS[Cause.WHOLE_REDRAW], MASK)
    assert scene.far.is_redrawn
    assert (scene.crop, scene.rim, scene.patch) == (None, Rim(), Patch())

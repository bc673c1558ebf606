"""Causes from files alone, on a photograph-like picture with one cause each."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from bleed_guard.core.files_diagnosis import diagnose_files
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import blur_mask
from bleed_guard.core.signals import measure_comb, measure_lattice

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

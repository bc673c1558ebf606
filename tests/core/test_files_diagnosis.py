"""Causes from files alone, on a photograph-like picture with one cause each."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bleed_guard.core.files_diagnosis import diagnose_files
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import blur_mask
from bleed_guard.core.signals import measure_comb

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
    cv2.ellipse(mask, (70, 100), (34, 26), 15, 0, 360, 255, -1)
    return mask


ORIGINAL, MASK = make_picture(), make_mask()
EDITED = np.where(MASK[..., None] > 0, 255 - ORIGINAL, ORIGINAL)


def encode(suffix: str) -> np.ndarray:
    data = cv2.imencode(suffix, EDITED[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
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


def test_jpeg_leaves_a_comb_that_survives_png() -> None:
    assert measure_comb(RESULTS[Cause.JPEG]) > measure_comb(EDITED) + 0.3


def test_sizes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        diagnose_files(ORIGINAL, EDITED[1:], MASK)

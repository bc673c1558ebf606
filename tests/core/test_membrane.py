"""The drift, read around the mask and carried inward."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks._edits import (
    WARM,
    add_noise,
    change_contrast,
    cross_edge,
    draw_masks,
    load_photos,
    shift_picture,
    to_levels,
)
from bleed_guard.core import membrane
from bleed_guard.core.membrane import Drift, measure_drift, read_ring

PHOTOS = load_photos()
MASKS = draw_masks()


def read_drift(
    reference: np.ndarray,
    generated: np.ndarray,
    inside: np.ndarray,
    known: np.ndarray | None = None,
) -> Drift | None:
    known = np.ones_like(inside) if known is None else known
    return measure_drift(generated, read_ring(reference, inside, known))


def drift_of(reference: np.ndarray, generated: np.ndarray, mask: np.ndarray) -> Drift:
    inside = mask >= 128
    drift = read_drift(reference, generated, inside)
    assert drift is not None
    return drift


def misfit_of(drift: Drift) -> np.ndarray:
    """float32 H x W: what still does not match at the edge, carried to every pixel."""
    return drift.grid.spread(drift.misfits, slice(None))


@pytest.mark.parametrize("shape", list(MASKS))
@pytest.mark.parametrize("photo", ["coffee", "grass"])
def test_an_offset_is_read_exactly(photo: str, shape: str) -> None:
    reference, mask = PHOTOS[photo], MASKS[shape]
    drift = drift_of(reference, to_levels(reference + WARM), mask)
    assert drift.offset().shape == reference.shape
    error = np.abs(drift.offset() + WARM)[mask == 255]
    assert error.mean() < 0.2
    assert error.max() < 1.5


def test_an_offset_that_wanders_is_followed() -> None:
    """Warm on the left, cold on the right: the drift of every place is its own."""
    reference, mask = PHOTOS["coffee"], MASKS["ellipse"]
    slope = np.linspace(-20, 20, reference.shape[1])[None, :, None]
    half = to_levels(40 + reference * 0.6)
    drift = drift_of(half, to_levels(half + slope), mask)
    error = np.abs(drift.offset() + slope)[mask == 255]
    assert error.mean() < 1.0


@pytest.mark.parametrize("shape", list(MASKS))
def test_content_that_crosses_the_edge_is_no_drift(shape: str) -> None:
    """A third of the ring shows another photograph; the warm shift alone is read."""
    reference, mask = PHOTOS["coffee"], MASKS[shape]
    edited = cross_edge(reference, mask, PHOTOS["cat"])
    drift = drift_of(reference, to_levels(edited + WARM), mask)
    error = np.abs(drift.offset() + WARM)[mask == 255]
    assert error.mean() < 0.5


def test_noise_does_not_streak_inward() -> None:
    reference, mask = PHOTOS["coffee"], MASKS["ellipse"]
    drift = drift_of(reference, to_levels(add_noise(reference, 10.0)), mask)
    assert np.abs(drift.offset()[mask == 255]).max() < 5
    assert drift.offset()[mask == 255].std() < 1


def test_misfit_tells_a_match_from_a_shift() -> None:
    reference, mask = PHOTOS["coffee"], MASKS["ellipse"]
    inside = mask == 255
    matching = drift_of(reference, to_levels(reference + WARM), mask)
    shifted = drift_of(reference, shift_picture(reference, 3, 0), mask)
    assert misfit_of(matching)[inside].mean() < 0.2
    assert misfit_of(shifted)[inside].mean() > 0.8


@pytest.mark.parametrize(
    ("mask", "known"),
    [
        pytest.param(np.ones((20, 30), bool), np.ones((20, 30), bool), id="full mask: no ring"),
        pytest.param(np.eye(20, 30, dtype=bool), np.zeros((20, 30), bool), id="nothing known"),
    ],
)
def test_where_nothing_can_be_learnt(mask: np.ndarray, known: np.ndarray) -> None:
    reference = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    assert read_drift(reference, 255 - reference, mask, known) is None


def test_a_copy_of_the_reference_teaches_nothing() -> None:
    reference, mask = PHOTOS["coffee"], MASKS["ellipse"] >= 128
    generated = np.where(mask[..., None], reference // 2, reference)
    generated[100:104] //= 2  # a stripe somebody else has edited
    assert read_drift(reference, generated, mask) is None


@pytest.mark.parametrize("side", [1, 7, 10])
def test_a_picture_that_ends_one_latent_from_the_mask_teaches_nothing(side: int) -> None:
    inside = np.zeros((side, side + 1), bool)
    inside[side // 2, side // 2] = True
    reference = np.full((*inside.shape, 3), 100, np.uint8)
    assert read_drift(reference, reference + np.uint8(9), inside) is None


@pytest.mark.parametrize("side", [19, 33, 129])
def test_any_size(side: int) -> None:
    reference = np.full((side, side + 1, 3), 100, np.uint8)
    inside = np.zeros((side, side + 1), bool)
    inside[side // 2, side // 2] = True
    drift = read_drift(reference, reference + np.uint8(9), inside)
    assert drift is not None
    assert drift.offset() == pytest.approx(np.full(reference.shape, -9), abs=1e-3)
    assert misfit_of(drift).shape == inside.shape


def test_nothing_is_learnt_where_nothing_is_known_at_the_edge() -> None:
    reference = np.full((1, 8, 3), 90, np.uint8)
    inside = np.array([[False] * 7 + [True]])
    known = np.array([[True] * 3 + [False] * 5])
    assert read_drift(reference, reference + 9, inside, known) is None


def test_any_rows_of_the_drift_are_those_of_the_whole() -> None:
    """The blends take the drift a few rows at a time."""
    reference = np.tile(PHOTOS["coffee"], (3, 3, 1))
    mask = np.tile(MASKS["ellipse"], (3, 3))
    drift = drift_of(reference, shift_picture(reference, 2, 1), mask)
    for rows in (slice(0, 1), slice(7, 50), slice(50, 51), slice(300, 700)):
        np.testing.assert_allclose(drift.offset(rows), drift.offset()[rows], atol=1e-3)
    some = np.random.default_rng(0).integers(0, mask.size, 2000)
    sampled = drift.grid.find_corners(some).sample(drift.offsets)
    np.testing.assert_allclose(sampled, drift.offset().reshape(-1, 3)[some], atol=1e-3)


@pytest.mark.parametrize("name", ["ellipse", "stroke"])
def test_half_the_rows_and_columns_tell_as_much(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large region only so many are looked at."""
    reference = cv2.resize(PHOTOS["coffee"], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(MASKS[name], None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    paler = change_contrast(reference, 0.85)
    generated = to_levels(add_noise(paler, 4))
    few = drift_of(reference, generated, mask)
    monkeypatch.setattr(membrane, "LARGE", max(reference.shape))
    every = drift_of(reference, generated, mask)
    error, least = (
        np.abs(one.offset() - (reference - paler))[mask == 255].mean() for one in (few, every)
    )
    assert error < 1.03 * least
    assert misfit_of(few).mean() == pytest.approx(misfit_of(every).mean(), rel=0.1)


@pytest.mark.parametrize("shape", [(56, 72), (64, 480)])
def test_drift_and_misfit_have_no_direction(shape: tuple[int, int]) -> None:
    """Of pictures laid on their side it is the same, laid on its side."""
    draw = np.random.default_rng(2)
    reference = draw.integers(60, 180, (*shape, 3), np.uint8)
    reference[:, ::3] //= 2  # stripes: the steps across are not those down
    generated = to_levels(reference + draw.normal(9, 6, reference.shape))
    mask = np.zeros(shape, np.uint8)
    mask[20:36, 30:] = 255
    drift = drift_of(reference, generated, mask)
    turned = drift_of(
        *(np.ascontiguousarray(one.swapaxes(0, 1)) for one in (reference, generated, mask))
    )
    assert np.allclose(turned.offset().swapaxes(0, 1), drift.offset(), atol=0.01)
    assert np.allclose(misfit_of(turned).T, misfit_of(drift), rtol=0.001, atol=0.001)


@pytest.mark.parametrize("period", [1, 2, 4])
def test_misfit_is_a_multiple_of_the_references_own_steps(period: int) -> None:
    """Stairs of so many px a step: the same misfit weighs less where the picture steps more."""
    levels = 60 + 4 * (np.arange(96) // period)
    reference = np.minimum(levels, 230)[None, :, None].repeat(64, 0).repeat(3, 2).astype(np.uint8)
    noise = np.random.default_rng(2).choice([-6, 6], (64, 96, 1))
    mask = np.zeros((64, 96), np.uint8)
    mask[20:44, 10:40] = 255
    found = misfit_of(drift_of(reference, to_levels(reference + noise), mask))[mask == 255].mean()
    lab = cv2.cvtColor(reference.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    near = np.s_[18:46, 8:42]
    across = np.abs(np.diff(lab, axis=1))[near].mean()
    own = max(across / 2, 1.0)  # none of the steps goes down
    moved = cv2.cvtColor((reference + np.float32(6)) / 255, cv2.COLOR_RGB2LAB)[..., 0]
    assert found == pytest.approx((moved - lab)[near].mean() / own, rel=0.15)

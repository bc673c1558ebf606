"""How much bled, how far, where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bleed_guard.core.arrays import differs_outside
from bleed_guard.core.job import Box, Protection, Verdict
from bleed_guard.core.mask import protected_area
from bleed_guard.core.measure import (
    PROFILE_LIMIT,
    ChangeCount,
    count_changes,
    difference,
    measure_bleed,
    measure_farthest,
    measure_seam,
)


def flat(height: int, width: int, level: int = 100) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def row_mask(*levels: int) -> np.ndarray:
    return np.array([levels], np.uint8)


def changed_at(reference: np.ndarray, **changes: int) -> np.ndarray:
    """The reference with the green of column x<N> moved by some levels, e.g. x3=-5."""
    result = reference.astype(int)
    for column, delta in changes.items():
        result[0, int(column[1:]), 1] += delta
    return result.astype(np.uint8)


def test_difference_is_the_largest_over_the_channels() -> None:
    first = np.array([[[10, 20, 30], [0, 255, 9]]], np.uint8)
    second = np.array([[[12, 20, 21], [255, 0, 9]]], np.uint8)
    assert difference(first, second).tolist() == [[9, 255]]


MASK = row_mask(0, 0, 255, 255, 0, 0, 0)
REFERENCE = flat(1, 7)


@pytest.mark.parametrize(
    ("result", "tolerance", "expected"),
    [
        pytest.param(REFERENCE, 0, ChangeCount(5, 0, 0), id="same"),
        pytest.param(changed_at(REFERENCE, x2=50, x3=9), 0, ChangeCount(5, 0, 0), id="inside only"),
        pytest.param(changed_at(REFERENCE, x0=1), 0, ChangeCount(5, 1, 1), id="one level"),
        pytest.param(changed_at(REFERENCE, x0=-2, x5=7), 2, ChangeCount(5, 1, 7), id="tolerance 2"),
        pytest.param(changed_at(REFERENCE, x0=2), 2, ChangeCount(5, 0, 2), id="within tolerance"),
    ],
)
def test_count_changes(result: np.ndarray, tolerance: int, expected: ChangeCount) -> None:
    protected = protected_area(MASK)
    assert count_changes(REFERENCE, result, protected, tolerance=tolerance) == expected


def test_a_report_on_a_row() -> None:
    mask = row_mask(0, 0, 0, 0, 0, 64, 255, 255, 0, 0)
    reference = flat(1, 10)
    result = changed_at(reference, x0=1, x3=-10, x5=3, x6=99, x9=20)
    report = measure_bleed(
        reference, result, mask, predicted_reach=2, crop_box=Box(left=2, top=0, right=9, bottom=1)
    )
    assert report.size == (10, 1)
    assert (report.protected, report.changed, report.max) == (8, 4, 20)
    assert report.mean == (1 + 10 + 3 + 20) / 8
    assert report.reach == 6
    assert report.verdict is Verdict.BLEED
    assert [tuple(zone) for zone in report.zones] == [
        ("soft band", 1, 1, 3, 3.0),
        ("within predicted reach", 3, 1, 20, 20 / 3),
        ("crop box", 2, 1, 10, 5.0),
        ("far", 2, 1, 1, 0.5),
    ]
    assert [tuple(entry) for entry in report.profile] == [
        (1, 2, 1, 3, 1.5),
        (2, 2, 1, 20, 10.0),
        (3, 1, 1, 10, 10.0),
        (4, 1, 0, 0, 0.0),
        (5, 1, 0, 0, 0.0),
        (6, 1, 1, 1, 1.0),
    ]
    assert [(spot.x, spot.difference, spot.distance) for spot in report.worst] == [
        (9, 20, 2),
        (0, 1, 6),
    ]
    assert {level: n for level, n in enumerate(report.histogram) if n} == {
        0: 4,
        1: 1,
        3: 1,
        10: 1,
        20: 1,
    }


@pytest.mark.parametrize(
    ("delta", "tolerance", "verdict", "changed"),
    [
        pytest.param(0, 0, Verdict.CLEAN, 0, id="clean"),
        pytest.param(3, 3, Verdict.WITHIN_TOLERANCE, 0, id="within tolerance"),
        pytest.param(4, 3, Verdict.BLEED, 1, id="bleed"),
    ],
)
def test_verdict(delta: int, tolerance: int, verdict: Verdict, changed: int) -> None:
    result = changed_at(REFERENCE, x0=delta)
    report = measure_bleed(REFERENCE, result, MASK, tolerance=tolerance)
    assert (report.verdict, report.changed, report.max) == (verdict, changed, delta)


def test_a_blank_mask_protects_all_and_reaches_as_far_as_the_picture() -> None:
    reference = flat(4, 6)
    report = measure_bleed(reference, changed_at(reference, x1=9), np.zeros((4, 6), np.uint8))
    assert (report.protected, report.changed, report.reach) == (24, 1, 6)
    assert [(entry.distance, entry.protected) for entry in report.profile] == [(PROFILE_LIMIT, 24)]
    assert report.worst[0].distance == -1
    assert report.seam.ratio == 1.0


def test_a_full_mask_protects_nothing() -> None:
    report = measure_bleed(flat(4, 6), flat(4, 6, 9), np.full((4, 6), 255, np.uint8))
    assert (report.protected, report.changed, report.max, report.p99) == (0, 0, 0, 0.0)
    assert (report.verdict, report.profile) == (Verdict.CLEAN, ())


def test_p99_leaves_out_the_worst_pixel_of_two_hundred() -> None:
    reference = flat(1, 200)
    report = measure_bleed(reference, changed_at(reference, x7=80), row_mask(*[0] * 200))
    assert (report.p99, report.max) == (0.0, 80)


def test_sizes_are_named_when_they_differ() -> None:
    with pytest.raises(ValueError, match=r"reference 7 x 1, generated 6 x 2, mask 7 x 1"):
        measure_bleed(REFERENCE, flat(2, 6), MASK)


@pytest.mark.parametrize(
    "levels",
    [
        pytest.param([0, 0, 0, 0], id="flat and unchanged"),
        pytest.param([0, 1, 1, 0], id="a step nobody sees"),
        pytest.param([0, 0, 200, 200], id="a step beside the edge"),
    ],
)
def test_no_seam_where_nothing_shows(levels: list[int]) -> None:
    picture = np.repeat(np.array([levels], np.uint8)[..., None], 3, axis=2)
    seam = measure_seam(flat(1, 4, 0), picture, row_mask(0, 255, 255, 255))
    assert (seam.pairs, seam.ratio) == (1, 1.0)


def test_seam_ratio_compares_with_the_originals_own_step() -> None:
    ramp = np.repeat(np.array([[100, 110, 120, 130]], np.uint8)[..., None], 3, axis=2)
    mask = row_mask(0, 0, 255, 255)
    assert measure_seam(ramp, ramp, mask).ratio == 1.0
    shifted = ramp.copy()
    shifted[0, 2:] += 10
    seam = measure_seam(ramp, shifted, mask)
    assert seam.pairs == 1
    assert seam.ratio == pytest.approx(2.0, abs=0.1)


pictures = hnp.arrays(np.uint8, st.tuples(st.integers(1, 16), st.integers(1, 16), st.just(3)))


@given(pictures, st.data())
def test_zones_profile_and_totals_agree(reference: np.ndarray, data: st.DataObject) -> None:
    shape = reference.shape[:2]
    result = data.draw(hnp.arrays(np.uint8, reference.shape))
    mask = data.draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 127, 128, 255])))
    protection = data.draw(st.sampled_from(list(Protection)))
    protected = protected_area(mask, protection, band=2)
    tolerance = data.draw(st.integers(0, 255))
    report = measure_bleed(
        reference,
        result,
        mask,
        tolerance=tolerance,
        protected=protected,
        predicted_reach=data.draw(st.integers(0, 5)),
        crop_box=data.draw(st.sampled_from([None, Box(0, 0, 1, 1), Box(0, 0, *shape[::-1])])),
    )
    values = difference(reference, result)[protected]
    assert report.protected == values.size
    assert report.changed == np.count_nonzero(values > tolerance)
    assert report.max == values.max(initial=0)
    for parts in (report.zones, report.profile):
        assert sum(part.protected for part in parts) == report.protected
        assert sum(part.changed for part in parts) == report.changed
        assert max((part.max for part in parts), default=0) == report.max
        total = sum(part.mean * part.protected for part in parts)
        assert total == pytest.approx(report.mean * report.protected)
    assert sum(report.histogram) == report.protected
    count = count_changes(reference, result, protected, tolerance=tolerance)
    assert (count.protected, count.changed, count.max) == (
        report.protected,
        report.changed,
        report.max,
    )


@pytest.mark.parametrize(
    "box", [Box(3, 2, 9, 6), Box(0, 0, 12, 8), Box(0, 0, 0, 0), Box(0, 3, 5, 8)]
)
def test_differs_outside_is_what_comparing_every_pixel_says(box: Box) -> None:
    first = np.random.default_rng(4).integers(0, 256, (8, 12, 3), np.uint8)
    assert not differs_outside(first, first.copy(), box)
    for y, x in np.ndindex(8, 12):
        second = first.copy()
        second[y, x, 1] ^= 1
        inside = box.left <= x < box.right and box.top <= y < box.bottom
        assert differs_outside(first, second, box) == (not inside)


@pytest.mark.parametrize("far", [3, 31, 70, 200, 500])
def test_the_farthest_pixel_is_found_whatever_was_guessed(far: int) -> None:
    inside = np.zeros((600, 900), bool)
    inside[20:90, 30:200] = True
    area = np.zeros_like(inside)
    area[50, 199 + far] = area[92, 100] = area[40, 60] = True
    for guess in (0, 2, 3, 4, 31, far - 1, far, far + 1):
        assert measure_farthest(area, inside, guess) == far
        assert measure_farthest(area.T.copy(), inside.T.copy(), guess) == far
    assert measure_farthest(np.zeros_like(area), inside) == 0
    assert measure_farthest(area[:0], inside[:0], far) == 0
    assert measure_farthest(area, np.zeros_like(inside), far) == 900

"""What two pictures tell by numbers alone, against what was done to one of them."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.signals import (
    Comb,
    Shift,
    fit_colors,
    luma_steps,
    measure_comb,
    measure_lattice,
    measure_shift,
    share_at_ends,
)

WIDTH, HEIGHT = 256, 192


def draw_photo(low: int = 20, high: int = 230) -> np.ndarray:
    """Smooth shapes with a little texture: uint8 H x W x 3."""
    dice = np.random.default_rng(3)
    coarse = dice.integers(low, high, (12, 16, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(dice.normal(0, 12, smooth.shape), (0, 0), 1)
    return np.clip(smooth + fine, 0, 255).astype(np.uint8)


PHOTO = draw_photo()
NOISE = np.random.default_rng(4).integers(0, 256, (64, 64, 3), np.uint8)


def encode(picture: np.ndarray, form: str, quality: int, **options: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format=form, quality=quality, **options)
    return np.asarray(Image.open(file).convert("RGB"))


# --- shift -------------------------------------------------------------------------------------


def move(x: float, y: float) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(
        PHOTO, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )


@pytest.mark.parametrize(("x", "y"), [(3, -2), (0, 1), (0.5, 0.25), (-7.3, 4.6)])
def test_a_shift_is_told_by_its_length_and_direction(x: float, y: float) -> None:
    shift = measure_shift(PHOTO, move(x, y))
    assert (shift.x, shift.y) == pytest.approx((x, y), abs=0.15)
    assert shift.length == pytest.approx(np.hypot(x, y), abs=0.15)
    assert 0.8 < shift.response <= 1.001


def test_a_shading_that_stands_still_hides_no_shift() -> None:
    """As where a vignette is put over the moved picture."""
    shade = np.linspace(-60, 60, WIDTH)[None, :, None]
    muted = 60 + PHOTO * 0.5
    first, second = (
        np.clip(picture + shade, 0, 255).astype(np.uint8)
        for picture in (muted, np.roll(muted, (2, 3), (0, 1)))
    )
    shift = measure_shift(first, second)
    assert (shift.x, shift.y) == pytest.approx((3, 2), abs=0.15)


def test_where_the_picture_ends_is_no_content() -> None:
    """New content at the borders does not pass for what stood still."""
    moved = move(6, 0)
    moved[:, :6] = moved[:, -6:] = 128
    assert measure_shift(PHOTO, moved).x == pytest.approx(6, abs=0.15)


def test_unrelated_pictures_have_no_sure_shift() -> None:
    assert measure_shift(PHOTO, np.ascontiguousarray(PHOTO[::-1, ::-1])).response < 0.1


@pytest.mark.parametrize(("height", "is_measured"), [(31, False), (32, True)])
def test_small_parts_tell_no_shift(height: int, is_measured: bool) -> None:
    first, second = PHOTO[:height, :64], move(2, 0)[:height, :64]
    for pair in ((first, second), (first.transpose(1, 0, 2), second.transpose(1, 0, 2))):
        shift = measure_shift(*(np.ascontiguousarray(part) for part in pair))
        assert (shift != Shift(0, 0, 0)) == is_measured


def test_flat_pictures_tell_no_shift() -> None:
    black, grey = np.zeros_like(PHOTO), np.full_like(PHOTO, 90)
    for pair in ((black, PHOTO), (PHOTO, black), (black, black)):
        assert measure_shift(*pair) == Shift(0, 0, 0)
    assert measure_shift(grey, PHOTO).response < 0.1


# --- colors ------------------------------------------------------------------------------------

GAIN, OFFSET = np.array([0.9, 1.05, 1.2]), np.array([10.0, -5.0, -30.0])
PIXELS = PHOTO.reshape(-1, 3)


def recolor(sigma: float = 0.0) -> np.ndarray:
    noise = np.random.default_rng(6).normal(0, sigma, PIXELS.shape)
    return np.clip(np.rint(PIXELS * GAIN + OFFSET + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 8.0])
def test_a_color_line_is_told_by_channel_with_the_noise_on_it(sigma: float) -> None:
    line = fit_colors(PIXELS, recolor(sigma))
    assert line.gain == pytest.approx(GAIN, abs=0.01)
    assert line.offset == pytest.approx(OFFSET, abs=1.2)
    assert line.step == pytest.approx(128 * (GAIN - 1) + OFFSET, abs=0.3)
    assert line.noise == pytest.approx([sigma] * 3, abs=0.05 * sigma + 0.15)


def test_a_line_without_noise_is_exact() -> None:
    line = fit_colors(PIXELS, recolor())
    assert line.gain == pytest.approx(GAIN, abs=0.0005)
    assert line.offset == pytest.approx(OFFSET, abs=0.05)
    assert max(line.noise) < 0.5


def test_what_was_edited_moves_the_line_little() -> None:
    """A tenth of the pixels are new content: least squares would be off by more than 10 levels."""
    edited = recolor(1)
    edited[::10] = 250 - edited[::10]
    line = fit_colors(PIXELS, edited)
    assert line.gain == pytest.approx(GAIN, abs=0.03)
    assert line.offset == pytest.approx(OFFSET, abs=4)


def test_clipped_levels_say_nothing() -> None:
    """Half of the picture is cut at one end or the other; the rest tells the line."""
    levels = np.repeat(np.arange(256, dtype=np.uint8), 20)[:, None].repeat(3, axis=1)
    for gain, offset in ((2.0, -128.0), (2.5, -20.0)):
        cut = np.clip(np.rint(levels * gain + offset), 0, 255).astype(np.uint8)
        assert fit_colors(levels, cut).gain == pytest.approx([gain] * 3, abs=0.003)
        back = fit_colors(cut, levels)
        assert back.gain == pytest.approx([1 / gain] * 3, abs=0.003)


@pytest.mark.parametrize("end", [[3] * 8 + [252] * 8, [0] * 8 + [255] * 8])
def test_levels_at_the_ends_are_left_out(end: list[int]) -> None:
    """16 pixels tell a line; those that may be cut are none of them."""
    inner = np.arange(40, 200, 10, dtype=np.uint8)[:, None].repeat(3, axis=1)
    ends = np.array(end, np.uint8)[:, None].repeat(3, axis=1)
    first, second = np.vstack([inner, ends]), np.vstack([inner + 9, 255 - ends])
    for pair in ((first, second), (second, first)):
        line = fit_colors(*pair)
        assert line.gain == pytest.approx([1] * 3, abs=1e-6)
        assert line.noise == pytest.approx([0] * 3, abs=1e-6)


@pytest.mark.parametrize(("count", "is_told"), [(15, False), (16, True)])
def test_a_few_pixels_tell_no_line(count: int, is_told: bool) -> None:
    levels = np.arange(40, 200, 10, dtype=np.uint8)[:count, None].repeat(3, axis=1)
    line = fit_colors(levels, levels + np.uint8(9))
    assert line.offset == pytest.approx([9 * is_told] * 3)
    assert (line.gain, line.noise) == (pytest.approx([1] * 3), pytest.approx([0] * 3, abs=1e-6))
    assert line.is_told == (is_told,) * 3


def test_a_channel_without_levels_between_the_ends_tells_no_line() -> None:
    levels = np.arange(40, 200, 10, dtype=np.uint8)[:, None].repeat(3, axis=1)
    levels[:, 2] = 0
    assert fit_colors(levels, levels).is_told == (True, True, False)


@pytest.mark.parametrize(("level", "share"), [(0, 1), (3, 1), (4, 0), (251, 0), (252, 1), (255, 1)])
def test_levels_at_the_ends_are_counted(level: int, share: float) -> None:
    assert share_at_ends(np.full((8, 3), level, np.uint8)) == share
    assert share_at_ends(np.zeros((0, 3), np.uint8)) == 0


def test_levels_4_and_251_are_not_cut() -> None:
    ends = np.repeat(np.array([4, 251], np.uint8), 8)[:, None].repeat(3, axis=1)
    middle = np.full_like(ends, 100)
    assert fit_colors(ends, middle).offset != (0, 0, 0)
    assert fit_colors(middle, ends).offset != (0, 0, 0)


def test_a_flat_picture_tells_an_offset_and_no_gain() -> None:
    flat = np.full((100, 3), 90, np.uint8)
    line = fit_colors(flat, flat + np.uint8(12))
    assert (line.gain, line.offset, line.noise) == ((1, 1, 1), (12, 12, 12), (0, 0, 0))


# --- JPEG --------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", range(1, 101))
def test_the_steps_are_those_the_encoder_writes(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, format="JPEG", quality=quality)
    table = np.array(Image.open(file).quantization[0]).reshape(8, 8)  # type: ignore[attr-defined]
    low = np.add.outer(np.arange(5), np.arange(5)) < 5
    assert np.array_equal(luma_steps(quality)[low], table[:5, :5][low])


@pytest.mark.parametrize("quality", [25, 40, 49, 60, 75, 85, 92, 95])
def test_a_comb_tells_the_quality(quality: int) -> None:
    comb = measure_comb(PHOTO, encode(PHOTO, "JPEG", quality))
    assert comb.quality == pytest.approx(quality, abs=1)
    assert comb.growth > 0.45
    assert comb.score <= 1


def test_a_comb_is_sharp_where_the_steps_are_wide() -> None:
    scores = [measure_comb(PHOTO, encode(PHOTO, "JPEG", one)).score for one in (40, 75, 90)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.97


def test_a_comb_the_original_has_too_is_no_growth() -> None:
    once = encode(PHOTO, "JPEG", 60)
    assert measure_comb(once, once).growth == 0
    assert measure_comb(PHOTO, PHOTO).growth == 0
    assert measure_comb(once, PHOTO).growth < 0.1


def test_a_part_of_a_block_at_the_border_is_left_out() -> None:
    coded = encode(PHOTO, "JPEG", 60)
    whole = measure_comb(PHOTO[:96, :128], coded[:96, :128])
    cut = measure_comb(PHOTO[:103, :135], coded[:103, :135])
    assert cut == whole


@pytest.mark.parametrize("size", [(7, 64), (64, 7)])
def test_less_than_a_block_has_no_comb(size: tuple[int, int]) -> None:
    part = PHOTO[: size[0], : size[1]]
    comb = measure_comb(part, part)
    assert (comb.score, comb.growth) == (0, 0)


def test_a_few_blocks_have_no_comb_and_some_have() -> None:
    coded = encode(PHOTO, "JPEG", 60)
    combs: list[Comb] = [
        measure_comb(PHOTO[:side, :side], coded[:side, :side]) for side in (16, 64)
    ]
    assert combs[0].score == 0
    assert combs[1].score > 0.9


# --- lattices ----------------------------------------------------------------------------------

MUTED = draw_photo(60, 190)


@pytest.mark.parametrize("subsampling", [0, 2])
@pytest.mark.parametrize("quality", [60, 95, 100])
def test_every_pixel_of_a_decoded_jpeg_is_on_its_lattice(quality: int, subsampling: int) -> None:
    lattice = measure_lattice(encode(MUTED, "JPEG", quality, subsampling=subsampling))
    assert lattice.full > 0.999
    assert lattice.limited < 0.3


@pytest.mark.parametrize("quality", [50, 90])
def test_every_pixel_of_a_decoded_webp_is_on_its_lattice(quality: int) -> None:
    lattice = measure_lattice(encode(MUTED, "WEBP", quality))
    assert lattice.limited > 0.999
    assert lattice.full < 0.3


BLACK, WHITE, RED, GREEN = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0)
BLUE, YELLOW = (0, 0, 255), (255, 255, 0)


@pytest.mark.parametrize("color", [BLACK, WHITE, RED, GREEN, BLUE, YELLOW])
def test_the_strongest_colors_of_a_decoded_file_are_on_its_lattice(color: tuple[int, ...]) -> None:
    """Their levels are cut at 0 and 255."""
    flat = np.full((32, 32, 3), color, np.uint8)
    assert measure_lattice(encode(flat, "JPEG", 95, subsampling=0)).full == 1
    assert measure_lattice(encode(flat, "WEBP", 90)).limited == 1


def test_other_colors_are_on_a_lattice_by_chance() -> None:
    """One color in four has 8-bit Y, Cb, Cr of its own, one in six to seven in limited range."""
    lattice = measure_lattice(NOISE)
    assert lattice.full == pytest.approx(0.25, abs=0.03)
    assert lattice.limited == pytest.approx(0.152, abs=0.03)


def test_greys_are_all_on_the_full_lattice_and_not_on_the_limited_one() -> None:
    greys = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    lattice = measure_lattice(greys)
    assert lattice.full == 1
    assert lattice.limited == pytest.approx(219 / 256, abs=0.01)


def test_no_pixels_are_on_no_lattice() -> None:
    assert measure_lattice(np.zeros((0, 3), np.uint8)) == (0, 0)

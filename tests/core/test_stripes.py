"""What is read and compared in stripes is what it is in one piece."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core import stripes
from bleed_guard.core.geometry import flatten_image
from bleed_guard.core.job import Box
from bleed_guard.core.stripes import differs_from, find_open_box, read_layer, read_pixels, read_raw

OPEN_ENCODER = stripes._open_encoder
WIDTH, HEIGHT = 12, 9
BOXES = (Box(3, 2, 9, 6), Box(0, 0, 12, 9), Box(0, 0, 0, 0), Box(0, 3, 5, 9), Box(4, 0, 12, 1))


@pytest.fixture(autouse=True, params=["fast", "plain", "short"])
def stripes_of_two_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one has one row. "plain" is a Pillow without the fast way, "short" one whose
    encoder gives less than it is asked for."""
    monkeypatch.setattr(stripes, "STRIPE", 2 * WIDTH)
    monkeypatch.setattr(stripes, "PLAIN_STRIPE", 2 * WIDTH)
    if request.param == "plain":
        monkeypatch.setattr(stripes, "_open_encoder", lambda *_: None)
    if request.param == "short":
        monkeypatch.setattr(stripes, "_open_encoder", lambda *_: lambda size: bytes(size - 1))


def make_levels(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, channels), np.uint8)


def make_picture(mode: str) -> Image.Image:
    picture = Image.fromarray(make_levels(4), "RGBA")
    return picture if mode == "RGBA" else picture.convert("RGB").convert(mode)


def test_the_fixture_makes_stripes() -> None:
    picture, everything = make_picture("RGB"), Box(0, 0, WIDTH, HEIGHT)
    cut = [
        (stripe.top, levels.shape) for stripe, levels in read_raw(picture, everything, "RGBX", 4)
    ]
    assert [top for top, _ in cut] == [0, 2, 4, 6, 8]
    assert [shape[0] for _, shape in cut] == [2, 2, 2, 2, 1]


def test_this_pillow_has_the_fast_way() -> None:
    everything = Box(0, 0, WIDTH, HEIGHT)
    assert OPEN_ENCODER(make_picture("RGB"), everything, "RGBX") is not None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"])
@pytest.mark.parametrize("box", BOXES)
def test_pixels_are_what_pillow_makes_of_the_whole(mode: str, box: Box) -> None:
    picture = make_picture(mode)
    expected = np.asarray(picture.convert("RGB"))[box.slices]
    np.testing.assert_array_equal(read_pixels(picture, box=box), expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK"])
def test_a_layer_is_the_pixels_with_255_beside_them(mode: str) -> None:
    picture = make_picture(mode)
    layer = read_layer(picture)
    np.testing.assert_array_equal(layer[..., :3], read_pixels(picture))
    assert (layer[..., 3] == 255).all()


@pytest.mark.parametrize(("mode", "channel"), [("L", "L"), ("RGBA", "A")])
def test_a_channel_is_what_pillow_gives(mode: str, channel: str) -> None:
    picture = make_picture(mode)
    expected = np.asarray(picture.getchannel(channel))
    np.testing.assert_array_equal(stripes.read_channel(picture, channel), expected)


def test_transparency_is_laid_on_the_background_as_on_the_whole() -> None:
    picture = make_picture("RGBA")
    base = Image.new("RGBA", picture.size, "#804020")
    base.paste(picture, mask=picture)
    expected = np.asarray(base.convert("RGB"))
    np.testing.assert_array_equal(flatten_image(picture, "#804020"), expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("fill", [255, 7])
@pytest.mark.parametrize("box", BOXES)
def test_every_pixel_outside_the_box_is_compared_and_none_in_it(
    box: Box, fill: int, mode: str
) -> None:
    """`fill` is the byte Pillow keeps beside R, G and B, or the alpha of a picture that has one."""
    reference = make_levels(4)
    reference[..., 3] = 255

    def differs(levels: np.ndarray) -> bool:
        filled = np.concatenate([levels[..., :3], np.full_like(levels[..., :1], fill)], axis=2)
        raw = "RGBX" if mode == "RGB" else "RGBA"
        picture = Image.frombytes(mode, (WIDTH, HEIGHT), filled.tobytes(), "raw", raw)
        return differs_from(reference, picture, outside=box)

    assert not differs(reference)
    for y, x in np.ndindex(HEIGHT, WIDTH):
        other = reference.copy()
        other[y, x, 2] ^= 1
        inside = box.left <= x < box.right and box.top <= y < box.bottom
        assert differs(other) == (not inside)


@pytest.mark.parametrize("box", BOXES)
def test_the_open_box_is_around_all_that_is_not_opaque(box: Box) -> None:
    levels = make_levels(4)
    levels[..., 3] = 255
    assert find_open_box(Image.fromarray(levels, "RGBA")).is_empty
    if box.is_empty:
        return
    levels[box.top, box.right - 1, 3] = 254
    levels[box.bottom - 1, box.left, 3] = 0
    assert find_open_box(Image.fromarray(levels, "RGBA")) == box

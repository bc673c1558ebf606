from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bleed_guard.cli.crop import choose_box
from bleed_guard.cli.place import PLACE_KEY
from bleed_guard.core.job import Box
from bleed_guard.images import read_picture
from bleed_guard.metadata import read_metadata


def read(name: str) -> np.ndarray:
    return read_picture(name).pixels


def edit(name: str, change, *, keep: bool = True, target: str = "") -> None:
    """Change a file's pixels as an editor would, with or without keeping its metadata."""
    image = Image.open(name)
    text = PngInfo()
    for key, value in read_metadata(name).text.items() if keep else ():
        text.add_text(key, value)
    Image.fromarray(change(np.asarray(image))).save(target or name, pnginfo=text)


MASK_BOX = (slice(16, 32), slice(24, 44))  # of the fixture `mask`


@pytest.mark.parametrize(
    ("options", "box"),
    [
        ({"padding": 0, "multiple": 1}, Box(24, 16, 44, 32)),
        ({"padding": 0, "multiple": 8}, Box(22, 16, 46, 32)),
        ({"padding": 4, "multiple": 8}, Box(18, 12, 50, 36)),
        ({"padding": 32, "multiple": 8}, Box(0, 0, 64, 48)),
        ({"size": (20, 16)}, Box(24, 16, 44, 32)),
        ({"size": (64, 20)}, Box(0, 14, 64, 34)),
    ],
)
def test_the_box_lies_around_the_mask(mask, options, box):
    assert choose_box(mask, **options) == box


def test_a_box_at_the_border_is_moved_inside():
    mask = np.zeros((100, 100), np.uint8)
    mask[98:, :3] = 255
    assert choose_box(mask, padding=10, multiple=8) == Box(0, 76, 24, 100)


def test_an_edited_crop_comes_back_under_its_mask(files, run, pixels, mask):
    assert run("crop", "original.png", "mask.png", "-o", "crop.png", "--padding", 2)[0] == 0
    assert read("crop.png").shape == (24, 24, 3)
    edit("crop.png", lambda levels: 255 - levels)
    code, out, _ = run("paste", "original.png", "crop.png", "-o", "out.png", "--blend", "hard")
    assert code == 0
    assert "0 of 2,752 protected pixels differ" in out
    pasted = read("out.png")
    assert np.array_equal(pasted[mask == 0], pixels[mask == 0])
    assert np.array_equal(pasted[mask > 0], 255 - pixels[mask > 0])
    assert PLACE_KEY not in read_metadata("out.png").text


def test_a_feather_stays_inside_the_mask(files, run, pixels, mask):
    run("crop", "original.png", "mask.png", "-o", "crop.png", "--padding", 0, "--multiple", 1)
    edit("crop.png", lambda levels: 255 - levels)
    run("paste", "original.png", "crop.png", "-o", "out.png", "--blend", "feather", "--feather", 3)
    assert run("check", "original.png", "out.png", "mask.png")[0] == 0
    changed = (read("out.png") != pixels).any(axis=2)[MASK_BOX]
    assert changed.mean() > 0.9


def test_a_crop_edited_at_four_times_the_size_does_not_move(files, run):
    """A grating of 8 px period, enlarged and brought back: its phase stays where it was."""
    wave = 127 + 100 * np.sin(2 * np.pi * np.arange(64) / 8)
    grating = np.repeat(np.tile(wave, (48, 1)).astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(grating).save("grating.png")
    run("crop", "grating.png", "mask.png", "-o", "crop.png", "--padding", 4)
    enlarged = (128, 96)
    edit("crop.png", lambda levels: cv2.resize(levels, enlarged, interpolation=cv2.INTER_CUBIC))
    assert run("paste", "grating.png", "crop.png", "-o", "out.png", "--blend", "hard")[0] == 0
    part = (slice(18, 30), slice(28, 40))
    drift = read("out.png")[part].astype(int) - grating[part]
    assert np.abs(drift).max() <= 3  # half a pixel of this grating would be up to 39 levels


def test_a_crop_of_another_picture_is_refused(files, run, pixels):
    run("crop", "original.png", "mask.png", "-o", "crop.png", "--padding", 0)
    Image.fromarray(255 - pixels).save("other.png")
    code, _, err = run("paste", "other.png", "crop.png", "-o", "out.png")
    assert code == 2
    assert err.startswith("crop.png: was cut from another picture than other.png")
    Image.fromarray(pixels[:40]).save("smaller.png")
    code, _, err = run("paste", "smaller.png", "crop.png", "-o", "out.png")
    assert code == 3
    assert err == "crop.png: was cut from a picture of 64 x 48 px, but smaller.png is 64 x 40\n"
    assert not Path("out.png").exists()


def test_a_second_crop_fits_after_the_first_was_pasted(files, run, pixels):
    masks = []
    for number, left in enumerate((4, 44)):
        mask = np.zeros(pixels.shape[:2], np.uint8)
        mask[10:20, left : left + 10] = 255
        masks.append(mask)
        Image.fromarray(mask).save(f"mask{number}.png")
        run("crop", "original.png", f"mask{number}.png", "-o", f"crop{number}.png", "--padding", 3)
        edit(f"crop{number}.png", lambda levels: 255 - levels)
    run("paste", "original.png", "crop0.png", "-o", "first.png", "--blend", "hard")
    assert run("paste", "first.png", "crop1.png", "-o", "both.png", "--blend", "hard")[0] == 0
    inside = (masks[0] | masks[1])[..., None] > 0
    assert np.array_equal(read("both.png"), np.where(inside, 255 - pixels, pixels))


def test_a_crop_stretched_otherwise_is_refused(files, run):
    run("crop", "original.png", "mask.png", "-o", "crop.png", "--padding", 0)
    edit("crop.png", lambda levels: cv2.resize(levels, (48, 48)))
    code, _, err = run("paste", "original.png", "crop.png", "-o", "out.png")
    assert code == 3
    assert err.startswith("crop.png: the crop is 48 x 48 px, expected 24 x 16 as it was cut")


def test_an_editor_that_drops_the_metadata(files, run):
    run("crop", "original.png", "mask.png", "-o", "crop.png", "--padding", 0)
    edit("crop.png", lambda levels: 255 - levels, keep=False, target="edited.png")
    code, _, err = run("paste", "original.png", "edited.png", "-o", "out.png")
    assert code == 2
    assert "holds no place it was cut at" in err
    arguments = ("original.png", "edited.png", "--place", "crop.png", "-o", "out.png")
    assert run("paste", *arguments)[0] == 0
    assert run("check", "original.png", "out.png", "mask.png")[0] == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda place: "nonsense",
        lambda place: "[" * 100_000,
        lambda place: json.dumps([]),
        lambda place: json.dumps({**place, "box": [0, 0, 10**9, 10**9]}),
        lambda place: json.dumps({**place, "box": [5, 5, 5, 5]}),
        lambda place: json.dumps({**place, "box": [0.5, 0, "x", 1]}),
        lambda place: json.dumps({**place, "mask": "!"}),
        lambda place: json.dumps({**place, "mask": ""}),
        lambda place: json.dumps({**place, "size": [1e999, 1]}),
    ],
)
def test_a_damaged_place_is_one_sentence(files, run, change):
    run("crop", "original.png", "mask.png", "-o", "crop.png", "--padding", 0)
    image = Image.open("crop.png")
    text = PngInfo()
    text.add_text(PLACE_KEY, change(json.loads(read_metadata("crop.png").text[PLACE_KEY])))
    image.save("hurt.png", pnginfo=text)
    code, _, err = run("paste", "original.png", "hurt.png", "-o", "out.png")
    assert code == 2
    assert err.startswith("hurt.png: the place it was cut at is damaged")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--size", "65x10"), 3, "--size 65x10 is larger than the picture, which is 64 x 48"),
        (("--size", "19x40"), 2, "--size 19x40 would cut the mask, which takes 20 x 16"),
        (("--size", "big"), 2, "expected WIDTHxHEIGHT such as 512x768, got 'big'"),
        (("--size", "0x8"), 2, "expected WIDTHxHEIGHT"),
        (("-o", "crop.jpg"), 2, "crop.jpg: expected a .png"),
    ],
)
def test_crops_that_cannot_be(files, run, options, code, told):
    got, _, err = run("crop", "original.png", "mask.png", "-o", "crop.png", *options)
    assert got == code
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("options", "is_said"), [((), False), (("--multiple", 64), True)])
def test_a_picture_that_ends_before_the_multiple_is_said(files, run, options, is_said):
    code, out, _ = run("crop", "original.png", "mask.png", "-o", "crop.png", *options)
    assert code == 0
    assert ("note: the picture ends before the sides are multiples of 64\n" in out) is is_said
    assert "written: crop.png: 64 x 48 px" in out


def test_a_blank_mask_cuts_nothing(files, run, mask):
    Image.fromarray(mask * 0).save("blank.png")
    code, _, err = run("crop", "original.png", "blank.png", "-o", "crop.png")
    assert (code, err) == (2, "the mask is blank: there is nothing to cut out\n")


def test_alpha_and_16_bits_survive(files, run, pixels, mask):
    deep = np.dstack([pixels, pixels[..., 0]]).astype(np.uint16) * 257 + 1
    cv2.imwrite("deep.png", deep[..., [2, 1, 0, 3]])
    run("crop", "deep.png", "mask.png", "-o", "crop.png")
    assert read("crop.png").dtype == np.uint16
    assert run("paste", "deep.png", "crop.png", "-o", "out.png")[0] == 0
    pasted = read_picture("out.png")
    assert pasted.alpha is not None
    assert np.array_equal(np.dstack([pasted.pixels, pasted.alpha]), deep)

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.settings import BLEND_NAMES
from bleed_guard.images import read_picture
from bleed_guard.saving import read_metadata

TRIPLE = ("original.png", "shifted.png", "mask.png")


@pytest.fixture
def shifted(files, pixels):
    Image.fromarray(np.roll(pixels, 2, axis=1)).save("shifted.png")


@pytest.mark.parametrize("blend", BLEND_NAMES)
@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_the_repaired_file_passes_check(shifted, run, blend, suffix):
    out = f"fixed.{suffix}"
    code, told, _ = run("fix", *TRIPLE, "-o", out, "--blend", blend)
    assert code == 0
    assert f"written: {out}: 0 of 2,752 protected pixels differ" in told
    assert run("check", "original.png", out, "mask.png")[0] == 0


def test_a_hard_blend_keeps_the_whole_edit(shifted, run, pixels, mask):
    run("fix", *TRIPLE, "-o", "fixed.png", "--blend", "hard")
    fixed = np.asarray(Image.open("fixed.png"))
    assert np.array_equal(fixed[mask > 0], np.roll(pixels, 2, axis=1)[mask > 0])


def test_feather_0_equals_hard(shifted, run):
    run("fix", *TRIPLE, "-o", "hard.png", "--blend", "hard")
    run("fix", *TRIPLE, "-o", "zero.png", "--blend", "feather", "--feather", 0)
    assert np.array_equal(read_picture("hard.png").pixels, read_picture("zero.png").pixels)


def test_lossy_formats_are_refused_unless_told(shifted, run):
    code, _, err = run("fix", *TRIPLE, "-o", "fixed.jpg")
    assert code == 2
    assert "fixed.jpg: JPEG changes pixels when saved" in err
    assert not Path("fixed.jpg").exists()
    code, out, _ = run("fix", *TRIPLE, "-o", "fixed.jpg", "--lossy")
    assert code == 0
    assert "because the format is lossy" in out


def test_an_existing_file_is_kept_unless_forced(shifted, run):
    Path("fixed.png").write_text("mine")
    code, _, err = run("fix", *TRIPLE, "-o", "fixed.png")
    assert code == 2
    assert err == "fixed.png: the file exists; say --force to replace it\n"
    assert Path("fixed.png").read_text() == "mine"
    assert run("fix", *TRIPLE, "-o", "fixed.png", "--force")[0] == 0


@pytest.mark.parametrize("out", ["no/such/folder/fixed.png", "fixed.xyz", "fixed"])
def test_a_target_that_cannot_be_written_is_one_sentence(shifted, run, out):
    code, _, err = run("fix", *TRIPLE, "-o", out)
    assert code == 2
    assert err.startswith(f"{out}: cannot ")
    assert err.count("\n") == 1


def test_nothing_is_left_behind_when_writing_fails(shifted, run, monkeypatch):
    def fail(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    before = sorted(Path().iterdir())
    code, _, err = run("fix", *TRIPLE, "-o", "fixed.png")
    assert (code, err) == (2, "fixed.png: cannot be written (No space left on device)\n")
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_icc_exif_and_dpi_come_from_the_original(shifted, run, pixels, suffix):
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif[0x0112] = 1
    Image.fromarray(pixels).save("original.png", icc_profile=b"profile", exif=exif, dpi=(300, 300))
    out = f"fixed.{suffix}"
    run("fix", *TRIPLE, "-o", out)
    fixed = Image.open(out)
    assert fixed.info["icc_profile"] == b"profile"
    assert fixed.getexif()[0x010F] == "Camera"
    if suffix != "webp":  # which has no place for it
        assert fixed.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_generation_parameters_come_from_the_result(shifted, run, pixels):
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("parameters", "a mug, größer\nSteps: 20")
    Image.fromarray(np.roll(pixels, 2, axis=1)).save("shifted.png", pnginfo=text)
    run("fix", *TRIPLE, "-o", "fixed.png")
    assert read_metadata("fixed.png").text["parameters"] == "a mug, größer\nSteps: 20"


def test_alpha_is_the_originals(shifted, run, pixels):
    alpha = np.arange(pixels[..., 0].size, dtype=np.uint32).reshape(pixels.shape[:2]) % 256
    Image.fromarray(np.dstack([pixels, alpha.astype(np.uint8)])).save("original.png")
    run("fix", *TRIPLE, "-o", "fixed.png")
    fixed = read_picture("fixed.png")
    assert fixed.alpha is not None
    assert np.array_equal(fixed.alpha, alpha)
    assert run("check", "original.png", "fixed.png", "mask.png")[0] == 0


def test_16_bits_stay_16_bits(shifted, run, pixels, mask):
    deep = pixels.astype(np.uint16) * 257 + 3
    cv2.imwrite("original.png", deep[..., ::-1])
    run("fix", *TRIPLE, "-o", "fixed.png", "--blend", "hard")
    fixed = read_picture("fixed.png").pixels
    assert fixed.dtype == np.uint16
    assert np.array_equal(fixed[mask == 0], deep[mask == 0])
    middle = np.roll(pixels, 2, axis=1)[24, 34].astype(np.uint16) * 257
    assert np.array_equal(fixed[24, 34], middle)


def test_16_bits_refuse_formats_that_cannot_keep_them(shifted, run, pixels):
    cv2.imwrite("original.png", pixels[..., ::-1].astype(np.uint16) * 257)
    code, _, err = run("fix", *TRIPLE, "-o", "fixed.webp")
    assert code == 2
    assert err == "fixed.webp: 16 bits per channel can be written as .png only, not as .webp\n"

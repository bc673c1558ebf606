from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from bleed_guard.audit.infotext import read_infotext
from bleed_guard.core.settings import BLEND_NAMES
from bleed_guard.images import read_picture
from bleed_guard.metadata import read_metadata

TRIPLE = ("original.png", "shifted.png", "mask.png")
STEPS = "a mug, größer\nSteps: 20, Mask blur: 4"
FORMATS = ("png", "webp", "tif", "jpg")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">mine</x:xmpmeta>'


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


def test_a_mask_that_is_the_other_way_round_is_told(files, run, pixels, mask):
    edited = pixels.copy()
    edited[mask > 0] ^= 255
    Image.fromarray(edited).save("edited.png")
    Image.fromarray(255 - mask).save("kept.png")
    note = "note: nothing was edited inside the mask; if it is white where the picture is kept"
    for name, flags, is_told in (
        ("kept.png", (), True),
        ("kept.png", ("--invert",), False),
        ("mask.png", (), False),
        ("mask.png", ("--invert",), True),
    ):
        _, told, _ = run(
            "fix", "original.png", "edited.png", name, "-o", "o.png", "--force", *flags
        )
        assert (note in told) == is_told
    assert note not in run("fix", "original.png", "original.png", "mask.png", "-o", "p.png")[1]


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
    Image.fromarray(pixels).save("original.png", icc_profile=SRGB, exif=exif, dpi=(300, 300))
    out = f"fixed.{suffix}"
    run("fix", *TRIPLE, "-o", out)
    fixed = Image.open(out)
    assert fixed.info["icc_profile"] == SRGB
    assert fixed.getexif()[0x010F] == "Camera"
    if suffix != "webp":  # which has no place for it
        assert fixed.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def fix(run, original: str, result: str, suffix: str) -> str:
    """The name of the repaired file."""
    out = f"fixed.{suffix}"
    code, _, err = run("fix", original, result, "mask.png", "-o", out, "--lossy", "--force")
    assert (code, err) == (0, "")
    return out


def add_steps(pixels: np.ndarray, name: str) -> None:
    """Save with generation parameters, as WebUIs do."""
    text, exif = PngInfo(), Image.Exif()
    text.add_text("parameters", STEPS)
    exif[0x8769] = {0x9286: b"UNICODE\0" + STEPS.encode("utf-16-be")}
    Image.fromarray(pixels).save(name, pnginfo=text, exif=exif, lossless=True)


def save_photograph(pixels: np.ndarray) -> None:
    """photo.jpg, stored sideways, with all that a camera and an editor write."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Camera", 6
    exif[0x8769] = {0x829A: 0.01, 0x9286: b"ASCII\0\0\0a walk", 0xA005: {1: "R98"}}
    xmp = XMP.replace(b"mine", b"<tiff:Orientation>6</tiff:Orientation>mine")
    content = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    segment = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    sideways = Image.fromarray(np.rot90(pixels))
    sideways.save("photo.jpg", exif=exif, extra=segment, icc_profile=SRGB, dpi=(300, 300))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("result", ["result.png", "result.webp"])
def test_every_format_keeps_a_photographs_metadata_and_the_parameters(
    files, run, pixels, result, suffix
):
    save_photograph(pixels)
    add_steps(pixels, result)
    out = fix(run, "photo.jpg", result, suffix)
    metadata = read_metadata(out)
    exif = Image.open(out).getexif()
    assert Image.open(out).size == (64, 48)
    assert exif[0x010F] == "Camera"
    assert exif.get_ifd(0x8769)[0x829A] == 0.01
    assert 0xA005 not in exif.get_ifd(0x8769)  # it would point to nothing
    assert metadata.xmp == XMP
    assert metadata.icc == SRGB
    assert read_infotext(Path(out).read_bytes(), out) == STEPS
    if suffix != "webp":
        assert metadata.dpi == pytest.approx((300, 300), abs=0.01)


class Bytes(str):
    """Text in EXIF that Pillow writes as these bytes of UTF-8."""

    def encode(self, encoding: str = "", errors: str = "") -> bytes:
        return super().encode()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("result", ["clean.png", "made.png"])
def test_text_beyond_ascii_stays_what_it_is(files, run, pixels, result, suffix):
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = Bytes("größer 写真"), Bytes("Zoë")
    exif[0x8769] = {0xA430: Bytes("Zoë"), 0x9286: b"UNICODE\0" + "größer".encode("utf-16-be")}
    exif[0x8825] = {1: "N", 29: Bytes("2026 für immer")}
    Image.fromarray(pixels).save("photo.jpg", exif=exif)
    add_steps(pixels, "made.png")
    once = fix(run, "photo.jpg", result, suffix)
    Path(once).rename(f"original.{suffix}")
    twice = fix(run, f"original.{suffix}", result, "png")
    kept = Image.open(twice).getexif()
    texts = kept[0x010E], kept[0x013B], kept.get_ifd(0x8769)[0xA430], kept.get_ifd(0x8825)[29]
    told = [text.encode("latin-1").decode() for text in texts]
    assert told == ["größer 写真", "Zoë", "Zoë", "2026 für immer"]
    if result == "clean.png":
        assert kept.get_ifd(0x8769)[0x9286].endswith("größer".encode("utf-16-be"))


def test_older_parameters_in_the_original_do_not_outlive_the_results(files, run, pixels):
    exif = Image.Exif()
    exif[0x8769] = {0x9286: b"UNICODE\0" + "Steps: 3".encode("utf-16-be")}
    Image.fromarray(pixels).save("before.webp", exif=exif, lossless=True)
    add_steps(pixels, "result.png")
    out = fix(run, "before.webp", "result.png", "png")
    assert read_metadata(out).text == {"parameters": STEPS}
    assert 0x9286 not in Image.open(out).getexif().get_ifd(0x8769)


def test_the_results_icc_profile_is_not_the_originals(files, run, pixels):
    Image.fromarray(pixels).save("result.png", icc_profile=SRGB)
    _, told, _ = run("fix", "original.png", "result.png", "mask.png", "-o", "fixed.png")
    assert "icc_profile" not in Image.open("fixed.png").info
    assert "note: the result's ICC profile is not the original's" in told


@pytest.mark.parametrize("depth", [8, 16])
def test_a_profile_for_other_colours_is_left_out_and_it_is_said(files, run, pixels, depth):
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    levels = pixels[..., 0]
    deep = Image.fromarray(levels.astype(np.uint16) * 257) if depth == 16 else None
    (deep or Image.fromarray(levels)).save("grey.png", icc_profile=grey)
    _, told, _ = run("fix", "grey.png", "clean.png", "mask.png", "-o", "fixed.png")
    assert "icc_profile" not in Image.open("fixed.png").info
    assert "note: the original's ICC profile is for GRAY and left out" in told


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
@pytest.mark.parametrize("compression", ["raw", "jpeg", "tiff_lzw"])
def test_a_tiffs_layout_is_not_taken_for_exif(files, run, pixels, compression, suffix):
    picture = Image.fromarray(pixels)
    picture.save("before.tif", compression=compression, tiffinfo={270: "a mug", 278: 16})
    out = fix(run, "before.tif", "clean.png", suffix)
    exif = Image.open(out).getexif()
    assert exif[270] == "a mug"
    assert 347 not in exif  # JPEG tables
    if suffix != "tif":
        assert {259, 273, 279}.isdisjoint(exif)
    assert "dpi" not in Image.open(out).info or suffix == "tif"


def test_what_a_format_does_not_keep_is_said(files, run, pixels):
    text = PngInfo()
    text.add_text("workflow", "{}")
    Image.fromarray(pixels).save("result.png", pnginfo=text, dpi=(72, 72))
    _, told, _ = run("fix", "original.png", "result.png", "mask.png", "-o", "fixed.webp")
    assert "note: .webp does not keep the text 'workflow', the resolution\n" in told


def test_generation_parameters_come_from_the_result(shifted, run, pixels):
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


def test_transparency_painted_inside_the_mask_is_kept(files, run, pixels, mask):
    alpha = np.where(mask > 0, 90, 40).astype(np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save("result.png")
    run("fix", "original.png", "result.png", "mask.png", "-o", "fixed.png")
    fixed = read_picture("fixed.png")
    assert fixed.alpha is not None
    assert np.array_equal(fixed.alpha, np.where(mask > 0, 90, 255))
    assert run("check", "original.png", "fixed.png", "mask.png")[0] == 0


def test_a_result_that_is_opaque_inside_the_mask_adds_no_alpha(files, run, pixels, mask):
    Image.fromarray(np.dstack([pixels, np.maximum(mask, 40)])).save("result.png")
    run("fix", "original.png", "result.png", "mask.png", "-o", "fixed.png")
    assert read_picture("fixed.png").alpha is None


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

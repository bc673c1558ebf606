from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from bleed_guard import __version__
from bleed_guard.images import PNG_SIGNATURE, read_picture
from bleed_guard.saving import png_chunk

TRIPLE = ("original.png", "bleed.png", "mask.png")


def save(name: str, array: np.ndarray, **options: Any) -> None:
    Image.fromarray(array).save(name, **options)


def test_an_edit_inside_the_mask_is_clean(files, run):
    code, out, err = run("check", "original.png", "clean.png", "mask.png")
    assert (code, err) == (0, "")
    assert out == "clean: clean.png: 0 of 2,752 protected pixels changed\n"


def test_one_level_in_one_pixel_is_bleed(files, run):
    code, out, _ = run("check", *TRIPLE)
    assert code == 1
    assert out.startswith("bleed: bleed.png: 1 of 2,752 protected pixels changed")
    assert "look at x 60, y 40: 1 level\n" in out
    assert "python -m bleed_guard fix original.png bleed.png mask.png" in out


def test_tolerance_lets_it_pass_and_says_so(files, run):
    code, out, _ = run("check", *TRIPLE, "--tolerance", 1)
    assert code == 0
    assert out.startswith("within tolerance: bleed.png: 0 of 2,752")
    assert "largest difference 1" in out


def test_json_has_what_is_documented(files, run):
    code, out, _ = run("check", *TRIPLE, "--json", "-")
    report = json.loads(out)
    assert code == 1
    assert report["changed"] == 1
    assert report["protected"] == 2752
    assert report["max"] == 1
    assert report["mean"] == pytest.approx(1 / 2752)
    assert report["verdict"] == "bleed"
    assert report["size"] == [64, 48]
    assert report["tolerance"] == 0
    assert report["version"] == __version__
    assert sum(zone["changed"] for zone in report["zones"].values()) == 1
    assert sum(entry["changed"] for entry in report["profile"]) == 1
    assert report["seam"]["ratio"] > 1


def test_json_file_leaves_the_text_on_stdout(files, run):
    code, out, _ = run("check", "original.png", "clean.png", "mask.png", "--json", "report.json")
    assert code == 0
    assert out.startswith("clean:")
    assert json.loads(Path("report.json").read_text())["verdict"] == "clean"


def test_heatmap_shows_the_pixel(files, run):
    run("check", *TRIPLE, "--heatmap", "heat.png")
    heat = np.asarray(Image.open("heat.png"))
    lit = np.flatnonzero((heat[:48] != heat[0, 0]).any(axis=2).ravel())
    assert 40 * 64 + 60 in lit
    assert len(lit) == 1 + 16 * 20


def test_heatmap_never_overwrites_a_picture(files, run):
    before = Path("original.png").read_bytes()
    code, _, err = run("check", *TRIPLE, "--heatmap", "original.png")
    assert code == 2
    assert "would overwrite" in err
    assert Path("original.png").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.png", None, "there is no such file"),
        ("text.png", b"hello", "this is not a picture (expected PNG"),
        ("empty.png", b"", "this is not a picture"),
        ("torn.png", "half", "this PNG is cut off"),
        ("flipped.png", "flip", "this PNG is damaged"),
        ("bomb.png", "bomb", "100000 x 100000 is more than the 178 megapixels allowed"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_unreadable_file_is_one_sentence(files, run, name, content, told, place):
    whole = Path("original.png").read_bytes()
    if content == "half":
        content = whole[: len(whole) // 2]
    elif content == "flip":
        content = whole[:200] + bytes(255 - byte for byte in whole[200:260]) + whole[260:]
    elif content == "bomb":
        content = whole[:16] + (100_000).to_bytes(4, "big") * 2 + whole[24:]
    if content is not None:
        Path(name).write_bytes(content)
    arguments = list(TRIPLE)
    arguments[place] = name
    code, out, err = run("check", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"{name}: ")
    assert told in err or (content and "damaged" in err)
    assert err.count("\n") == 1


def test_a_folder_is_one_sentence(files, run):
    Path("folder").mkdir()
    code, _, err = run("check", "folder", "bleed.png", "mask.png")
    assert code == 2
    assert err == "folder: this is a folder, expected a picture file\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check",), "required: ORIGINAL RESULT MASK"),
        (("check", *TRIPLE, "--tolerance", "256"), "a whole number from 0 to 255, got '256'"),
        (("check", *TRIPLE, "--tolerance", "x"), "a whole number from 0 to 255, got 'x'"),
        (("nonsense",), "invalid choice: 'nonsense'"),
        ((), "COMMAND"),
    ],
)
def test_wrong_usage_is_one_sentence(files, run, arguments, told):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "reports", [("--json", "r", "--sarif", "./r"), ("--heatmap", "r.png", "--html", "r.png")]
)
def test_one_file_named_for_two_reports_is_refused(files, run, reports):
    code, out, err = run("check", *TRIPLE, *reports)
    assert (code, out, err) == (2, "", f"{reports[-1]}: is named for two reports\n")
    assert not Path(reports[-1]).exists()


def test_it_is_said_where_the_soft_band_leaves_nothing_protected(files, run):
    code, out, _ = run("check", *TRIPLE, "--protect", "soft", "--mask-blur", "64")
    assert code == 0
    assert "0 of 0 protected pixels" in out
    assert "note: the mask and its soft band cover the whole picture: nothing is protected" in out
    assert "soft band" not in run("check", *TRIPLE, "--protect", "soft")[1]


class PanicException(BaseException):
    """As a decoder of Rust raises it."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "there is too little memory to read it"),
        (PanicException("null"), "the decoder failed (null)"),
    ],
    ids=["memory", "panic"],
)
def test_a_decoder_that_gives_up_is_no_bleed(files, run, monkeypatch, error, told):
    def give_up(*_: object) -> None:
        raise error

    monkeypatch.setattr("bleed_guard.images._decode_with_opencv", give_up)
    monkeypatch.setattr("bleed_guard.images._import_decoder", lambda: None)
    code, _, err = run("check", "original.png", "clean.png", "mask.png")
    assert (code, err) in [(2, f"{name}: {told}\n") for name in ("original.png", "mask.png")]


def test_too_little_memory_to_compare_is_no_bleed(files, run, monkeypatch):
    def give_up(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("bleed_guard.cli.quick.measure_sparse", give_up)
    code, _, err = run("check", "original.png", "clean.png", "mask.png")
    assert (code, err) == (2, "there is too little memory for these pictures\n")


@pytest.mark.parametrize("module", ["bleed_guard.cli.arguments", "bleed_guard.cli.check"])
def test_ctrl_c_while_a_command_is_loaded_is_one_word(files, run, monkeypatch, module):
    class Interrupting:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == module:
                raise KeyboardInterrupt

    monkeypatch.setattr(sys, "meta_path", [Interrupting, *sys.meta_path])
    monkeypatch.delitem(sys.modules, module, raising=False)
    code, _, err = run("check", "original.png", "clean.png", "mask.png")
    assert (code, err) == (130, "interrupted\n")


def test_a_result_of_another_size_is_exit_3(files, run, pixels):
    save("small.png", pixels[:40])
    code, _, err = run("check", "original.png", "small.png", "mask.png")
    assert code == 3
    assert err == ("small.png: the result is 64 x 40 px, expected 64 x 48 as original.png is\n")


def test_a_mask_of_other_proportions_is_exit_3(files, run, mask):
    save("tall.png", np.vstack([mask, mask]))
    code, _, err = run("check", "original.png", "clean.png", "tall.png")
    assert code == 3
    assert err.startswith("tall.png: the mask is 64 x 96 px and cannot be scaled")


def test_a_mask_of_the_same_proportions_is_scaled_and_it_is_said(files, run, mask):
    save("double.png", np.kron(mask, np.ones((2, 2), np.uint8)))
    code, out, _ = run("check", "original.png", "clean.png", "double.png")
    assert code == 0
    assert "note: the mask was scaled from 128 x 96 to 64 x 48" in out


@pytest.mark.parametrize(
    ("level", "told", "code"),
    [(0, "every pixel is protected", 1), (255, "nothing is protected", 0)],
)
def test_a_blank_or_full_mask_is_said(files, run, mask, level, told, code):
    save("flat.png", np.full_like(mask, level))
    got, out, _ = run("check", "original.png", "clean.png", "flat.png")
    assert got == code
    assert told in out


def mask_forms(mask: np.ndarray) -> dict[str, Image.Image]:
    grey = Image.fromarray(mask)
    black = Image.new("RGB", grey.size)
    rgba = black.copy()
    rgba.putalpha(grey)
    return {
        "1": grey.convert("1"),
        "L": grey,
        "LA": Image.merge("LA", (grey, Image.new("L", grey.size, 255))),
        "P": grey.convert("P"),
        "RGB": grey.convert("RGB"),
        "RGBA": rgba,
        "I;16": Image.fromarray(mask.astype(np.uint16) * 257),
    }


@pytest.mark.parametrize("form", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_mask_in_any_mode_protects_the_same(files, run, mask, form):
    mask_forms(mask)[form].save("form.png")
    code, out, _ = run("check", "original.png", "clean.png", "form.png")
    assert code == 0
    assert "0 of 2,752" in out


def test_16_bit_files_are_compared_at_16_bits(files, run, pixels, mask):
    deep = pixels.astype(np.uint16) * 257
    cv2.imwrite("deep.png", deep[..., ::-1])
    deep[40, 60, 2] += 1
    cv2.imwrite("deep_bleed.png", deep[..., ::-1])
    code, out, _ = run("check", "deep.png", "deep_bleed.png", "mask.png", "--json", "-")
    report = json.loads(out)
    assert code == 1
    assert (report["changed"], report["max"], report["depth"]) == (1, 1, 16)


@pytest.mark.parametrize(
    ("levels", "told"),
    [
        (
            np.array([[0, 0.25], [0.5, 1]], np.float32),
            "has floating-point levels, expected whole numbers",
        ),
        (
            np.array([[0, 7], [8, 65536]], np.int32),
            "has levels from 0 to 65536, expected 0 to 65535",
        ),
        (np.array([[0, 7], [8, -1]], np.int32), "has levels from -1 to 8, expected 0 to 65535"),
    ],
)
def test_levels_that_16_bits_cannot_hold_are_refused(files, run, levels, told):
    save("levels.tif", levels)
    save("levels_mask.png", np.zeros((2, 2), np.uint8))
    code, out, err = run("check", "levels.tif", "levels.tif", "levels_mask.png")
    assert (code, out) == (2, "")
    assert err.startswith(f"levels.tif: {told}")
    assert err.count("\n") == 1


def test_32_bit_levels_that_16_bits_can_hold_are_compared_exactly(files, run):
    levels = np.array([[0, 7], [8, 65535]], np.int32)
    save("levels.tif", levels)
    save("same.tif", levels)
    levels[1, 1] -= 1
    save("other.tif", levels)
    save("levels_mask.png", np.zeros((2, 2), np.uint8))
    assert run("check", "levels.tif", "same.tif", "levels_mask.png")[0] == 0
    code, out, _ = run("check", "levels.tif", "other.tif", "levels_mask.png")
    assert (code, out.partition(" protected")[0]) == (1, "bleed: other.tif: 1 of 4")


def test_an_8_bit_result_of_a_16_bit_original_is_clean_where_it_says_the_same(files, run, pixels):
    cv2.imwrite("deep.png", pixels[..., ::-1].astype(np.uint16) * 257)
    code, out, _ = run("check", "deep.png", "clean.png", "mask.png")
    assert (code, out[:6]) == (0, "clean:")


def test_a_text_hidden_in_alpha_is_no_change(files, run, pixels):
    """Forge and reForge write every PNG so by default."""
    bits = np.unpackbits(np.frombuffer(b"stealth_pngcomp\0\0\0\x08x", np.uint8))
    alpha = np.full(pixels.shape[1::-1], 255, np.uint8)
    alpha.reshape(-1)[: bits.size] = 254 | bits
    save("stealth.png", np.dstack([pixels, alpha.T]))
    code, out, _ = run("check", "original.png", "stealth.png", "mask.png")
    assert (code, "stealth.png: its alpha channel only hides a text" in out) == (0, True)
    alpha[0, 0] = 254 | (1 - bits[0])  # no signature, so somebody's transparency
    save("stealth.png", np.dstack([pixels, alpha.T]))
    assert run("check", "original.png", "stealth.png", "mask.png")[0] == 1


def test_transparency_outside_the_mask_counts(files, run, pixels):
    opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    save("opaque.png", opaque)
    opaque[0, 0, 3] = 254
    save("veiled.png", opaque)
    assert run("check", "original.png", "opaque.png", "mask.png")[0] == 0
    code, out, _ = run("check", "original.png", "veiled.png", "mask.png")
    assert code == 1
    assert "transparency changed in 1 of them" in out


def test_a_turned_photograph_is_compared_upright(files, run, pixels, mask):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees
    turned = np.ascontiguousarray(np.rot90(pixels))
    save("turned.png", turned, exif=exif)
    code, out, _ = run("check", "turned.png", "clean.png", "mask.png")
    assert (code, out[:6]) == (0, "clean:")


def write_png(name: str, levels: np.ndarray, *chunks: tuple[bytes, bytes]) -> None:
    """uint8 or uint16 H x W or H x W x 3 RGB as a PNG with more chunks behind its header."""
    data = cv2.imencode(".png", levels if levels.ndim == 2 else levels[..., ::-1])[1].tobytes()
    more = b"".join(png_chunk(kind, content) for kind, content in chunks)
    Path(name).write_bytes(data[:33] + more + data[33:])


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("orientation", range(10))
def test_a_16_bit_png_is_turned_as_its_8_bit_twin_is(files, run, pixels, orientation):
    told = b"eXIf", exif_of(orientation)
    write_png("deep.png", pixels.astype(np.uint16) * 257, told)
    write_png("twin.png", pixels, told)
    upright = ImageOps.exif_transpose(Image.open("twin.png"))
    save("mask.png", np.zeros(upright.size[::-1], np.uint8))
    code, out, _ = run("check", "deep.png", "twin.png", "mask.png")
    assert (code, out[:6]) == (0, "clean:")
    assert np.array_equal(read_picture("deep.png").pixels, np.asarray(upright) * np.uint16(257))


def write_grey_alpha(name: str, levels: np.ndarray) -> None:
    """uint16 H x W x 2 grey and alpha as a PNG, which neither OpenCV nor Pillow writes."""
    height, width, _ = levels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in levels.astype(">u2"))
    header = struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    Path(name).write_bytes(PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in chunks))


@pytest.mark.parametrize(("channel", "alpha_changed"), [(0, 0), (1, 1)])
def test_grey_and_alpha_of_16_bits_are_compared_at_16_bits(
    files, run, pixels, channel, alpha_changed
):
    levels = pixels[..., :2].astype(np.uint16) * 257
    write_grey_alpha("deep.png", levels)
    levels[0, 0, channel] += 1
    write_grey_alpha("other.png", levels)
    assert run("check", "deep.png", "deep.png", "mask.png")[0] == 0
    code, out, _ = run("check", "deep.png", "other.png", "mask.png", "--json", "-")
    report = json.loads(out)
    assert (code, report["depth"]) == (1, 16)
    assert (report["changed"], report["max"], report["alpha_changed"]) == (1, 1, alpha_changed)


@pytest.mark.parametrize("is_grey", [True, False])
def test_a_colour_key_of_16_bits_makes_transparent(files, run, pixels, is_grey):
    levels = pixels.astype(np.uint16) * 257
    levels = levels[..., 0] if is_grey else levels
    key = levels[0, 0].astype(">u2").tobytes()
    write_png("plain.png", levels)
    write_png("keyed.png", levels, (b"tRNS", key))
    write_png("same.png", levels, (b"tRNS", key))
    assert run("check", "keyed.png", "same.png", "mask.png")[0] == 0
    outside = np.ones(levels.shape[:2], bool)
    outside[16:32, 24:44] = False
    is_key = (levels == levels[0, 0]).reshape(*outside.shape, -1).all(axis=2)
    code, out, _ = run("check", "plain.png", "keyed.png", "mask.png", "--json", "-")
    report = json.loads(out)
    assert (code, report["changed"]) == (1, (is_key & outside).sum())
    assert report["alpha_changed"] == report["changed"]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("key", ["Raw profile type exif", "XML:com.adobe.xmp"])
def test_an_orientation_told_in_a_text_turns_a_png(files, run, pixels, depth, key):
    exif = b"Exif\0\0" + exif_of(6)
    raw = f"\nexif\n{len(exif):8}\n{exif.hex()}\n".encode()
    told = {
        "Raw profile type exif": (b"zTXt", b"\0\0" + zlib.compress(raw)),
        "XML:com.adobe.xmp": (b"iTXt", b'\0\0\0\0\0<x tiff:Orientation="6"/>'),
    }
    kind, content = told[key]
    turned = np.ascontiguousarray(np.rot90(pixels))
    levels = turned if depth == 8 else turned.astype(np.uint16) * 257
    write_png("turned.png", levels, (kind, key.encode() + content))
    code, out, _ = run("check", "turned.png", "clean.png", "mask.png")
    assert (code, out[:6]) == (0, "clean:")


@pytest.mark.parametrize("mode", ["P", "LA", "L", "1"])
def test_every_picture_mode_equals_itself_as_rgb(files, run, pixels, mode):
    picture = Image.fromarray(pixels).convert("L" if mode == "LA" else mode).convert(mode)
    picture.save("mode.png")
    picture.convert("RGB").save("rgb.png")
    code, out, _ = run("check", "mode.png", "rgb.png", "mask.png")
    assert (code, out[:6]) == (0, "clean:")


def test_one_pixel_of_64_megapixels_is_found(files, run):
    side = 8192
    mask = np.zeros((512, 512), np.uint8)
    mask[200:300, 200:300] = 255
    picture = np.zeros((side, side, 3), np.uint8)
    for name, array in (("big_mask.png", mask), ("big.png", picture)):
        cv2.imwrite(name, array, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    picture[8000, 17, 0] = 1
    cv2.imwrite("big_bleed.png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    code, out, _ = run("check", "big.png", "big_bleed.png", "big_mask.png")
    assert code == 1
    assert "protected pixels changed" in out
    assert "look at x 17, y 8000: 1 level" in out


@pytest.mark.parametrize("command", [(), ("check",), ("fix",)])
def test_the_help_names_every_exit_code(run, command):
    code, out, _ = run(*command, "--help")
    told = " ".join(out.split())
    assert code == 0
    assert "0 clean, 1 bleed, 2 usage or unreadable file, 3 sizes do not match, 130 int" in told


def test_as_a_process(files):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "bleed_guard", "check", *TRIPLE],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(root), "PATH": ""},
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("bleed: bleed.png")


def test_causes_are_ranked_with_the_settings_in_the_file_as_evidence(files, run, pixels, mask):
    blurred = cv2.GaussianBlur(mask, (9, 9), 2).astype(np.float32)[..., None] / 255
    edited = np.rint(pixels * (1 - blurred) + 255 * blurred).astype(np.uint8)
    told = PngInfo()
    told.add_text("parameters", "a mug\nSteps: 20, Denoising strength: 0.75, Mask blur: 2")
    save("edited.png", edited, pnginfo=told)
    code, out, _ = run("check", "original.png", "edited.png", "mask.png", "--json", "-")
    causes = json.loads(out)["causes"]
    assert code == 1
    assert causes[0]["cause"] == "mask_blur"
    assert causes[0]["evidence"]["infotext"] == "Mask blur: 2"
    assert all(set(one) == {"cause", "probability", "share", "evidence", "fix"} for one in causes)
    beliefs = [one["probability"] for one in causes]
    assert beliefs == sorted(beliefs, reverse=True)


def find_causes(run, result, *options, original="original.png"):
    """What the JSON report names, the most probable first."""
    out = run("check", original, result, "mask.png", "--json", "-", *options)[1]
    return [one["cause"] for one in json.loads(out)["causes"]]


@pytest.mark.parametrize(
    ("name", "cause", "options"),
    [
        ("a.jpg", "jpeg", {"quality": 99}),
        ("b.jpg", "jpeg", {"quality": 100, "subsampling": 0}),
        ("c.jpg", "jpeg", {"quality": 40}),
        ("no-suffix", "jpeg", {"quality": 95, "format": "JPEG"}),
        ("d.webp", "webp", {"quality": 95}),
        ("e.gif", "palette", {}),
        ("f.mpo", "jpeg", {"quality": 99}),
    ],
)
def test_the_format_of_the_file_is_the_cause_it_is(files, run, mask, name, cause, options):
    """Whatever its traces look like, on a picture without any structure as well."""
    down, right = np.indices(mask.shape)
    save("slope.png", np.dstack([90 + 2 * down, 60 + right, 50 + right + down]).astype(np.uint8))
    for original in ("original.png", "slope.png"):
        picture = np.asarray(Image.open(original))
        save(name, np.where(mask[..., None] > 0, 255 - picture, picture), **options)
        assert find_causes(run, name, original=original)[0] == cause


def test_a_lossless_format_is_no_cause(files, run, pixels):
    pixels[40:, 50:] = 0
    for name in ("a.webp", "b.png"):
        save(name, pixels, **({"lossless": True} if name == "a.webp" else {}))
        assert not {"webp", "palette"} & set(find_causes(run, name))
    few = np.asarray(Image.fromarray(pixels).quantize(16).convert("RGB")).copy()
    save("few.png", few)
    few[40, 60] = few[0, 0]
    Image.fromarray(few).quantize(16, dither=Image.Dither.NONE).save("palette.png")
    assert "palette" not in find_causes(run, "palette.png", original="few.png")


def test_what_eight_bits_of_color_do_not_show_has_a_cause_too(files, run, pixels, mask):
    alpha = np.full(mask.shape, 255, np.uint8)
    alpha[:4] = 100
    save("faded.png", np.dstack([pixels, alpha]))
    assert find_causes(run, "faded.png") == ["transparency"]
    pixels[:, :4] = 0
    save("both.png", np.dstack([pixels, alpha]))
    assert {"transparency"} < set(find_causes(run, "both.png"))
    deep = pixels.astype(np.uint16) * 257
    cv2.imwrite("deep.png", deep)
    deep[:4, :4] += 3
    cv2.imwrite("moved.png", deep)
    assert find_causes(run, "moved.png", original="deep.png") == ["depth"]


def test_what_may_change_has_no_cause(files, run, pixels, mask):
    """The soft band is the mask's own."""
    share = cv2.GaussianBlur(mask, (9, 9), 2).astype(np.float32)[..., None] / 255
    edited = np.rint(pixels * (1 - share) + 255 * share).astype(np.uint8)
    save("edited.png", edited)
    soft = "--protect", "soft", "--mask-blur", "2"
    assert find_causes(run, "edited.png") == ["mask_blur"]
    assert find_causes(run, "edited.png", *soft) == ["none"]
    edited[:8, :24] = 255
    save("edited.png", edited)
    assert "mask_blur" not in find_causes(run, "edited.png", *soft)
    assert find_causes(run, "original.png") == ["none"]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tiff", "a.mpo"])
def test_it_is_said_that_only_the_first_picture_of_a_file_counts(files, run, pixels, name):
    pictures = [Image.fromarray(one) for one in (pixels, 255 - pixels)]
    if name == "a.gif":
        pictures = [one.quantize(64) for one in pictures]
    lossless: dict[str, Any] = {"lossless": True} if name == "a.webp" else {}
    pictures[0].save(name, save_all=True, append_images=pictures[1:], **lossless)
    told = f"{name}: only its first picture counts"
    assert f"note: {told}" in run("check", "original.png", name, "mask.png")[1]
    out = run("check", name, "original.png", "mask.png", "--json", "-")[1]
    assert json.loads(out)["notes"] == [told]
    pictures[0].save(name, **lossless)
    assert "only its first" not in run("check", "original.png", name, "mask.png")[1]


def test_pages_of_sixteen_bits_are_told_too(files, run, pixels):
    deep = pixels.astype(np.uint16) * 257
    cv2.imwritemulti("deep.tiff", [deep, deep])
    assert "deep.tiff: only its first" in run("check", "deep.tiff", "deep.tiff", "mask.png")[1]

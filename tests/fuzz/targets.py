"""What is fuzzed: each target takes draws, and raises where the product breaks a promise.

The promises: no exception but the one that is told to the user in a sentence, no protected pixel
changed, and what comes out has its documented form.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from bleed_guard.audit.infotext import (
    parse_infotext,
    read_infotext,
    read_mask_blur,
    read_settings,
)
from bleed_guard.audit.pairs import Patterns, read_pairs
from bleed_guard.cli.errors import CommandError
from bleed_guard.core.composite import Blend, build_overlay, paste_back
from bleed_guard.core.files_diagnosis import diagnose_files
from bleed_guard.core.geometry import build_mask, build_reference
from bleed_guard.core.heatmap import Scale, render_heatmap
from bleed_guard.core.job import Box, InpaintJob, MaskedContent, Protection, ResizeMode
from bleed_guard.core.mask import protected_area, read_mask, soft_fraction
from bleed_guard.core.measure import count_changes, measure_bleed
from bleed_guard.core.plan import plan_guard
from bleed_guard.core.presets import format_presets, parse_presets
from bleed_guard.core.settings import SCHEMA, GuardSettings
from bleed_guard.images import MaskChannel, PictureError, decode_mask, decode_picture, png_chunks
from bleed_guard.saving import Metadata, encode_picture, png_chunk
from tests.fuzz.drawn import Drawn

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16")
FORMATS = (
    ("PNG", {}),
    ("JPEG", {}),
    ("WEBP", {"lossless": True}),
    ("TIFF", {}),
    ("BMP", {}),
    ("GIF", {}),
)
INFOTEXT = (
    "a mug\nNegative prompt: blurry\nSteps: 20, Mask blur: 4, Denoising strength: 0.75, "
    'Bleed guard: guard, Bleed guard feather: 4, Note: "a, \\"b\\": c", Size: 512x512'
)


def draw_image(drawn: Drawn, limit: int = 24) -> Image.Image:
    """A picture of any mode and size."""
    mode, (width, height) = drawn.choose(MODES), drawn.size(limit)
    if mode in ("I", "F"):
        return Image.fromarray(drawn.array((height, width), np.uint16).astype(np.int32)).convert(
            mode
        )
    if mode == "I;16":
        return Image.fromarray(drawn.array((height, width), np.uint16))
    levels = drawn.array((height, width, 4))
    if mode == "RGBA":
        return Image.fromarray(levels)
    image = Image.fromarray(levels[..., :3].copy())
    return image.convert("L").convert(mode) if mode == "LA" else image.convert(mode)


def check_sentence(error: Exception, start: str = "") -> None:
    """What the user is told is one line that says something."""
    assert str(error).startswith(start)
    assert 0 < len(str(error)) < 2000


def draw_settings(drawn: Drawn) -> dict[str, Any]:
    """Settings by name, most of them such as there are."""
    given: dict[str, Any] = {}
    for _ in range(drawn.integer(0, 6)):
        setting = drawn.choose(SCHEMA)
        choices = setting.choices or (setting.minimum, setting.maximum, setting.default)
        given[setting.name] = drawn.choose(choices) if drawn.flag() else drawn.value(1)
    return given


def fuzz_paste_back(drawn: Drawn) -> None:
    width, height = drawn.size(40)
    reference, generated = drawn.array((height, width, 3)), drawn.array((height, width, 3))
    mask, feather = drawn.mask((height, width)), drawn.integer(0, 64)
    known = None
    if drawn.flag():
        left, top = drawn.integer(0, width), drawn.integer(0, height)
        known = Box(left, top, drawn.integer(left, width), drawn.integer(top, height))
    before = reference.copy(), generated.copy(), mask.copy()
    blend = drawn.choose(tuple(Blend))
    result = paste_back(reference, generated, mask, blend=blend, feather=feather, known=known)
    assert (result.shape, result.dtype) == (reference.shape, np.uint8)
    outside = mask < 128
    assert np.array_equal(result[outside], reference[outside]), "a protected pixel changed"
    assert all(map(np.array_equal, (reference, generated, mask), before)), "an input was changed"
    overlay = build_overlay(reference, mask, blend=blend, feather=feather)
    base = Image.fromarray(generated).convert("RGBA")
    base.alpha_composite(Image.fromarray(overlay))
    shown = np.asarray(base.convert("RGB"))
    assert np.array_equal(shown[outside], reference[outside]), "the overlay lets through"


def fuzz_measure(drawn: Drawn) -> None:
    width, height = drawn.size(40)
    reference, result = drawn.array((height, width, 3)), drawn.array((height, width, 3))
    mask, tolerance = drawn.mask((height, width)), drawn.integer(0, 255)
    report = measure_bleed(reference, result, mask, tolerance=tolerance)
    delta = np.abs(reference.astype(int) - result).max(axis=2)
    outside = mask < 128
    assert report.changed == int((outside & (delta > tolerance)).sum())
    counted = count_changes(reference, result, outside, tolerance=tolerance)
    assert counted.changed == report.changed
    assert counted.max == int(delta[outside].max(initial=0))
    picture = render_heatmap(
        reference, result, mask, scale=drawn.choose(tuple(Scale)), size=drawn.size(64)
    )
    assert (picture.ndim, picture.dtype) == (3, np.uint8)


def fuzz_masks(drawn: Drawn) -> None:
    image, invert = draw_image(drawn), drawn.flag()
    mask = read_mask(image, invert=invert)
    assert (mask.shape, mask.dtype) == (image.size[::-1], np.uint8)
    assert 0 <= soft_fraction(mask) <= 1
    hard = protected_area(mask)
    assert np.array_equal(hard, mask < 128)
    soft = protected_area(mask, Protection.SOFT, band=drawn.integer(0, 64))
    assert not (soft & ~hard).any(), "soft protection covers what hard protection leaves open"


def fuzz_plan(drawn: Drawn) -> None:
    job = InpaintJob(
        mask=drawn.mask(drawn.size(48)),
        init_size=drawn.size(48),
        size=drawn.size(64),
        only_masked=drawn.flag(),
        padding=drawn.integer(0, 300),
        mask_blur=drawn.integer(0, 64),
        resize_mode=drawn.choose(tuple(ResizeMode)),
        masked_content=drawn.choose(tuple(MaskedContent)),
        denoising_strength=drawn.integer(0, 100) / 100,
        has_overlay=drawn.flag(),
        has_soft_inpainting=drawn.flag(),
        blur_doubles=drawn.flag(),
        image_format=drawn.choose(("png", "jpg", "webp", "<b>", "")),
        refiner=drawn.text(),
    )
    settings, _ = GuardSettings.from_args([draw_settings(drawn)])
    plan = plan_guard(job, settings)
    assert plan.predicted_reach >= 0
    assert plan.band >= 0
    assert all(change.text for change in plan.changes)
    assert all(finding.text for finding in plan.findings)
    image = draw_image(drawn)
    size = drawn.size(48)
    reference = build_reference(
        image, only_masked=job.only_masked, size=size, resize_mode=job.resize_mode
    )
    expected = image.size if job.only_masked else size
    assert (reference.shape, reference.dtype) == ((*expected[::-1], 3), np.uint8)
    mask = build_mask(job.mask, size=size, resize_mode=job.resize_mode)
    assert (mask.shape, mask.dtype) == (size[::-1], np.uint8)


def check_settings(settings: GuardSettings) -> None:
    """Every value is one its setting accepts, as it is."""
    for setting in SCHEMA:
        value = getattr(settings, setting.name)
        assert type(value) is type(setting.default), setting.name
        if setting.name != "preset":
            assert setting.check(value) == value, setting.name


def fuzz_settings(drawn: Drawn) -> None:
    given: Any = [drawn.value() for _ in range(drawn.integer(0, 30))]
    if drawn.flag():
        given = [draw_settings(drawn)]
    settings, complaints = GuardSettings.from_args(given)
    check_settings(settings)
    assert all(isinstance(complaint, str) and len(complaint) < 2000 for complaint in complaints)


def fuzz_presets(drawn: Drawn) -> None:
    entries = {drawn.text(): draw_settings(drawn) for _ in range(drawn.integer(0, 4))}
    text = json.dumps({"bleed_guard_presets": 1, "presets": entries})
    if drawn.flag():
        at = drawn.integer(0, len(text))
        text = text[:at] + drawn.text() + text[at + drawn.integer(0, 8) :]
    if drawn.flag():
        text = json.dumps(drawn.value())
    try:
        parsed = parse_presets(text)
    except ValueError as error:
        check_sentence(error)
        return
    for settings in parsed.presets.values():
        check_settings(settings)
    again = parse_presets(format_presets(parsed.presets))
    assert again == (parsed.presets, ())


def spoil(drawn: Drawn, data: bytes) -> bytes:
    """A few bytes written over, cut out or put in."""
    for _ in range(drawn.integer(0, 4)):
        at = drawn.integer(0, max(len(data) - 1, 0))
        data = data[:at] + drawn.bytes(drawn.integer(0, 6)) + data[at + drawn.integer(0, 6) :]
    return data


def seal(data: bytes) -> bytes:
    """The chunks of a PNG with right checksums again, so that a reader looks into them."""
    sealed, at = data[:8], 8
    while at + 12 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        content = data[at + 8 : at + 8 + length]
        sealed += png_chunk(data[at + 4 : at + 8], content)
        at += 12 + length
    return sealed


def draw_file(drawn: Drawn) -> bytes:
    """A picture file of some format, whole or spoilt."""
    image, target = draw_image(drawn, 12), io.BytesIO()
    name, options = drawn.choose(FORMATS)
    try:
        image.save(target, name, **options)
    except (OSError, ValueError):  # this format does not take this mode
        image.convert("RGB").save(target, name, **options)
    data = spoil(drawn, target.getvalue())
    return seal(data) if name == "PNG" and drawn.flag() else data


def fuzz_pictures(drawn: Drawn) -> None:
    data = draw_file(drawn) if drawn.flag() else drawn.rest()
    try:
        picture = decode_picture(data, "a file")
        assert picture.pixels.shape == (*picture.size[::-1], 3)
        assert picture.pixels.dtype in (np.uint8, np.uint16)
        if picture.alpha is not None:
            assert picture.alpha.shape == picture.pixels.shape[:2]
        again = decode_picture(encode_picture(picture, ".png", Metadata()), "again")
        assert np.array_equal(again.pixels, picture.pixels)
    except PictureError as error:
        check_sentence(error, "a file: ")
    try:
        mask = decode_mask(data, "a file", channel=drawn.choose(tuple(MaskChannel)))
        assert (mask.ndim, mask.dtype) == (2, np.uint8)
    except PictureError as error:
        check_sentence(error, "a file: ")


def fuzz_infotext(drawn: Drawn) -> None:
    text = spoil(drawn, INFOTEXT.encode()) if drawn.flag() else drawn.rest()
    kind = drawn.choose((b"tEXt", b"zTXt", b"iTXt"))
    packed = zlib.compress(text) if drawn.flag() else text
    flag = drawn.choose((b"", b"\0", b"\0\0\0\0", b"\1\0\0\0"))
    target = io.BytesIO()
    Image.new("L", (2, 2)).save(target, "PNG")
    data = target.getvalue()
    data = data[:33] + png_chunk(kind, b"parameters\0" + flag + packed) + data[33:]
    read = read_infotext(spoil(drawn, data), "a file")
    for told in (read, text.decode("utf-8", "replace")):
        entries = parse_infotext(told)
        settings = read_settings(entries)
        if settings is not None:
            check_settings(settings)
        blur = read_mask_blur(entries)
        assert blur is None or 0 <= blur <= 1024
    assert all(isinstance(content, bytes) for _, content in png_chunks(data))


def fuzz_manifests(drawn: Drawn) -> None:
    row = {name: drawn.text() for name in ("original", "result", "mask", drawn.text())}
    lines = [json.dumps(row if drawn.flag() else drawn.value()) for _ in range(drawn.integer(0, 3))]
    suffix = drawn.choose((".csv", ".jsonl"))
    if suffix == ".csv":
        lines = ["original,result,mask", *(",".join(row.values()) for _ in lines)]
    data = spoil(drawn, "\n".join(lines).encode("utf-8", "surrogatepass"))
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder, f"pairs{suffix}")
        manifest.write_bytes(data)
        try:
            pairs = list(read_pairs(str(manifest), Patterns()))
        except CommandError as error:
            check_sentence(error)
            return
    assert all(isinstance(value, str) and value for pair in pairs for value in pair)


def fuzz_diagnosis(drawn: Drawn) -> None:
    width, height = drawn.size(48)
    original, mask = drawn.array((height, width, 3)), drawn.mask((height, width))
    result = original.copy() if drawn.flag() else drawn.array((height, width, 3))
    result[drawn.integer(0, height) :] ^= drawn.integer(0, 255)
    text = spoil(drawn, INFOTEXT.encode()).decode("utf-8", "replace") if drawn.flag() else ""
    for likely in diagnose_files(original, result, mask, text):
        assert 0 <= likely.probability <= 1
        assert 0 <= likely.share <= 1
        json.dumps(likely.to_json())


TARGETS: Mapping[str, Callable[[Drawn], None]] = MappingProxyType(
    {
        name.removeprefix("fuzz_"): target
        for name, target in list(globals().items())
        if name.startswith("fuzz_")
    }
)

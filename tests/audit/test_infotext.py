from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bleed_guard.audit.infotext import (
    parse_infotext,
    read_infotext,
    read_mask_blur,
    read_settings,
)

TEXT = 'a "mug", größer: 2\nNegative prompt: x\nSteps: 20, Mask blur: 6, Lora hashes: "a: b, c: d"'


def encode(text: str, **options: Any) -> bytes:
    info = PngInfo()
    info.add_text("Software", "other")
    getattr(info, options.pop("method", "add_text"))("parameters", text, **options)
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options",
    [{}, {"zip": True}, {"method": "add_itxt"}, {"method": "add_itxt", "zip": True}],
)
def test_every_kind_of_text_chunk(options):
    assert read_infotext(encode(TEXT, **options), "a.png") == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-be", "latin-1"])
def test_exif_user_comment_of_a_jpeg(encoding):
    prefix = b"UNICODE\0" if encoding == "utf-16-be" else b"ASCII\0\0\0"
    exif = Image.Exif()
    exif[0x8769] = {0x9286: prefix + TEXT.encode(encoding)}
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "JPEG", exif=exif)
    assert read_infotext(buffer.getvalue(), "a.jpg") == TEXT


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", encode("x")[:60]])
def test_bad_bytes_have_no_infotext(data):
    assert read_infotext(data, "a.png") == ""


def test_entries_are_split_and_unquoted():
    entries = parse_infotext(TEXT)
    assert entries == {"Steps": "20", "Mask blur": "6", "Lora hashes": "a: b, c: d"}
    assert read_mask_blur(entries) == 6


@pytest.mark.parametrize("value", ["", "x", "-1", "4.5", "9" * 30])
def test_a_mask_blur_of_nonsense_is_none(value):
    assert read_mask_blur({"Mask blur": value}) is None


def test_settings_are_those_the_guard_wrote():
    settings = read_settings(
        {"Bleed guard": "tight-edit", "Bleed guard tolerance": "2", "Steps": "20"}
    )
    assert settings is not None
    assert (settings.preset, settings.blend, settings.tolerance) == ("tight-edit", "hard", 2)
    assert read_settings({"Steps": "20"}) is None

"""What the saved file carries over from the init image: alpha, ICC profile, DPI."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

ALPHA_FORMATS = (".png",)
"""Some hosts drop the alpha channel of WebP on saving, and lossless WebP the colours below it."""
METRES_PER_INCH = 0.0254
ICC_CHUNK = 65519
"""Bytes of a profile one JPEG APP2 segment holds: 65535 less its length and the ICC header."""


def carry_over(
    image: Image.Image, init: Image.Image, protected: np.ndarray, path: Path
) -> Image.Image:
    """`image` with the init image's alpha channel and profile, as far as its format takes them.

    `protected` is bool H x W: there the file is the original's own pixels, R, G, B and alpha, so
    that it looks the same on every background; where the original is invisible, the host's
    background stays below. Elsewhere the edit is opaque, as the gallery shows it.
    """
    if has_alpha(init) and init.size == image.size and path.suffix.lower() in ALPHA_FORMATS:
        own = np.asarray(init)
        is_own = protected & (own[..., 3] > 0)
        colors = np.where(is_own[..., None], own[..., :3], np.asarray(image.convert("RGB")))
        alpha = np.where(protected, own[..., 3], np.uint8(255))
        info = dict(image.info)
        image = Image.fromarray(np.dstack([colors, alpha]), "RGBA")
        image.info = info
    profile = init.info.get("icc_profile")
    if profile:
        image.info["icc_profile"] = profile  # Pillow writes it into a PNG by itself
    return image


def has_alpha(image: Image.Image) -> bool:
    """Whether anything of the picture is transparent. Alpha 254 only hides an infotext."""
    return image.mode == "RGBA" and int(np.asarray(image.getchannel("A")).min()) < 254


def write_resolution(path: Path, init: Image.Image) -> None:
    """Write the init image's DPI, and into JPEG its profile, into a file the host has saved.

    PNG and JPEG only; the pixels are not touched and the file is replaced in one step.
    """
    dpi, profile = init.info.get("dpi"), init.info.get("icc_profile")
    suffix = path.suffix.lower()
    if suffix == ".png" and dpi:
        _replace(path, _png_with_dpi(path.read_bytes(), dpi))
    elif suffix in (".jpg", ".jpeg") and (dpi or profile):
        _replace(path, _jpeg_with(path.read_bytes(), dpi, profile))


def _replace(path: Path, data: bytes) -> None:
    aside = path.with_name(path.name + ".tmp")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _png_with_dpi(data: bytes, dpi: tuple[float, float]) -> bytes:
    """A pHYs chunk right after IHDR, which is always the first 33 bytes; none is written twice."""
    if b"pHYs" in data[:4096]:
        return data
    across, down = (int(value / METRES_PER_INCH + 0.5) for value in dpi)
    body = b"pHYs" + struct.pack(">IIB", across, down, 1)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def _jpeg_with(data: bytes, dpi: tuple[float, float] | None, profile: bytes | None) -> bytes:
    """Density into the JFIF header (bytes 13-17), the profile as APP2 segments behind it."""
    if data[2:4] != b"\xff\xe0":
        return data
    end = 4 + struct.unpack(">H", data[4:6])[0]
    header = bytearray(data[:end])
    if dpi:
        header[13:18] = struct.pack(">BHH", 1, round(dpi[0]), round(dpi[1]))
    return bytes(header) + _icc_segments(profile or b"") + data[end:]


def _icc_segments(profile: bytes) -> bytes:
    parts = [profile[at : at + ICC_CHUNK] for at in range(0, len(profile), ICC_CHUNK)]
    segments = b""
    for number, part in enumerate(parts, start=1):
        body = b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part
        segments += b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
    return segments

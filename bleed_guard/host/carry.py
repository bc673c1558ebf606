"""What the saved file carries over from the init image: alpha, ICC profile, DPI."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from bleed_guard.core.stripes import read_channel, read_pixels
from bleed_guard.metadata import Metadata

ALPHA_FORMATS = (".png",)
"""Some hosts drop the alpha channel of WebP on saving, and lossless WebP the colours below it."""
METRES_PER_INCH = 0.0254
ICC_CHUNK = 65519
"""Bytes of a profile one JPEG APP2 segment holds: 65535 less its length and the ICC header."""
JFIF_MARKER, EXIF_MARKER = b"\xff\xe0", b"\xff\xe1"
JFIF_HEADER = JFIF_MARKER + b"\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
"""Of version 1.1, without a density and without a thumbnail."""
LARGEST_DPI = 65535
"""What fits a JPEG's density."""
RIFF_HEADER = 12
"""Bytes before a WebP file's first chunk: "RIFF", the length of the rest, "WEBP"."""
STEALTH_SIGNATURE = b"stealth_"
"""What a hidden infotext begins with."""
STEALTH_HEAD = 15
"""Letters of its whole signature; then come its bits' number, 32 bits, and its bits."""
WEBP_HAS_PROFILE, WEBP_HAS_ALPHA = 0x20, 0x10
"""Flags in the extended header of a WebP file."""


def carry_over(
    image: Image.Image, init: Image.Image, protected: np.ndarray | None, path: Path
) -> Image.Image:
    """`image` with the init image's alpha channel and profile, as far as its format takes them.

    `protected` is bool H x W: there the file is the original's own pixels, R, G, B and alpha, so
    that it looks the same on every background; where the original is invisible, the host's
    background stays below. Elsewhere the edit is opaque, as the gallery shows it. None: the
    picture does not have the original's pixels, and so no alpha channel.
    """
    if protected is not None and has_alpha(init) and path.suffix.lower() in ALPHA_FORMATS:
        own = np.asarray(init)
        is_own = protected & (own[..., 3] > 0)
        colors = np.where(is_own[..., None], own[..., :3], read_pixels(image))
        alpha = np.where(protected, own[..., 3], np.uint8(255))
        info = dict(image.info)
        image = Image.fromarray(np.dstack([colors, alpha]), "RGBA")
        image.info = info
    profile = _read_profile(init)
    if profile:
        image.info["icc_profile"] = profile  # Pillow writes it into a PNG by itself
    return image


def has_alpha(image: Image.Image) -> bool:
    """Whether anything of the picture is transparent. Alpha 254 only hides an infotext."""
    return image.mode == "RGBA" and int(read_channel(image, "A").min()) < 254


def read_hidden(image: Image.Image) -> bytes:
    """The infotext a host has hidden in the lowest bits of alpha, or of R, G and B, as it lies
    there, signature and all; empty if there is none."""
    first = STEALTH_HEAD + 4
    for bands in ("A", "RGB"):
        if not set(bands) <= set(image.getbands()):
            continue
        head = _read_lowest(image, bands, 8 * first)
        if head.startswith(STEALTH_SIGNATURE):
            count = int.from_bytes(head[STEALTH_HEAD:first], "big")
            return _read_lowest(image, bands, 8 * first + count)
    return b""


def _read_lowest(image: Image.Image, bands: str, count: int) -> bytes:
    """The first lowest bits of a picture's bands, down its columns; fewer if it has no more."""
    columns = -(-count // max(image.height * len(bands), 1))
    strip = image.crop((0, 0, min(columns, image.width), image.height))
    levels = np.stack([np.asarray(strip.getchannel(band)).T for band in bands], axis=-1)
    return np.packbits(levels.ravel()[:count] & 1).tobytes()


def _read_profile(init: Image.Image) -> bytes:
    """The init image's profile if it is one of R, G, B, as the result is; else none."""
    return Metadata(icc=init.info.get("icc_profile") or b"").rgb_icc


def _read_dpi(init: Image.Image) -> tuple[float, float] | None:
    """The init image's DPI; None if there is none that makes sense."""
    given = init.info.get("dpi")
    try:
        across, down = (float(value) for value in given or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if all(1 <= value <= LARGEST_DPI for value in (across, down)) else None


def write_resolution(path: Path, init: Image.Image) -> None:
    """Write the init image's DPI, and into JPEG and WebP its profile, into a file the host saved.

    The pixels are not touched and the file is replaced in one step. WebP has no place for DPI.
    """
    dpi, profile = _read_dpi(init), _read_profile(init)
    suffix = path.suffix.lower()
    if suffix == ".png" and dpi:
        _replace(path, _png_with_dpi(path.read_bytes(), dpi))
    elif suffix in (".jpg", ".jpeg") and (dpi or profile):
        _replace(path, _jpeg_with(path.read_bytes(), dpi, profile))
    elif suffix == ".webp" and profile:
        with Image.open(path) as file:
            size, has_alpha_channel = file.size, file.mode == "RGBA"
        _replace(path, _webp_with(path.read_bytes(), profile, size, has_alpha_channel))


def _replace(path: Path, data: bytes) -> None:
    aside = path.with_suffix(".tmp")  # as the host's own: no longer than the name
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
    """Density into the JFIF header, the profile as APP2 segments behind it and the EXIF.

    Hosts that write their infotext with piexif lose the JFIF header: it is made anew.
    """
    jfif, rest = _split_segment(data[2:], JFIF_MARKER)
    exif, rest = _split_segment(rest, EXIF_MARKER)
    jfif = jfif or JFIF_HEADER
    if dpi:
        jfif = jfif[:11] + struct.pack(">BHH", 1, round(dpi[0]), round(dpi[1])) + jfif[16:]
    is_there = b"ICC_PROFILE\0" in data[:ICC_CHUNK]
    return data[:2] + jfif + exif + _icc_segments(b"" if is_there else profile or b"") + rest


def _split_segment(data: bytes, marker: bytes) -> tuple[bytes, bytes]:
    """The segment of this marker `data` begins with, empty if there is none, and the rest."""
    if data[:2] != marker:
        return b"", data
    end = 2 + struct.unpack(">H", data[2:4])[0]
    return data[:end], data[end:]


def _icc_segments(profile: bytes) -> bytes:
    parts = [profile[at : at + ICC_CHUNK] for at in range(0, len(profile), ICC_CHUNK)]
    segments = b""
    for number, part in enumerate(parts, start=1):
        body = b"ICC_PROFILE\0" + bytes([number, len(parts)]) + part
        segments += b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
    return segments


def _webp_with(
    data: bytes, profile: bytes, size: tuple[int, int], has_alpha_channel: bool
) -> bytes:
    """An ICCP chunk behind the extended header, which is made for a file without one."""
    if b"ICCP" in data[RIFF_HEADER:64]:
        return data
    chunks = data[RIFF_HEADER:]
    if chunks[:4] == b"VP8X":
        header, chunks = chunks[8:18], chunks[18:]
    else:
        flags = WEBP_HAS_ALPHA if has_alpha_channel else 0
        header = struct.pack("<I", flags)
        header += b"".join((side - 1).to_bytes(3, "little") for side in size)
    header = bytes([header[0] | WEBP_HAS_PROFILE]) + header[1:]
    body = b"WEBP" + _riff_chunk(b"VP8X", header) + _riff_chunk(b"ICCP", profile) + chunks
    return _riff_chunk(b"RIFF", body)


def _riff_chunk(name: bytes, content: bytes) -> bytes:
    """A RIFF chunk, padded to an even length that its count does not tell."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

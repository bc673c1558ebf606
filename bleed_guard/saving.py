"""Writing pictures: whole or not at all, with the metadata that came along."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bleed_guard.audit.infotext import EXIF_IFD
from bleed_guard.images import PNG_SIGNATURE, Picture, PictureError
from bleed_guard.metadata import (
    GPS_IFD,
    JPEG_XMP,
    PNG_XMP,
    TIFF_XMP,
    Metadata,
    fits_jpeg,
    load_exif,
)

LOSSLESS_SUFFIXES = (".png", ".webp", ".tif", ".tiff")
LOSSY_SUFFIXES = (".jpg", ".jpeg")
LOSSY_QUALITY = 95


def check_target(path: str | Path, *, lossy: bool = False, force: bool = False) -> None:
    """PictureError unless a picture may be written to `path`.

    Its format must keep every pixel unless `lossy`; an existing file needs `force`.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    lossless = ", ".join(LOSSLESS_SUFFIXES)
    if suffix in LOSSY_SUFFIXES and not lossy:
        raise PictureError(
            f"{path}: JPEG changes pixels when saved; choose {lossless}, or say --lossy"
        )
    if suffix not in (*LOSSLESS_SUFFIXES, *LOSSY_SUFFIXES):
        raise PictureError(f"{path}: cannot write this format, expected one of {lossless}")
    if target.exists() and not force:
        raise PictureError(f"{path}: the file exists; say --force to replace it")


def write_picture(path: str | Path, picture: Picture, metadata: Metadata | None = None) -> None:
    """Write `picture` in the format of `path`'s suffix; a failure leaves what was there before.

    16 bits are kept in PNG only. PictureError naming the file if it cannot be written.
    """
    with _naming_write(path):
        data = encode_picture(picture, Path(path).suffix.lower(), metadata or Metadata())
        write_bytes(path, data)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write the whole file or nothing: beside it first, then moved into its place."""
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def encode_picture(picture: Picture, suffix: str, metadata: Metadata) -> bytes:
    """The file's bytes; `suffix` (".png", ...) is the format. PictureError if it cannot hold it."""
    if suffix not in (*LOSSLESS_SUFFIXES, *LOSSY_SUFFIXES):
        known = ", ".join((*LOSSLESS_SUFFIXES, *LOSSY_SUFFIXES))
        raise PictureError(f"cannot write this format, expected one of {known}")
    if picture.depth == 16:
        if suffix != ".png":
            raise PictureError(f"16 bits per channel can be written as .png only, not as {suffix}")
        return _encode_deep_png(picture, metadata)
    if suffix in LOSSY_SUFFIXES and picture.alpha is not None:
        raise PictureError(f"the picture has transparency, which {suffix} cannot hold")
    buffer = io.BytesIO()
    _as_pillow(picture).save(buffer, **_save_options(suffix, metadata))
    return buffer.getvalue()


def _as_pillow(picture: Picture) -> Any:
    from PIL import Image

    if picture.alpha is None:
        return Image.fromarray(picture.pixels)
    return Image.fromarray(np.dstack([picture.pixels, picture.alpha]))


def _save_options(suffix: str, metadata: Metadata) -> dict[str, Any]:
    """Arguments of Pillow's `save` for this format and what it can carry."""
    options: dict[str, Any] = {"icc_profile": metadata.rgb_icc or None}
    exif = metadata.exif if suffix == ".png" else metadata.commented_exif
    if exif:
        options["exif"] = exif
    if metadata.dpi and suffix != ".webp":
        options["dpi"] = metadata.dpi
    if suffix == ".png":
        return {**options, "format": "PNG", "pnginfo": _png_texts(metadata)}
    if suffix == ".webp":
        return {**options, "format": "WEBP", "lossless": True, "exact": True, "xmp": metadata.xmp}
    if suffix in LOSSY_SUFFIXES:
        extra = _jpeg_xmp(metadata.xmp)
        quality = {"quality": LOSSY_QUALITY, "subsampling": 0}
        return {**options, **quality, "format": "JPEG", "extra": extra}
    return {**options, **_tiff_options(exif, metadata.xmp), "format": "TIFF"}


def _png_texts(metadata: Metadata) -> Any:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    for key, value in metadata.text.items():
        texts.add_itxt(key, value) if _needs_unicode(value) else texts.add_text(key, value)
    if metadata.xmp:
        texts.add_itxt(PNG_XMP, metadata.xmp.decode("utf-8", "replace"))
    return texts


def _jpeg_xmp(xmp: bytes) -> bytes:
    """The segment (marker APP1) that holds the XMP; b"" if there is none, or if it is too large."""
    if not xmp or not fits_jpeg(xmp):
        return b""
    content = JPEG_XMP + xmp
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def _tiff_options(exif: bytes, xmp: bytes) -> dict[str, Any]:
    """Pillow compresses no TIFF that has the nested directories of EXIF or GPS."""
    tags = load_exif(exif)
    is_nested = EXIF_IFD in tags or GPS_IFD in tags
    if xmp:
        tags[TIFF_XMP] = xmp
    return {"exif": tags, "compression": "raw" if is_nested else "tiff_deflate"}


def _needs_unicode(text: str) -> bool:
    return not text.isascii()


def _encode_deep_png(picture: Picture, metadata: Metadata) -> bytes:
    """A 16-bit PNG: OpenCV encodes the pixels, our chunks are put in behind the header."""
    import cv2

    if picture.alpha is None:
        levels = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2BGR)
    else:
        levels = np.dstack([picture.pixels[..., ::-1], picture.alpha])
    done, encoded = cv2.imencode(".png", levels)
    if not done:
        raise PictureError("the picture could not be encoded as PNG")
    data = encoded.tobytes()
    header_end = len(PNG_SIGNATURE) + 12 + 13
    return data[:header_end] + _png_metadata(metadata) + data[header_end:]


def _png_metadata(metadata: Metadata) -> bytes:
    """The metadata as PNG chunks that may stand right behind the header."""
    chunks = []
    if metadata.rgb_icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.rgb_icc)))
    if metadata.dpi:
        per_metre = (round(value / 0.0254) for value in metadata.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")))
    texts = [
        (key.encode("latin-1", "replace"), text.encode()) for key, text in metadata.text.items()
    ]
    if metadata.xmp:
        texts.append((PNG_XMP.encode(), metadata.xmp))
    chunks += [(b"iTXt", key + b"\0\0\0\0\0" + content) for key, content in texts]
    return b"".join(png_chunk(kind, content) for kind, content in chunks)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One PNG chunk with its length and checksum."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def _umask() -> int:
    """The process's umask, which `mkstemp` ignores; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def _naming_write(path: str | Path) -> Iterator[None]:
    """Turn what goes wrong while writing into one sentence that names the file."""
    try:
        yield
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None
    except (OSError, ValueError, RuntimeError, struct.error) as error:  # Pillow raises all of them
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path}: cannot be written ({reason})") from error

"""Picture files at the edge: any file -> arrays, and arrays -> a file that keeps what came along.

The only place outside the host that opens picture files. Arrays are RGB; 16-bit files stay 16-bit.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

PIXEL_LIMIT = 2 * 89_478_485
"""Pillow's own limit against decompression bombs: 178 megapixels."""

DEEP_LEVELS = 257
"""16-bit levels per 8-bit level: 65535 / 255."""

DEEPEST = 65535
"""The highest level of 16 bits."""

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHUNK_HEAD = struct.Struct(">I4s")
PNG_GREY, PNG_RGB, PNG_GREY_ALPHA, PNG_RGBA = 0, 2, 4, 6
KORNIA_MODES = {PNG_GREY: "mono", PNG_RGB: "rgb", PNG_RGBA: "rgba"}
TEXT_CHUNKS = (b"tEXt", b"iTXt", b"zTXt")
TURNING_TEXTS = {b"Raw profile type exif", b"XML:com.adobe.xmp"}
"""Keys of the texts in which Pillow looks for an orientation where a PNG has no eXIf chunk."""

ORIENTATION = 0x0112
"""EXIF's tag for how a picture is to be turned."""

FLIPS = {2: (1,), 3: (0, 1), 4: (0,), 5: (), 6: (1,), 7: (0, 1), 8: (0,)}
"""Orientation -> the axes to turn round; 5 to 8 are transposed first."""

FILE_LIMIT = 2**31
"""Bytes: more than the largest allowed picture takes in any format, uncompressed."""

WEBP_HEAD, WEBP_FRAME_HEAD = 12, 16
"""Bytes before a WebP's first chunk, and before the chunks within a frame's."""

TIFF_WIDTH, TIFF_HEIGHT = 256, 257
CODECS = {"JPEG": "jpeg", "MPO": "jpeg", "WEBP": "webp", "AVIF": "avif", "HEIF": "avif"}
"""Pillow's names of the lossy formats -> `Picture.codec`."""

_PIPED: dict[tuple[int, int], bytes] = {}
"""What the pipes read so far held, by device and inode: they give it once."""

TOO_LITTLE_MEMORY = "there is too little memory to read it"
READABLE = "PNG, JPEG, WebP, TIFF, BMP or another format Pillow reads"


class PictureError(Exception):
    """A file that cannot be read or written; the message is one sentence that names it."""


@dataclass(frozen=True)
class Picture:
    """A decoded file, upright.

    `pixels` is uint8 or uint16 H x W x 3 RGB; `alpha` the same dtype, H x W, or None if the file
    has no transparency. `codec` is what the file loses levels by, named as `core.job.Cause` names
    it, or ""; `has_more` tells of further frames or pages, which are not decoded.
    """

    path: str
    pixels: np.ndarray
    alpha: np.ndarray | None = None
    codec: str = ""
    has_more: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def depth(self) -> int:
        """Bits per channel: 8 or 16."""
        return 8 * self.pixels.itemsize


class MaskChannel(str, Enum):
    """Which part of a mask file is the mask."""

    AUTO = "auto"  # as the hosts do: the alpha channel if it is used, else luma
    ALPHA = "alpha"
    LUMA = "luma"


class PngHeader(NamedTuple):
    """What a PNG says of itself beside its pixels; `texts` are the keys of its texts."""

    width: int
    height: int
    depth: int
    color: int
    is_interlaced: bool
    chunks: frozenset[bytes]
    texts: frozenset[bytes]

    @property
    def may_be_turned(self) -> bool:
        """Whether it has a place where an orientation may be told."""
        return b"eXIf" in self.chunks or not TURNING_TEXTS.isdisjoint(self.texts)


def read_picture(path: str | Path) -> Picture:
    """Decode a file of any format Pillow or OpenCV reads, turned upright by its EXIF orientation.

    PictureError if it is missing, no picture, damaged or larger than `PIXEL_LIMIT`.
    """
    return decode_picture(read_bytes(path), str(path))


def read_mask_file(
    path: str | Path, *, channel: MaskChannel | str = MaskChannel.AUTO, invert: bool = False
) -> np.ndarray:
    """The mask in a file: uint8 H x W, 255 = repaint. PictureError as `read_picture`."""
    return decode_mask(read_bytes(path), str(path), channel=channel, invert=invert)


def find_pipe(path: str | Path) -> tuple[int, int] | None:
    """Device and inode of a named pipe or a shell's `<(command)`; None for anything else."""
    try:
        about = os.stat(path)  # noqa: PTH116 - pathlib takes longer to import than this all
    except (OSError, ValueError):
        return None
    return (about.st_dev, about.st_ino) if stat.S_ISFIFO(about.st_mode) else None


def read_bytes(path: str | Path) -> bytes:
    """The file's bytes; PictureError with one sentence if it cannot be read."""
    pipe = find_pipe(path)
    if pipe is None:
        return _read_once(path)
    if pipe not in _PIPED:
        _PIPED[pipe] = _read_once(path)
    return _PIPED[pipe]


def _read_once(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            about = os.fstat(file.fileno())
            if stat.S_ISCHR(about.st_mode):  # some give bytes without end
                raise PictureError(f"{path}: this is a device, expected a picture file")
            size = about.st_size  # 0 where nobody knows it beforehand
            data = file.read(size if 0 < size <= FILE_LIMIT else FILE_LIMIT + 1)
    except FileNotFoundError:
        raise PictureError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise PictureError(f"{path}: this is a folder, expected a picture file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"{path}: cannot be read ({reason})") from None
    except MemoryError:
        raise PictureError(f"{path}: {TOO_LITTLE_MEMORY}") from None
    if len(data) > FILE_LIMIT:
        raise PictureError(f"{path}: more than the {FILE_LIMIT >> 30} GB allowed")
    return data


def decode_picture(data: bytes, path: str) -> Picture:
    """`read_picture` for bytes in memory; `path` is for messages."""
    with naming(path):
        header = _read_header(data, path)
        if header and _is_plain(header):
            return _decode_plain(data, path, header)
        if data[:4] in (b"II*\0", b"MM\0*"):
            width, height, has_more = _read_tiff_head(data)
            _check_size(width, height, path)
            deep = _decode_deep_tiff(data)
            if deep is not None:
                return replace(_split(deep, path), has_more=has_more)
        return _decode_with_pillow(data, path)


def decode_mask(
    data: bytes, path: str, *, channel: MaskChannel | str = MaskChannel.AUTO, invert: bool = False
) -> np.ndarray:
    """`read_mask_file` for bytes in memory; `path` is for messages."""
    channel = MaskChannel(channel)
    header = _read_header(data, path)
    if header and _is_plain(header) and channel is not MaskChannel.ALPHA and _is_grey(header):
        with naming(path):
            levels = _decode_levels(data, path, header)
        return 255 - levels if invert else levels
    return _decode_mask_with_pillow(data, path, channel, invert)


def _is_grey(header: PngHeader) -> bool:
    return header.color == PNG_GREY and header.depth == 8


def _decode_mask_with_pillow(
    data: bytes, path: str, channel: MaskChannel, invert: bool
) -> np.ndarray:
    from PIL import ImageOps

    from bleed_guard.core.mask import read_mask

    with open_image(data, path) as image, naming(path):
        upright = ImageOps.exif_transpose(image)
        if channel is MaskChannel.LUMA:
            return read_mask(_without_alpha(upright), invert=invert)
        if upright.mode in ("LA", "PA") or "transparency" in upright.info:
            upright = upright.convert("RGBA")
        if channel is MaskChannel.AUTO:
            return read_mask(upright, invert=invert)
        if upright.mode != "RGBA":
            raise PictureError(f"{path}: has no alpha channel to be the mask")
        return read_mask(upright.getchannel("A"), invert=invert)


def _without_alpha(image: Image.Image) -> Image.Image:
    """The picture with its transparency left out, not laid on anything."""
    if image.mode[0] in "IF" or image.mode in ("1", "L", "RGB"):
        return image
    return image.convert("L" if image.mode == "LA" else "RGB")


def shallow(levels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 levels -> uint8, rounded to the nearest."""
    if levels.dtype == np.uint8:
        return levels
    return ((levels.astype(np.uint32) + DEEP_LEVELS // 2) // DEEP_LEVELS).astype(np.uint8)


def deepen(levels: np.ndarray) -> np.ndarray:
    """uint8 or uint16 levels -> uint16."""
    return levels.astype(np.uint16) * DEEP_LEVELS if levels.dtype == np.uint8 else levels


def _read_header(data: bytes, path: str) -> PngHeader | None:
    """The header of a whole PNG, None for other formats; PictureError for a torn or absurd one."""
    if not data.startswith(PNG_SIGNATURE):
        return None
    chunks, texts = set(), set()
    try:
        for kind, content in png_chunks(data):
            chunks.add(kind)
            if kind in TEXT_CHUNKS:
                texts.add(content.partition(b"\0")[0])
        width, height, depth, color, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    except struct.error:
        raise PictureError(f"{path}: this PNG is cut off") from None
    if b"IEND" not in chunks:
        raise PictureError(f"{path}: this PNG is cut off")
    _check_size(width, height, path)
    named = frozenset(chunks), frozenset(texts)
    return PngHeader(width, height, depth, color, bool(interlace), *named)


def _check_size(width: int, height: int, path: str) -> None:
    if width * height > PIXEL_LIMIT:
        raise PictureError(
            f"{path}: {width} x {height} is more than the {PIXEL_LIMIT // 10**6} megapixels allowed"
        )


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, content) of each chunk of a PNG up to where it ends or is cut off.

    The content of IDAT chunks is left out (empty): it is large and nobody asks for it.
    """
    at, size, read_head = len(PNG_SIGNATURE), len(data), PNG_CHUNK_HEAD.unpack_from
    while at + 12 <= size:
        length, kind = read_head(data, at)
        end = at + 12 + length
        if end > size:
            return
        yield kind, b"" if kind == b"IDAT" else data[at + 8 : end - 4]
        at = end


def _is_plain(header: PngHeader) -> bool:
    """Whether OpenCV decodes it exactly: 16 bits, or 8 with no palette, no colour key, no grey with
    alpha, no orientation and no frames."""
    if header.depth == 16:
        return header.color in (PNG_GREY, PNG_RGB, PNG_GREY_ALPHA, PNG_RGBA)
    is_special = header.may_be_turned or not {b"tRNS", b"acTL"}.isdisjoint(header.chunks)
    return header.color in KORNIA_MODES and header.depth == 8 and not is_special


def _decode_plain(data: bytes, path: str, header: PngHeader) -> Picture:
    levels = _decode_levels(data, path, header)
    if levels.ndim == 2 and b"tRNS" in header.chunks:
        levels = _key_out(levels, dict(png_chunks(data))[b"tRNS"][:2])
    if header.may_be_turned:
        levels = _turn(levels, _read_orientation(data, path))
    if levels.ndim == 2:
        return Picture(path, np.repeat(levels[..., None], 3, axis=2))
    if levels.shape[2] == 3:
        return Picture(path, levels)
    pixels, alpha = levels[..., :3], levels[..., 3]
    return Picture(path, np.ascontiguousarray(pixels), np.ascontiguousarray(alpha))


def _key_out(levels: np.ndarray, key: bytes) -> np.ndarray:
    """Grey of 16 bits -> uint16 H x W x 4 RGBA, transparent where it is the colour key; OpenCV
    does that for colour alone."""
    alpha = np.where(levels == int.from_bytes(key, "big"), np.uint16(0), np.uint16(DEEPEST))
    return np.dstack([levels, levels, levels, alpha])


def _read_orientation(data: bytes, path: str) -> int:
    """1 to 8 as EXIF counts them, or what else the file says."""
    with open_image(data, path) as image:
        return image.getexif().get(ORIENTATION, 1)


def _turn(levels: np.ndarray, orientation: int) -> np.ndarray:
    """The picture upright, H x W or H x W x C, as Pillow's `exif_transpose` turns its own; as it
    is for what is no orientation."""
    axes = FLIPS.get(orientation)
    if axes is None:
        return levels
    turned = levels.swapaxes(0, 1) if orientation > 4 else levels
    return np.ascontiguousarray(np.flip(turned, axes))


def _decode_levels(data: bytes, path: str, header: PngHeader) -> np.ndarray:
    """A plain PNG as it is stored -> uint8 or uint16 H x W, H x W x 3 RGB or H x W x 4 RGBA.

    By kornia-rs where it is installed, the fastest by far (see benchmarks/check.py), or OpenCV.
    """
    decode = _import_decoder() if header.depth == 8 else None
    if decode is None:
        levels = _decode_with_opencv(data)
    else:
        with naming(path):
            size = (header.height, header.width)
            levels = decode(data, size, KORNIA_MODES[header.color])
            levels = levels[..., 0] if header.color == PNG_GREY else levels
    if levels is None or levels.shape[:2] != (header.height, header.width):
        raise PictureError(f"{path}: this PNG is damaged")
    return levels


def _import_decoder() -> Callable[[bytes, tuple[int, int], str], np.ndarray] | None:
    """kornia-rs' decoder of 8-bit PNGs: bytes, (height, width), mode -> H x W x C."""
    try:
        from kornia_rs import io  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return io.decode_image_png_u8


def _decode_with_opencv(data: bytes) -> np.ndarray | None:
    """As `_decode_levels`; None if the bytes are damaged."""
    import cv2

    levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if levels is None or levels.ndim == 2:
        return levels
    order = cv2.COLOR_BGR2RGB if levels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(levels, order)


def _read_tiff_head(data: bytes) -> tuple[int, int, bool]:
    """(width, height) of a TIFF's first picture, 0 if it does not say, and whether there is a
    second one."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    file = io.BytesIO(data)
    directory = ImageFileDirectory_v2(file.read(8))
    file.seek(directory.next)
    directory.load(file)
    width, height = (directory.get(tag, 0) for tag in (TIFF_WIDTH, TIFF_HEIGHT))
    return int(width), int(height), bool(directory.next)


def _decode_deep_tiff(data: bytes) -> np.ndarray | None:
    """Colour TIFFs of 16 bits, which Pillow does not read: uint16 in OpenCV's order, else None."""
    import cv2

    levels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return levels if levels is not None and levels.dtype == np.uint16 else None


def _split(levels: np.ndarray, path: str) -> Picture:
    """OpenCV's H x W, H x W x 3 BGR or H x W x 4 BGRA -> a Picture of H x W x 3 RGB and alpha."""
    import cv2

    if levels.ndim == 2:
        return Picture(path, cv2.cvtColor(levels, cv2.COLOR_GRAY2RGB))
    if levels.shape[2] == 4:
        alpha = np.ascontiguousarray(levels[..., 3])
        return Picture(path, cv2.cvtColor(levels, cv2.COLOR_BGRA2RGB), alpha)
    return Picture(path, cv2.cvtColor(levels, cv2.COLOR_BGR2RGB))


def _decode_with_pillow(data: bytes, path: str) -> Picture:
    from PIL import ImageOps

    with open_image(data, path) as image, naming(path):
        codec, has_more = _tell_codec(image, data), getattr(image, "is_animated", False)
        upright = ImageOps.exif_transpose(image)
        pixels, alpha = _to_levels(upright, path)
        return Picture(path, pixels, alpha, codec, has_more)


def _to_levels(image: Image.Image, path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """`Picture.pixels` and `Picture.alpha` of an image in any mode."""
    if image.mode[0] in "IF":
        return _grey_to_rgb(np.asarray(image), path), None
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        levels = np.asarray(image.convert("RGBA"))
        return levels[..., :3].copy(), levels[..., 3].copy()
    return np.asarray(image.convert("RGB")), None


def _tell_codec(image: Image.Image, data: bytes) -> str:
    """`Picture.codec` of a file."""
    if image.mode in ("P", "PA"):
        return "palette"
    codec = CODECS.get(image.format or "", "")
    return "" if codec == "webp" and _is_lossless_webp(data) else codec


def _is_lossless_webp(data: bytes) -> bool:
    """By the kind of its first chunk of pixels, which in a moving one lies within a frame's."""
    at = WEBP_HEAD
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L"
        at += 8 + (WEBP_FRAME_HEAD if kind == b"ANMF" else length + length % 2)
    return False


def _grey_to_rgb(levels: np.ndarray, path: str) -> np.ndarray:
    """Grey levels of more than 8 bits, any dtype, H x W -> uint16 H x W x 3.

    PictureError if 16 bits cannot hold them: cut to fit, different pictures would be the same.
    """
    if levels.dtype.kind == "f":
        raise PictureError(f"{path}: has floating-point levels, expected whole numbers")
    least, most = int(levels.min()), int(levels.max())
    if least < 0 or most > DEEPEST:
        raise PictureError(f"{path}: has levels from {least} to {most}, expected 0 to {DEEPEST}")
    return np.repeat(levels.astype(np.uint16)[..., None], 3, axis=2)


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Turn whatever a decoder raises on hostile bytes into one sentence that names the file."""
    try:
        yield
    except PictureError:
        raise
    except MemoryError:
        raise PictureError(f"{path}: {TOO_LITTLE_MEMORY}") from None
    except Exception as error:
        raise PictureError(f"{path}: this picture is damaged ({error})") from error
    except BaseException as error:  # Rust's panic is none of Exception's kinds
        if type(error).__name__ != "PanicException":
            raise
        raise PictureError(f"{path}: the decoder failed ({error})") from error


def open_image(data: bytes, path: str) -> Image.Image:
    """The file as a Pillow image, not yet decoded; PictureError if it is none or too large."""
    from PIL import Image, UnidentifiedImageError

    with naming(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data))
        except UnidentifiedImageError:
            raise PictureError(f"{path}: this is not a picture (expected {READABLE})") from None
        except Image.DecompressionBombError:
            limit = PIXEL_LIMIT // 10**6
            raise PictureError(f"{path}: more than the {limit} megapixels allowed") from None
        _check_size(*image.size, path)  # a host may have switched Pillow's own limit off
        return image

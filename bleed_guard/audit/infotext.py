"""What a picture says of how it was made: WebUI's generation parameters, read from its file."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from bleed_guard.core.settings import SCHEMA, GuardSettings
from bleed_guard.images import PNG_SIGNATURE, TEXT_CHUNKS, open_image, png_chunks

KEY = b"parameters"
TEXT_LIMIT = 1 << 20
"""A text is read up to here: characters, or bytes of a compressed chunk."""

USER_COMMENT, EXIF_IFD = 0x9286, 0x8769
ENTRY = re.compile(r'([\w \-/]{1,80}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
"""A label has a longest length: without one, a long text with no entry takes hours."""


def read_infotext(data: bytes, path: str) -> str:
    """The parameters a WebUI wrote into a file, "" if there are none. Never raises on bad bytes."""
    if data.startswith(PNG_SIGNATURE):
        texts = (chunk for chunk in png_chunks(data) if chunk[0] in TEXT_CHUNKS)
        return next(filter(None, (_read_chunk(*chunk) for chunk in texts)), "")
    try:
        with open_image(data, path) as image:
            comment = image.getexif().get_ifd(EXIF_IFD).get(USER_COMMENT, b"")
    except Exception:  # the pixels' own reading tells what is wrong with the file
        return ""
    return _decode_comment(comment) if isinstance(comment, bytes) else str(comment)


def _read_chunk(kind: bytes, content: bytes) -> str:
    """The text of one of the `TEXT_CHUNKS` if it holds the parameters."""
    key, _, rest = content.partition(b"\0")
    if key != KEY:
        return ""
    if kind == b"tEXt":
        return rest[:TEXT_LIMIT].decode("latin-1")
    is_packed = kind == b"zTXt" or rest[:1] == b"\1"
    text = rest[1:] if kind == b"zTXt" else rest[2:].split(b"\0", 2)[-1]
    if is_packed:
        try:
            text = zlib.decompressobj().decompress(text, TEXT_LIMIT)
        except zlib.error:
            return ""
    return text[:TEXT_LIMIT].decode("latin-1" if kind == b"zTXt" else "utf-8", "replace")


def _decode_comment(comment: bytes) -> str:
    """EXIF's UserComment: eight bytes name the encoding; WebUIs write big-endian UTF-16."""
    encodings = {b"UNICODE\0": "utf-16-be", b"ASCII\0\0\0": "latin-1"}
    encoding = encodings.get(comment[:8])
    return (
        comment[8:].decode(encoding, "replace") if encoding else comment.decode("utf-8", "replace")
    )


def parse_infotext(text: str) -> dict[str, str]:
    """The settings of the parameters' last line: label -> value, unquoted."""
    last = text.strip().rpartition("\n")[2]
    return {key.strip(): _unquote(value) for key, value in ENTRY.findall(last)}


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def read_settings(entries: Mapping[str, str]) -> GuardSettings | None:
    """The guard's settings the picture was made with; None if it was made without the guard."""
    values: dict[str, object] = {}
    for setting in SCHEMA:
        text = entries.get(setting.infotext)
        if text is not None:
            values[setting.name] = _typed(text, setting.default)
    return GuardSettings.from_args([values]).settings if values else None


def _typed(text: str, default: object) -> object:
    """Text as the type of a setting's default; as it is where it does not fit."""
    if isinstance(default, bool):
        return {"true": True, "on": True, "false": False, "off": False}.get(text.lower(), text)
    if isinstance(default, int | float):
        try:
            return float(text) if isinstance(default, float) else int(text)
        except ValueError:
            return text
    return text


def read_mask_blur(entries: Mapping[str, str]) -> int | None:
    """The host's mask blur in px; None if it does not say."""
    text = entries.get("Mask blur", "")
    return int(text) if re.fullmatch(r"\d{1,4}", text) and int(text) <= 1024 else None

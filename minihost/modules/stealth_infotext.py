"""The infotext in the lowest bits of a saved image, as Forge and reForge hide it.

Bits run down the columns: a signature of 15 letters, the payload's length in bits as 32 bits,
then the gzipped UTF-8 text. They lie in the alpha channel (254 and 255), or in R, G and B.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable

import numpy as np
from modules import shared
from modules.script_callbacks import ImageSaveParams
from PIL import Image

ALPHA_SIGNATURE = b"stealth_pngcomp"
RGB_SIGNATURE = b"stealth_rgbcomp"
_PLAIN_SIGNATURES = {b"stealth_pnginfo", b"stealth_rgbinfo"}
clock: Callable[[], float] = time.time
"""Seconds since 1970: gzip writes the time beside the text."""
_HEADER_BITS = 8 * len(ALPHA_SIGNATURE) + 32


def add_stealth_pnginfo(params: ImageSaveParams) -> None:
    """Hides the infotext in the image about to be saved, in place, as the settings say."""
    option = shared.profile.stealth_option
    if option is None:
        return
    mode = shared.opts.data.get(option, "Alpha")
    fits = params.filename.endswith(shared.profile.stealth_extensions)
    if mode not in ("Alpha", "RGB") or not fits or "parameters" not in (params.pnginfo or {}):
        return
    text = gzip.compress(params.pnginfo["parameters"].encode(), mtime=clock())
    if mode == "Alpha":
        _hide_in_alpha(params.image, _bits(ALPHA_SIGNATURE, text))
    else:
        _hide_in_colors(params.image, _bits(RGB_SIGNATURE, text))


def _bits(signature: bytes, payload: bytes) -> np.ndarray:
    """uint8 0/1, one per bit."""
    length = (8 * len(payload)).to_bytes(4, "big")
    return np.unpackbits(np.frombuffer(signature + length + payload, np.uint8))


def _hide_in_alpha(image: Image.Image, bits: np.ndarray) -> None:
    width, height = image.size
    alpha = np.full(width * height, 255, np.uint8)
    written = min(bits.size, alpha.size)
    alpha[:written] = 254 | bits[:written]
    image.putalpha(Image.fromarray(np.ascontiguousarray(alpha.reshape(width, height).T)))


def _hide_in_colors(image: Image.Image, bits: np.ndarray) -> None:
    if image.mode != "RGB":
        raise ValueError(f"stealth infotext in RGB needs an RGB image, not {image.mode}")
    columns = np.ascontiguousarray(np.asarray(image).transpose(1, 0, 2))
    flat = columns.reshape(-1)
    written = min(bits.size, flat.size)
    flat[:written] = (flat[:written] & 254) | bits[:written]
    image.paste(Image.fromarray(np.ascontiguousarray(columns.transpose(1, 0, 2))))


def _hidden_bits(image: Image.Image) -> list[np.ndarray]:
    """Lowest bits in the order of writing: of alpha if there is one, of the colours."""
    pixels = np.asarray(image).transpose(1, 0, 2)
    orders = [pixels[..., 3].reshape(-1)] if image.mode == "RGBA" else []
    orders.append(np.ascontiguousarray(pixels[..., :3]).reshape(-1))
    return [order & 1 for order in orders]


def _hidden_payload(image: Image.Image) -> tuple[bytes, bytes] | None:
    """(signature, payload) of the hidden infotext, or None."""
    if image.mode not in ("RGB", "RGBA"):
        return None
    for bits in _hidden_bits(image):
        header = np.packbits(bits[:_HEADER_BITS]).tobytes()
        signature, length = header[:15], int.from_bytes(header[15:19], "big")
        body = bits[_HEADER_BITS : _HEADER_BITS + length]
        known = {ALPHA_SIGNATURE, RGB_SIGNATURE, *_PLAIN_SIGNATURES}
        if signature in known and body.size == length:
            return signature, np.packbits(body).tobytes()
    return None


def read_info_from_image_stealth(image: Image.Image) -> str | None:
    """The hidden infotext, or None."""
    found = _hidden_payload(image)
    if found is None:
        return None
    signature, payload = found
    if signature in _PLAIN_SIGNATURES:
        return payload.decode(errors="ignore")
    try:
        return gzip.decompress(payload).decode()
    except (OSError, EOFError, ValueError):
        return None


def read_stealth_time(image: Image.Image) -> int | None:
    """When the hidden infotext was written, seconds since 1970, or None."""
    found = _hidden_payload(image)
    if found is None or found[0] in _PLAIN_SIGNATURES:
        return None
    return int.from_bytes(found[1][4:8], "little")

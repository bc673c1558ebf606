"""Arrays as the bytes the page reads: exact, and without a colour profile."""

from __future__ import annotations

import zlib
from base64 import b64encode

import cv2
import numpy as np

PNG_SPEED = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""zlib's fastest level: people wait for the encoder more than for the network."""


def encode_photograph(image: np.ndarray) -> bytes:
    """uint8 H x W x 3 RGB or H x W grey -> a PNG file without a colour profile."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    return cv2.imencode(".png", bgr, PNG_SPEED)[1].tobytes()


def encode_values(values: np.ndarray) -> bytes:
    """uint8 H x W -> its bytes, row by row, packed by zlib."""
    return zlib.compress(values.tobytes(), 1)


def encode_thumbnail(image: np.ndarray, side: int) -> bytes:
    """uint8 H x W x 3 RGB -> a JPEG whose longer side is at most `side` px."""
    step = max(1, max(image.shape[:2]) // (4 * side))
    small = image[::step, ::step]
    factor = min(1.0, side / max(small.shape[:2]))
    size = [max(1, round(length * factor)) for length in small.shape[1::-1]]
    small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes()


def encode_text(values: np.ndarray) -> str:
    """The array's bytes in base64, for an answer in JSON."""
    return b64encode(values.tobytes()).decode()

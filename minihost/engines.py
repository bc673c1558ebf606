"""Engines: what stands in for the model. None of them is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import cv2
import numpy as np

CELL = 8
"""Pixels a cell of the latent mask stands for along each side."""

DRIFT_OFFSET = np.array([8, 2, -6], np.float32)
"""Levels a picture is warmed by on its way through the stand-in, R, G and B."""
DRIFT_PIXELS = 2
"""Pixels it is shifted right and down."""
DRIFT_NOISE = 1.5
"""Standard deviation of its noise, levels."""


@dataclass(frozen=True)
class EngineRequest:
    """One picture to make.

    Attributes:
        p: The job.
        image: The init image as the model gets it, uint8 height x width x 3 RGB; it has
            another size only when the job resizes latents. None in a text job.
        mask: The mask of the latents, float32 h x w in 0-1, 1 = repaint; None = everything.
        seed: Of this picture.
        index: Number of the picture in the job, from 0.
        width, height: Size of the answer, px.
    """

    p: Any
    image: np.ndarray | None
    mask: np.ndarray | None
    seed: int
    index: int
    width: int
    height: int

    def pixel_mask(self) -> np.ndarray:
        """The mask as uint8 height x width, 255 = repaint."""
        if self.mask is None:
            return np.full((self.height, self.width), 255, np.uint8)
        cells = (self.mask >= 0.5).astype(np.uint8) * 255
        return cv2.resize(cells, (self.width, self.height), interpolation=cv2.INTER_NEAREST)


class Engine(Protocol):
    """Makes pictures."""

    @property
    def label(self) -> str:
        """What the page calls it."""
        ...

    def generate(self, request: EngineRequest) -> np.ndarray:
        """uint8 height x width x 3 RGB; the same request gives the same picture."""
        ...


class NoiseEngine:
    """Noise everywhere, as a model of random weights gives."""

    label = "noise (a stand-in, no model)"

    def generate(self, request: EngineRequest) -> np.ndarray:
        drawn = np.random.default_rng(request.seed)
        return drawn.integers(0, 256, (request.height, request.width, 3), dtype=np.uint8)


class DriftEngine:
    """For people: something new inside the mask, and outside it what diffusion does.

    Inside: another photograph, of those scikit-image ships, chosen by the seed. Outside: a colour
    shift, a translation of `DRIFT_PIXELS`, noise like an autoencoder's.
    """

    label = "drift (a stand-in: another photograph and artificial drift, no model)"

    def generate(self, request: EngineRequest) -> np.ndarray:
        drawn = np.random.default_rng(request.seed)
        picture = self._begin(request, drawn)
        if request.mask is not None:
            picture = _with_photograph(picture, request.pixel_mask(), request.seed)
        return _drifted(picture, drawn)

    def _begin(self, request: EngineRequest, drawn: np.random.Generator) -> np.ndarray:
        if request.image is not None:
            return request.image
        coarse = drawn.integers(40, 216, (6, 6, 3)).astype(np.float32)
        size = (request.width, request.height)
        smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth, 0, 255).astype(np.uint8)


def _with_photograph(picture: np.ndarray, mask: np.ndarray, seed: int) -> np.ndarray:
    """The picture with another one in the mask's box: uint8 H x W x 3 and H x W."""
    from skimage import data

    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return picture
    photo = (data.chelsea, data.astronaut, data.rocket)[seed % 3]()
    scale = max(width / photo.shape[1], height / photo.shape[0])
    size = (max(width, round(photo.shape[1] * scale)), max(height, round(photo.shape[0] * scale)))
    scaled = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    whole = np.zeros_like(picture)
    whole[top : top + height, left : left + width] = scaled[y : y + height, x : x + width]
    return np.where(mask[..., None] > 0, whole, picture)


def _drifted(picture: np.ndarray, drawn: np.random.Generator) -> np.ndarray:
    """The picture shifted, warmed and noisy: half of the noise fine, half in blotches."""
    height, width = picture.shape[:2]
    move = np.array([[1, 0, DRIFT_PIXELS], [0, 1, DRIFT_PIXELS]], np.float32)
    moved = cv2.warpAffine(picture, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    fine = drawn.standard_normal((height, width, 3), np.float32)
    cells = (max(1, height // CELL), max(1, width // CELL), 3)
    blotches = cv2.resize(drawn.standard_normal(cells, np.float32), (width, height))
    noisy = moved + DRIFT_OFFSET + DRIFT_NOISE * (fine + blotches.reshape(fine.shape))
    return np.clip(noisy, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class RecordedEngine:
    """Plays pictures in their order: uint8 H x W x 3 each."""

    pictures: Sequence[np.ndarray]
    label: str = "recorded"

    def generate(self, request: EngineRequest) -> np.ndarray:
        """The picture of that number.

        Raises:
            ValueError: It has another size than asked for.
        """
        picture = self.pictures[request.index]
        if picture.shape[:2] != (request.height, request.width):
            raise ValueError(
                f"recorded picture {request.index} is {picture.shape[1]} x {picture.shape[0]}, "
                f"asked for {request.width} x {request.height}"
            )
        return picture


ENGINES: Mapping[str, Engine] = MappingProxyType({"drift": DriftEngine(), "noise": NoiseEngine()})


def find_engine(engine: str | Engine) -> Engine:
    """The engine itself, or the one of that name.

    Raises:
        KeyError: There is no such engine; the message lists the names.
    """
    if not isinstance(engine, str):
        return engine
    if engine not in ENGINES:
        raise KeyError(f"no engine {engine!r}; known: {', '.join(ENGINES)}")
    return ENGINES[engine]

"""Latents without a model: 8 x 8 block means, so that hooks see shapes and values that mean
something, and what a script does to them shows in the picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

CHANNELS = 4
FACTOR = 8
"""Pixels per latent cell along each side, as in SD's autoencoder."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""


class HostArray(np.ndarray):
    """An array with the few tensor methods scripts call on what hooks hand them."""

    def cpu(self) -> HostArray:
        """Itself: it is nowhere else."""
        return self

    def detach(self) -> HostArray:
        """Itself: nothing is differentiated."""
        return self

    def to(self, *_: Any, **__: Any) -> HostArray:
        """Itself: there is one device and one type."""
        return self

    def clone(self) -> HostArray:
        """A copy."""
        return self.copy()

    def float(self) -> HostArray:
        """As float32."""
        return as_host_array(self.astype(np.float32))

    def numpy(self) -> np.ndarray:
        """As a plain array."""
        return self.view(np.ndarray)


def as_host_array(array: np.ndarray) -> HostArray:
    """The array with tensor methods, in place."""
    return array.view(HostArray)


def encode(images: np.ndarray) -> HostArray:
    """uint8 B x H x W x 3 -> float32 B x 4 x H//8 x W//8: block means of R, G, B and luma, -1..1.

    Rows and columns beyond a multiple of 8 are left out, as SD's autoencoder does.
    """
    height, width = images.shape[1] // FACTOR, images.shape[2] // FACTOR
    latents = np.empty((len(images), CHANNELS, height, width), np.float32)
    for index, image in enumerate(images):
        whole = image[: height * FACTOR, : width * FACTOR].astype(np.float32)
        means = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
        means = means.reshape(height, width, 3)
        latents[index, :3] = means.transpose(2, 0, 1)
        latents[index, 3] = means @ LUMA
    return as_host_array(latents / 127.5 - 1)


def interpolate(latents: np.ndarray, height: int, width: int) -> HostArray:
    """Latents resized to height x width cells, bilinear."""
    resized = [
        [cv2.resize(channel, (width, height), interpolation=cv2.INTER_LINEAR) for channel in item]
        for item in np.asarray(latents, np.float32)
    ]
    return as_host_array(np.array(resized, np.float32))


def noise(seeds: list[int], height: int, width: int) -> HostArray:
    """Standard normal float32 B x 4 x height x width, each image by its seed."""
    shape = (CHANNELS, height, width)
    made = [np.random.default_rng(seed).standard_normal(shape, np.float32) for seed in seeds]
    return as_host_array(np.stack(made))


def decode(samples: Any, sampled: np.ndarray, pictures: np.ndarray) -> HostArray:
    """The pictures, moved by what scripts did to their latents since sampling.

    Args:
        samples: float32 B x 4 x h x w, as it is now.
        sampled: As it was after sampling.
        pictures: uint8 B x H x W x 3 that belong to `sampled`.

    Returns:
        float32 B x 3 x H x W in 0-1, exact to the level when nothing was done.
    """
    images = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32)
    images /= 255
    change = np.asarray(samples, np.float32)[:, :3] - np.asarray(sampled, np.float32)[:, :3]
    size = pictures.shape[2], pictures.shape[1]
    for image, cells in zip(images, change, strict=True):
        if cells.any():
            shift = [cv2.resize(channel, size) for channel in cells]
            np.clip(image + np.stack(shift) / 2, 0, 1, out=image)
    return as_host_array(images)


def to_picture(image: Any) -> np.ndarray:
    """float 3 x H x W in 0-1 -> uint8 H x W x 3, truncated as the hosts do."""
    return (255.0 * np.moveaxis(np.asarray(image), 0, 2)).astype(np.uint8)

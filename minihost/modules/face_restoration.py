"""Face restoration, which looks at the whole image and at no mask."""

from __future__ import annotations

import cv2
import numpy as np


class FaceRestoration:
    """Base of the restorers."""

    def name(self) -> str:
        """Name in the setting `face_restoration_model`."""
        return "None"

    def restore(self, np_image: np.ndarray) -> np.ndarray:
        """uint8 H x W x 3 RGB -> the same shape."""
        return np_image


class SmoothingRestorer(FaceRestoration):
    """A stand-in: smooths skin-like flatness everywhere, as restorers do to faces."""

    def __init__(self, name: str, strength: float) -> None:
        self._name = name
        self._strength = strength

    def name(self) -> str:
        return self._name

    def restore(self, np_image: np.ndarray) -> np.ndarray:
        return cv2.bilateralFilter(np_image, 5, self._strength, 3)


def list_restorers() -> list[FaceRestoration]:
    """Stand-ins under the names the hosts offer."""
    return [SmoothingRestorer("CodeFormer", 40.0), SmoothingRestorer("GFPGAN", 25.0)]


def restore_faces(np_image: np.ndarray) -> np.ndarray:
    """Runs the restorer the settings name; no such restorer leaves the image alone."""
    from modules import shared

    wanted = shared.opts.face_restoration_model
    for restorer in shared.face_restorers:
        if wanted is None or restorer.name() == wanted:
            return restorer.restore(np_image)
    return np_image

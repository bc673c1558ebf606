"""Upscalers that need no model."""

from __future__ import annotations

from typing import NamedTuple

from PIL import Image


class Upscaler:
    """Enlarges by one of Pillow's filters."""

    def __init__(self, name: str | None, resample: Image.Resampling | None) -> None:
        self.name = name
        self.resample = resample

    def upscale(
        self, img: Image.Image, scale: float, selected_model: str | None = None
    ) -> Image.Image:
        """The image `scale` times as large, in sizes that are multiples of 8."""
        size = (int(img.width * scale // 8 * 8), int(img.height * scale // 8 * 8))
        return img if self.resample is None else img.resize(size, resample=self.resample)


class UpscalerData(NamedTuple):
    """One entry of the upscaler lists."""

    name: str
    data_path: str | None
    scaler: Upscaler


def list_upscalers() -> list[UpscalerData]:
    """ "None" (leaves the image as it is), Lanczos and Nearest."""
    known = {"None": None, "Lanczos": Image.Resampling.LANCZOS, "Nearest": Image.Resampling.NEAREST}
    return [UpscalerData(name, None, Upscaler(name, how)) for name, how in known.items()]

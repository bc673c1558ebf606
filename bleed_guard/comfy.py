"""ComfyUI nodes. Nothing heavy is imported until a node runs.

ComfyUI's IMAGE is a float tensor B x H x W x 3 in 0-1, its MASK B x H x W with 1 = repaint.
SaveImage writes 255 * x cut off to uint8, which gives back the 256 levels LoadImage read: where
the floats are the original's, so are the saved bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch  # pyright: ignore[reportMissingImports]

    from bleed_guard.core.settings import GuardSettings

CATEGORY = "mask/Bleed Guard"
CUSTOM = "custom"
LATENT_CELLS = 8, 16, 32
"""Px a side of what a VAE makes one latent of: SD and Flux.1, Flux.2 and Wan 2.2, others."""


class BleedError(ValueError):
    """Stops the workflow because something bled."""


class BleedGuardPasteBack:
    """Original + generated + mask -> generated inside the mask, the original everywhere else."""

    DESCRIPTION = (
        "Puts the original back outside the mask, bit for bit, without a seam. The result has the "
        "original's size: a generated picture that was cut to a multiple of 8, 16 or 32, or was "
        "enlarged, is brought back onto it. Only full-redo hands on the generated picture as it is."
    )
    CATEGORY = CATEGORY
    FUNCTION = "paste"
    RETURN_TYPES = ("IMAGE",)
    RETURN_NAMES = ("image",)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        from bleed_guard.core.settings import BLEND_NAMES, PRESETS, SETTINGS

        feather = SETTINGS["feather"]
        return {
            "required": {
                "original": ("IMAGE", {"tooltip": "The picture before the inpaint."}),
                "generated": ("IMAGE", {"tooltip": "The picture after the VAE decode."}),
                "mask": ("MASK", {"tooltip": "What was repainted; values of 0.5 and more count."}),
                "preset": (
                    [*PRESETS, CUSTOM],
                    {"tooltip": "Sets blend and feather; custom takes them from below."},
                ),
                "blend": (
                    list(BLEND_NAMES),
                    {"default": SETTINGS["blend"].default, "tooltip": SETTINGS["blend"].help},
                ),
                "feather": (
                    "INT",
                    {
                        "default": feather.default,
                        "min": feather.minimum,
                        "max": feather.maximum,
                        "tooltip": feather.help,
                    },
                ),
            }
        }

    def paste(
        self,
        original: torch.Tensor,
        generated: torch.Tensor,
        mask: torch.Tensor,
        preset: str,
        blend: str,
        feather: int,
    ) -> tuple[torch.Tensor]:
        """B x H x W x C tensors and a B x H x W mask -> the guarded B x H x W x 3."""
        from dataclasses import replace

        from bleed_guard.core.settings import PRESETS, GuardSettings

        settings = PRESETS.get(preset, replace(GuardSettings(), blend=blend, feather=feather))
        if not settings.paste_back:
            return (generated,)
        aligned = _align(_frames(original), _frames(generated), _masks(mask))
        frames = [_paste_frame(*frame, settings) for frame in aligned]
        return (_as_tensor(frames, like=original),)


class BleedGuardCheck:
    """Original + result + mask -> heatmap, report, number of changed pixels."""

    DESCRIPTION = (
        "Counts the pixels that changed outside the mask, as the saved 8-bit file will hold them, "
        "and shows them as a heatmap."
    )
    CATEGORY = CATEGORY
    FUNCTION = "check"
    RETURN_TYPES = ("IMAGE", "STRING", "INT")
    RETURN_NAMES = ("heatmap", "report", "changed")
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        return {
            "required": {
                "original": ("IMAGE", {"tooltip": "The picture before the inpaint."}),
                "result": ("IMAGE", {"tooltip": "The picture as it will be saved."}),
                "mask": ("MASK", {"tooltip": "What was repainted; values of 0.5 and more count."}),
                "tolerance": (
                    "INT",
                    {
                        "default": 0,
                        "min": 0,
                        "max": 255,
                        "tooltip": "Levels a pixel may differ; 0 is bit for bit.",
                    },
                ),
                "stop_on_bleed": (
                    "BOOLEAN",
                    {"default": False, "tooltip": "Fail the workflow if anything bled."},
                ),
            }
        }

    def check(
        self,
        original: torch.Tensor,
        result: torch.Tensor,
        mask: torch.Tensor,
        tolerance: int,
        stop_on_bleed: bool,
    ) -> dict[str, Any]:
        """Tensors as in ComfyUI -> heatmap B x H x W x 3, JSON text, count over the batch."""
        from bleed_guard.core.heatmap import render_heatmap
        from bleed_guard.core.measure import measure_bleed

        heatmaps, reports = [], []
        for before, after, area in _align(_frames(original), _frames(result), _masks(mask)):
            levels = as_saved(before), as_saved(after)
            reports.append(measure_bleed(*levels, area, tolerance=tolerance))
            heatmaps.append(render_heatmap(*levels, area).astype("float32") / 255)
        changed = sum(report.changed for report in reports)
        protected = sum(report.protected for report in reports)
        sentence = f"{changed:,} of {protected:,} protected pixels changed"
        if changed and stop_on_bleed:
            largest = max(report.max for report in reports)
            raise BleedError(f"Bleed Guard: {sentence}, by up to {largest} levels.")
        told = {
            "sentence": sentence,
            "changed": changed,
            "images": [report.to_json() for report in reports],
        }
        text = json.dumps(told, indent=2)
        return {
            "ui": {"text": [sentence]},
            "result": (_as_tensor(heatmaps, like=original), text, changed),
        }


class BleedGuardMask:
    """A mask made fit for a clean edit, and the area a host's mask blur would reach."""

    DESCRIPTION = (
        "Hardens, grows and softens a mask (inward only, so that nothing outside it is touched), "
        "and shows how far a mask blur would bleed."
    )
    CATEGORY = CATEGORY
    FUNCTION = "shape"
    RETURN_TYPES = ("MASK", "MASK", "INT")
    RETURN_NAMES = ("mask", "predicted_reach", "reach_px")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI's name
        length = {"default": 0, "min": 0, "max": 64}
        return {
            "required": {
                "mask": ("MASK", {}),
                "harden": ("BOOLEAN", {"default": True, "tooltip": "Cut at 0.5."}),
                "grow": (
                    "INT",
                    {
                        "default": 0,
                        "min": -256,
                        "max": 256,
                        "tooltip": "Px outward; below 0 it shrinks.",
                    },
                ),
                "soften_inward": ("INT", {**length, "tooltip": "Px of fading, inside the mask."}),
                "mask_blur": (
                    "INT",
                    {**length, "default": 4, "tooltip": "For the prediction only: a host's blur."},
                ),
            }
        }

    def shape(
        self, mask: torch.Tensor, harden: bool, grow: int, soften_inward: int, mask_blur: int
    ) -> tuple[torch.Tensor, torch.Tensor, int]:
        """B x H x W -> the same size twice, and px."""
        from bleed_guard.core.mask import blur_reach

        shaped = [_shape_mask(area, harden, grow, soften_inward) for area in _masks(mask)]
        reach = [_reach_of(area, mask_blur) for area in shaped]
        return _as_tensor(shaped, like=mask), _as_tensor(reach, like=mask), blur_reach(mask_blur)


def as_saved(frame: np.ndarray) -> np.ndarray:
    """Floats 0-1 -> uint8 as ComfyUI's SaveImage writes them: cut off, not rounded."""
    import numpy as np

    return np.clip(255.0 * np.nan_to_num(frame), 0, 255).astype(np.uint8)


def _frames(image: torch.Tensor) -> list[np.ndarray]:
    """B x H x W x C -> float32 H x W x 3 each; alpha is left out, grey is spread.

    ValueError for another shape, or an empty batch.
    """
    import numpy as np

    array = image.detach().cpu().float().numpy()
    if array.ndim != 4 or not array.size:
        raise ValueError(_tell_shape("image", array, "batch x height x width x channels"))
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    return list(array[..., :3])


def _masks(mask: torch.Tensor) -> list[np.ndarray]:
    """(B x) H x W or B x 1 x H x W in 0-1 -> uint8 H x W each, 255 = repaint.

    ValueError for another shape, or an empty batch, as detectors give that found nothing.
    """
    from bleed_guard.floats import as_levels

    array = mask.detach().cpu().float().numpy()
    is_known = array.ndim in (2, 3) or (array.ndim == 4 and array.shape[1] == 1)
    if not is_known or not array.size:
        raise ValueError(_tell_shape("mask", array, "batch x height x width"))
    return list(as_levels(array.reshape(-1, *array.shape[-2:])))


def _tell_shape(what: str, array: np.ndarray, wanted: str) -> str:
    shape = " x ".join(map(str, array.shape))
    return f"Bleed Guard: the {what} is {shape}, expected {wanted}, none of them 0."


def _align(
    originals: Sequence[np.ndarray], others: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Frame by frame, each at its original's size; shorter batches start over, as in ComfyUI."""
    from bleed_guard.core.geometry import build_mask

    count = max(len(originals), len(others))
    aligned = []
    for number in range(count):
        original = originals[number % len(originals)]
        other = _bring_onto(original, others[number % len(others)])
        size = (original.shape[1], original.shape[0])
        aligned.append((original, other, build_mask(masks[number % len(masks)], size=size)))
    return aligned


def _bring_onto(original: np.ndarray, other: np.ndarray) -> np.ndarray:
    """A picture at the original's size: float32 h x w x 3 -> H x W x 3.

    ComfyUI cuts sides that are no multiple of the VAE's cell evenly before encoding: such a picture
    is laid back in the middle of the original. Any other size is resized.
    """
    height, width = original.shape[:2]
    rows, columns = other.shape[:2]
    if other.shape == original.shape:
        return other
    cuts = [(height // cell * cell, width // cell * cell) for cell in LATENT_CELLS]
    if (rows, columns) not in cuts:
        return _resize(other, (width, height))
    top, left = (height - rows) // 2, (width - columns) // 2
    placed = original.copy()
    placed[top : top + rows, left : left + columns] = other
    return placed


def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 h x w x 3 -> H x W x 3 of `size` (width, height), pixel edges on pixel edges."""
    import numpy as np
    from PIL import Image

    channels = [
        Image.fromarray(frame[..., channel]).resize(size, Image.Resampling.LANCZOS)
        for channel in range(3)
    ]
    return np.clip(np.dstack([np.asarray(channel) for channel in channels]), 0, 1)


def _paste_frame(
    original: np.ndarray, generated: np.ndarray, mask: np.ndarray, settings: GuardSettings
) -> np.ndarray:
    import numpy as np

    from bleed_guard.core.job import Protection
    from bleed_guard.core.mask import protected_area
    from bleed_guard.floats import paste_back_floats

    protected = protected_area(mask, Protection(settings.protect))
    area = np.where(protected, 0, 255).astype(np.uint8)
    blend, feather = settings.blend, settings.feather
    return paste_back_floats(original, generated, area, blend=blend, feather=feather)


def _shape_mask(mask: np.ndarray, harden: bool, grow: int, soften: int) -> np.ndarray:
    """uint8 H x W -> float32 H x W in 0-1."""
    import cv2
    import numpy as np

    from bleed_guard.core.mask import harden as cut

    shaped = cut(mask) if harden else mask
    if grow:
        side = 2 * abs(grow) + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        shaped = (cv2.dilate if grow > 0 else cv2.erode)(shaped, disc)
    if soften:
        inside = (shaped > 0).astype(np.uint8)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return shaped / 255 * np.clip(depth / (soften + 1), 0, 1, dtype=np.float32)
    return (shaped / 255).astype(np.float32)


def _reach_of(mask: np.ndarray, mask_blur: int) -> np.ndarray:
    """float32 H x W mask -> 1 where a host's mask blur lets the generated picture through."""
    import numpy as np

    from bleed_guard.core.mask import blur_mask
    from bleed_guard.floats import as_levels

    return (blur_mask(as_levels(mask), mask_blur) > 0).astype(np.float32)


def _as_tensor(frames: list[np.ndarray], *, like: torch.Tensor) -> torch.Tensor:
    """Arrays of one shape -> a float32 batch on the device of `like`."""
    import numpy as np
    import torch  # pyright: ignore[reportMissingImports]

    batch = np.stack(frames).astype(np.float32)
    return torch.from_numpy(batch).to(like.device)


NODE_CLASS_MAPPINGS = {
    "BleedGuardPasteBack": BleedGuardPasteBack,
    "BleedGuardCheck": BleedGuardCheck,
    "BleedGuardMask": BleedGuardMask,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "BleedGuardPasteBack": "Bleed Guard Paste Back",
    "BleedGuardCheck": "Bleed Check",
    "BleedGuardMask": "Bleed Mask",
}

"""Reference, mask, blur and crop box against what the four real hosts did."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.geometry import build_mask, build_reference, crop_box, crop_top_left
from bleed_guard.core.job import Box, ResizeMode
from bleed_guard.core.mask import blur_mask, read_mask

RECORDINGS = Path(__file__).parents[1] / "recordings"
BACKGROUNDS = {"forge-neo": "#808080"}  # every other host flattens on white


class Recording:
    """One recorded job: the files of its folder, and `p` as it stood at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = folder.parent.name

    @cached_property
    def p(self) -> dict[str, Any]:
        case = json.loads((self.folder / "case.json").read_text(encoding="utf-8"))
        state: dict[str, Any] = {}
        for event in case["events"]:
            state.update(event.get("p_changed", {}))
        return state

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def open(self, name: str) -> Image.Image:
        return Image.open(self.folder / name)

    @property
    def size(self) -> tuple[int, int]:
        return self.p["width"], self.p["height"]

    @property
    def mask(self) -> np.ndarray:
        return read_mask(self.open("mask.png"), invert=bool(self.p["inpainting_mask_invert"]))

    def reference(self, index: int) -> np.ndarray:
        return build_reference(
            self.open(f"init_{index}.png"),
            only_masked=bool(self.p["inpaint_full_res"]),
            size=self.size,
            resize_mode=ResizeMode(self.p["resize_mode"]),
            background=BACKGROUNDS.get(self.host, "#ffffff"),
        )


ALL = [Recording(path.parent) for path in sorted(RECORDINGS.glob("*/*/case.json"))]


def recorded(*needed: str, without: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Parametrize over the recordings that have all `needed` files, save those with a word of
    `without` in their name."""
    chosen = [
        pytest.param(recording, id=name)
        for recording in ALL
        for name in [f"{recording.host}/{recording.folder.name}"]
        if all(recording.has(file) for file in needed) and not any(word in name for word in without)
    ]
    return pytest.mark.parametrize("recording", chosen)


def test_there_are_recordings_of_four_hosts() -> None:
    assert len({recording.host for recording in ALL}) == 4
    assert len(ALL) == 106


@recorded("overlay_0.png", without=("latent3",))
def test_reference_is_what_the_hosts_overlay_shows_where_it_is_opaque(
    recording: Recording,
) -> None:
    """The hosts leave the overlay of a latent upscale at the old size: there is none to compare."""
    indices = [index for index in (0, 1) if recording.has(f"overlay_{index}.png")]
    for index in indices:
        overlay = np.asarray(recording.open(f"overlay_{index}.png").convert("RGBA"))
        is_opaque = overlay[..., 3] == 255
        reference = recording.reference(index if recording.has(f"init_{index}.png") else 0)
        assert np.array_equal(reference[is_opaque], overlay[..., :3][is_opaque])


@recorded("composite_0.png", "mask.png", without=("masked-no-overlay", "masked-blank"))
def test_reference_lies_over_the_result(recording: Recording) -> None:
    """Everywhere but where the host returns the bare crop, or drops to plain img2img."""
    size = recording.open("composite_0.png").size
    reference = crop_top_left(recording.reference(0), size)
    assert reference is not None
    assert reference.shape[1::-1] == size


@recorded("mask_for_overlay_0.png")
def test_crop_box_is_paste_to(recording: Recording) -> None:
    paste_to = recording.p["paste_to"]
    if not recording.p["inpaint_full_res"]:
        assert paste_to is None
        return
    left, top, width, height = paste_to
    blurred = blur_mask(recording.mask, recording.p["mask_blur_x"])
    padding = recording.p["inpaint_full_res_padding"]
    box = crop_box(blurred, padding=padding, size=recording.size)
    assert box == Box(left, top, left + width, top + height)


@recorded("mask_for_overlay_0.png", without=("soft-inpainting", "latent3", "forge-neo"))
def test_blurred_mask_is_the_hosts(recording: Recording) -> None:
    """Whole picture doubles it and clips. Forge Neo takes a square root instead, and a latent
    upscale brings the mask to the new size and back."""
    hosts = np.asarray(recording.open("mask_for_overlay_0.png").convert("L"))
    blurred = blur_mask(recording.mask, recording.p["mask_blur_x"])
    mode = ResizeMode(recording.p["resize_mode"])
    placed = build_mask(blurred, size=hosts.shape[::-1], resize_mode=mode).astype(int)
    factor = 1 if recording.p["inpaint_full_res"] else 2
    assert np.array_equal(np.minimum(placed * factor, 255), hosts)

"""The recordings of the real hosts as files a user would compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks._corpus import Sample
from bleed_guard.core.geometry import build_mask
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import read_mask
from minihost.profiles import PROFILES
from minihost.recordings import Recording, list_recordings
from tests.recordings import archive

FOLDER = Path(archive.__file__).parent
BLUR = (Cause.MASK_BLUR,)
TRUTH: dict[str, tuple[Cause, ...]] = {
    "masked-blank-mask": (Cause.WHOLE_REDRAW,),
    "masked-no-overlay": (Cause.OVERLAY_OFF, Cause.WHOLE_REDRAW),
    "whole-no-overlay": (Cause.OVERLAY_OFF, Cause.WHOLE_REDRAW),
    "whole-soft-inpainting": (Cause.SOFT_INPAINTING,),
    "whole-soft-mask": (Cause.SOFT_MASK,),
    "whole-jpg": (Cause.JPEG, Cause.MASK_BLUR),
    "whole-blur0": (Cause.NONE,),
}
"""What changes pixels in a case; in every other it is mask blur 4. Without the overlay, a model of
random weights redraws everything."""


def list_real() -> Iterator[Sample]:
    """Every recorded job with a mask whose result has the size of its original."""
    archive.unpack()
    for profile in PROFILES:
        for recording in list_recordings(FOLDER, profile):
            sample = _read(recording)
            if sample is not None:
                yield sample


def _read(recording: Recording) -> Sample | None:
    given = recording.read_mask()
    result = recording.read_saved(0) or recording.read("composite", 0)
    init = recording.read("init", 0)
    if given is None or result is None or init is None or result.size != init.size:
        return None
    is_inverted = bool(recording.request.get("inpainting_mask_invert"))
    mask = build_mask(read_mask(given, invert=is_inverted), size=init.size)
    return Sample(
        photo=recording.profile.name,
        name=recording.name,
        truth=TRUTH.get(recording.name, BLUR),
        original=_flatten(init, recording),
        result=np.asarray(result.convert("RGB")),
        mask=mask,
        infotext=recording.case["infotext"],
    )


def _flatten(image: Image.Image, recording: Recording) -> np.ndarray:
    """RGB on the host's background, uint8 H x W x 3."""
    color = recording.profile.option_defaults.get("img2img_background_color", "#ffffff")
    below = Image.new("RGBA", image.size, color)
    return np.asarray(Image.alpha_composite(below, image.convert("RGBA")).convert("RGB"))

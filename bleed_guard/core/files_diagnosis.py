"""Which causes the files alone speak for: original, result, mask, and what the result's file
tells of its run.

`effects` finds what reaches everywhere, `rims` what lies somewhere in what that leaves; here the
signals of both become probabilities, by the weights in `likelihoods`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import cv2
import numpy as np

from bleed_guard.core.effects import Evidence, Far, look_far
from bleed_guard.core.geometry import LATENT_CELL, crop_box
from bleed_guard.core.job import Box, Cause, Fix
from bleed_guard.core.likelihoods import WEIGHTS
from bleed_guard.core.mask import HARD_LEVEL, blur_mask, edge_distance, soft_fraction
from bleed_guard.core.measure import difference
from bleed_guard.core.rims import (
    Patch,
    Rim,
    find_patch,
    find_rectangle,
    measure_cells,
    measure_pull,
    measure_rim,
    take_away,
)

LEAST_PROBABILITY = 0.05
"""Less probable causes are not told, unless there is no other."""


@dataclass(frozen=True)
class LikelyCause:
    """A cause, how probable it is (0-1), its share of the changed pixels (0-1), and the fix."""

    cause: Cause
    probability: float
    share: float
    evidence: Evidence = field(default_factory=dict)
    fix: Fix | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for `json.dumps`."""
        return {
            "cause": self.cause.value,
            "probability": round(self.probability, 3),
            "share": round(self.share, 4),
            "evidence": self.evidence,
            "fix": None if self.fix is None else self.fix.text,
        }


PASTE_BACK = Fix("Paste the original back outside the mask", "paste_back", True)
FIXES = {
    Cause.MASK_BLUR: Fix("Set mask blur to 0", "mask blur", 0),
    Cause.SOFT_MASK: Fix("Use a black and white mask", "soft_mask", "harden"),
    Cause.SOFT_INPAINTING: Fix("Switch Soft Inpainting off", "soft inpainting", False),
    Cause.OVERLAY_OFF: Fix(
        "Switch on the host's option to overlay the original", "overlay_inpaint", True
    ),
    Cause.SHIFT: Fix("Ask for a width and height that are multiples of 64"),
    Cause.RESIZE: Fix("Ask for the original's size"),
    Cause.COLOR_SHIFT: PASTE_BACK,
    Cause.COLOR_CORRECTION: Fix("Set Color correction to off", "color_correction", "off"),
    Cause.FACE_RESTORE: Fix("Set Face restoration to off", "face_restoration", "off"),
    Cause.JPEG: Fix("Save as PNG", "lossy_format", "png"),
    Cause.WEBP: Fix("Save as PNG, or as lossless WebP", "lossy_format", "png"),
    Cause.AVIF: Fix("Save as PNG", "lossy_format", "png"),
    Cause.PALETTE: Fix("Save as PNG of all colors", "lossy_format", "png"),
    Cause.VAE: PASTE_BACK,
    Cause.WHOLE_REDRAW: PASTE_BACK,
    Cause.PADDING: PASTE_BACK,
    Cause.OTHER_SCRIPT: Fix("Switch off what edits the finished picture"),
}

AT_THE_EDGE = (Cause.MASK_BLUR, Cause.SOFT_MASK, Cause.SOFT_INPAINTING)


NO_CELLS = np.zeros((0, 0), np.float32)


class Scene(NamedTuple):
    """Everything that is seen: far from the mask, a crop's rectangle, the rim, a patch, and
    how much is left cell by cell, float32 with nan where nothing can be told."""

    far: Far
    crop: Box | None = None
    rim: Rim = Rim()
    patch: Patch = Patch()
    cells: np.ndarray = NO_CELLS


class Told(NamedTuple):
    """What the result's infotext says of its run; `padding` is None but for only masked, and
    `is_reworked` tells that the picture was enlarged or changed behind it."""

    mask_blur: float = 0.0
    uses_mask: bool = False
    samples: bool = False
    has_soft_inpainting: bool = False
    face_restoration: str = ""
    is_reworked: bool = False
    is_guarded: bool = False
    padding: int | None = None
    size: tuple[int, int] = (0, 0)


def diagnose_files(
    original: np.ndarray,
    result: np.ndarray,
    mask: np.ndarray,
    infotext: str | None = None,
    *,
    codec: Cause | None = None,
) -> tuple[LikelyCause, ...]:
    """The causes of the changes outside the mask, the most probable first; never empty.

    Two uint8 H x W x 3 and a uint8 H x W of one size, 255 = repaint. `infotext` is the WebUI's
    parameters in the result's file: a setting it tells is evidence. `codec` is the lossy format
    that file has; without it (None) a format is looked for by its traces. ValueError if sizes
    differ.
    """
    if original.shape != result.shape or original.shape[:2] != mask.shape:
        raise ValueError(f"sizes differ: {original.shape}, {result.shape}, {mask.shape}")
    changed = (difference(original, result) > 0) & (mask < HARD_LEVEL)
    if not changed.any():
        return (LikelyCause(Cause.NONE, 1.0, 1.0),)
    return rank_causes(
        look(original, result, mask, codec), read_told(infotext or ""), mask, changed
    )


def rank_causes(
    scene: Scene, told: Told, mask: np.ndarray, changed: np.ndarray
) -> tuple[LikelyCause, ...]:
    """What is seen and told as causes, the most probable first. `changed` is bool H x W."""
    likely = [
        LikelyCause(
            cause,
            probability,
            tell_share(cause, scene, changed),
            tell_evidence(cause, scene, told),
            FIXES[cause],
        )
        for cause, probability in weigh(list_signals(scene, told, mask)).items()
    ]
    likely.sort(key=lambda one: -one.probability)
    return tuple(one for one in likely if one.probability >= LEAST_PROBABILITY) or (likely[0],)


def look(
    original: np.ndarray, result: np.ndarray, mask: np.ndarray, codec: Cause | None = None
) -> Scene:
    """Far from the mask first, then what that leaves; a crop's rectangle is looked for before
    its content can pass for noise everywhere."""
    distance = edge_distance(mask)
    pictures = original, result, mask, distance
    far = look_far(*pictures, codec=codec)
    if far.is_redrawn:
        return Scene(far)
    bare = take_away(*pictures, replace(far, noise=0.0))
    crop, cells = find_rectangle(bare, mask), measure_cells(bare)
    if crop is not None:
        far = look_far(*pictures, crop, codec)
    leftover = take_away(*pictures, far)
    rim = measure_rim(leftover, mask, distance)
    rim = rim._replace(pull=measure_pull(leftover, result, mask, far))
    return Scene(far, crop, rim, find_patch(leftover, distance, rim.reach, crop), cells)


def read_told(infotext: str) -> Told:
    """The settings that speak for or against a cause."""
    blur = re.search(r"\bMask blur: ([\d.]+)", infotext)
    padding = re.search(r"\bMasked area padding: (\d+)", infotext)
    size = re.search(r"\bSize: (\d+)x(\d+)", infotext)
    faces = re.search(r"\bFace restoration: ([^,\n]+)", infotext)
    return Told(
        mask_blur=float(blur[1].rstrip(".") or 0) if blur else 0.0,
        uses_mask=bool(re.search(r"\b(Mask blur|Inpaint area|Masked content): ", infotext)),
        samples="Denoising strength: " in infotext,
        has_soft_inpainting="Soft inpainting enabled: True" in infotext,
        face_restoration=faces[1] if faces else "",
        is_reworked=bool(re.search(r"upscale|postprocess", infotext, re.IGNORECASE)),
        is_guarded="Bleed outside: 0 " in infotext,
        padding=int(padding[1]) if padding and "Inpaint area: Only masked" in infotext else None,
        size=(int(size[1]), int(size[2])) if size else (0, 0),
    )


LARGEST_STEP = 1.5
"""Natural logarithm from which on more tells nothing more."""


def measure_told_crop(cells: np.ndarray, told: Told, mask: np.ndarray) -> float:
    """How many times what is left outside the crop the infotext tells of is left inside it: a
    natural logarithm, 0 to LARGEST_STEP; 0 where none is told."""
    if told.padding is None or not all(told.size) or not cells.size:
        return 0.0
    blurred = blur_mask(mask, round(told.mask_blur))
    box = crop_box(blurred, padding=told.padding, size=told.size)
    if box is None:
        return 0.0
    inside = np.zeros(mask.shape, np.float32)
    inside[box.slices] = 1
    share = cv2.resize(inside, cells.shape[::-1], interpolation=cv2.INTER_AREA)
    known = np.isfinite(cells)
    inner, outer = cells[known & (share > 0.9)], cells[known & (share < 0.1)]
    if min(inner.size, outer.size) < FEWEST_CELLS:
        return 0.0
    step = math.log((float(np.median(inner)) + 0.1) / (float(np.median(outer)) + 0.1))
    return min(max(step, 0.0), LARGEST_STEP)


LEAST_STEP = 0.4
"""Natural logarithm from which that is no chance."""

FEWEST_CELLS = 20
"""Fewer tell nothing of a crop."""


# --- from signals to probabilities -------------------------------------------------------------


def list_signals(scene: Scene, told: Told, mask: np.ndarray) -> dict[str, float]:
    """Every signal the weights know, most of them 0-1; the rest are logarithms."""
    far, rim, patch = scene.far, scene.rim, scene.patch
    found = weigh_effects(far, told, mask.shape)
    slow = min(max(math.log2(far.slow_excess + 0.05), -4.0), 6.0)
    calm = min(max(math.log2(far.calm_excess + 0.05), -4.0), 6.0)
    is_soft = float(soft_fraction(mask) > 0.02)
    is_noisy = tell_noise(far) or any(not belief for belief in found.values())
    told_crop = measure_told_crop(scene.cells, told, mask)
    unpasted = is_noisy or bool({"color_correction", "face_restore"} & found.keys())
    pulled = float(rim.pull > PULLED and not is_soft)
    blur = told.mask_blur > 0 and not (told.is_guarded or told.has_soft_inpainting)
    return {name: found.get(name, 0.0) for name in FOUND} | {
        "redrawn": float(far.is_redrawn),
        "redrawn_by_mask": float(far.is_redrawn and told.uses_mask and mask.max() >= HARD_LEVEL),
        "excess": min(max(math.log2(far.excess + 0.05), -4.0), 4.0),
        "slow": slow,
        "slow_sampled": min(max(math.log2(far.slow_excess + 0.05), 0.0), 6.0) * told.samples,
        "noisy": float(is_noisy),
        "noisy_sampled": float(is_noisy and told.samples),
        "unpasted": float(unpasted),
        "crop": float(scene.crop is not None),
        "told_crop": told_crop,
        "told_cropped": float(told_crop > LEAST_STEP),
        "calm": calm,
        "calm_webp": calm * ("webp" in found),
        "slow_webp": slow * ("webp" in found),
        "slow_jpeg": max(slow, -1.0) * ("jpeg" in found),
        "touched": rim.touched,
        "pull": rim.pull,
        "pulled": pulled,
        "pulled_steadily": pulled * (not is_noisy),
        "reach": min(rim.reach / 16, 2.0),
        "even": rim.even,
        "decay": min(max(math.log2(rim.decay), 0.0), 5.0),
        "grey": rim.grey,
        "beyond": rim.beyond,
        "soft": is_soft,
        "soft_pull": rim.pull * is_soft,
        "plain_pull": rim.pull * (1 - is_soft),
        "soft_touched": rim.touched * rim.grey,
        "plain_touched": rim.touched * (1 - rim.grey),
        "patch": math.log2(1 + patch.pixels) / 10,
        "patch_ratio": min(math.log2(1 + patch.ratio), 5.0),
        "told_blur": float(blur and not unpasted and scene.crop is None and not far.is_redrawn),
        "told_soft": float(told.has_soft_inpainting),
        "told_face": float(bool(told.face_restoration)),
    }


DOUBTED = 0.5
"""How far a resize is believed that leaves noise."""

DOUBTFUL = 2.0
"""How many times what makes noise another kernel than the foretold one leaves at most."""


def weigh_effects(far: Far, told: Told, shape: tuple[int, ...]) -> dict[str, float]:
    """How far each effect that was found is believed, 0-1, by its cause's name.

    An autoencoder smooths as resizing and face restoration do, and leaves noise besides. The
    infotext contradicts a face restoration it does not name, and where there is noise a resize
    of a run of the picture's own size. `shape` is the picture's, height and width first.
    """
    beliefs: dict[str, float] = {}
    is_noisy, is_doubtful = tell_noise(far), tell_noise(far, DOUBTFUL)
    is_told = told.samples and not told.is_reworked
    has_own_size = shape[1::-1] == tuple(side // LATENT_CELL * LATENT_CELL for side in told.size)
    if not told.face_restoration and (is_told or is_doubtful):
        beliefs["face_restore"] = 0.0
    if is_noisy and is_told and has_own_size:
        beliefs["resize"] = 0.0
    elif is_doubtful:
        beliefs["resize"] = DOUBTED
    return {effect.cause.value: beliefs.get(effect.cause.value, 1.0) for effect in far.effects}


PULLED = 0.16
"""Pull from which the rim counts as mixed."""

STEADY = {Cause.JPEG: 0.5, Cause.WEBP: 1.7}
"""Excess where a format errs least from which there is noise beneath it."""


def tell_noise(far: Far, times: float = 1.0) -> bool:
    """Whether there is more noise, that many times, than what was found foretells."""
    codec = next((STEADY[one.cause] for one in far.effects if one.cause in STEADY), None)
    if codec is None:
        return far.excess > times or far.slow_excess > 3 * times
    return far.calm_excess > codec * times


FOUND = (
    "shift",
    "resize",
    "color_shift",
    "color_correction",
    "face_restore",
    "jpeg",
    "webp",
    "avif",
    "palette",
)
"""Effects that count as a signal of their own."""


def weigh(signals: Mapping[str, float]) -> dict[Cause, float]:
    """Each cause's probability (0-1), by its weights of the signals."""
    beliefs = {}
    for cause, weights in WEIGHTS.items():
        level = sum(weight * signals.get(name, 1.0) for name, weight in weights.items())
        beliefs[cause] = 1 / (1 + math.exp(-max(min(level, 30.0), -30.0)))
    return beliefs


def tell_share(cause: Cause, scene: Scene, changed: np.ndarray) -> float:
    """Share (0-1) of the changed pixels that lie where this cause is at work."""
    total = int(np.count_nonzero(changed))
    if cause in AT_THE_EDGE:
        grey = scene.rim.grey
        part = grey if cause is Cause.SOFT_MASK else 1 - grey
        return min(1.0, part * scene.rim.pixels / total)
    if cause is Cause.OTHER_SCRIPT:
        return min(1.0, np.count_nonzero(changed[scene.patch.box.slices]) / total)
    if cause is Cause.PADDING:
        inside = 0 if scene.crop is None else np.count_nonzero(changed[scene.crop.slices])
        return inside / total
    return scene.far.changed


def tell_evidence(cause: Cause, scene: Scene, told: Told) -> Evidence:
    """The numbers, and the settings, that speak for it."""
    effect = scene.far.find(cause)
    evidence: Evidence = dict(effect.evidence) if effect else {}
    if cause in AT_THE_EDGE:
        evidence |= {name: round(getattr(scene.rim, name), 3) for name in RIM_NUMBERS}
    elif cause in (Cause.VAE, Cause.OVERLAY_OFF):
        evidence["noise"] = round(scene.far.noise, 2)
    elif cause is Cause.WHOLE_REDRAW:
        evidence["structure"] = round(scene.far.structure, 3)
    elif cause is Cause.OTHER_SCRIPT:
        evidence |= {"pixels": scene.patch.pixels, "box": str(tuple(scene.patch.box))}
    elif cause is Cause.PADDING and scene.crop is not None:
        evidence["box"] = str(tuple(scene.crop))
    return evidence | dict(_quote(cause, told))


RIM_NUMBERS = ("reach", "touched", "decay", "grey", "even")


def _quote(cause: Cause, told: Told) -> Iterator[tuple[str, str]]:
    """The setting of the infotext that speaks for this cause."""
    if cause is Cause.MASK_BLUR and told.mask_blur:
        yield "infotext", f"Mask blur: {told.mask_blur:g}"
    elif cause is Cause.SOFT_INPAINTING and told.has_soft_inpainting:
        yield "infotext", "Soft inpainting enabled: True"
    elif cause is Cause.FACE_RESTORE and told.face_restoration:
        yield "infotext", f"Face restoration: {told.face_restoration}"

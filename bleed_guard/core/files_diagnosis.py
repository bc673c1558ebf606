"""Which causes the files alone speak for: original, result, mask, and nothing of the run.

By synthesis: what a cause would make of the original is made, and what is left of the difference
tells how well it explains the result. First what reaches everywhere (shift, scaling, color, file
format, an autoencoder, a redraw), measured far from the mask; then, on what that leaves, what
lies at the mask (blur, grey mask, a repainted rectangle) or elsewhere (another script).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np

from bleed_guard.core.job import Box, Cause, Fix
from bleed_guard.core.mask import HARD_LEVEL, edge_distance, soft_fraction
from bleed_guard.core.measure import difference
from bleed_guard.core.signals import fit_colors, measure_comb, measure_shift

WINDOW = 512
"""px: what reaches everywhere is looked for in a square of this side, far from the mask."""

GRID = 16
"""px: the window keeps to the grid of JPEG's macroblocks."""

NEAR = 56
"""px from the mask: up to here a feather is expected; what is common is measured beyond."""

QUALITIES = (20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
SCALES = (0.5, 0.625, 0.75, 0.875, 1.25, 1.5, 2.0)

GAIN = {"shift": 0.35, "resize": 0.35, "color": 0.2, "webp": 0.45}
"""Share of the remaining squared difference a cause must explain to be believed at 50 %."""

SHARPNESS = 12.0
"""How quickly a belief grows with the explained share beyond `GAIN`."""

SURE_COMB = 0.25
"""Growth of the comb of quantized coefficients at which JPEG is believed at 50 %."""

NOISE_FLOOR = 1.0
"""Mean squared levels that rounding and cutting explain."""

KEPT_STRUCTURE = 0.5
"""Correlation of fine structure (-1 to 1) below which it is another picture."""

COMMON_SHARE = 0.05
"""Share (0-1) of the pixels far from the mask that a cause which reaches everywhere changes."""

TRIMMED = 0.97
"""This share (0-1) of the pixels, the best explained ones, tells how well a cause explains."""

LONGEST_FEATHER = 170
"""px: the reach of the host's largest mask blur, 64, and some."""

FEWEST = 12
"""Pixels: fewer tell no cause."""


@dataclass(frozen=True)
class LikelyCause:
    """A cause, how probable it is (0-1), its share of the changed pixels (0-1), and the fix."""

    cause: Cause
    probability: float
    share: float
    evidence: dict[str, float | int | str] = field(default_factory=dict)
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


FIXES = {
    Cause.MASK_BLUR: Fix("Set mask blur to 0", "mask blur", 0),
    Cause.SOFT_MASK: Fix("Use a black and white mask", "soft_mask", "harden"),
    Cause.SHIFT: Fix("Ask for a width and height that are multiples of 64"),
    Cause.RESIZE: Fix("Ask for the original's size"),
    Cause.COLOR_SHIFT: Fix("Paste the original back outside the mask", "paste_back", True),
    Cause.JPEG: Fix("Save as PNG", "lossy_format", "png"),
    Cause.WEBP: Fix("Save as PNG, or as lossless WebP", "lossy_format", "png"),
    Cause.VAE: Fix("Paste the original back outside the mask", "paste_back", True),
    Cause.WHOLE_REDRAW: Fix("Paste the original back outside the mask", "paste_back", True),
    Cause.PADDING: Fix("Paste the original back outside the mask", "paste_back", True),
    Cause.OTHER_SCRIPT: Fix("Switch off what edits the finished picture"),
}


class Effect(NamedTuple):
    """A cause that reaches everywhere: what it makes of a picture, and how far it is believed."""

    cause: Cause
    probability: float
    evidence: dict[str, float | int | str]
    apply: Callable[[np.ndarray], np.ndarray]


def diagnose_files(
    original: np.ndarray, result: np.ndarray, mask: np.ndarray, infotext: str | None = None
) -> tuple[LikelyCause, ...]:
    """The causes of the changes outside the mask, the most probable first; never empty.

    Two uint8 H x W x 3 and a uint8 H x W of one size, 255 = repaint. `infotext` is the WebUI's
    parameters in the result's file: a setting it tells is evidence. ValueError if sizes differ.
    """
    if original.shape != result.shape or original.shape[:2] != mask.shape:
        raise ValueError(f"sizes differ: {original.shape}, {result.shape}, {mask.shape}")
    delta = difference(original, result)
    changed = (delta > 0) & (mask < HARD_LEVEL)
    total = int(np.count_nonzero(changed))
    if not total:
        return (LikelyCause(Cause.NONE, 1.0, 1.0),)
    distance = edge_distance(mask)
    effects = find_effects(original, result, mask, distance)
    likely = [
        LikelyCause(one.cause, one.probability, 1.0, one.evidence, FIXES[one.cause])
        for one in effects
    ]
    if not any(one.cause is Cause.WHOLE_REDRAW for one in effects):
        left = _leave(original, result, mask, effects)
        likely += find_local(left, mask, distance, total, is_common=bool(effects))
    likely = [_weigh(one, infotext) for one in likely]
    likely.sort(key=lambda one: -one.probability)
    unknown = LikelyCause(Cause.OTHER_SCRIPT, 0.5, 1.0, {}, FIXES[Cause.OTHER_SCRIPT])
    return tuple(likely) or (unknown,)


def _weigh(one: LikelyCause, infotext: str | None) -> LikelyCause:
    """The cause, surer where the infotext tells the setting that makes it."""
    names = {Cause.MASK_BLUR: "Mask blur", Cause.SOFT_MASK: "Soft inpainting enabled"}
    label = names.get(one.cause)
    found = re.search(rf"{label}: ([\w.]+)", infotext) if infotext and label else None
    if found is None or found[1] in ("0", "False"):
        return one
    evidence = {**one.evidence, "infotext": f"{label}: {found[1]}"}
    return LikelyCause(one.cause, (1 + one.probability) / 2, one.share, evidence, one.fix)


# --- what reaches everywhere -------------------------------------------------------------------


def find_effects(
    original: np.ndarray, result: np.ndarray, mask: np.ndarray, distance: np.ndarray
) -> list[Effect]:
    """The causes that reach everywhere, in the order they take place; none if nothing far from
    the mask changed."""
    box = _find_window(distance)
    free = distance[box.slices] > min(NEAR, float(distance[box.slices].max()) / 2)
    first, second = original[box.slices], result[box.slices]
    if np.mean((difference(first, second) > 0)[free]) < COMMON_SHARE:
        return []
    if _structure(first, second, free) < KEPT_STRUCTURE:
        moved = _best(_geometries(first, second), first, second, free)
        if moved is None or _structure(moved.apply(first), second, free) < KEPT_STRUCTURE:
            return [Effect(Cause.WHOLE_REDRAW, 0.97, {}, lambda picture: picture)]
    return _explain(first, second, free, mask[box.slices] >= HARD_LEVEL)


def _explain(
    first: np.ndarray, second: np.ndarray, free: np.ndarray, inside: np.ndarray
) -> list[Effect]:
    """The effects one after the other, each on what the ones before made of the original."""
    effects: list[Effect] = []
    now = first
    for candidates in (_geometries, _colors):
        found = _best(candidates(now, second), now, second, free)
        if found is not None:
            effects.append(found)
            now = found.apply(now)
    limit = NOISE_FLOOR + 0.25 * (_energy(now, first, free) if effects else 0.0)
    before = np.ascontiguousarray(np.where(inside[..., None], second, now))
    codec = _find_jpeg(before, second, free) or _best(_webps(before), before, second, free)
    if codec is not None:
        effects.append(codec)
        now = codec.apply(before)
        limit += 0.6 * _energy(now, before, free)
    left = _energy(now, second, free)
    if left > limit:
        belief = _believe(1 - limit / left, 0.25)
        noise = {"noise": round(float(np.sqrt(left)), 2)}
        effects.append(Effect(Cause.VAE, belief, noise, lambda picture: picture))
    return [effect for effect in effects if effect.probability > 0.3]


def _find_window(distance: np.ndarray) -> Box:
    """The square, on the macroblocks' grid, that lies farthest from the mask."""
    height, width = distance.shape
    side_x, side_y = min(WINDOW, width), min(WINDOW, height)
    far = np.minimum(distance, 4096).astype(np.float32)
    lefts = sorted({0, (width - side_x) // 2 // GRID * GRID, (width - side_x) // GRID * GRID})
    tops = sorted({0, (height - side_y) // 2 // GRID * GRID, (height - side_y) // GRID * GRID})
    boxes = [Box(x, y, x + side_x, y + side_y) for y in tops for x in lefts]
    return max(boxes, key=lambda box: float(np.mean(far[box.slices][::8, ::8] > NEAR)))


def _energy(picture: np.ndarray, result: np.ndarray, free: np.ndarray) -> float:
    """Mean squared difference of the free pixels, without the few that differ most."""
    delta = picture[free].astype(np.float32) - result[free]
    squares = (delta * delta).mean(axis=1)
    kept = int(TRIMMED * squares.size)
    return float(np.partition(squares, kept - 1)[:kept].mean()) if kept else 0.0


def _structure(first: np.ndarray, second: np.ndarray, free: np.ndarray) -> float:
    """Correlation (-1 to 1) of what is left of luma without its slow and its finest changes."""
    bands = []
    for picture in (first, second):
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        band = cv2.GaussianBlur(luma, (0, 0), 2) - cv2.GaussianBlur(luma, (0, 0), 12)
        bands.append(band[free])
    if min(band.std() for band in bands) < 1e-3:
        return 1.0
    return float(np.corrcoef(*bands)[0, 1])


def _believe(explained: float, half: float) -> float:
    """Probability (0-1) of a cause that explains this share; 50 % at `half`."""
    return float(1 / (1 + np.exp(-SHARPNESS * (max(explained, -1.0) - half))))


def _best(
    candidates: Sequence[tuple[Effect, float]],
    first: np.ndarray,
    second: np.ndarray,
    free: np.ndarray,
) -> Effect | None:
    """The candidate that explains most, with its probability; None if all are improbable.

    Each comes with the share it must explain to be believed at 50 %.
    """
    before = _energy(first, second, free)
    best: Effect | None = None
    for effect, half in candidates:
        explained = 1 - _energy(effect.apply(first), second, free) / max(before, 1e-9)
        probability = _believe(explained, half)
        if probability > 0.5 and (best is None or probability > best.probability):
            told = {**effect.evidence, "explained": round(explained, 3)}
            best = effect._replace(probability=probability, evidence=told)
    return best


def _geometries(first: np.ndarray, second: np.ndarray) -> list[tuple[Effect, float]]:
    found = []
    shift = measure_shift(first, second)
    if shift.length > 0.3:
        told: dict[str, float | int | str] = {"x": round(shift.x, 2), "y": round(shift.y, 2)}
        effect = Effect(Cause.SHIFT, 0.0, told, lambda picture: _move(picture, shift.x, shift.y))
        found.append((effect, GAIN["shift"]))
    for scale in SCALES:
        effect = Effect(Cause.RESIZE, 0.0, {"scale": scale}, _scaler(scale))
        found.append((effect, GAIN["resize"]))
    return found


def _move(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    size = picture.shape[1], picture.shape[0]
    return cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def _scaler(scale: float) -> Callable[[np.ndarray], np.ndarray]:
    """There and back again, as a run at another size does."""

    def scaled(picture: np.ndarray) -> np.ndarray:
        from PIL import Image

        height, width = picture.shape[:2]
        image = Image.fromarray(picture)
        small = image.resize(
            (max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.LANCZOS
        )
        return np.asarray(small.resize((width, height), Image.Resampling.LANCZOS))

    return scaled


def _colors(first: np.ndarray, second: np.ndarray) -> list[tuple[Effect, float]]:
    line = fit_colors(first.reshape(-1, 3)[::3], second.reshape(-1, 3)[::3])
    gain, offset = np.array(line.gain), np.array(line.offset)
    red, green, blue = line.step
    if max(abs(red), abs(green), abs(blue)) < 0.4 and np.abs(gain - 1).max() < 0.01:
        return []

    def recolor(picture: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(picture * gain + offset), 0, 255).astype(np.uint8)

    steps = zip(("red", "green", "blue"), line.step, strict=True)
    told = {name: round(step, 2) for name, step in steps}
    told["contrast"] = round(float(gain.mean()), 3)
    return [(Effect(Cause.COLOR_SHIFT, 0.0, dict(told), recolor), GAIN["color"])]


def _encoder(suffix: str, parameters: Sequence[int]) -> Callable[[np.ndarray], np.ndarray]:
    def encode(picture: np.ndarray) -> np.ndarray:
        _, data = cv2.imencode(suffix, picture[..., ::-1], list(parameters))
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]

    return encode


def _find_jpeg(first: np.ndarray, second: np.ndarray, free: np.ndarray) -> Effect | None:
    """JPEG, by the comb its quantization leaves in the result and not in the original."""
    growth = measure_comb(second) - measure_comb(first)
    by_quality = {
        quality: _encoder(".jpg", (cv2.IMWRITE_JPEG_QUALITY, quality)) for quality in QUALITIES
    }
    left = {quality: _energy(code(first), second, free) for quality, code in by_quality.items()}
    quality = min(left, key=lambda quality: left[quality])
    explained = 1 - left[quality] / max(_energy(first, second, free), 1e-9)
    probability = max(_believe(growth, SURE_COMB), _believe(explained, 0.6))
    if probability < 0.5:
        return None
    told = {"comb": round(growth, 3), "quality": quality, "explained": round(explained, 3)}
    return Effect(Cause.JPEG, probability, dict(told), by_quality[quality])


def _webps(first: np.ndarray) -> list[tuple[Effect, float]]:
    return [
        (
            Effect(
                Cause.WEBP,
                0.0,
                {"quality": quality},
                _encoder(".webp", (cv2.IMWRITE_WEBP_QUALITY, quality)),
            ),
            GAIN["webp"],
        )
        for quality in QUALITIES
    ]


# --- what lies somewhere -----------------------------------------------------------------------


def _leave(
    original: np.ndarray, result: np.ndarray, mask: np.ndarray, effects: Sequence[Effect]
) -> np.ndarray:
    """uint8 H x W: the difference the effects leave. The repainted part is the result's own, so
    that a format's blocks across the mask's edge see what they saw."""
    inside = mask >= HARD_LEVEL
    picture = original
    for effect in effects:
        picture = np.where(inside[..., None], result, picture)
        picture = effect.apply(np.ascontiguousarray(picture))
    left = difference(np.ascontiguousarray(picture), result)
    return np.where(_blurred_by(effects, original, mask, left), np.uint8(0), left)


def _blurred_by(
    effects: Sequence[Effect], original: np.ndarray, mask: np.ndarray, left: np.ndarray
) -> np.ndarray:
    """bool H x W: where the effects carry the repainted part over the mask's edge: the way of a
    shift, and a format's blocks as far as its own error goes."""
    inside = (mask >= HARD_LEVEL).astype(np.uint8)
    carried = inside > 0
    for effect in effects:
        if effect.cause in (Cause.SHIFT, Cause.RESIZE):
            way = max((abs(float(effect.evidence.get(key, 0))) for key in ("x", "y")), default=0)
            side = 2 * (int(np.ceil(way)) + 3) + 1
            carried = carried | (cv2.dilate(inside, np.ones((side, side), np.uint8)) > 0)
        elif effect.cause in (Cause.JPEG, Cause.WEBP):
            error = difference(np.ascontiguousarray(effect.apply(original)), original)
            touched = cv2.dilate(inside, np.ones((2 * GRID + 1, 2 * GRID + 1), np.uint8)) > 0
            carried = carried | (touched & (left <= np.percentile(error, 99.5)))
    return carried


def find_local(
    left: np.ndarray, mask: np.ndarray, distance: np.ndarray, total: int, *, is_common: bool
) -> Iterator[LikelyCause]:
    """The causes of what is left at single places: `left` is uint8 H x W."""
    outside = mask < HARD_LEVEL
    farthest = float(distance[np.isfinite(distance)].max(initial=0))
    far = outside & (distance > min(NEAR, farthest / 2))
    floor = 2.5 * float(np.percentile(left[far], 95)) + 2 if is_common and far.any() else 0.0
    strong = (left > floor) & outside
    count = int(np.count_nonzero(strong))
    if count < (max(FEWEST, 0.0015 * outside.sum()) if is_common else 1):
        return
    share = min(1.0, count / total)
    soft = strong & (mask > 0)
    soft_share = np.count_nonzero(soft) / count
    if soft_fraction(mask) > 0.02 and soft_share > 0.1:
        yield _local(Cause.SOFT_MASK, 0.95, share * soft_share, {"grey": round(soft_share, 3)})
    rest = strong & (mask == 0)
    if np.count_nonzero(rest) < max(FEWEST / 2, 0.05 * count):
        return
    yield _shape_of(rest, left, distance, share * np.count_nonzero(rest) / count)


def _local(
    cause: Cause, probability: float, share: float, evidence: dict[str, float | int | str]
) -> LikelyCause:
    return LikelyCause(cause, probability, float(share), evidence, FIXES[cause])


def _shape_of(
    strong: np.ndarray, left: np.ndarray, distance: np.ndarray, share: float
) -> LikelyCause:
    """A rim around the mask is its blur; a filled rectangle around it a crop; else a script."""
    reach = float(np.percentile(distance[strong], 99))
    rim = distance == 1
    hugging = float(np.mean(strong[rim])) if rim.any() else 0.0
    near = left[strong & (distance <= max(1.0, reach / 4))].astype(np.float32)
    edge = left[strong & (distance > 0.7 * reach)].astype(np.float32)
    decay = float(near.mean() / max(edge.mean(), 0.25)) if near.size and edge.size else 0.0
    x, y, width, height = cv2.boundingRect(strong.astype(np.uint8))
    part = np.s_[y : y + height, x : x + width]
    filled = float(np.mean(strong[part][distance[part] > 0]))
    told: dict[str, float | int | str] = {
        "reach": round(reach, 1),
        "decay": round(min(decay, 999.0), 2),
        "hugging": round(hugging, 3),
        "filled": round(filled, 3),
    }
    if hugging > 0.25 and decay > 2.0 and reach < LONGEST_FEATHER:
        return _local(Cause.MASK_BLUR, _believe(min(decay / 10, 1.0), 0.1), share, told)
    if filled > 0.6 and hugging > 0.25:
        return _local(Cause.PADDING, _believe(filled, 0.5), share, told)
    return _local(Cause.OTHER_SCRIPT, 0.8, share, told)

"""What reaches everywhere: the chain of causes that makes of the original what the result is
far from the mask.

By synthesis: what a cause would make of the picture is made, and how well that foretells the
difference decides. One after the other - geometry, color, smoothing, file format - each on what
the ones before made, so that a weak one is found beneath a strong one. What no cause foretells
is noise.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from bleed_guard.core.job import Box, Cause
from bleed_guard.core.mask import HARD_LEVEL
from bleed_guard.core.measure import difference
from bleed_guard.core.signals import (
    LUMA_WEIGHTS,
    Comb,
    Lattice,
    fit_colors,
    measure_comb,
    measure_lattice,
    measure_shift,
)

Evidence = dict[str, float | int | str]

WINDOW = 512
"""px: what reaches everywhere is looked for in a square of this side, far from the mask."""

GRID = 16
"""px: the window keeps to the grid of JPEG's macroblocks."""

NEAR = 56
"""px from the mask: up to here a feather is expected; what is common is measured beyond."""

TRIMMED = 0.97
"""This share (0-1) of the pixels, the best explained ones, tells how well a cause explains."""

COMMON_SHARE = 0.05
"""Share (0-1) of the pixels far from the mask that a cause which reaches everywhere changes."""

KEPT_STRUCTURE = 0.5
"""Correlation of fine structure (-1 to 1) below which it is another picture ..."""

REDRAWN_SHARE = 0.5
"""... if more than this share (0-1) of the pixels far from the mask changed."""

LEAST_STRUCTURE, NEW_STRUCTURE = 1.0, 5.0
"""Levels of standard deviation. Where a picture is smoother than the first there is nothing to
compare, and it is another one only where the other has the second: noise has less."""

NOISE_FLOOR = 0.6
"""Mean squared levels that rounding and cutting explain."""

SCALES = (0.4, 0.5, 0.6, 2 / 3, 0.75, 5 / 6, 0.9, 1.25, 1.5, 2.0)
FINER = (0.97, 1.03)
"""The best scale is tried again times these."""

SMOOTHINGS = (15.0, 25.0, 40.0, 60.0)
"""Levels an edge must have to outlast an edge-preserving filter."""

JPEG_QUALITIES = (10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 93, 95, 97, 98, 99, 100)
WEBP_QUALITIES = (30, 40, 50, 60, 65, 70, 75, 80, 85, 90, 95)

SMALLEST_SHIFT = 0.3
"""px: less is within what phase correlation errs by."""


@dataclass(frozen=True)
class Effect:
    """A cause that reaches everywhere, and what it makes of a whole picture.

    `explained` is the share (0-1) of the squared difference before it that is gone after it,
    `match` the factor by which its foretold change has to be taken to fit best: about 1 for the
    true cause.
    """

    cause: Cause
    apply: Callable[[np.ndarray], np.ndarray]
    explained: float = 0.0
    match: float = 1.0
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True)
class Far:
    """What is seen far from the mask, in `box`.

    `effects` are in the order they take place; `noise` is what they leave, in root mean squared
    levels, `excess` how many times the largest expected that is, `slow_excess` the same of its slow
    part, which formats leave alone and autoencoders do not, `calm_excess` the same of the slow part
    where a format errs least. `structure` is the correlation
    of fine structure, -1 to 1; `changed` the share of changed pixels. `codec` is the lossy format
    the result's file is known to have.
    """

    box: Box
    changed: float
    structure: float
    comb: Comb
    before: Lattice
    after: Lattice
    codec: Cause | None = None
    effects: tuple[Effect, ...] = ()
    noise: float = 0.0
    excess: float = 0.0
    slow_excess: float = 0.0
    calm_excess: float = 0.0
    is_redrawn: bool = False

    def find(self, cause: Cause) -> Effect | None:
        """The effect of this cause, if it was found."""
        return next((effect for effect in self.effects if effect.cause is cause), None)


class View(NamedTuple):
    """The window: uint8 h x w x 3 twice, what to measure on, and the mask's inside, bool h x w."""

    first: np.ndarray
    second: np.ndarray
    free: np.ndarray
    inside: np.ndarray

    def now(self, picture: np.ndarray) -> View:
        """The same with what the original has become so far."""
        return self._replace(first=picture)


def look_far(
    original: np.ndarray,
    result: np.ndarray,
    mask: np.ndarray,
    distance: np.ndarray,
    crop: Box | None = None,
    codec: Cause | None = None,
) -> Far:
    """Two uint8 H x W x 3, the mask and the distance to it, H x W each; `crop` is a rectangle
    that is known to be another matter, `codec` the result's file's own lossy format."""
    box = find_window(distance)
    near = distance[box.slices]
    free = near > min(NEAR, float(near.max()) / 2)
    if crop is not None:
        rest = np.ones(mask.shape, bool)
        rest[crop.slices] = False
        free = rest[box.slices] if rest[box.slices].any() else free
    view = View(original[box.slices], result[box.slices], free, mask[box.slices] >= HARD_LEVEL)
    seen = Far(
        box=box,
        changed=float(np.mean((difference(view.first, view.second) > 0)[free])),
        structure=measure_structure(view.first, view.second, free),
        comb=measure_comb(view.first, view.second),
        before=measure_lattice(view.first[free]),
        after=measure_lattice(view.second[free]),
        codec=codec,
    )
    if seen.changed < COMMON_SHARE:
        if codec in (None, Cause.PALETTE):  # a palette that has all the colors loses nothing
            return seen
        return replace(seen, effects=run_chain((), seen, view).effects)
    return _explain(seen, view)


def _explain(seen: Far, view: View) -> Far:
    geometry = find_geometry(view)
    now = view if geometry is None else view.now(geometry.apply(view.first))
    structure = measure_structure(now.first, view.second, view.free)
    if structure < KEPT_STRUCTURE and seen.changed > REDRAWN_SHARE:
        codec = find_codec(seen, view)
        return replace(seen, effects=() if codec is None else (codec,), is_redrawn=True)
    color = find_color(now)
    now = now if color is None else now.now(color.apply(now.first))
    smoothing = find_smoothing(now)
    found = [effect for effect in (geometry, color, smoothing) if effect is not None]
    chain = run_chain(found, seen, view)
    if smoothing is None and chain.excess > UNEXPLAINED and _has_codec(chain):
        found, chain = _smooth_beneath(found, chain, seen, view)
    for effect in [one for one in found if one.cause in MIMICKED]:
        other = run_chain([one for one in found if one is not effect], seen, view)
        if other.energy < NEEDED * chain.energy + 0.05:
            found, chain = [one for one in found if one is not effect], other
    return replace(
        seen,
        effects=chain.effects,
        noise=float(np.sqrt(chain.typical)),
        excess=chain.excess,
        slow_excess=chain.slow,
        calm_excess=chain.calm,
    )


UNEXPLAINED = 1.2
"""How many times the expected must be left for a smoothing to be looked for beneath a format."""


def _has_codec(chain: Chain) -> bool:
    return any(effect.cause in FORETOLD for effect in chain.effects)


def _smooth_beneath(
    found: list[Effect], chain: Chain, seen: Far, view: View
) -> tuple[list[Effect], Chain]:
    """The same with a smoothing that a file format hides, if that explains more."""
    for levels in SMOOTHINGS[1:]:
        more = [*found, _smoother(levels)]
        other = run_chain(more, seen, view)
        if other.energy * NEEDED < chain.energy:
            found, chain = more, other
            break
    return found, chain


MIMICKED = (Cause.RESIZE, Cause.FACE_RESTORE, Cause.SHIFT, Cause.COLOR_SHIFT)
"""A file format smooths too, and rounds colors: these must explain more than it does."""

NEEDED = 1.12
"""How many times what is left must be without an effect what it is with it."""


class Chain(NamedTuple):
    """Effects in their order, the mean squared difference they leave, what they leave of a
    typical block, how much of that one expects at most if there is no noise, and how many times
    the expected its slow part is, in all and where the format errs least."""

    effects: tuple[Effect, ...]
    energy: float
    typical: float
    expected: float
    slow: float
    calm: float

    @property
    def excess(self) -> float:
        """How many times the expected is left of a typical block."""
        return self.typical / self.expected


def run_chain(effects: Sequence[Effect], seen: Far, view: View) -> Chain:
    """What the effects, and the file format behind them, leave of the difference."""
    picture = view.first
    for effect in effects:
        picture = effect.apply(picture)
    expected = NOISE_FLOOR
    if effects:
        expected += 0.03 * _typical_energy(picture, view.first, view.free)
    codec = find_codec(seen, view.now(picture))
    slow, coded = SLOW_FLOOR, None
    if codec is not None:
        before = _with_inside(picture, view)
        picture = codec.apply(before)
        expected += FORETOLD[codec.cause] * _typical_energy(picture, before, view.free)
        coded = _slow_energy(picture, before)
        slow += _typical_energy(_slow(picture), _slow(before), view.free)
        effects = [*effects, codec]
    left = _energy(picture, view.second, view.free)
    typical = _typical_energy(picture, view.second, view.free)
    slow = _typical_energy(_slow(picture), _slow(view.second), view.free) / slow
    calm = slow if coded is None else _calm_excess(_slow_energy(picture, view.second), coded, view)
    if seen.codec in UNMADE:
        expected, slow, calm = max(expected, typical), 0.0, 0.0
    return Chain(tuple(effects), left, typical, expected, slow, calm)


CALM = 0.3
"""Share (0-1) of the pixels, those where a format errs least, that are the calm ones."""


def _slow_energy(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """float32 H x W: the slow part of the squared difference, over the size of a block."""
    gap = _slow(first) - _slow(second)
    return cv2.blur((gap * gap).mean(axis=2), (BLOCK, BLOCK))


def _calm_excess(left: np.ndarray, coded: np.ndarray, view: View) -> float:
    """How many times the format's own error is left where that is least."""
    coded, left = coded[view.free], left[view.free]
    calm = coded <= np.quantile(coded, CALM)
    return float(np.median(left[calm]) / (SLOW_FLOOR + np.median(coded[calm])))


SLOW_FLOOR = 0.05
"""Mean squared levels rounding and cutting leave of the slow part."""


def _slow(picture: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 3)


FORETOLD = {Cause.JPEG: 0.1, Cause.WEBP: 0.8, Cause.AVIF: 3.0, Cause.PALETTE: 1.0}
"""Share of a format's error that encoding anew does not foretell."""

UNMADE = (Cause.AVIF, Cause.PALETTE)
"""Formats nothing is encoded in here: in a file that has one, all that is left may be its own."""

BLOCK = 16
"""px: side of the blocks of which the middle one is typical."""


def _typical_energy(picture: np.ndarray, result: np.ndarray, free: np.ndarray) -> float:
    """Mean squared difference in the median block: no patch and no rectangle moves it."""
    delta = picture.astype(np.float32) - result
    squares = (delta * delta).mean(axis=2) * free
    size = max(1, free.shape[1] // BLOCK), max(1, free.shape[0] // BLOCK)
    share = cv2.resize(free.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(squares, size, interpolation=cv2.INTER_AREA)
    used = share > 0.5
    return float(np.median(mean[used] / share[used])) if used.any() else 0.0


def _with_inside(picture: np.ndarray, view: View) -> np.ndarray:
    return np.ascontiguousarray(np.where(view.inside[..., None], view.second, picture))


def find_window(distance: np.ndarray) -> Box:
    """The square, on the macroblocks' grid, that lies farthest from the mask: in a corner, at
    the middle of a side or of the picture, or where else alone anything is outside the mask."""
    height, width = distance.shape
    side_x, side_y = min(WINDOW, width), min(WINDOW, height)
    far = np.minimum(distance, 4096).astype(np.float32)
    lefts = sorted({0, (width - side_x) // 2 // GRID * GRID, (width - side_x) // GRID * GRID})
    tops = sorted({0, (height - side_y) // 2 // GRID * GRID, (height - side_y) // GRID * GRID})
    boxes = [Box(x, y, x + side_x, y + side_y) for y in tops for x in lefts]
    best = max(boxes, key=lambda box: float(np.mean(far[box.slices][::8, ::8] > NEAR)))
    if far[best.slices].any():
        return best
    x, y = cv2.minMaxLoc(far)[3]
    left, top = min(x // GRID * GRID, width - side_x), min(y // GRID * GRID, height - side_y)
    return Box(left, top, left + side_x, top + side_y)


def _energy(picture: np.ndarray, result: np.ndarray, free: np.ndarray) -> float:
    """Mean squared difference of the free pixels, without the few that differ most."""
    delta = picture[free].astype(np.float32) - result[free]
    squares = (delta * delta).mean(axis=1)
    kept = int(TRIMMED * squares.size)
    return float(np.partition(squares, kept - 1)[:kept].mean()) if kept else 0.0


def _band(picture: np.ndarray) -> np.ndarray:
    """float32 H x W: luma without its slow changes, which color moves and geometry hardly."""
    return _without_slow(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32))


def _without_slow(luma: np.ndarray) -> np.ndarray:
    return luma - cv2.GaussianBlur(luma, (0, 0), 4)


def measure_structure(first: np.ndarray, second: np.ndarray, free: np.ndarray) -> float:
    """Correlation (-1 to 1) of what is left of luma without its slow and its finest changes."""
    bands = []
    for picture in (first, second):
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
        band = cv2.GaussianBlur(luma, (0, 0), 2) - cv2.GaussianBlur(luma, (0, 0), 12)
        bands.append(band[free])
    spreads = [band.std() for band in bands]
    is_smooth = min(spreads) < LEAST_STRUCTURE and max(spreads) < NEW_STRUCTURE
    if is_smooth or min(spreads) < 1e-3:
        return 1.0
    return float(np.corrcoef(*bands)[0, 1])


# --- geometry ----------------------------------------------------------------------------------


class Fit(NamedTuple):
    """How a foretold change fits the seen one: the share explained at its best factor, that
    factor, and the share explained as it is."""

    explained: float
    match: float
    as_is: float


def _fit(made: np.ndarray, view: View, bands: tuple[np.ndarray, np.ndarray]) -> Fit:
    """`made` is what the cause makes of the view's first; `bands` are the view's two."""
    first, second = bands
    foretold = (_band(made) - first)[view.free]
    seen = (second - first)[view.free]
    limit = np.quantile(np.abs(seen), TRIMMED)
    kept = np.abs(seen) <= limit
    foretold, seen = foretold[kept], seen[kept]
    power, total = float(foretold @ foretold), float(seen @ seen)
    if power < 1e-6 or total < 1e-6:
        return Fit(0.0, 0.0, 0.0)
    common = float(foretold @ seen)
    left = seen - foretold
    return Fit(common * common / (power * total), common / power, 1 - float(left @ left) / total)


def find_geometry(view: View) -> Effect | None:
    """A shift or a scaling, whichever fits better; None if none fits."""
    bands = _band(view.first), _band(view.second)
    best = max(
        (_judge(effect, view, bands) for effect in _geometries(view)),
        key=lambda effect: effect.explained,
        default=None,
    )
    if best is None:
        return None
    if best.cause is Cause.RESIZE:
        scale = float(best.evidence["scale"])
        finer = [_judge(_scaling(scale * factor), view, bands) for factor in FINER]
        best = max(best, *finer, key=lambda effect: effect.explained)
    fits = best.explained > 0.02 and 0.6 < best.match < 1.6
    return best if fits else None


def _judge(effect: Effect, view: View, bands: tuple[np.ndarray, np.ndarray]) -> Effect:
    fit = _fit(effect.apply(view.first), view, bands)
    explained = fit.explained if fit.as_is > 0 else 0.0
    told = {**effect.evidence, "explained": round(explained, 3)}
    return Effect(effect.cause, effect.apply, explained, fit.match, told)


def _geometries(view: View) -> Iterable[Effect]:
    shift = measure_shift(view.first, view.second, view.free)
    for start in ((shift.x, shift.y), (0.0, 0.0)):
        x, y = refine_shift(view, *start)
        if np.hypot(x, y) > SMALLEST_SHIFT:
            told: Evidence = {"x": round(x, 2), "y": round(y, 2)}
            yield Effect(Cause.SHIFT, _mover(x, y), evidence=told)
    yield from (_scaling(scale) for scale in SCALES)


def refine_shift(view: View, x: float, y: float) -> tuple[float, float]:
    """A shift in px made exact, to a multiple of 1 / `FRACTIONS`, by what a little more of it
    changes; as it was if it runs away."""
    start, free = (x, y), view.free
    luma, moved = (_exact_luma(picture) for picture in (view.first, view.second))
    target = _without_slow(moved)[free]
    for _ in range(4):
        gap = _without_slow(_mover(x, y)(luma))[free] - target
        kept = np.abs(gap) <= np.quantile(np.abs(gap), TRIMMED)
        slopes = np.stack([_slope(luma, x, y, *axis)[free][kept] for axis in AXES])
        try:
            step = np.linalg.solve(slopes @ slopes.T, slopes @ gap[kept])
        except np.linalg.LinAlgError:
            return start
        x, y = x - float(step[0]), y - float(step[1])
    if max(abs(x - start[0]), abs(y - start[1])) >= 1.5:
        return start
    return round(FRACTIONS * x) / FRACTIONS, round(FRACTIONS * y) / FRACTIONS


def _exact_luma(picture: np.ndarray) -> np.ndarray:
    """float32 H x W, not rounded: interpolated, what is rounded off draws a shift to half a px."""
    return cv2.cvtColor(picture.astype(np.float32), cv2.COLOR_RGB2GRAY)


AXES = ((1, 0), (0, 1))
"""Across and down."""

FRACTIONS = 32
"""Of a px: OpenCV 4 interpolates no finer, and what was moved by half a px, where every second
level is rounded by chance, is met exactly."""

SLOPE_STEP = 0.25
"""px either way by which the slope is taken."""


def _slope(luma: np.ndarray, x: float, y: float, across: int, down: int) -> np.ndarray:
    """What a px more of a shift along an axis changes: float32 H x W."""
    right, below = SLOPE_STEP * across, SLOPE_STEP * down
    more, less = _mover(x + right, y + below)(luma), _mover(x - right, y - below)(luma)
    return _without_slow(more - less) / (2 * SLOPE_STEP)


def _mover(x: float, y: float) -> Callable[[np.ndarray], np.ndarray]:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)

    def move(picture: np.ndarray) -> np.ndarray:
        size = picture.shape[1::-1]
        return cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)

    return move


def _scaling(scale: float) -> Effect:
    """There and back again, as a run at another size does."""

    def scaled(picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        image = Image.fromarray(picture)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = image.resize(size, Image.Resampling.LANCZOS)
        return np.asarray(small.resize((width, height), Image.Resampling.LANCZOS))

    return Effect(Cause.RESIZE, scaled, evidence={"scale": round(scale, 3)})


# --- color -------------------------------------------------------------------------------------


def find_color(view: View) -> Effect | None:
    """A shift of the colors by a line for each channel, or the host's color correction."""
    slow = view._replace(
        first=cv2.GaussianBlur(view.first, (0, 0), 3),
        second=cv2.GaussianBlur(view.second, (0, 0), 3),
    )
    shift, correction = _find_color_shift(slow), _find_correction(slow)
    if correction is None or (shift is not None and shift.explained > correction.explained + 0.3):
        return shift
    return correction


SMALLEST_STEP = 0.6
"""Levels at mid-grey: less may be a format's or an autoencoder's own."""

SMALLEST_CONTRAST = 0.012
WIDEST_GAIN = 2.0
"""Nobody's contrast is changed by more: it is another picture."""


def _find_color_shift(slow: View) -> Effect | None:
    line = fit_colors(slow.first[slow.free][::3], slow.second[slow.free][::3])
    gain, offset = np.array(line.gain), np.array(line.offset)
    step = float(np.abs(line.step).max())
    if step < SMALLEST_STEP and np.abs(gain - 1).max() < SMALLEST_CONTRAST:
        return None
    if gain.min() < 1 / WIDEST_GAIN or gain.max() > WIDEST_GAIN:
        return None

    def recolor(picture: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(picture * gain + offset), 0, 255).astype(np.uint8)

    explained = _gone(recolor, slow)
    if explained < 0.1:
        return None
    steps = zip(("red", "green", "blue"), line.step, strict=True)
    told: Evidence = {name: round(level, 2) for name, level in steps}
    told |= {"contrast": round(float(gain.mean()), 3), "explained": round(explained, 3)}
    return Effect(Cause.COLOR_SHIFT, recolor, explained, step, told)


def _gone(apply: Callable[[np.ndarray], np.ndarray], view: View) -> float:
    """Share (0-1) of the squared difference that is gone after the change."""
    before = _energy(view.first, view.second, view.free)
    return 1 - _energy(apply(view.first), view.second, view.free) / max(before, 1e-9)


KEPT_LUMA = 0.4
"""Color correction blends with the luma that was there: luma changes by no more than this part
of what chroma does, and `ROUNDED_LUMA` levels of rounding."""

ROUNDED_LUMA = 0.1
SMALLEST_CHROMA = 0.5


def _find_correction(slow: View) -> Effect | None:
    """The host's color correction: a and b of CIELAB go by a curve, and luma stays."""
    before, after = (cv2.cvtColor(part, cv2.COLOR_RGB2LAB)[slow.free] for part in slow[:2])
    moved = np.abs(after.astype(np.float32) - before).mean(axis=0)
    weights = LUMA_WEIGHTS
    luma = float(
        np.abs((slow.second[slow.free].astype(np.float32) - slow.first[slow.free]) @ weights).mean()
    )
    chroma = float(moved[1:].max())
    if chroma < SMALLEST_CHROMA or luma > KEPT_LUMA * chroma + ROUNDED_LUMA:
        return None
    tables = [_table(before[:, channel], after[:, channel]) for channel in (1, 2)]

    def correct(picture: np.ndarray) -> np.ndarray:
        lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
        for channel, table in enumerate(tables, 1):
            lab[..., channel] = np.asarray(table)[lab[..., channel].astype(np.intp)]
        made = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).astype(np.float32)
        gap = picture.astype(np.float32) @ weights - made @ weights
        return np.clip(np.rint(made + gap[..., None]), 0, 255).astype(np.uint8)

    explained = _gone(correct, slow)
    if explained < 0.3:
        return None
    told: Evidence = {"luma": round(luma, 2), "chroma": round(chroma, 2)}
    told["explained"] = round(explained, 3)
    return Effect(Cause.COLOR_CORRECTION, correct, explained, chroma, told)


def _table(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """uint8 256: what a level mostly becomes; levels that are not seen go between the others."""
    count = np.bincount(before, minlength=256)
    total = np.bincount(before, weights=after, minlength=256)
    known = np.flatnonzero(count >= 8)
    if not known.size:
        return np.arange(256, dtype=np.uint8)
    levels = np.interp(np.arange(256), known, total[known] / count[known])
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


# --- smoothing ---------------------------------------------------------------------------------


def find_smoothing(view: View) -> Effect | None:
    """An edge-preserving smoothing, as face restoration leaves."""
    bands = _band(view.first), _band(view.second)
    best = max(
        (_judge(_smoother(levels), view, bands) for levels in SMOOTHINGS),
        key=lambda effect: effect.explained,
    )
    fits = best.explained > 0.1 and 0.6 < best.match < 1.6
    return best if fits else None


def _smoother(levels: float) -> Effect:
    def smooth(picture: np.ndarray) -> np.ndarray:
        return cv2.bilateralFilter(picture, 5, levels, 3)

    return Effect(Cause.FACE_RESTORE, smooth, evidence={"levels": levels})


# --- file formats ------------------------------------------------------------------------------

SURE_COMB = 0.2
"""Growth of the comb from which the file was JPEG: without it 0.06 at most, with it 0.45 at
least (`python dev.py bench diagnose`, tuning part)."""

SURE_LATTICE = 0.93
"""Share of the pixels on a format's lattice from which the file had that format ..."""

COLORED = 12
"""Levels between a pixel's R, G, B from which it is no grey: all greys are on the lattice."""

FEWEST_COLORS = 32
"""Fewer are on a lattice by chance."""

OFF_LATTICE = 0.35
"""... if the share off it fell to this part of the original's."""


def find_codec(seen: Far, view: View) -> Effect | None:
    """The file format, by its name or by its traces, and what it makes of a picture."""
    return _guess_codec(seen, view) if seen.codec is None else _know_codec(seen.codec, seen, view)


def _know_codec(cause: Cause, seen: Far, view: View) -> Effect:
    """The format the file is known to have."""
    told: Evidence = {"file": cause.value}
    if cause in UNMADE:
        return Effect(cause, lambda picture: picture, 1.0, evidence=told)
    qualities = WEBP_QUALITIES if cause is Cause.WEBP else JPEG_QUALITIES
    if cause is Cause.JPEG and seen.comb.growth > SURE_COMB:
        qualities = _near(seen.comb.quality)
    told["quality"] = quality = _find_quality(cause.name, qualities, view)
    return Effect(cause, _encoder(cause.name, quality), 1.0, evidence=told)


def _near(quality: int) -> tuple[int, ...]:
    return tuple(range(max(1, quality - 2), min(100, quality + 2) + 1))


def _guess_codec(seen: Far, view: View) -> Effect | None:
    """The format that left its traces, in this file or in one before it."""
    if seen.comb.growth > SURE_COMB:
        quality = _find_quality("JPEG", _near(seen.comb.quality), view)
        told: Evidence = {"comb": round(seen.comb.growth, 3), "quality": quality}
        return Effect(Cause.JPEG, _encoder("JPEG", quality), seen.comb.growth, evidence=told)
    if _count_colors(view) < FEWEST_COLORS:
        return None
    after = seen.after.limited
    if after > SURE_LATTICE and 1 - after < OFF_LATTICE * (1 - seen.before.limited):
        quality = _find_quality("WEBP", WEBP_QUALITIES, view)
        told = {"lattice": round(after, 3), "quality": quality}
        return Effect(Cause.WEBP, _encoder("WEBP", quality), after, evidence=told)
    full, colored = seen.after.full, np.ptp(view.second[view.free], axis=1) > COLORED
    if colored.mean() > 0.2:
        full = measure_lattice(view.second[view.free][colored]).full
    if full > SURE_LATTICE and seen.before.full < 0.5 and colored.mean() > 0.2:
        return Effect(Cause.AVIF, lambda picture: picture, full, evidence={"lattice": full})
    return None


def _count_colors(view: View) -> int:
    """How many colors the result has, by every seventh pixel."""
    levels = view.second[view.free][::7].astype(np.int32) @ np.array([1 << 16, 1 << 8, 1])
    return np.unique(levels).size


def _find_quality(form: str, qualities: Sequence[int], view: View) -> int:
    """The quality that leaves least."""
    before = _with_inside(view.first, view)

    def left(quality: int) -> float:
        return _energy(_encoder(form, quality)(before), view.second, view.free)

    return min(qualities, key=left)


def _encoder(form: str, quality: int) -> Callable[[np.ndarray], np.ndarray]:
    def encode(picture: np.ndarray) -> np.ndarray:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, format=form, quality=quality)
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))

    return encode

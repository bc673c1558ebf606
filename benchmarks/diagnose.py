"""Causes from files alone: a labelled corpus, half of its photographs never used for tuning.

Every cause in several strengths, alone and in pairs, on photographs of scikit-image, with the
hosts' mask blur blended in numpy and with real encoders. Prints the confusion matrix, the scores
and the calibration of the photographs that were held out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks._edits import load_photos
from bleed_guard.core.files_diagnosis import LikelyCause, diagnose_files
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import blur_mask

WIDTH, HEIGHT = 384, 288
BELIEVED = 0.5
Picture = np.ndarray
Make = Callable[[Picture, Picture, np.random.Generator], Picture]
"""(original, picture so far, draw) -> picture: what one cause makes of it."""


class Trial(NamedTuple):
    photo: str
    truth: frozenset[Cause]
    name: str
    causes: tuple[LikelyCause, ...]


def hard_mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (120, 150), (60, 44), 20, 0, 360, 255, -1)
    return mask


def soft_mask() -> np.ndarray:
    """The ellipse with a grey rim 8 px wide, half its pixels below 50 %."""
    wide = cv2.dilate(hard_mask(), np.ones((17, 17), np.uint8))
    return np.where(hard_mask() > 0, 255, np.where(wide > 0, 90, 0)).astype(np.uint8)


def _repaint(original: Picture, draw: np.random.Generator) -> Picture:
    """New content: smooth shapes and texture, as a model would paint them."""
    coarse = draw.integers(0, 256, (9, 12, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return to_levels(smooth + draw.normal(0, 6, original.shape))


def to_levels(picture: np.ndarray) -> Picture:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def lay(picture: Picture, generated: Picture, weight: np.ndarray) -> Picture:
    share = weight.astype(np.float32)[..., None] / 255
    return to_levels(generated * share + picture * (1 - share))


def blurred(radius: int, *, doubles: bool) -> Make:
    weight = blur_mask(hard_mask(), radius).astype(np.int32) * (2 if doubles else 1)

    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        return lay(picture, _repaint(original, draw), np.clip(weight, 0, 255))

    return make


def _soft(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
    return lay(picture, _repaint(original, draw), soft_mask())


def _redraw(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
    return _repaint(original, draw)


def _rectangle(margin: int) -> Make:
    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        left, top, width, height = cv2.boundingRect(hard_mask())
        part = np.s_[
            max(top - margin, 0) : top + height + margin, left - margin : left + width + margin
        ]
        made = picture.copy()
        made[part] = _repaint(original, draw)[part]
        return made

    return make


def _stamp(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
    x, y = int(draw.integers(240, 320)), int(draw.integers(10, 220))
    made = picture.copy()
    cv2.rectangle(made, (x, y), (x + 50, y + 24), (250, 240, 20), -1)
    return made


def moved(x: float, y: float) -> Make:
    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
        return cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)

    return make


def scaled(scale: float) -> Make:
    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        size = (round(WIDTH * scale), round(HEIGHT * scale))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4)
        return cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LANCZOS4)

    return make


def colored(offset: tuple[int, int, int], contrast: float) -> Make:
    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        return to_levels((picture - 128.0) * contrast + 128 + np.array(offset))

    return make


def noisy(sigma: float) -> Make:
    """An autoencoder's error: half fine, half in the 8 px blotches of its latents."""

    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        cells = draw.normal(0, sigma, (HEIGHT // 8, WIDTH // 8, 3)).astype(np.float32)
        blotches = cv2.resize(cells, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        return to_levels(picture + 0.7 * blotches + 0.7 * draw.normal(0, sigma, picture.shape))

    return make


def encoded(suffix: str, flag: int, quality: int) -> Make:
    def make(original: Picture, picture: Picture, draw: np.random.Generator) -> Picture:
        _, data = cv2.imencode(suffix, picture[..., ::-1], [flag, quality])
        return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])

    return make


JPEG, WEBP = cv2.IMWRITE_JPEG_QUALITY, cv2.IMWRITE_WEBP_QUALITY
CORPUS: dict[Cause, dict[str, Make]] = {
    Cause.WHOLE_REDRAW: {"redraw": _redraw},
    Cause.RESIZE: {f"x {scale}": scaled(scale) for scale in (0.5, 0.75, 1.5)},
    Cause.SHIFT: {f"{x}, {y} px": moved(x, y) for x, y in ((1, 0), (2, 2), (0.5, -1.5))},
    Cause.VAE: {f"sigma {sigma}": noisy(sigma) for sigma in (2, 4, 8)},
    Cause.MASK_BLUR: {
        f"{radius}{' x 2' if doubles else ''}": blurred(radius, doubles=doubles)
        for radius in (2, 4, 9)
        for doubles in (True, False)
    },
    Cause.SOFT_MASK: {"grey rim": _soft},
    Cause.PADDING: {f"{margin} px": _rectangle(margin) for margin in (16, 32)},
    Cause.COLOR_SHIFT: {
        "warm": colored((8, 2, -6), 1.0),
        "dark": colored((-3, -3, -3), 1.0),
        "flat": colored((0, 0, 0), 0.94),
    },
    Cause.OTHER_SCRIPT: {"stamp": _stamp},
    Cause.JPEG: {f"q {quality}": encoded(".jpg", JPEG, quality) for quality in (50, 80, 93)},
    Cause.WEBP: {f"q {quality}": encoded(".webp", WEBP, quality) for quality in (50, 80)},
}
"""In the order a pipeline has them: a pair is made in this order."""

LOCAL = {Cause.MASK_BLUR, Cause.SOFT_MASK, Cause.PADDING, Cause.OTHER_SCRIPT}
CODECS = {Cause.JPEG, Cause.WEBP}
NOT_TOGETHER = (LOCAL, CODECS, {Cause.RESIZE, Cause.SHIFT})


def pairs() -> Iterator[tuple[Cause, Cause]]:
    """Pairs of which neither hides the other."""
    for first, second in combinations(CORPUS, 2):
        hidden = Cause.WHOLE_REDRAW in (first, second)
        if not hidden and not any({first, second} <= group for group in NOT_TOGETHER):
            yield first, second


def run_trial(photo: str, original: Picture, steps: dict[Cause, tuple[str, Make]]) -> Trial:
    """One result: new content in the mask, then each cause in turn."""
    name = " + ".join(f"{cause.value} {label}" for cause, (label, _) in steps.items())
    draw = np.random.default_rng(sum(map(ord, photo + name)))
    mask = soft_mask() if Cause.SOFT_MASK in steps else hard_mask()
    picture = lay(original, _repaint(original, draw), hard_mask())
    for _, make in steps.values():
        picture = make(original, picture, draw)
    return Trial(
        photo,
        frozenset(steps) or frozenset({Cause.NONE}),
        name,
        diagnose_files(original, picture, mask),
    )


def run_corpus(names: list[str], photos: dict[str, Picture]) -> list[Trial]:
    trials = []
    for photo in names:
        original = photos[photo]
        trials.append(run_trial(photo, original, {}))
        for cause, makes in CORPUS.items():
            trials += [run_trial(photo, original, {cause: item}) for item in makes.items()]
        for turn, (first, second) in enumerate(pairs()):
            items = {cause: list(CORPUS[cause].items()) for cause in (first, second)}
            steps = {cause: item[turn % len(item)] for cause, item in items.items()}
            trials.append(run_trial(photo, original, steps))
    return trials


def believed(trial: Trial) -> set[Cause]:
    return {one.cause for one in trial.causes if one.probability >= BELIEVED}


def print_scores(trials: list[Trial]) -> None:
    singles = [trial for trial in trials if len(trial.truth) == 1]
    both = [trial for trial in trials if len(trial.truth) == 2]
    clean = [trial for trial in trials if trial.truth == {Cause.NONE}]
    top = [sum(one.cause in t.truth for one in t.causes[:1]) for t in singles]
    two = [sum(one.cause in t.truth for one in t.causes[:2]) for t in singles]
    named = [t.truth <= believed(t) for t in both]
    alarms = sum(t.causes[0].cause is not Cause.NONE for t in clean)
    print("| score | reached | of |\n|---|--:|--:|")
    print(f"| single causes, the first named is right | {np.mean(top):.1%} | {len(top)} |")
    print(f"| single causes, among the first two | {np.mean(two):.1%} | {len(two)} |")
    print(f"| pairs, both named | {np.mean(named):.1%} | {len(named)} |")
    print(f"| false alarms on clean results | {alarms} | {len(clean)} |\n")


def print_confusion(trials: list[Trial]) -> None:
    counts: dict[Cause, Counter[Cause]] = {}
    for trial in trials:
        if len(trial.truth) == 1:
            (truth,) = trial.truth
            counts.setdefault(truth, Counter())[trial.causes[0].cause] += 1
    columns = list(counts)
    print("| made by, named as | " + " | ".join(cause.value for cause in columns) + " |")
    print("|---|" + "--:|" * len(columns))
    for truth, row in counts.items():
        cells = " | ".join(str(row[cause] or "") for cause in columns)
        print(f"| {truth.value} | {cells} |")
    print()


def print_calibration(trials: list[Trial]) -> None:
    told = [(one.probability, one.cause in t.truth) for t in trials for one in t.causes]
    print("| probability told | right | of |\n|---|--:|--:|")
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        hits = [hit for probability, hit in told if low <= probability < high]
        if hits:
            print(f"| {low:.2f} to {min(high, 1):.2f} | {np.mean(hits):.1%} | {len(hits)} |")
    print()


def main() -> int:
    """Print the tables for the photographs that were not used for tuning."""
    photos = {
        name: np.ascontiguousarray(cv2.resize(photo, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
        for name, photo in load_photos().items()
    }
    held_out = sorted(photos)[1::2]
    trials = run_corpus(held_out, photos)
    print(f"## Causes from files alone\n\nHeld out: {', '.join(held_out)}\n")
    print_scores(trials)
    print_confusion(trials)
    print_calibration(trials)
    return 0

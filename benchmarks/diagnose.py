"""Causes from files alone: a labelled corpus, judged on photographs nothing was fitted to.

The corpus is made by the certified mini host and real encoders (`_corpus`), the recordings of
the real hosts are judged on top. Prints the scores, the confusion matrix and the calibration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, pairwise
from multiprocessing import get_context
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks._corpus import Sample, load_judged, load_tuning, make_corpus
from benchmarks._real import list_real
from bleed_guard.core.files_diagnosis import (
    LikelyCause,
    diagnose_files,
    look,
    rank_causes,
    read_told,
)
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import HARD_LEVEL

BELIEVED = 0.5
"""Probability from which a cause counts as named."""

BANDS = (0.05, 0.2, 0.5, 0.8, 0.95, 1.0)
"""Of the calibration table."""


class Trial(NamedTuple):
    """A sample's name, what made it, and what was named."""

    name: str
    truth: tuple[Cause, ...]
    causes: tuple[LikelyCause, ...]

    @property
    def named(self) -> set[Cause]:
        return {one.cause for one in self.causes if one.probability >= BELIEVED}

    def has_in_first(self, count: int) -> bool:
        """Whether the truth is among the `count` first named."""
        return any(one.cause in self.truth for one in self.causes[:count])


class Trials(NamedTuple):
    """The files as they were saved, and the same with their infotext lost."""

    whole: list[Trial]
    untold: list[Trial]


def run_corpus(samples: Iterable[Sample]) -> Trials:
    """Every sample, with its infotext and without. What a file without infotext cannot tell is
    left out there: whether an autoencoder's error shows because the overlay was off.

    The truth of a sample that changed nothing outside the mask is ().
    """
    trials = Trials([], [])
    for sample in samples:
        name = f"{sample.photo}: {sample.name}"
        changed = (sample.original != sample.result).any(axis=2) & (sample.mask < HARD_LEVEL)
        if not changed.any():
            causes = diagnose_files(sample.original, sample.result, sample.mask)
            truth = () if causes[0].cause is Cause.NONE else (Cause.NONE,)
            trials.whole.append(Trial(name, truth, causes))
            continue
        scene = look(sample.original, sample.result, sample.mask)
        ranked = [
            rank_causes(scene, read_told(infotext), sample.mask, changed)
            for infotext in (sample.infotext or "", "")
        ]
        trials.whole.append(Trial(name, sample.truth, ranked[0]))
        if Cause.OVERLAY_OFF not in sample.truth:
            trials.untold.append(Trial(name, sample.truth, ranked[1]))
    return trials


def singles(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if len(trial.truth) == 1 and Cause.NONE not in trial.truth]


def pairs(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if len(trial.truth) == 2]


def list_scores(trials: Sequence[Trial], what: str) -> Iterator[tuple[str, list[bool]]]:
    alone, both = singles(trials), pairs(trials)
    yield f"single causes, the first named is right{what}", [t.has_in_first(1) for t in alone]
    yield f"single causes, among the first two{what}", [t.has_in_first(2) for t in alone]
    yield f"pairs, both named{what}", [set(t.truth) <= t.named for t in both]


def print_scores(judged: Trials, tuning_names: str, judged_names: str) -> None:
    print(f"Fitted to {tuning_names}; judged on {judged_names}.\n")
    print("| score | reached | of |\n|---|--:|--:|")
    for name, hits in [
        *list_scores(judged.whole, ""),
        *list_scores(judged.untold, ", infotext lost"),
    ]:
        print(f"| {name} | {np.mean(hits):.1%} | {len(hits)} |")
    clean = [trial for trial in judged.whole if Cause.NONE in trial.truth or not trial.truth]
    alarms = sum(trial.causes[0].cause is not Cause.NONE for trial in clean)
    print(f"| false alarms on clean results | {alarms} | {len(clean)} |\n")


def print_confusion(trials: Sequence[Trial]) -> None:
    """Rows: what made it; columns: what was named first."""
    counts: dict[Cause, Counter[Cause]] = {}
    for trial in singles(trials):
        counts.setdefault(trial.truth[0], Counter())[trial.causes[0].cause] += 1
    columns = list(counts)
    columns += sorted({cause for row in counts.values() for cause in row} - set(columns))
    print("| made by, first named | " + " | ".join(cause.value for cause in columns) + " |")
    print("|---|" + "--:|" * len(columns))
    for truth, row in counts.items():
        cells = " | ".join(str(row[cause] or "") for cause in columns)
        print(f"| {truth.value} | {cells} |")
    print()


def print_pairs(trials: Sequence[Trial]) -> None:
    """The pairs of which one cause was not told with 50 % or more, and which one that was."""
    made: Counter[tuple[Cause, ...]] = Counter(trial.truth for trial in pairs(trials))
    untold: dict[tuple[Cause, ...], Counter[Cause]] = {}
    for trial in pairs(trials):
        for cause in set(trial.truth) - trial.named:
            untold.setdefault(trial.truth, Counter())[cause] += 1
    print("| pair | both told | of | not told |\n|---|--:|--:|---|")
    for truth, row in sorted(untold.items(), key=lambda pair: -pair[1].total()):
        missed = sum(bool(set(t.truth) - t.named) for t in pairs(trials) if t.truth == truth)
        names = ", ".join(f"{cause.value} {count}" for cause, count in row.most_common())
        told = " + ".join(cause.value for cause in truth)
        print(f"| {told} | {made[truth] - missed} | {made[truth]} | {names} |")
    print(f"\nAll others, {len(made) - len(untold)} kinds of pairs: both told each time\n")


def print_calibration(trials: Sequence[Trial]) -> None:
    told = [
        (one.probability, one.cause in trial.truth)
        for trial in trials
        for one in trial.causes
        if trial.truth and one.cause is not Cause.NONE
    ]
    print("| probability told | mean | right | of |\n|---|--:|--:|--:|")
    for low, high in pairwise(BANDS):
        band = [one for one in told if low <= one[0] < high or one[0] == high == 1]
        if band:
            mean, right = np.mean(band, axis=0)
            print(f"| {low:.2f} to {high:.2f} | {mean:.2f} | {right:.2f} | {len(band)} |")
    print()


def print_missed(title: str, trials: Iterable[Trial]) -> None:
    """What went wrong, one line each."""
    print(f"{title}:\n")
    for trial in trials:
        first = ", ".join(f"{one.cause.value} {one.probability:.2f}" for one in trial.causes[:3])
        print(f"- {trial.name} -> {first}")
    print()


def print_real() -> None:
    """The recordings: any of a job's true causes may be named first."""
    trials = run_corpus(list_real())
    print("| real hosts' recordings | reached | of |\n|---|--:|--:|")
    changed = [trial for trial in trials.whole if trial.truth]
    for count, name in ((1, "the first named is right"), (2, "among the first two")):
        hits = [trial.has_in_first(count) for trial in changed]
        print(f"| {name} | {np.mean(hits):.1%} | {len(hits)} |")
    lost = [trial.has_in_first(1) for trial in trials.untold]
    print(f"| the first named is right, infotext lost | {np.mean(lost):.1%} | {len(lost)} |")
    print(f"\nUnchanged outside the mask, and said so: {len(trials.whole) - len(changed)}\n")
    print_missed("Recordings missed", [one for one in changed if not one.has_in_first(1)])


def judge_photos(names: Sequence[str]) -> Trials:
    """The corpus on some of the judged photographs; a process of its own has its own host."""
    cv2.setNumThreads(1)  # there is a process for each core
    return run_corpus(make_corpus(load_judged(), names))


def main() -> int:
    """Print the tables for the photographs nothing was fitted to, and for the recordings."""
    photos = load_judged()
    names = list(photos)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        parts = list(pool.map(judge_photos, (names[::2], names[1::2])))
    judged = Trials(*(list(chain(*lists)) for lists in zip(*parts, strict=True)))
    print("## Causes from files alone\n")
    print_scores(judged, ", ".join(load_tuning()), ", ".join(photos))
    print_confusion(judged.whole)
    print_pairs(judged.whole)
    print("Infotext lost:\n")
    print_pairs(judged.untold)
    print_calibration(judged.whole)
    print_missed("Missed", [t for t in singles(judged.whole) if not t.has_in_first(1)])
    print_real()
    return 0

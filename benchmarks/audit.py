"""How many pairs an audit checks: against decoding alone, over processes and Dask workers.

    python dev.py python --venv pipelines -m benchmarks.audit [--pairs 200] [--side 1024]

Prints a Markdown table. The clean half of the pairs differs inside the mask only, the other half
has bled 10 px around it, as mask blur 4 bleeds. Decoding alone and the audit are run by the same
engines, each with workers that have started; how long that takes is told by itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import cv2
import numpy as np

from bleed_guard.audit import engines
from bleed_guard.audit.engines import EngineName, make_engine
from bleed_guard.audit.pairs import Pair, Patterns, read_pairs
from bleed_guard.audit.worker import AuditOptions, Record, check_chunk, keep_memory
from bleed_guard.cli.errors import CommandError
from bleed_guard.images import decode_mask, decode_picture, read_bytes

HOUR = 3600
LONG_LISTS = (10**6, 10**9)
CHUNK = 16
"""As `audit --chunk`."""

Work = Callable[[Sequence[Pair], AuditOptions], list[Record]]


def make_picture(side: int, seed: int) -> np.ndarray:
    """Something that compresses as a photograph does: structure at all scales, and noise."""
    random = np.random.default_rng(seed)
    levels = np.zeros((side, side, 3), np.float32)
    for cells in (4, 16, 64, 256):
        coarse = random.normal(0, 60 * cells**-0.5, (cells, cells, 3)).astype(np.float32)
        levels += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    levels += 128 + random.normal(0, 2, levels.shape)
    return np.clip(levels, 0, 255).astype(np.uint8)


def make_pairs(folder: Path, count: int, side: int) -> None:
    """`count` pairs; eight different pictures are enough, the disk cache holds all anyway."""
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2, side // 2), side // 6, (255,), -1)
    reached = cv2.dilate(mask, np.ones((21, 21), np.uint8))
    encoded_mask = cv2.imencode(".png", mask)[1].tobytes()
    for number in range(min(count, 8)):
        original = make_picture(side, number)
        result = original.copy()
        area = mask if number % 2 else reached
        result[area > 0] = np.roll(original, 2, axis=1)[area > 0]
        files = {
            ".orig.png": cv2.imencode(".png", original)[1].tobytes(),
            ".png": cv2.imencode(".png", result)[1].tobytes(),
            ".mask.png": encoded_mask,
        }
        for copy in range(number, count, 8):
            for suffix, data in files.items():
                (folder / f"p{copy:06}{suffix}").write_bytes(data)


def decode_chunk(pairs: Sequence[Pair], options: AuditOptions) -> list[Record]:
    """What any audit must at least do."""
    keep_memory()
    for pair in pairs:
        decode_picture(read_bytes(pair.original), pair.original)
        decode_picture(read_bytes(pair.result), pair.result)
        decode_mask(read_bytes(pair.mask), pair.mask)
    return [{} for _ in pairs]


def measure(work: Callable[[], object], repeats: int) -> float:
    """The shortest of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


class Speed(NamedTuple):
    """Pairs a second once all workers run, and the seconds until they did."""

    pairs: float
    start: float


def measure_engine(
    name: EngineName, workers: int, work: Work, pairs: Sequence[Pair], repeats: int
) -> Speed:
    """How fast an engine does `work` to all pairs. CommandError if it is not installed."""
    started = time.perf_counter()
    with patch.object(engines, "check_chunk", work):
        engine = make_engine(name, AuditOptions(), workers, "")
        try:
            list(engine.check([[pair] for pair in pairs[: 2 * workers]]))
            start = time.perf_counter() - started
            seconds = measure(lambda: list(engine.check(cut(pairs))), repeats)
        finally:
            engine.close()
    return Speed(len(pairs) / seconds, start)


def cut(pairs: Sequence[Pair]) -> Iterator[Sequence[Pair]]:
    """Chunks as an audit's."""
    return (pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK))


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pairs"
        folder.mkdir()
        make_pairs(folder, options.pairs, options.side)
        print(f"{options.pairs} pairs of {options.side} x {options.side} px, {cores} cores\n")
        pairs = list(read_pairs(str(folder), Patterns()))
        best = measure_engines(pairs, options.repeats, cores)
    for count in LONG_LISTS:
        hours = count / best / HOUR
        print(f"\n{count:,} pairs at {best:.1f}/s: {hours:,.1f} h here; ", end="")
        print(f"{hours / 1000 * cores:,.2f} h on 1,000 such cores if it scales on", end="")
    print()
    return 0


def measure_engines(pairs: Sequence[Pair], repeats: int, cores: int) -> float:
    """A row for each engine; returns the best speed in pairs a second."""
    print("| engine | decoding alone, pairs / s | audit, pairs / s | audit / decoding |", end="")
    print(" per core | pairs / h | start, s |\n|---|--:|--:|--:|--:|--:|--:|")
    runs = [("in this process", EngineName.SERIAL, 1)]
    runs += [(f"{n} processes", EngineName.PROCESSES, n) for n in range(1, cores + 1)]
    runs += [(f"{n} Dask workers", EngineName.DASK, n) for n in range(1, cores + 1)]
    best = alone = 0.0
    for label, name, workers in runs:
        try:
            decoding = measure_engine(name, workers, decode_chunk, pairs, repeats)
            audit = measure_engine(name, workers, check_chunk, pairs, repeats)
        except CommandError as error:
            print(f"| {label} | not measured: {error} | | | | | |")
            continue
        alone, best = alone or decoding.pairs, max(best, audit.pairs)
        cells = (
            f"{decoding.pairs:.1f}", f"{audit.pairs:.1f}", f"{audit.pairs / decoding.pairs:.2f}",
            f"{audit.pairs / workers / alone:.2f}", f"{audit.pairs * HOUR:,.0f}",
            f"{audit.start:.1f}",
        )  # fmt: skip
        print(f"| {label} | {' | '.join(cells)} |", flush=True)
    return best


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

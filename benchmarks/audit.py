"""How many pairs an audit checks: against decoding alone, over processes and Dask workers.

    python dev.py python --venv pipelines -m benchmarks.audit [--pairs 200] [--side 1024]

Prints a Markdown table. The clean half of the pairs differs inside the mask only, the other half
has bled 10 px around it, as mask blur 4 bleeds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from bleed_guard.audit.engines import EngineName
from bleed_guard.audit.pairs import Patterns, read_pairs
from bleed_guard.audit.run import AuditPlan, run_audit
from bleed_guard.cli.errors import CommandError
from bleed_guard.images import decode_mask, decode_picture, read_bytes

HOUR = 3600
LONG_LISTS = (10**6, 10**9)


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


def decode_all(folder: Path) -> None:
    """What any audit must at least do, in this process."""
    for pair in read_pairs(str(folder), Patterns()):
        decode_picture(read_bytes(pair.original), pair.original)
        decode_picture(read_bytes(pair.result), pair.result)
        decode_mask(read_bytes(pair.mask), pair.mask)


def audit(folder: Path, engine: EngineName, workers: int) -> None:
    out = folder.parent / "out.jsonl"
    plan = AuditPlan(str(folder), out, engine=engine, workers=workers, force=True)
    run_audit(plan)


def measure(work: Callable[[], None], repeats: int) -> float:
    """The shortest of several runs, in seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def report(name: str, seconds: float, pairs: int, base: float) -> float:
    """Print a row; returns pairs a second."""
    speed = pairs / seconds
    print(f"| {name} | {speed:.1f} | {speed / base:.2f} | {speed * HOUR:,.0f} |", flush=True)
    return speed


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
        print("| engine | pairs / s | x decoding alone | pairs / h |\n|---|--:|--:|--:|")
        seconds = measure(lambda: decode_all(folder), options.repeats)
        base = options.pairs / seconds
        report("decoding alone, one core", seconds, options.pairs, base)
        best = measure_engines(folder, options.pairs, options.repeats, base, cores)
    for count in LONG_LISTS:
        hours = count / best / HOUR
        print(f"\n{count:,} pairs at {best:.1f}/s: {hours:,.1f} h here; ", end="")
        print(f"{hours / 1000 * cores:,.2f} h on 1,000 such cores if it scales on", end="")
    print()
    return 0


def measure_engines(folder: Path, pairs: int, repeats: int, base: float, cores: int) -> float:
    """A row for each engine; returns the best speed in pairs a second."""
    runs = [("audit, serial", EngineName.SERIAL, 1)]
    runs += [(f"audit, {n} processes", EngineName.PROCESSES, n) for n in range(1, cores + 1)]
    runs += [(f"audit, {n} Dask workers", EngineName.DASK, n) for n in range(1, cores + 1)]
    best = 0.0
    for label, engine, workers in runs:
        try:
            seconds = measure(lambda e=engine, w=workers: audit(folder, e, w), repeats)
        except CommandError as error:
            print(f"| {label} | not measured: {error} | | |")
            continue
        best = max(best, report(label, seconds, pairs, base))
    return best


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

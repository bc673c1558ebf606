"""`check` on a 4096 x 4096 PNG pair beside odiff, and the PNG decoders it may use.

    python dev.py python --venv pipelines -m benchmarks.check [--odiff PATH]

odiff is npm's odiff-bin (`npm install odiff-bin` anywhere). Both run as whole processes, in turn.
The pair has 40,000 pixels changed by one level outside the mask. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.audit import make_picture, measure

SIDE = 4096
CHANGED = 40_000


def make_pair(folder: Path) -> None:
    """original.png, result.png and mask.png."""
    random = np.random.default_rng(0)
    original = make_picture(SIDE, 0)
    result = original.copy()
    rows, columns = random.integers(0, SIDE, (2, CHANGED))
    touched = result[rows, columns]
    result[rows, columns] = np.where(touched < 255, touched + 1, 254)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (SIDE // 2, SIDE // 2), (600, 500), 0, 0, 360, (255,), -1)
    for name, levels in (("original", original), ("result", result), ("mask", mask)):
        cv2.imwrite(str(folder / f"{name}.png"), levels)


def list_decoders(data: bytes) -> dict[str, Callable[[], object]]:
    """Name -> decode, of those that are installed."""
    import io

    from PIL import Image

    buffer = np.frombuffer(data, np.uint8)
    decoders: dict[str, Callable[[], object]] = {
        "OpenCV": lambda: cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED),
        "Pillow": lambda: np.asarray(Image.open(io.BytesIO(data))),
    }
    try:
        from kornia_rs import io as kornia  # pyright: ignore[reportMissingImports]

        size = (SIDE, SIDE)
        decoders["kornia-rs"] = lambda: kornia.decode_image_png_u8(data, size, "rgb")
    except ImportError:
        print("kornia-rs is not installed")
    try:
        import imagecodecs  # pyright: ignore[reportMissingImports]

        decoders["imagecodecs"] = lambda: imagecodecs.png_decode(data)
    except ImportError:
        print("imagecodecs is not installed")
    try:
        import pyspng  # pyright: ignore[reportMissingImports]

        decoders["pyspng"] = lambda: pyspng.load(data)
    except ImportError:
        print("pyspng is not installed")
    return decoders


def drop(_: object) -> None:
    """Let go of what was decoded."""


def race(commands: dict[str, list[str]], repeats: int) -> dict[str, list[float]]:
    """Wall seconds of each command as a whole process, in turn, so that all see the same load."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            times[name].append(time.perf_counter() - started)
    return times


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--odiff", default=shutil.which("odiff") or "")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pair(folder)
        data = (folder / "original.png").read_bytes()
        print(f"decoding {SIDE} x {SIDE} RGB, one core\n\n| decoder | s |\n|---|--:|")
        for decoder, decode in list_decoders(data).items():
            print(f"| {decoder} | {measure(lambda d=decode: drop(d()), 3):.3f} |")
        files = [str(folder / f"{what}.png") for what in ("original", "result", "mask")]
        commands = {"check": [sys.executable, "-m", "bleed_guard", "check", *files]}
        if options.odiff:
            commands["odiff"] = [options.odiff, *files[:2]]
        times = race(commands, options.repeats)
        print("\n| command | median s | best s | says |\n|---|--:|--:|---|")
        for command, seconds in times.items():
            done = subprocess.run(commands[command], capture_output=True, text=True, check=False)
            told = (done.stdout + done.stderr).splitlines()[0].replace(str(folder) + "/", "")
            print(f"| {command} | {np.median(seconds):.2f} | {min(seconds):.2f} | {told} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

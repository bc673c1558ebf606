"""`check` on a 4096 x 4096 PNG pair beside odiff and blazediff, and the PNG decoders it may use.

    python dev.py python --venv pipelines -m benchmarks.check [--node-modules FOLDER]

The others come from `npm install odiff-bin @blazediff/bin` in any folder (its node_modules), or
from the PATH. All run as whole processes, in turn. The pair has 40,000 pixels changed by one level
outside the mask. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.audit import make_picture, measure

SIDE = 4096
CHANGED = 40_000
OTHERS = ("odiff", "blazediff")


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


def find_tool(name: str, modules: str) -> str:
    """The program of npm's odiff-bin or @blazediff/bin itself, without Node.js around it; "" if
    there is none."""
    found = sorted(Path(modules).glob(f"@{name}/*/{name}*")) if modules else []
    programs = [path for path in found if path.suffix in ("", ".exe") and path.is_file()]
    return str(programs[0]) if programs else shutil.which(name) or ""


class Times(NamedTuple):
    """Seconds of each run of a command: of the clock, and of all its processors together."""

    wall: list[float]
    cpu: list[float]


def race(commands: dict[str, list[str]], repeats: int) -> dict[str, Times]:
    """Times of each command as a whole process, in turn, so that all see the same load."""
    times = {name: Times([], []) for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            started, used = time.perf_counter(), child_seconds()
            subprocess.run(command, capture_output=True, check=False)
            times[name].wall.append(time.perf_counter() - started)
            times[name].cpu.append(child_seconds() - used)
    return times


def child_seconds() -> float:
    """What the processes this one has started and seen end have used of the processors."""
    used = os.times()
    return used.children_user + used.children_system


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--node-modules", default="", metavar="FOLDER")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_pair(folder)
        report_decoders((folder / "original.png").read_bytes())
        files = [str(folder / f"{what}.png") for what in ("original", "result", "mask")]
        commands = {"check": [sys.executable, "-m", "bleed_guard", "check", *files]}
        for tool in OTHERS:
            if program := find_tool(tool, options.node_modules):
                commands[tool] = [program, *files[:2]]
            else:
                print(f"\n{tool} is not on the PATH and not in --node-modules")
        report_race(commands, options.repeats, folder)
    return 0


def report_decoders(data: bytes) -> None:
    """A row for each decoder."""
    print(f"decoding {SIDE} x {SIDE} RGB, one core\n\n| decoder | s |\n|---|--:|")
    for decoder, decode in list_decoders(data).items():
        print(f"| {decoder} | {measure(lambda: drop(decode()), 3):.3f} |")  # noqa: B023


def report_race(commands: dict[str, list[str]], repeats: int, folder: Path) -> None:
    """A row for each command, and what it says of the pair."""
    times = race(commands, repeats)
    print("\n| command | best s | median s | CPU s, median | says |\n|---|--:|--:|--:|---|")
    for command, (wall, cpu) in times.items():
        done = subprocess.run(commands[command], capture_output=True, text=True, check=False)
        told = (done.stdout + done.stderr).splitlines()[0].replace(f"{folder}/", "")
        medians = f"{np.median(wall):.2f} | {np.median(cpu):.2f}"
        print(f"| {command} | {min(wall):.2f} | {medians} | {told} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What the extension adds to a host's start: `python dev.py bench start`.

The miniature host loads its modules and builds its page, with the extension and without it, each
in a process of its own and taking turns. The real hosts have imported numpy, OpenCV and Pillow by
then; so has this one before the clock starts. Seconds of the processor, so that a busy machine
counts little; memory as the system counts it (on Linux).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.path import CLEAR_REFS, read_memory

RUNS = 7


def main(arguments: Sequence[str] = ()) -> None:
    """Print a Markdown table: the medians of all runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--start", choices=("host", "both"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments).start
    if chosen:
        print(*start(with_extension=chosen == "both"))
        return
    pairs = [(measure("host"), measure("both")) for _ in range(RUNS)]
    print("| | start, ms | memory, MB |\n|---|--:|--:|")
    alone, both = [take_median(pair[which] for pair in pairs) for which in (0, 1)]
    print(f"| the miniature host | {alone[0]:.0f} | {alone[1]:.0f} |")
    print(f"| with the extension | {both[0]:.0f} | {both[1]:.0f} |")
    added = take_median((both[0] - alone[0], both[1] - alone[1]) for alone, both in pairs)
    print(f"| **added** | **{added[0]:.0f}** | **{added[1]:.1f}** |")


def take_median(rows) -> list[float]:
    """The median of each column."""
    return [sorted(column)[len(column) // 2] for column in zip(*rows, strict=True)]


def measure(which: str) -> tuple[float, float]:
    """Milliseconds and megabytes of one start."""
    command = [sys.executable, "-m", "benchmarks.start", "--start", which]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()[-2:]
    return 1000 * float(seconds), float(memory) / 2**20


def start(*, with_extension: bool) -> tuple[float, int]:
    """Seconds of the processor and bytes, from the host's own start to the complete page."""
    import cv2
    import gradio
    import numpy as np
    from PIL import Image

    from minihost import loader
    from minihost.web import server

    del cv2, np, Image
    profile = "a1111" if gradio.__version__.startswith("3.") else "forge"
    extensions = (loader.OWN_EXTENSION,) if with_extension else ()
    started = time.process_time()
    server.start_host(server.ServeOptions(profile, "drift", extensions))
    from modules import script_callbacks

    from minihost.web.page import create_ui

    script_callbacks.before_ui_callback()
    create_ui()
    memory = read_memory("VmRSS") if CLEAR_REFS.exists() else 0
    return time.process_time() - started, memory


if __name__ == "__main__":
    main(sys.argv[1:])

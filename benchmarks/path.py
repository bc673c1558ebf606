"""What the guard costs in the generation's path, beside the host's own overlay compositing.

    python dev.py bench path

For each size, one job is run through all of the script's hooks as a host calls them, without a
model and without saving. The host's own work is what it does with Pillow for the same picture:
premultiply and paste for the overlay, alpha_composite and two conversions for the result. Both
take turns in one run, and the best of each counts. The copy is numpy's of the same picture. Memory
is what the hooks add to the process at their highest, as the system counts it (on Linux), measured
in a process of its own. What the history then writes to disk, in a thread beside the next job, is
told by itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageOps

SIZES = {1: (1024, 1024), 4: (2048, 2048), 16: (4096, 4096), 64: (8192, 8192)}
"""Megapixels -> width, height."""
BYTES_PER_MEGAPIXEL = 3 * 2**20
CLEAR_REFS = Path("/proc/self/clear_refs")
"""Where Linux lets a process's high-water mark of memory begin anew."""

LEAST_PIXELS = 20 * 2**20
"""Pixels that all runs of a size have together at least."""

Call = Callable[..., None]
BLUR = 4
MASK_SHARE = 0.1


def make_photo(size: tuple[int, int]) -> Image.Image:
    """Smooth colours with grain, RGB."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = random.integers(-6, 7, (size[1], size[0], 1), np.int16)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def make_mask(size: tuple[int, int], share: float = MASK_SHARE) -> Image.Image:
    """An ellipse in the middle, L; its half axes are this share of the sides."""
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    axes = (int(width * share), int(height * share))
    cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, (255,), -1)
    return Image.fromarray(mask)


def make_decoded(photo: Image.Image) -> Image.Image:
    """What a model gives: the photograph, three levels brighter, mirrored in the middle."""
    pixels = cv2.add(np.asarray(photo), np.full(3, 3.0))
    height, width = pixels.shape[:2]
    middle = np.s_[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]
    pixels[middle] = pixels[middle][:, ::-1].copy()
    return Image.fromarray(pixels)


def make_overlay(photo: Image.Image, mask: Image.Image) -> Image.Image:
    """The host's overlay: the photograph, premultiplied, where the blurred mask is off."""
    clear = Image.new("RGBa", photo.size)
    clear.paste(photo.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    return clear.convert("RGBA")


def composite(decoded: Image.Image, overlay: Image.Image) -> Image.Image:
    """The host's own compositing of one result."""
    picture = decoded.convert("RGBA")
    picture.alpha_composite(overlay)
    return picture.convert("RGB")


class Job:
    """One inpaint of `batch` pictures as the hooks see it."""

    def __init__(self, size: tuple[int, int], batch: int, share: float = MASK_SHARE) -> None:
        self.photo, self.mask = make_photo(size), make_mask(size, share)
        self.decoded = [make_decoded(self.photo) for _ in range(batch)]
        side = 2 * int(2.5 * BLUR + 0.5) + 1
        blurred = cv2.GaussianBlur(np.asarray(self.mask), (side, side), BLUR)
        doubled = np.clip(blurred.astype(np.float32) * 2, 0, 255).astype(np.uint8)
        self.host_mask = Image.fromarray(doubled)
        self.size, self.batch = size, batch
        self.overlay = make_overlay(self.photo, self.host_mask)

    def make_p(self) -> Any:
        """The host's job object, with what the guard reads of it."""
        return SimpleNamespace(
            image_mask=self.mask, init_images=[self.photo], width=self.size[0],
            height=self.size[1], inpaint_full_res=False, inpaint_full_res_padding=32,
            mask_blur_x=BLUR, mask_blur_y=BLUR, resize_mode=0, inpainting_fill=1,
            inpainting_mask_invert=0, denoising_strength=0.75, batch_size=self.batch, n_iter=1,
            iteration=0, batch_index=0, paste_to=None, extra_generation_params={},
            color_corrections=None, scripts=None, script_args=(), comment=str, user="",
        )  # fmt: skip

    def run_host(self) -> None:
        """The host's overlay and compositing alone."""
        overlay = make_overlay(self.photo, self.host_mask)
        for decoded in self.decoded:
            composite(decoded, overlay)

    def run_guard(self, guard: Any, call: Call) -> None:
        """All hooks of one job, each by `call`."""
        p = self.make_p()
        reply = SimpleNamespace(
            images=[], prompt="", comments="", infotexts=[], extra_generation_params={}
        )
        call(guard.before_process, p)
        call(guard.process, p)
        call(guard.postprocess_batch_list, p, SimpleNamespace(images=[]))
        for index, decoded in enumerate(self.decoded):
            p.batch_index = index
            pp = SimpleNamespace(image=decoded)
            call(guard.postprocess_image, p, pp)
            overlaid = SimpleNamespace(index=index, overlay_image=self.overlay)
            call(guard.postprocess_maskoverlay, p, overlaid)
            pp.image = composite(decoded, overlaid.overlay_image)
            call(guard.postprocess_image_after_composite, p, pp)
            reply.images.append(pp.image)
        call(guard.postprocess, p, reply)
        changed = [image.changed for image in p.bleed_guard_run.record.images]
        assert changed == [0] * self.batch, "the guard let something through"


class Stopwatch:
    """Calls hooks and adds up their seconds, by name."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def __call__(self, hook: Callable[..., None], *args: Any) -> None:
        started = time.perf_counter()
        hook(*args)
        name = hook.__name__
        self.spent[name] = self.spent.get(name, 0.0) + time.perf_counter() - started

    @property
    def total(self) -> float:
        return sum(self.spent.values())


class Gauge:
    """Calls hooks and finds the most memory they take at once: what those before still hold, and
    what the running one adds. Bytes."""

    def __init__(self) -> None:
        self.held = self.peak = 0

    def __call__(self, hook: Callable[..., None], *args: Any) -> None:
        CLEAR_REFS.write_text("5")  # the high-water mark begins anew
        before = read_memory("VmRSS")
        hook(*args)
        self.peak = max(self.peak, self.held + read_memory("VmHWM") - before)
        self.held += read_memory("VmRSS") - before


def read_memory(name: str) -> int:
    """A line of the process's status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def measure_peak(megapixels: int, batch: int, share: float) -> float | None:
    """How many times the pictures' own bytes (R, G, B of one) the hooks take; None: not known."""
    if not CLEAR_REFS.exists():
        return None
    command = [sys.executable, "-m", "benchmarks.path", "--peak", f"{megapixels},{batch}"]
    command += ["--mask", str(share)]
    always_give_back = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    environment = {**os.environ, **always_give_back}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout) / (BYTES_PER_MEGAPIXEL * megapixels)


def print_peak(megapixels: int, batch: int, share: float) -> None:
    """The peak in bytes; the second job's, for the first one brings code and tables with it."""
    guard, job = start_guard(), Job(SIZES[megapixels], batch, share)
    job.run_guard(guard, Gauge())
    gauge = Gauge()
    job.run_guard(guard, gauge)
    print(gauge.peak)


def start_guard() -> Any:
    """The extension's script in a mini host, its history in a temporary folder."""
    import minihost

    minihost.activate("a1111", data_dir=Path(tempfile.mkdtemp()))
    from bleed_guard.host import options
    from bleed_guard.host.history import HISTORY
    from bleed_guard.host.script import BleedGuardScript

    options.add_section()
    options.shared.opts.bleed_guard_tell_in_console = False
    HISTORY.configure(tempfile.gettempdir())
    return BleedGuardScript()


class Row(NamedTuple):
    """One job's cost: seconds of host, guard and copy, the guard's by hook, and what its history
    then writes to disk beside the next job."""

    host: float
    guard: Stopwatch
    copy: float
    beside: float


def measure(guard: Any, job: Job, repeats: int) -> Row:
    """The best of `repeats` runs of each; they take turns. Small pictures have more of them, for
    a chance interruption is as long as their whole run."""
    repeats = max(repeats, LEAST_PIXELS // (job.size[0] * job.size[1]))
    from bleed_guard.host.history import HISTORY

    job.run_guard(guard, Stopwatch())  # warm-up
    HISTORY.settle()
    hosts, guards, copies, besides = [], [], [], []
    for _ in range(repeats):
        hosts.append(time_call(job.run_host))
        guards.append(Stopwatch())
        job.run_guard(guard, guards[-1])
        besides.append(time_call(HISTORY.settle))
        copies.append(time_call(np.asarray(job.photo).copy))
    fastest = min(guards, key=lambda watch: watch.total)
    return Row(min(hosts), fastest, min(copies), min(besides))


def time_call(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def describe(megapixels: int, batch: int, row: Row, peak: float | None) -> list[str]:
    """One row of the table."""
    size, total = BYTES_PER_MEGAPIXEL * megapixels, row.guard.total
    parts = (
        f"{name.removeprefix('postprocess_')} {1000 * seconds:.0f}"
        for name, seconds in row.guard.spent.items()
        if seconds >= 0.0005
    )
    return [
        str(megapixels), str(batch), f"{1000 * row.host:.0f}", f"{1000 * total:.0f}",
        f"{total / row.host:.2f}", f"{batch * size / total / 1e9:.2f}",
        f"{size / row.copy / 1e9:.1f}", "?" if peak is None else f"{peak:.1f}",
        f"{1000 * row.beside:.0f}", ", ".join(parts),
    ]  # fmt: skip


HEAD = (
    "megapixels",
    "batch",
    "host, ms",
    "guard, ms",
    "guard / host",
    "guard, GB/s",
    "copy, GB/s",
    "memory / picture",
    "then to disk, ms",
    "by hook, ms",
)


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", default="1,4,16,64")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--mask", type=float, default=MASK_SHARE, metavar="SHARE",
        help="the mask's half axes, of the picture's sides; 0.4 covers half the picture",
    )  # fmt: skip
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        megapixels, batch = map(int, options.peak.split(","))
        print_peak(megapixels, batch, options.mask)
        return 0
    guard = start_guard()
    print(f"| {' | '.join(HEAD)} |\n|{'--:|' * (len(HEAD) - 1)}---|")
    for size in map(int, options.sizes.split(",")):
        for batch in (1, 4):
            if size * batch <= 64:
                row = measure(guard, Job(SIZES[size], batch, options.mask), options.repeats)
                cells = describe(size, batch, row, measure_peak(size, batch, options.mask))
                print(f"| {' | '.join(cells)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

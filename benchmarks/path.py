"""What the guard costs in the generation's path, beside the host's own overlay compositing.

    python dev.py bench path

For each size, one job is run through the script's hooks as a host calls them, without a model and
without saving. The host's own work is what it does with Pillow for the same picture: premultiply
and paste for the overlay, alpha_composite and two conversions for the result. Also prints the
guard's memory throughput beside a plain copy of the picture, and its peak of extra memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

SIZES = {1: (1024, 1024), 4: (2048, 2048), 16: (4096, 4096), 64: (8192, 8192)}
"""Megapixels -> width, height."""
BLUR = 4
MASK_SHARE = 0.1
"""Share of the picture's side the mask's half axes have."""


def make_photo(size: tuple[int, int]) -> Image.Image:
    """Smooth colours with grain, RGB."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (24, 32, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = random.integers(-6, 7, (size[1], size[0], 1), np.int16)
    return Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def make_mask(size: tuple[int, int]) -> Image.Image:
    """An ellipse in the middle, L."""
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    axes = (int(width * MASK_SHARE), int(height * MASK_SHARE))
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

    def __init__(self, size: tuple[int, int], batch: int) -> None:
        self.photo, self.mask = make_photo(size), make_mask(size)
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
            color_corrections=None, scripts=None, script_args=(), comment=print, user="",
        )  # fmt: skip

    def run_host(self) -> None:
        """The host's overlay and compositing alone."""
        overlay = make_overlay(self.photo, self.host_mask)
        for decoded in self.decoded:
            composite(decoded, overlay)

    def run_guard(self, guard: Any, spent: dict[str, float]) -> None:
        """The hooks of one job; adds the seconds of each to `spent`."""
        p = self.make_p()
        spend(spent, guard.before_process, p)
        for index, decoded in enumerate(self.decoded):
            p.batch_index = index
            pp = SimpleNamespace(image=decoded)
            spend(spent, guard.postprocess_image, p, pp)
            overlaid = SimpleNamespace(index=index, overlay_image=self.overlay)
            spend(spent, guard.postprocess_maskoverlay, p, overlaid)
            pp.image = composite(decoded, overlaid.overlay_image)
            spend(spent, guard.postprocess_image_after_composite, p, pp)
        changed = [image.changed for image in p.bleed_guard_run.record.images]
        assert changed == [0] * self.batch, "the guard let something through"


def spend(spent: dict[str, float], hook: Callable[..., None], *args: Any) -> None:
    started = time.perf_counter()
    hook(*args)
    name = hook.__name__
    spent[name] = spent.get(name, 0.0) + time.perf_counter() - started


def measure_peak(guard: Any, job: Job) -> int:
    """The most extra memory the hooks hold at once, in bytes; Pillow's own is not seen."""
    tracemalloc.start()
    job.run_guard(guard, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def start_guard() -> Any:
    """The extension's script in a mini host."""
    import minihost

    minihost.activate("a1111", data_dir=Path(tempfile.mkdtemp()))
    from bleed_guard.host.script import BleedGuardScript

    return BleedGuardScript()


def measure(guard: Any, megapixels: int, batch: int, repeats: int) -> list[str]:
    """One row of the table."""
    job = Job(SIZES[megapixels], batch)
    spent: dict[str, float] = {}
    job.run_guard(guard, spent)  # warm-up
    hosts, guards, copies = [], [], []
    for _ in range(repeats):
        started = time.perf_counter()
        job.run_host()
        hosts.append(time.perf_counter() - started)
        spent = {}
        job.run_guard(guard, spent)
        guards.append(spent)
        pixels = np.asarray(job.photo)
        started = time.perf_counter()
        pixels.copy()
        copies.append(time.perf_counter() - started)
    host, best = min(hosts), min(guards, key=lambda entry: sum(entry.values()))
    total = sum(best.values())
    area = megapixels * 2**20 * 3 * batch
    parts = ", ".join(
        f"{name.removeprefix('postprocess_')} {1000 * s:.0f}" for name, s in best.items()
    )
    peak = measure_peak(guard, job) / (megapixels * 2**20 * 3)
    return [
        str(megapixels), str(batch), f"{1000 * host:.0f}", f"{1000 * total:.0f}",
        f"{total / host:.2f}", f"{area / total / 1e9:.2f}",
        f"{megapixels * 2**20 * 3 / min(copies) / 1e9:.1f}", f"{peak:.1f}", parts,
    ]  # fmt: skip


HEAD = (
    "MP",
    "batch",
    "host ms",
    "guard ms",
    "guard / host",
    "guard GB/s",
    "copy GB/s",
    "peak / picture",
    "by hook",
)


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", default="1,4,16,64")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    guard = start_guard()
    print(f"| {' | '.join(HEAD)} |\n|{'--:|' * (len(HEAD) - 1)}---|")
    for size in map(int, options.sizes.split(",")):
        for batch in (1, 4):
            if size * batch <= 64:
                print(f"| {' | '.join(measure(guard, size, batch, options.repeats))} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

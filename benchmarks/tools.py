"""The same 20 jobs through each tool's own way of keeping the outside, and through this one.

    python dev.py bench tools

Four photographs x five masks; the generated picture is drifted everywhere, as models drift. Each
tool's compositing is re-made here from what it does (real Diffusers and ComfyUI are run by the
tests): the share of pixels outside the mask that changed. Prints a Markdown table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image, ImageFilter

from benchmarks._edits import Case, build_cases
from bleed_guard.core.composite import paste_back
from bleed_guard.core.mask import HARD_LEVEL, blur_mask
from bleed_guard.core.settings import GuardSettings

JOBS, PHOTOS = 20, 4
HOST_BLUR = 4
RECIPE_BLUR = 33

Compose = Callable[[Case], np.ndarray]


def compose_decoded(case: Case) -> np.ndarray:
    """No compositing at all, as ComfyUI's and Diffusers' default inpaint."""
    return case.generated


def compose_host(case: Case) -> np.ndarray:
    """A1111 and Forge, whole picture: the blurred mask doubled, the original laid over."""
    blurred = blur_mask(case.mask, HOST_BLUR).astype(np.float32)
    return overlay(case, np.clip(2 * blurred, 0, 255).astype(np.uint8))


def compose_neo(case: Case) -> np.ndarray:
    """Forge Neo, whole picture: the square root of the blurred mask."""
    blurred = blur_mask(case.mask, HOST_BLUR) / 255
    return overlay(case, np.rint(255 * np.sqrt(blurred)).astype(np.uint8))


def compose_recipe(case: Case) -> np.ndarray:
    """The Diffusers example: the mask blurred by 33, the original laid over."""
    mask = Image.fromarray(case.mask).filter(ImageFilter.GaussianBlur(RECIPE_BLUR))
    return overlay(case, np.asarray(mask))


def compose_floats(case: Case) -> np.ndarray:
    """The recipe of blog posts: floats mixed by the blurred mask, cut off to uint8."""
    mask = Image.fromarray(case.mask).filter(ImageFilter.GaussianBlur(HOST_BLUR))
    share = np.asarray(mask, np.float32)[..., None] / 255
    mixed = (1 - share) * (case.reference / 255.0) + share * (case.generated / 255.0)
    return (mixed * 255).astype(np.uint8)


def compose_clone(case: Case) -> np.ndarray:
    """OpenCV's seamlessClone around the mask's middle; it writes into the mask it is given."""
    columns, rows = cv2.boundingRect(case.mask)[0::2], cv2.boundingRect(case.mask)[1::2]
    center = columns[0] + columns[1] // 2, rows[0] + rows[1] // 2
    return cv2.seamlessClone(
        case.generated, case.reference, case.mask.copy(), center, cv2.NORMAL_CLONE
    )


def compose_ours(case: Case) -> np.ndarray:
    """Paste-back with the default settings."""
    settings = GuardSettings()
    return paste_back(
        case.reference,
        case.generated,
        case.mask,
        blend=settings.blend,
        feather=settings.feather,
    )


TOOLS: Mapping[str, Compose] = MappingProxyType(
    {
        "decoded picture (default of ComfyUI, Diffusers)": compose_decoded,
        "A1111, Forge: mask blur 4": compose_host,
        "Forge Neo: mask blur 4": compose_neo,
        "Diffusers' documented example: blur 33": compose_recipe,
        "blog recipe: floats, blurred mask, cut off": compose_floats,
        "OpenCV seamlessClone": compose_clone,
        "Bleed Guard, defaults": compose_ours,
    }
)


def overlay(case: Case, mask: np.ndarray) -> np.ndarray:
    """The original, transparent by `mask` (uint8 H x W), over the generated picture."""
    base = Image.fromarray(case.generated).convert("RGBA")
    base.alpha_composite(Image.fromarray(np.dstack([case.reference, 255 - mask])))
    return np.asarray(base.convert("RGB"))


def take_jobs() -> Iterator[Case]:
    """20 cases, a photograph and a mask each, the drifts taking turns."""
    cases = list(build_cases(PHOTOS))
    step = len(cases) // JOBS
    return islice((cases[place * step + place % step] for place in range(JOBS)), JOBS)


def main() -> None:
    """Measure and print."""
    jobs = list(take_jobs())
    outside_of = [case.mask < HARD_LEVEL for case in jobs]
    print(f"{JOBS} jobs of {jobs[0].mask.shape[1]} x {jobs[0].mask.shape[0]} px\n")
    print("| tool | jobs that bled | pixels changed outside | share |\n|---|--:|--:|--:|")
    for name, compose in TOOLS.items():
        changed = [
            int(np.count_nonzero((compose(case) != case.reference).any(axis=2) & outside))
            for case, outside in zip(jobs, outside_of, strict=True)
        ]
        share = sum(changed) / sum(int(outside.sum()) for outside in outside_of)
        bled = sum(count > 0 for count in changed)
        print(f"| {name} | {bled} of {JOBS} | {sum(changed):,} | {100 * share:.2f} % |")


if __name__ == "__main__":
    main()

"""Where there is no mask there is no work: no function of the core is called, no array is made."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bleed_guard
from tests.host.guarded import GuardedHost, installed_profiles

PACKAGE = str(Path(bleed_guard.__file__).parent)
ALLOWED = {
    "run_hook",
    "before_process",
    "process",
    "postprocess_batch_list",
    "postprocess_image",
    "postprocess_maskoverlay",
    "postprocess_image_after_composite",
    "postprocess",
    "before_image_saved",
    "image_saved",
    "read_run",
    "find_result",
}
"""The hooks themselves, and how they see that there is nothing to do."""


@pytest.fixture(params=installed_profiles())
def host(request: pytest.FixtureRequest, tmp_path: Path) -> GuardedHost:
    return GuardedHost(request.param, tmp_path)


@contextlib.contextmanager
def watched() -> Iterator[set[str]]:
    """What of the extension runs, and what compiled code it calls by itself."""
    called: set[str] = set()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            return
        if event == "call":
            called.add(code.co_name)
        elif event == "c_call" and str(argument.__module__).split(".")[0] in ("numpy", "cv2"):
            called.add(f"{argument.__module__}.{argument.__name__}")

    sys.setprofile(watch)
    try:
        yield called
    finally:
        sys.setprofile(None)


def make_picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8))


def test_plain_img2img_costs_nothing(host: GuardedHost) -> None:
    job = host.make_job(make_picture(), None)
    with watched() as called:
        outcome = host.finish(job)
    assert len(outcome.images) == len(outcome.files) == 1
    assert "before_process" in called
    assert "image_saved" in called
    assert called <= ALLOWED


def test_txt2img_costs_nothing(host: GuardedHost) -> None:
    from modules import processing, shared

    assert host.guard.show(is_img2img=False) is False
    job = processing.StableDiffusionProcessingTxt2Img(
        outpath_samples=shared.opts.outdir_img2img_samples, prompt="a mug", steps=1,
        width=96, height=64,
    )  # fmt: skip
    job.scripts = host.make_job(make_picture(), None).scripts
    job.script_args = (0, {})
    with watched() as called:
        outcome = host.finish(job)
    assert len(outcome.images) == len(outcome.files) == 1
    assert "image_saved" in called
    assert called <= ALLOWED


def test_an_inpaint_is_noticed_by_the_same_watch(host: GuardedHost) -> None:
    mask = np.zeros((64, 96), np.uint8)
    mask[16:40, 16:40] = 255
    job = host.make_job(make_picture(), Image.fromarray(mask))
    with watched() as called:
        host.finish(job)
    assert {"plan_guard", "paste", "count_changes"} <= called - ALLOWED
    assert any(name.startswith("numpy.") for name in called)

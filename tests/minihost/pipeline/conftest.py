"""A started host, a picture with its mask, and jobs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import minihost

SIZE = (96, 64)

StartHost = Callable[..., minihost.HostProfile]
MakeJob = Callable[..., Any]


@pytest.fixture
def start_host(tmp_path: Path) -> StartHost:
    """`start_host("forge", engine="noise")`: a fresh host whose data is in `tmp_path`."""

    def start(profile: str = "a1111", **options: Any) -> minihost.HostProfile:
        options = {"engine": "noise", "data_dir": tmp_path, **options}
        return minihost.activate(profile, **options)

    return start


@pytest.fixture
def photo() -> Image.Image:
    """RGB, 96 x 64: gradients and a grating, so that a shift by one pixel shows."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    channels = (2 * x + 20, 3 * y + 10, 90 + 60 * ((x // 3 + y // 5) % 2))
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


@pytest.fixture
def mask() -> Image.Image:
    """L, 96 x 64: an ellipse of 255 on 0."""
    made = Image.new("L", SIZE)
    ImageDraw.Draw(made).ellipse((36, 16, 66, 46), fill=255)
    return made


@pytest.fixture
def make_job(photo: Image.Image, mask: Image.Image) -> MakeJob:
    """`make_job(runner, mask_blur=0)`: an inpaint job with scripts; the host is started."""

    def make(runner: Any = None, **fields: Any) -> Any:
        from modules import processing, shared

        defaults = {
            "init_images": [photo],
            "mask": mask,
            "width": SIZE[0],
            "height": SIZE[1],
            "prompt": "a cup",
            "seed": 7,
            "steps": 3,
            "sampler_name": "Euler",
            "mask_blur": 4,
            "inpainting_fill": 1,
            "inpaint_full_res": False,
            "outpath_samples": shared.opts.outdir_img2img_samples,
            "outpath_grids": shared.opts.outdir_img2img_grids,
        }
        p = processing.StableDiffusionProcessingImg2Img(**{**defaults, **fields})
        if runner is not None:
            p.scripts, p.script_args = runner, (0,)
        return p

    return make


@pytest.fixture
def make_runner() -> Callable[..., Any]:
    """`make_runner(first, second)`: a runner with these scripts, always on, in that order."""

    def make(*chosen: Any) -> Any:
        from modules import scripts

        runner = scripts.ScriptRunner()
        for script in chosen:
            script.filename, script.alwayson = script.filename or __file__, True
            script.args_from = script.args_to = 1
            runner.scripts.append(script)
            runner.alwayson_scripts.append(script)
        return runner

    return make

"""The scripts hosts and people have beside ours, played in small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import minihost

SIZE = (128, 128)
SOFT_DEFAULTS = (1, 0.5, 4, 0, 0.5, 2)

MakeJob = Callable[..., Any]


@pytest.fixture
def photo() -> Image.Image:
    """RGB, 128 x 128."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    return Image.fromarray(np.stack([x, y, (x + y) // 2], axis=-1).astype(np.uint8))


@pytest.fixture
def mask() -> Image.Image:
    """L, 128 x 128."""
    made = Image.new("L", SIZE)
    ImageDraw.Draw(made).ellipse((40, 40, 90, 90), fill=255)
    return made


@pytest.fixture
def runner(tmp_path: Path) -> Any:
    """A runner with all companions; arguments: Detailer's one, Soft Inpainting's seven."""
    minihost.activate("a1111", engine="drift", data_dir=tmp_path)
    from modules import extensions, scripts

    extensions.add_extension(str(minihost.ROOT / "companions"))
    scripts.load_scripts()
    made = scripts.ScriptRunner()
    made.initialize_scripts(is_img2img=True)
    place = 1
    for script, count in zip(made.alwayson_scripts, (1, 7), strict=True):
        script.args_from, script.args_to = place, place + count
        place += count
    return made


@pytest.fixture
def make_job(runner: Any, photo: Image.Image, mask: Image.Image) -> MakeJob:
    """`make_job(detailer=True, soft=False, ...)`."""

    def make(*, detailer: bool = False, soft: bool = False, **fields: Any) -> Any:
        from modules import processing, shared

        defaults = {
            "init_images": [photo],
            "mask": mask,
            "width": SIZE[0],
            "height": SIZE[1],
            "seed": 7,
            "steps": 4,
            "mask_blur": 0,
            "inpainting_fill": 1,
            "inpaint_full_res": False,
            "outpath_samples": shared.opts.outdir_img2img_samples,
            "outpath_grids": shared.opts.outdir_img2img_grids,
        }
        p = processing.StableDiffusionProcessingImg2Img(**{**defaults, **fields})
        p.scripts = runner
        p.script_args = (0, detailer, soft, *SOFT_DEFAULTS)
        return p

    return make


def _find(runner: Any, title: str) -> Any:
    return next(script for script in runner.scripts if script.title() == title)


def _array(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def test_they_are_all_there(runner: Any) -> None:
    titles = [script.title() for script in runner.scripts]
    assert titles == [
        "Detailer",
        "Loopback",
        "Poor man's outpainting",
        "Outpainting mk2",
        "SD upscale",
        "Soft Inpainting",
    ]
    assert [script.title() for script in runner.alwayson_scripts] == ["Detailer", "Soft Inpainting"]


@pytest.mark.parametrize("batches", [1, 2])
def test_loopback_changes_only_what_is_masked(
    batches: int, runner: Any, make_job: MakeJob, photo: Image.Image, mask: Image.Image
) -> None:
    p = make_job(n_iter=batches)
    done = _find(runner, "Loopback").run(p, 3, 0.25, "Linear")
    grid, *results = done.images
    assert len(results) == (3 if batches == 1 else 2)
    assert grid.width == SIZE[0] * len(results)
    outside = np.asarray(mask) == 0
    for result in results:
        assert (_array(result)[outside] == _array(photo)[outside]).all()
    assert not np.array_equal(_array(results[0]), _array(results[1]))
    assert p.denoising_strength == 0.25


def test_loopback_without_a_mask_drifts_more_with_every_round(
    runner: Any, make_job: MakeJob
) -> None:
    p = make_job(mask=None, init_images=[Image.new("RGB", SIZE, (90, 90, 90))])
    done = _find(runner, "Loopback").run(p, 3, 0.75, "Lazy")
    reds = [_array(result)[..., 0].mean() for result in done.images[1:]]
    assert reds == pytest.approx([98, 106, 114], abs=2)


@pytest.mark.parametrize(
    ("title", "args"),
    [
        ("Poor man's outpainting", (32, 2, 1, ["left", "down"])),
        ("Outpainting mk2", (32, 2, ["left", "down"])),
    ],
)
def test_outpainting_keeps_the_old_picture_away_from_the_new(
    title: str, args: tuple[Any, ...], runner: Any, make_job: MakeJob, photo: Image.Image
) -> None:
    done = _find(runner, title).run(make_job(), *args)
    grown = _array(done.images[0])
    assert grown.shape == (192, 192, 3)
    old = grown[:128, 64:]
    assert (old[:80, 40:] == _array(photo)[:80, 40:]).all()
    assert grown[128:].std() > 1
    assert grown[:, :60].std() > 1


def test_sd_upscale_enlarges_tile_by_tile(
    runner: Any, make_job: MakeJob, photo: Image.Image
) -> None:
    done = _find(runner, "SD upscale").run(make_job(mask=None, batch_size=2), 32, 1, 2.0)
    large = done.images[0]
    assert large.size == (256, 256)
    small = _array(large.resize(SIZE)).astype(int)
    assert np.abs(small - _array(photo))[16:-16, 16:-16].mean() < 60


def test_soft_inpainting_bleeds_and_follows_the_latents(
    runner: Any, make_job: MakeJob, photo: Image.Image, mask: Image.Image
) -> None:
    from modules import processing

    p = make_job(soft=True)
    result = _array(processing.process_images(p).images[0])
    outside = np.asarray(mask) == 0
    changed = (result != _array(photo)).any(axis=-1)
    assert changed[outside].mean() > 0.05
    assert changed[~outside].mean() > 0.9
    assert p.extra_generation_params["Soft inpainting difference threshold"] == 0.5
    assert not p.mask_round


def test_soft_inpaintings_mask_of_only_masked_has_an_alpha_channel(
    runner: Any, make_job: MakeJob
) -> None:
    from modules import processing

    p = make_job(soft=True, inpaint_full_res=True, inpaint_full_res_padding=8)
    done = processing.process_images(p)
    assert p.soft_inpainting[0][0].mode == "RGBA"
    assert done.images[0].size == SIZE


def test_the_detailers_job_gets_the_hooks_and_is_marked(
    runner: Any, make_job: MakeJob, photo: Image.Image, mask: Image.Image
) -> None:
    from modules import processing, scripts

    seen = []

    class Looks(scripts.Script):
        args_from = args_to = 9

        def before_process(self, p: Any, *args: Any) -> None:
            seen.append(getattr(p, "_ad_inner", False))

    runner.alwayson_scripts.append(Looks())
    result = processing.process_images(make_job(detailer=True)).images[0]
    outside = np.asarray(mask) == 0
    assert seen == [False, True]
    assert (_array(result)[outside] == _array(photo)[outside]).all()

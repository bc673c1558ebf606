"""What stands in for the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minihost.engines import ENGINES, EngineRequest, RecordedEngine

StartHost = Callable[..., Any]


def _request(seed: int, image: np.ndarray | None, mask: np.ndarray | None) -> EngineRequest:
    return EngineRequest(None, image, mask, seed, 0, 96, 64)


@pytest.mark.parametrize("name", list(ENGINES))
@pytest.mark.parametrize("kind", ["inpaint", "image", "text"])
def test_the_same_request_gives_the_same_picture(name: str, kind: str, photo: Image.Image) -> None:
    image = None if kind == "text" else np.asarray(photo)
    mask = np.zeros((8, 12), np.float32) if kind == "inpaint" else None
    if mask is not None:
        mask[2:6, 4:9] = 1
    engine = ENGINES[name]
    first, again, other = (engine.generate(_request(seed, image, mask)) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == ((64, 96, 3), np.uint8)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_drift_does_outside_what_diffusion_does(photo: Image.Image) -> None:
    mask = np.zeros((8, 12), np.float32)
    mask[2:6, 4:9] = 1
    original = np.asarray(photo).astype(int)
    made = ENGINES["drift"].generate(_request(1, np.asarray(photo), mask)).astype(int)
    shifted = original[4:12, 4:28]
    outside = made[6:14, 6:30]
    offset = (outside - shifted).mean(axis=(0, 1))
    assert offset == pytest.approx([8, 2, -6], abs=3)
    inside = np.abs(made - original)[16:48, 32:72].mean()
    assert inside > 2 * np.abs(outside - shifted).mean()


def test_stand_ins_say_so() -> None:
    assert all("stand-in" in engine.label for engine in ENGINES.values())


def test_a_recorded_picture_of_another_size_is_refused() -> None:
    engine = RecordedEngine([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(ValueError, match="recorded picture 0 is 8 x 8, asked for 96 x 64"):
        engine.generate(_request(1, None, None))


def test_a_text_job_makes_a_picture(start_host: StartHost) -> None:
    start_host(engine="drift")
    from modules import processing

    p = processing.StableDiffusionProcessingTxt2Img(
        prompt="a cup", width=96, height=64, seed=3, steps=2, do_not_save_samples=True
    )
    done = processing.process_images(p)
    assert done.images[0].size == (96, 64)
    assert "Denoising strength" not in done.infotexts[0]


def test_the_refiner_takes_over_under_the_same_mask(
    start_host: StartHost, make_job: Callable[..., Any], make_runner: Callable[..., Any]
) -> None:
    start_host(model_name="m")
    from modules import processing, scripts

    seen = []

    class Looks(scripts.Script):
        def on_mask_blend(self, p: Any, mba: Any, *args: Any) -> None:
            refined = None if mba.denoiser is None else mba.denoiser.refined
            seen.append((refined, mba.nmask is p.nmask))

    p = make_job(
        runner=make_runner(Looks()),
        steps=4,
        refiner_checkpoint="m-refiner",
        refiner_switch_at=0.5,
    )
    done = processing.process_images(p)
    assert seen == [(False, True), (False, True), (True, True), (True, True), (None, True)]
    assert "Refiner: m-refiner, Refiner switch at: 0.5" in done.infotexts[0]


def test_an_unknown_refiner_ends_the_job(
    start_host: StartHost, make_job: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing

    with pytest.raises(ValueError, match="Could not find checkpoint with name sdxl"):
        processing.process_images(make_job(refiner_checkpoint="sdxl"))


@pytest.mark.parametrize(
    ("steps", "strength", "exact", "calls"),
    [(3, 0.75, False, 3), (20, 0.5, False, 11), (4, 1.0, False, 4), (20, 0.5, True, 20)],
)
def test_steps_follow_the_strength(
    steps: int,
    strength: float,
    exact: bool,
    calls: int,
    start_host: StartHost,
    make_job: Callable[..., Any],
) -> None:
    start_host()
    from modules import processing, script_callbacks, shared

    counted = []
    shared.opts.img2img_fix_steps = exact
    script_callbacks.on_cfg_denoiser(lambda params: counted.append(params.sampling_step))
    processing.process_images(make_job(steps=steps, denoising_strength=strength))
    assert counted == list(range(calls))

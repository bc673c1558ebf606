"""The sampler's part: hooks and callbacks of every step around one call of the engine."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from modules import script_callbacks, sd_models, sd_samplers_common, shared
from modules.script_args import MaskBlendArgs

from minihost.engines import EngineRequest
from minihost.pipeline import latents


def _cells(p: Any) -> tuple[int, int]:
    return p.height // latents.FACTOR, p.width // latents.FACTOR


def _model_image(p: Any, index: int) -> np.ndarray | None:
    """uint8 H x W x 3 at the size the engine answers with; None in a text job."""
    if p.model_images is None:
        return None
    image = p.model_images[index]
    height, width = (cells * latents.FACTOR for cells in _cells(p))
    if p.resize_mode == 3 and image.shape[:2] != (height, width):
        import cv2

        return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image[:height, :width]


def _run_engine(p: Any, seeds: list[int]) -> np.ndarray:
    """uint8 B x H x W x 3."""
    height, width = (cells * latents.FACTOR for cells in _cells(p))
    mask = None if p.nmask is None else np.asarray(p.nmask)[0]
    pictures = []
    for index, seed in enumerate(seeds):
        number = p.iteration * p.batch_size + index
        image = _model_image(p, index)
        request = EngineRequest(p, image, mask, seed, number, width, height)
        pictures.append(shared.engine.generate(request))
    return np.stack(pictures)


def _steps(p: Any) -> int:
    """How often a host would call the model."""
    if p.model_images is None:
        return p.steps
    return sd_samplers_common.setup_img2img_steps(p)[1] + 1


def _blend(p: Any, current: Any, denoiser: Any = None, sigma: Any = None) -> np.ndarray:
    """What on_mask_blend changed in the blended latents, float32 B x 4 x h x w."""
    blended = current * p.nmask + p.init_latent * p.mask
    args = MaskBlendArgs(current, p.nmask, p.init_latent, p.mask, blended.copy(), denoiser, sigma)
    p.scripts.on_mask_blend(p, args)
    return np.asarray(args.blended_latent, np.float32) - np.asarray(blended)


def _switch_to_refiner(p: Any, denoiser: Any, done: float) -> None:
    """Writes down, once, that the refiner has taken over. It works under the same mask."""
    info, switch_at = p.refiner_checkpoint_info, p.refiner_switch_at
    if not switch_at:
        switch_at = None if shared.profile.refiner_waits_for_share else 0
    if info is None or switch_at is None or denoiser.refined or done < switch_at:
        return
    denoiser.refined = True
    p.extra_generation_params["Refiner"] = info.short_title
    p.extra_generation_params["Refiner switch at"] = switch_at


def _ends() -> bool:
    return shared.state.interrupted or shared.state.skipped


def _run_steps(p: Any, start: Any, finish: Any) -> None:
    """From noise to the result: each step's callbacks and blend, as far as the user lets it."""
    total = _steps(p)
    shared.state.sampling_steps = total
    denoiser = SimpleNamespace(step=0, total_steps=total, p=p, sampler=p.sampler, refined=False)
    for step in range(total):
        if _ends():
            return
        denoiser.step, shared.state.sampling_step = step, step
        _switch_to_refiner(p, denoiser, step / total)
        sigma = latents.as_host_array(np.full(len(start), 1 - step / total, np.float32))
        share = (step + 1) / total
        x = start * (1 - share) + finish * share
        params = script_callbacks.CFGDenoiserParams(
            x, None, sigma, step, total, p.c, p.uc, denoiser
        )
        script_callbacks.cfg_denoiser_callback(params)
        script_callbacks.cfg_denoised_callback(
            script_callbacks.CFGDenoisedParams(x, step, total, shared.engine)
        )
        if p.mask is not None and p.scripts is not None:
            _blend(p, x, denoiser, sigma)
        script_callbacks.cfg_after_cfg_callback(
            script_callbacks.AfterCFGCallbackParams(x, step, total)
        )
    shared.state.sampling_step = total


def sample(p: Any) -> latents.HostArray:
    """Samples one batch; the pictures wait in `p.pictures` for decoding.

    Returns:
        Latents, float32 B x 4 x h x w.
    """
    start = latents.noise(p.seeds, *_cells(p))
    if p.init_latent is None:
        p.init_latent = latents.as_host_array(np.zeros_like(start))
    if p.scripts is not None:
        p.scripts.process_before_every_sampling(p, x=p.init_latent, noise=start, c=p.c, uc=p.uc)
    p.pictures = _run_engine(p, p.seeds)
    finish = latents.encode(p.pictures)
    _run_steps(p, start, finish)
    p.sampled = finish
    if p.mask is None or p.scripts is None:
        return finish.copy()
    return latents.as_host_array(finish + _blend(p, finish))


def find_refiner(p: Any) -> None:
    """Looks up the job's refiner.

    Raises:
        ValueError: There is no such checkpoint.
    """
    if p.refiner_checkpoint in (None, "", "None", "none"):
        return
    p.refiner_checkpoint_info = sd_models.get_closet_checkpoint_match(p.refiner_checkpoint)
    if p.refiner_checkpoint_info is None:
        raise ValueError(f"Could not find checkpoint with name {p.refiner_checkpoint}")

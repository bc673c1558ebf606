"""Infotexts: what made an image, in words."""

from __future__ import annotations

from typing import Any

from modules import errors, infotext_utils, shared


def program_version() -> str:
    """What the played host calls its version."""
    return shared.profile.version


def _if(shown: Any, value: Any) -> Any:
    return value if shown else None


def _parameters(p: Any, seed: int, subseed: int) -> dict[str, Any]:
    opts = shared.opts
    clip_skip = int(getattr(p, "clip_skip", opts.CLIP_stop_at_last_layers))
    merging = p.get_token_merging_ratio()
    resized_from = (p.seed_resize_from_w or 0) > 0 and (p.seed_resize_from_h or 0) > 0
    return {
        "Steps": p.steps,
        "Sampler": p.sampler_name,
        "Schedule type": p.scheduler,
        "CFG scale": p.cfg_scale,
        "Image CFG scale": getattr(p, "image_cfg_scale", None),
        "Seed": seed,
        "Face restoration": _if(p.restore_faces, opts.face_restoration_model),
        "Size": f"{p.width}x{p.height}",
        "Model hash": _if(opts.add_model_hash_to_info, p.sd_model_hash),
        "Model": _if(opts.add_model_name_to_info, p.sd_model_name),
        "Variation seed": _if(p.subseed_strength, subseed),
        "Variation seed strength": _if(p.subseed_strength, p.subseed_strength),
        "Seed resize from": _if(resized_from, f"{p.seed_resize_from_w}x{p.seed_resize_from_h}"),
        "Denoising strength": p.extra_generation_params.get("Denoising strength"),
        "Clip skip": _if(clip_skip > 1, clip_skip),
        "ENSD": _if(opts.eta_noise_seed_delta, opts.eta_noise_seed_delta),
        "Token merging ratio": _if(merging, merging),
        "Init image hash": getattr(p, "init_img_hash", None),
        "RNG": _if(opts.randn_source != "GPU", opts.randn_source),
        "Tiling": _if(p.tiling, "True"),
        **p.extra_generation_params,
        "Version": _if(opts.add_version_to_infotext, program_version()),
        "User": _if(opts.add_user_name_to_info, p.user),
    }


def _settled(key: str, value: Any, arguments: dict[str, Any]) -> Any:
    """A list's entry for this image, a function's answer, or the value itself."""
    try:
        if isinstance(value, list):
            return value[arguments["index"]]
        if callable(value):
            return value(**arguments)
    except Exception:
        errors.report(f'Error creating infotext for key "{key}"', exc_info=True)
        return None
    return value


def create_infotext(
    p: Any,
    all_prompts: list[str],
    all_seeds: list[int],
    all_subseeds: list[int],
    comments: Any = None,
    iteration: int = 0,
    position_in_batch: int = 0,
    use_main_prompt: bool = False,
    index: int | None = None,
    all_negative_prompts: list[str] | None = None,
) -> str:
    """The infotext of one image of the job.

    Values of `p.extra_generation_params` may be lists (one entry per image) or functions
    that take these arguments by name.

    Args:
        use_main_prompt: The text of the job as a whole (grids).
        index: Place in the lists; from iteration and position if None.
    """
    place = position_in_batch + iteration * p.batch_size if index is None else index
    place = 0 if use_main_prompt else place
    if use_main_prompt:
        prompt, negative = p.main_prompt, p.main_negative_prompt
        seed, subseed = p.all_seeds[0], p.all_subseeds[0]
    else:
        prompt, seed, subseed = all_prompts[place], all_seeds[place], all_subseeds[place]
        negative = (all_negative_prompts or p.all_negative_prompts)[place]
    parameters = _parameters(p, seed, subseed)
    facts = {"p": p, "index": place, "iteration": iteration, "use_main_prompt": use_main_prompt}
    lists = {"all_prompts": all_prompts, "all_seeds": all_seeds, "all_subseeds": all_subseeds}
    texts = {"prompt_text": prompt, "negative_prompt": negative, "generation_params": parameters}
    arguments = {**facts, **lists, **texts, "position_in_batch": position_in_batch}
    below = f"\nNegative prompt: {negative}" if negative else ""
    return f"{prompt}{below}\n{_tell(parameters, arguments)}".strip()


def _tell(parameters: dict[str, Any], arguments: dict[str, Any]) -> str:
    """The parameters in one line; None is left out."""
    settled = {key: _settled(key, value, arguments) for key, value in parameters.items()}
    return ", ".join(
        key if key == value else f"{key}: {infotext_utils.quote(value)}"
        for key, value in settled.items()
        if value is not None
    )

"""What a job comes back with."""

from __future__ import annotations

import json
from typing import Any

from modules import shared

from minihost.pipeline.infotext import create_infotext, program_version

_OF_JOB = (
    "width",
    "height",
    "sampler_name",
    "cfg_scale",
    "steps",
    "batch_size",
    "restore_faces",
    "sd_model_name",
    "sd_model_hash",
    "sd_vae_name",
    "sd_vae_hash",
    "seed_resize_from_w",
    "seed_resize_from_h",
    "denoising_strength",
    "extra_generation_params",
    "styles",
    "is_using_inpainting_conditioning",
    "subseed_strength",
    "token_merging_ratio",
    "token_merging_ratio_hr",
    "eta",
    "ddim_discretize",
    "s_churn",
    "s_tmin",
    "s_tmax",
    "s_noise",
    "s_min_uncond",
    "sampler_noise_scheduler_override",
)

_IN_JSON = (
    "prompt",
    "all_prompts",
    "negative_prompt",
    "all_negative_prompts",
    "seed",
    "all_seeds",
    "subseed",
    "all_subseeds",
    "subseed_strength",
    "width",
    "height",
    "sampler_name",
    "cfg_scale",
    "steps",
    "batch_size",
    "restore_faces",
    "face_restoration_model",
    "sd_model_name",
    "sd_model_hash",
    "sd_vae_name",
    "sd_vae_hash",
    "seed_resize_from_w",
    "seed_resize_from_h",
    "denoising_strength",
    "extra_generation_params",
    "index_of_first_image",
    "infotexts",
    "styles",
    "job_timestamp",
    "clip_skip",
    "is_using_inpainting_conditioning",
    "version",
)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _number(value: Any) -> int:
    return -1 if _first(value) is None else int(_first(value))


class Processed:
    """Images, infotexts and facts of a finished job.

    Attributes:
        images: Pillow images; a grid comes first.
        index_of_first_image: 1 when there is a grid.
        infotexts: One per image made (and grid), not per mask.
        comments: What the user is told, one line each.
    """

    def __init__(
        self,
        p: Any,
        images_list: list[Any],
        seed: Any = -1,
        info: str = "",
        subseed: Any = None,
        all_prompts: list[str] | None = None,
        all_negative_prompts: list[str] | None = None,
        all_seeds: list[int] | None = None,
        all_subseeds: list[int] | None = None,
        index_of_first_image: int = 0,
        infotexts: list[str] | None = None,
        comments: str = "",
        extra_images_list: list[Any] | None = None,
    ) -> None:
        self.images = images_list
        self.extra_images = extra_images_list if extra_images_list is not None else []
        for name in _OF_JOB:
            setattr(self, name, getattr(p, name, None))
        self.prompt, self.negative_prompt = _first(p.prompt), _first(p.negative_prompt)
        self.seed, self.subseed = _number(seed), _number(subseed)
        self.info = info
        self.comments = "".join(f"{comment}\n" for comment in p.comments)
        model = shared.opts.face_restoration_model
        self.face_restoration_model = model if p.restore_faces else None
        self.index_of_first_image = index_of_first_image
        self.job_timestamp = shared.state.job_timestamp
        self.clip_skip = int(shared.opts.CLIP_stop_at_last_layers)
        self.all_prompts = all_prompts or p.all_prompts or [self.prompt]
        negatives = all_negative_prompts or p.all_negative_prompts
        self.all_negative_prompts = negatives or [self.negative_prompt]
        self.all_seeds = all_seeds or p.all_seeds or [self.seed]
        self.all_subseeds = all_subseeds or p.all_subseeds or [self.subseed]
        self.infotexts = infotexts or [info] * len(images_list)
        self.batch_size = p.batch_size
        self.version = program_version()

    def js(self) -> str:
        """The facts as JSON; `extra_generation_params` that are functions become null."""
        facts = {name: getattr(self, name) for name in _IN_JSON}
        facts["prompt"] = self.all_prompts[0]
        facts["negative_prompt"] = self.all_negative_prompts[0]
        return json.dumps(facts, default=lambda value: None)

    def infotext(self, p: Any, index: int) -> str:
        """The infotext of image `index`."""
        return create_infotext(
            p,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            position_in_batch=index % self.batch_size,
            iteration=index // self.batch_size,
        )

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """The job's ratio."""
        return getattr(self, "token_merging_ratio_hr" if for_hr else "token_merging_ratio")

"""Jobs and how they run: `process_images` takes a job through every stage and hook."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from modules import (
    extra_networks,
    face_restoration,
    images,
    masking,
    paths,
    script_args,
    scripts,
    sd_samplers,
    shared,
)
from modules.shared import cmd_opts, opts, state
from PIL import Image

from minihost.pipeline import inpaint, latents, sampling
from minihost.pipeline.compositing import (
    apply_color_correction,
    apply_overlay,
    mask_composite,
    setup_color_correction,
    uncrop,
)
from minihost.pipeline.infotext import create_infotext, program_version
from minihost.pipeline.inpaint import create_binary_mask
from minihost.pipeline.processed import Processed

__all__ = [
    "Processed",
    "apply_color_correction",
    "apply_overlay",
    "cmd_opts",
    "create_binary_mask",
    "create_infotext",
    "masking",
    "opts",
    "process_images",
    "program_version",
    "setup_color_correction",
    "state",
    "uncrop",
]

opt_C = latents.CHANNELS  # noqa: N816 - the hosts' name
opt_f = latents.FACTOR

MAX_SEED = 4294967294


def __getattr__(name: str) -> Any:
    if name == "StableDiffusionProcessingImg2Img":
        by_axis = shared.profile.blur_in_two_passes
        return Img2ImgBlurredByAxis if by_axis else Img2ImgBlurredAtOnce
    raise AttributeError(f"module 'modules.processing' has no attribute {name!r}")


# --- jobs ---


@dataclass(repr=False)
class StableDiffusionProcessing:
    """A job: what was asked for, and what becomes of it on the way.

    The fields are the hosts'; those without a place in the constructor come into being while
    the job runs. `batch_index` is not there before the first image is decoded.
    """

    sd_model: InitVar[Any] = None
    outpath_samples: str | None = None
    outpath_grids: str | None = None
    prompt: Any = ""
    prompt_for_display: str | None = None
    negative_prompt: Any = ""
    styles: list[str] | None = None
    seed: Any = -1
    subseed: Any = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    seed_enable_extras: bool = True
    sampler_name: str | None = None
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    distilled_cfg_scale: float = 3.5
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    extra_generation_params: dict[str, Any] | None = None
    overlay_images: list[Any] | None = None
    eta: float | None = None
    do_not_reload_embeddings: bool = False
    denoising_strength: float | None = None
    ddim_discretize: str | None = None
    s_min_uncond: float | None = None
    s_churn: float | None = None
    s_tmax: float | None = None
    s_tmin: float | None = None
    s_noise: float | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool = True
    sampler_index: int | None = None
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    disable_extra_networks: bool = False
    firstpass_image: Any = None
    token_merging_ratio: float = 0
    token_merging_ratio_hr: float = 0

    scripts_value: Any = field(default=None, init=False)
    script_args_value: Any = field(default=None, init=False)
    scripts_setup_complete: bool = field(default=False, init=False)
    comments: dict[str, int] = field(default_factory=dict, init=False)
    sampler: Any = field(default=None, init=False)
    is_using_inpainting_conditioning: bool = field(default=False, init=False)
    paste_to: tuple[int, int, int, int] | None = field(default=None, init=False)
    is_hr_pass: bool = field(default=False, init=False)
    c: Any = field(default=None, init=False)
    uc: Any = field(default=None, init=False)
    rng: Any = field(default=None, init=False)
    step_multiplier: int = field(default=1, init=False)
    color_corrections: list[Any] | None = field(default=None, init=False)
    all_prompts: Any = field(default=None, init=False)
    all_negative_prompts: Any = field(default=None, init=False)
    all_seeds: Any = field(default=None, init=False)
    all_subseeds: Any = field(default=None, init=False)
    iteration: int = field(default=0, init=False)
    main_prompt: str | None = field(default=None, init=False)
    main_negative_prompt: str | None = field(default=None, init=False)
    prompts: Any = field(default=None, init=False)
    negative_prompts: Any = field(default=None, init=False)
    seeds: Any = field(default=None, init=False)
    subseeds: Any = field(default=None, init=False)
    extra_network_data: Any = field(default=None, init=False)
    user: str | None = field(default=None, init=False)
    sd_model_name: str | None = field(default=None, init=False)
    sd_model_hash: str | None = field(default=None, init=False)
    sd_vae_name: str | None = field(default=None, init=False)
    sd_vae_hash: str | None = field(default=None, init=False)
    is_api: bool = field(default=False, init=False)
    refiner_checkpoint_info: Any = field(default=None, init=False)
    sampler_noise_scheduler_override: Any = field(default=None, init=False)
    extra_result_images: list[Any] = field(default_factory=list, init=False)
    latents_after_sampling: list[Any] = field(default_factory=list, init=False)
    pixels_after_sampling: list[Any] = field(default_factory=list, init=False)
    init_latent: Any = field(default=None, init=False)
    mask: Any = field(default=None, init=False)
    nmask: Any = field(default=None, init=False)
    model_images: Any = field(default=None, init=False)
    pictures: Any = field(default=None, init=False)
    sampled: Any = field(default=None, init=False)

    def __post_init__(self, sd_model: Any) -> None:
        if self.sampler_index is not None:
            print("sampler_index does nothing; use sampler_name", file=sys.stderr)
        self.styles = self.styles if self.styles is not None else []
        self.extra_generation_params = self.extra_generation_params or {}
        self.override_settings = self.override_settings or {}
        self.script_args = self.script_args or {}
        if not self.seed_enable_extras:
            self.subseed, self.subseed_strength = -1, 0
            self.seed_resize_from_h = self.seed_resize_from_w = 0

    @property
    def scripts(self) -> Any:
        """The runner that calls scripts' hooks, or None."""
        return self.scripts_value

    @scripts.setter
    def scripts(self, value: Any) -> None:
        self.scripts_value = value
        self._setup_once()

    @property
    def script_args(self) -> Any:
        """Arguments of all scripts, one after the other; setting both this and `scripts` sets
        the scripts up."""
        return self.script_args_value

    @script_args.setter
    def script_args(self, value: Any) -> None:
        self.script_args_value = value
        self._setup_once()

    def _setup_once(self) -> None:
        if self.scripts_value and self.script_args_value and not self.scripts_setup_complete:
            self.setup_scripts()

    def setup_scripts(self) -> None:
        """Calls the scripts' `setup`."""
        self.scripts_setup_complete = True
        self.scripts.setup_scrips(self, is_ui=not self.is_api)

    def comment(self, text: str) -> None:
        """Tells the user something, under the gallery and in the API's info."""
        self.comments[text] = 1

    def clear_prompt_cache(self) -> None:
        """There is none."""

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:
        """Prepares images and latents, once per job."""

    def sample(self, conditioning: Any, unconditional_conditioning: Any, **_: Any) -> Any:
        """Samples one batch: latents, float32 B x 4 x h x w."""
        return sampling.sample(self)

    def close(self) -> None:
        """Frees what the job holds."""
        self.sampler = self.c = self.uc = None
        self.model_images = self.pictures = self.sampled = None

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """The ratio of the job, or of the settings."""
        if for_hr and (self.token_merging_ratio_hr or opts.token_merging_ratio_hr):
            return self.token_merging_ratio_hr or opts.token_merging_ratio_hr
        return self.token_merging_ratio or opts.token_merging_ratio

    def setup_prompts(self) -> None:
        """One prompt and one negative prompt for every image, styles included.

        Raises:
            RuntimeError: Their numbers differ.
        """
        prompts, negatives = self.prompt, self.negative_prompt
        if not isinstance(prompts, list):
            count = len(negatives) if isinstance(negatives, list) else self.batch_size * self.n_iter
            prompts = [prompts] * count
        if not isinstance(negatives, list):
            negatives = [negatives] * len(prompts)
        if len(prompts) != len(negatives):
            raise RuntimeError(f"{len(prompts)} prompts, but {len(negatives)} negative prompts")
        database, styles = shared.prompt_styles, self.styles or []
        self.all_prompts = [database.apply_styles_to_prompt(x, styles) for x in prompts]
        self.all_negative_prompts = [
            database.apply_negative_styles_to_prompt(x, styles) for x in negatives
        ]
        self.main_prompt = self.all_prompts[0]
        self.main_negative_prompt = self.all_negative_prompts[0]

    def setup_conds(self) -> None:
        """Conditioning without a model: the prompts themselves."""
        self.c, self.uc = list(self.prompts), list(self.negative_prompts)

    def get_conds(self) -> tuple[Any, Any]:
        """Positive and negative conditioning."""
        return self.c, self.uc

    def parse_extra_network_prompts(self) -> None:
        """Takes `<lora:...>` out of the batch's prompts."""
        self.prompts, self.extra_network_data = extra_networks.parse_prompts(self.prompts)

    def save_samples(self) -> bool:
        """Whether this job's images go to disk."""
        complete = opts.save_incomplete_images or not (state.interrupted or state.skipped)
        return opts.samples_save and not self.do_not_save_samples and complete


def _loaded_model(job: StableDiffusionProcessing) -> Any:
    return shared.sd_model


def _ignore_model(job: StableDiffusionProcessing, value: Any) -> None:
    """The loaded model is everybody's; a job does not choose it."""


StableDiffusionProcessing.sd_model = property(_loaded_model, _ignore_model)  # type: ignore


@dataclass(repr=False)
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """A text job, without a second pass."""

    enable_hr: bool = False
    denoising_strength: float | None = 0.75
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    force_task_id: str | None = None

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:
        self.sampler = sd_samplers.create_sampler(self.sampler_name, shared.sd_model)


@dataclass(repr=False)
class _Img2Img(StableDiffusionProcessing):
    """An image job; how its mask blur is kept differs between the hosts."""

    init_images: list[Image.Image] | None = None
    resize_mode: int = 0
    denoising_strength: float | None = 0.75
    image_cfg_scale: float | None = None
    mask: Any = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool | int = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float | None = None
    latent_mask: Image.Image | None = None
    force_task_id: str | None = None
    image_mask: Image.Image | None = field(default=None, init=False)
    image_conditioning: Any = field(default=None, init=False)
    init_img_hash: str | None = field(default=None, init=False)
    mask_for_overlay: Image.Image | None = field(default=None, init=False)

    def __post_init__(self, sd_model: Any) -> None:
        super().__post_init__(sd_model)
        self.image_mask, self.mask = self.mask, None
        if self.initial_noise_multiplier is None:
            self.initial_noise_multiplier = opts.initial_noise_multiplier

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:
        told = self.extra_generation_params = self.extra_generation_params or {}
        told["Denoising strength"] = self.denoising_strength
        self.image_cfg_scale = None
        self.sampler = sd_samplers.create_sampler(self.sampler_name, shared.sd_model)
        self.mask = self.nmask = None
        prepared = inpaint.prepare_mask(self)
        if self.scripts is not None and shared.profile.announces_init_images:
            announced = {"crop_region": prepared.crop_region, "image_mask": prepared.mask}
            self.scripts.before_process_init_images(self, announced)
        inpaint.prepare_images(self, prepared)
        inpaint.prepare_latents(self, prepared, all_seeds)

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        own = self.token_merging_ratio or opts.token_merging_ratio_img2img
        return own or opts.token_merging_ratio


@dataclass(repr=False)
class Img2ImgBlurredByAxis(_Img2Img):
    """Mask blur along x and along y; `mask_blur` stands for both and ignores what is no int."""

    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: InitVar[Any] = None

    def __post_init__(self, sd_model: Any, mask_blur: Any) -> None:
        super().__post_init__(sd_model)
        self._set_both(mask_blur)

    def _get_both(self) -> int | None:
        return self.mask_blur_x if self.mask_blur_x == self.mask_blur_y else None

    def _set_both(self, value: Any) -> None:
        if isinstance(value, int):
            self.mask_blur_x = self.mask_blur_y = value


Img2ImgBlurredByAxis.mask_blur = property(  # type: ignore
    Img2ImgBlurredByAxis._get_both, Img2ImgBlurredByAxis._set_both
)


@dataclass(repr=False)
class Img2ImgBlurredAtOnce(_Img2Img):
    """One mask blur; its two axes can be read only."""

    mask_blur: int = 4

    @property
    def mask_blur_x(self) -> int:
        """`mask_blur`."""
        return self.mask_blur

    @property
    def mask_blur_y(self) -> int:
        """`mask_blur`."""
        return self.mask_blur


# --- seeds ---


def get_fixed_seed(seed: Any) -> Any:
    """The seed as a number; one by chance for -1, None and what is no number."""
    if isinstance(seed, str):
        seed = int(seed) if seed.lstrip("-").isdigit() else -1
    return random.randrange(MAX_SEED) if seed is None or seed == -1 else seed


def fix_seed(p: Any) -> None:
    """Settles the job's seeds."""
    p.seed = get_fixed_seed(p.seed)
    p.subseed = get_fixed_seed(p.subseed)


def old_hires_fix_first_pass_dimensions(width: int, height: int) -> tuple[int, int]:
    """Size of a first pass of about 512 x 512 pixels, in multiples of 64."""
    scale = (512 * 512 / (width * height)) ** 0.5
    return -int(-scale * width // 64) * 64, -int(-scale * height // 64) * 64


# --- running ---


def _apply_overrides(settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        opts.set(key, value, is_api=True, run_callbacks=False)


def _restore(stored: Mapping[str, Any]) -> None:
    for key, value in stored.items():
        if shared.profile.restores_with_callbacks:
            opts.set(key, value)
        else:
            setattr(opts, key, value)


def process_images(p: Any) -> Processed:
    """Runs a job. Settings it overrides are in force from hook `process` on; afterwards those
    the settings file knows are as before, the others stay."""
    if p.scripts is not None:
        p.scripts.before_process(p)
    stored = {key: opts.data[key] for key in p.override_settings if key in opts.data}
    try:
        p.override_settings.pop("sd_model_checkpoint", None)
        _apply_overrides(p.override_settings)
        sd_samplers.fix_p_invalid_sampler_and_scheduler(p)
        return process_images_inner(p)
    finally:
        if p.override_settings_restore_afterwards:
            _restore(stored)


def _stepped(side: int) -> int:
    """The side as a multiple of the host's step, to the nearest, half upwards."""
    step = shared.profile.size_step
    return max((side + step // 2) // step * step, step)


def _settle(p: Any) -> None:
    """What is not said is taken from settings; prompts and seeds are written out."""
    seed, subseed = get_fixed_seed(p.seed), get_fixed_seed(p.subseed)
    p.restore_faces = opts.face_restoration if p.restore_faces is None else p.restore_faces
    p.tiling = opts.tiling if p.tiling is None else p.tiling
    sampling.find_refiner(p)
    p.width, p.height = _stepped(p.width), _stepped(p.height)
    p.sd_model_name = shared.sd_model.sd_checkpoint_info.name_for_extra
    p.sd_model_hash = shared.sd_model.sd_model_hash
    shared.sd_model.comments, shared.sd_model.extra_generation_params = [], {}
    for name in ("s_min_uncond", "s_churn", "s_tmin", "s_noise"):
        setattr(p, name, getattr(opts, name) if getattr(p, name) is None else getattr(p, name))
    p.s_tmax = (opts.s_tmax if p.s_tmax is None else p.s_tmax) or float("inf")
    p.setup_prompts()
    same = p.subseed_strength != 0
    numbers = range(len(p.all_prompts))
    p.all_seeds = (
        seed if isinstance(seed, list) else [int(seed) + (0 if same else x) for x in numbers]
    )
    p.all_subseeds = subseed if isinstance(subseed, list) else [int(subseed) + x for x in numbers]


@dataclass
class _Results:
    """Images and infotexts of a job so far."""

    images: list[Image.Image] = field(default_factory=list)
    infotexts: list[str] = field(default_factory=list)
    index_of_first_image: int = 0


def process_images_inner(p: Any) -> Processed:
    """The job between its settings being applied and restored."""
    _settle(p)
    if p.scripts is not None:
        p.scripts.process(p)
    p.init(p.all_prompts, p.all_seeds, p.all_subseeds)
    if state.job_count == -1:
        state.job_count = p.n_iter
    results = _Results()
    _run_batches(p, results)
    if not results.infotexts:
        results.infotexts.append(Processed(p, []).infotext(p, 0))
    p.color_corrections = None
    _add_grid(p, results)
    if not p.disable_extra_networks and p.extra_network_data:
        extra_networks.deactivate(p, p.extra_network_data)
    processed = _processed(p, results)
    if p.scripts is not None:
        p.scripts.postprocess(p, processed)
    return processed


def _run_batches(p: Any, results: _Results) -> None:
    for number in range(p.n_iter):
        p.iteration = number
        state.skipped = False
        if state.interrupted or state.stopping_generation:
            return
        _take_batch(p, number)
        if p.scripts is not None:
            p.scripts.before_process_batch(p, **_batch_facts(p, number))
        if not p.prompts:
            return
        _run_batch(p, number, results)


def _processed(p: Any, results: _Results) -> Processed:
    return Processed(
        p,
        images_list=results.images,
        seed=p.all_seeds[0],
        info=results.infotexts[0],
        subseed=p.all_subseeds[0],
        index_of_first_image=results.index_of_first_image,
        infotexts=results.infotexts,
        extra_images_list=p.extra_result_images,
    )


def _take_batch(p: Any, number: int) -> None:
    """The part of prompts and seeds that batch is about."""
    part = slice(number * p.batch_size, (number + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[part], p.all_negative_prompts[part]
    p.seeds, p.subseeds = p.all_seeds[part], p.all_subseeds[part]


def _batch_facts(p: Any, number: int) -> dict[str, Any]:
    return {
        "batch_number": number,
        "prompts": p.prompts,
        "seeds": p.seeds,
        "subseeds": p.subseeds,
    }


def _remember_infotext(p: Any) -> None:
    """Keeps the job's infotext for pasting, before it runs."""
    if not cmd_opts.no_prompt_history:
        text = Processed(p, []).infotext(p, 0)
        (Path(paths.data_path) / "params.txt").write_text(text, encoding="utf-8")


def _run_batch(p: Any, number: int, results: _Results) -> None:
    p.parse_extra_network_prompts()
    if not p.disable_extra_networks:
        extra_networks.activate(p, p.extra_network_data)
    if p.scripts is not None:
        p.scripts.process_batch(p, **_batch_facts(p, number))
    p.setup_conds()
    p.extra_generation_params.update(shared.sd_model.extra_generation_params)
    if number == 0:
        _remember_infotext(p)
    for comment in shared.sd_model.comments:
        p.comment(comment)
    if p.n_iter > 1:
        state.job = f"Batch {number + 1} out of {p.n_iter}"
    decoded = _decode(p, _sample(p), number)
    save = p.save_samples()
    for index, image in enumerate(decoded):
        p.batch_index = index
        _finish_image(p, index, image, results, save=save)


def _sample(p: Any) -> Any:
    samples = p.sample(
        conditioning=p.c,
        unconditional_conditioning=p.uc,
        seeds=p.seeds,
        subseeds=p.subseeds,
        subseed_strength=p.subseed_strength,
        prompts=p.prompts,
    )
    p.latents_after_sampling.extend(samples)
    if p.scripts is None:
        return samples
    args = script_args.PostSampleArgs(samples)
    p.scripts.post_sample(p, args)
    return args.samples


def _decode(p: Any, samples: Any, number: int) -> list[Any]:
    """float32 3 x H x W in 0-1 for each image, as the scripts leave them."""
    decoded: Any = samples
    if not getattr(samples, "already_decoded", False):
        decoded = latents.decode(samples, p.sampled, p.pictures)
    state.nextjob()
    if p.scripts is None:
        return list(decoded)
    p.scripts.postprocess_batch(p, decoded, batch_number=number)
    part = slice(number * p.batch_size, (number + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[part], p.all_negative_prompts[part]
    args = script_args.PostprocessBatchListArgs(list(decoded))
    p.scripts.postprocess_batch_list(p, args, batch_number=number)
    return args.images


def _infotext(p: Any, index: int = 0, *, use_main_prompt: bool = False) -> str:
    return create_infotext(
        p,
        p.prompts,
        p.seeds,
        p.subseeds,
        use_main_prompt=use_main_prompt,
        index=index,
        all_negative_prompts=p.negative_prompts,
    )


def _save(p: Any, index: int, image: Image.Image, suffix: str = "") -> None:
    images.save_image(
        image,
        p.outpath_samples,
        "",
        p.seeds[index],
        p.prompts[index],
        opts.samples_format,
        info=_infotext(p, index),
        p=p,
        suffix=suffix,
    )


def _restored(p: Any, index: int, decoded: Any, *, save: bool) -> Image.Image:
    """The decoded image as a picture, faces restored if the job says so."""
    pixels = latents.to_picture(decoded)
    if p.restore_faces:
        if save and opts.save_images_before_face_restoration:
            _save(p, index, Image.fromarray(pixels), "-before-face-restoration")
        pixels = face_restoration.restore_faces(pixels)
    return Image.fromarray(pixels)


def _image_hook(p: Any, hook: str, image: Image.Image, index: int) -> Image.Image:
    if p.scripts is None:
        return image
    number = (index + p.iteration * p.batch_size,)
    indexed = shared.profile.image_args_have_index
    args = scripts.PostprocessImageArgs(image, *(number if indexed else ()))
    getattr(p.scripts, hook)(p, args)
    return args.image


def _overlay_of(p: Any, index: int) -> tuple[Any, Any]:
    """(mask_for_overlay, overlay_image) of an image, as the scripts leave them."""
    overlays = getattr(p, "overlay_images", None) or []
    overlay = overlays[index] if opts.overlay_inpaint and index < len(overlays) else None
    mask = getattr(p, "mask_for_overlay", None)
    if p.scripts is None:
        return mask, overlay
    args = script_args.PostProcessMaskOverlayArgs(index, mask, overlay)
    p.scripts.postprocess_maskoverlay(p, args)
    return args.mask_for_overlay, args.overlay_image


def _color_corrected(
    p: Any, index: int, image: Image.Image, overlay: Any, *, save: bool
) -> Image.Image:
    if p.color_corrections is None or index >= len(p.color_corrections):
        return image
    if save and opts.save_images_before_color_correction:
        before, _ = apply_overlay(image, p.paste_to, overlay)
        _save(p, index, before, "-before-color-correction")
    return apply_color_correction(p.color_corrections[index], image)


def _finish_image(p: Any, index: int, decoded: Any, results: _Results, *, save: bool) -> None:
    """From the decoded image to the one that is shown and saved."""
    image = _restored(p, index, decoded, save=save)
    image = _image_hook(p, "postprocess_image", image, index)
    mask, overlay = _overlay_of(p, index)
    image = _color_corrected(p, index, image, overlay, save=save)
    image, denoised = apply_overlay(image, p.paste_to, overlay)
    p.pixels_after_sampling.append(image)
    image = _image_hook(p, "postprocess_image_after_composite", image, index)
    if save:
        _save(p, index, image)
    text = _infotext(p, index)
    results.infotexts.append(text)
    if opts.enable_pnginfo:
        image.info["parameters"] = text
    results.images.append(image)
    if mask is not None:
        _add_masks(p, index, image, denoised, mask, results, save=save)


def _add_masks(
    p: Any,
    index: int,
    image: Image.Image,
    denoised: Image.Image,
    mask: Image.Image,
    results: _Results,
    *,
    save: bool,
) -> None:
    """The mask and the masked content as images of their own, where the settings ask."""
    if opts.return_mask or opts.save_mask:
        shown = mask.convert("RGB")
        if save and opts.save_mask:
            _save(p, index, shown, "-mask")
        if opts.return_mask:
            results.images.append(shown)
    if opts.return_mask_composite or opts.save_mask_composite:
        shown = mask_composite(denoised, mask, image.size)
        if save and opts.save_mask_composite:
            _save(p, index, shown, "-mask-composite")
        if opts.return_mask_composite:
            results.images.append(shown)


def _add_grid(p: Any, results: _Results) -> None:
    """All images in one, first in the results and on disk, where the settings ask."""
    alone = len(results.images) < 2 and opts.grid_only_if_multiple
    if alone or p.do_not_save_grid or not (opts.return_grid or opts.grid_save):
        return
    grid = images.image_grid(results.images, p.batch_size)
    text = _infotext(p, use_main_prompt=not shared.profile.grid_text_of_last_batch)
    if opts.return_grid:
        results.infotexts.insert(0, text)
        if opts.enable_pnginfo:
            grid.info["parameters"] = text
        results.images.insert(0, grid)
        results.index_of_first_image = 1
    if opts.grid_save:
        images.save_image(
            grid,
            p.outpath_grids,
            "grid",
            p.all_seeds[0],
            p.all_prompts[0],
            opts.grid_format,
            info=text,
            short_filename=not opts.grid_extended_filename,
            p=p,
            grid=True,
        )


def process_extra_images(processed: Processed) -> None:
    """Makes Pillow images of the extra images that are arrays; drops what is neither."""
    found = []
    for image in processed.extra_images:
        made = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        if isinstance(made, Image.Image):
            found.append(made)
    processed.extra_images = found

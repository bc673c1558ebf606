"""What the API takes and gives, in the hosts' JSON."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class JobRequest(BaseModel):
    """What text and image jobs have in common; unknown names are ignored, as in the hosts."""

    prompt: str | None = ""
    negative_prompt: str | None = ""
    styles: list[str] | None = None
    seed: int | None = -1
    subseed: int | None = -1
    subseed_strength: float | None = 0
    sampler_name: str | None = None
    sampler_index: str | None = "Euler"
    scheduler: str | None = None
    batch_size: int | None = 1
    n_iter: int | None = 1
    steps: int | None = 50
    cfg_scale: float | None = 7.0
    width: int | None = 512
    height: int | None = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    eta: float | None = None
    denoising_strength: float | None = None
    override_settings: dict[str, Any] | None = None
    override_settings_restore_afterwards: bool | None = True
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    script_name: str | None = None
    script_args: list[Any] | None = Field(default_factory=list)
    alwayson_scripts: dict[str, Any] | None = Field(default_factory=dict)
    send_images: bool = True
    save_images: bool = False
    force_task_id: str | None = None


class Txt2ImgRequest(JobRequest):
    """A text job."""

    denoising_strength: float | None = 0.75


class Img2ImgRequest(JobRequest):
    """An image job; `init_images` and `mask` are base64, with or without a data URL's head."""

    init_images: list[str] | None = None
    resize_mode: int | None = 0
    denoising_strength: float | None = 0.75
    image_cfg_scale: float | None = None
    mask: str | None = None
    mask_blur_x: int | None = 4
    mask_blur_y: int | None = 4
    mask_blur: int | None = None
    mask_round: bool | None = True
    inpainting_fill: int | None = 0
    inpaint_full_res: bool | None = True
    inpaint_full_res_padding: int | None = 0
    inpainting_mask_invert: int | None = 0
    initial_noise_multiplier: float | None = None
    include_init_images: bool = False


class JobResponse(BaseModel):
    """A finished job: base64 images, the request's values, and JSON of what was made."""

    images: list[str] | None = None
    parameters: dict[str, Any]
    info: str


class PngInfoRequest(BaseModel):
    """A base64 image."""

    image: str


class PngInfoResponse(BaseModel):
    """What an image says about its making."""

    info: str
    items: dict[str, Any]
    parameters: dict[str, Any]

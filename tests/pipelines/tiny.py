# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
"""Real Diffusers pipelines of tiny random weights: what they paint is noise, the rest is real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

torch.set_num_threads(1)  # the models are so small that threads only wait for each other

TEXT = 32  # width of the text embeddings
TOKENS = 5


def make_vae() -> Any:
    """Eight pixels a latent cell, as the large ones."""
    torch.manual_seed(0)
    return diffusers.AutoencoderKL(
        block_out_channels=[16] * 4,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4,
        norm_num_groups=8,
        shift_factor=0.1,
    )


def make_unet(in_channels: int, **options: Any) -> Any:
    torch.manual_seed(1)
    return diffusers.UNet2DConditionModel(
        sample_size=32,
        in_channels=in_channels,
        out_channels=4,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT,
        attention_head_dim=8,
        norm_num_groups=8,
        **options,
    )


def make_sd15() -> tuple[Any, Callable[[int], dict[str, Any]]]:
    """SD 1.5's inpaint model: nine channels."""
    pipe = diffusers.StableDiffusionInpaintPipeline(
        vae=make_vae(),
        text_encoder=None,
        tokenizer=None,
        unet=make_unet(9),
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return pipe, lambda count: {"prompt_embeds": torch.zeros(count, TOKENS, TEXT)}


def make_sdxl() -> tuple[Any, Callable[[int], dict[str, Any]]]:
    pipe = diffusers.StableDiffusionXLInpaintPipeline(
        vae=make_vae(),
        text_encoder=None,
        text_encoder_2=None,
        tokenizer=None,
        tokenizer_2=None,
        unet=make_unet(
            4,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=5 * 8 + TEXT,
        ),
        scheduler=diffusers.EulerDiscreteScheduler(),
        requires_aesthetics_score=True,
        add_watermarker=False,
    )

    def text(count: int) -> dict[str, Any]:
        return {
            "prompt_embeds": torch.zeros(count, TOKENS, TEXT),
            "pooled_prompt_embeds": torch.zeros(count, TEXT),
        }

    return pipe, text


def make_flux() -> tuple[Any, Callable[[int], dict[str, Any]]]:
    torch.manual_seed(2)
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=TEXT,
        pooled_projection_dim=TEXT,
        axes_dims_rope=[4, 4, 8],
    )
    pipe = diffusers.FluxInpaintPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=make_vae(),
        text_encoder=None,
        tokenizer=None,
        text_encoder_2=None,
        tokenizer_2=None,
        transformer=transformer,
    )

    def text(count: int) -> dict[str, Any]:
        return {
            "prompt_embeds": torch.zeros(count, TOKENS, TEXT),
            "pooled_prompt_embeds": torch.zeros(count, TEXT),
        }

    return pipe, text


def make_repaint() -> Any:
    """Works on the pixels themselves."""
    torch.manual_seed(3)
    unet = diffusers.UNet2DModel(
        sample_size=64,
        block_out_channels=(16, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
    )
    pipe = diffusers.RePaintPipeline(unet, diffusers.RePaintScheduler())
    pipe.set_progress_bar_config(disable=True)
    return pipe


MAKERS = {"sd15": make_sd15, "sdxl": make_sdxl, "flux": make_flux}


class TinyPipeline:
    """A pipeline and the keywords of a short run without a text encoder."""

    def __init__(self, name: str) -> None:
        self.pipe, self.text = MAKERS[name]()
        self.pipe.set_progress_bar_config(disable=True)

    def run(self, pipe: Any, *, prompts: int = 1, seed: int = 0, **options: Any) -> Any:
        options = {"num_inference_steps": 2, "strength": 0.9, "guidance_scale": 1.0, **options}
        generator = torch.Generator().manual_seed(seed)
        return pipe(**self.text(prompts), generator=generator, **options)


def make_image(seed: int = 0, size: tuple[int, int] = (96, 64)) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    return Image.fromarray(levels)


def make_mask(size: tuple[int, int] = (96, 64), left: int = 32) -> Image.Image:
    mask = np.zeros(size[::-1], np.uint8)
    mask[16:48, left : left + 32] = 255
    return Image.fromarray(mask)

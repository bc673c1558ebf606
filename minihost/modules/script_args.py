"""What the hosts' hooks are handed: `modules.scripts` offers these under the hosts' names."""

from __future__ import annotations

from typing import Any


class MaskBlendArgs:
    """Latents about to be blended under the mask, all float32 B x 4 x h x w.

    Attributes:
        is_final_blend: The blend after the last step; otherwise `denoiser` and `sigma` tell
            which step it is.
    """

    def __init__(
        self,
        current_latent: Any,
        nmask: Any,
        init_latent: Any,
        mask: Any,
        blended_latent: Any,
        denoiser: Any = None,
        sigma: Any = None,
    ) -> None:
        self.current_latent = current_latent
        self.nmask = nmask
        self.init_latent = init_latent
        self.mask = mask
        self.blended_latent = blended_latent
        self.denoiser = denoiser
        self.is_final_blend = denoiser is None
        self.sigma = sigma


class PostSampleArgs:
    """Latents after sampling, float32 B x 4 x h x w."""

    def __init__(self, samples: Any) -> None:
        self.samples = samples


class ImageArgs:
    """A finished image (Pillow)."""

    def __init__(self, image: Any) -> None:
        self.image = image


class IndexedImageArgs(ImageArgs):
    """A finished image (Pillow) and its number in the job."""

    def __init__(self, image: Any, index: int) -> None:
        super().__init__(image)
        self.index = index


class PostProcessMaskOverlayArgs:
    """What is about to be laid over image `index` of the batch.

    Attributes:
        mask_for_overlay: Pillow image or None.
        overlay_image: RGBA image, a tuple (RGB image, float32 mask), or None.
    """

    def __init__(self, index: int, mask_for_overlay: Any, overlay_image: Any) -> None:
        self.index = index
        self.mask_for_overlay = mask_for_overlay
        self.overlay_image = overlay_image


class PostprocessBatchListArgs:
    """The decoded images of a batch: float32 3 x H x W in 0-1 each."""

    def __init__(self, images: list[Any]) -> None:
        self.images = images

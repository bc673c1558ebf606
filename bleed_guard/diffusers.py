"""Diffusers' inpaint pipelines with every pixel outside the mask kept.

    from bleed_guard.diffusers import guarded

    pipe = guarded(AutoPipelineForInpainting.from_pretrained(...))
    out = pipe(prompt, image=image, mask_image=mask)
    out.bleed[0].sentence

Imports neither diffusers nor torch: whoever has a pipeline has loaded both.
"""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from bleed_guard.core.job import BleedReport, Protection, Verdict
from bleed_guard.core.mask import HARD_LEVEL, protected_area, read_mask
from bleed_guard.core.measure import measure_bleed
from bleed_guard.core.settings import GuardSettings
from bleed_guard.floats import as_levels, paste_back_floats

Pipeline = TypeVar("Pipeline")

LATENTS = "latent output was asked for: there are no pixels yet, so none are protected"
LATENT_INPUT = "the image was given as latents: there are no original pixels to protect"
NOT_GIVEN = "no image or no mask was given: what is to be kept cannot be told"

LARGEST_LEVEL = 2
"""Floats 0-1 may go a little beyond 1 where they were resized; those of 0-255 go beyond this."""

CLEARLY_LESS = 0.5
"""An order of the originals is taken from the pictures if its changes are below this share of the
other order's: the wrong originals differ by far more than a VAE changes."""


@dataclass(frozen=True)
class ImageBleed:
    """What became of one image.

    `result` is measured on what the caller gets, `unguarded` on what the pipeline painted; both
    None where nothing could be measured, with the `reason`.
    """

    verdict: Verdict
    result: BleedReport | None = None
    unguarded: BleedReport | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The outcome in one line, for people."""
        if self.result is None or self.unguarded is None:
            return f"{self.verdict.value}: {self.reason}"
        return (
            f"{self.verdict.value}: {self.result.changed:,} of {self.result.protected:,} protected "
            f"pixels changed; without the guard {self.unguarded.changed:,}"
        )


def guarded(pipeline: Pipeline, *, preset: str = "guard", **settings: Any) -> Pipeline:
    """A copy of an inpaint pipeline that protects what lies outside the mask.

    It shares the models, is called the same way and returns the same type, with an `ImageBleed`
    for each image in `.bleed` of the pipeline and, unless `return_dict=False`, of the output.
    `preset` and `settings` are those of `GuardSettings`. Outputs "pil", "np" and "pt" are
    guarded; "latent" is left alone, with a warning. TypeError if the pipeline takes no mask,
    ValueError for an unknown setting.
    """
    parsed = GuardSettings.from_args([{"preset": preset, **settings}])
    if parsed.complaints:
        raise ValueError("; ".join(parsed.complaints))
    original = type(pipeline)
    if issubclass(original, _Guarded):
        original = original.__mro__[2]
    if "mask_image" not in inspect.signature(original.__call__).parameters:
        raise TypeError(f"{original.__name__} is no inpaint pipeline: it takes no mask_image")
    kind = type(original.__name__, (_Guarded, original), {"__module__": original.__module__})
    twin = copy.copy(pipeline)
    twin.__class__ = kind
    twin.bleed_guard_settings = parsed.settings  # type: ignore[attr-defined]
    twin.bleed = ()  # type: ignore[attr-defined]
    return twin


class _Guarded:
    """Mixed into the class of a pipeline in front of it."""

    bleed_guard_settings: GuardSettings
    bleed: tuple[ImageBleed, ...]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = super().__call__  # type: ignore[misc]
        given = inspect.signature(call).bind(*args, **kwargs)
        given.apply_defaults()
        output = call(*args, **kwargs)
        images, self.bleed = _guard_images(self, _images_of(output), given.arguments)
        for reason in {entry.reason for entry in self.bleed if entry.reason}:
            warnings.warn(f"Bleed Guard: NOT guarded: {reason}", stacklevel=2)
        return _with_images(output, images, self.bleed)


def _images_of(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output.images


def _with_images(output: Any, images: Any, bleed: tuple[ImageBleed, ...]) -> Any:
    if isinstance(output, tuple):
        return (images, *output[1:])
    output.images = images
    output.bleed = bleed
    return output


class _Original(NamedTuple):
    """A given image, floats 0-1 or uint8 H x W x 3, and its mask, uint8 H x W, at one size."""

    image: np.ndarray
    mask: np.ndarray


def _guard_images(
    pipeline: Any, images: Any, given: dict[str, Any]
) -> tuple[Any, tuple[ImageBleed, ...]]:
    """The images of one call, guarded, in the form they came in, and what became of each."""
    reason = _why_not(images, given)
    if reason:
        return images, tuple(_not_guarded(reason) for _ in range(len(images)))
    try:
        frames = _split(images)
        size = (frames[0].shape[1], frames[0].shape[0])
        pictures = _read_images(pipeline, _original_of(given), size)
        masks = _read_masks(given["mask_image"], size)
        if _keeps_white(pipeline):
            masks = [255 - mask for mask in masks]
        originals = _match(frames, pictures, masks, is_repeated=hasattr(pipeline, "vae"))
        done = [
            _guard_one(frame, original, pipeline.bleed_guard_settings)
            for frame, original in zip(frames, originals, strict=True)
        ]
    except Exception as error:  # a finished image is not thrown away: it is returned and told
        reason = f"{type(error).__name__}: {error}"
        return images, tuple(_not_guarded(reason) for _ in range(len(images)))
    return _join([frame for frame, _ in done], images), tuple(entry for _, entry in done)


def _why_not(images: Any, given: dict[str, Any]) -> str:
    """Why these images cannot be guarded; "" if they can."""
    if given.get("output_type") == "latent":
        return LATENTS
    image = _original_of(given)
    if image is None or given.get("mask_image") is None:
        return NOT_GIVEN
    first: Any = image[0] if isinstance(image, list | tuple) else image
    if _is_tensor(first) and first.ndim > 2 and first.shape[-3] not in (1, 3):
        return LATENT_INPUT
    return "" if len(images) else "the pipeline returned no images"


def _keeps_white(pipeline: Any) -> bool:
    """Whether its masks are 1 where the picture is kept: RePaint's are, by its own scheduler."""
    return type(getattr(pipeline, "scheduler", None)).__name__ == "RePaintScheduler"


def _original_of(given: dict[str, Any]) -> Any:
    """The picture outside the mask; a super-resolution's `image` is a small one to enlarge."""
    original = given.get("original_image")
    return given.get("image") if original is None else original


def _not_guarded(reason: str) -> ImageBleed:
    return ImageBleed(Verdict.NOT_GUARDED, reason=reason)


def _match(
    frames: list[np.ndarray],
    images: list[np.ndarray],
    masks: list[np.ndarray],
    *,
    is_repeated: bool,
) -> list[_Original]:
    """The original of each frame.

    Of several images with several results each, some pipelines give 1 2 1 2 (in Diffusers 0.42
    all that have a `vae`: `is_repeated`), others 1 1 2 2 (Kandinsky 2.2, DeepFloyd IF). The
    pictures tell which: the right originals are those that changed less outside their masks.
    ValueError where neither tells.
    """
    total = range(len(frames))
    repeated = [_Original(images[at % len(images)], masks[at % len(masks)]) for at in total]
    grouped = [
        _Original(images[at * len(images) // len(frames)], masks[at * len(masks) // len(frames)])
        for at in total
    ]
    if all(map(_are_equal, repeated, grouped)):
        return repeated
    if_repeated = sum(map(_mean_change, frames, repeated))
    if_grouped = sum(map(_mean_change, frames, grouped))
    if if_grouped < CLEARLY_LESS * if_repeated:
        return grouped
    if is_repeated or if_repeated < CLEARLY_LESS * if_grouped:
        return repeated
    raise ValueError(
        f"which of the {len(images)} images each of the {len(frames)} results belongs to cannot "
        "be told; give one image a call"
    )


def _are_equal(first: _Original, second: _Original) -> bool:
    return all(map(np.array_equal, first, second))


def _mean_change(frame: np.ndarray, original: _Original) -> float:
    """Levels by which a frame differs from its original outside the mask, on average."""
    outside = original.mask < HARD_LEVEL
    levels = as_levels(frame).astype(np.int16) - as_levels(original.image)
    return float(np.abs(levels[outside]).mean()) if outside.any() else 0.0


def _guard_one(
    generated: np.ndarray, original: _Original, settings: GuardSettings
) -> tuple[np.ndarray, ImageBleed]:
    """One image with its original put back, and what became of it."""
    reference, mask = original
    protection = Protection(settings.protect)
    protected = protected_area(mask, protection)
    result = generated
    if settings.enabled and settings.paste_back:
        result = _paste(
            reference, generated, np.where(protected, 0, 255).astype(np.uint8), settings
        )
    reports = [
        measure_bleed(
            as_levels(reference),
            as_levels(picture),
            mask,
            tolerance=settings.tolerance,
            protected=protected,
        )
        for picture in (result, generated)
    ]
    verdict = Verdict.FULL_REDO if protection is Protection.NONE else reports[0].verdict
    return result, ImageBleed(verdict, result=reports[0], unguarded=reports[1])


def _paste(
    reference: np.ndarray, generated: np.ndarray, mask: np.ndarray, settings: GuardSettings
) -> np.ndarray:
    """uint8 or floats H x W x 3 -> `generated`'s dtype, the reference where `mask` is 0."""
    if generated.dtype == np.uint8:
        from bleed_guard.core.composite import paste_back

        levels = as_levels(reference)
        return paste_back(levels, generated, mask, blend=settings.blend, feather=settings.feather)
    exact = reference.astype(generated.dtype) / 255 if reference.dtype == np.uint8 else reference
    return paste_back_floats(exact, generated, mask, blend=settings.blend, feather=settings.feather)


def _read_images(pipeline: Any, image: Any, size: tuple[int, int]) -> list[np.ndarray]:
    """The given images as the pipeline resized them: uint8 or floats 0-1, H x W x 3."""
    pictures = _listed(image)
    if isinstance(pictures[0], Image.Image):
        resize = getattr(getattr(pipeline, "image_processor", None), "resize", None)
        return [_resize_picture(picture.convert("RGB"), size, resize) for picture in pictures]
    frames = [frame for picture in pictures for frame in _frames(picture)]
    return [_resize_frame(frame, size) for frame in _unsigned(frames)]


def _resize_picture(picture: Image.Image, size: tuple[int, int], resize: Any) -> np.ndarray:
    if picture.size != size:
        width, height = size
        picture = (
            resize(picture, height, width)
            if resize
            else picture.resize(size, Image.Resampling.LANCZOS)
        )
    return np.asarray(picture)


def _unsigned(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Floats -1 to 1, which Diffusers still takes, -> 0 to 1; as there, a batch has one range.

    ValueError for levels of 0-255, which Diffusers takes for floats: what it paints then is noise.
    """
    largest = max(frame.max(initial=0) for frame in frames)
    if largest > LARGEST_LEVEL:
        raise ValueError(f"the image's values go up to {largest:g}, expected floats from 0 to 1")
    is_signed = any(frame.min(initial=0) < 0 for frame in frames)
    return [frame / 2 + 0.5 for frame in frames] if is_signed else frames


def _resize_frame(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Arrays are resized by the nearest pixel, rounded down, as Diffusers resizes them."""
    height, width = frame.shape[:2]
    rows, columns = _nearest(height, size[1], frame.dtype), _nearest(width, size[0], frame.dtype)
    return frame[rows][:, columns]


def _nearest(length: int, wanted: int, dtype: np.dtype) -> np.ndarray:
    """The index taken for each of the `wanted`, in the precision torch's interpolate has there."""
    places = np.arange(wanted, dtype=dtype) * (dtype.type(length) / dtype.type(wanted))
    return np.minimum(places, length - 1).astype(np.intp)


def _read_masks(mask: Any, size: tuple[int, int]) -> list[np.ndarray]:
    """The given masks at the images' size: uint8 H x W, 255 = repaint."""
    masks = _listed(mask)
    if isinstance(masks[0], Image.Image):
        resized = [  # before they are made grey, as there: 1-bit pictures by the nearest pixel
            picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)
            for picture in masks
        ]
        return [read_mask(picture.convert("L")) for picture in resized]
    frames = [frame for entry in masks for frame in _frames(entry, channels=1)]
    return [as_levels(_resize_frame(frame[..., 0], size)) for frame in frames]


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list | tuple) else [given]


def _is_tensor(value: Any) -> bool:
    """A torch tensor, told without importing torch."""
    return hasattr(value, "detach")


def _frames(batch: Any, channels: int = 3) -> list[np.ndarray]:
    """One array or tensor, with or without batch and channel axes -> H x W x C each, float64 if
    it is that, else float32.

    Tensors are (B x) C x H x W, arrays (B x) H x W (x C), as Diffusers takes them.
    """
    is_tensor = _is_tensor(batch)
    array = _as_array(batch) if is_tensor else np.asarray(batch)
    if array.dtype != np.float64:
        array = array.astype(np.float32, copy=False)
    if array.ndim == 2:
        return [array[..., None]]
    if array.ndim == 3:
        has_channel = array.shape[0 if is_tensor else -1] == channels
        array = array[None] if has_channel else array[:, None] if is_tensor else array[..., None]
    if is_tensor:
        array = array.transpose(0, 2, 3, 1)
    return list(array)


def _as_array(tensor: Any) -> np.ndarray:
    """In a type that numpy has: bfloat16 is none."""
    held = tensor.detach().cpu()
    return (held if held.dtype.itemsize == 8 else held.float()).numpy()


def _split(images: Any) -> list[np.ndarray]:
    """The pipeline's images, one array each: uint8 from pictures, float32 from np and pt."""
    if isinstance(images, list | tuple) and isinstance(images[0], Image.Image):
        return [np.asarray(picture.convert("RGB")) for picture in images]
    return [frame for batch in _listed(images) for frame in _frames(batch)]


def _join(frames: list[np.ndarray], like: Any) -> Any:
    """The inverse of `_split`: in the form, dtype and device of `like`."""
    if isinstance(like, list | tuple) and isinstance(like[0], Image.Image):
        return [Image.fromarray(frame) for frame in frames]
    stacked = np.stack(frames)
    if not isinstance(like, np.ndarray | list | tuple):
        import torch  # pyright: ignore[reportMissingImports]

        moved = torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2)))
        return moved.to(device=like.device, dtype=like.dtype)
    return stacked.astype(like.dtype) if isinstance(like, np.ndarray) else list(stacked)

"""Seeded random inpaint jobs over everything a person can set, with their own oracle.

The oracle uses the mini host's resize, which the recordings certify, and numpy; nothing of
`bleed_guard`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from PIL import Image

SIZES = ((64, 48), (96, 64), (61, 93), (120, 40), (80, 80))
TARGETS = ((64, 64), (96, 64), (93, 61), (128, 80), (56, 120))
INIT_FORMS = ("RGB", "RGB", "RGBA", "P", "L", "LA", "I;16", "two")
MASK_FORMS = ("L", "1", "RGB", "RGBA-alpha", "RGBA-opaque", "P", "LA", "I;16", "L-soft", "L-half")
SHAPES = ("box", "ellipse", "strokes", "pixel", "border", "full", "blank", "parts")
BLENDS = ("hard", "feather", "membrane", "membrane + feather", "multi-band")


PAINTING_HOOKS = ("postprocess_image", "postprocess_image_after_composite", "before_image_saved")


@dataclass(frozen=True)
class Company:
    """What else takes part: Soft Inpainting, and scripts that paint a corner, by their hooks."""

    is_soft: bool = False
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class RandomJob:
    """One job and what its oracle needs. `mask` is uint8 H x W as the user meant it."""

    number: int
    inits: list[Image.Image]
    flat_inits: list[np.ndarray]
    mask_image: Image.Image
    mask: np.ndarray
    fields: dict[str, Any]
    options: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    company: Company = field(default_factory=lambda: Company())

    def __str__(self) -> str:
        sizes = [image.size for image in self.inits]
        masks = f"{self.mask_image.mode} {self.mask_image.size}"
        set_up = f"{self.fields} {self.options} {self.settings} {self.company}"
        return f"job {self.number}: {sizes} {masks} {set_up}"


def make_job(seed: int, number: int, profile_options: dict[str, Any]) -> RandomJob:
    """Job `number` of the series `seed`; the same pair gives the same job."""
    drawn = np.random.default_rng([seed, number])
    size = _choose(drawn, SIZES)
    form = _choose(drawn, INIT_FORMS)
    pairs = [_make_init(drawn, size, form) for _ in range(2 if form == "two" else 1)]
    mask = _draw_shape(drawn, size, _choose(drawn, SHAPES))
    if (chance := drawn.random()) < 0.3:
        other = (size[0] // 2, size[1] // 2) if chance < 0.15 else (size[0] * 2, size[1] * 2)
        mask = cv2.resize(mask, other, interpolation=cv2.INTER_NEAREST)
    mask_image, mask = _make_mask(drawn, mask, _choose(drawn, MASK_FORMS))
    fields = _draw_fields(drawn, size, len(pairs))
    if fields["inpainting_mask_invert"]:
        mask = 255 - mask
    if fields["resize_mode"] == 3 and fields["inpainting_fill"] != 1:
        fields["inpainting_fill"] = 1  # the host itself fails with other masked content
    settings = {"blend": _choose(drawn, BLENDS), "feather": int(drawn.integers(0, 12))}
    inits, flats = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    options = _draw_options(drawn) | profile_options
    fields |= _draw_second_models(drawn)
    company = _draw_company(drawn)
    settings |= _draw_guards(drawn)
    return RandomJob(number, inits, flats, mask_image, mask, fields, options, settings, company)


def _choose(drawn: np.random.Generator, choices: Any) -> Any:
    return choices[int(drawn.integers(len(choices)))]


def _draw_fields(drawn: np.random.Generator, size: tuple[int, int], inits: int) -> dict[str, Any]:
    width, height = _choose(drawn, TARGETS) if drawn.random() < 0.6 else size
    return {
        "width": width,
        "height": height,
        "mask_blur": int(_choose(drawn, (0, 1, 4, 4, 9, 16, 33, 64))),
        "inpaint_full_res": bool(drawn.random() < 0.5),
        "inpaint_full_res_padding": int(_choose(drawn, (0, 4, 32, 256))),
        "inpainting_fill": int(drawn.integers(4)),
        "resize_mode": int(drawn.integers(4)),
        "inpainting_mask_invert": int(drawn.random() < 0.2),
        "denoising_strength": float(_choose(drawn, (0.3, 0.75, 1.0))),
        "batch_size": max(inits, int(_choose(drawn, (1, 1, 2)))),
        "n_iter": int(_choose(drawn, (1, 1, 2))),
    }


def _draw_second_models(drawn: np.random.Generator) -> dict[str, Any]:
    """Face restoration, a refiner."""
    fields: dict[str, Any] = {"restore_faces": bool(drawn.random() < 0.15)}
    if drawn.random() < 0.15:
        fields |= {"refiner_checkpoint": "minihost-refiner", "refiner_switch_at": 0.5, "steps": 4}
    return fields


def _draw_company(drawn: np.random.Generator) -> Company:
    before, behind = (
        tuple(hook for hook in PAINTING_HOOKS if drawn.random() < 0.1) for _ in range(2)
    )
    return Company(bool(drawn.random() < 0.15), before, behind)


def _draw_guards(drawn: np.random.Generator) -> dict[str, Any]:
    """Guards that change the job."""
    guards: dict[str, Any] = {}
    if drawn.random() < 0.5:
        guards["small_mask"] = "switch"
    if drawn.random() < 0.2:
        guards["soft_mask"] = "harden"
    return guards


def _draw_options(drawn: np.random.Generator) -> dict[str, Any]:
    return {
        "overlay_inpaint": bool(drawn.random() < 0.75),
        "img2img_color_correction": bool(drawn.random() < 0.25),
        "samples_format": _choose(drawn, ("png", "png", "png", "webp")),
        "webp_lossless": True,
        "grid_save": bool(drawn.random() < 0.2),
        "return_grid": False,
        "return_mask": bool(drawn.random() < 0.1),
        "return_mask_composite": bool(drawn.random() < 0.1),
    }


def _make_init(
    drawn: np.random.Generator, size: tuple[int, int], form: str
) -> tuple[Image.Image, np.ndarray]:
    """A picture in some mode, and uint8 H x W x 3 of what a person sees in it."""
    width, height = size
    coarse = drawn.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    pixels = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    image = Image.fromarray(pixels)
    if form == "RGBA":
        image.putalpha(Image.fromarray(drawn.integers(0, 256, (height, width)).astype(np.uint8)))
    elif form == "I;16":
        deep = pixels[..., 0].astype(np.uint16) * 256 + 77
        return Image.fromarray(deep), np.repeat(pixels[..., :1], 3, axis=2)
    elif form in ("P", "L", "LA"):
        image = image.convert("L" if form == "LA" else form)
        if form == "LA":
            image.putalpha(200)
    return image, _flatten(image)


def _flatten(image: Image.Image) -> np.ndarray:
    from modules import images, shared

    return np.asarray(images.flatten(image, shared.opts.img2img_background_color))


def _draw_shape(drawn: np.random.Generator, size: tuple[int, int], shape: str) -> np.ndarray:
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    x, y = int(drawn.integers(4, width - 12)), int(drawn.integers(4, height - 12))
    side = int(drawn.integers(6, 20))
    if shape == "box":
        mask[y : y + side, x : x + side] = 255
    elif shape == "ellipse":
        cv2.ellipse(mask, (x, y), (side, side // 2), 30, 0, 360, (255,), -1)
    elif shape == "strokes":
        cv2.line(mask, (x, y), (width - x, height - y), (255,), int(drawn.integers(1, 5)))
    elif shape == "pixel":
        mask[y, x] = 255
    elif shape == "border":
        mask[:, :side] = 255
    elif shape == "full":
        mask[:] = 255
    elif shape == "parts":
        mask[2:9, 2:9] = mask[-9:-2, -12:-4] = 255
    return mask


def _make_mask(
    drawn: np.random.Generator, mask: np.ndarray, form: str
) -> tuple[Image.Image, np.ndarray]:
    """The mask as a picture of some mode, and uint8 H x W of what is meant by it."""
    image = Image.fromarray(mask)
    if form == "L-soft":
        mask = cv2.GaussianBlur(mask, (0, 0), 3)
        return Image.fromarray(mask), mask
    if form == "L-half":
        mask = np.where(mask > 0, np.uint8(_choose(drawn, (100, 127, 128, 160))), np.uint8(0))
        return Image.fromarray(mask), mask
    if form == "RGBA-alpha":
        if mask.min() == 255:  # an all opaque alpha is no mask: the host reads the colours
            return image.convert("RGBA"), mask
        noise = drawn.integers(0, 256, (*mask.shape, 3)).astype(np.uint8)
        return Image.fromarray(np.dstack([noise, mask])), mask
    if form == "RGBA-opaque":
        return image.convert("RGBA"), mask
    if form == "I;16":
        return Image.fromarray(mask.astype(np.uint16) * 257), mask
    return image.convert(form), mask


def find_truth(
    job: RandomJob, number: int, size: tuple[int, int], *, is_switched: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """What result `number` of `size` (width, height) must show, and where: uint8, bool.

    At a resized mask's edge only pixels count that are off by both readings, cut before the
    resize and after. `is_switched`: the guard chose only masked.
    """
    from modules import images

    mode = job.fields["resize_mode"]
    flat = job.flat_inits[number % len(job.flat_inits)]
    own_size = (flat.shape[1], flat.shape[0])
    masked = is_switched or (
        job.fields["inpaint_full_res"] and (_is_alive(job, own_size) or size == own_size)
    )
    asked = (job.fields["width"], job.fields["height"])
    place = own_size if masked else _to_step(asked)
    reference = flat
    if not masked:
        picture = images.resize_image(0 if mode == 3 else mode, Image.fromarray(flat), *place)
        reference = np.asarray(picture.convert("RGB"))
    mask_mode = 0 if mode == 3 and not masked else mode
    soft, hard = _read_twice(job, mask_mode, place)
    protected = ~soft & ~hard
    return reference[: size[1], : size[0]], protected[: size[1], : size[0]]


def find_misplaced(job: RandomJob, crop_box: tuple[int, int, int, int]) -> int:
    """How many pixels of the mask, by both readings, the region (left, top, right, bottom) that
    the host repainted under only masked leaves out."""
    height, width = job.flat_inits[0].shape[:2]
    soft, hard = _read_twice(job, job.fields["resize_mode"], (width, height))
    left, top, right, bottom = crop_box
    repainted = soft & hard
    repainted[top:bottom, left:right] = False
    return int(repainted.sum())


def _read_twice(job: RandomJob, mode: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where the mask is on at `size`, cut after the resize and before: bool H x W twice."""
    from modules import images

    hard = np.where(job.mask >= 128, np.uint8(255), np.uint8(0))
    placed = (images.resize_image(mode, Image.fromarray(one), *size) for one in (job.mask, hard))
    soft, hard = (np.asarray(one.convert("L")) >= 128 for one in placed)
    return soft, hard


def _to_step(size: tuple[int, int]) -> tuple[int, int]:
    from modules import shared

    step = shared.profile.size_step
    width, height = (max((side + step // 2) // step * step, step) for side in size)
    return width, height


def _is_alive(job: RandomJob, own_size: tuple[int, int]) -> bool:
    """Whether anything of the picture, of `own_size`, is to be repainted. If not, and blur leaves
    nothing of a faint mask, the host drops to plain img2img at the size that was asked for; all of
    that is protected."""
    from modules import images

    mask = Image.fromarray(job.mask)
    placed = images.resize_image(job.fields["resize_mode"], mask, *own_size)
    return bool((np.asarray(placed.convert("L")) >= 128).any())

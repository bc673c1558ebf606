"""Both outpainting scripts: the picture grows, what is new is inpainted."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from modules import images, processing, scripts, shared
from PIL import Image, ImageDraw

SIDES = ["left", "right", "up", "down"]
STEP = 64
"""Pixels the grown size is a multiple of."""


class Border(NamedTuple):
    """Pixels added on each side."""

    left: int
    top: int
    right: int
    bottom: int


def _added(length: int, before: int, after: int) -> tuple[int, int]:
    """What is added before and after, enlarged so that the whole is a multiple of `STEP`."""
    total = math.ceil((length + before + after) / STEP) * STEP - length
    if before == 0 or after == 0:
        return (total if before else 0), (total if after else 0)
    before = before * total // (before + after)
    return before, total - before


def find_border(size: tuple[int, int], pixels: int, sides: list[str]) -> Border:
    """What is added to a picture of that size."""
    asked = [pixels if side in sides else 0 for side in SIDES]
    left, right = _added(size[0], asked[0], asked[1])
    top, bottom = _added(size[1], asked[2], asked[3])
    return Border(left, top, right, bottom)


def grow(image: Image.Image, border: Border) -> Image.Image:
    """RGB, black where it is new."""
    width, height = image.width + border.left + border.right, image.height + border.top
    canvas = Image.new("RGB", (width, height + border.bottom))
    canvas.paste(image, (border.left, border.top))
    return canvas


def mask_new(size: tuple[int, int], border: Border, inset: int) -> Image.Image:
    """L, 255 on the added sides and `inset` pixels into the old picture on them."""
    left, top, right, bottom = (side + inset if side else 0 for side in border)
    mask = Image.new("L", size, 255)
    ImageDraw.Draw(mask).rectangle((left, top, size[0] - right, size[1] - bottom), fill=0)
    return mask


def _save(p: Any, image: Image.Image, seed: int, info: str) -> None:
    if shared.opts.samples_save:
        folder, kind = p.outpath_samples, shared.opts.samples_format
        images.save_image(image, folder, "", seed, p.prompt, kind, info=info, p=p)


def _sides_ui(title_id: Any, blur: int) -> tuple[Any, Any, Any]:
    import gradio

    pixels = gradio.Slider(8, 256, 128, step=8, label="Pixels to expand", elem_id=title_id("px"))
    soft = gradio.Slider(0, 64, blur, step=1, label="Mask blur", elem_id=title_id("blur"))
    sides = gradio.CheckboxGroup(SIDES, value=SIDES, label="Outpainting direction")
    return pixels, soft, sides


class PoorMansOutpainting(scripts.Script):
    """Selectable; as the hosts' script of that title: tile by tile."""

    def title(self) -> str:
        return "Poor man's outpainting"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio

        pixels, blur, sides = _sides_ui(self.elem_id, 4)
        kinds = ["fill", "original", "latent noise", "latent nothing"]
        fill = gradio.Radio(kinds, value="fill", type="index", label="Masked content")
        return [pixels, blur, fill, sides]

    def run(self, p: Any, *args: Any) -> Any:
        pixels, mask_blur, fill, sides = args
        p.mask_blur, p.inpainting_fill, p.inpaint_full_res = mask_blur * 2, fill, False
        p.n_iter = p.batch_size = 1
        p.do_not_save_grid = p.do_not_save_samples = True
        border = find_border(p.init_images[0].size, pixels, sides)
        grown = grow(p.init_images[0], border)
        insets = (mask_blur * 2, mask_blur // 2)
        layers = [grown, *(mask_new(grown.size, border, inset) for inset in insets)]
        grids = [images.split_grid(layer, p.width, p.height, pixels) for layer in layers]
        jobs = [
            (places[0], *(place[2] for place in places[1:]))
            for rows in zip(*(grid.tiles for grid in grids), strict=True)
            for places in zip(*(row[2] for row in rows), strict=True)
            if np.asarray(places[1][2]).any()
        ]
        seed, info = processing.get_fixed_seed(p.seed), ""
        for number, (place, mask, latent_mask) in enumerate(jobs):
            p.init_images, p.image_mask, p.latent_mask = [place[2]], mask, latent_mask
            p.seed = seed + number
            processed = processing.process_images(p)
            place[2] = processed.images[0].convert("RGB")
            info = info or processed.info
        combined = images.combine_grid(grids[0])
        _save(p, combined, seed, info)
        return processing.Processed(p, [combined], seed, info)


class OutpaintingMk2(scripts.Script):
    """Selectable; as the hosts' script of that title: side by side, noise where it is new."""

    def title(self) -> str:
        return "Outpainting mk2"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        return list(_sides_ui(self.elem_id, 8))

    def run(self, p: Any, *args: Any) -> Any:
        pixels, mask_blur, sides = args
        p.inpaint_full_res, p.inpainting_fill, p.n_iter = False, 1, 1
        p.do_not_save_grid = p.do_not_save_samples = True
        p.mask_blur = mask_blur * 4
        made = [p.init_images[0]] * p.batch_size
        border = find_border(made[0].size, pixels, sides)
        seed, info = processing.get_fixed_seed(p.seed), ""
        for side, count in enumerate(border):
            if count:
                made, told = self._expand(p, made, side, count, mask_blur)
                info = info or told
        for image in made:
            _save(p, image, seed, info)
        return processing.Processed(p, made, seed, info)

    def _expand(
        self, p: Any, pictures: list[Image.Image], side: int, count: int, blur: int
    ) -> tuple[list[Image.Image], str]:
        """The pictures larger by `count` pixels on one side, and the job's infotext."""
        border = Border(*(count if number == side else 0 for number in range(4)))
        grown = [self._with_noise(grow(picture, border), border) for picture in pictures]
        p.width, p.height = (-(-length // 8) * 8 for length in grown[0].size)
        p.resize_mode, p.init_images = 2, grown
        p.image_mask = mask_new(grown[0].size, border, blur)
        p.latent_mask = mask_new((p.width, p.height), border, blur * 2)
        processed = processing.process_images(p)
        found = processed.images[processed.index_of_first_image :][: len(grown)]
        return [
            image.convert("RGB").crop((0, 0, *grown[0].size)) for image in found
        ], processed.info

    def _with_noise(self, image: Image.Image, border: Border) -> Image.Image:
        pixels = np.array(image)
        new = np.asarray(mask_new(image.size, border, 0)) > 0
        known = pixels[~new]
        chosen = np.random.default_rng(known.size).integers(0, len(known), int(new.sum()))
        pixels[new] = known[chosen]
        return Image.fromarray(pixels)

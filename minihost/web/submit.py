"""From what the page sends to a finished job; pictures and masks are read as the hosts do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import gradio as gr
from modules import infotext_utils, processing, scripts, shared
from modules.ui_common import plaintext_to_html
from PIL import Image, ImageOps

from minihost.web.canvas import Painted, SketchCanvas, UrlCanvas, cut_as_the_page_does

UPLOADS = 2
FOLDERS = 3
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")

Outputs = tuple[list[Any], str, str, str]


class Mode(IntEnum):
    """The pages of the img2img tab, by their place."""

    IMG2IMG = 0
    SKETCH = 1
    INPAINT = 2
    INPAINT_SKETCH = 3
    INPAINT_UPLOAD = 4
    BATCH = 5


@dataclass(frozen=True)
class Folders:
    """The Batch page's folders; "" where none is given."""

    pictures: str
    results: str
    masks: str


class Img2ImgPage:
    """Runs the img2img tab's jobs.

    Args:
        names: Form names of the controls, in the order their values come.
        canvases: The canvases, in the order their values come.
    """

    def __init__(
        self, names: Sequence[str], canvases: Mapping[Mode, SketchCanvas | UrlCanvas]
    ) -> None:
        self.names = names
        self.canvases = canvases

    def run(self, id_task: str, request: gr.Request, *values: Any) -> Outputs:
        """One press of Generate: gallery, generation info, infotext HTML and messages."""
        mode, prompt, negative_prompt, styles, *rest = values
        form = dict(zip(self.names, rest, strict=False))
        rest = rest[len(self.names) :]
        form |= {"prompt": prompt, "negative_prompt": negative_prompt, "styles": styles}
        mode = Mode(int(mode or 0))
        painted, rest = self._read_pictures(mode, form, rest)
        folders, script_args = Folders(*rest[:FOLDERS]), tuple(rest[FOLDERS:])
        if mode is not Mode.BATCH and painted.image is None:
            raise ValueError("No picture: put one on the page that is in front.")
        with closing(make_img2img(form, painted)) as p:
            prepare(p, script_args, request)
            if mode is Mode.BATCH:
                return as_outputs(run_batch(p, folders, resize_factor(form)))
            return as_outputs(run_job(p))

    def _read_pictures(
        self, mode: Mode, form: Mapping[str, Any], values: Sequence[Any]
    ) -> tuple[Painted, Sequence[Any]]:
        painted = Painted(None)
        for canvas_mode, canvas in self.canvases.items():
            count = len(canvas.inputs)
            if canvas_mode is mode:
                blur = int(form["mask_blur"])
                painted = canvas.read(values[:count], form["mask_alpha"] or 0, blur)
            values = values[count:]
        if mode is Mode.INPAINT_UPLOAD:
            painted = Painted(*values[:UPLOADS])
        return upright(painted), values[UPLOADS:]


def upright(painted: Painted) -> Painted:
    """The picture turned as its EXIF data say, the mask cut where the host's page cuts it."""
    image = painted.image and ImageOps.exif_transpose(painted.image)
    return Painted(image, cut_as_the_page_does(painted.mask))


def resize_factor(form: Mapping[str, Any]) -> float | None:
    """The factor of "Resize by", None when a size in pixels is asked for."""
    return float(form["scale_by"]) if int(form["selected_scale_tab"]) == 1 else None


def make_img2img(form: Mapping[str, Any], painted: Painted) -> Any:
    """The job of a form; its size is the form's, or the picture's times the factor."""
    width, height = int(form["width"]), int(form["height"])
    factor = resize_factor(form)
    if factor is not None and painted.image is not None:
        width, height = (int(side * factor) for side in painted.image.size)
    opts = shared.opts
    return processing.StableDiffusionProcessingImg2Img(
        **common_arguments(form),
        outpath_samples=opts.outdir_samples or opts.outdir_img2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_img2img_grids,
        width=width,
        height=height,
        init_images=[painted.image],
        mask=painted.mask,
        mask_blur=int(form["mask_blur"]),
        inpainting_fill=form["inpainting_fill"],
        resize_mode=form["resize_mode"],
        denoising_strength=form["denoising_strength"],
        inpaint_full_res=form["inpaint_full_res"],
        inpaint_full_res_padding=form["inpaint_full_res_padding"],
        inpainting_mask_invert=form["inpainting_mask_invert"],
    )


def common_arguments(form: Mapping[str, Any]) -> dict[str, Any]:
    """What both kinds of job take from their form."""
    overrides = infotext_utils.create_override_settings_dict(form["override_settings"] or [])
    return {
        "sd_model": shared.sd_model,
        "prompt": form["prompt"],
        "negative_prompt": form["negative_prompt"],
        "styles": form["styles"],
        "sampler_name": form["sampler_name"],
        "scheduler": form["scheduler"],
        "steps": int(form["steps"]),
        "seed": int(form["seed"]),
        "cfg_scale": form["cfg_scale"],
        "batch_size": int(form["batch_size"]),
        "n_iter": int(form["n_iter"]),
        "override_settings": overrides,
    }


def prepare(p: Any, script_args: tuple[Any, ...], request: gr.Request) -> None:
    """Give the job its scripts, their values and its user."""
    p.scripts = scripts.scripts_img2img
    p.script_args = script_args
    p.user = request.username


def run_job(p: Any) -> Any:
    """Run the selected script, or the plain pipeline."""
    processed = p.scripts.run(p, *p.script_args)
    return processing.process_images(p) if processed is None else processed


def as_outputs(processed: Any) -> Outputs:
    """What the page shows of a finished job."""
    pictures = [] if shared.opts.do_not_show_images else processed.images
    comments = plaintext_to_html(processed.comments, classname="comments")
    return pictures, processed.js(), plaintext_to_html(processed.info), comments


def run_batch(p: Any, folders: Folders, factor: float | None) -> Any:
    """Run the job on every picture of a folder, each with its mask when there is a mask folder.

    Raises:
        ValueError: The folder holds no picture that can be processed.
    """
    processing.fix_seed(p)
    pairs = list(picture_pairs(folders))
    shared.state.job_count = len(pairs) * p.n_iter
    total = None
    for picture, mask in pairs:
        if shared.state.interrupted or shared.state.stopping_generation:
            break
        set_batch_picture(p, picture, mask, folders.results, factor)
        processed = run_job(p)
        if total is None:
            total = processed
        else:
            total.images += processed.images
            total.infotexts += processed.infotexts
    if total is None:
        raise ValueError(f"No picture to process in the folder {folders.pictures!r}.")
    return total


def picture_pairs(folders: Folders) -> Iterator[tuple[Path, Path | None]]:
    """Pictures of the folder with their masks; one that lacks its mask is passed over and named."""
    masks = [Path(name) for name in shared.listfiles(folders.masks)] if folders.masks else []
    for name in shared.walk_files(folders.pictures, allowed_extensions=PICTURE_SUFFIXES):
        picture = Path(name)
        named = masks if len(masks) == 1 else [m for m in masks if m.stem == picture.stem]
        if masks and not named:
            print(f"No mask for {picture} in {folders.masks}: skipped.")
            continue
        yield picture, named[0] if named else None


def set_batch_picture(
    p: Any, picture: Path, mask: Path | None, results: str, factor: float | None
) -> None:
    """Make one picture of the batch the job's own."""
    image = ImageOps.exif_transpose(Image.open(picture))
    if factor is not None:
        p.width, p.height = (int(side * factor) for side in image.size)
    p.init_images = [image] * p.batch_size
    p.image_mask = Image.open(mask) if mask else None
    if results.strip():
        is_many = p.n_iter > 1 or p.batch_size > 1
        p.outpath_samples = results.strip()
        p.override_settings |= {
            "save_to_dirs": False,
            "save_images_replace_action": "Add number suffix",
            "samples_filename_pattern": picture.stem + ("-[generation_number]" if is_many else ""),
        }


class Txt2ImgPage:
    """Runs the txt2img tab's jobs; `names` are the form names in the order the values come."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def run(self, id_task: str, request: gr.Request, *values: Any) -> Outputs:
        """One press of Generate: gallery, generation info, infotext HTML and messages."""
        prompt, negative_prompt, styles, *rest = values
        form = dict(zip(self.names, rest, strict=False))
        form |= {"prompt": prompt, "negative_prompt": negative_prompt, "styles": styles}
        opts = shared.opts
        p = processing.StableDiffusionProcessingTxt2Img(
            **common_arguments(form),
            outpath_samples=opts.outdir_samples or opts.outdir_txt2img_samples,
            outpath_grids=opts.outdir_grids or opts.outdir_txt2img_grids,
            width=int(form["width"]),
            height=int(form["height"]),
        )
        with closing(p):
            prepare(p, tuple(rest[len(self.names) :]), request)
            p.scripts = scripts.scripts_txt2img
            return as_outputs(run_job(p))

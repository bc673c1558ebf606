"""The demo: a photograph of a cup, a mask over it, and what the guard makes of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from bleed_guard import BleedReport

CUP = (158, 10, 426, 296)
"""Ellipse's box over the cup in scikit-image's coffee.png (600 x 400, CC0), px."""

SEED = 20240601
PROMPT = "a cat in the saucer"


class DemoJob(NamedTuple):
    """What is inpainted: an RGB picture and an L mask, 255 where it is painted."""

    image: Image.Image
    mask: Image.Image


def make_job() -> DemoJob:
    """The photograph that scikit-image ships, and the mask."""
    from skimage import data

    image = Image.fromarray(data.coffee())
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).ellipse(CUP, fill=255)
    return DemoJob(image, mask)


def run_demo(profile: str, engine: str, port: int, *, open_browser: bool) -> None:
    """Serve the page with the job on its Inpaint page until interrupted."""
    job = make_job()
    from minihost.web.server import ServeOptions, serve

    def tell(url: str) -> None:
        print(f"Bleed Guard demo: {url}\nPress Generate, then look at the Bleed tab.", flush=True)
        print("Stop with Ctrl+C.", flush=True)

    serve(
        ServeOptions(profile=profile, engine=engine, port=port, open_browser=open_browser),
        start=job,
        on_ready=tell,
    )


def run_headless_demo(out: Path, profile: str, engine: str) -> int:
    """Run the job with and without the guard, write the pictures, print the verdict.

    Returns:
        0 when no protected pixel changed, else 1.
    """
    from bleed_guard import measure_bleed, render_heatmap
    from minihost.web.server import ServeOptions, start_host

    start_host(ServeOptions(profile=profile, engine=engine))
    job = make_job()
    pictures = {
        "original": job.image,
        "unguarded": generate(job, is_guarded=False),
        "result": generate(job, is_guarded=True),
    }
    mask = np.asarray(job.mask)
    arrays = {name: np.asarray(picture.convert("RGB")) for name, picture in pictures.items()}
    unguarded = measure_bleed(arrays["original"], arrays["unguarded"], mask)
    result = measure_bleed(arrays["original"], arrays["result"], mask)
    heatmap = render_heatmap(arrays["original"], arrays["unguarded"], mask)
    pictures |= {"mask": job.mask, "heatmap": Image.fromarray(heatmap)}
    write(out, pictures, result, unguarded)
    print(tell_verdict(result, unguarded))
    print(f"Pictures and report: {out}")
    return 0 if result.changed == 0 else 1


def tell_verdict(result: BleedReport, unguarded: BleedReport) -> str:
    """Two sentences: with the guard, and without it."""
    share = unguarded.changed / max(1, unguarded.protected)
    return (
        f"Bleed Guard: {result.changed:,} of {result.protected:,} protected pixels changed "
        f"({result.verdict.value}).\nWithout the guard: {unguarded.changed:,} ({share:.1%}), "
        f"max {unguarded.max}, reach {unguarded.reach} px."
    )


def write(
    out: Path, pictures: dict[str, Image.Image], result: BleedReport, unguarded: BleedReport
) -> None:
    """Write the pictures as PNG, and the result's report as JSON with the other one in it."""
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        picture.save(out / f"{name}.png")
    report = {**result.to_json(), "unguarded": unguarded.to_json()}
    text = json.dumps(report, indent=2)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")


def generate(job: DemoJob, *, is_guarded: bool) -> Image.Image:
    """Inpaint the job with the hosts' default settings.

    Args:
        job: What to inpaint.
        is_guarded: Whether the loaded scripts take part.
    """
    from modules import processing, scripts, shared

    from minihost.web.panels import create_panels, starting_args

    p = processing.StableDiffusionProcessingImg2Img(
        sd_model=shared.sd_model,
        outpath_samples=shared.opts.outdir_img2img_samples,
        outpath_grids=shared.opts.outdir_img2img_grids,
        prompt=PROMPT,
        seed=SEED,
        width=job.image.width,
        height=job.image.height,
        init_images=[job.image],
        mask=job.mask,
        mask_blur=4,
        inpainting_fill=1,
        inpaint_full_res=False,
        denoising_strength=0.75,
    )
    if is_guarded:
        create_panels()
        p.scripts = scripts.scripts_img2img
        p.script_args = starting_args(p.scripts)
    with closing(p):
        return first_image(processing.process_images(p))


def first_image(processed: Any) -> Image.Image:
    """The first picture that is no grid."""
    return processed.images[processed.index_of_first_image]

"""Masks, crops and init images on their way to the model and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

StartHost = Callable[..., Any]
MakeJob = Callable[..., Any]


def _run(p: Any) -> np.ndarray:
    from modules import processing

    done = processing.process_images(p)
    return np.asarray(done.images[done.index_of_first_image].convert("RGB"))


def _alpha_mask(mask: Image.Image) -> Image.Image:
    made = Image.new("RGBA", mask.size, "black")
    made.putalpha(mask)
    return made


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "RGBA alpha", "RGBA opaque"])
def test_a_hard_mask_protects_the_rest_in_every_mode(
    mode: str,
    start_host: StartHost,
    make_job: MakeJob,
    photo: Image.Image,
    mask: Image.Image,
) -> None:
    start_host()
    given = _alpha_mask(mask) if mode == "RGBA alpha" else mask.convert(mode.split()[0])
    result = _run(make_job(mask=given, mask_blur=0))
    different = (result != np.asarray(photo)).any(axis=-1)
    inside = np.asarray(mask) > 0
    assert not different[~inside].any()
    assert different[inside].mean() > 0.9


def test_a_grey_mask_stays_soft(start_host: StartHost, make_job: MakeJob) -> None:
    start_host()
    grey = Image.new("L", (96, 64))
    grey.paste(100, (0, 0, 48, 64))
    p = make_job(mask=grey, mask_blur=0)
    _run(p)
    assert set(np.unique(np.asarray(p.mask_for_overlay))) == {0, 200}


def test_alpha_is_cut_above_128(start_host: StartHost) -> None:
    start_host()
    from modules.processing import create_binary_mask

    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    cut = np.asarray(create_binary_mask(_alpha_mask(ramp)))[0]
    assert (cut[128], cut[129]) == (0, 255)
    assert np.asarray(create_binary_mask(_alpha_mask(ramp), round=False))[0].tolist() == list(
        range(256)
    )


@pytest.mark.parametrize(("blur", "area"), [(4, []), (16, [(48, 32, 49, 33)])])
def test_a_mask_the_blur_wipes_out_turns_only_masked_into_img2img(
    blur: int, area: list[Any], start_host: StartHost, make_job: MakeJob, photo: Image.Image
) -> None:
    start_host()
    tiny = Image.new("L", (96, 64))
    for box in area:
        tiny.paste(255, box)
    p = make_job(mask=tiny, mask_blur=blur, inpaint_full_res=True)
    result = _run(p)
    assert (result != np.asarray(photo)).any(axis=-1).mean() > 0.99
    assert (p.overlay_images, p.mask_for_overlay, p.inpaint_full_res) == ([], None, False)
    assert any("mask is blank" in text for text in p.comments)


@pytest.mark.parametrize(
    ("region", "size", "grown"),
    [
        ((10, 10, 20, 20), (96, 64), (8, 10, 23, 20)),
        ((0, 10, 10, 20), (96, 64), (0, 10, 15, 20)),
        ((86, 10, 96, 20), (96, 64), (81, 10, 96, 20)),
        ((0, 0, 96, 64), (96, 64), (0, 0, 96, 64)),
        ((10, 10, 40, 14), (64, 64), (10, 0, 40, 30)),
        ((10, 55, 60, 60), (64, 64), (10, 14, 60, 64)),
    ],
)
def test_a_crop_grows_to_the_working_aspect_ratio(
    region: Any, size: tuple[int, int], grown: Any, start_host: StartHost
) -> None:
    start_host()
    from modules.masking import expand_crop_region

    assert expand_crop_region(region, *size, 96, 64) == grown


def test_a_blank_masks_region(start_host: StartHost) -> None:
    start_host()
    from modules.masking import get_crop_region, get_crop_region_v2

    blank = np.zeros((64, 96), np.uint8)
    assert get_crop_region_v2(blank, 8) is None
    assert get_crop_region(blank, 8) == (88, 56, 8, 8)


def test_only_masked_pastes_at_paste_to(
    start_host: StartHost, make_job: MakeJob, photo: Image.Image
) -> None:
    start_host()
    p = make_job(inpaint_full_res=True, inpaint_full_res_padding=4, mask_blur=0)
    result = _run(p)
    x, y, width, height = p.paste_to
    outside = np.ones((64, 96), bool)
    outside[y : y + height, x : x + width] = False
    assert (result[outside] == np.asarray(photo)[outside]).all()
    assert (x, y, x + width, y + height) != (0, 0, 96, 64)


def test_only_masked_without_overlay_comes_back_as_the_bare_crop(
    start_host: StartHost, make_job: MakeJob
) -> None:
    start_host()
    from modules import shared

    shared.opts.overlay_inpaint = False
    assert _run(make_job(inpaint_full_res=True, width=64, height=64)).shape == (64, 64, 3)


@pytest.mark.parametrize("fill", [0, 1, 2, 3])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_every_fill_and_resize_mode_keeps_the_overlay_exact(
    fill: int, mode: int, start_host: StartHost, make_job: MakeJob, photo: Image.Image
) -> None:
    start_host()
    from modules import images

    p = make_job(
        inpainting_fill=fill, resize_mode=mode, width=80, height=80, mask_blur=0, mask_round=True
    )
    result = _run(p)
    reference = np.asarray(images.resize_image(mode, photo, 80, 80))
    protected = np.asarray(p.mask_for_overlay.convert("L")) == 0
    assert protected.mean() > 0.3
    assert (result[protected] == reference[protected]).all()


def test_fill_shows_the_surroundings(start_host: StartHost, make_job: MakeJob) -> None:
    start_host()
    flat = Image.new("RGB", (96, 64), (10, 200, 30))
    flat.paste((255, 0, 255), (40, 20, 60, 40))
    hole = Image.new("L", (96, 64))
    hole.paste(255, (38, 18, 62, 42))
    p = make_job(init_images=[flat], mask=hole, mask_blur=0, inpainting_fill=0)
    _run(p)
    filled = p.model_images[0][30, 50].astype(int)
    assert np.abs(filled - (10, 200, 30)).max() <= 2
    assert p.extra_generation_params["Masked content"] == "fill"


def test_latent_upscale_with_another_fill_fails_as_in_the_hosts(
    start_host: StartHost, make_job: MakeJob
) -> None:
    start_host()
    with pytest.raises(ValueError, match="images do not match"):
        _run(make_job(resize_mode=3, width=128, height=80, inpainting_fill=0))


def test_several_init_images_have_an_overlay_each(
    start_host: StartHost, make_job: MakeJob, photo: Image.Image
) -> None:
    start_host()
    from modules import processing

    other = Image.new("RGB", photo.size, "teal")
    p = make_job(init_images=[photo, other], batch_size=3, mask_blur=0)
    done = processing.process_images(p)
    assert p.batch_size == 2
    first, second = (np.asarray(image) for image in done.images[1:])
    assert (first[:8] == np.asarray(photo)[:8]).all()
    assert (second[:8] == (0, 128, 128)).all()


def test_more_init_images_than_the_batch_holds_are_refused(
    start_host: StartHost, make_job: MakeJob, photo: Image.Image
) -> None:
    start_host()
    with pytest.raises(RuntimeError, match="bad number of images passed: 2; expecting 1"):
        _run(make_job(init_images=[photo, photo]))


def test_color_correction_and_faces_leave_the_outside_alone(
    start_host: StartHost, make_job: MakeJob, photo: Image.Image, mask: Image.Image
) -> None:
    start_host()
    from modules import shared

    shared.opts.img2img_color_correction = True
    result = _run(make_job(restore_faces=True, mask_blur=0))
    outside = np.asarray(mask) == 0
    assert (result[outside] == np.asarray(photo)[outside]).all()
    plain = _run(make_job(mask_blur=0))
    assert (result != plain).any()


@pytest.mark.parametrize(("tile", "overlap"), [((32, 32), 8), ((48, 64), 16), ((96, 64), 8)])
def test_tiles_put_together_are_the_image(
    tile: tuple[int, int], overlap: int, start_host: StartHost, photo: Image.Image
) -> None:
    start_host()
    from modules import images

    grid = images.split_grid(photo, tile_w=tile[0], tile_h=tile[1], overlap=overlap)
    assert images.combine_grid(grid).tobytes() == photo.tobytes()
    assert grid.tile_count == sum(len(row) for _, _, row in grid.tiles)

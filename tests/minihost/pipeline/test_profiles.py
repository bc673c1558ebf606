"""Where the hosts differ around the model, beyond what the recordings hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minihost

HOSTS = list(minihost.PROFILES)


def _run(p: Any) -> Any:
    from modules import processing

    return processing.process_images(p)


def test_unknown_names_are_told_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no host profile 'comfy'.*a1111.*neo"):
        minihost.activate("comfy")
    with pytest.raises(KeyError, match=r"no engine 'flux'.*drift"):
        minihost.activate("a1111", engine="flux")


def test_a_profile_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        minihost.find_profile("a1111").ramp = None  # type: ignore[misc]


@pytest.mark.parametrize("host", HOSTS)
def test_starting_again_keeps_the_objects_and_forgets_the_rest(
    host: str, start_host: Callable[..., Any], tmp_path: Any
) -> None:
    start_host("a1111", data_dir=tmp_path / "one", flags=["--api"])
    from modules import script_callbacks, shared
    from modules.shared import cmd_opts, opts, state

    opts.samples_format = "jpg"
    state.interrupt()
    script_callbacks.on_ui_settings(lambda: None)
    assert cmd_opts.api
    start_host(host, data_dir=tmp_path / "two")
    assert (opts, state, cmd_opts) == (shared.opts, shared.state, shared.cmd_opts)
    assert opts.samples_format == "png"
    assert not state.interrupted
    assert not cmd_opts.api
    assert not script_callbacks.ordered_callbacks("ui_settings")


@pytest.mark.parametrize(
    ("host", "asked", "given"),
    [
        ("a1111", (93, 61), (88, 56)),
        ("forge", (100, 60), (96, 56)),
        ("neo", (93, 61), (64, 64)),
        ("neo", (96, 64), (128, 64)),
        ("neo", (160, 32), (192, 64)),
        ("neo", (10, 10), (64, 64)),
    ],
)
def test_sizes(
    host: str,
    asked: tuple[int, int],
    given: tuple[int, int],
    start_host: Callable[..., Any],
    make_job: Callable[..., Any],
) -> None:
    start_host(host)
    assert _run(make_job(width=asked[0], height=asked[1])).images[0].size == given


def test_blur_by_axis_ignores_what_is_no_whole_number(
    start_host: Callable[..., Any], make_job: Callable[..., Any]
) -> None:
    start_host("a1111")
    p = make_job(mask_blur=4)
    p.mask_blur = 9.0
    assert (p.mask_blur, p.mask_blur_x, p.mask_blur_y) == (4, 4, 4)
    p.mask_blur_y = 2
    assert p.mask_blur is None
    p.mask_blur = 6
    assert (p.mask_blur_x, p.mask_blur_y) == (6, 6)


def test_neo_has_one_blur(start_host: Callable[..., Any], make_job: Callable[..., Any]) -> None:
    start_host("neo")
    p = make_job(mask_blur=4)
    assert (p.mask_blur_x, p.mask_blur_y) == (4, 4)
    with pytest.raises(AttributeError):
        p.mask_blur_x = 2


@pytest.mark.parametrize(("host", "reach"), [("a1111", 10), ("forge", 10), ("neo", 10)])
def test_mask_blur_reaches_as_far_as_its_kernel(
    host: str, reach: int, start_host: Callable[..., Any], make_job: Callable[..., Any]
) -> None:
    start_host(host)
    square = Image.new("L", (128, 128))
    square.paste(255, (48, 48, 80, 80))
    p = make_job(
        mask=square,
        init_images=[Image.new("RGB", (128, 128), "white")],
        width=128,
        height=128,
        mask_blur=4,
    )
    _run(p)
    changed = np.argwhere(np.asarray(p.mask_for_overlay) > 0)
    assert changed.min() >= 48 - reach
    assert changed.max() <= 79 + reach
    assert np.asarray(p.mask_for_overlay)[64, 79 + reach - 1] > 0


def test_a_tuple_overlay_is_blended_in_float_only_where_the_host_knows_it(
    start_host: Callable[..., Any], make_job: Callable[..., Any]
) -> None:
    start_host("neo")
    from modules import shared

    shared.opts.img2img_inpaint_precise_mask = True
    p = make_job(mask_blur=4, width=128)
    _run(p)
    image, mask = p.overlay_images[0]
    assert image.mode == "RGB"
    assert (mask.dtype, mask.shape) == (np.float32, (64, 128))
    assert mask.max() <= 1


@pytest.mark.parametrize("host", HOSTS)
def test_an_overlay_of_a_script_replaces_the_hosts_own(
    host: str,
    start_host: Callable[..., Any],
    make_job: Callable[..., Any],
    make_runner: Callable[..., Any],
) -> None:
    start_host(host)
    from modules import scripts, shared

    class Red(scripts.Script):
        def postprocess_maskoverlay(self, p: Any, ppmo: Any, *args: Any) -> None:
            ppmo.overlay_image = Image.new("RGBA", (128, 64), "red")

    shared.opts.overlay_inpaint = False
    done = _run(make_job(runner=make_runner(Red()), width=128))
    assert done.images[0].getcolors() == [(128 * 64, (255, 0, 0))] or (
        done.images[0].convert("RGB").getcolors() == [(128 * 64, (255, 0, 0))]
    )


@pytest.mark.parametrize(("host", "color"), [("a1111", (255, 255, 255)), ("neo", (128, 128, 128))])
def test_what_is_transparent_is_flattened_on_the_hosts_color(
    host: str,
    color: tuple[int, int, int],
    start_host: Callable[..., Any],
    make_job: Callable[..., Any],
) -> None:
    start_host(host)
    clear = Image.new("RGBA", (128, 64), (9, 9, 9, 0))
    done = _run(make_job(init_images=[clear], width=128, mask_blur=0))
    assert done.images[0].convert("RGB").getpixel((0, 0)) == color


def test_stealth_in_colors_flips_lowest_bits_only(
    start_host: Callable[..., Any], make_job: Callable[..., Any], photo: Image.Image
) -> None:
    start_host("forge")
    from modules import images, shared

    shared.opts.stealth_pnginfo_option = "RGB"
    done = _run(make_job(mask_blur=0))
    shown = np.asarray(done.images[0]).astype(int)
    assert done.images[0].mode == "RGB"
    assert set(np.unique(np.abs(shown - np.asarray(photo))[:, :20])) == {0, 1}
    plain = done.images[0].copy()
    plain.info.clear()
    assert images.read_info_from_image(plain)[0] == done.infotexts[0]


def test_stealth_in_alpha_is_read_back(
    start_host: Callable[..., Any], make_job: Callable[..., Any]
) -> None:
    start_host("reforge")
    from modules import images

    done = _run(make_job(prompt="ünïcode, " * 20))
    plain = done.images[0].copy()
    plain.info.clear()
    assert set(np.unique(np.asarray(plain)[..., 3])) == {254, 255}
    assert images.read_info_from_image(plain)[0] == done.infotexts[0]
    start_host("a1111")
    assert images.read_info_from_image(plain)[0] is None

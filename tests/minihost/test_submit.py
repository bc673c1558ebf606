"""What the page sends becomes the job a host would make of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from minihost import PROFILES
from tests.minihost.conftest import host_names

FORM = {
    "sampler_name": "Euler",
    "scheduler": "Automatic",
    "steps": 4,
    "seed": 5.0,
    "cfg_scale": 7.0,
    "batch_size": 1,
    "n_iter": 1,
    "width": 128,
    "height": 64,
    "selected_scale_tab": 0,
    "scale_by": 1.0,
    "denoising_strength": 0.75,
    "mask_blur": 0,
    "mask_alpha": 0,
    "inpainting_mask_invert": 0,
    "inpainting_fill": 1,
    "inpaint_full_res": 0,
    "inpaint_full_res_padding": 32,
    "resize_mode": 0,
    "override_settings": [],
}
NOBODY = SimpleNamespace(username=None)


@pytest.fixture
def submit(started: Callable[..., Any]) -> Callable[..., Any]:
    """Presses Generate: `submit(mode, uploads=(image, mask), folders=("in", "", ""), **form)`."""
    started()
    from modules import scripts

    from minihost.web.panels import create_panels, starting_args
    from minihost.web.submit import Img2ImgPage

    create_panels()

    def press(
        mode: int,
        uploads: tuple[Any, Any] = (None, None),
        folders: tuple[str, str, str] = ("", "", ""),
        **changes: Any,
    ) -> Any:
        form = FORM | changes
        page = Img2ImgPage(tuple(form), {})
        script_args = starting_args(scripts.scripts_img2img)
        request: Any = NOBODY
        values = [mode, "", "", [], *form.values(), *uploads, *folders, *script_args]
        return page.run("task(test)", request, *values)

    return press


def changed_part(result: Image.Image, original: Image.Image) -> np.ndarray:
    """Bool H x W: where two pictures differ."""
    return np.any(np.asarray(result.convert("RGB")) != np.asarray(original), axis=2)


def test_uploaded_mask_is_repainted(
    submit: Callable[..., Any], picture: Image.Image, mask: Image.Image
) -> None:
    images, info, html, comments = submit(4, uploads=(picture, mask))
    changed = changed_part(images[0], picture)
    assert changed[np.asarray(mask) > 0].mean() > 0.9
    assert not changed[np.asarray(mask) == 0].any()
    assert '"seed": 5' in info
    assert "Denoising strength: 0.75" in html
    assert "probe was here &lt;b&gt;" in comments


@pytest.mark.parametrize("profile", host_names())
def test_page_cuts_grey_masks_where_the_host_does(
    started: Callable[..., Any], mask: Image.Image, profile: str
) -> None:
    started(profile)
    from minihost.web.canvas import cut_as_the_page_does

    levels = Image.fromarray(np.array([[0, 127, 128, 129, 255]], np.uint8))
    cut = np.asarray(cut_as_the_page_does(levels)).tolist()[0]
    is_cut = PROFILES[profile].page_cuts_masks
    assert cut == ([0, 0, 0, 255, 255] if is_cut else [0, 127, 128, 129, 255])


def test_resize_by_a_factor(submit: Callable[..., Any], picture: Image.Image) -> None:
    images, *_ = submit(4, uploads=(picture, None), selected_scale_tab=1, scale_by=2.0)
    assert images[0].size == (256, 128)


def test_nothing_to_inpaint_is_told(submit: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="No picture"):
        submit(4)


def test_batch_takes_each_picture_with_its_own_mask(
    submit: Callable[..., Any], picture: Image.Image, mask: Image.Image, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("in", "out", "masks")]
    for folder in folders:
        folder.mkdir()
    other = mask.transpose(Image.Transpose.FLIP_TOP_BOTTOM).rotate(180)
    for name, its_mask in (("a", mask), ("b", other)):
        picture.save(folders[0] / f"{name}.png")
        its_mask.save(folders[2] / f"{name}.png")
    picture.save(folders[0] / "without_mask.png")
    images, *_ = submit(5, folders=tuple(str(folder) for folder in folders))
    assert len(images) == 2
    saved = sorted(folders[1].iterdir())
    assert [path.name for path in saved] == ["00000-a.png", "00001-b.png"]
    for path, its_mask in zip(saved, (mask, other), strict=True):
        changed = changed_part(Image.open(path), picture)
        assert changed[np.asarray(its_mask) > 0].mean() > 0.9
        assert not changed[np.asarray(its_mask) == 0].any()


def test_empty_batch_folder_is_told(submit: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No picture to process"):
        submit(5, folders=(str(tmp_path), "", ""))


def test_colour_sketch_repaints_what_was_painted(picture: Image.Image) -> None:
    from minihost.web.canvas import blend_sketch, keep_unpainted

    painted = picture.copy()
    painted.paste((255, 0, 0), (10, 10, 30, 30))
    assert keep_unpainted(painted, picture) is picture
    assert keep_unpainted(painted, None) is painted
    blended = blend_sketch(painted, picture, mask_alpha=40, mask_blur=0)
    mask = np.asarray(blended.mask)
    assert set(np.unique(mask[10:30, 10:30])) == {153}
    assert not mask[:10].any()
    assert np.array_equal(np.asarray(blended.image)[40:], np.asarray(picture)[40:])


def test_brush_paths_cover_the_mask_and_stay_inside() -> None:
    import cv2

    from minihost.web.canvas import BRUSH_WIDTH, brush_strokes

    mask = np.zeros((200, 300), np.uint8)
    cv2.ellipse(mask, (150, 100), (90, 70), 0, 0, 360, (255,), -1)
    painted = np.zeros_like(mask)
    for path in brush_strokes(Image.fromarray(mask)):
        cv2.polylines(painted, [np.array(path, np.int32)], True, (255,), BRUSH_WIDTH)
    inside = mask > 0
    assert (painted[inside] > 0).mean() > 0.97
    assert (painted[~inside] > 0).mean() < 0.02

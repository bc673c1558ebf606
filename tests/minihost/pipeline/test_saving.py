"""Saving: names, numbers, formats, copies, and the infotext in files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

StartHost = Callable[..., Any]


def _save(image: Image.Image, folder: Path, **options: Any) -> Path:
    from modules import images

    options = {"seed": 7, "prompt": "a cup, red", "info": "a cup\nSteps: 3", **options}
    return Path(images.save_image(image, str(folder), "", **options)[0])


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_numbers_run_on(start_host: StartHost, photo: Image.Image, tmp_path: Path) -> None:
    start_host()
    out = tmp_path / "out"
    for _ in range(2):
        _save(photo, out, save_to_dirs=False)
    (out / "00041-note.txt").write_text("")
    _save(photo, out, save_to_dirs=False)
    assert _names(out) == ["00000-7.png", "00001-7.png", "00041-note.txt", "00042-7.png"]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("[seed]-[prompt_spaces]", "00000-7-a cup, red.png"),
        ("[prompt]", "00000-a_cup,_red.png"),
        ("[prompt_words]", "00000-a cup red.png"),
        ("[width]x[height] [none]", "00000-96x64 .png"),
        ("[image_hash<6>]", "00000-{hash}.png"),
        ("[nobody]", "00000-[nobody].png"),
    ],
)
def test_patterns(
    pattern: str, name: str, start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    import hashlib

    start_host()
    from modules import shared

    shared.opts.samples_filename_pattern = pattern
    wanted = name.format(hash=hashlib.sha256(photo.tobytes()).hexdigest()[:6])
    assert _save(photo, tmp_path / "out", save_to_dirs=False).name == wanted


def test_files_of_a_job_go_into_a_folder_of_the_day(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    from modules import processing

    processing.process_images(make_job(batch_size=2))
    saved = sorted((tmp_path / "outputs").rglob("*.png"))
    assert [path.parts[-3] for path in saved] == ["img2img-grids"] + ["img2img-images"] * 2
    assert [path.name for path in saved] == ["grid-0000.png", "00000-7.png", "00001-8.png"]


@pytest.mark.parametrize(
    ("host", "action", "left"),
    [
        ("a1111", "Replace", ["name.png"]),
        ("a1111", "Add number suffix", ["name-1.png", "name.png"]),
        ("neo", "Override", ["name.png"]),
        ("neo", "Number Suffix", ["name-1.png", "name.png"]),
    ],
)
def test_an_existing_file(
    host: str,
    action: str,
    left: list[str],
    start_host: StartHost,
    photo: Image.Image,
    tmp_path: Path,
) -> None:
    start_host(host)
    from modules import shared

    shared.opts.save_images_replace_action = action
    out = tmp_path / "out"
    for _ in range(2):
        _save(photo, out, save_to_dirs=False, forced_filename="name")
    assert _names(out) == left


def test_a_changed_extension_overwrites_since_only_the_old_one_was_looked_for(
    start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    start_host()
    from modules import script_callbacks

    def to_png(params: Any) -> None:
        params.filename = str(Path(params.filename).with_suffix(".png"))

    script_callbacks.on_before_image_saved(to_png)
    out = tmp_path / "out"
    out.mkdir()
    (out / "name.png").write_text("the user's")
    saved = _save(photo, out, save_to_dirs=False, forced_filename="name", extension="jpg")
    assert saved == out / "name.png"
    assert np.array_equal(np.asarray(Image.open(saved)), np.asarray(photo))


def test_a_callback_replaces_the_saved_image_only(
    start_host: StartHost, make_job: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing, script_callbacks

    files = []

    def blacken(params: Any) -> None:
        params.image = Image.new("RGB", params.image.size)

    script_callbacks.on_before_image_saved(blacken)
    script_callbacks.on_image_saved(lambda params: files.append(params.filename))
    done = processing.process_images(make_job())
    assert Image.open(files[0]).getcolors() == [(96 * 64, (0, 0, 0))]
    assert len(done.images[0].getcolors(96 * 64)) > 100


@pytest.mark.parametrize(
    ("extension", "exact"),
    [("png", True), ("jpg", False), ("jpeg", False), ("webp", False), ("gif", False)],
)
@pytest.mark.parametrize("host", ["a1111", "neo"])
def test_the_infotext_is_read_back(
    host: str,
    extension: str,
    exact: bool,
    start_host: StartHost,
    photo: Image.Image,
    tmp_path: Path,
) -> None:
    start_host(host)
    from modules import images

    told = "ein Täßchen ☕\nSteps: 3, Size: 96x64"
    saved = _save(photo, tmp_path / "out", extension=extension, info=told)
    with Image.open(saved) as image:
        assert images.read_info_from_image(image)[0] == told
        assert np.array_equal(np.asarray(image.convert("RGB")), np.asarray(photo)) is exact


@pytest.mark.skipif(
    ".avif" not in Image.registered_extensions(), reason="this Pillow cannot write AVIF"
)
def test_avif_carries_the_infotext(
    start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    start_host("neo")
    from modules import images

    saved = _save(photo, tmp_path / "out", extension="avif")
    with Image.open(saved) as image:
        assert image.format == "AVIF"
        assert images.read_info_from_image(image)[0] == "a cup\nSteps: 3"


def test_without_infotext_none_is_written(
    start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    start_host("forge")
    from modules import images, shared

    shared.opts.enable_pnginfo = False
    for extension in ("png", "jpg"):
        saved = _save(photo.copy(), tmp_path / extension, extension=extension)
        with Image.open(saved) as image:
            assert images.read_info_from_image(image)[0] is None
            assert image.mode == "RGB"


def test_a_large_file_gets_a_jpeg_beside_it(
    start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    start_host()
    from modules import shared

    shared.opts.target_side_length = 48
    out = tmp_path / "out"
    _save(photo, out, save_to_dirs=False, forced_filename="name")
    assert _names(out) == ["name.jpg", "name.png"]
    assert Image.open(out / "name.jpg").size == (48, 32)
    assert Image.open(out / "name.png").size == (96, 64)
    shared.opts.target_side_length, shared.opts.img_downscale_threshold = 4000, 0.0001
    _save(photo, out, save_to_dirs=False, forced_filename="heavy")
    assert Image.open(out / "heavy.jpg").size == (96, 64)


def test_a_text_file_beside_the_image(
    start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    start_host()
    from modules import shared

    shared.opts.save_txt = True
    _save(photo, tmp_path / "out", save_to_dirs=False, forced_filename="name")
    assert (tmp_path / "out/name.txt").read_text() == "a cup\nSteps: 3\n"


@pytest.mark.parametrize(
    ("settings", "suffixes"),
    [
        ({"save_mask": True}, ["", "-mask"]),
        ({"save_mask_composite": True}, ["", "-mask-composite"]),
        (
            {"save_images_before_color_correction": True, "img2img_color_correction": True},
            ["", "-before-color-correction"],
        ),
        (
            {"save_images_before_face_restoration": True, "face_restoration": True},
            ["", "-before-face-restoration"],
        ),
    ],
)
def test_extra_files_of_a_job(
    settings: dict[str, bool],
    suffixes: list[str],
    start_host: StartHost,
    make_job: Callable[..., Any],
    tmp_path: Path,
) -> None:
    start_host()
    from modules import processing, shared

    for name, value in settings.items():
        setattr(shared.opts, name, value)
    processing.process_images(make_job())
    names = [path.stem[5:].removeprefix("-7") for path in (tmp_path / "outputs").rglob("*.png")]
    assert sorted(names) == sorted(suffixes)


def test_a_long_prompt_makes_a_name_the_file_system_takes(
    start_host: StartHost, photo: Image.Image, tmp_path: Path
) -> None:
    start_host()
    from modules import shared

    shared.opts.samples_filename_pattern = "[prompt]" * 4
    saved = _save(photo, tmp_path / "out", prompt="x" * 500)
    assert saved.is_file()
    assert len(saved.name) <= 255

"""Which files the page may show, and how a picture becomes one: the saved file is served."""

from __future__ import annotations

import os
import tempfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import gradio
from modules import shared
from PIL import Image, PngImagePlugin

gr: Any = gradio  # has parts of two generations, which no types know
IS_GRADIO_4 = int(gr.__version__.split(".")[0]) >= 4

Savedfile = namedtuple("Savedfile", ["name"])  # the hosts' own name and form


def _registered_form(filename: str | os.PathLike[str]) -> Any:
    if hasattr(gr.utils, "abspath"):
        path = gr.utils.abspath(filename)
        return path if IS_GRADIO_4 else str(path)
    return str(Path(filename).absolute())


def register_tmp_file(gradio_app: Any, filename: str | os.PathLike[str]) -> None:
    """Let gradio's file route of the page `gradio_app` serve `filename`."""
    if hasattr(gradio_app, "temp_file_sets"):
        gradio_app.temp_file_sets[0] = gradio_app.temp_file_sets[0] | {_registered_form(filename)}


def check_tmp_file(gradio_app: Any, filename: str | os.PathLike[str]) -> bool:
    """Whether gradio's file route serves `filename` because it was registered or made by it."""
    path = _registered_form(filename)
    sets = getattr(gradio_app, "temp_file_sets", [])
    return any(path in known or str(path) in known for known in sets)


def _png_info(image: Image.Image) -> PngImagePlugin.PngInfo | None:
    texts = {
        key: value
        for key, value in image.info.items()
        if isinstance(key, str) and isinstance(value, str)
    }
    if not texts:
        return None
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    return info


def _write_temporary(image: Image.Image, folder: str | None) -> str:
    target = shared.opts.temp_dir or folder
    if folder and not shared.opts.temp_dir:
        Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(delete=False, suffix=".png", dir=target) as file:
        image.save(file, format="PNG", pnginfo=_png_info(image))
        return file.name


def _saved_or_temporary(image: Image.Image, folder: str | None) -> str:
    saved = getattr(image, "already_saved_as", None)
    if not saved or not Path(saved).is_file():
        return _write_temporary(image, folder)
    register_tmp_file(shared.demo, saved)
    name = f"{saved}?{Path(saved).stat().st_mtime}"
    register_tmp_file(shared.demo, name)
    return name


def _save_for_gradio_3(
    self: Any, pil_image: Image.Image, dir: str | None = None, format: str = "png"
) -> str:
    return _saved_or_temporary(pil_image, dir)


def _save_for_gradio_4(
    pil_image: Image.Image, cache_dir: str | None = None, format: str = "png"
) -> str:
    return _saved_or_temporary(pil_image, cache_dir)


save_pil_to_file: Any = _save_for_gradio_4 if IS_GRADIO_4 else _save_for_gradio_3
"""Path of a file with a picture: where it was saved, else a new temporary PNG."""


def install_ui_tempdir_override() -> None:
    """Make gradio serve saved pictures from where they are, and keep PNG info in temporary ones."""
    if not IS_GRADIO_4:
        gr.components.IOComponent.pil_to_temp_file = save_pil_to_file
        return
    import gradio.processing_utils as processing

    def save_pil_to_cache(
        img: Image.Image, cache_dir: str, name: str = "image", format: str = "png"
    ) -> str:
        return save_pil_to_file(img, cache_dir, format)

    processing.save_pil_to_cache = save_pil_to_cache
    block, move = gr.blocks.Block, "async_move_resource_to_block_cache"
    setattr(block, move, _leaving_registered_files(getattr(block, move)))
    processing.async_move_files_to_cache = _trusting_registered_files(
        processing.async_move_files_to_cache
    )


def _leaving_registered_files(move: Any) -> Any:
    async def async_move_resource_to_block_cache(self: Any, url_or_file_path: Any) -> Any:
        path = str(url_or_file_path).rsplit("?", 1)[0]
        if Path(path).is_file() and check_tmp_file(shared.demo, path):
            return path
        return await move(self, url_or_file_path)

    return async_move_resource_to_block_cache


def _trusting_registered_files(move: Any) -> Any:
    async def async_move_files_to_cache(
        data: Any,
        block: Any,
        postprocess: bool = False,
        check_in_upload_folder: bool = False,
        keep_in_cache: bool = False,
    ) -> Any:
        is_checked = check_in_upload_folder and not _has_registered_files_only(data)
        return await move(data, block, postprocess, is_checked, keep_in_cache)

    return async_move_files_to_cache


def _has_registered_files_only(data: Any) -> bool:
    from gradio_client import utils as client

    paths: list[str] = []
    content = data.model_dump() if hasattr(data, "model_dump") else data
    client.traverse(content, lambda file: paths.append(file["path"]), client.is_file_obj)
    return all(check_tmp_file(shared.demo, path.rsplit("?", 1)[0]) for path in paths)


def on_tmpdir_changed() -> None:
    """Create the folder of temporary pictures after its setting changed."""
    if shared.opts.temp_dir and shared.demo is not None:
        Path(shared.opts.temp_dir).mkdir(parents=True, exist_ok=True)


def cleanup_tmpdr() -> None:
    """Delete the PNG files in the folder of temporary pictures, when one is set."""
    folder = shared.opts.temp_dir
    if folder and Path(folder).is_dir():
        for path in Path(folder).rglob("*.png"):
            path.unlink()


def is_gradio_temp_path(path: str | os.PathLike[str]) -> bool:
    """Whether `path` lies in a folder gradio or the page uses for temporary files."""
    folders = [
        shared.opts.temp_dir,
        os.environ.get("GRADIO_TEMP_DIR"),
        Path(tempfile.gettempdir()) / "gradio",
    ]
    return any(Path(path).is_relative_to(folder) for folder in folders if folder)

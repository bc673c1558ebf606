"""Images: resizing, grids, file names, saving, and the infotext in files."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from modules import script_callbacks, shared
from modules.filenames import FilenameGenerator, get_next_sequence_number, sanitize_filename_part
from modules.image_files import read_info_from_image, save_image, save_image_with_geninfo
from PIL import Image, ImageColor, ImageOps

__all__ = [
    "FilenameGenerator",
    "get_next_sequence_number",
    "read_info_from_image",
    "sanitize_filename_part",
    "save_image",
    "save_image_with_geninfo",
]

LANCZOS = Image.Resampling.LANCZOS


# --- sizes ---


def _scaled(im: Image.Image, size: tuple[int, int], upscaler_name: str | None) -> Image.Image:
    """`im` at that size: by the upscaler when it enlarges, else by LANCZOS."""
    enlarges = max(size[0] / im.width, size[1] / im.height) > 1.0
    if upscaler_name not in (None, "", "None") and im.mode != "L" and enlarges:
        known = {upscaler.name: upscaler for upscaler in shared.sd_upscalers}
        chosen = known.get(upscaler_name, shared.sd_upscalers[0])
        scale = max(size[0] / im.width, size[1] / im.height)
        im = chosen.scaler.upscale(im, scale, chosen.data_path)
        if im.size == size:
            return im
    return im.resize(size, resample=LANCZOS)


def _inner_size(im: Image.Image, width: int, height: int, *, cover: bool) -> tuple[int, int]:
    """Size of the scaled image: covering the canvas, or within it."""
    wide, image_wide = width / height, im.width / im.height
    by_width = wide > image_wide if cover else wide < image_wide
    by_height = wide <= image_wide if cover else wide >= image_wide
    inner_width = width if by_width else im.width * height // im.height
    inner_height = height if by_height else im.height * width // im.width
    return inner_width, inner_height


def _extend_edges(canvas: Image.Image, inner: Image.Image) -> None:
    """Fills the bars beside a centred inner image with its outermost rows or columns."""
    width, height = canvas.size
    above, beside = height // 2 - inner.height // 2, width // 2 - inner.width // 2
    if inner.width == width and above > 0:
        top, bottom = (0, 0, width, 0), (0, inner.height, width, inner.height)
        canvas.paste(inner.resize((width, above), box=top), box=(0, 0))
        canvas.paste(inner.resize((width, above), box=bottom), box=(0, above + inner.height))
    elif inner.width < width and beside > 0:
        left, right = (0, 0, 0, height), (inner.width, 0, inner.width, height)
        canvas.paste(inner.resize((beside, height), box=left), box=(0, 0))
        canvas.paste(inner.resize((beside, height), box=right), box=(beside + inner.width, 0))


def resize_image(
    resize_mode: int,
    im: Image.Image,
    width: int,
    height: int,
    upscaler_name: str | None = None,
    force_RGBA: bool = False,  # noqa: N803 - the hosts' name
) -> Image.Image:
    """The image at that size: 0 stretched, 1 cropped, 2 with its edges extended.

    Modes 1 and 2 give RGB whatever the image's mode, RGBA with `force_RGBA`.
    """
    if im.mode == "RGBA" and shared.profile.resize_drops_alpha and not force_RGBA:
        im = im.convert("RGB")
    upscaler = None if force_RGBA else upscaler_name or shared.opts.upscaler_for_img2img
    if resize_mode == 0:
        return _scaled(im, (width, height), upscaler)
    inner = _scaled(im, _inner_size(im, width, height, cover=resize_mode == 1), upscaler)
    canvas = Image.new("RGBA" if force_RGBA else "RGB", (width, height))
    canvas.paste(inner, box=(width // 2 - inner.width // 2, height // 2 - inner.height // 2))
    if resize_mode != 1:
        _extend_edges(canvas, inner)
    return canvas


def flatten(img: Image.Image, bgcolor: str) -> Image.Image:
    """RGB; what is transparent shows the colour ("#ffffff")."""
    if img.mode == "RGBA":
        background = Image.new("RGBA", img.size, bgcolor)
        background.paste(img, mask=img)
        img = background
    return img.convert("RGB")


# --- grids ---


def _grid_rows(count: int, batch_size: int) -> int:
    wanted = shared.opts.n_rows
    if wanted > 0:
        return wanted
    if wanted == 0:
        return batch_size
    if not shared.opts.grid_prevent_empty_spots:
        return round(math.sqrt(count))
    return max(rows for rows in range(1, math.isqrt(count) + 1) if count % rows == 0)


def image_grid(
    imgs: list[Image.Image], batch_size: int = 1, rows: int | None = None
) -> Image.Image:
    """All images in one, in the host's mode for grids; smaller ones stand centred."""
    rows = min(_grid_rows(len(imgs), batch_size) if rows is None else rows, len(imgs))
    params = script_callbacks.ImageGridLoopParams(imgs, math.ceil(len(imgs) / rows), rows)
    script_callbacks.image_grid_callback(params)
    width, height = max(img.width for img in imgs), max(img.height for img in imgs)
    mode = shared.profile.grid_mode
    color = ImageColor.getcolor(shared.opts.grid_background_color, mode)
    grid = Image.new(mode, (params.cols * width, params.rows * height), color)
    for index, img in enumerate(params.imgs):
        left = index % params.cols * width + (width - img.width) // 2
        top = index // params.cols * height + (height - img.height) // 2
        grid.paste(img, box=(left, top))
    return grid


class Grid(NamedTuple):
    """Overlapping tiles of an image: rows (y, height, [[x, width, tile], ...])."""

    tiles: list[Any]
    tile_w: int
    tile_h: int
    image_w: int
    image_h: int
    overlap: int

    @property
    def tile_count(self) -> int:
        """Number of tiles."""
        return sum(len(row[2]) for row in self.tiles)


def _tile_starts(length: int, tile: int, overlap: int) -> Iterator[int]:
    count = math.ceil((length - overlap) / (tile - overlap))
    step = (length - tile) / (count - 1) if count > 1 else 0
    for index in range(count):
        yield min(int(index * step), length - tile)


def split_grid(image: Image.Image, tile_w: int = 512, tile_h: int = 512, overlap: int = 64) -> Grid:
    """Cuts the image into tiles of that size, evenly spread, overlapping at least so much."""
    grid = Grid([], tile_w, tile_h, image.width, image.height, overlap)
    for y in _tile_starts(image.height, tile_h, overlap):
        row = [
            [x, tile_w, image.crop((x, y, x + tile_w, y + tile_h))]
            for x in _tile_starts(image.width, tile_w, overlap)
        ]
        grid.tiles.append([y, tile_h, row])
    return grid


def _ramp(overlap: int, size: tuple[int, int], *, down: bool) -> Image.Image:
    steps = (np.arange(overlap, dtype=np.float32) * 255 / overlap).astype(np.uint8)
    line = steps[:, None] if down else steps[None, :]
    return Image.fromarray(np.ascontiguousarray(np.broadcast_to(line, (size[1], size[0]))))


def _paste_tile(
    canvas: Image.Image, tile: Image.Image, at: tuple[int, int], ramp: Image.Image, *, down: bool
) -> None:
    """Pastes a tile; the part it shares with the one before it fades in."""
    x, y = at
    start = y if down else x
    if start == 0:
        canvas.paste(tile, at)
        return
    shared_width, shared_height = ramp.size
    canvas.paste(tile.crop((0, 0, shared_width, shared_height)), at, mask=ramp)
    if down:
        canvas.paste(tile.crop((0, shared_height, *tile.size)), (x, y + shared_height))
    else:
        canvas.paste(tile.crop((shared_width, 0, *tile.size)), (x + shared_width, y))


def combine_grid(grid: Grid) -> Image.Image:
    """The image of the tiles, RGB; overlaps fade from one tile to the next."""
    across = _ramp(grid.overlap, (grid.overlap, grid.tile_h), down=False)
    downwards = _ramp(grid.overlap, (grid.image_w, grid.overlap), down=True)
    combined = Image.new("RGB", (grid.image_w, grid.image_h))
    for y, height, row in grid.tiles:
        line = Image.new("RGB", (grid.image_w, height))
        for x, _, tile in row:
            _paste_tile(line, tile, (x, 0), across, down=False)
        _paste_tile(combined, line, (0, y), downwards, down=True)
    return combined


# --- reading ---


def fix_image(image: Image.Image | None) -> Image.Image | None:
    """Turned as its EXIF says; a palette's or colour's transparency becomes alpha."""
    return None if image is None else _fixed(image)


def _fixed(image: Image.Image) -> Image.Image:
    return fix_png_transparency(ImageOps.exif_transpose(image))


def fix_png_transparency(image: Image.Image) -> Image.Image:
    """RGBA for RGB and palette images with transparent entries."""
    if image.mode in ("RGB", "P") and isinstance(image.info.get("transparency"), bytes):
        return image.convert("RGBA")
    return image


def read(fp: str | Path | io.BytesIO, **kwargs: Any) -> Image.Image:
    """Opens an image as fix_image leaves it."""
    return _fixed(Image.open(fp, **kwargs))


def image_data(data: bytes) -> tuple[Any, None]:
    """For the page: the infotext of a file's bytes, or the bytes themselves if they are text."""
    import gradio

    try:
        return read_info_from_image(read(io.BytesIO(data)))[0], None
    except OSError:
        pass
    if len(data) < 10000:
        try:
            return data.decode(), None
        except UnicodeDecodeError:
            pass
    return gradio.update(), None

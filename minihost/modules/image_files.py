"""Writing and reading image files with their infotext; `modules.images` offers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import errors, script_callbacks, shared, stealth_infotext
from modules.filenames import FilenameGenerator, get_next_sequence_number
from PIL import Image, PngImagePlugin

_EXIF_IFD = 0x8769
_USER_COMMENT = 0x9286
_UNICODE = b"UNICODE\x00"
_ASCII = b"ASCII\x00\x00\x00"

JPEG_MAX_SIDE = 65535
WEBP_MAX_SIDE = 16383
NAME_TRIES = 500

IGNORED_INFO_KEYS = {
    "background",
    "chromaticity",
    "dpi",
    "duration",
    "exif",
    "icc_profile",
    "jfif",
    "jfif_density",
    "jfif_unit",
    "jfif_version",
    "loop",
    "photoshop",
    "progression",
    "progressive",
    "timestamp",
}


# --- one file ---


def _exif(geninfo: str | None) -> bytes | None:
    """EXIF with the infotext as user comment; None when it is not to be written."""
    if not shared.opts.enable_pnginfo or geninfo is None:
        return None
    exif = Image.Exif()
    exif[_EXIF_IFD] = {_USER_COMMENT: _UNICODE + geninfo.encode("utf-16-be")}
    return exif.tobytes()


def _save_png(
    image: Image.Image, filename: str, geninfo: str | None, texts: dict[str, Any], section: str
) -> None:
    chunks = None
    if shared.opts.enable_pnginfo:
        texts[section] = geninfo
        chunks = PngImagePlugin.PngInfo()
        for key, text in texts.items():
            chunks.add_text(key, str(text))
    image.save(filename, format="PNG", quality=shared.opts.jpeg_quality, pnginfo=chunks)


def _for_lossy(image: Image.Image, extension: str) -> tuple[Image.Image, dict[str, Any]]:
    """The image in a mode the format takes, and the arguments of its encoder."""
    options = {"quality": shared.opts.jpeg_quality, "lossless": shared.opts.webp_lossless}
    keeps_alpha = (
        extension == ".webp"
        and shared.profile.webp_keeps_stealth_alpha
        and shared.opts.data.get(shared.profile.stealth_option or "", "Alpha") == "Alpha"
    )
    if image.mode == "RGBA" and keeps_alpha:
        return image, {**options, "alpha_quality": 100}
    if image.mode == "RGBA":
        image = image.convert("RGB")
    elif image.mode == "I;16":
        target = "RGB" if extension == ".webp" else "L"
        image = image.point(lambda value: value * (255 / 65535)).convert(target)
    return image, options


def _save_lossy(image: Image.Image, filename: str, geninfo: str | None, extension: str) -> None:
    image, options = _for_lossy(image, extension)
    exif = _exif(geninfo)
    if exif is not None:
        options["exif"] = exif
    image.save(filename, format=Image.registered_extensions()[extension], **options)
    if exif is not None and extension != ".webp":
        _drop_jfif(Path(filename))


def _drop_jfif(path: Path) -> None:
    """The hosts put the infotext where the JFIF header was, and the density is lost with it."""
    data = path.read_bytes()
    if data[2:4] == b"\xff\xe0":
        path.write_bytes(data[:2] + data[4 + int.from_bytes(data[4:6], "big") :])


def save_image_with_geninfo(
    image: Image.Image,
    geninfo: str | None,
    filename: str,
    extension: str | None = None,
    existing_pnginfo: dict[str, Any] | None = None,
    pnginfo_section_name: str = "parameters",
) -> None:
    """Writes the file in the format of `extension` (of the file name if None), with infotext.

    Raises:
        KeyError: Pillow has no format for that extension.
    """
    extension = (extension or Path(filename).suffix).lower()
    image_format = Image.registered_extensions()[extension]
    quality = shared.opts.jpeg_quality
    if extension == ".png":
        texts = existing_pnginfo if existing_pnginfo is not None else {}
        _save_png(image, filename, geninfo, texts, pnginfo_section_name)
    elif extension in (".jpg", ".jpeg", ".webp"):
        _save_lossy(image, filename, geninfo, extension)
    elif extension in shared.profile.exif_extensions:
        exif = _exif(geninfo) or b""
        image.save(filename, format=image_format, quality=quality, exif=exif)
    elif extension == ".gif":
        image.save(filename, format=image_format, comment=geninfo)
    else:
        image.save(filename, format=image_format, quality=quality)


# --- the host's way of saving ---


def _fitting_extension(image: Image.Image, extension: str) -> str:
    longest, kind = max(image.size), extension.lower()
    too_large = (longest > JPEG_MAX_SIDE and kind in ("jpg", "jpeg")) or (
        longest > WEBP_MAX_SIDE and kind == "webp"
    )
    if too_large:
        print("Image dimensions too large; saving as PNG")
    return "png" if too_large else extension


def _decoration(names: FilenameGenerator, *, short: bool) -> str:
    """What stands in the name beside the number."""
    if short or names.seed is None:
        return ""
    pattern = None
    if shared.profile.pattern_from_override and hasattr(names.p, "override_settings"):
        pattern = names.p.override_settings.get("samples_filename_pattern")
    default = "[seed]" if shared.opts.save_to_dirs else "[seed]-[prompt_spaces]"
    return names.apply(pattern or shared.opts.samples_filename_pattern or default)


def _exists(path: Path) -> bool:
    """Whether the file is there; a name the file system cannot hold is not."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _numbered(folder: Path, basename: str, decoration: str, extension: str) -> Path:
    """The first free name; only names with this extension count as taken."""
    first = get_next_sequence_number(str(folder), basename)
    tail = (f"-{decoration}" if decoration else "") + f".{extension}"
    path = folder
    for number in range(first, first + NAME_TRIES):
        head = f"{basename}-{number:04}" if basename else f"{number:05}"
        path = folder / (head + tail)
        if not _exists(path):
            break
    return path


def _write(
    params: script_callbacks.ImageSaveParams, stem: str, extension: str, section: str
) -> str:
    """Writes under a temporary name, then renames; gives the path without extension."""
    temporary = Path(f"{stem}.tmp")
    info = params.pnginfo.get(section)
    save_image_with_geninfo(params.image, info, str(temporary), extension, params.pnginfo, section)
    target, count = Path(stem + extension), 0
    if shared.opts.save_images_replace_action != shared.profile.replace_action:
        while _exists(target):
            count += 1
            target = Path(f"{stem}-{count}{extension}")
    temporary.replace(target)
    known = shared.profile.knows_suffixed_name and count
    return f"{stem}-{count}" if known else stem


def _copy_for_4chan(
    params: script_callbacks.ImageSaveParams, stem: str, extension: str, section: str
) -> None:
    """A JPEG beside a file that is large in bytes or pixels, scaled down if in pixels."""
    image, limit = params.image, shared.opts.target_side_length
    oversize = max(image.size) > limit
    heavy = shared.opts.img_downscale_threshold * 1024 * 1024
    if not oversize and Path(stem + extension).stat().st_size <= heavy:
        return
    if oversize:
        scale = limit / max(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    copied = script_callbacks.ImageSaveParams(image, params.p, params.filename, params.pnginfo)
    try:
        _write(copied, stem, ".jpg", section)
    except (OSError, ValueError) as error:
        errors.display(error, "saving image as downscaled JPG")


def _split_name(filename: str) -> tuple[str, str]:
    """Path without extension, cut to what the file system takes, and the extension."""
    path = Path(filename)
    longest = 255 - max(4, len(path.suffix))
    return str(path.with_name(path.stem[:longest])), path.suffix


def save_image(
    image: Image.Image,
    path: str,
    basename: str | None,
    seed: int | None = None,
    prompt: str | None = None,
    extension: str = "png",
    info: str | None = None,
    short_filename: bool = False,
    no_prompt: bool = False,
    grid: bool = False,
    pnginfo_section_name: str = "parameters",
    p: Any = None,
    existing_info: dict[str, Any] | None = None,
    forced_filename: str | None = None,
    suffix: str = "",
    save_to_dirs: bool | None = None,
) -> tuple[str, str | None]:
    """Saves an image where the settings say; gives its path and its text file's, or None.

    Args:
        path: Folder; the settings may add a subfolder.
        basename: What the name begins with, before the number.
        extension: Format, without the dot.
        info: Infotext.
        short_filename: Nothing but basename and number.
        forced_filename: Name without extension, instead of all patterns.
        suffix: Put at the end of the name.
    """
    names = FilenameGenerator(p, seed, prompt, image, basename=basename or "")
    extension = _fitting_extension(image, extension)
    folder = _folder(path, names, grid=grid, no_prompt=no_prompt, save_to_dirs=save_to_dirs)
    file = folder / f"{forced_filename}.{extension}"
    if forced_filename is None:
        file = _named(folder, names, extension, suffix, short=short_filename)
    texts = existing_info if existing_info is not None else {}
    if info is not None:
        texts[pnginfo_section_name] = info
    params = script_callbacks.ImageSaveParams(image, p, str(file), texts)
    return _save(params, pnginfo_section_name)


def _named(
    folder: Path, names: FilenameGenerator, extension: str, suffix: str, *, short: bool
) -> Path:
    """The file the patterns of the settings lead to."""
    decoration = _decoration(names, short=short) + suffix
    if shared.opts.save_images_add_number or not decoration:
        return _numbered(folder, names.basename, decoration, extension)
    return folder / f"{decoration}.{extension}"


def _folder(
    path: str, names: FilenameGenerator, *, grid: bool, no_prompt: bool, save_to_dirs: bool | None
) -> Path:
    """The folder to save in, which is made."""
    if save_to_dirs is None:
        for_grid, for_image = shared.opts.grid_save_to_dirs, shared.opts.save_to_dirs
        save_to_dirs = for_grid if grid else for_image and not no_prompt
    folder = Path(path)
    if save_to_dirs:
        pattern = shared.opts.directories_filename_pattern or "[prompt_words]"
        folder /= names.apply(pattern).lstrip(" ").rstrip("\\ /")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _save(params: script_callbacks.ImageSaveParams, section: str) -> tuple[str, str | None]:
    """From the first save callback to the last."""
    if shared.opts.enable_pnginfo:
        stealth_infotext.add_stealth_pnginfo(params)
    script_callbacks.before_image_saved_callback(params)
    stem, extension = _split_name(params.filename)
    params.filename = stem + extension
    stem = _write(params, stem, extension, section)
    saved = stem + extension
    params.image.already_saved_as = saved
    if shared.opts.export_for_4chan:
        _copy_for_4chan(params, stem, extension, section)
    text_file = None
    info = params.pnginfo.get(section)
    if shared.opts.save_txt and info is not None:
        text_file = f"{stem}.txt"
        Path(text_file).write_text(f"{info}\n", encoding="utf-8")
    script_callbacks.image_saved_callback(params)
    return saved, text_file


# --- reading ---


def _user_comment(image: Image.Image) -> str | None:
    data = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT, b"")
    if isinstance(data, str):
        return data
    if data.startswith(_UNICODE):
        return data.removeprefix(_UNICODE).decode("utf-16-be", errors="ignore")
    return data.removeprefix(_ASCII).decode(errors="ignore")


def read_info_from_image(image: Image.Image) -> tuple[str | None, dict[str, Any]]:
    """The infotext, wherever it is, and the image's other texts."""
    items: dict[str, Any] = {str(key): value for key, value in image.info.items()}
    geninfo = items.pop("parameters", None)
    if "exif" in items:
        geninfo = _user_comment(image) or geninfo
    elif "comment" in items:
        comment = items["comment"]
        geninfo = comment.decode(errors="ignore") if isinstance(comment, bytes) else comment
    for key in IGNORED_INFO_KEYS:
        items.pop(key, None)
    if geninfo is None and shared.profile.stealth_option is not None:
        geninfo = stealth_infotext.read_info_from_image_stealth(image)
    return geninfo, items

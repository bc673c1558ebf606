"""What this host can do, asked once. No host names and no version numbers in logic elsewhere."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modules import processing, script_callbacks, scripts, shared

from bleed_guard.core.geometry import LATENT_STEP

log = logging.getLogger("bleed_guard")

NOTHING_GUARDED = "images are told NOT GUARDED"
HOOKS: Mapping[str, str] = MappingProxyType(
    {
        "before_process": NOTHING_GUARDED,
        "process": "what is foretold goes wrong where the host rounds the size",
        "postprocess_batch_list": "what face restoration changes is not told",
        "postprocess_image": NOTHING_GUARDED,
        "postprocess_maskoverlay": NOTHING_GUARDED,
        "postprocess_image_after_composite": NOTHING_GUARDED,
        "postprocess": "the verdict is told in the infotext only, and the Bleed tab stays empty",
    }
)
"""The hooks of a script the guard lives on, and what is lost on a host that does not call one."""

CALLBACKS: Mapping[str, str] = MappingProxyType(
    {
        "on_ui_settings": "its settings have no page and stay at their defaults",
        "on_ui_tabs": "there is no Bleed tab",
        "on_before_ui": "there are no X/Y/Z axes, and extensions may edit after the guard",
        "on_app_started": "the API has no routes of the guard",
        "on_before_image_saved": "files keep their format, and what others change in them",
        "on_image_saved": "saved files are not read back",
    }
)
"""The same for `script_callbacks`."""


def takes_mask_root() -> bool:
    """Whether whole picture takes the blurred mask's square root, instead of doubling it.

    The hosts that do are those that offer the precise-mask setting (Forge Neo).
    """
    return "img2img_inpaint_precise_mask" in shared.opts.data_labels


def size_step() -> int:
    """To what multiple, px, the host brings width and height before a job begins; 1 for as asked.

    No setting and no attribute tells of it: the number stands in the host's own function.
    """
    code = getattr(getattr(processing, "process_images_inner", None), "__code__", None)
    return LATENT_STEP if code is not None and LATENT_STEP in code.co_consts else 1


def host_version() -> str:
    """The host's own name for its version, as it stands in infotexts; "unknown" without one."""
    tell = getattr(processing, "program_version", None)
    return str(tell() or "unknown") if callable(tell) else "unknown"


def tell_format(image_format: str) -> str:
    """A file format, with its quality where it has one: "png", "jpg, quality 80"."""
    if image_format not in ("jpg", "jpeg", "webp", "avif"):
        return image_format
    return f"{image_format}, quality {option('jpeg_quality', 80)}"


def stealth_mode() -> str:
    """How the host hides infotext in saved pixels, lower case: "alpha", "rgb", ... or ""."""
    modes = (option(name, "") for name in ("stealth_pnginfo_option", "stealth_pnginfo_opt"))
    return next((str(mode).lower() for mode in modes if mode), "")


def find_losses() -> dict[str, str]:
    """Hooks and callbacks this host does not have, and what is lost with each."""
    hooks = {name: loss for name, loss in HOOKS.items() if not hasattr(scripts.Script, name)}
    callbacks = {name: CALLBACKS[name] for name in CALLBACKS if not has_callback(name)}
    return hooks | callbacks


def has_callback(name: str) -> bool:
    """Whether the host offers `script_callbacks.<name>`."""
    return hasattr(script_callbacks, name)


def option(name: str, default: Any = None) -> Any:
    """A setting of the host, or `default` where it has none of that name."""
    return getattr(shared.opts, name, default)


def is_stored(name: str) -> bool:
    """Whether a setting of the host has been set by anybody; on a fresh host none has."""
    return name in getattr(shared.opts, "data", {})


def keeps_webp_in_reply() -> bool:
    """Whether the API encodes its replies as lossless WebP where the setting says so: A1111 asks
    for no such thing, its forks do. No attribute tells of it but the function's own code."""
    api = sys.modules.get("modules.api.api")
    code = getattr(getattr(api, "encode_pil_to_base64", None), "__code__", None)
    return code is not None and "webp_lossless" in code.co_names


def flag(name: str, default: Any = None) -> Any:
    """A command line flag of the host, or `default` where it was not registered."""
    return getattr(shared.cmd_opts, name, default)


def apply_overlay(image: Any, paste_to: Any, overlay: Any) -> Any:
    """The host's own compositing: PIL image, (x, y, w, h) or None, its overlay -> PIL image."""
    made = processing.apply_overlay(image, paste_to, overlay)
    return made[0] if isinstance(made, tuple) else made


def lay_over(image: Any, overlay: Any) -> Any:
    """`apply_overlay` of an overlay of the picture's size."""
    return apply_overlay(image, None, overlay)


def apply_color_correction(p: Any, batch_index: int, image: Any) -> Any:
    """The colour correction the host will apply to this image before its overlay, if any."""
    corrections = getattr(p, "color_corrections", None)
    if corrections is None or batch_index >= len(corrections):
        return image
    return processing.apply_color_correction(corrections[batch_index], image)


def make_temporary_folder() -> Path:
    """The folder the host's own temporary pictures lie in.

    Forge Neo writes what is sent to another tab into one that only its start scripts make.
    """
    chosen = option("temp_dir", "") or os.environ.get("GRADIO_TEMP_DIR", "")
    folder = Path(chosen) if chosen else Path(tempfile.gettempdir()) / "gradio"
    with contextlib.suppress(OSError):  # the host tells it when it writes there
        folder.mkdir(parents=True, exist_ok=True)
    return folder

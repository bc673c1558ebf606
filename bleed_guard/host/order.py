"""Our callbacks last. The hosts sort by Before and After of each extension's metadata.

They know names there, no wildcard and no "last", and they take the folder's name for the
extension's, which nobody can know beforehand. So the sections are made here, in the memory of our
own metadata, from the scripts that are really installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modules import extensions, script_callbacks, scripts

SCRIPT_HOOKS = (
    "process",
    "postprocess_image",
    "postprocess_maskoverlay",
    "postprocess_image_after_composite",
    "postprocess",
)
CALLBACKS = ("before_image_saved", "image_saved")
ROOT = Path(__file__).resolve().parents[2]


def make_known() -> None:
    """The hosts look for a file's extension where the file really is, and find none if its folder
    is a link: tell them. Call before anything is registered, for that is named after it."""
    known: Any = getattr(extensions, "extension_paths", {})
    for extension in getattr(extensions, "extensions", ()):
        if str(ROOT) not in known and Path(extension.path).resolve() == ROOT:
            known[str(ROOT)] = extension


def order_last() -> None:
    """Name every other callback of our kinds in an After of ours. Call once all are loaded."""
    find: Any = getattr(extensions, "find_extension", lambda path: None)
    own = find(__file__)
    metadata = getattr(own, "metadata", None)
    if metadata is None:
        return
    for names in (*map(_script_names, SCRIPT_HOOKS), *map(_callback_names, CALLBACKS)):
        ours = [name for name in names if name.startswith(f"{own.canonical_name}/")]
        others = [name for name in names if name not in ours]
        for name in ours:
            metadata.config[f"callbacks/{name}"] = {"After": ", ".join(others).replace("%", "%%")}


def _script_names(hook: str) -> list[str]:
    """Full names of all scripts' callbacks for `hook`: extension/file/script_hook/class."""
    names = []
    for entry in scripts.scripts_data:
        if getattr(entry.script_class, hook, None) is not getattr(scripts.Script, hook, None):
            file = Path(entry.path)
            names.append(
                f"{_extension_name(entry.path)}/{file.name}/script_{hook}/"
                f"{entry.script_class.__name__}"
            )
    return names


def _extension_name(path: str) -> str:
    extension: Any = extensions.find_extension(path)
    return extension.canonical_name if extension else "base"


def _callback_names(category: str) -> list[str]:
    """Full names of all functions registered through `script_callbacks` for `category`."""
    registered = getattr(script_callbacks, "callback_map", {}).get(f"callbacks_{category}", [])
    return [entry.name for entry in registered if hasattr(entry, "name")]

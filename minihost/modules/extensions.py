"""The extensions the host knows, and what their metadata.ini says."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modules import errors, paths

if TYPE_CHECKING:
    from modules.scripts import ScriptFile

extensions: list[Extension] = []
extension_paths: dict[str, Extension] = {}
loaded_extensions: dict[str, Extension] = {}


def forget() -> None:
    """No extension is known."""
    extensions.clear()
    extension_paths.clear()
    loaded_extensions.clear()


@dataclass
class CallbackOrderInfo:
    """A callback's wish to be called before and after others, all by name."""

    name: str
    before: list[str]
    after: list[str]


class ExtensionMetadata:
    """An extension's metadata.ini; without one everything is empty."""

    filename = "metadata.ini"

    def __init__(self, path: str, canonical_name: str) -> None:
        self.config = configparser.ConfigParser()
        try:
            self.config.read(Path(path) / self.filename, encoding="utf-8")
        except configparser.Error:
            errors.report(f"Error reading metadata.ini of {canonical_name}.", exc_info=True)
        self.canonical_name = canonical_name.lower().strip()
        self.requires: list[str] = []

    def get_script_requirements(
        self, field: str, section: str, extra_section: str | None = None
    ) -> list[str]:
        """The names under `field` of a section, and of a second one; "a|b" takes the loaded one."""
        text = self.config.get(section, field, fallback="")
        if extra_section:
            text += ", " + self.config.get(extra_section, field, fallback="")
        found = []
        for requirement in self.parse_list(text.lower()):
            loaded = (name for name in requirement.split("|") if name in loaded_extensions)
            found.append(next(loaded, requirement))
        return found

    def parse_list(self, text: str) -> list[str]:
        """ "a b, c" -> ["a", "b", "c"]."""
        return [part for part in re.split(r"[,\s]+", text.strip()) if part]

    def list_callback_order_instructions(self) -> Iterator[CallbackOrderInfo]:
        """One record for each section [callbacks/NAME] that is about this extension."""
        for section in self.config.sections():
            if not section.startswith("callbacks/"):
                continue
            name = section.removeprefix("callbacks/")
            if not name.startswith(self.canonical_name):
                errors.report(f"{self.canonical_name}: {section} is about another extension")
                continue
            listed = {
                key: self.parse_list(self.config.get(section, key, fallback=""))
                for key in ("Before", "After")
            }
            yield CallbackOrderInfo(name, listed["Before"], listed["After"])


class Extension:
    """One extension: a folder."""

    def __init__(
        self,
        name: str,
        path: str,
        enabled: bool = True,
        is_builtin: bool = False,
        metadata: ExtensionMetadata | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self.enabled = enabled
        self.is_builtin = is_builtin
        self.metadata = metadata or ExtensionMetadata(path, name)
        self.canonical_name = self.metadata.canonical_name
        self.version = self.status = self.commit_hash = ""
        self.remote: str | None = None
        self.branch: str | None = None

    def list_files(self, subdir: str, extension: str) -> list[ScriptFile]:
        """Files of a subfolder with that ending (".py"), by name."""
        from modules.scripts import ScriptFile

        folder = Path(self.path) / subdir
        if not folder.is_dir():
            return []
        files = sorted(file for file in folder.iterdir() if file.is_file())
        return [
            ScriptFile(self.path, file.name, str(file))
            for file in files
            if file.suffix.lower() == extension
        ]


def active() -> list[Extension]:
    """The extensions that are not switched off."""
    from modules import shared

    setting, flags = shared.opts.disable_all_extensions, shared.cmd_opts
    if flags.disable_all_extensions or setting == "all":
        return []
    builtin_only = flags.disable_extra_extensions or setting == "extra"
    return [x for x in extensions if x.enabled and (x.is_builtin or not builtin_only)]


def add_extension(
    path: str, *, name: str | None = None, is_builtin: bool = False
) -> Extension | None:
    """Makes a folder known as an extension, by the folder's name if none is given.

    Returns:
        The extension; None when one of that name is there already.
    """
    from modules import shared

    name = name or Path(path).name
    metadata = ExtensionMetadata(path, name)
    if metadata.canonical_name in loaded_extensions:
        errors.report(f'There is an extension "{metadata.canonical_name}" already: {path}')
        return None
    enabled = name not in shared.opts.disabled_extensions
    extension = Extension(name, path, enabled, is_builtin, metadata)
    extensions.append(extension)
    extension_paths[path] = loaded_extensions[metadata.canonical_name] = extension
    return extension


def list_extensions() -> None:
    """Finds the extensions anew: built-in ones first, by folder name."""
    forget()
    for folder in (paths.extensions_builtin_dir, paths.extensions_dir):
        if not Path(folder).is_dir():
            continue
        for found in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
            add_extension(str(found), is_builtin=folder == paths.extensions_builtin_dir)
    for extension in extensions:
        extension.metadata.requires = extension.metadata.get_script_requirements(
            "Requires", "Extension"
        )
        for missing in set(extension.metadata.requires) - set(loaded_extensions):
            errors.report(f'Extension "{extension.name}" requires "{missing}".')


def find_extension(filename: str) -> Extension | None:
    """The extension a file belongs to; None for one whose folder is reached through a link, as in
    the hosts, which look for the place where the file really is."""
    parents = map(str, Path(filename).resolve().parents)
    return next((extension_paths[path] for path in parents if path in extension_paths), None)

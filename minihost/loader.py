"""Loads extensions as a host does, from folders wherever they are; and again on Reload UI.

Everything here needs a started host: `minihost.activate` comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from minihost import ROOT

REPOSITORY = ROOT.parent
OWN_NAME = "bleed-guard"


@dataclass(frozen=True)
class ExtensionFolder:
    """An extension and the name of the folder it is installed under.

    Attributes:
        name: Hosts know extensions by their folder's name; metadata.ini refers to it.
        path: Where the files really are.
    """

    name: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> ExtensionFolder:
        """Read "DIR" or "NAME=DIR".

        Raises:
            NotADirectoryError: There is no such folder.
        """
        name, _, folder = text.rpartition("=")
        path = Path(folder).resolve()
        if not path.is_dir():
            raise NotADirectoryError(f"no such extension folder: {folder}")
        default = OWN_NAME if path == REPOSITORY else path.name
        return cls(name or default, path)


OWN_EXTENSION = ExtensionFolder(OWN_NAME, REPOSITORY)


def preload(folders: Iterable[ExtensionFolder], flags: Sequence[str]) -> None:
    """Let each preload.py add its flags, then read the whole command line.

    Raises:
        SystemExit: A flag is unknown to the host and to all extensions, or has a bad value.
    """
    from modules import script_loading, shared_cmd_options

    parser = shared_cmd_options.parser
    for folder in folders:
        script_loading.preload_extensions(str(folder.path.parent), parser, [folder.path.name])
    parser.parse_args(list(flags), namespace=shared_cmd_options.cmd_opts)


def load(folders: Iterable[ExtensionFolder]) -> None:
    """Make the folders known and execute their scripts; all callbacks begin anew.

    Packages that scripts import stay imported from load to load, as in the hosts; only the files
    in `scripts/` are executed again.
    """
    from modules import extensions, localization, scripts, shared

    extensions.list_extensions()
    for folder in folders:
        _add(folder)
    scripts.load_scripts()
    localization.list_localizations(shared.cmd_opts.localizations_dir)


def reload(folders: Iterable[ExtensionFolder]) -> None:
    """What Reload UI does before the page is built again."""
    from modules import script_callbacks

    script_callbacks.app_reload_callback()
    script_callbacks.script_unloaded_callback()
    load(folders)


def _add(folder: ExtensionFolder) -> None:
    from modules import errors, extensions, shared

    if folder.name.lower() in extensions.loaded_extensions:
        errors.report(f'There is an extension "{folder.name}" already: {folder.path}')
        return
    path = str(folder.path)
    extension = extensions.Extension(
        folder.name, path, enabled=folder.name not in shared.opts.disabled_extensions
    )
    extensions.extensions.append(extension)
    extensions.extension_paths[path] = extension
    extensions.loaded_extensions[extension.canonical_name] = extension

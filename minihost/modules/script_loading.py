"""Executes script files as modules."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from modules import errors

loaded_scripts: dict[str, ModuleType] = {}


def load_module(path: str) -> ModuleType:
    """Executes the file anew; the module is not put into `sys.modules`."""
    spec = importlib.util.spec_from_file_location(Path(path).name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded_scripts[path] = module
    return module


def preload_extensions(
    extensions_dir: str,
    parser: argparse.ArgumentParser,
    extension_list: Iterable[str] | None = None,
) -> None:
    """Lets each extension's preload.py add its command line flags."""
    folder = Path(extensions_dir)
    if not folder.is_dir():
        return
    names = (path.name for path in folder.iterdir()) if extension_list is None else extension_list
    for name in sorted(names):
        file = folder / name / "preload.py"
        if not file.is_file():
            continue
        try:
            module = load_module(str(file))
            if hasattr(module, "preload"):
                module.preload(parser)
        except Exception:
            errors.report(f"Error running preload() for {file}", exc_info=True)

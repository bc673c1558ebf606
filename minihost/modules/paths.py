"""Where the host keeps things. `configure` points everything at one data folder."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path

script_path = str(Path(__file__).resolve().parent.parent)
modules_path = str(Path(__file__).resolve().parent)
data_path = ""
models_path = ""
extensions_dir = ""
extensions_builtin_dir = str(Path(script_path) / "extensions-builtin")
cwd = str(Path.cwd())


def configure(folder: Path | str | None = None) -> None:
    """Makes `folder` the data folder; a temporary one, removed at exit, if None."""
    global data_path, models_path, extensions_dir
    if folder is None:
        temporary = tempfile.TemporaryDirectory(prefix="minihost-")
        atexit.register(temporary.cleanup)
        folder = temporary.name
    root = Path(folder).resolve()
    data_path, models_path = str(root), str(root / "models")
    extensions_dir = str(root / "extensions")
    for made in (root, root / "models", root / "extensions", root / "tmp"):
        made.mkdir(parents=True, exist_ok=True)

"""ComfyUI's entry: a clone of this repository in custom_nodes is a node pack.

ComfyUI imports this folder under a name of its own, so the package inside is loaded by its path
unless it is installed. Nobody else needs this file.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

if "bleed_guard" not in sys.modules:
    folder = Path(__file__).resolve().parent / "bleed_guard"
    spec = spec_from_file_location("bleed_guard", folder / "__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} holds no package")
    module = module_from_spec(spec)
    sys.modules["bleed_guard"] = module
    spec.loader.exec_module(module)

from bleed_guard.comfy import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

"""Run by the host at start: installs nothing, says what is missing.

Every host brings what this extension uses, so there is nothing to install. Should a package be
absent all the same - a broken or half-made environment - this names it in one line.
"""

import sys
from importlib.util import find_spec

REQUIRED = {
    "numpy": "numpy",
    "cv2": "opencv-python",
    "PIL": "Pillow",
    "torch": "torch",
    "gradio": "gradio",
}
"""Module to be imported: name of the package it comes in."""


def missing_packages() -> list[str]:
    """Names of the required packages this Python does not find; none is imported for it."""
    return [package for module, package in REQUIRED.items() if find_spec(module) is None]


def main() -> None:
    """Print one line if something is missing, nothing otherwise: the host shows what is printed."""
    missing = missing_packages()
    if missing:
        print(
            f"Bleed Guard: missing in {sys.executable}: {', '.join(missing)}. "
            "The WebUI installs these itself: mend its own installation, nothing else is needed."
        )


if __name__ == "__main__":
    main()

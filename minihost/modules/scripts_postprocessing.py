"""Scripts of the Extras tab: the names extensions import; nothing calls them here."""

from __future__ import annotations

from typing import Any


class PostprocessedImage:
    """An image on its way through the Extras tab."""

    def __init__(self, image: Any) -> None:
        self.image = image
        self.info: dict[str, Any] = {}
        self.extra_images: list[Any] = []
        self.nametags: list[str] = []


class ScriptPostprocessing:
    """Base of the Extras tab's scripts."""

    filename: str | None = None
    controls: dict[str, Any] | None = None
    args_from: int | None = None
    args_to: int | None = None
    order = 1000
    name: str | None = None
    group: Any = None

    def ui(self) -> dict[str, Any] | None:
        """Makes the controls; gives them by argument name."""

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        """Changes the image."""

    def image_changed(self) -> None:
        """Another image is in the tab."""


class ScriptPostprocessingRunner:
    """Holds the Extras tab's scripts."""

    def __init__(self) -> None:
        self.scripts: list[ScriptPostprocessing] | None = None

"""Guarded jobs in the mini host: the extension loaded as a host loads it, a job run, files read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio
import numpy as np
from PIL import Image

import minihost
from minihost import loader
from minihost.engines import Engine


def installed_profiles() -> tuple[str, ...]:
    """The hosts whose recordings the installed packages reproduce."""
    if gradio.__version__.startswith("3."):
        return ("a1111", "reforge")
    return ("neo",) if np.__version__.startswith("2.") else ("forge",)


@dataclass(frozen=True)
class Outcome:
    """What a user has after a job: the reply's images without grids, files, texts, the job."""

    images: list[Image.Image]
    files: list[Path]
    processed: Any
    p: Any

    @property
    def comments(self) -> str:
        return self.processed.comments

    @property
    def record(self) -> Any:
        """The guard's record of the job."""
        return self.p.bleed_guard_run.record

    def pixels(self, number: int) -> np.ndarray:
        """R, G, B of one image of the reply: uint8 H x W x 3."""
        return np.asarray(self.images[number].convert("RGB"))

    def read_files(self) -> list[np.ndarray]:
        """What is seen of every saved result on the host's background: uint8 H x W x 3."""
        return [_read_as_seen(path) for path in self.files]


def _read_as_seen(path: Path) -> np.ndarray:
    from modules import images, shared

    with Image.open(path) as image:
        hides_infotext = image.mode == "RGBA" and np.asarray(image)[..., 3].min() >= 254
        if image.mode != "RGBA" or hides_infotext:
            return np.asarray(image.convert("RGB"))
        return np.asarray(images.flatten(image, shared.opts.img2img_background_color))


class CornerPainter:
    """Another extension that paints a corner white, at the hook of the host it is made for."""

    def __new__(cls, hook: str) -> Any:
        from modules import scripts

        def paint(self: Any, p: Any, pp: Any, *args: Any) -> None:
            paint_corner(pp)

        members = {hook: paint, "title": lambda self: "Corner painter", "filename": __file__}
        return type("CornerPainterScript", (scripts.Script,), members)()


def paint_corner(holder: Any) -> None:
    """Make the top left 9 x 9 px of `holder.image` white."""
    holder.image = holder.image.copy()
    paint_corner_in_place(holder)


def paint_corner_in_place(holder: Any) -> None:
    """The same on the very picture the host holds, which gallery and reply show too."""
    holder.image.paste((255, 255, 255), (0, 0, 9, 9))


def register_painter_before_saving(paint: Callable[[Any], None] = paint_corner) -> None:
    """An extension whose callback edits every picture before ours sees it."""
    from modules import script_callbacks

    registered = script_callbacks.callback_map["callbacks_before_image_saved"]
    script_callbacks.on_before_image_saved(paint)
    registered.insert(0, registered.pop())


class GuardedHost:
    """A freshly started host with the extension, and further scripts before and behind it."""

    def __init__(
        self,
        profile: str,
        data_dir: Path,
        *,
        engine: str | Engine = "noise",
        before: Sequence[Any] = (),
        behind: Sequence[Any] = (),
        flags: Sequence[str] = (),
    ) -> None:
        minihost.activate(profile, engine=engine, data_dir=data_dir)
        loader.preload([loader.OWN_EXTENSION], flags)
        loader.load([loader.OWN_EXTENSION])
        from modules import script_callbacks, scripts

        script_callbacks.before_ui_callback()
        (entry,) = [
            e for e in scripts.scripts_data if e.script_class.__name__ == "BleedGuardScript"
        ]
        self.guard = entry.script_class()
        self.guard.filename = entry.path
        self.scripts = [*before, self.guard, *behind]
        self.data_dir = data_dir

    def set_options(self, **options: Any) -> None:
        from modules import shared

        for name, value in options.items():
            shared.opts.set(name, value)

    def set_known_option(self, name: str, value: Any) -> None:
        """Set an option that not every host has."""
        from modules import shared

        if name in shared.opts.data_labels:
            shared.opts.set(name, value)

    def make_job(
        self,
        init: Image.Image | list[Image.Image],
        mask: Image.Image | None,
        settings: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Any:
        """A job as the API makes it. `settings` are the guard's, by name."""
        from modules import processing, scripts, shared

        runner = scripts.ScriptRunner()
        arguments: list[Any] = [0]
        for script in self.scripts:
            script.alwayson = True
            script.args_from = len(arguments)
            given = [settings or {}] if script is self.guard else getattr(script, "given", [])
            arguments += given
            script.args_to = len(arguments)
            runner.scripts.append(script)
            runner.alwayson_scripts.append(script)
        inits = init if isinstance(init, list) else [init]
        defaults: dict[str, Any] = {
            "prompt": "a wine glass",
            "seed": 1234,
            "steps": 1,
            "width": inits[0].width,
            "height": inits[0].height,
            "inpainting_fill": 1,
            "inpaint_full_res": False,
            "inpaint_full_res_padding": 32,
            "mask_blur": 4,
        }
        p = processing.StableDiffusionProcessingImg2Img(
            outpath_samples=shared.opts.outdir_img2img_samples,
            outpath_grids=shared.opts.outdir_img2img_grids,
            init_images=inits,
            mask=mask,
            **{**defaults, **fields},
        )
        p.is_api = True
        p.scripts = runner
        p.script_args = tuple(arguments)
        return p

    def run(
        self,
        init: Image.Image | list[Image.Image],
        mask: Image.Image | None,
        settings: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Outcome:
        """One job through the whole host."""
        return self.finish(self.make_job(init, mask, settings, **fields))

    def finish(self, p: Any) -> Outcome:
        from modules import processing

        known = set(self._list_files())
        with contextlib.closing(p):
            processed = processing.process_images(p)
        files = [path for path in self._list_files() if path not in known]
        first = processed.index_of_first_image
        return Outcome(processed.images[first:], files, processed, p)

    def _list_files(self) -> list[Path]:
        from modules import shared

        folder = Path(shared.opts.outdir_img2img_samples)
        return sorted(path for path in folder.rglob("*") if path.suffix not in (".txt", ""))


def count_changed(picture: np.ndarray, reference: np.ndarray, protected: np.ndarray) -> int:
    """Protected pixels in which two uint8 H x W x 3 pictures differ, counted with numpy alone."""
    assert picture.shape == reference.shape, f"{picture.shape} is not {reference.shape}"
    return int(((picture != reference).any(axis=2) & protected).sum())

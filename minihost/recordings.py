"""Recorded jobs of the real hosts: reading them, running them again here, and comparing.

A recording holds what a host was asked, what its model made, and what the host made of that.
`replay` runs the same request through the mini host with the recorded pictures in the model's
place; `compare` names everything that is not the same, bit for bit.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minihost import activate
from minihost.engines import RecordedEngine
from minihost.profiles import HostProfile, find_profile

Event = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """One job of one host: a folder."""

    profile: HostProfile
    folder: Path

    @property
    def name(self) -> str:
        """The case, like "whole-blur4"."""
        return self.folder.name

    @cached_property
    def case(self) -> dict[str, Any]:
        """The folder's case.json."""
        return json.loads((self.folder / "case.json").read_text(encoding="utf-8"))

    @property
    def request(self) -> dict[str, Any]:
        """What the host was asked, with `options`, the settings in force."""
        return self.case["request"]

    @property
    def events(self) -> list[Event]:
        """Every hook and save callback in order."""
        return self.case["events"]

    @property
    def model_name(self) -> str:
        """What the host called its model."""
        parts = self.case["infotext"].rsplit("\n", 1)[-1].split(", ")
        return next(part.removeprefix("Model: ") for part in parts if part.startswith("Model: "))

    def read(self, name: str, number: int) -> Image.Image | None:
        """Image NAME_NUMBER, or NAME_0 if that is missing, or None."""
        for candidate in (number, 0):
            path = self.folder / f"{name}_{candidate}.png"
            if path.is_file():
                return _read(path)
        return None

    def read_overlay(self, number: int) -> Any:
        """Overlay of an image: RGBA, (RGB, float32 mask) or None."""
        image = self.read("overlay", number)
        for candidate in (number, 0):
            path = self.folder / f"overlay_{candidate}_mask.npy"
            if path.is_file():
                return image, np.load(path)
        return image

    def read_all(self, name: str) -> list[Image.Image]:
        """Images NAME_0, NAME_1, ..."""
        paths = sorted(self.folder.glob(f"{name}_[0-9].png"))
        return [_read(path) for path in paths]

    def read_mask(self) -> Image.Image | None:
        """The user's mask as the host held it, or None."""
        path = self.folder / "mask.png"
        return _read(path) if path.is_file() else None

    def read_saved(self, number: int) -> Image.Image | None:
        """Saved file NUMBER, kept only where it differs from every composite."""
        path = next(self.folder.glob(f"saved_{number}.*"), None)
        return None if path is None else _read(path)


def _read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def list_recordings(root: Path, profile: str | HostProfile) -> list[Recording]:
    """A host's recordings below `root`, by name.

    Raises:
        FileNotFoundError: There are none.
    """
    found = find_profile(profile)
    folder = root / found.recordings
    cases = [Recording(found, path) for path in sorted(folder.iterdir()) if path.is_dir()]
    if not cases:
        raise FileNotFoundError(f"no recordings in {folder}")
    return cases


# --- running one again ---

NOT_FIELDS = ("options", "alwayson_scripts", "save_images")
"""Parts of a request that are no field of a job."""


@dataclass
class Replay:
    """What the mini host did: the same things a recording holds."""

    events: list[Event] = field(default_factory=list)
    infotext: str = ""
    masks: list[Image.Image | None] = field(default_factory=list)
    overlays: list[Any] = field(default_factory=list)
    composites: list[Image.Image] = field(default_factory=list)
    saved: list[Path] = field(default_factory=list)


def _make_runner(recording: Recording, recorder: Any) -> tuple[Any, tuple[Any, ...]]:
    """A runner with the request's scripts and the recorder behind them, and all arguments."""
    from modules import scripts

    from minihost.recorder import SOFT_INPAINTING, SoftInpainting

    runner = scripts.ScriptRunner()
    chosen = [(recorder, [])]
    for name, given in recording.request.get("alwayson_scripts", {}).items():
        if name != SOFT_INPAINTING:
            raise ValueError(f"there is no stand-in for script {name!r}")
        chosen.insert(0, (SoftInpainting(recording), given["args"]))
    arguments: list[Any] = [0]
    for script, values in chosen:
        script.filename, script.alwayson = __file__, True
        script.args_from = len(arguments)
        arguments += values
        script.args_to = len(arguments)
        runner.scripts.append(script)
        runner.alwayson_scripts.append(script)
    return runner, tuple(arguments)


@contextlib.contextmanager
def _at_recorded_time(recording: Recording) -> Iterator[None]:
    """The clock beside hidden infotexts shows when the recorded file was saved."""
    from modules import stealth_infotext

    clock = stealth_infotext.clock
    saved = (recording.read_saved(number) for number in range(10))
    times = [stealth_infotext.read_stealth_time(image) for image in saved if image is not None]
    known = [time for time in times if time is not None]
    if known:
        stealth_infotext.clock = lambda: known[-1]
    try:
        yield
    finally:
        stealth_infotext.clock = clock


def _make_job(recording: Recording, runner: Any, arguments: tuple[Any, ...]) -> Any:
    from modules import processing, shared

    request = {x: v for x, v in recording.request.items() if x not in NOT_FIELDS}
    p = processing.StableDiffusionProcessingImg2Img(
        outpath_samples=shared.opts.outdir_img2img_samples,
        outpath_grids=shared.opts.outdir_img2img_grids,
        init_images=recording.read_all("init"),
        mask=recording.read_mask(),
        do_not_save_samples=not recording.request["save_images"],
        do_not_save_grid=not recording.request["save_images"],
        **{**request, "cfg_scale": float(request["cfg_scale"])},
    )
    p.is_api = True
    p.scripts = runner
    p.script_args = arguments
    return p


def replay(recording: Recording, data_dir: Path) -> Replay:
    """Runs the recorded request through the mini host, as the host that recorded it."""
    pictures = [np.array(image) for image in recording.read_all("raw")]
    engine = RecordedEngine(pictures)
    activate(recording.profile, engine=engine, data_dir=data_dir, model_name=recording.model_name)
    from modules import processing, shared

    from minihost.recorder import Recorder

    for key, value in recording.request["options"].items():
        shared.opts.set(key, value)
    done = Replay()
    p = _make_job(recording, *_make_runner(recording, Recorder(done)))
    with _at_recorded_time(recording), contextlib.closing(p):
        done.infotext = processing.process_images(p).infotexts[0]
    return done


# --- comparing ---


def compare(recording: Recording, done: Replay) -> list[str]:
    """Everything that is not as recorded, one line each; nothing if all is the same."""
    return [
        *_compare_events(recording, done),
        *_compare_text("infotext", recording.case["infotext"], done.infotext),
        *_compare_masks(recording, done),
        *_compare_composites(recording, done),
        *_compare_saved(recording, done),
    ]


def _compare_text(what: str, recorded: str, done: str) -> list[str]:
    return [] if recorded == done else [f"{what}: recorded {recorded!r}, got {done!r}"]


def _compare_events(recording: Recording, done: Replay) -> list[str]:
    got = json.loads(json.dumps(done.events))
    found = []
    for number in range(max(len(recording.events), len(got))):
        pair = [
            events[number] if number < len(events) else None for events in (recording.events, got)
        ]
        if pair[0] != pair[1]:
            found.append(f"event {number}: recorded {pair[0]}, got {pair[1]}")
    return found


def _pixels(image: Image.Image | np.ndarray | None) -> np.ndarray | None:
    return None if image is None else np.asarray(image)


def _compare_pixels(what: str, recorded: Any, done: Any) -> list[str]:
    recorded, done = _pixels(recorded), _pixels(done)
    if recorded is None or done is None:
        same = recorded is None and done is None
        there = "nothing" if done is None else "an image"
        return [] if same else [f"{what}: {there} where the recording has the opposite"]
    if recorded.shape != done.shape or recorded.dtype != done.dtype:
        told = f"recorded {recorded.shape} {recorded.dtype}, got {done.shape} {done.dtype}"
        return [f"{what}: {told}"]
    different = recorded != done
    if not different.any():
        return []
    gap = np.abs(recorded.astype(np.float64) - done.astype(np.float64)).max()
    return [f"{what}: {np.count_nonzero(different)} values differ, by up to {gap:g}"]


def _compare_overlay(what: str, recorded: Any, done: Any) -> list[str]:
    if isinstance(recorded, tuple) and isinstance(done, tuple):
        image = _compare_pixels(what, recorded[0], done[0])
        return image + _compare_pixels(f"{what}'s mask", recorded[1], done[1])
    if isinstance(recorded, tuple) or isinstance(done, tuple):
        return [f"{what}: recorded {type(recorded)}, got {type(done)}"]
    return _compare_pixels(what, recorded, done)


def _compare_masks(recording: Recording, done: Replay) -> list[str]:
    found = []
    for number, (mask, overlay) in enumerate(zip(done.masks, done.overlays, strict=True)):
        recorded = recording.read("mask_for_overlay", number)
        found += _compare_pixels(f"mask_for_overlay_{number}", recorded, mask)
        recorded = recording.read_overlay(number)
        found += _compare_overlay(f"overlay_{number}", recorded, overlay)
    return found


def _compare_composites(recording: Recording, done: Replay) -> list[str]:
    recorded = recording.read_all("composite")
    if len(recorded) != len(done.composites):
        return [f"composites: recorded {len(recorded)}, got {len(done.composites)}"]
    pairs = enumerate(zip(recorded, done.composites, strict=True))
    return [
        line
        for number, (image, mine) in pairs
        for line in _compare_pixels(f"composite_{number}", image, mine)
    ]


def _compare_saved(recording: Recording, done: Replay) -> list[str]:
    """Saved files against the recorded ones; where none was kept, against the composite."""
    found = []
    composites = recording.read_all("composite")
    for number, path in enumerate(done.saved):
        mine, recorded = _read(path), recording.read_saved(number)
        if recorded is not None:
            found += _compare_pixels(path.suffix + f" saved_{number}", recorded, mine)
        elif number < len(composites):
            what = f"saved file {number} against its composite"
            found += _compare_pixels(what, composites[number], mine.convert("RGB"))
        else:
            found.append(f"saved file {number}: the recording has none")
    return found

"""Every part of the guard fails once: found by watching jobs, so none is forgotten. The image is
saved, the user is told, the next job is guarded again.

The parts are the functions of bleed_guard/host and what they call of bleed_guard/core; with
BLEED_GUARD_FAULTS=all in the environment, every function of core that runs in a job.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bleed_guard.host
from bleed_guard.core.job import Verdict
from bleed_guard.core.settings import GuardSettings
from bleed_guard.host import compat, presets, script
from bleed_guard.host.history import HISTORY
from tests.host.guarded import CornerPainter, GuardedHost, count_changed, installed_profiles

PROFILE = installed_profiles()[0]
PACKAGE = str(Path(script.__file__).parents[1])
REASON = "this part is broken on purpose"

OUT_OF_A_JOB = {
    "add_preset",
    "delete_preset",
    "describe_causes",
    "describe_record",
    "format_presets",
    "merge_presets",
    "rename_preset",
}
"""Entries of core the host folder uses only when the page or the API asks."""


BESIDE = {"title", "setup"}
"""What the host calls that no job is guarded by: test_a_job_is_guarded_without_them."""


@dataclass(frozen=True)
class Situation:
    """A job that brings further functions into play."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    init_mode: str = "RGB"


SITUATIONS = (
    Situation("whole picture"),
    Situation("only masked", {}, {"inpaint_full_res": True, "mask_blur": 16}),
    Situation("original size", {"keep_size": True}, {"width": 64, "height": 64}),
    Situation("cap", {"cap_strength": True, "strength_cap": 0.5}, {"denoising_strength": 0.9}),
    Situation("colors", {}, {"restore_faces": True}, {"img2img_color_correction": True}),
    Situation("JPEG", {"lossy_format": "leave"}, {}, {"samples_format": "jpg"}),
    Situation("as PNG", {"lossy_format": "png"}, {}, {"samples_format": "jpg"}),
    Situation("alpha", {}, {}, {}, "RGBA"),
    Situation("hard mask", {"soft_mask": "harden"}),
    Situation("preset", {"preset": "tight-edit"}),
    Situation("odd size", {}, {"width": 120, "height": 56}),
)


def make_inputs(mode: str = "RGB") -> tuple[Image.Image, Image.Image]:
    drawn = np.random.default_rng(3)
    photo = Image.fromarray(drawn.integers(0, 256, (64, 128, 3)).astype(np.uint8))
    if mode == "RGBA":
        photo.putalpha(Image.fromarray(drawn.integers(0, 256, (64, 128)).astype(np.uint8)))
    photo.info["dpi"] = (300, 300)
    mask = np.zeros((64, 128), np.uint8)
    mask[20:40, 30:60] = 255
    mask[20:40, 60] = 100  # grey, so that there is something to harden
    return photo, Image.fromarray(mask)


def run(host: GuardedHost, situation: Situation) -> Any:
    host.set_options(**{"samples_format": "png", "img2img_color_correction": False})
    host.set_options(**situation.options)
    photo, mask = make_inputs(situation.init_mode)
    return host.run(photo, mask, dict(situation.settings), **situation.fields)


def list_entries() -> set[CodeType]:
    """The functions of core that modules of the host folder call."""
    modules = [
        importlib.import_module(f"bleed_guard.host.{module.name}")
        for module in pkgutil.iter_modules(bleed_guard.host.__path__)
    ]
    return {
        value.__code__
        for module in modules
        for value in vars(module).values()
        if isinstance(value, FunctionType) and value.__module__.startswith("bleed_guard.core.")
    }


ENTRIES = list_entries()
BREAKS_ALL = os.environ.get("BLEED_GUARD_FAULTS") == "all"
pytestmark = pytest.mark.timeout(3600 if BREAKS_ALL else 300)


def is_part(code: CodeType) -> bool:
    """Whether it has a name, and is neither the net under a hook nor what the host asks beside."""
    if code.co_freevars or code.co_name[0] == "<" or code.co_name in BESIDE:
        return False
    return BREAKS_ALL or Path(code.co_filename).parent.name != "core" or code in ENTRIES


def watch(host: GuardedHost, situation: Situation) -> set[CodeType]:
    """The named functions of the package that run in a job."""
    seen: set[CodeType] = set()

    def note(frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE) and is_part(code):
            seen.add(code)

    sys.setprofile(note)
    try:
        run(host, situation)
    finally:
        sys.setprofile(None)
    return seen


def fail(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("this part is broken on purpose")  # as REASON; no name is at hand here


@contextmanager
def broken(code: CodeType) -> Iterator[None]:
    """The function of this code raises, whoever calls it by whatever name."""
    functions = [f for f in gc.get_referrers(code) if isinstance(f, FunctionType)]
    for function in functions:
        function.__code__ = fail.__code__
    try:
        yield
    finally:
        for function in functions:
            function.__code__ = code


def name_of(code: CodeType) -> str:
    return f"{Path(code.co_filename).stem}.{code.co_name}:{code.co_firstlineno}"


def list_complaints(host: GuardedHost, situation: Situation, code: CodeType) -> Iterator[str]:
    """What is wrong with a job in which this function fails, and with the job after it."""
    known = HISTORY.latest()
    with broken(code):
        failed = run(host, situation)
    if len(failed.images) != 1 or len(failed.files) != 1:
        yield "the image is not saved"
    if "NOT GUARDED" not in failed.comments or REASON not in failed.comments:
        yield f"the user is told {failed.comments!r}"
    shown = HISTORY.latest()
    if shown is not None and shown is not known and shown.verdict is not Verdict.NOT_GUARDED:
        yield f"the history says {shown.verdict}"
    healed = run(host, SITUATIONS[0])
    photo, mask = make_inputs()
    if "NOT GUARDED" in healed.comments or healed.record.verdict is not Verdict.CLEAN:
        yield "the next job is not guarded"
    if count_changed(healed.pixels(0), np.asarray(photo), np.asarray(mask) < 128):
        yield "the next job bleeds"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GuardedHost]:
    """Every job makes its history forget the one before."""
    made = GuardedHost(PROFILE, tmp_path, behind=[CornerPainter("postprocess_image")])
    HISTORY.configure(tmp_path, limit=1)
    yield made
    HISTORY.configure(tmp_path)


def test_whatever_fails_in_a_job_is_told_and_breaks_no_generation(host: GuardedHost) -> None:
    presets.shared_store().save("mine", GuardSettings(feather=9))  # so that a file is read
    done: set[CodeType] = set()
    complaints = []
    for situation in SITUATIONS:
        for code in sorted(watch(host, situation) - done, key=name_of):
            found = list_complaints(host, situation, code)
            complaints += [f"{situation.name}, {name_of(code)}: {told}" for told in found]
            done.add(code)
    assert not complaints, "\n".join(complaints)
    unrounded = {"settle_plan"} if compat.size_step() == 1 else set()
    forgotten = {code.co_name for code in ENTRIES - done} - OUT_OF_A_JOB - unrounded
    assert forgotten == set(), "no situation here calls these"


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_a_job_is_guarded_without_them(host: GuardedHost, name: str) -> None:
    photo, mask = make_inputs()
    with broken(getattr(script.BleedGuardScript, name).__code__):
        outcome = run(host, SITUATIONS[0])
    assert count_changed(outcome.pixels(0), np.asarray(photo), np.asarray(mask) < 128) == 0
    assert outcome.record.verdict is Verdict.CLEAN


def list_hooks() -> dict[str, Any]:
    """Every hook of the guard: what its script overrides of the host's, and its callbacks."""
    from modules import scripts

    page = {"__init__", "show", "ui"} | BESIDE
    own = vars(script.BleedGuardScript)
    hooks = {
        name: own[name] for name in own if hasattr(scripts.Script, name) and callable(own[name])
    }
    callbacks = {name: getattr(script, name) for name in ("before_image_saved", "image_saved")}
    return {name: hook for name, hook in (hooks | callbacks).items() if name not in page}


def test_every_hook_is_one_whose_failure_is_told() -> None:
    hooks = list_hooks()
    assert {"before_process", "postprocess", "image_saved"} <= hooks.keys()
    for name, hook in hooks.items():
        assert hook.__code__ is script.told_on_failure(fail).__code__, name


@pytest.mark.parametrize("name", sorted(list_hooks()))
def test_a_hook_called_with_nothing_breaks_nothing(name: str) -> None:
    """A request during start-up may call hooks with no arguments."""
    hook = list_hooks()[name]
    hook(*([None] if name.startswith("before_image") or name == "image_saved" else [None, None]))

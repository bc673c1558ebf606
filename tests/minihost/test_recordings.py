"""Certification: the mini host does to every recorded job what the real host did, bit for bit.

Each host's recordings run under that host's pins; together the pin sets run all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minihost import recordings
from minihost.recordings import Recording, Replay
from tests.recordings import archive

ROOT = Path(__file__).resolve().parents[1] / "recordings"
CASES_PER_HOST = {"a1111": 26, "reforge": 26, "forge": 26, "neo": 28}
RECORDED = "71d51902ce68e555e8939f54a39786eeec083f8093d6bde64252009c88e99459"
"""SHA-256 over names and bytes of all recorded files: nobody bends a recording."""

HOSTS_OF_PINS = {
    ("3", "1"): ("a1111", "reforge"),
    ("4", "1"): ("forge",),
    ("4", "2"): ("neo",),
}
"""(gradio's, numpy's major version) -> the hosts that run with them."""


def _hosts_here() -> Sequence[str]:
    try:
        majors = [metadata.version(name).split(".")[0] for name in ("gradio", "numpy")]
    except metadata.PackageNotFoundError:
        pytest.skip("no host's pins are installed here", allow_module_level=True)
    return HOSTS_OF_PINS.get((majors[0], majors[1]), tuple(CASES_PER_HOST))


HERE = [case for host in _hosts_here() for case in recordings.list_recordings(ROOT, host)]


def _find(name: str) -> Recording:
    return next(case for case in HERE if case.name == name)


def _same(recorded: Recording, tmp_path: Path) -> list[str]:
    return recordings.compare(recorded, recordings.replay(recorded, tmp_path))


def test_the_recordings_are_as_they_were_recorded() -> None:
    digest = hashlib.sha256()
    readme, folders = [ROOT / "README.md"], archive.list_folders()
    unpacked = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in sorted([*readme, *unpacked]):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    assert digest.hexdigest() == RECORDED
    listed = {host: len(recordings.list_recordings(ROOT, host)) for host in CASES_PER_HOST}
    assert listed == CASES_PER_HOST
    assert sum(listed.values()) == 106


@pytest.mark.parametrize("case", HERE, ids=lambda case: f"{case.profile.name}-{case.name}")
def test_replay_is_as_recorded(case: Recording, tmp_path: Path) -> None:
    assert _same(case, tmp_path) == []


# --- the comparison can fail ---


def _change_one_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    from minihost.engines import RecordedEngine

    played = RecordedEngine.generate

    def generate(self: RecordedEngine, request: Any) -> np.ndarray:
        picture = played(self, request).copy()
        picture[28, 64, 0] ^= 64
        return picture

    monkeypatch.setattr(RecordedEngine, "generate", generate)


def _widen_the_blur(monkeypatch: pytest.MonkeyPatch) -> None:
    from minihost.pipeline import inpaint

    monkeypatch.setattr(inpaint, "_kernel", lambda blur: 2 * int(2.5 * blur + 0.5) + 3)


def _lose_a_level_of_the_overlay(monkeypatch: pytest.MonkeyPatch) -> None:
    from minihost.pipeline import inpaint

    ramped = inpaint._ramped
    levels = [min(level, 254) for level in range(256)]
    monkeypatch.setattr(inpaint, "_ramped", lambda mask: ramped(mask).point(levels))


def _swap_two_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    from modules.script_runner import ScriptRunner

    monkeypatch.setattr(ScriptRunner, "process", ScriptRunner.before_process)


def _forget_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import sd_samplers

    monkeypatch.setattr(sd_samplers, "fix_p_invalid_sampler_and_scheduler", lambda p: None)


def _save_coarser(monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import image_files

    for_lossy = image_files._for_lossy

    def coarser(image: Any, extension: str) -> tuple[Any, dict[str, Any]]:
        image, options = for_lossy(image, extension)
        return image, {**options, "quality": options["quality"] - 5}

    monkeypatch.setattr(image_files, "_for_lossy", coarser)


def _tell_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import processing

    monkeypatch.setattr(processing, "get_fixed_seed", lambda seed: 5678)


MUTATIONS = [
    (_change_one_pixel, "whole-blur4", "composite_0: 1 values differ"),
    (_widen_the_blur, "masked-pad0-blur4", "mask_for_overlay_0:"),
    (_lose_a_level_of_the_overlay, "whole-blur0", "overlay_0:"),
    (_swap_two_hooks, "whole-blur4", "event 2: recorded {'hook': 'process'"),
    (_forget_a_field, "whole-blur4", "'scheduler': 'Automatic'"),
    (_save_coarser, "whole-jpg", "saved_0:"),
    (_tell_another_seed, "whole-blur4", "infotext: recorded"),
]


@pytest.mark.parametrize(
    ("mutate", "case", "told"), MUTATIONS, ids=[row[0].__name__.strip("_") for row in MUTATIONS]
)
def test_a_mutated_pipeline_is_found_out(
    mutate: Callable[[pytest.MonkeyPatch], None],
    case: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    recorded = _find(case)
    recordings.replay(recorded, tmp_path / "before")
    mutate(monkeypatch)
    assert any(told in line for line in _same(recorded, tmp_path / "after"))


def test_what_is_missing_is_told() -> None:
    recorded = _find("whole-blur4")
    lines = recordings.compare(recorded, Replay(infotext=recorded.case["infotext"]))
    assert "composites: recorded 1, got 0" in lines
    assert sum(line.startswith("event ") for line in lines) == len(recorded.events)

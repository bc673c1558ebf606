"""The guard in every recorded situation of the installed host: what the user gets is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bleed_guard.core.job import Verdict
from minihost.engines import RecordedEngine
from minihost.recordings import Recording, list_recordings
from tests.host.guarded import GuardedHost, count_changed, installed_profiles

ROOT = Path(__file__).parents[1] / "recordings"
CASES = [
    recording
    for profile in installed_profiles()
    for recording in list_recordings(ROOT, profile)
    if recording.read_mask() is not None
]
NOT_FIELDS = ("options", "alwayson_scripts", "save_images")


def run_guarded(recording: Recording, tmp_path: Path, blend: str):
    engine = RecordedEngine([np.array(image) for image in recording.read_all("raw")])
    host = GuardedHost(recording.profile.name, tmp_path, engine=engine)
    host.set_options(**recording.request["options"])
    fields = {x: v for x, v in recording.request.items() if x not in NOT_FIELDS}
    inits = recording.read_all("init")
    return host.run(inits, recording.read_mask(), {"blend": blend}, **fields)


def hosts_own_pixels(recording: Recording, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The reference as the host itself made it, and where it shows: its overlay's opaque part."""
    overlay = recording.read_overlay(number)
    if overlay is None:
        return None
    if isinstance(overlay, tuple):
        return np.asarray(overlay[0].convert("RGB")), np.asarray(overlay[1]) == 0
    pixels = np.asarray(overlay.convert("RGBA"))
    return pixels[..., :3], pixels[..., 3] == 255


@pytest.mark.parametrize("blend", ["hard", "membrane + feather"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.profile.name}-{case.name}")
def test_no_protected_pixel_differs(case: Recording, blend: str, tmp_path: Path) -> None:
    outcome = run_guarded(case, tmp_path, blend)
    images = outcome.record.images
    assert len(images) == len(case.read_all("raw"))
    for number, image in enumerate(images):
        assert image.changed == 0
        own = hosts_own_pixels(case, number)
        reference = image.pictures.reference
        if own is None or own[0].shape != reference.shape:
            continue
        pixels, opaque = own
        assert not count_changed(reference, pixels, opaque & image.pictures.protected)
        result = np.asarray(image.pictures.result)
        assert not count_changed(result, pixels, opaque & image.pictures.protected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.profile.name}-{case.name}")
def test_gallery_and_files_show_what_was_verified(case: Recording, tmp_path: Path) -> None:
    outcome = run_guarded(case, tmp_path, "feather")
    replies = [np.asarray(image.convert("RGB")) for image in outcome.images]
    saved = dict(zip([str(path) for path in outcome.files], outcome.read_files(), strict=True))
    for image in outcome.record.images:
        result = np.asarray(image.pictures.result)
        assert any(np.array_equal(result, reply) for reply in replies)
        if image.verdict is Verdict.CLEAN and image.saved_as:
            assert np.array_equal(saved[image.saved_as], result)
        if Path(image.saved_as).suffix == ".jpg":
            assert image.verdict is Verdict.BLEED
            assert "JPEG" in outcome.comments


def test_without_the_guard_most_recorded_situations_bleed(tmp_path: Path) -> None:
    bled = 0
    for recording in CASES:
        engine = RecordedEngine([np.array(image) for image in recording.read_all("raw")])
        host = GuardedHost(recording.profile.name, tmp_path / recording.name, engine=engine)
        host.set_options(**recording.request["options"])
        fields = {x: v for x, v in recording.request.items() if x not in NOT_FIELDS}
        measured = host.run(
            recording.read_all("init"), recording.read_mask(), {"paste_back": False}, **fields
        )
        bled += any(image.changed for image in measured.record.images)
    assert bled > len(CASES) / 2

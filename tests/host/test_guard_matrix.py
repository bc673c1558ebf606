"""A random matrix of jobs: with the guard none fails, without it most do.

BLEED_GUARD_MATRIX=2000 runs the long one, BLEED_GUARD_SEED another series.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bleed_guard.core.job import Verdict
from tests.host.guarded import (
    CornerPainter,
    GuardedHost,
    Outcome,
    count_changed,
    installed_profiles,
    paint_corner,
)
from tests.host.random_jobs import Company, RandomJob, find_misplaced, find_truth, make_job

JOBS = int(os.environ.get("BLEED_GUARD_MATRIX", "120"))
PARTS = 2
SAVING = "before_image_saved"
SEED = int(os.environ.get("BLEED_GUARD_SEED", "1"))


def start(profile: str, tmp_path: Path) -> GuardedHost:
    host = GuardedHost(profile, tmp_path)
    host.set_options(save_images_before_color_correction=False)
    return host


def options_of(profile: str, number: int) -> dict[str, bool]:
    """Settings only one host has, switched by the job's number."""
    return {"img2img_inpaint_precise_mask": number % 3 == 0} if profile == "neo" else {}


def run(host: GuardedHost, job: RandomJob, **settings: object) -> Outcome:
    host.set_options(**job.options)
    inits = [image.copy() for image in job.inits]
    with accompanied(host, job.company):
        return host.run(inits, job.mask_image, {**job.settings, **settings}, **job.fields)


@contextlib.contextmanager
def accompanied(host: GuardedHost, company: Company) -> Iterator[None]:
    """The other scripts of a job beside the guard, as long as it runs."""
    from modules import script_callbacks

    from minihost.companions.scripts.soft_inpainting import PARAMETERS, SoftInpainting

    soft: Any = SoftInpainting()
    soft.filename = "soft_inpainting.py"
    soft.given = [company.is_soft, *(default for _, _, default, _ in PARAMETERS.values())]
    hooks = [h for h in company.before if h != SAVING], [h for h in company.behind if h != SAVING]
    before, behind = ([CornerPainter(hook) for hook in some] for some in hooks)
    host.scripts = [*before, soft, host.guard, *behind]
    saving = script_callbacks.callback_map["callbacks_before_image_saved"]
    ours = list(saving)
    if SAVING in company.before:
        script_callbacks.on_before_image_saved(paint_corner)
        saving.insert(0, saving.pop())
    yield
    saving[:] = ours


def find_bleed(job: RandomJob, outcome: Outcome) -> list[str]:
    """Every picture of the reply and every file in which a protected pixel differs."""
    found = []
    images = outcome.record.images
    switched = bool(outcome.p.inpaint_full_res) and not job.fields["inpaint_full_res"]
    asides = len(outcome.images) // len(images)  # masks stand between the results
    for number, image in enumerate(outcome.images[::asides]):
        pixels = np.asarray(image.convert("RGB"))
        truth = find_truth(job, number, image.size, is_switched=switched)
        changed = count_changed(pixels, *truth)
        found += [f"reply {number}: {changed} pixels"] if changed else []
    for number, pixels in enumerate(outcome.read_files()):
        size = pixels.shape[1], pixels.shape[0]
        changed = count_changed(pixels, *find_truth(job, number, size, is_switched=switched))
        found += [f"file {number}: {changed} pixels"] if changed else []
    told = [image for image in images if image.verdict is not Verdict.CLEAN]
    return found + [f"{image.verdict.value}: {image.sentence} {image.stages}" for image in told]


def find_misplaced_edits(job: RandomJob, outcome: Outcome) -> list[str]:
    """Every picture in which the host did not repaint all of the mask."""
    boxes = [image.crop_box for image in outcome.record.images if image.crop_box is not None]
    left_out = [find_misplaced(job, box) for box in boxes]
    return [f"{count} px of the mask lie outside the crop" for count in left_out if count]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("profile", installed_profiles())
def test_no_job_bleeds(profile: str, part: int, tmp_path: Path) -> None:
    host = start(profile, tmp_path)
    failures = []
    for number in range(part, JOBS, PARTS):
        job = make_job(SEED, number, options_of(profile, number))
        outcome = run(host, job)
        found = find_bleed(job, outcome) + find_misplaced_edits(job, outcome)
        failures += [f"{line} ({job})" for line in found]
    assert not failures, f"{len(failures)} failures, first: " + "\n".join(failures[:5])


@pytest.mark.parametrize("profile", installed_profiles())
def test_the_same_jobs_bleed_without_the_guard(profile: str, tmp_path: Path) -> None:
    host = start(profile, tmp_path)
    bled = 0
    for number in range(40):
        job = make_job(SEED, number, options_of(profile, number))
        outcome = run(host, job, paste_back=False, soft_mask="ignore")
        bled += any(image.changed for image in outcome.record.images)
    assert bled > 20


@pytest.mark.parametrize("profile", installed_profiles())
def test_what_the_guard_says_it_prevented_is_what_the_host_alone_gives(
    profile: str, tmp_path: Path
) -> None:
    """The guard composites only where the host's overlay is open; the host, all of it."""
    host = start(profile, tmp_path)
    for number in range(30):
        options = {**options_of(profile, number), "overlay_inpaint": True}
        job = replace(make_job(SEED + 1, number, options), company=Company())
        alone, guarded = run(host, job, paste_back=False), run(host, job)
        for given, image in zip(alone.record.images, guarded.record.images, strict=True):
            assert given.pictures is not None
            assert image.pictures is not None
            assert np.array_equal(given.pictures.result, image.pictures.unguarded), str(job)
            assert given.changed == image.prevented, str(job)

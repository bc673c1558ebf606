"""Whatever fails in the guard: the image is saved, the user is told, the next one is guarded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.job import Verdict
from bleed_guard.host import closing, compositing, files, infotext, processing, run, script
from bleed_guard.host.history import HISTORY
from tests.host.guarded import GuardedHost, count_changed, installed_profiles

PROFILE = installed_profiles()[0]
PARTS = [
    (script, "read_settings"),
    (script, "plan_guard"),
    (processing, "read_job"),
    (processing, "prepare_inputs"),
    (processing, "apply_plan"),
    (processing, "build_canvas"),
    (processing, "build_reference"),
    (processing, "protected_area"),
    (compositing, "lay_out"),
    (compositing, "compose_unguarded"),
    (compositing, "compose"),
    (compositing, "paste_back"),
    (compositing, "count_changes"),
    (run, "measure_reach"),
    (infotext, "write"),
    (files, "prepare_save"),
    (files, "check_saved"),
    (files, "count_changes"),
    (closing, "tell_run"),
]


def make_inputs() -> tuple[Image.Image, Image.Image]:
    drawn = np.random.default_rng(3)
    photo = Image.fromarray(drawn.integers(0, 256, (64, 128, 3)).astype(np.uint8))
    mask = np.zeros((64, 128), np.uint8)
    mask[20:40, 30:60] = 255
    return photo, Image.fromarray(mask)


@pytest.mark.parametrize(
    ("module", "name"), PARTS, ids=[f"{m.__name__.split('.')[-1]}-{name}" for m, name in PARTS]
)
def test_a_failing_part_breaks_no_generation(
    module: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, mask = make_inputs()
    host = GuardedHost(PROFILE, tmp_path)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("this part is broken on purpose")

    with monkeypatch.context() as broken:
        broken.setattr(module, name, fail)
        failed = host.run(photo, mask)
    assert failed.images[0].size == photo.size
    assert len(failed.files) == 1
    assert "NOT GUARDED" in failed.comments
    assert "broken on purpose" in failed.comments
    shown = HISTORY.latest()
    assert shown is not None
    assert shown.verdict is Verdict.NOT_GUARDED
    healed = host.run(photo, mask)
    (image,) = healed.record.images
    assert image.verdict is Verdict.CLEAN
    outside = np.asarray(mask) < 128
    assert count_changed(healed.pixels(0), np.asarray(photo), outside) == 0


def test_a_file_that_vanishes_before_it_is_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modules import script_callbacks

    photo, mask = make_inputs()
    host = GuardedHost(PROFILE, tmp_path)

    def remove(params: Any) -> None:
        Path(getattr(params.image, "already_saved_as", params.filename)).unlink()

    script_callbacks.on_image_saved(remove)
    registered = script_callbacks.callback_map["callbacks_image_saved"]
    registered.insert(0, registered.pop())
    outcome = host.run(photo, mask)
    assert "NOT GUARDED" in outcome.comments
    outside = np.asarray(mask) < 128
    assert count_changed(outcome.pixels(0), np.asarray(photo), outside) == 0


def test_an_interrupted_job_is_guarded_as_far_as_it_came(tmp_path: Path) -> None:
    from modules import scripts, shared

    class Interrupter(scripts.Script):
        def title(self) -> str:
            return "Interrupter"

        def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
            shared.state.interrupted = True

    photo, mask = make_inputs()
    host = GuardedHost(PROFILE, tmp_path)
    host.scripts.insert(0, Interrupter())
    host.set_options(grid_save=False, return_grid=False)
    outcome = host.run(photo, mask, n_iter=3)
    shared.state.interrupted = False
    assert len(outcome.images) < 3
    outside = np.asarray(mask) < 128
    for number in range(len(outcome.images)):
        assert count_changed(outcome.pixels(number), np.asarray(photo), outside) == 0


def test_wrong_settings_are_answered_with_a_sentence_and_guard_all_the_same(
    tmp_path: Path,
) -> None:
    photo, mask = make_inputs()
    outcome = GuardedHost(PROFILE, tmp_path).run(photo, mask, {"fether": 3, "tolerance": 1.5})
    assert "fether" in outcome.comments
    assert "tolerance must be a whole number" in outcome.comments
    assert outcome.record.images[0].verdict is Verdict.CLEAN

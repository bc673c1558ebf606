"""Faults around a guarded job: of the disk, of files, of the host. The image is saved, the user is
told, the next job is guarded again. What fails inside the guard: test_guard_broken.py."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.job import Verdict
from bleed_guard.host import compat, files, history, presets, register
from bleed_guard.host.history import HISTORY, ForgottenError, History
from tests.host.guarded import GuardedHost, Outcome, count_changed, installed_profiles
from tests.host.test_history import add, assert_same, make_pictures, make_record

PROFILE = installed_profiles()[0]


def make_inputs(size: tuple[int, int] = (128, 64)) -> tuple[Image.Image, Image.Image]:
    drawn = np.random.default_rng(3)
    photo = Image.fromarray(drawn.integers(0, 256, (*size[::-1], 3)).astype(np.uint8))
    mask = np.zeros(size[::-1], np.uint8)
    mask[20:40, 30:60] = 255
    return photo, Image.fromarray(mask)


def run(host: GuardedHost, **fields: Any) -> Outcome:
    return host.run(*make_inputs(), **fields)


def count_bleed(outcome: Outcome, number: int = 0) -> int:
    photo, mask = make_inputs()
    return count_changed(outcome.pixels(number), np.asarray(photo), np.asarray(mask) < 128)


def assert_guarded(outcome: Outcome) -> None:
    assert "NOT GUARDED" not in outcome.comments
    assert outcome.record.verdict is Verdict.CLEAN
    assert count_bleed(outcome) == 0


def raising(error: Exception) -> Callable[..., None]:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    return fail


# ------------------------------------------------------------------------- the disk and its files


def test_a_full_disk_while_the_resolution_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, mask = make_inputs()
    photo.info["dpi"] = (300, 300)
    host = GuardedHost(PROFILE, tmp_path)
    whole = Path.write_bytes

    def write_a_part(path: Path, data: bytes) -> int:
        whole(path, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", write_a_part)
        failed = host.run(photo, mask)
    (path,) = failed.files
    assert np.array_equal(failed.read_files()[0], failed.pixels(0)), "the host's file is whole"
    assert sorted(path.parent.iterdir()) == [path], "nothing is left beside it"
    assert "NOT GUARDED" in failed.comments
    assert "No space left" in failed.comments
    assert count_bleed(failed) == 0
    assert_guarded(run(host))


@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "No space left on device"), MemoryError(), RuntimeError("a surprise")],
    ids=["full disk", "no memory", "anything else"],
)
def test_what_cannot_be_written_takes_pictures_from_the_history_and_leaves_no_torn_file(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_a_part(path: Path, array: np.ndarray) -> None:
        path.write_bytes(b"a part")
        raise failure

    kept = History(memory_limit=0)
    kept.configure(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(history.np, "save", save_a_part)
        add(kept, make_record("a", make_pictures()))
    assert list(tmp_path.rglob("*.npy")) == []
    record = kept.get("a")
    assert record is not None
    assert record.images[0].pictures is not None
    with pytest.raises(ForgottenError):
        _ = record.images[0].pictures.reference
    add(kept, make_record("b", make_pictures(1)))
    assert_same(kept.get("b"), make_pictures(1))


def test_a_history_folder_that_cannot_be_written_takes_its_pictures_only(tmp_path: Path) -> None:
    blocked = tmp_path / "a file where the folder should be"
    blocked.write_bytes(b"")
    kept = History(memory_limit=0)
    kept.configure(blocked)
    add(kept, make_record("a", make_pictures()))
    assert [record.verdict for record in kept.list()] == [Verdict.CLEAN]


def test_a_history_folder_somebody_removed_is_made_anew(tmp_path: Path) -> None:
    kept = History(memory_limit=0)
    kept.configure(tmp_path)
    add(kept, make_record("a", make_pictures()))
    (folder,) = tmp_path.iterdir()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    add(kept, make_record("b", make_pictures(1)))
    assert_same(kept.get("b"), make_pictures(1))
    record = kept.get("a")
    assert record is not None
    assert record.images[0].pictures is not None
    with pytest.raises(ForgottenError, match="gone"):
        _ = record.images[0].pictures.result


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array", b"\x80\x04."])
def test_a_damaged_history_file_is_a_generation_without_pictures(
    tmp_path: Path, content: bytes
) -> None:
    kept = History(memory_limit=0)
    kept.configure(tmp_path)
    add(kept, make_record("a", make_pictures()))
    for path in tmp_path.rglob("*.npy"):
        path.write_bytes(content)
    record = kept.get("a")
    assert record is not None
    assert record.images[0].pictures is not None
    with pytest.raises(ForgottenError, match="damaged"):
        _ = record.images[0].pictures.reference


def test_a_cut_history_file_is_damaged_too(tmp_path: Path) -> None:
    kept = History(memory_limit=0)
    kept.configure(tmp_path)
    add(kept, make_record("a", make_pictures()))
    for path in tmp_path.rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-1])
    record = kept.get("a")
    assert record is not None
    assert record.images[0].pictures is not None
    with pytest.raises(ForgottenError, match="damaged"):
        _ = record.images[0].pictures.protected


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"{", b"[]", b'{"presets": {"a": 3}}', b"\0" * 99]
)
def test_a_broken_preset_file_does_not_keep_a_job_from_being_guarded(
    tmp_path: Path, content: bytes
) -> None:
    host = GuardedHost(PROFILE, tmp_path)
    path = presets.shared_store().path
    path.write_bytes(content)
    assert_guarded(run(host))
    assert presets.shared_store().load().complaints
    assert [kept.read_bytes() for kept in path.parent.glob("*.broken-*")] == [content]


def test_a_preset_file_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = GuardedHost(PROFILE, tmp_path)
    path, move = presets.shared_store().path, Path.replace
    path.mkdir()

    def move_others(one: Path, target: Path) -> Path:
        if one == path:
            raise PermissionError("it is locked")
        return move(one, target)

    with monkeypatch.context() as stuck:
        stuck.setattr(Path, "replace", move_others)
        assert_guarded(run(host))
        assert "it is locked" in presets.shared_store().load().complaints[0]


def test_a_saved_file_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = GuardedHost(PROFILE, tmp_path)

    class LockedFiles:
        """Pillow's Image module, on a disk that lets nobody read."""

        open = staticmethod(raising(PermissionError(errno.EACCES, "Permission denied")))
        Image = Image.Image

    with monkeypatch.context() as locked:
        locked.setattr(files, "Image", LockedFiles)
        failed = run(host)
    assert "NOT GUARDED" in failed.comments
    assert "Permission denied" in failed.comments
    assert len(failed.files) == 1
    assert count_bleed(failed) == 0
    assert_guarded(run(host))


def meddle_with_files(meddle: Callable[[Path], object]) -> None:
    """Another extension that does something to each file before the guard reads it back."""
    from modules import script_callbacks

    script_callbacks.on_image_saved(
        lambda params: meddle(Path(getattr(params.image, "already_saved_as", params.filename)))
    )
    registered = script_callbacks.callback_map["callbacks_image_saved"]
    registered.insert(0, registered.pop())


def test_a_file_that_vanishes_before_it_is_read_back(tmp_path: Path) -> None:
    host = GuardedHost(PROFILE, tmp_path)
    meddle_with_files(Path.unlink)
    outcome = run(host)
    assert "NOT GUARDED" in outcome.comments
    assert "keeps those pixels" not in outcome.comments, "nobody knows what the file has"
    assert count_bleed(outcome) == 0


def test_a_file_that_is_made_smaller_before_it_is_read_back(tmp_path: Path) -> None:
    def make_smaller(path: Path) -> None:
        with Image.open(path) as file:
            smaller = file.resize((file.width // 2, file.height // 2))
        smaller.save(path)

    host = GuardedHost(PROFILE, tmp_path)
    meddle_with_files(make_smaller)
    outcome = run(host)
    (path,) = outcome.files
    assert f"NOT GUARDED: the saved file {path.name} is " in outcome.comments
    assert count_bleed(outcome) == 0


# ------------------------------------------------------------------------------------- the job


class AtDecoded:
    """Another extension that does something when a picture has been decoded."""

    def __new__(cls, act: Callable[[], None]) -> Any:
        from modules import scripts

        def postprocess_image(self: Any, p: Any, pp: Any, *args: Any) -> None:
            act()

        members = {"postprocess_image": postprocess_image, "title": lambda self: "Actor"}
        return type("ActorScript", (scripts.Script,), members)()


@pytest.mark.parametrize("flag", ["interrupted", "skipped", "stopping_generation"])
def test_a_job_that_is_stopped_is_guarded_as_far_as_it_came(tmp_path: Path, flag: str) -> None:
    from modules import shared

    host = GuardedHost(PROFILE, tmp_path)
    host.scripts.insert(0, AtDecoded(lambda: setattr(shared.state, flag, True)))
    host.set_options(grid_save=False, return_grid=False)
    outcome = run(host, n_iter=3)
    setattr(shared.state, flag, False)
    assert len(outcome.images) == (3 if flag == "skipped" else 1)
    assert [count_bleed(outcome, number) for number in range(len(outcome.images))] == [0] * len(
        outcome.images
    )
    assert len(outcome.record.images) == len(outcome.images)
    assert outcome.record.verdict is Verdict.CLEAN


def test_a_job_interrupted_before_its_first_image_is_no_failure_of_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modules import processing

    host = GuardedHost(PROFILE, tmp_path)
    with monkeypatch.context() as stopped:
        stopped.setattr(processing, "_run_batches", lambda p, results: None)
        assert "NOT GUARDED" not in run(host).comments
    assert_guarded(run(host))


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyboardInterrupt()])
def test_a_job_the_host_fails_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from modules import processing

    host = GuardedHost(PROFILE, tmp_path)
    known = HISTORY.latest()
    with monkeypatch.context() as broken:
        broken.setattr(processing, "_sample", raising(error))
        with pytest.raises(type(error)):
            run(host)
    assert HISTORY.latest() is known, "a generation that gave nothing is not shown"
    assert_guarded(run(host))


def test_a_hook_that_fails_for_one_image_never_lays_it_over_the_image_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two init images in one batch: the second one's outside is not the first one's."""
    from bleed_guard.host.run import GuardRun

    photo, mask = make_inputs()
    other = Image.fromarray(255 - np.asarray(photo))
    host = GuardedHost(PROFILE, tmp_path)
    look = GuardRun.look_at_decoded

    def fail_for_the_second(self: Any, p: Any, image: Any) -> None:
        if p.batch_index == 1:
            raise RuntimeError("broken on purpose")
        look(self, p, image)

    host.set_options(grid_save=False, return_grid=False)
    with monkeypatch.context() as broken:
        broken.setattr(GuardRun, "look_at_decoded", fail_for_the_second)
        outcome = host.run([photo, other], mask, batch_size=2)
    verdicts = [image.verdict for image in outcome.record.images]
    assert verdicts == [Verdict.CLEAN, Verdict.NOT_GUARDED]
    far = np.zeros((64, 128), bool)
    far[:, 100:] = True  # beyond the host's own blur
    assert count_changed(outcome.pixels(1), np.asarray(other), far) == 0


def test_a_failure_is_shown_to_the_user_whose_job_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bleed_guard.host import script

    host = GuardedHost(PROFILE, tmp_path)
    for module, name in ((script, "plan_guard"), (script, "close_run")):
        p = host.make_job(*make_inputs())
        p.user = "anna"
        HISTORY.clear()
        with monkeypatch.context() as broken:
            broken.setattr(module, name, raising(RuntimeError("broken on purpose")))
            host.finish(p)
        assert [record.verdict for record in HISTORY.list("anna")] == [Verdict.NOT_GUARDED]
        assert HISTORY.list() == ()


def test_wrong_settings_are_answered_with_a_sentence_and_guard_all_the_same(
    tmp_path: Path,
) -> None:
    photo, mask = make_inputs()
    outcome = GuardedHost(PROFILE, tmp_path).run(photo, mask, {"fether": 3, "tolerance": 1.5})
    assert "fether" in outcome.comments
    assert "tolerance must be a whole number" in outcome.comments
    assert outcome.record.images[0].verdict is Verdict.CLEAN


# ------------------------------------------------------------------------------------ the host


@pytest.mark.parametrize("hook", compat.HOOKS)
def test_a_host_that_drops_a_hook_says_what_is_lost(
    hook: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from modules import script_runner, scripts

    host = GuardedHost(PROFILE, tmp_path)
    known = HISTORY.latest()
    monkeypatch.delattr(scripts.Script, hook)
    monkeypatch.setattr(script_runner.ScriptRunner, hook, lambda *args, **kwargs: None)
    register.register()
    assert f"no {hook}: {compat.HOOKS[hook]}" in capsys.readouterr().out
    outcome = run(host)
    assert len(outcome.files) == 1
    if compat.HOOKS[hook] == compat.NOTHING_GUARDED:
        assert "NOT GUARDED" in outcome.comments
        shown = HISTORY.latest()
        assert shown is not None
        assert shown.verdict is Verdict.NOT_GUARDED
    else:
        assert count_bleed(outcome) == 0
        assert (HISTORY.latest() is known) is (hook == "postprocess")


@pytest.mark.parametrize("callback", compat.CALLBACKS)
def test_a_host_without_a_callback_says_what_is_lost_and_guards_the_picture(
    callback: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from modules import script_callbacks

    monkeypatch.delattr(script_callbacks, callback)
    host = GuardedHost(PROFILE, tmp_path)
    assert f"no {callback}: {compat.CALLBACKS[callback]}" in capsys.readouterr().out
    outcome = run(host)
    assert "NOT GUARDED" not in outcome.comments
    assert count_bleed(outcome) == 0


def test_nothing_is_said_to_be_lost_on_a_host_that_has_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    GuardedHost(PROFILE, tmp_path)
    assert compat.find_losses() == {}
    assert "has no" not in capsys.readouterr().out

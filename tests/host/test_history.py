"""The history keeps what was given, within its bounds, and cleans up behind itself."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.job import Box, InpaintJob, Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord, LoadedPictures
from bleed_guard.core.traces import Sample, Traces
from bleed_guard.host.history import ForgottenError, History

PICTURES = ("reference", "unguarded", "result", "mask", "protected")
ROOT = Path(__file__).resolve().parents[2]


def make_pictures(seed: int = 0, shape: tuple[int, int] = (24, 40)) -> LoadedPictures:
    """Noise, a mask rectangle; unguarded differs in a frame around it, the result inside it."""
    random = np.random.default_rng(seed)
    reference = random.integers(0, 256, (*shape, 3), np.uint8)
    mask = np.zeros(shape, np.uint8)
    mask[8:16, 10:30] = 255
    unguarded, result = reference.copy(), reference.copy()
    unguarded[6:18, 8:32] ^= 1
    result[8:16, 10:30] ^= 255
    return LoadedPictures(reference, unguarded, result, mask, mask < 128)


def make_record(name: str, *pictures: LoadedPictures, owner: str = "") -> GenerationRecord:
    images = [
        ImageRecord(index, Verdict.CLEAN, 1, 0, 0, pictures=entry)
        for index, entry in enumerate(pictures)
    ]
    return GenerationRecord(name, 0.0, tuple(images), owner=owner)


def add(history: History, record: GenerationRecord) -> None:
    history.add(record)
    history.settle()


def assert_same(record: GenerationRecord | None, *expected: LoadedPictures) -> None:
    assert record is not None
    assert len(record.images) == len(expected)
    for image, pictures in zip(record.images, expected, strict=True):
        for name in PICTURES:
            np.testing.assert_array_equal(getattr(image.pictures, name), getattr(pictures, name))


@pytest.fixture(params=[64 * 2**20, 0], ids=["in memory", "on disk"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> History:
    history = History(memory_limit=request.param)
    history.configure(tmp_path, limit=3)
    return history


def test_pictures_come_back_bit_for_bit(history: History) -> None:
    add(history, make_record("a", make_pictures(0), make_pictures(1)))
    assert_same(history.get("a"), make_pictures(0), make_pictures(1))


def test_what_is_kept_for_the_diagnosis_counts_and_goes_oldest_first(tmp_path: Path) -> None:
    history = History(memory_limit=30_000)
    history.configure(tmp_path, limit=9)
    sample = Sample(Box(0, 0, 80, 80), np.zeros((80, 80, 3), np.uint8))
    job = InpaintJob(np.zeros((0, 0), np.uint8), (40, 24), (40, 24), only_masked=False)
    for name in "abc":
        record = make_record(name, make_pictures())
        (image,) = record.images
        add(history, replace(record, images=(replace(image, traces=Traces(job, sample=sample)),)))
        assert history.bytes_in_memory <= 30_000
    traces = {record.id: record.images[0].traces for record in history.list()}
    assert traces["a"] is traces["b"] is None
    assert traces["c"] is not None
    assert_same(history.get("a"), make_pictures())


def test_identical_pictures_come_back_too(history: History) -> None:
    plain = make_pictures()
    same = LoadedPictures(
        plain.reference, plain.reference, plain.reference, plain.mask, plain.protected
    )
    add(history, make_record("a", same))
    assert_same(history.get("a"), same)


@pytest.mark.parametrize("box", [Box(0, 0, 40, 24), Box(9, 7, 12, 9), Box(0, 0, 3, 3)])
@pytest.mark.parametrize("name", PICTURES)
def test_a_part_is_the_same_as_cut_from_the_whole(history: History, name: str, box: Box) -> None:
    add(history, make_record("a", make_pictures()))
    record = history.get("a")
    assert record is not None
    assert record.images[0].pictures is not None
    part = record.images[0].pictures.crop(name, box)
    np.testing.assert_array_equal(part, getattr(make_pictures(), name)[box.slices])


def test_newest_first_and_no_more_than_the_limit(history: History) -> None:
    for name in "abcde":
        add(history, make_record(name, make_pictures()))
    assert [record.id for record in history.list()] == ["e", "d", "c"]
    assert history.latest() is history.list()[0]
    assert history.get("a") is None


def test_a_smaller_limit_takes_effect_at_once(history: History, tmp_path: Path) -> None:
    for name in "abc":
        add(history, make_record(name, make_pictures()))
    history.configure(tmp_path, limit=1)
    assert [record.id for record in history.list()] == ["c"]


def test_adding_the_same_id_replaces_it_in_place(history: History) -> None:
    add(history, make_record("a", make_pictures(0)))
    add(history, make_record("b", make_pictures(1)))
    add(history, make_record("a", make_pictures(2)))
    assert [record.id for record in history.list()] == ["b", "a"]
    assert_same(history.get("a"), make_pictures(2))


def test_a_record_can_be_added_again_with_one_more_image(history: History) -> None:
    add(history, make_record("a", make_pictures(0)))
    kept = history.get("a")
    assert kept is not None
    more = ImageRecord(1, Verdict.CLEAN, 1, 0, 0, pictures=make_pictures(1))
    add(history, kept.with_image(more))
    assert_same(history.get("a"), make_pictures(0), make_pictures(1))


def test_owners_see_their_own_and_have_a_limit_each(history: History) -> None:
    for name in "abcd":
        add(history, make_record(name, make_pictures(), owner="ann"))
    add(history, make_record("x", make_pictures(), owner="bob"))
    assert [record.id for record in history.list("ann")] == ["d", "c", "b"]
    assert [record.id for record in history.list("bob")] == ["x"]
    assert history.list() == ()
    assert history.get("x", "ann") is None
    assert history.latest("eve") is None


def test_revision_grows_with_every_change(history: History) -> None:
    seen = [history.revision]
    for name in "ab":
        add(history, make_record(name, make_pictures()))
        seen.append(history.revision)
    history.clear()
    assert len({*seen, history.revision}) == 4


def test_memory_stays_within_its_limit_and_the_rest_is_on_disk(tmp_path: Path) -> None:
    one = make_pictures().size_in_bytes
    history = History(memory_limit=one)
    history.configure(tmp_path, limit=10)
    for seed in range(6):
        add(history, make_record(str(seed), make_pictures(seed)))
        assert history.bytes_in_memory <= one
    assert history.bytes_on_disk > 0
    for seed in range(6):
        assert_same(history.get(str(seed)), make_pictures(seed))


def test_a_picture_larger_than_the_memory_goes_to_disk_at_once(tmp_path: Path) -> None:
    large = make_pictures(shape=(500, 400))
    history = History(memory_limit=100_000)
    history.configure(tmp_path)
    add(history, make_record("a", large))
    assert history.bytes_in_memory <= 100_000
    assert_same(history.get("a"), large)


def test_a_batch_keeps_what_its_images_share_once(history: History) -> None:
    first = make_pictures()
    add(history, make_record("one", first))
    alone = history.bytes_in_memory + history.bytes_on_disk
    history.clear()
    again = LoadedPictures(
        first.reference.copy(), first.unguarded, first.result, first.mask.copy(), first.protected
    )
    add(history, make_record("two", first, again))
    assert history.bytes_in_memory + history.bytes_on_disk < alone + first.reference.nbytes
    assert_same(history.get("two"), first, first)


def test_disk_stays_within_its_limit_but_the_newest_is_kept(tmp_path: Path) -> None:
    history = History(memory_limit=0, disk_limit=2 * make_pictures().size_in_bytes)
    history.configure(tmp_path, limit=100)
    for seed in range(10):
        add(history, make_record(str(seed), make_pictures(seed)))
        assert history.bytes_on_disk <= 2 * make_pictures().size_in_bytes
    assert 1 <= len(history.list()) < 10
    assert_same(history.latest(), make_pictures(9))


def test_the_revision_tells_what_the_writer_drops(tmp_path: Path) -> None:
    history = History(memory_limit=0, disk_limit=make_pictures().size_in_bytes)
    history.configure(tmp_path)
    for seed in range(3):
        history.add(make_record(str(seed), make_pictures(seed)))
    shown = len(history.list()), history.revision
    history.settle()
    assert len(history.list()) < shown[0]
    assert history.revision != shown[1]


def test_files_of_dropped_generations_are_removed(tmp_path: Path) -> None:
    history = History(memory_limit=0)
    history.configure(tmp_path, limit=1)
    add(history, make_record("0", make_pictures(0)))
    before = len(list(tmp_path.rglob("*.npy")))
    for seed in range(1, 5):
        add(history, make_record(str(seed), make_pictures(seed)))
    assert len(list(tmp_path.rglob("*.npy"))) == before
    history.clear()
    assert list(tmp_path.rglob("*.npy")) == []


def test_pictures_of_a_dropped_generation_say_so(history: History) -> None:
    add(history, make_record("a", make_pictures()))
    held = history.get("a")
    assert held is not None
    history.clear()
    with pytest.raises(ForgottenError, match="no longer"):
        _ = held.images[0].pictures and held.images[0].pictures.result


def test_without_a_folder_the_numbers_stay_and_the_pictures_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    history = History(memory_limit=0)
    add(history, make_record("a", make_pictures()))
    record = history.latest()
    assert record is not None
    assert record.images[0].verdict is Verdict.CLEAN
    assert history.bytes_in_memory == 0
    assert "lost the pictures" in caplog.text


def test_images_without_pictures_are_kept(history: History) -> None:
    failed = ImageRecord(0, Verdict.NOT_GUARDED, 0, 0, 0, reason="odd size")
    add(history, GenerationRecord("a", 0.0, (failed,)))
    assert history.latest() == GenerationRecord("a", 0.0, (failed,))


def test_several_threads_may_add_and_read(history: History, tmp_path: Path) -> None:
    history.configure(tmp_path, limit=100)
    failures: list[BaseException] = []

    def work(start: int) -> None:
        try:
            for seed in range(start, start + 5):
                history.add(make_record(str(seed), make_pictures(seed)))
                assert_same(history.get(str(seed)), make_pictures(seed))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(history.list()) == 20


def test_a_generation_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk hangs: generations are added and shown all the same, and are whole afterwards."""
    is_free, save = threading.Event(), np.save

    def hang(path: Path, array: np.ndarray) -> None:
        assert is_free.wait(30)
        save(path, array)

    monkeypatch.setattr(np, "save", hang)
    history = History(memory_limit=0)
    history.configure(tmp_path, limit=2)
    for seed in range(4):  # the oldest are dropped while one of their arrays is being written
        history.add(make_record(str(seed), make_pictures(seed)))
        assert_same(history.latest(), make_pictures(seed))
    assert history.bytes_on_disk == 0
    is_free.set()
    history.settle()
    assert history.bytes_in_memory == 0
    assert_same(history.get("2"), make_pictures(2))
    assert_same(history.get("3"), make_pictures(3))
    assert len(list(tmp_path.rglob("*.npy"))) == 2 * 5, "those of the dropped are removed"


def test_what_waits_for_a_slow_disk_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bleed_guard.host.history.BACKLOG", 0)
    history = History(memory_limit=0)
    history.configure(tmp_path)
    history.add(make_record("a", make_pictures()))
    assert history.bytes_in_memory == 0


CHILD = """
import os, sys
import numpy as np
from bleed_guard.core.job import Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord, LoadedPictures
from bleed_guard.core.traces import Sample, Traces
from bleed_guard.host.history import History
picture = np.zeros((8, 8, 3), np.uint8)
mask = np.zeros((8, 8), np.uint8)
pictures = LoadedPictures(picture, picture, picture, mask, mask < 128)
history = History(memory_limit=0)
history.configure(sys.argv[1])
image = ImageRecord(0, Verdict.CLEAN, 64, 0, 0, pictures=pictures)
history.add(GenerationRecord("a", 0.0, (image,)))
history.settle()
assert history.bytes_on_disk
if sys.argv[2] == "killed":
    os._exit(9)
"""


def run_child(folder: Path, ending: str) -> None:
    child = [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), ending]
    subprocess.run(child, cwd=ROOT, check=ending != "killed")


def test_a_process_that_ends_leaves_nothing(tmp_path: Path) -> None:
    run_child(tmp_path, "ends")
    assert list(tmp_path.iterdir()) == []


def test_left_overs_of_a_killed_process_are_removed_and_a_living_ones_kept(tmp_path: Path) -> None:
    living = History(memory_limit=0)
    living.configure(tmp_path)
    add(living, make_record("a", make_pictures()))
    run_child(tmp_path, "killed")
    assert len(list(tmp_path.iterdir())) == 2
    History().configure(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert_same(living.get("a"), make_pictures())


def test_a_picture_is_handed_to_the_page_where_the_hosts_folder_is_missing(
    guarded_host: Any,
) -> None:
    from modules import script_callbacks, shared, ui_tempdir

    folder = guarded_host.data_dir / "unmade"  # as Forge Neo's is without its start scripts
    shared.opts.data["temp_dir"] = str(folder)
    script_callbacks.before_ui_callback()
    picture = Image.new("RGB", (8, 8))
    component = [gr.Image()] if gr.__version__.startswith("3.") else []
    assert Path(ui_tempdir.save_pil_to_file(*component, picture)).parent == folder

"""The preset file: atomic, shared by threads, and kept aside when it is broken."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bleed_guard.core.settings import GuardSettings
from bleed_guard.host.presets import FILE_NAME, PresetFile


@pytest.fixture
def store(tmp_path: Path) -> PresetFile:
    return PresetFile(tmp_path / "data" / FILE_NAME)


def names(store: PresetFile) -> list[str]:
    return list(store.load().presets)


def test_no_file_is_no_presets(store: PresetFile) -> None:
    assert store.load() == ({}, ())
    assert not store.path.parent.exists()


def test_presets_live_in_the_file(store: PresetFile) -> None:
    store.save("faces", GuardSettings(feather=9))
    store.save("hands", GuardSettings(feather=2))
    store.rename("faces", "eyes")
    again = PresetFile(store.path)
    assert {name: preset.feather for name, preset in again.load().presets.items()} == {
        "eyes": 9,
        "hands": 2,
    }
    again.delete("eyes")
    assert names(store) == ["hands"]
    assert [path.name for path in store.path.parent.iterdir()] == [FILE_NAME]


def test_a_file_windows_has_marked_as_utf_8_is_read(store: PresetFile) -> None:
    store.save("faces", GuardSettings())
    store.path.write_text(store.path.read_text(), encoding="utf-8-sig")
    assert list(store.load().presets) == ["faces"]
    assert store.load().complaints == ()


def test_an_export_is_imported_elsewhere(store: PresetFile, tmp_path: Path) -> None:
    store.save("faces", GuardSettings(feather=9))
    other = PresetFile(tmp_path / "other.json")
    other.save("faces", GuardSettings(feather=1))
    added, complaints = other.import_text(store.export_text())
    assert (list(added), complaints) == (["faces (2)"], ())
    assert names(other) == ["faces", "faces (2)"]


def test_a_bad_import_changes_nothing(store: PresetFile) -> None:
    store.save("faces", GuardSettings())
    before = store.path.read_bytes()
    with pytest.raises(ValueError, match="not a preset file"):
        store.import_text("{")
    assert store.path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe\x00", b"[]", b" " * (2 << 20)],
    ids=["cut", "binary", "list", "huge"],
)
def test_a_broken_file_is_kept_aside_and_named(store: PresetFile, content: bytes) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    presets, (complaint,) = store.load()
    assert presets == {}
    (aside,) = store.path.parent.iterdir()
    assert aside.read_bytes() == content
    assert aside.name in complaint
    store.save("faces", GuardSettings())
    assert names(store) == ["faces"]
    assert store.load().complaints == (complaint,)
    assert aside.read_bytes() == content


def test_the_good_presets_of_a_partly_broken_file_stay(store: PresetFile) -> None:
    store.save("faces", GuardSettings(feather=9))
    text = store.path.read_text().replace('"faces"', '"guard": {}, "faces"')
    store.path.write_text(text)
    presets, (complaint,) = store.load()
    assert list(presets) == ["faces"]
    assert "'guard' left out" in complaint
    asides = list(store.path.parent.glob("*.broken-*.json"))
    assert [aside.read_text() for aside in asides] == [text]


def test_two_broken_files_in_one_second_are_both_kept(store: PresetFile) -> None:
    store.path.parent.mkdir()
    for content in ("{", "["):
        store.path.write_text(content)
        store.load()
    asides = store.path.parent.glob("*.broken-*.json")
    assert sorted(aside.read_text() for aside in asides) == ["[", "{"]


def test_a_write_that_fails_leaves_the_old_file(
    store: PresetFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("faces", GuardSettings())
    before = store.path.read_bytes()

    def fail(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        store.save("hands", GuardSettings())
    monkeypatch.undo()
    assert [path.read_bytes() for path in store.path.parent.iterdir()] == [before]


def test_threads_lose_nothing(store: PresetFile) -> None:
    threads = [
        threading.Thread(target=store.save, args=(f"p{number}", GuardSettings()))
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(store)) == 16

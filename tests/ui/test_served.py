"""What the page is sent lies in gradio's folder, within bounds, and goes with the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from bleed_guard.ui.served import ServedFiles, check_uploaded, gradio_folder


def test_files_lie_where_gradio_serves_them(gradio_folder: Path) -> None:
    path = ServedFiles().publish("key", ".png", lambda: b"content")
    assert path.is_relative_to(gradio_folder)
    assert path.read_bytes() == b"content"
    assert not any(part.startswith(".") for part in path.relative_to(gradio_folder).parts)


def test_gradio_agrees_on_its_folder() -> None:
    from gradio.routes import App

    assert Path(App().uploaded_file_dir).resolve() == gradio_folder()


def test_names_cannot_be_guessed(gradio_folder: Path) -> None:
    files = ServedFiles()
    names = {files.publish(number, ".png", lambda: b"same").stem for number in range(20)}
    assert len(names) == 20
    assert all(len(name) == 32 for name in names)


def test_a_file_is_made_once_and_again_when_it_was_removed(gradio_folder: Path) -> None:
    files, made = ServedFiles(), []
    paths = {files.publish("key", ".png", lambda: made.append(1) or b"content") for _ in "12"}
    assert len(made) == 1
    paths.pop().unlink()
    assert files.publish("key", ".png", lambda: b"again").read_bytes() == b"again"


def test_the_least_used_files_go_when_there_are_too_many_bytes(gradio_folder: Path) -> None:
    files = ServedFiles(byte_limit=30)
    first, second, _ = (files.publish(number, ".png", lambda: b"x" * 10) for number in range(3))
    files.publish(0, ".png", lambda: b"unused")
    files.publish(3, ".png", lambda: b"x" * 10)
    assert first.is_file()
    assert not second.exists()


def test_a_file_larger_than_all_bytes_is_kept_until_the_next(gradio_folder: Path) -> None:
    path = ServedFiles(byte_limit=5).publish("large", ".png", lambda: b"x" * 10)
    assert path.is_file()


def test_a_folder_is_no_uploaded_file(gradio_folder: Path) -> None:
    with pytest.raises(PermissionError, match="not a file you uploaded"):
        check_uploaded(str(gradio_folder))

"""A history with one run in it, a folder for what is served, and the viewer that answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bleed_guard.host.history import History
from bleed_guard.ui.served import ServedFiles
from bleed_guard.ui.viewer import Viewer
from tests.ui.records import make_record


@pytest.fixture
def gradio_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gradio's temporary folder, for this test alone."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History()
    history.configure(tmp_path)
    history.add(make_record())
    yield history
    history.clear()


@pytest.fixture
def viewer(history: History, gradio_folder: Path) -> Viewer:
    return Viewer(history, ServedFiles())

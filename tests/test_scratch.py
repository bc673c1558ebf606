"""Folders that live as long as their process. What becomes of them at its end: test_history.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bleed_guard import scratch
from bleed_guard.scratch import ScratchFolder

PREFIX = "pictures-"


def tidy(parent: Path) -> None:
    """What another process does that starts at this moment."""
    ScratchFolder(parent, PREFIX).remove_left_overs()


def with_tidying(act: Callable[..., Any], parent: Path, *, first: bool) -> Callable[..., Any]:
    """`act`, another process tidying up once, right before it or right after."""
    is_due = True

    def run(*args: Any, **kwargs: Any) -> Any:
        nonlocal is_due
        tidies, is_due = is_due, False
        if tidies and first:
            tidy(parent)
        done = act(*args, **kwargs)
        if tidies and not first:
            tidy(parent)
        return done

    return run


@pytest.mark.parametrize(
    ("owner", "name"), [(Path, "mkdir"), (Path, "open"), (scratch, "_lock_file")]
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_folder_in_the_making_is_not_taken_for_a_left_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, first: bool
) -> None:
    folder = ScratchFolder(tmp_path, PREFIX)
    monkeypatch.setattr(owner, name, with_tidying(getattr(owner, name), tmp_path, first=first))
    file = folder.new_file(".npy")
    file.write_bytes(b"a picture")
    monkeypatch.undo()
    tidy(tmp_path)
    assert file.read_bytes() == b"a picture"
    assert list(tmp_path.iterdir()) == [folder.path]
    folder.remove()
    assert not list(tmp_path.iterdir())


def test_an_empty_left_over_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}never-begun").mkdir()
    tidy(tmp_path)
    assert not list(tmp_path.iterdir())

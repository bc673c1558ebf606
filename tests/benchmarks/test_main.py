"""Benchmarks run by name."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from benchmarks import __main__ as runner


def test_seam_is_a_benchmark_and_its_pictures_are_not() -> None:
    assert "seam" in runner.list_names()
    assert not [name for name in runner.list_names() if name.startswith("_")]


def test_named_benchmarks_run_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def stand_in(name: str, status: int | None) -> ModuleType:
        module = ModuleType(f"benchmarks.{name}")
        module.main = lambda: calls.append(name) or status  # type: ignore[attr-defined]
        return module

    monkeypatch.setattr(runner, "list_names", lambda: ["one", "two"])
    monkeypatch.setitem(sys.modules, "benchmarks.one", stand_in("one", None))
    monkeypatch.setitem(sys.modules, "benchmarks.two", stand_in("two", 3))
    assert runner.main(["two", "one"]) == 3
    assert runner.main([]) == 3
    assert calls == ["two", "one", "one", "two"]


def test_an_unknown_name_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        runner.main(["sea"])
    assert "seam" in capsys.readouterr().err

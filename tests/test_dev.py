"""dev.py: what it counts, what it runs, and when it makes an environment anew."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

import dev

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/></testsuites>
"""
TAP = """TAP version 13
# Subtest: a title that says # pass 99
ok 1 - a title that says # pass 99
1..6
# tests 6
# suites 0
# pass 3
# fail 1
# cancelled 1
# skipped 1
# todo 0
# duration_ms 61.2
"""


def test_counts_of_pytest_add_errors_to_failures(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(JUNIT)
    assert dev.read_junit(tmp_path / "junit.xml") == dev.Counts(passed=4, failed=3, skipped=3)


def test_counts_of_node_are_those_of_its_closing_lines() -> None:
    assert dev.read_tap(TAP, status=1) == dev.Counts(passed=3, failed=2, skipped=1)


def test_a_node_that_died_is_a_failure() -> None:
    assert dev.read_tap("", status=139) == dev.Counts(failed=1)


@pytest.mark.parametrize(
    ("status", "junit", "expected"),
    [
        pytest.param(1, JUNIT, dev.Counts(4, 3, 3), id="failures are counted once"),
        pytest.param(3, JUNIT, dev.Counts(4, 4, 3), id="an internal error is one more"),
        pytest.param(139, "", dev.Counts(0, 1, 0), id="died without a report"),
        pytest.param(1, "<testsuites>", dev.Counts(0, 1, 0), id="died while it reported"),
        pytest.param(5, "<testsuites/>", dev.Counts(), id="nothing selected"),
    ],
)
def test_a_run_of_pytest_never_loses_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, junit: str, expected: dev.Counts
) -> None:
    def run(_command: object, **_options: object) -> int:
        if junit:
            (tmp_path / "part.xml").write_text(junit)
        return status

    monkeypatch.setattr(dev, "REPORTS", tmp_path)
    monkeypatch.setattr(dev, "ensure", lambda name: Path(name))
    monkeypatch.setattr(dev, "run", run)
    assert dev.run_pytest("part", "forge", []) == expected


def test_the_last_line_is_the_sum_of_all_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {"a1111": dev.Counts(5, 0, 1), "forge": dev.Counts(4, 1, 1)}
    monkeypatch.setattr(dev, "plan_parts", lambda only, extra: {part: [] for part in counts})
    monkeypatch.setattr(dev, "run_part", lambda part, arguments: counts[part])
    monkeypatch.setattr(dev, "prepare", lambda parts: None)
    assert dev.main(["test"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "9 passed, 1 failed, 2 skipped"


def test_a_part_that_cannot_run_here_is_a_failure_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(dev.CHROMIUM_VARIABLE, raising=False)
    assert dev.run_part("browser", []) == dev.Counts(failed=1)
    assert dev.run_part("js", []) == dev.Counts(failed=1)
    told = capsys.readouterr().err
    assert "Chromium is missing: install it" in told
    assert "`node` is missing: install Node.js" in told


def test_the_browsers_run_side_by_side_and_are_shown_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    script = "import sys; print('out', sys.argv[3]); print('err', sys.argv[3], file=sys.stderr)"
    started = threading.Barrier(len(dev.BROWSER_VENVS), timeout=30)

    def run_script(name: str, venv: str, extra: list[str], chromium: str, log: Path) -> dev.Counts:
        started.wait()
        status = dev.run([sys.executable, "-c", script, *extra, name, chromium], output=log)
        return dev.Counts(passed=2, failed=status)

    monkeypatch.setattr(dev, "REPORTS", tmp_path)
    monkeypatch.setattr(dev, "find_chromium", lambda: "chromium")
    monkeypatch.setattr(dev, "run_pytest", run_script)
    assert dev.test_browser(["-k", "tab"]) == dev.Counts(passed=4)
    shown = [line for line in capfd.readouterr().out.splitlines() if "browser-" in line]
    told = [f"{stream} browser-{venv}" for venv in dev.BROWSER_VENVS for stream in ("out", "err")]
    assert sorted(shown[:2]) + sorted(shown[2:]) == sorted(told[:2]) + sorted(told[2:])


def test_every_part_gets_the_environments_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def ensure(name: str) -> None:
        made.append(name)
        raise dev.SetupError("told by the part itself")

    monkeypatch.setattr(dev, "ensure", ensure)
    dev.prepare(["browser", "js"])
    assert sorted(made) == ["a1111", "forge"]
    dev.prepare(["neo"])
    assert made[2:] == ["neo"]


def test_paths_go_to_the_part_they_belong_to() -> None:
    parts = dev.plan_parts(None, ["tests/test_dev.py::test_name", "-x"])
    assert set(parts) == {"a1111", "forge", "neo"}
    assert parts["neo"] == ["tests/test_dev.py::test_name", "-x"]


def test_options_alone_go_to_every_part() -> None:
    parts = dev.plan_parts(None, ["-k", "mask"])
    assert parts["a1111"] == ["tests", "-k", "mask"]
    assert dev.plan_parts("forge", []) == {"forge": ["tests"]}


def test_what_needs_no_host_runs_once_under_the_same_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = dev.plan_parts(None, [])
    assert parts["a1111"] == parts["neo"] == ["tests"]
    ignored = [f"--ignore=tests/{folder}" for folder in ("core", "cli", "audit")]
    assert parts["forge"] == ["tests", *ignored]
    monkeypatch.setattr(dev, "plain_pins", lambda venv: (f"numpy of {venv}",))
    assert dev.plan_parts(None, [])["forge"] == ["tests"]


def test_every_host_pins_each_package_of_the_tests_that_need_no_host() -> None:
    for venv in ("a1111", "forge", "neo"):
        named = [line.partition("==")[0] for line in dev.plain_pins(venv)]
        assert named == list(dev.PLAIN_PACKAGES)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dev.Environment:
    """An environment in an empty repository of its own."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "own.txt").write_text("six==1.17.0\n")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENVS", tmp_path / ".venvs")
    made = dev.Environment("own", ("own.txt",))
    monkeypatch.setitem(dev.ENVIRONMENTS, "own", made)
    return made


@pytest.fixture
def steps(environment: dev.Environment, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the steps of a set-up that have run; none of them installs anything."""
    done: list[str] = []

    def run_quietly(command: list[str | Path], complaint: str) -> None:
        done.append("pip" if "pip" in command else "venv")
        if done[-1] == "venv":
            environment.python.parent.mkdir(parents=True)
            environment.python.symlink_to(sys.executable)

    monkeypatch.setattr(dev, "find_python", lambda: sys.executable)
    monkeypatch.setattr(dev, "run_quietly", run_quietly)
    monkeypatch.setitem(dev.ENVIRONMENTS, "tools", ReadyEnvironment())
    monkeypatch.setattr(dev, "answer_of", lambda command: subprocess.CompletedProcess(command, 1))
    return done


@dataclass
class ReadyEnvironment:
    """An environment that needs no making: this Python."""

    python: Path = Path(sys.executable)

    def is_ready(self) -> bool:
        return True


needs_links = pytest.mark.skipif(os.name == "nt", reason="a test's account may make no links")


@needs_links
def test_an_environment_is_made_once(steps: list[str]) -> None:
    dev.ensure("own")
    dev.ensure("own")
    assert steps == ["venv", "pip"]


@needs_links
def test_pip_installs_only_what_uv_could_not(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "answer_of", lambda command: subprocess.CompletedProcess(command, 0))
    assert dev.ensure("own").exists()
    assert steps == ["venv"]


@needs_links
def test_an_environment_is_made_anew_when_its_requirements_change(steps: list[str]) -> None:
    dev.ensure("own")
    (dev.ROOT / "requirements" / "own.txt").write_text("six==1.16.0\n")
    dev.ensure("own")
    assert steps == ["venv", "pip", "venv", "pip"]


@needs_links
def test_a_torn_set_up_is_done_again(
    steps: list[str], environment: dev.Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dev.run_quietly

    def stop_at_pip(command: list[str | Path], complaint: str) -> None:
        whole(command, complaint)
        if "pip" in command:
            raise KeyboardInterrupt

    monkeypatch.setattr(dev, "run_quietly", stop_at_pip)
    with pytest.raises(KeyboardInterrupt):
        dev.ensure("own")
    assert environment.python.exists()
    monkeypatch.setattr(dev, "run_quietly", whole)
    dev.ensure("own")
    assert steps == ["venv", "pip", "venv", "pip"]


@needs_links
def test_an_environment_whose_python_is_gone_is_made_anew(
    steps: list[str], environment: dev.Environment
) -> None:
    dev.ensure("own")
    environment.python.unlink()
    environment.python.symlink_to(dev.ROOT / "gone")
    dev.ensure("own")
    assert steps == ["venv", "pip", "venv", "pip"]


def test_a_missing_python_is_told_in_one_line(
    environment: dev.Environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(dev, "is_right_python", lambda executable: False)
    assert dev.main(["python", "--venv", "own", "-V"]) == 2
    making, missing = capsys.readouterr().err.splitlines()
    assert "making .venvs/tools" in making
    assert f"Python {dev.PYTHON_VERSION} with its venv module is missing" in missing


def test_what_pip_says_is_shown_when_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    script = "print('no such version'); raise SystemExit(1)"
    with pytest.raises(dev.SetupError, match="could not be made; the lines above say why"):
        dev.run_quietly([sys.executable, "-c", script], "it could not be made")
    assert capsys.readouterr().err == "no such version\n"


def test_python_runs_where_the_user_is_and_finds_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dev, "ensure", lambda name: Path(sys.executable))
    script = "import os, bleed_guard; print(os.getcwd())"
    assert dev.main(["python", "-c", script]) == 0
    assert Path(capfd.readouterr().out.strip()).samefile(tmp_path)


@needs_links
def test_requirements_that_change_during_a_set_up_are_not_lost(
    steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = dev.run_quietly

    def edit_meanwhile(command: list[str | Path], complaint: str) -> None:
        whole(command, complaint)
        (dev.ROOT / "requirements" / "own.txt").write_text("six==1.16.0\n")

    monkeypatch.setattr(dev, "run_quietly", edit_meanwhile)
    dev.ensure("own")
    monkeypatch.setattr(dev, "run_quietly", whole)
    dev.ensure("own")
    assert steps == ["venv", "pip", "venv", "pip"]

"""What the host runs before its own start: install.py and preload.py."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

import install
import preload

ROOT = Path(__file__).parents[1]


def run_install(*folders: Path) -> str:
    """What install.py prints where only the packages in `folders` are installed."""
    answer = subprocess.run(
        [sys.executable, "-S", ROOT / "install.py"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout


def make_packages(folder: Path, *names: str) -> Path:
    """Put packages into `folder` that refuse to be imported."""
    for name in names:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('imported')")
    return folder


def test_nothing_is_printed_or_imported_where_all_is_there(tmp_path: Path) -> None:
    assert run_install(make_packages(tmp_path, *install.REQUIRED)) == ""


@pytest.mark.parametrize("missing", install.REQUIRED)
def test_one_line_names_what_is_missing(tmp_path: Path, missing: str) -> None:
    present = [name for name in install.REQUIRED if name != missing]
    (line,) = run_install(make_packages(tmp_path, *present)).splitlines()
    assert line.startswith("Bleed Guard: missing in ")
    assert f": {install.REQUIRED[missing]}. " in line


def test_one_line_names_all_that_is_missing() -> None:
    (line,) = run_install().splitlines()
    assert ", ".join(install.REQUIRED.values()) in line


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    preload.preload(parser)
    return parser.parse_args(arguments)


def test_flags_are_off_unless_given() -> None:
    options = parse()
    assert options.bleed_guard_strict is False
    assert options.bleed_guard_data_dir is None


def test_flags_arrive_under_the_names_the_extension_reads() -> None:
    options = parse("--bleed-guard-strict", "--bleed-guard-data-dir", "presets")
    assert options.bleed_guard_strict is True
    assert options.bleed_guard_data_dir == "presets"

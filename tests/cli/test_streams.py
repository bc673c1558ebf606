"""The command line as a process whose output nobody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = ("original.png", "clean.png", "mask.png")
BAD = ("original.png", "bleed.png", "mask.png")
COMMANDS = {
    "clean": (("check", *GOOD), 0),
    "bleed": (("check", *BAD), 1),
    "report": (("check", *BAD, "--html", "-"), 1),
    "wrong": (("check", "original.png", "gone.png", "mask.png"), 2),
    "usage": (("check", "original.png"), 2),
    "help": (("check", "--help"), 0),
    "fix": (("fix", *BAD, "-o", "fixed.png"), 0),
    "crop": (("crop", "original.png", "mask.png", "-o", "crop.png"), 0),
}

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")


def start(*arguments: str, buffered: bool = True, redirect: str = "") -> subprocess.Popen[str]:
    """`redirect` is the shell's."""
    quiet = {} if buffered else {"PYTHONUNBUFFERED": "1"}
    command = (sys.executable, "-m", "bleed_guard", *arguments)
    return subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$@" {redirect}', "sh", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **quiet},
    )


@pytest.mark.parametrize("buffered", [True, False], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(("arguments", "code"), COMMANDS.values(), ids=COMMANDS)
def test_a_reader_who_has_gone_changes_no_verdict(files, arguments, code, buffered):
    process = start(*arguments, buffered=buffered)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert "Broken pipe" not in process.stderr.read()
    assert process.wait() == code


@pytest.mark.parametrize("redirect", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("arguments", "code"), COMMANDS.values(), ids=COMMANDS)
def test_a_closed_stream_changes_no_verdict(files, arguments, code, redirect):
    process = start(*arguments, redirect=redirect)
    _, told = process.communicate()
    assert "Traceback" not in told
    assert process.returncode == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_report_that_cannot_be_written_to_stdout_is_one_sentence(files):
    process = start("check", *GOOD, "--json", "-", redirect=">/dev/full")
    _, told = process.communicate()
    assert (process.returncode, told) == (2, "No space left on device\n")

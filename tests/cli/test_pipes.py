"""Files that are pipes: a shell's `<(command)`, and named ones. They give their bytes once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture
def pipe() -> Iterator[Callable[[str], str]]:
    """Makes a named pipe that one reader gets a file's bytes from."""
    writers = []

    def make(name: str) -> str:
        path = f"{name}.pipe"
        os.mkfifo(path)
        data = Path(name).read_bytes()
        writers.append(threading.Thread(target=lambda: Path(path).write_bytes(data), daemon=True))
        writers[-1].start()
        return path

    yield make
    for writer in writers:
        writer.join(10)
        assert not writer.is_alive(), "nobody read the pipe"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("given", ["clean.png", "bleed.png"])
def test_check_and_its_reports_read_a_pipe_once(files, run, pipe, given):
    names = pipe("original.png"), pipe(given), pipe("mask.png")
    code, _, err = run("check", *names, "--json", "report.json", "--html", "report.html")
    assert (code, err) == (given == "bleed.png", "")
    run("check", "original.png", given, "mask.png", "--json", "plain.json")
    piped, plain = (json.loads(Path(name).read_text()) for name in ("report.json", "plain.json"))
    for name in ("original", "result", "mask"):
        del piped[name], plain[name]
    assert piped == plain


@pytest.mark.timeout(60)
def test_fix_reads_a_pipe_once(files, run, pipe):
    names = pipe("original.png"), pipe("bleed.png"), "mask.png"
    code, _, err = run("fix", *names, "-o", "fixed.png", "--blend", "hard")
    assert (code, err) == (0, "")
    assert run("check", "original.png", "fixed.png", "mask.png")[0] == 0

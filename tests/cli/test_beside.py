"""A picture read in a process beside this one is the picture, and its errors are the errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

GONE = os.fsdecode(b"\xc3\xa9\xff.png")
"""A name that is no text."""

BOTH_WAYS = """
import contextlib, io, os, sys
import cv2
import numpy as np
from bleed_guard.cli import beside, main
from bleed_guard.images import PictureError, read_picture

def tell(read):
    try:
        picture = read()
    except PictureError as error:
        return str(error), None, None
    return picture.path, picture.pixels, picture.alpha

def check_strips(found, picture):
    levels = picture.pixels.reshape(-1).view(np.uint8)
    for start, stop in ((0, 5), (1000, 2_000_000), (levels.size - 3, levels.size)):
        assert np.array_equal(found.strip(slice(start, stop)), levels[start:stop])

cv2.setNumThreads(1)  # threads of this process would keep it from starting a child
how = sys.argv[1]
start, answer, copy = beside._start_child, beside._answer, beside._copy_memory
children = []
files = sorted(os.listdir("/proc/self/fd"))
def start_child(path):
    children.append(start(path))
    assert children[-1] is not None
    return children[-1]
beside._start_child = start_child
if how == "killed":
    beside._answer = lambda *_: os.kill(os.getpid(), 9)
if how == "out of reach":  # but for what a process may always read: its own memory
    beside._copy_memory = lambda process, *rest: process == os.getpid() and copy(process, *rest)
for path in sys.argv[2:]:
    with beside.reading_beside(path) as found:
        picture = tell(lambda: read_picture(path))
        if picture[1] is None:
            assert tell(lambda: found.whole) == picture
        else:
            expected = read_picture(path)
            assert found.head == beside.Head.of(expected)
            check_strips(found, expected)
            if how == "killed later":
                os.kill(children[-1]._number, 9)
                check_strips(found, expected)
            whole = found.whole
            assert (whole.path, whole.codec) == (expected.path, expected.codec)
            for one, other in ((whole.pixels, expected.pixels), (whole.alpha, expected.alpha)):
                assert (one is None) == (other is None)
                assert one is None or (one.dtype == other.dtype and np.array_equal(one, other))
    print(picture[0])
with beside.reading_beside(sys.argv[2]):
    pass  # not asked for, as when the first picture cannot be read
for count in (1, 2, 8):  # neither picture is read in a child, the result is, both are
    beside._count_processors = lambda: count
    children.clear()
    with contextlib.redirect_stdout(io.StringIO()) as told:
        code = main(["check", *sys.argv[2:4], sys.argv[2]])
    assert (code, told.getvalue().split(":")[0], len(children)) == (1, "bleed", min(count, 3) - 1)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child is left")
assert sorted(os.listdir("/proc/self/fd")) == files
"""


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Files of several kinds, and some that cannot be read."""
    random = np.random.default_rng(3)
    kinds = {"rgb": (3, np.uint8), "rgba": (4, np.uint8), "deep": (3, np.uint16)}
    paths = []
    for name, (channels, dtype) in kinds.items():
        levels = random.integers(0, 256, (1100, 900, channels)).astype(dtype)
        paths.append(tmp_path / f"{name}.png")
        cv2.imwrite(str(paths[-1]), levels)
    (tmp_path / "torn.png").write_bytes(paths[0].read_bytes()[:5000])
    (tmp_path / "text.png").write_text("no picture")
    return [str(path) for path in (*paths, *map(tmp_path.joinpath, ("torn.png", "text.png", GONE)))]


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="needs Linux and two processors: elsewhere the picture is read in a thread",
)
@pytest.mark.parametrize("child", ["working", "killed", "killed later", "out of reach"])
def test_the_child_reads_what_this_process_reads(pictures, child):
    done = subprocess.run(
        [sys.executable, "-c", BOTH_WAYS, child, *pictures],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
        timeout=60,
        env={
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONIOENCODING": "utf-8:surrogateescape",
        },
    )
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    assert told[:3] == pictures[:3]
    unread = zip(pictures[3:], told[3:], strict=True)
    assert all(line.startswith(f"{path}: ") for path, line in unread)
    assert last == "no child is left"

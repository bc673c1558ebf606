"""A picture read in a process beside this one is the picture, and its errors are the errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

BOTH_WAYS = """
import os, sys
import cv2
import numpy as np
from bleed_guard.cli import beside
from bleed_guard.images import PictureError, read_picture

def tell(read):
    try:
        picture = read()
    except PictureError as error:
        return str(error), None, None
    return picture.path, picture.pixels, picture.alpha

cv2.setNumThreads(1)  # threads of this process would keep it from starting a child
start = beside._start_child
def start_child(path):
    child = start(path)
    assert child is not None
    return child
beside._start_child = start_child
answer = beside._answer
for path in sys.argv[2:]:
    def spy(name, pipe):
        os.kill(os.getpid(), 9) if sys.argv[1] == "killed" else answer(name, pipe)
    beside._answer = spy
    with beside.reading_beside(path) as finish:
        found, expected = tell(finish), tell(lambda: read_picture(path))
    assert found[0] == expected[0], (found[0], expected[0])
    for one, other in zip(found[1:], expected[1:]):
        assert (one is None) == (other is None)
        assert one is None or (one.dtype == other.dtype and np.array_equal(one, other))
    print(found[0])
with beside.reading_beside(sys.argv[2]):
    pass  # not asked for, as when the first picture cannot be read
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child is left")
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
    return [str(path) for path in (*paths, *map(tmp_path.joinpath, ("torn.png", "text.png", "é")))]


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="needs Linux and two processors: elsewhere the picture is read in a thread",
)
@pytest.mark.parametrize("child", ["working", "killed"])
def test_the_child_reads_what_this_process_reads(pictures, child):
    done = subprocess.run(
        [sys.executable, "-c", BOTH_WAYS, child, *pictures],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    *told, last = done.stdout.splitlines()
    assert told[:3] == pictures[:3]
    unread = zip(pictures[3:], told[3:], strict=True)
    assert all(line.startswith(f"{path}: ") for path, line in unread)
    assert last == "no child is left"

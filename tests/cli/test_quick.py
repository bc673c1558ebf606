"""The quick answer against the plain one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bleed_guard.cli import pictures as light
from bleed_guard.cli.compare import compare_pictures as compare_fully
from bleed_guard.cli.pictures import CompareOptions, Paths, Pictures
from bleed_guard.cli.quick import compare_pictures, measure_sparse, read_from
from bleed_guard.core import mask, measure
from bleed_guard.images import Picture

PATHS = Paths("o.png", "r.png", "m.png")
QUICK = CompareOptions(has_detail=False)


def make_pictures(width: int, height: int, changes: int, seed: int) -> Pictures:
    """Noise with `changes` random bytes changed by up to 255, and a mask of blocks."""
    random = np.random.default_rng(seed)
    original = random.integers(0, 256, (height, width, 3), np.uint8)
    result = original.copy()
    places = random.integers(0, result.size, changes)
    result.reshape(-1)[places] = random.integers(0, 256, changes, np.uint8)
    area = np.kron(random.integers(0, 2, (height // 4 + 1, width // 4 + 1)), np.ones((4, 4)))
    repainted = (255 * area[:height, :width]).astype(np.uint8)
    return Pictures(Picture("o", original), Picture("r", result), repainted)


@given(
    width=st.integers(1, 60),
    height=st.integers(1, 40),
    changes=st.integers(0, 40),
    tolerance=st.sampled_from([0, 1, 100, 255]),
    seed=st.integers(0, 1000),
)
def test_both_say_the_same(width, height, changes, tolerance, seed):
    pictures = make_pictures(width, height, changes, seed)
    options = QUICK._replace(tolerance=tolerance)
    quick = compare_pictures(PATHS, pictures, options).report
    plain = compare_fully(PATHS, pictures, options).report
    assert replace(quick, mean=0) == replace(plain, mean=0)
    assert quick.mean == pytest.approx(plain.mean)


def test_dense_differences_are_left_to_the_plain_comparison():
    pictures = make_pictures(200, 100, 50_000, 1)
    readers = read_from(pictures.original.pixels), read_from(pictures.result.pixels)
    assert measure_sparse(*readers, pictures.mask, 20_000, 0) is None
    assert compare_pictures(PATHS, pictures, QUICK).report.changed > 1000


def test_the_constants_are_those_of_core():
    assert light.HARD_LEVEL == mask.HARD_LEVEL
    from bleed_guard.cli import quick

    assert quick.SPOTS == measure.WORST_SPOTS
    assert quick.SPOT_HALF == measure.WORST_SPOT_SIZE // 2


def test_a_plain_check_loads_neither_opencv_nor_pillow(files):
    """They cost more than comparing; only a decoder is needed."""
    pytest.importorskip("kornia_rs", reason="kornia-rs is not installed in this environment")
    program = (
        "import sys; from bleed_guard.cli import main; "
        "code = main(['check', 'original.png', 'bleed.png', 'mask.png']); "
        "sys.exit(str({'cv2', 'PIL', 'scipy', 'matplotlib'} & set(sys.modules)) + str(code))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "set()1\n"

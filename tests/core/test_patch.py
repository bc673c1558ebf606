"""A patch tells the same picture as its pixels in one piece."""

from __future__ import annotations

import numpy as np
import pytest

from bleed_guard.core.job import Box
from bleed_guard.core.patch import Patch
from bleed_guard.core.record import LoadedPictures, PatchedPictures

REFERENCE = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
INSIDE = Box(2, 1, 5, 4)
PATCH = Patch(INSIDE, REFERENCE[INSIDE.slices] + np.uint8(1))
EVERYTHING = Box(0, 0, 8, 6)
NOTHING = Box(3, 3, 3, 3)


def lay(patch: Patch) -> np.ndarray:
    picture = REFERENCE.copy()
    picture[patch.box.slices] = patch.pixels
    return picture


PATCHES = (PATCH, Patch(NOTHING, REFERENCE[NOTHING.slices]), Patch.whole(lay(PATCH)))


@pytest.mark.parametrize("patch", PATCHES, ids=["some", "nothing", "all"])
@pytest.mark.parametrize("box", [EVERYTHING, INSIDE, Box(0, 0, 3, 2), Box(6, 4, 8, 6), NOTHING])
def test_any_part_is_that_of_the_whole(patch: Patch, box: Box) -> None:
    part = patch.crop(REFERENCE[box.slices], box)
    np.testing.assert_array_equal(part, lay(patch)[box.slices])
    np.testing.assert_array_equal(patch.lay_on(REFERENCE), lay(patch))


def test_the_reference_is_never_written_to() -> None:
    before = REFERENCE.copy()
    PATCH.lay_on(REFERENCE)
    PATCH.crop(REFERENCE[:3], Box(0, 0, 8, 3))
    np.testing.assert_array_equal(REFERENCE, before)


def test_shrinking_keeps_the_picture_and_leaves_out_what_is_the_reference() -> None:
    shrunk = Patch.whole(lay(PATCH)).shrink(REFERENCE)
    assert shrunk.box == INSIDE
    np.testing.assert_array_equal(shrunk.pixels, PATCH.pixels)
    assert Patch.whole(REFERENCE).shrink(REFERENCE).box.is_empty
    assert PATCHES[1].shrink(REFERENCE[PATCHES[1].box.slices]).box.is_empty


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", ["unguarded", "result", "reference", "mask", "protected"])
def test_patched_pictures_are_the_loaded_ones(name: str, channels: int) -> None:
    mask = np.zeros((6, 8), np.uint8)
    mask[INSIDE.slices] = 255
    patches = {"unguarded": Patch.whole(lay(PATCH)), "result": PATCH}
    base = np.dstack([REFERENCE, mask])[..., :channels]
    patched = PatchedPictures(base, mask, mask < 128, patches)
    loaded = LoadedPictures(REFERENCE, lay(PATCH), lay(PATCH), mask, mask < 128)
    np.testing.assert_array_equal(getattr(patched, name), getattr(loaded, name))
    for box in (Box(1, 0, 4, 3), Box(2, 2, 2, 5)):
        np.testing.assert_array_equal(patched.crop(name, box), loaded.crop(name, box))
    assert patched.shape == loaded.shape
    if name in patches:
        assert patched.changed_box(name) == loaded.changed_box(name)


@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
def test_a_whole_pictures_patch_has_its_size(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    box = Patch.whole(picture).box
    assert (box.left, box.top, box.height, box.width) == (0, 0, *shape)

"""Other extensions that save pictures of a guarded job themselves, at every moment they can.

What the guard says is about the file the host itself saves, and about what the gallery shows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bleed_guard.core.job import Verdict
from tests.host.guarded import GuardedHost, Outcome, count_changed, installed_profiles, paint_corner

SIZE = (128, 64)  # width, height
KINDS = "-mask", "-mask-composite"

Save = Callable[[Any, Image.Image], None]


@pytest.fixture
def host(tmp_path: Path) -> GuardedHost:
    made = GuardedHost(installed_profiles()[0], tmp_path)
    made.set_options(grid_save=False, return_grid=False)
    return made


def make_inputs() -> tuple[Image.Image, Image.Image]:
    coarse = np.random.default_rng(5).integers(0, 256, (8, 12, 3)).astype(np.uint8)
    mask = Image.new("L", SIZE, 0)
    mask.paste(255, (30, 20, 70, 44))
    return Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC), mask


def count_outside(picture: Image.Image | Path | str) -> int:
    photo, mask = make_inputs()
    image = picture if isinstance(picture, Image.Image) else Image.open(picture)
    return count_changed(
        np.asarray(image.convert("RGB")), np.asarray(photo), np.asarray(mask) < 128
    )


def save_aside(p: Any, image: Image.Image, image_format: str = "png") -> None:
    """A picture of another extension's, saved with the host's own function and the job."""
    from modules import images

    at = p.batch_index
    images.save_image(image, p.outpath_samples, "", p.seeds[at], p.prompts[at], image_format,
                      p=p, suffix="-aside")  # fmt: skip


def save_same(p: Any, image: Image.Image) -> None:
    save_aside(p, image)


def save_copy(p: Any, image: Image.Image) -> None:
    save_aside(p, image.copy())


def save_painted(p: Any, image: Image.Image) -> None:
    copy = image.copy()
    copy.paste((255, 255, 255), (0, 0, 9, 9))
    save_aside(p, copy)


def save_jpeg(p: Any, image: Image.Image) -> None:
    save_aside(p, image, "jpg")


@pytest.mark.parametrize("pattern", ["[prompt]", "grid-[prompt]", "[prompt]-[seed]"])
@pytest.mark.parametrize("prompt", ["a gas-mask", "grid of tiles", "x-mask-composite"])
def test_results_named_as_the_hosts_other_files(
    host: GuardedHost, pattern: str, prompt: str
) -> None:
    host.set_options(samples_filename_pattern=pattern, save_images_add_number=False)
    register_first("before_image_saved", paint_corner)
    outcome = host.run(*make_inputs(), prompt=prompt)
    (path,) = outcome.files
    assert outcome.record.images[0].saved_as == str(path)
    assert count_outside(path) == 0


@pytest.mark.parametrize("kind", ["mask", "mask_composite"])
@pytest.mark.parametrize("count", [1, 2])
def test_masks_and_grids_are_not_taken_for_results(
    host: GuardedHost, kind: str, count: int
) -> None:
    """The size of a grid of one image is the image's; larger ones may have no name of their own."""
    host.set_options(**{f"save_{kind}": True}, grid_save=True, grid_only_if_multiple=False)
    host.set_options(samples_filename_pattern="[prompt]-[seed]", save_images_add_number=False)
    for is_extended in {False, count > 1}:
        host.set_options(grid_extended_filename=is_extended)
        outcome = host.run(*make_inputs(), batch_size=count, do_not_save_samples=True)
        assert [image.saved_as for image in outcome.record.images if image.saved_as] == []
        assert outcome.record.verdict is Verdict.CLEAN
    outcome = host.run(*make_inputs(), batch_size=count)
    assert len(outcome.files) == 2 * count
    saved = [image.saved_as for image in outcome.record.images]
    assert saved == [str(path) for path in outcome.files if not path.stem.endswith(KINDS)]
    assert outcome.record.verdict is Verdict.CLEAN


SAVES = pytest.mark.parametrize("save", [save_same, save_copy, save_painted, save_jpeg])


def make_script(hook: str, act: Callable[..., None]) -> Any:
    from modules import scripts

    members = {"title": lambda self: "Saver", "filename": __file__,
               hook: lambda self, p, pp, *args, **_: act(p, pp)}  # fmt: skip
    return type("SaverScript", (scripts.Script,), members)()


def register_first(category: str, act: Callable[[Any], None]) -> None:
    """A callback before ours, which is not called for what it saves itself."""
    from modules import script_callbacks

    is_acting = False

    def callback(params: Any) -> None:
        nonlocal is_acting
        if not is_acting:
            is_acting = True
            act(params)
            is_acting = False

    registered = script_callbacks.callback_map[f"callbacks_{category}"]
    getattr(script_callbacks, f"on_{category}")(callback)
    registered.insert(0, registered.pop())


def paint_results() -> None:
    """Yet another extension, which paints on what the host itself saves."""

    def paint(params: Any) -> None:
        if not Path(params.filename).stem.endswith("-aside"):
            paint_corner(params)

    register_first("before_image_saved", paint)


def assert_results_are_guarded(outcome: Outcome, count: int) -> None:
    """Each image's record is about the host's own file, which is the photograph's outside the
    mask, as are the picture and the file the gallery shows."""
    own = [str(path) for path in outcome.files if not path.stem.endswith("-aside")]
    assert len(outcome.files) > len(own) == count
    assert [image.saved_as for image in outcome.record.images] == own
    assert [count_outside(path) for path in own] == [0] * count
    assert [image.verdict for image in outcome.record.images] == [Verdict.CLEAN] * count
    assert all(image.stages[-1].name == "saved file" for image in outcome.record.images)
    for image in outcome.images:
        assert count_outside(image) == 0
        assert image.already_saved_as in own  # type: ignore[attr-defined]


@SAVES
@pytest.mark.parametrize(
    ("hook", "place"),
    [("postprocess_image", "before"), ("postprocess_image_after_composite", "behind")],
)
def test_a_script_that_saves_in_the_middle(
    host: GuardedHost, save: Save, hook: str, place: str
) -> None:
    script = make_script(hook, lambda p, pp: save(p, pp.image))
    host.scripts.insert(0 if place == "before" else len(host.scripts), script)
    paint_results()
    assert_results_are_guarded(host.run(*make_inputs(), batch_size=2, n_iter=2), 4)


@SAVES
@pytest.mark.parametrize("category", ["before_image_saved", "image_saved"])
def test_a_callback_that_saves(host: GuardedHost, save: Save, category: str) -> None:
    paint_results()
    register_first(category, lambda params: save(params.p, params.image))
    assert_results_are_guarded(host.run(*make_inputs(), batch_size=2), 2)


@SAVES
@pytest.mark.parametrize(
    ("hook", "place"),
    [("postprocess_image_after_composite", "behind"), ("postprocess", "before")],
)
def test_a_script_that_saves_what_the_host_does_not(
    host: GuardedHost, save: Save, hook: str, place: str
) -> None:
    """Its file is its own: it is left as it is, and neither told nor shown as guarded."""

    def act(p: Any, pp: Any) -> None:
        save(p, pp.images[-1] if hook == "postprocess" else pp.image)

    host.scripts.insert(0 if place == "before" else len(host.scripts), make_script(hook, act))
    outcome = host.run(*make_inputs(), do_not_save_samples=True)
    (path,) = outcome.files
    assert (count_outside(path) > 0) == (save in (save_painted, save_jpeg))
    assert outcome.record.images[0].saved_as == ""
    assert outcome.record.verdict is Verdict.CLEAN
    assert count_outside(outcome.images[0]) == 0


def test_the_gallery_shows_no_file_of_a_picture_that_was_mended(host: GuardedHost) -> None:
    """A script paints on the results, saves them so and puts them into the reply."""

    def act(p: Any, processed: Any) -> None:
        painted = processed.images[-1].copy()
        painted.paste((255, 255, 255), (0, 0, 9, 9))
        save_aside(p, painted)
        processed.images[-1] = painted

    host.scripts.insert(0, make_script("postprocess", act))
    outcome = host.run(*make_inputs())
    (image,) = outcome.images
    assert count_outside(image) == count_outside(image.already_saved_as) == 0  # type: ignore

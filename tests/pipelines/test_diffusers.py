# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bleed_guard.core.job import Verdict
from bleed_guard.diffusers import guarded

torch = pytest.importorskip("torch", reason="torch is not installed in this environment")
pytest.importorskip("diffusers", reason="diffusers is not installed in this environment")

from tests.pipelines.tiny import make_image, make_mask, make_repaint  # noqa: E402

SIZE = {"width": 96, "height": 64}
OUTSIDE = np.asarray(make_mask()) == 0


def changed(result, reference, outside=OUTSIDE) -> int:
    """Pixels outside the mask that are not the reference's."""
    differs = np.asarray(result) != np.asarray(reference)
    return int(differs.any(axis=2)[outside].sum())


@pytest.mark.parametrize("blend", ["hard", "feather", "membrane + feather"])
def test_no_pixel_outside_the_mask_changes(tiny, blend):
    image, mask = make_image(), make_mask()
    bare = tiny.run(tiny.pipe, image=image, mask_image=mask, **SIZE)
    kept = tiny.run(guarded(tiny.pipe, blend=blend), image=image, mask_image=mask, **SIZE)
    assert type(kept) is type(bare)
    assert changed(bare.images[0], image) > 5000
    assert changed(kept.images[0], image) == 0
    assert changed(kept.images[0], image, ~OUTSIDE) > 900
    (bleed,) = kept.bleed
    assert bleed.verdict is Verdict.CLEAN
    assert bleed.result.changed == 0
    assert bleed.unguarded.changed == changed(bare.images[0], image)


def test_the_default_settings_guard(tiny_sd15):
    image, mask = make_image(), make_mask()
    for output in ("pil", "np"):
        kept = tiny_sd15.run(
            guarded(tiny_sd15.pipe), image=image, mask_image=mask, output_type=output, **SIZE
        )
        assert kept.bleed[0].verdict is Verdict.CLEAN


def test_inside_a_hard_mask_it_is_what_the_pipeline_painted(tiny):
    image, mask = make_image(), make_mask()
    bare = tiny.run(tiny.pipe, image=image, mask_image=mask, **SIZE)
    kept = tiny.run(guarded(tiny.pipe, blend="hard"), image=image, mask_image=mask, **SIZE)
    assert changed(kept.images[0], bare.images[0], ~OUTSIDE) == 0


def test_numpy_floats_are_the_same_floats(tiny):
    image, mask = make_image(), make_mask()
    pipe = guarded(tiny.pipe, blend="feather")
    kept = tiny.run(pipe, image=image, mask_image=mask, output_type="np", **SIZE)
    assert isinstance(kept.images, np.ndarray)
    assert kept.images.shape == (1, 64, 96, 3)
    wanted = np.asarray(image).astype(kept.images.dtype) / 255
    assert changed(kept.images[0], wanted) == 0
    assert changed((kept.images[0] * 255).round().astype(np.uint8), image) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_torch_tensors_are_the_same_floats(tiny_sd15, dtype):
    """A tensor in, a tensor out: not even rounding to 8 bits happens outside the mask."""
    image = torch.rand(
        1, 3, 64, 96, generator=torch.Generator().manual_seed(3), dtype=torch.float32
    )
    mask = torch.from_numpy(np.asarray(make_mask()) / 255)[None, None].float()
    pipe = guarded(tiny_sd15.pipe, blend="feather")
    kept = tiny_sd15.run(pipe, image=image.to(dtype), mask_image=mask, output_type="pt", **SIZE)
    assert isinstance(kept.images, torch.Tensor)
    assert kept.images.shape == (1, 3, 64, 96)
    outside = torch.from_numpy(OUTSIDE)
    assert torch.equal(
        kept.images[0][:, outside], image.to(dtype)[0][:, outside].to(kept.images.dtype)
    )


@pytest.mark.parametrize(
    "form",
    [
        lambda array: array,
        lambda array: array[0],
        lambda array: torch.from_numpy(array.transpose(0, 3, 1, 2)),
        lambda array: torch.from_numpy(array[0].transpose(2, 0, 1)),
        lambda array: [torch.from_numpy(array[0].transpose(2, 0, 1))],
    ],
    ids=["BHWC", "HWC", "BCHW", "CHW", "list of CHW"],
)
def test_every_form_of_image(tiny_sd15, form):
    picture = make_image()
    floats = (np.asarray(picture)[None] / 255).astype(np.float32)
    pipe = guarded(tiny_sd15.pipe, blend="hard")
    kept = tiny_sd15.run(pipe, image=form(floats), mask_image=make_mask(), **SIZE)
    assert changed(kept.images[0], picture) == 0
    assert kept.bleed[0].verdict is Verdict.CLEAN


def test_a_batch_of_images_masks_and_results(tiny):
    """Two images for two prompts, two results each: Diffusers repeats the batch as a whole.

    (Flux does not repeat embeddings that were given, so it makes one result each.)
    """
    results = 1 if "Flux" in type(tiny.pipe).__name__ else 2
    images = [make_image(1), make_image(2)]
    masks = [make_mask(left=0), make_mask(left=64)]
    kept = tiny.run(
        guarded(tiny.pipe, blend="hard"),
        prompts=2,
        image=images,
        mask_image=masks,
        num_images_per_prompt=results,
        **SIZE,
    )
    assert len(kept.images) == len(kept.bleed) == 2 * results
    for number, result in enumerate(kept.images):
        outside = np.asarray(masks[number % 2]) == 0
        assert changed(result, images[number % 2], outside) == 0


class Grouped:
    """As Kandinsky 2.2: results come as 1 1 2 2; a little noise around the mask, white inside."""

    def __call__(self, image, mask_image, num_images_per_prompt=1, output_type="pil"):
        painted = []
        for number, picture in enumerate(image):
            levels = np.asarray(picture) ^ 3
            levels[np.asarray(mask_image[number % len(mask_image)]) > 0] = 255
            painted += [Image.fromarray(levels)] * num_images_per_prompt
        return SimpleNamespace(images=painted)


@pytest.mark.parametrize("masks", [1, 2])
@pytest.mark.parametrize("pictures", [(1, 2), (1, 1)], ids=["two", "one twice"])
def test_results_grouped_by_image_get_their_own_original(pictures, masks):
    images = [make_image(seed) for seed in pictures]
    given = [make_mask(left=0), make_mask(left=64)][:masks]
    kept = guarded(Grouped(), blend="hard")(images, given, num_images_per_prompt=2)
    assert len(kept.images) == 4
    for number, result in enumerate(kept.images):
        outside = np.asarray(given[number // 2 % masks]) == 0
        assert changed(result, images[number // 2], outside) == 0
        assert (np.asarray(result)[~outside] == 255).all()
        assert kept.bleed[number].verdict is Verdict.CLEAN


def test_results_that_cannot_be_told_apart_are_not_guarded():
    class Noise(Grouped):
        def __call__(self, image, mask_image, num_images_per_prompt=1, output_type="pil"):
            return SimpleNamespace(images=[make_image(seed) for seed in range(7, 11)])

    with pytest.warns(UserWarning, match="which of the 2 images each of the 4 results belongs to"):
        kept = guarded(Noise())([make_image(1), make_image(2)], make_mask())
    assert changed(kept.images[0], make_image(7)) == 0
    assert {entry.verdict for entry in kept.bleed} == {Verdict.NOT_GUARDED}


def test_a_super_resolution_keeps_the_large_original():
    """DeepFloyd IF's takes the small picture as `image`."""

    class Enlarging:
        def __call__(self, image, original_image, mask_image, output_type="pil"):
            return SimpleNamespace(images=[image.resize(original_image.size)])

    original = make_image()
    pipe = guarded(Enlarging(), blend="hard")
    kept = pipe(make_image(1, size=(24, 16)), original, make_mask())
    assert changed(kept.images[0], original) == 0
    assert kept.bleed[0].verdict is Verdict.CLEAN


def test_a_mask_of_repaint_is_white_where_the_picture_is_kept():
    pipe = guarded(make_repaint(), blend="hard")
    image, mask = make_image(size=(64, 64)), make_mask(size=(64, 64))
    kept = Image.fromarray(255 - np.asarray(mask))
    out = pipe(image, kept, num_inference_steps=4, jump_length=1, jump_n_sample=1)
    inside = np.asarray(mask) > 0
    assert changed(out.images[0], image, ~inside) == 0
    assert changed(out.images[0], image, inside) > 900
    assert out.bleed[0].result.protected == np.count_nonzero(~inside)


def test_the_range_of_floats_is_that_of_the_whole_batch(tiny_sd15):
    """-1 to 1 if any image of the batch goes below 0, as Diffusers takes it."""
    dark, bright = torch.full((3, 64, 96), -0.5), torch.full((3, 64, 96), 0.5)
    kept = tiny_sd15.run(
        guarded(tiny_sd15.pipe, blend="hard"),
        prompts=2,
        image=[dark, bright],
        mask_image=make_mask(),
        output_type="pt",
        **SIZE,
    )
    outside = torch.from_numpy(OUTSIDE)
    assert (kept.images[0][:, outside] == 0.25).all()
    assert (kept.images[1][:, outside] == 0.75).all()


def test_one_image_for_several_results(tiny):
    image, mask = make_image(), make_mask()
    pipe = guarded(tiny.pipe, blend="hard")
    kept = tiny.run(pipe, image=image, mask_image=mask, num_images_per_prompt=3, **SIZE)
    assert [changed(result, image) for result in kept.images] == [0, 0, 0]


def test_padding_mask_crop_keeps_the_image_at_its_own_size(tiny):
    image, mask = make_image(size=(160, 120)), make_mask(size=(160, 120))
    outside = np.asarray(mask) == 0
    options = {"image": image, "mask_image": mask, "padding_mask_crop": 8, **SIZE}
    kept = tiny.run(guarded(tiny.pipe, blend="hard"), **options)
    assert kept.images[0].size == (160, 120)
    assert changed(kept.images[0], image, outside) == 0


@pytest.mark.parametrize("crop", [None, 8])
def test_a_blurred_mask_leaks_without_the_guard_only(tiny, crop):
    image = make_image()
    mask = make_mask().filter(ImageFilter.GaussianBlur(6))
    outside = np.asarray(mask) < 128
    options = {"image": image, "mask_image": mask, "padding_mask_crop": crop, **SIZE}
    assert changed(tiny.run(tiny.pipe, **options).images[0], image, outside) > 500
    kept = tiny.run(guarded(tiny.pipe, blend="feather"), **options)
    assert changed(kept.images[0], image, outside) == 0


def test_an_image_of_another_size_is_protected_as_the_pipeline_resized_it(tiny):
    image, mask = make_image(size=(93, 61)), make_mask(size=(93, 61))
    kept = tiny.run(guarded(tiny.pipe, blend="hard"), image=image, mask_image=mask, **SIZE)
    reference = image.resize((96, 64), Image.Resampling.LANCZOS)
    outside = np.asarray(mask.resize((96, 64), Image.Resampling.LANCZOS)) < 128
    assert kept.images[0].size == (96, 64)
    assert changed(kept.images[0], reference, outside) == 0
    assert kept.bleed[0].verdict is Verdict.CLEAN


def test_a_tensor_of_another_size_is_protected_as_the_pipeline_resized_it(tiny_sd15):
    image = torch.rand(1, 3, 61, 93, generator=torch.Generator().manual_seed(3))
    pipe = guarded(tiny_sd15.pipe, blend="hard")
    kept = tiny_sd15.run(pipe, image=image, mask_image=make_mask(), output_type="pt", **SIZE)
    reference = torch.nn.functional.interpolate(image, size=(64, 96))
    outside = torch.from_numpy(OUTSIDE)
    assert torch.equal(kept.images[0][:, outside], reference[0][:, outside])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_array_is_resized_to_the_pixel_as_the_pipeline_does(tiny_sd15, dtype):
    """200 columns to 96: in single precision the 12th column is the 24th, in double the 25th."""
    image = np.random.default_rng(1).random((131, 200, 3)).astype(dtype)
    kept = tiny_sd15.run(
        guarded(tiny_sd15.pipe, blend="hard"),
        image=image,
        mask_image=make_mask(),
        output_type="np",
        **SIZE,
    )
    reference = tiny_sd15.pipe.image_processor.resize(image[None], 64, 96)[0].astype(np.float32)
    assert changed(kept.images[0], reference) == 0


def test_a_one_bit_mask_is_resized_as_the_pipeline_does(tiny_sd15):
    image, mask = make_image(), Image.new("1", (31, 20))
    mask.paste(1, (7, 5, 15, 10))
    pipe = guarded(tiny_sd15.pipe, blend="hard")
    kept = tiny_sd15.run(pipe, image=image, mask_image=mask, **SIZE)
    outside = np.asarray(mask.resize((96, 64), Image.Resampling.NEAREST)) == 0
    assert kept.bleed[0].result.protected == np.count_nonzero(outside)
    assert changed(kept.images[0], image, outside) == 0


def test_levels_of_255_are_not_taken_for_floats(tiny_sd15):
    """Diffusers paints noise from them; laid outside the mask they would be white."""
    pipe = guarded(tiny_sd15.pipe, blend="hard")
    with pytest.warns(UserWarning, match="values go up to 255, expected floats from 0 to 1"):
        kept = tiny_sd15.run(pipe, image=np.asarray(make_image()), mask_image=make_mask(), **SIZE)
    assert kept.bleed[0].verdict is Verdict.NOT_GUARDED


def test_a_call_without_an_image_is_told_in_words():
    """Flux Fill takes latents of the masked image in place of both."""

    class Filling:
        def __call__(self, image=None, mask_image=None, output_type="pil"):
            return SimpleNamespace(images=[make_image()])

    with pytest.warns(UserWarning, match="NOT guarded: no image or no mask was given"):
        kept = guarded(Filling())()
    assert kept.bleed[0].verdict is Verdict.NOT_GUARDED


def test_sizes_that_are_no_multiple_of_8(tiny):
    """Flux rounds 93 x 61 down, Stable Diffusion refuses: as without the guard."""
    image, mask = make_image(size=(93, 61)), make_mask(size=(93, 61))
    options = {"image": image, "mask_image": mask, "width": 93, "height": 61}
    if "Flux" not in type(tiny.pipe).__name__:
        with pytest.raises(ValueError, match="divisible by 8"):
            tiny.run(guarded(tiny.pipe), **options)
        return
    size = tiny.run(tiny.pipe, **options).images[0].size
    kept = tiny.run(guarded(tiny.pipe, blend="hard"), **options)
    outside = np.asarray(mask.resize(size, Image.Resampling.LANCZOS)) < 128
    reference = image.resize(size, Image.Resampling.LANCZOS)
    assert kept.images[0].size == size
    assert changed(kept.images[0], reference, outside) == 0


def test_latents_are_left_alone_and_it_is_said(tiny):
    options = {"image": make_image(), "mask_image": make_mask(), "output_type": "latent", **SIZE}
    bare = tiny.run(tiny.pipe, **options)
    with pytest.warns(UserWarning, match="NOT guarded: latent output was asked for"):
        kept = tiny.run(guarded(tiny.pipe), **options)
    assert torch.equal(torch.as_tensor(kept.images), torch.as_tensor(bare.images))
    assert kept.bleed[0].verdict is Verdict.NOT_GUARDED
    assert "latent output" in kept.bleed[0].sentence


def test_a_tuple_comes_back_as_a_tuple(tiny):
    image = make_image()
    pipe = guarded(tiny.pipe, blend="hard")
    bare = tiny.run(tiny.pipe, image=image, mask_image=make_mask(), return_dict=False, **SIZE)
    kept = tiny.run(pipe, image=image, mask_image=make_mask(), return_dict=False, **SIZE)
    assert type(kept) is type(bare) is tuple
    assert len(kept) == len(bare)
    assert changed(kept[0][0], image) == 0
    assert pipe.bleed[0].verdict is Verdict.CLEAN


def test_the_guarded_pipeline_is_still_that_pipeline(tiny):
    kind = type(tiny.pipe)
    pipe = guarded(tiny.pipe, blend="hard")
    assert isinstance(pipe, kind)
    assert type(pipe).__name__ == kind.__name__
    assert pipe.vae is tiny.pipe.vae
    assert type(tiny.pipe) is kind
    moved = pipe.to("cpu")
    image = make_image()
    assert (
        changed(tiny.run(moved, image=image, mask_image=make_mask(), **SIZE).images[0], image) == 0
    )
    assert inspect.signature(type(guarded(pipe)).__init__) == inspect.signature(kind.__init__)


def test_guarding_twice_keeps_the_last_settings(tiny_sd15):
    twice = guarded(guarded(tiny_sd15.pipe, blend="feather"), blend="hard")
    assert twice.bleed_guard_settings.blend == "hard"
    assert type(twice).__mro__[2] is type(tiny_sd15.pipe)


def test_full_redo_is_measured_and_left_alone(tiny_sd15):
    options = {"image": make_image(), "mask_image": make_mask(), **SIZE}
    bare = tiny_sd15.run(tiny_sd15.pipe, **options)
    kept = tiny_sd15.run(guarded(tiny_sd15.pipe, preset="full-redo"), **options)
    assert np.array_equal(kept.images[0], bare.images[0])
    assert kept.bleed[0].verdict is Verdict.FULL_REDO


def test_settings_that_do_not_exist_are_refused(tiny_sd15):
    with pytest.raises(ValueError, match="unknown setting 'fether'"):
        guarded(tiny_sd15.pipe, fether=3)
    with pytest.raises(ValueError, match="preset must be one of"):
        guarded(tiny_sd15.pipe, preset="nonsense")


def test_a_pipeline_without_a_mask_is_refused():
    class TextToImage:
        def __call__(self, prompt: str) -> None: ...

    with pytest.raises(TypeError, match="TextToImage is no inpaint pipeline"):
        guarded(TextToImage())


def test_a_failing_guard_still_returns_the_image(tiny_sd15, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("out of luck")

    monkeypatch.setattr("bleed_guard.diffusers.measure_bleed", fail)
    options = {"image": make_image(), "mask_image": make_mask(), **SIZE}
    bare = tiny_sd15.run(tiny_sd15.pipe, **options)
    with pytest.warns(UserWarning, match="NOT guarded: RuntimeError: out of luck"):
        kept = tiny_sd15.run(guarded(tiny_sd15.pipe, blend="hard"), **options)
    assert np.array_equal(kept.images[0], bare.images[0])
    assert kept.bleed[0].verdict is Verdict.NOT_GUARDED


def test_the_recipe_people_copy_leaks_and_ours_does_not(tiny_sd15):
    """Mixing floats by a blurred mask and cutting them off to uint8, as blog posts show it."""
    image = make_image()
    mask = make_mask().filter(ImageFilter.GaussianBlur(4))
    outside = np.asarray(mask) < 128
    options = {"image": image, "mask_image": mask, **SIZE}
    painted = tiny_sd15.run(tiny_sd15.pipe, **options).images[0]

    share = np.array(mask.convert("L"), np.float32)[..., None] / 255.0
    original = np.array(image.convert("RGB"), np.float32) / 255.0
    repainted = np.array(painted.convert("RGB"), np.float32) / 255.0
    mixed = (1 - share) * original + share * repainted
    recipe = Image.fromarray((mixed * 255).astype("uint8"))

    kept = tiny_sd15.run(guarded(tiny_sd15.pipe, blend="feather"), **options)
    assert changed(recipe, image, outside) > 500
    assert changed(kept.images[0], image, outside) == 0

"""The causes in one image: how many pixels, where, how strongly, and what stops each."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from bleed_guard.core.diagnose import describe_causes, diagnose_image, find_buckets
from bleed_guard.core.job import Box, Cause, Certainty, Finding, InpaintJob, Severity, Verdict
from bleed_guard.core.mask import HARD_LEVEL, blur_mask
from bleed_guard.core.measure import measure_seam
from bleed_guard.core.record import ImageRecord, LoadedPictures
from bleed_guard.core.traces import Sample, Traces, trace_job

WIDTH, HEIGHT = 128, 112
HOLE = Box(48, 40, 64, 72)


def draw_photo(low: int = 60, high: int = 200) -> np.ndarray:
    """Smooth shapes and grain, no level near the ends: uint8 H x W x 3."""
    dice = np.random.default_rng(5)
    coarse = dice.integers(low, high, (12, 12, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + dice.normal(0, 6, smooth.shape), low, high).astype(np.uint8)


def make_mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[HOLE.slices] = 255
    return mask


MASK, PHOTO = make_mask(), draw_photo()
INSIDE = MASK >= HARD_LEVEL


def edit(photo: np.ndarray = PHOTO) -> np.ndarray:
    return np.where(INSIDE[..., None], photo // 2, photo)


def make_job(**values: Any) -> InpaintJob:
    fields = {"only_masked": False, "mask_blur": 0, "padding": 0, **values}
    return InpaintJob(MASK, (WIDTH, HEIGHT), (WIDTH, HEIGHT), **fields)


def make_image(
    unguarded: np.ndarray | None = None,
    result: np.ndarray | None = None,
    traces: Traces | None = None,
    *,
    reference: np.ndarray = PHOTO,
    **values: Any,
) -> ImageRecord:
    unguarded = edit(reference) if unguarded is None else unguarded
    result = edit(reference) if result is None else result
    pictures = LoadedPictures(reference, unguarded, result, MASK, ~INSIDE)
    traces = trace_job(make_job(), MASK) if traces is None else traces
    return ImageRecord(0, Verdict.CLEAN, 0, 0, 0, pictures=pictures, traces=traces, **values)


def tell(image: ImageRecord, **options: Any) -> dict[Cause, Finding]:
    return {one.cause: one for one in diagnose_image(image, **options)}


def blur(photo: np.ndarray, mask_blur: int, by: int) -> np.ndarray:
    """The edit, and outside it every pixel the blur opens that many levels off."""
    opened = (blur_mask(MASK, mask_blur) > 0) & ~INSIDE
    return np.where(opened[..., None], photo + np.uint8(by), edit(photo))


STAMP = Box(100, 4, 120, 14)


def blurred_and_stamped() -> ImageRecord:
    """A blur's rim of 2 levels, and a stamp of another script's, known by its area."""
    stamp = np.zeros(MASK.shape, bool)
    stamp[STAMP.slices] = True
    unguarded = blur(PHOTO, 4, 2)
    unguarded[STAMP.slices] = 255
    traces = trace_job(make_job(mask_blur=4), MASK).with_area(Cause.OTHER_SCRIPT, stamp)
    return make_image(unguarded, traces=replace(traces, scripts=("Watermark", "Frame")))


def test_each_cause_has_its_pixels_place_and_size() -> None:
    image = blurred_and_stamped()
    rim = (blur_mask(MASK, 4) > 0) & ~INSIDE
    rows, columns = np.nonzero(rim)
    told = tell(image)
    blurred, stamped = told[Cause.MASK_BLUR], told[Cause.OTHER_SCRIPT]
    assert (blurred.pixels, blurred.max) == (rim.sum(), 2)
    assert blurred.where == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    total = rim.sum() + STAMP.area
    assert blurred.evidence == {
        "share": round(rim.sum() / total, 6),
        "total": total,
        "mean": 2.0,
        "reach": HOLE.left - columns.min(),
    }
    assert (stamped.pixels, stamped.where) == (STAMP.area, STAMP)
    levels = (255 - PHOTO[STAMP.slices]).max(axis=2)
    assert stamped.max == levels.max()
    assert stamped.evidence["mean"] == pytest.approx(levels.mean(), abs=0.01)
    assert blurred.certainty is stamped.certainty is Certainty.MEASURED


def test_each_cause_is_told_in_words() -> None:
    image = blurred_and_stamped()
    rim = int(((blur_mask(MASK, 4) > 0) & ~INSIDE).sum())
    share = 100 * rim / (rim + STAMP.area)
    told = tell(image)
    blurred, stamped = told[Cause.MASK_BLUR], told[Cause.OTHER_SCRIPT]
    assert blurred.what == (
        f"Mask blur 4 reaches past the mask's edge: {rim:,} of the pixels changed outside the "
        f"mask, {share:.1f} %"
    )
    assert "2 of 255 levels: often called noise-like" in blurred.why
    assert blurred.fix is not None
    assert (blurred.fix.setting, blurred.fix.value) == ("mask blur", 0)
    assert stamped.what.startswith("Watermark or Frame edited the picture: 200 of the pixels")
    assert stamped.why == f"The largest difference is {stamped.max} of 255 levels: bleed"


def test_each_finding_has_what_a_translation_is_known_by() -> None:
    """The sentence with its placeholders, what they are filled in with, and the sentence's key."""
    image = blurred_and_stamped()
    assert image.traces is not None
    traces = replace(image.traces, flattened=1234)
    found = diagnose_image(make_image(lift(45), lift(45), traces))
    assert len(found) >= 3
    for finding in found:
        assert finding.phrases is not None
        told = finding.what, finding.why, finding.fix.text if finding.fix else ""
        for sentence, phrase in zip(told, finding.phrases, strict=True):
            assert phrase.format(**finding.words) == sentence
    assert {one.message for one in found} == {"", "seam", "transparency"}


def test_the_cause_of_most_pixels_comes_first() -> None:
    image = blurred_and_stamped()
    assert [one.cause for one in diagnose_image(image)][:2] == [
        Cause.MASK_BLUR,
        Cause.OTHER_SCRIPT,
    ]
    few = edit()
    few[HOLE.top - 1, HOLE.left : HOLE.right] += 2
    first, second, *_ = diagnose_image(make_image(few, traces=image.traces))
    assert (first.cause, second.cause) == (Cause.OTHER_SCRIPT, Cause.MASK_BLUR)


@pytest.mark.parametrize(("by", "is_noise_like"), [(2, True), (3, False)])
def test_the_threshold_people_know_stands_beside_the_truth(by: int, is_noise_like: bool) -> None:
    traces = trace_job(make_job(mask_blur=4), MASK)
    told = tell(make_image(blur(PHOTO, 4, by), traces=traces))
    assert ("noise-like" in told[Cause.MASK_BLUR].why) == is_noise_like


def test_tolerance_leaves_out_what_it_allows() -> None:
    traces = trace_job(make_job(mask_blur=4), MASK)
    image = make_image(blur(PHOTO, 4, 3), traces=traces)
    assert Cause.MASK_BLUR in tell(image, tolerance=2)
    assert Cause.MASK_BLUR not in tell(image, tolerance=3)
    assert image.pictures is not None
    assert find_buckets(image.pictures, traces, tolerance=3) == {}
    plain = json.loads(json.dumps(describe_causes(image)))
    assert [one["cause"] for one in plain] == [one.cause.value for one in diagnose_image(image)]
    assert "mask_blur" not in {one["cause"] for one in describe_causes(image, tolerance=3)}


def test_a_files_loss_has_pixels_but_no_largest_difference_of_the_picture() -> None:
    lost = np.zeros(MASK.shape, bool)
    lost[:10, :20] = True
    traces = trace_job(make_job(), MASK).with_area(Cause.JPEG, lost)
    finding = tell(make_image(traces=traces))[Cause.JPEG]
    assert (finding.pixels, finding.max, finding.why) == (200, None, "")
    assert finding.what == "The file is JPEG: 200 of the pixels changed outside the mask, 100.0 %"


def test_an_unknown_edit_is_inferred_to_be_another_scripts() -> None:
    unguarded = edit()
    unguarded[STAMP.slices] = 255
    finding = tell(make_image(unguarded))[Cause.OTHER_SCRIPT]
    assert finding.certainty is Certainty.INFERRED
    assert finding.what.startswith("another script edited the picture: 200 of the pixels")


@pytest.mark.parametrize(("only_masked", "size"), [(True, "128 x 112"), (False, "192 x 168")])
def test_the_size_a_mask_should_have_is_named(only_masked: bool, size: str) -> None:
    mask = np.zeros((56, 64), np.uint8)
    mask[21:36, 25:32] = 255
    job = InpaintJob(mask, (WIDTH, HEIGHT), (192, 168), only_masked, mask_blur=0, padding=0)
    unguarded = np.clip(PHOTO.astype(int) + 50, 0, 255).astype(np.uint8)
    finding = tell(make_image(unguarded, traces=trace_job(job, MASK)))[Cause.MASK_FORM]
    assert finding.fix is not None
    assert finding.fix.text == f"Give a mask of {size}"


def test_a_run_brought_back_names_the_originals_size() -> None:
    job = make_job()
    traces = Traces(replace(job, size=(64, 56), mask=MASK), is_brought_back=True)
    unguarded = np.where(INSIDE[..., None], PHOTO // 2, PHOTO + np.uint8(1))
    finding = tell(make_image(unguarded, traces=traces))[Cause.RESIZE]
    assert finding.fix is not None
    assert finding.fix.text == "Ask for the original's size, 128 x 112"


def test_nothing_is_told_without_pictures_and_little_without_traces() -> None:
    image = blurred_and_stamped()
    assert diagnose_image(replace(image, pictures=None)) == ()
    bare = replace(image, traces=None)
    assert not {Cause.MASK_BLUR, Cause.OTHER_SCRIPT} & {one.cause for one in diagnose_image(bare)}


def test_a_run_that_did_nothing_is_told() -> None:
    finding = tell(make_image(result=PHOTO))[Cause.SILENT_NOOP]
    assert (finding.pixels, finding.max, finding.where) == (HOLE.area, 0, HOLE)
    assert f"its pixels: {HOLE.area:,}" in finding.what
    one = PHOTO.copy()
    one[HOLE.top, HOLE.left, 1] += 1
    assert Cause.SILENT_NOOP not in tell(make_image(result=one))
    outside = PHOTO.copy()
    outside[0, 0] += 1
    assert Cause.SILENT_NOOP in tell(make_image(result=outside))


def test_nothing_to_repaint_is_no_run_that_did_nothing() -> None:
    image = make_image(PHOTO, PHOTO)
    assert isinstance(image.pictures, LoadedPictures)
    blank = replace(image.pictures, mask=np.full(MASK.shape, 127, np.uint8))
    assert diagnose_image(replace(image, pictures=blank, traces=None)) == ()


def lift(by: int) -> np.ndarray:
    return np.where(INSIDE[..., None], PHOTO + np.uint8(by), PHOTO)


def test_a_visible_edge_is_told_where_it_is() -> None:
    image = make_image(result=lift(45))
    seam = measure_seam(PHOTO, lift(45), MASK)
    finding = tell(image)[Cause.SEAM]
    assert finding.evidence == {"ratio": round(seam.ratio, 3), "step": round(seam.step, 3)}
    assert finding.pixels == 2 * (HOLE.width + HOLE.height)
    assert finding.where == HOLE.grown(1)
    assert f"{seam.ratio:.1f} times the original's own" in finding.what
    assert finding.why == (
        f"{seam.step:.1f} CIELAB units across the edge, the original has {seam.reference_step:.1f}"
    )
    assert Cause.SEAM not in tell(make_image(result=lift(1)))


def test_a_seam_half_again_the_originals_step_is_visible() -> None:
    steps = {by: lift(by) for by in range(1, 60)}
    ratios = {by: measure_seam(PHOTO, result, MASK).ratio for by, result in steps.items()}
    for by, ratio in ratios.items():
        assert (Cause.SEAM in tell(make_image(result=steps[by]))) == (ratio >= 1.5), (by, ratio)


FREE = Box(0, 0, 64, HEIGHT)


def sampled(decoded: np.ndarray, box: Box = FREE, reference: np.ndarray = PHOTO) -> ImageRecord:
    """An image whose model gave back `decoded`, of which the part `box` was kept."""
    traces = replace(trace_job(make_job(), MASK), sample=Sample(box, decoded[box.slices]))
    return make_image(traces=traces, reference=reference)


def test_what_the_model_does_to_colors_is_told_by_channel() -> None:
    noise = np.random.default_rng(7).normal(0, 3, PHOTO.shape)
    levels = 0.9 * (PHOTO - 128.0) + 128 + np.array([8, 2, -6]) + noise
    decoded = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    decoded[HOLE.slices] = 0  # what is under the mask was asked for
    image = sampled(decoded)
    finding = tell(image)[Cause.VAE]
    free = np.s_[FREE.slices]
    delta = np.abs(decoded[free].astype(int) - PHOTO[free]).max(axis=2)[~INSIDE[free]]
    for name, offset in (("red", 8), ("green", 2), ("blue", -6)):
        assert finding.evidence[name] == pytest.approx(offset, abs=0.3)
        assert f"{name} {float(finding.evidence[name]):+.1f}" in finding.why
    assert finding.evidence["contrast"] == pytest.approx(0.9, abs=0.01)
    assert finding.evidence["noise"] == pytest.approx(3, abs=0.3)
    assert finding.evidence["mean"] == pytest.approx(delta.mean(), abs=0.01)
    assert (finding.max, finding.where) == (delta.max(), FREE)
    assert f"by {delta.mean():.1f} levels on average" in finding.what
    assert f"contrast {100 * float(finding.evidence['contrast']):.0f} %" in finding.why
    assert f"noise {float(finding.evidence['noise']):.1f} levels" in finding.why
    assert Cause.SHIFT not in tell(image)


def test_a_model_that_leaves_the_outside_alone_is_not_told() -> None:
    decoded = PHOTO.copy()
    decoded[INSIDE] = 0
    assert not {Cause.VAE, Cause.SHIFT} & tell(sampled(decoded)).keys()
    assert not {Cause.VAE, Cause.SHIFT} & tell(make_image()).keys()


def test_a_model_that_moves_next_to_nothing_is_not_told() -> None:
    """By 0.0 levels on average, it would read."""
    for count, is_told in ((3, False), (9, True)):
        decoded = PHOTO.copy()
        decoded[:count, :40] += 1
        assert (Cause.VAE in tell(sampled(decoded))) == is_told, count


def test_a_decoded_picture_without_contrast_is_another_picture() -> None:
    for share, is_told in ((0.6, True), (0.4, False)):
        levels = np.rint(128 + share * (PHOTO - 128.0)).astype(np.uint8)
        assert (Cause.VAE in tell(sampled(levels))) == is_told


def blow_out(share: float = 1.0) -> np.ndarray:
    """Every level at 0 or 255, but for the rows below `share` of the height."""
    ends = np.where(PHOTO > 128, np.uint8(255), np.uint8(0))
    rows = np.arange(HEIGHT)[:, None, None] < share * HEIGHT
    return np.where(rows, ends, PHOTO)


@pytest.mark.parametrize(
    ("decoded", "what", "advice"),
    [
        (np.zeros_like(PHOTO), "The decoded picture is black: outside the mask 100.0 %", "--no-ha"),
        (np.full_like(PHOTO, 255), "is clipped: outside the mask 100.0 %", "lower the CFG scale"),
        (blow_out(), "is clipped: outside the mask 100.0 %", "lower the CFG scale"),
        (blow_out(0.97), "is clipped: outside the mask 97.", "another VAE"),
    ],
    ids=["black", "white", "all ends", "nearly"],
)
def test_a_picture_lost_in_decoding_is_told_instead_of_its_colors(
    decoded: np.ndarray, what: str, advice: str
) -> None:
    findings = [one for one in diagnose_image(sampled(decoded)) if one.cause is Cause.VAE]
    (finding,) = findings
    assert what in finding.what
    assert "mid-grey" not in finding.text
    assert finding.fix is not None
    assert advice in finding.fix.text
    assert (finding.severity, finding.where) == (Severity.WARNING, FREE)
    assert float(finding.evidence["clipped"]) >= 0.97


def test_a_picture_half_at_the_ends_still_tells_its_colors() -> None:
    finding = tell(sampled(blow_out(0.4)))[Cause.VAE]
    assert finding.message == "model"


def test_an_original_at_the_ends_is_not_lost_in_decoding() -> None:
    """Line art on white: no color line can be told, and nobody is told that there is none."""
    page = np.full_like(PHOTO, 255)
    page[::8] = 0
    decoded = page.copy()
    decoded[::8, ::2] = 60
    finding = tell(sampled(decoded, reference=page))[Cause.VAE]
    assert finding.message == "model_uncolored"
    assert "mid-grey" not in finding.text
    assert "contrast" not in finding.text
    assert finding.evidence.keys() == {"mean"}
    black = tell(sampled(np.zeros_like(page), reference=page))[Cause.VAE]
    assert black.message == "model_black"


@pytest.mark.parametrize(("x", "y"), [(-3, 2), (0, 1), (1, 0)])
def test_a_shifted_picture_is_told_to_the_pixel(x: int, y: int) -> None:
    finding = tell(sampled(np.roll(PHOTO, (y, x), (0, 1)), Box(0, 0, WIDTH, HEIGHT)))[Cause.SHIFT]
    assert finding.evidence["x"] == pytest.approx(x, abs=0.15)
    assert finding.evidence["y"] == pytest.approx(y, abs=0.15)
    assert 0.3 < float(finding.evidence["response"]) <= 1
    assert finding.where == Box(0, 0, WIDTH, HEIGHT)
    assert f"by {np.hypot(x, y):.1f} px" in finding.what
    assert f"{float(finding.evidence['x']):+.1f} px across" in finding.why
    assert f"{float(finding.evidence['y']):+.1f} px down" in finding.why


@pytest.mark.parametrize(
    ("size", "advice"),
    [
        ((384, 264), "Ask for a width and height that are multiples of 64"),
        ((384, 256), "Choose another VAE or model"),
    ],
)
def test_another_size_is_advised_against_a_shift_only_where_it_can_help(
    size: tuple[int, int], advice: str
) -> None:
    job = replace(make_job(), size=size)
    shifted = np.roll(PHOTO, 2, 0)
    whole = Box(0, 0, WIDTH, HEIGHT)
    finding = tell(make_image(traces=Traces(job, sample=Sample(whole, shifted))))[Cause.SHIFT]
    assert finding.fix is not None
    assert finding.fix.text.endswith(advice)


def test_another_picture_is_not_shifted() -> None:
    assert Cause.SHIFT not in tell(sampled(np.ascontiguousarray(PHOTO[::-1, ::-1])))


@pytest.mark.parametrize("noise", [0, 4])
def test_what_moved_within_the_mask_is_no_shift_of_the_picture(noise: int) -> None:
    """An object that was asked to go elsewhere, in a mask over nearly half of what was kept."""
    mask = np.zeros(MASK.shape, np.uint8)
    mask[16:96, 20:100] = 255
    grain = np.random.default_rng(7).normal(0, noise, PHOTO.shape)
    decoded = np.clip(np.rint(PHOTO + grain), 0, 255).astype(np.uint8)
    decoded[mask > 0] = np.roll(PHOTO, 9, 1)[mask > 0]
    image = sampled(decoded, Box(0, 0, WIDTH, HEIGHT))
    assert isinstance(image.pictures, LoadedPictures)
    moved = replace(image, pictures=replace(image.pictures, mask=mask, protected=mask == 0))
    assert Cause.SHIFT not in tell(moved)


def test_flattened_pixels_are_counted() -> None:
    traces = replace(trace_job(make_job(), MASK), flattened=1234)
    finding = tell(make_image(traces=traces))[Cause.TRANSPARENCY]
    assert finding.pixels == 1234
    assert "transparent on its background color: 1,234 of the pixels" in finding.what
    assert Cause.TRANSPARENCY not in tell(make_image())


CROP = HOLE.grown(16)


def padded(unguarded: np.ndarray | None = None, **values: Any) -> ImageRecord:
    """Only masked with a padding that makes the crop the square CROP."""
    job = make_job(only_masked=True, **{"padding": 16, **values})
    job = replace(job, size=(HOLE.width, HOLE.height))
    return make_image(unguarded, traces=trace_job(job, MASK), crop_box=CROP)


def test_what_only_padding_showed_the_model_is_counted() -> None:
    finding = tell(padded())[Cause.PADDING]
    assert (finding.pixels, finding.where) == (CROP.area - HOLE.area, CROP)
    assert finding.evidence == {"changed": 0}
    assert (
        f"Padding 16 showed the model {CROP.area - HOLE.area:,} more of the pixels" in finding.what
    )
    assert "the causes above changed 0 of them" in finding.why


def test_what_changed_in_the_padding_is_counted_beside_it() -> None:
    unguarded = edit()
    unguarded[CROP.top : CROP.top + 5, CROP.left : CROP.right] += 1  # in the padding
    unguarded[0:3] += 1  # beyond the crop
    finding = tell(padded(unguarded))[Cause.PADDING]
    assert finding.evidence == {"changed": 5 * CROP.width}
    assert f"changed {5 * CROP.width} of them" in finding.why


def test_no_padding_is_told_where_there_is_none() -> None:
    assert Cause.PADDING not in tell(padded(padding=0))
    assert Cause.PADDING not in tell(replace(padded(), crop_box=None))
    wiped_out = padded(mask_blur=4)
    assert wiped_out.traces is not None
    blank = replace(wiped_out.traces.settings, mask=np.zeros_like(MASK))
    traces = trace_job(blank, MASK)
    assert Cause.PADDING not in tell(replace(wiped_out, traces=traces))


@pytest.mark.parametrize(("strength", "is_told"), [(0.84, False), (0.85, True), (0.9, True)])
def test_a_high_strength_is_told_with_the_seam(strength: float, is_told: bool) -> None:
    traces = trace_job(make_job(denoising_strength=strength), MASK)
    told = tell(make_image(traces=traces))
    assert (Cause.STRENGTH in told) == is_told
    if is_told:
        ratio = measure_seam(PHOTO, edit(), MASK).ratio
        finding = told[Cause.STRENGTH]
        assert finding.what == f"Denoising strength {strength:g} is high"
        assert f"is {ratio:.1f} times" in finding.why
        assert (finding.pixels, finding.evidence) == (0, {"ratio": round(ratio, 3)})


def test_who_took_part_early_is_named_and_counts_no_pixels() -> None:
    traces = replace(
        trace_job(make_job(refiner="xl-refiner"), MASK), early_scripts=("ADetailer", "Grain")
    )
    told = tell(make_image(traces=traces))
    script, refiner = told[Cause.OTHER_SCRIPT], told[Cause.REFINER]
    assert script.what.startswith("ADetailer or Grain may have edited")
    assert refiner.what == "The refiner xl-refiner painted under the same mask"
    for finding in (script, refiner):
        assert (finding.pixels, finding.certainty) == (0, Certainty.INFERRED)
    assert not {Cause.OTHER_SCRIPT, Cause.REFINER} & tell(make_image()).keys()

"""What each guard changes and says. Jobs are small literal ones; reach is tried in test_reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bleed_guard.core.job import (
    Cause,
    Change,
    Finding,
    Fix,
    InpaintJob,
    MaskedContent,
    Protection,
    ResizeMode,
    Severity,
)
from bleed_guard.core.plan import plan_guard
from bleed_guard.core.settings import PRESETS, GuardSettings

GUARD = GuardSettings()
WIDTH, HEIGHT = 320, 304


def make_mask(left: int = 20, right: int = 300, level: int = 255) -> np.ndarray:
    """A rectangle over most of the height: too wide to be small, too narrow to look inverted."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:290, left:right] = level
    return mask


def make_job(**changes: Any) -> InpaintJob:
    """A job no guard has anything to say about, changed by `changes`."""
    job = InpaintJob(
        mask=make_mask(),
        init_size=(WIDTH, HEIGHT),
        size=(WIDTH, HEIGHT),
        only_masked=True,
        padding=32,
        mask_blur=0,
    )
    return replace(job, **changes)


def told(job: InpaintJob, settings: GuardSettings = GUARD) -> list[str]:
    return [finding.message for finding in plan_guard(job, settings).findings]


def changed(job: InpaintJob, settings: GuardSettings = GUARD) -> list[str]:
    return [change.text for change in plan_guard(job, settings).changes]


def only_finding(job: InpaintJob, settings: GuardSettings = GUARD) -> Finding:
    (finding,) = plan_guard(job, settings).findings
    return finding


def fix_of(finding: Finding) -> Fix:
    assert finding.fix is not None
    return finding.fix


def test_nothing_is_said_or_changed_without_a_cause() -> None:
    plan = plan_guard(make_job(), GUARD)
    assert (plan.changes, plan.findings, plan.predicted_reach) == ((), (), 0)
    assert plan.protection is Protection.HARD


@pytest.mark.parametrize(
    ("padding", "settings", "text"),
    [
        pytest.param(64, GUARD, ["padding 64 -> 32, limit of preset guard"], id="lowered"),
        pytest.param(32, GUARD, [], id="at the limit"),
        pytest.param(4, GUARD, [], id="never raised"),
        pytest.param(
            64,
            GuardSettings(preset="custom", padding_limit=16),
            ["padding 64 -> 16, limit of your settings"],
            id="custom",
        ),
        pytest.param(64, GuardSettings(limit_padding=False), [], id="switched off"),
        pytest.param(
            900,
            GuardSettings(padding_limit=1000),
            ["padding 900 -> 20, larger than the picture"],
            id="larger than the picture",
        ),
    ],
)
def test_padding_limit(padding: int, settings: GuardSettings, text: list[str]) -> None:
    assert changed(make_job(padding=padding), settings) == text


def test_padding_means_nothing_in_whole_picture() -> None:
    assert changed(make_job(padding=200, only_masked=False)) == []


def test_tight_edit_limits_padding_to_8() -> None:
    assert changed(make_job(), PRESETS["tight-edit"]) == [
        "padding 32 -> 8, limit of preset tight-edit"
    ]


def make_soft_mask() -> np.ndarray:
    mask = make_mask()
    mask[10:290, 300:310] = 100
    return mask


def test_a_grey_mask_is_told_with_its_share_and_reach() -> None:
    job = make_job(mask=make_soft_mask(), only_masked=False)
    finding = only_finding(job)
    assert finding.what == "The mask is grey: 3 % of its pixels are soft"
    assert "up to 10 px outside its edge" in finding.why
    assert finding.severity is Severity.INFO
    unguarded = only_finding(job, GuardSettings(paste_back=False, soft_mask="ignore"))
    assert unguarded.message == "paste_back_off"
    messages = told(job, GuardSettings(paste_back=False))
    assert messages == ["paste_back_off", "soft_mask"]
    allowed = only_finding(job, PRESETS["blend-edit"])
    assert (allowed.message, allowed.severity) == ("soft_mask_allowed", Severity.INFO)


@pytest.mark.parametrize("blur", [0, 4])
def test_a_mask_too_faint_to_have_an_edge_is_told_once_and_truly(blur: int) -> None:
    job = make_job(mask=make_mask(level=90), mask_blur=blur)
    assert told(job) == ["mask_faint"]
    raw = [finding.text for finding in plan_guard(job, GuardSettings(paste_back=False)).findings]
    assert "yet the host repaints them" in raw[1]
    assert "protected" not in raw[1]


@pytest.mark.parametrize("protect", ["hard", "soft"])
@pytest.mark.parametrize("paste_back", [True, False])
def test_a_grey_mask_that_opens_nothing_outside_is_none_to_warn_of(
    protect: str, paste_back: bool
) -> None:
    settings = GuardSettings(preset="custom", protect=protect, paste_back=paste_back)
    for level, key in ((200, False), (127, True)):
        mask = np.zeros((64, 64), np.uint8)
        mask[24:40, 24:40] = 255
        mask[40:44, 24:40] = level
        job = make_job(mask=mask, init_size=(64, 64), size=(64, 64), mask_blur=0)
        assert any(message.startswith("soft_mask") for message in told(job, settings)) == key


@pytest.mark.parametrize("settings", [GUARD, PRESETS["blend-edit"]])
def test_a_brushs_smoothed_edge_is_no_soft_mask(settings: GuardSettings) -> None:
    mask = make_mask()
    mask[10:290, 300] = 100
    mask[10:290, 19] = 20
    mask[10:290, 20] = 230
    assert told(make_job(mask=mask, only_masked=False), settings) == []
    mask[10:290, 301] = 40
    assert told(make_job(mask=mask, only_masked=False), settings)[0].startswith("soft_mask")


def test_a_thin_line_that_is_grey_all_over_is_told() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:290, 20], mask[10:290, 300] = 100, 200
    assert "soft_mask_guarded" in told(make_job(mask=mask, only_masked=False))


def test_a_soft_mask_is_hardened_when_asked() -> None:
    job = make_job(mask=make_soft_mask(), mask_blur=4)
    plan = plan_guard(job, replace(GUARD, soft_mask="harden", preset="custom"))
    assert [change.text for change in plan.changes] == [
        "mask 3 % soft -> hard, hard mask of your settings",
        "mask blur 4 -> 0, hard mask of your settings",
    ]
    assert (plan.findings, plan.predicted_reach) == ((), 0)


@pytest.mark.parametrize(
    ("settings", "message", "severity"),
    [
        (GUARD, "mask_blur_guarded", Severity.INFO),
        (GuardSettings(protect="soft"), "mask_blur_allowed", Severity.INFO),
        (GuardSettings(paste_back=False), "mask_blur", Severity.WARNING),
    ],
    ids=["guarded", "allowed", "open"],
)
@pytest.mark.parametrize(("blur", "reach"), [(1, 3), (4, 10), (9, 22)])
def test_mask_blur_is_told_with_its_exact_reach(
    settings: GuardSettings, message: str, severity: Severity, blur: int, reach: int
) -> None:
    mask = make_mask(left=100, right=220)
    plan = plan_guard(make_job(mask=mask, mask_blur=blur, only_masked=False), settings)
    finding = next(entry for entry in plan.findings if entry.cause is Cause.MASK_BLUR)
    assert (finding.message, finding.severity) == (message, severity)
    assert f"Mask blur {blur} " in finding.what
    assert f"up to {reach} px outside the mask" in finding.what
    assert (plan.predicted_reach, plan.band) == (reach, reach)


@pytest.mark.parametrize("settings", [GUARD, GuardSettings(soft_mask="ignore")])
@pytest.mark.parametrize("only_masked", [True, False])
def test_a_mask_its_blur_would_wipe_out_is_kept_alive(
    settings: GuardSettings, only_masked: bool
) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100, 100] = 255
    job = make_job(mask=mask, mask_blur=16, only_masked=only_masked)
    plan = plan_guard(job, settings)
    (change,) = plan.changes
    assert (change.setting, change.before) == ("mask blur", 16)
    assert change.after in range(4)
    assert change.reason == "a larger blur would wipe out the mask"


def test_full_redo_leaves_even_a_dying_mask_alone() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[100, 100] = 255
    assert changed(make_job(mask=mask, mask_blur=16), PRESETS["full-redo"]) == []


@pytest.mark.parametrize(("strength", "is_told"), [(0.84, False), (0.85, True), (1.0, True)])
def test_a_high_strength_is_told(strength: float, is_told: bool) -> None:
    job = make_job(denoising_strength=strength)
    assert told(job) == (["strength"] if is_told else [])
    if is_told:
        assert fix_of(only_finding(job)).value == 0.7
        assert "changes no pixel outside" in only_finding(job).why


def test_the_strength_threshold_is_a_setting() -> None:
    job = make_job(denoising_strength=0.75)
    assert told(job, GuardSettings(strength_warning=0.6)) == ["strength"]


@pytest.mark.parametrize(
    ("strength", "texts"),
    [(0.95, ["denoising strength 0.95 -> 0.7, cap of your settings"]), (0.7, []), (0.3, [])],
)
def test_strength_is_capped_when_asked(strength: float, texts: list[str]) -> None:
    settings = GuardSettings(preset="custom", cap_strength=True)
    plan = plan_guard(make_job(denoising_strength=strength), settings)
    assert [change.text for change in plan.changes] == texts
    assert plan.findings == ()


OFF = GuardSettings(preset="custom", refiner="off", face_restoration="off", color_correction="off")


@pytest.mark.parametrize(
    ("field", "value", "message", "text"),
    [
        ("refiner", "xl.safetensors", "refiner", "refiner xl.safetensors -> off"),
        ("has_face_restoration", True, "face_restoration", "face restoration on -> off"),
        ("has_color_correction", True, "color_correction", "color correction on -> off"),
    ],
)
def test_stages_that_ignore_the_mask_are_told_or_switched_off(
    field: str, value: Any, message: str, text: str
) -> None:
    job = make_job(**{field: value})
    assert (told(job), changed(job)) == ([message], [])
    assert (told(job, OFF), changed(job, OFF)) == ([], [f"{text}, switched off by your settings"])
    ignoring = replace(
        GUARD, refiner="ignore", face_restoration="ignore", color_correction="ignore"
    )
    assert (told(job, ignoring), changed(job, ignoring)) == ([], [])


@pytest.mark.parametrize("field", ["has_face_restoration", "has_color_correction"])
def test_a_stage_nothing_covers_is_told_as_such(field: str) -> None:
    job = make_job(**{field: True}, has_overlay=False, only_masked=False)
    open_job = GuardSettings(paste_back=False)
    (finding,) = [f for f in plan_guard(job, open_job).findings if f.message.endswith("_open")]
    assert "no overlay covers it" in finding.why
    assert not [message for message in told(job) if message.endswith("_open")]


def test_the_refiner_is_named() -> None:
    assert only_finding(make_job(refiner="xl.safetensors")).what == (
        "The refiner xl.safetensors takes over within this inpaint"
    )


def test_cfg_rescale_is_named() -> None:
    assert told(make_job(has_cfg_rescale=True)) == ["cfg_rescale"]


@pytest.mark.parametrize(
    ("changes", "messages", "cause"),
    [
        ({"image_format": "jpg"}, ["lossy_file"], Cause.JPEG),
        ({"image_format": "webp"}, ["lossy_file"], Cause.WEBP),
        ({"image_format": "avif"}, ["lossy_file"], Cause.AVIF),
        ({"image_format": "gif"}, ["lossy_file"], Cause.PALETTE),
        ({"image_format": "webp", "webp_is_lossless": True}, [], None),
        ({"image_format": "jpg", "saves_images": False}, [], None),
        (
            {"image_format": "jpg", "saves_images": False, "reply_format": "jpg"},
            ["lossy_reply"],
            None,
        ),
        ({"image_format": "jpg", "reply_format": "jpg"}, ["lossy_file", "lossy_reply"], Cause.JPEG),
        ({"image_format": "jpg", "reply_format": "png"}, ["lossy_file"], Cause.JPEG),
        ({"reply_format": "webp", "webp_is_lossless": True}, ["lossy_reply"], Cause.WEBP),
        ({"reply_format": "webp", "reply_webp_is_lossless": True}, [], None),
        ({"grid_format": "jpg"}, [], None),
        ({"grid_format": "jpg", "saves_grid": True}, ["lossy_grid"], Cause.JPEG),
        ({"has_4chan_export": True}, [], None),
        ({"has_4chan_export": True, "export_4chan_side": 300}, ["export_4chan"], None),
        ({"image_format": "png"}, [], None),
    ],
)
def test_lossy_formats_are_told_where_they_are_written(
    changes: dict[str, Any], messages: list[str], cause: Cause | None
) -> None:
    job = make_job(**changes)
    assert told(job) == messages
    if cause:
        assert plan_guard(job, GUARD).findings[0].cause is cause
    assert told(job, GuardSettings(lossy_format="ignore")) == []


def test_inpaints_are_saved_as_png_when_asked_and_the_reply_still_told() -> None:
    job = make_job(image_format="jpg", reply_format="jpg")
    settings = GuardSettings(preset="custom", lossy_format="png")
    assert changed(job, settings) == ["format jpg -> png, lossless files of your settings"]
    assert told(job, settings) == ["lossy_reply"]
    assert changed(make_job(image_format="jpg", saves_images=False), settings) == []


def make_small_job(**changes: Any) -> InpaintJob:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:110, 50:300] = 255
    return make_job(mask=mask, only_masked=False, **changes)


def test_whole_picture_on_a_small_mask_is_told() -> None:
    finding = only_finding(make_small_job())
    assert finding.what == "The mask is small: its box is 250 x 100 px"
    assert fix_of(finding).setting == "inpaint area"
    assert told(make_small_job(), GuardSettings(small_mask="ignore")) == []
    assert told(replace(make_small_job(), only_masked=True)) == []


@pytest.mark.parametrize(("right", "is_small"), [(305, True), (306, False)])
def test_small_is_under_256_px(right: int, is_small: bool) -> None:
    job = make_small_job()
    job.mask[10:110, 50:right] = 255
    assert told(job) == (["small_mask"] if is_small else [])


def test_a_small_mask_that_is_most_of_a_small_picture_lacks_nothing() -> None:
    mask = np.zeros((240, 240), np.uint8)
    mask[20:220, 20:220] = 255
    job = make_job(mask=mask, init_size=(240, 240), size=(240, 240), only_masked=False)
    assert told(job) == []


def test_a_small_mask_switches_the_area_when_asked() -> None:
    settings = GuardSettings(preset="custom", small_mask="switch")
    plan = plan_guard(make_small_job(padding=64), settings)
    assert [change.text for change in plan.changes] == [
        "inpaint area whole picture -> only masked, small mask, your settings",
        "padding 64 -> 32, limit of your settings",
    ]
    assert plan.findings == ()


def test_the_area_is_not_switched_where_that_would_change_the_results_size() -> None:
    settings = GuardSettings(preset="custom", small_mask="switch", keep_size=True)
    job = make_small_job(size=(WIDTH * 3 // 4, HEIGHT * 3 // 4))
    assert changed(job, settings) == []
    assert told(job, settings) == ["small_mask"]


LATENT = {"resize_mode": ResizeMode.LATENT_UPSCALE, "only_masked": False, "size": (640, 608)}


def test_a_latent_upscale_the_host_will_fail_at_is_told() -> None:
    job = make_job(**LATENT, masked_content=MaskedContent.LATENT_NOISE)
    finding = only_finding(job)
    assert (finding.message, finding.severity) == ("latent_upscale_fails", Severity.ERROR)
    assert finding.what.startswith("The host will fail")


@pytest.mark.parametrize(
    ("settings", "message"),
    [(GUARD, "latent_upscale_guarded"), (GuardSettings(paste_back=False), "latent_upscale")],
)
def test_a_latent_upscale_with_original_content_is_told(
    settings: GuardSettings, message: str
) -> None:
    assert message in told(make_job(**LATENT), settings)


def test_a_latent_upscale_to_the_same_size_or_in_only_masked_is_harmless() -> None:
    noise = {"masked_content": MaskedContent.LATENT_NOISE}
    assert told(make_job(**{**LATENT, **noise, "size": (WIDTH, HEIGHT)})) == []
    assert told(make_job(**{**LATENT, **noise, "only_masked": True})) == []


def make_nearly_full_mask() -> np.ndarray:
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[: HEIGHT // 20] = 0
    return mask


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((HEIGHT, WIDTH), np.uint8), "mask_blank"),
        (make_mask(level=90), "mask_faint"),
        (np.full((HEIGHT, WIDTH), 255, np.uint8), "mask_full"),
        (make_nearly_full_mask(), "mask_inverted"),
    ],
    ids=["blank", "invisible", "full", "inverted"],
)
def test_masks_that_are_probably_not_meant_are_told(mask: np.ndarray, message: str) -> None:
    job = make_job(mask=mask)
    assert told(job, GuardSettings(soft_mask="ignore")) == [message]


def test_an_inverted_looking_mask_is_told_with_its_share() -> None:
    assert (
        only_finding(make_job(mask=make_nearly_full_mask())).what
        == "The mask covers 95 % of the picture"
    )


@pytest.mark.parametrize(
    ("only_masked", "settings", "message"),
    [
        (True, GuardSettings(paste_back=False), "mask_blank_redraw"),
        (True, GUARD, "mask_blank"),
        (False, GuardSettings(paste_back=False), "mask_blank"),
    ],
)
def test_what_a_blank_mask_leads_to_depends_on_the_area(
    only_masked: bool, settings: GuardSettings, message: str
) -> None:
    job = make_job(mask=np.zeros((HEIGHT, WIDTH), np.uint8), only_masked=only_masked)
    assert message in told(job, settings)


def test_a_mask_of_another_shape_may_be_stale() -> None:
    job = make_job(mask=np.full((300, 200), 255, np.uint8))
    assert "The mask is 200 x 300, the picture 320 x 304" in [
        finding.what for finding in plan_guard(replace(job, only_masked=False), GUARD).findings
    ]
    half = make_mask()[::2, ::2]
    assert "mask_stale" not in told(make_job(mask=half, only_masked=False))


@pytest.mark.parametrize(
    ("only_masked", "settings", "message"),
    [
        (True, GUARD, "overlay_off_guarded"),
        (False, GUARD, "overlay_off_guarded"),
        (True, GuardSettings(paste_back=False), "overlay_off_crop"),
        (False, GuardSettings(paste_back=False), "overlay_off"),
    ],
)
def test_overlay_off_is_told(only_masked: bool, settings: GuardSettings, message: str) -> None:
    job = make_job(has_overlay=False, only_masked=only_masked, mask_blur=4)
    told_causes = told(job, settings)
    assert message in told_causes
    assert not [key for key in told_causes if key.startswith("mask_blur")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [(GUARD, "soft_inpainting_guarded"), (GuardSettings(paste_back=False), "soft_inpainting")],
)
def test_soft_inpainting_is_told_and_no_reach_is_claimed(
    settings: GuardSettings, message: str
) -> None:
    job = make_job(has_soft_inpainting=True, mask_blur=4)
    assert message in told(job, settings)
    assert not [key for key in told(job, settings) if key.startswith("mask_blur")]


@pytest.mark.parametrize(
    ("size", "init", "message"),
    [
        ((640, 608), (320, 304), "resized"),
        ((640, 576), (320, 320), "resized"),
        ((320, 320), (320, 304), "resized_rounded"),
        ((640, 608), (317, 304), "resized_rounded"),
        ((317, 300), (317, 300), "cropped"),
        ((320, 296), (320, 296), None),
    ],
)
def test_a_result_of_another_size_is_told(
    size: tuple[int, int], init: tuple[int, int], message: str | None
) -> None:
    mask = np.zeros((init[1], init[0]), np.uint8)
    mask[5:285, 5:300] = 255
    job = make_job(mask=mask, init_size=init, size=size, only_masked=False)
    assert told(job) == ([message] if message else [])
    assert told(job, GuardSettings(keep_size=True)) == []


def test_what_is_advised_against_another_size_can_be_done() -> None:
    """A host that rounds to 64 gives 128 x 64 for 96 x 64, whoever asks for that."""
    mask = np.zeros((64, 96), np.uint8)
    mask[4:60, 4:90] = 255
    job = make_job(mask=mask, init_size=(96, 64), size=(128, 64), only_masked=False)
    finding = only_finding(job)
    assert finding.what == "The picture comes back as 128 x 64, not 96 x 64"
    assert "ask for the original's size" not in finding.text
    assert "some hosts round" in finding.why
    assert told(replace(job, only_masked=True)) == []
    assert told(job, GuardSettings(keep_size=True)) == []


def test_full_redo_says_so_and_changes_nothing() -> None:
    job = make_small_job(
        mask_blur=4,
        denoising_strength=1.0,
        refiner="xl",
        has_face_restoration=True,
        image_format="jpg",
        has_overlay=False,
    )
    plan = plan_guard(job, PRESETS["full-redo"])
    assert plan.changes == ()
    assert [finding.message for finding in plan.findings] == ["full_redo"]
    assert plan.protection is Protection.NONE


def test_tight_edit_mends_everything_it_promises() -> None:
    job = make_job(
        mask=make_soft_mask(),
        mask_blur=4,
        refiner="xl",
        has_face_restoration=True,
        image_format="jpg",
    )
    plan = plan_guard(job, PRESETS["tight-edit"])
    assert [change.setting for change in plan.changes] == [
        "mask",
        "mask blur",
        "padding",
        "refiner",
        "face restoration",
        "format",
    ]
    assert all(change.text.endswith("preset tight-edit") for change in plan.changes)
    assert plan.findings == ()


def test_blend_edit_allows_the_soft_band_and_leaves_padding_large() -> None:
    plan = plan_guard(make_job(padding=128, mask_blur=4), PRESETS["blend-edit"])
    assert (plan.changes, plan.protection, plan.band) == ((), Protection.SOFT, 10)
    assert [finding.message for finding in plan.findings] == ["mask_blur_allowed"]


SETTING_NAMES = {
    "padding",
    "mask blur",
    "denoising strength",
    "refiner",
    "face restoration",
    "color correction",
    "inpaint area",
    "mask",
    "format",
}


def make_small_mask(kind: str) -> np.ndarray:
    """40 x 56 px: large enough for every guard to speak, small enough for many examples."""
    mask = np.zeros((40, 56), np.uint8)
    mask[10:30, 20:40] = {"hard": 255, "soft": 200, "faint": 60, "blank": 0}.get(kind, 0)
    if kind == "thin":
        mask[20, 20] = 255
    return mask


any_job = st.builds(
    make_job,
    mask=st.sampled_from(["hard", "soft", "faint", "thin", "blank"]).map(make_small_mask),
    init_size=st.just((56, 40)),
    size=st.sampled_from([(56, 40), (53, 39), (64, 64)]),
    only_masked=st.booleans(),
    padding=st.integers(0, 200),
    mask_blur=st.integers(0, 64),
    resize_mode=st.sampled_from(ResizeMode),
    masked_content=st.sampled_from(MaskedContent),
    denoising_strength=st.sampled_from([0.0, 0.7, 0.85, 1.0]),
    has_overlay=st.booleans(),
    has_soft_inpainting=st.booleans(),
    has_face_restoration=st.booleans(),
    refiner=st.sampled_from(["", "xl"]),
    image_format=st.sampled_from(["png", "jpg", "webp"]),
    blur_doubles=st.booleans(),
    has_precise_mask=st.booleans(),
)


@given(any_job, st.sampled_from([*PRESETS.values(), OFF]))
def test_no_message_twice_and_each_says_what_why_and_what_to_do(
    job: InpaintJob, settings: GuardSettings
) -> None:
    plan = plan_guard(job, settings)
    texts = [finding.text for finding in plan.findings]
    assert len(set(texts)) == len(texts)
    for finding in plan.findings:
        assert finding.what
        assert finding.why
        assert fix_of(finding).text
        assert "{" not in finding.text
    names = [change.setting for change in plan.changes]
    assert len(set(names)) == len(names)
    assert set(names) <= SETTING_NAMES
    assert all(change.before != change.after for change in plan.changes)


@given(any_job)
def test_no_finding_is_about_what_a_change_has_mended(job: InpaintJob) -> None:
    mended = {"refiner", "face_restoration", "color_correction", "soft_mask", "mask_blur"}
    settings = replace(OFF, soft_mask="harden")
    assert not mended & {key.removesuffix("_guarded") for key in told(job, settings)}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("padding", 64, 32, "limit"), "padding 64 -> 32, limit"),
        (Change("refiner", "xl", None, "r"), "refiner xl -> off, r"),
        (Change("face restoration", True, False, "r"), "face restoration on -> off, r"),
        (Change("denoising strength", 0.95, 0.7, "r"), "denoising strength 0.95 -> 0.7, r"),
    ],
)
def test_a_change_reads_as_a_person_writes_it(change: Change, text: str) -> None:
    assert change.text == text

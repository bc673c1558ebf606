"""Every sentence the guards say, once: what, why, what to do. The page reads the same table.

Placeholders in braces are filled in from a finding's `evidence`. The keys are stable: the page's
script and the translations in localizations/ refer to the sentences through them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from bleed_guard.core.job import Cause, Finding, Fix, Phrases, Severity

MaybeValue = bool | int | float | str | None
EvidenceValue = float | int | str


class Wording(NamedTuple):
    """One message: its cause, how grave it is, three sentences, and the control that mends it.

    `setting` is a host control or one of our settings, as `Fix.setting`.
    """

    cause: Cause
    severity: Severity
    what: str
    why: str
    fix: str
    setting: str = ""
    value: MaybeValue = None


_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR

WORDING: Mapping[str, Wording] = MappingProxyType(
    {
        "full_redo": Wording(
            Cause.GUARD_OFF,
            _INFO,
            "Full redo: nothing outside the mask is protected",
            "The preset or the protection asks for it; what changes is measured and left alone",
            "Choose the preset guard to keep the rest of the picture",
            "preset",
            "guard",
        ),
        "paste_back_off": Wording(
            Cause.GUARD_OFF,
            _WARNING,
            "Paste-back is off: pixels outside the mask are measured, not put back",
            "The host's own overlay decides what stays",
            "Switch on Force paste-back",
            "paste_back",
            True,
        ),
        "mask_blank": Wording(
            Cause.BLANK_MASK,
            _WARNING,
            "The mask is blank",
            "Nothing is marked for repainting, so every pixel is protected",
            "Paint over what should change",
        ),
        "mask_blank_redraw": Wording(
            Cause.BLANK_MASK,
            _WARNING,
            "The mask is blank",
            "In only masked the host then repaints the whole picture",
            "Paint over what should change",
        ),
        "mask_faint": Wording(
            Cause.BLANK_MASK,
            _WARNING,
            "The mask is too faint to see: its strongest pixel is at {strongest} of 255",
            "No pixel reaches 50 %, so all of them count as outside and are protected",
            "Paint the mask with full opacity",
        ),
        "mask_faint_open": Wording(
            Cause.BLANK_MASK,
            _WARNING,
            "The mask is too faint to see: its strongest pixel is at {strongest} of 255",
            "No pixel reaches 50 %, so all of them count as outside, yet the host repaints them",
            "Paint the mask with full opacity",
        ),
        "mask_full": Wording(
            Cause.FULL_MASK,
            _WARNING,
            "The mask covers the whole picture",
            "Nothing is outside, so nothing is protected",
            "Paint only over what should change",
        ),
        "mask_inverted": Wording(
            Cause.INVERTED_MASK,
            _WARNING,
            "The mask covers {share} % of the picture",
            "It looks inverted: nearly everything is repainted",
            "Switch the mask mode if you meant the rest",
            "mask mode",
        ),
        "mask_stale": Wording(
            Cause.SIZE,
            _WARNING,
            "The mask is {mask_width} x {mask_height}, the picture {width} x {height}",
            "Their shapes differ: the mask may belong to another picture and is stretched over it",
            "Paint the mask again, or give one of the picture's size",
        ),
        "soft_mask": Wording(
            Cause.SOFT_MASK,
            _WARNING,
            "The mask is grey: {share} % of its pixels are soft",
            "The host repaints under grey pixels too, up to {reach} px outside the mask's edge",
            "Set Soft mask to harden, or use a black and white mask",
            "soft_mask",
            "harden",
        ),
        "soft_mask_guarded": Wording(
            Cause.SOFT_MASK,
            _INFO,
            "The mask is grey: {share} % of its pixels are soft",
            "It is cut at 50 %; alone, the host would repaint up to {reach} px outside its edge",
            "Set Soft mask to harden, or use a black and white mask",
            "soft_mask",
            "harden",
        ),
        "soft_mask_allowed": Wording(
            Cause.SOFT_MASK,
            _INFO,
            "The mask is grey: {share} % of its pixels are soft",
            "Protection is soft: they may change, up to {reach} px outside the mask's edge",
            "Set Soft mask to harden for a hard edge",
            "soft_mask",
            "harden",
        ),
        "mask_blur": Wording(
            Cause.MASK_BLUR,
            _WARNING,
            "Mask blur {blur} repaints up to {reach} px outside the mask",
            "The host blends along the blurred mask",
            "Set mask blur to 0, or switch on Force paste-back",
            "mask blur",
            0,
        ),
        "mask_blur_guarded": Wording(
            Cause.MASK_BLUR,
            _INFO,
            "Mask blur {blur} would repaint up to {reach} px outside the mask",
            "Paste-back keeps those pixels as they were",
            "Nothing to do",
        ),
        "mask_blur_allowed": Wording(
            Cause.MASK_BLUR,
            _INFO,
            "Mask blur {blur} blends up to {reach} px outside the mask",
            "Protection is soft: this band may change, everything beyond it may not",
            "Lower the mask blur for a narrower band",
        ),
        "strength": Wording(
            Cause.STRENGTH,
            _WARNING,
            "Denoising strength {strength} is high",
            "By itself it changes no pixel outside the mask; it raises the risk of a visible seam",
            "Try {recommended}",
            "denoising strength",
            0.7,
        ),
        "refiner": Wording(
            Cause.REFINER,
            _WARNING,
            "The refiner {refiner} takes over within this inpaint",
            "It samples under the same mask and paste-back covers the rest, but a second model "
            "fits the edit less well to its surroundings",
            "Set Refiner to off",
            "refiner",
            "off",
        ),
        "refiner_open": Wording(
            Cause.REFINER,
            _WARNING,
            "The refiner {refiner} takes over within this inpaint",
            "It samples under the same mask, but a second model fits the edit less well to its "
            "surroundings",
            "Set Refiner to off",
            "refiner",
            "off",
        ),
        "face_restoration": Wording(
            Cause.FACE_RESTORE,
            _WARNING,
            "Face restoration is on",
            "It ignores the mask; it runs before the overlay, which covers it outside the mask, so "
            "a face across the edge is restored on one side only",
            "Set Face restoration to off",
            "face_restoration",
            "off",
        ),
        "face_restoration_open": Wording(
            Cause.FACE_RESTORE,
            _WARNING,
            "Face restoration is on",
            "It ignores the mask, and no overlay covers it outside",
            "Set Face restoration to off",
            "face_restoration",
            "off",
        ),
        "color_correction": Wording(
            Cause.COLOR_CORRECTION,
            _WARNING,
            "Color correction is on",
            "It matches the colors of the whole decoded picture before the overlay: outside a hard "
            "mask nothing changes, only the edit's colors do",
            "Set Color correction to off",
            "color_correction",
            "off",
        ),
        "color_correction_open": Wording(
            Cause.COLOR_CORRECTION,
            _WARNING,
            "Color correction is on",
            "It changes the colors of the whole picture, and no overlay covers it outside the mask",
            "Set Color correction to off",
            "color_correction",
            "off",
        ),
        "cfg_rescale": Wording(
            Cause.CFG_RESCALE,
            _INFO,
            "CFG rescale is on",
            "It changes contrast and color of what is generated; the edit may not match its "
            "surroundings",
            "Switch CFG rescale off if the edit looks flat beside the rest",
        ),
        "assembled": Wording(
            Cause.OTHER_SCRIPT,
            _WARNING,
            "{script} makes one picture of several jobs",
            "Each job is guarded by itself; the picture made of them has another size and is not "
            "compared",
            "Inpaint without the script first, then enlarge or extend the picture",
        ),
        "edited_before": Wording(
            Cause.OTHER_SCRIPT,
            _WARNING,
            "Another extension changed {pixels} px outside the mask before the job began",
            "That extension's picture is what the host was given, so it is what the guard keeps",
            "Switch off what edits the picture beforehand to keep your own",
        ),
        "lossy_file": Wording(
            Cause.JPEG,
            _WARNING,
            "The file is saved as {format}",
            "A lossy format changes pixels everywhere, outside the mask too",
            "Set Lossy format to png",
            "lossy_format",
            "png",
        ),
        "lossy_reply": Wording(
            Cause.JPEG,
            _WARNING,
            "The API's reply is encoded as {format}",
            "The host encodes replies in its own image format; the guard cannot change that",
            "Set the host's file format for images to png",
            "samples_format",
            "png",
        ),
        "lossy_grid": Wording(
            Cause.JPEG,
            _INFO,
            "The grid is saved as {format}",
            "A lossy format changes pixels everywhere; the single images are not affected",
            "Set the host's file format for grids to png",
            "grid_format",
            "png",
        ),
        "export_4chan": Wording(
            Cause.EXPORT_4CHAN,
            _INFO,
            "The host writes an extra JPEG copy of this size",
            "It does so for sides above {side} px; the copy is lossy and smaller, the image itself "
            "is not touched",
            "Switch off the host's option to save copies of large images as JPG",
            "export_for_4chan",
            False,
        ),
        "small_mask": Wording(
            Cause.SMALL_MASK,
            _INFO,
            "The mask is small: its box is {box_width} x {box_height} px",
            "Whole picture gives it few of the model's pixels; only masked gives it all of them",
            "Set inpaint area to only masked",
            "inpaint area",
            "only masked",
        ),
        "latent_upscale_fails": Wording(
            Cause.LATENT_UPSCALE,
            _ERROR,
            "The host will fail: latent upscale to another size works with masked content "
            "original only",
            "It fills the picture at its old size with a mask of the new size",
            "Set masked content to original, or choose another resize mode",
            "masked content",
            "original",
        ),
        "latent_upscale": Wording(
            Cause.LATENT_UPSCALE,
            _WARNING,
            "Latent upscale changes pixels everywhere",
            "The host lays the small original over the top left of the larger result",
            "Switch on Force paste-back, or choose another resize mode",
            "paste_back",
            True,
        ),
        "latent_upscale_guarded": Wording(
            Cause.LATENT_UPSCALE,
            _INFO,
            "Latent upscale alone would change pixels everywhere",
            "The host lays the small original over the top left of the larger result; the guard "
            "lays it over the whole",
            "Nothing to do",
        ),
        "overlay_off": Wording(
            Cause.OVERLAY_OFF,
            _WARNING,
            "The host's overlay option is off: the whole picture is redrawn",
            "Nothing of the original is pasted over the generated picture",
            "Switch on Force paste-back, or the host's option to overlay the original",
            "paste_back",
            True,
        ),
        "overlay_off_crop": Wording(
            Cause.OVERLAY_OFF,
            _WARNING,
            "The host's overlay option is off: only the repainted crop comes back",
            "The crop is not pasted into the original",
            "Switch on Force paste-back, or the host's option to overlay the original",
            "paste_back",
            True,
        ),
        "overlay_off_guarded": Wording(
            Cause.OVERLAY_OFF,
            _INFO,
            "The host's overlay option is off",
            "Alone, the host would redraw the whole picture; the guard lays the original over it",
            "Nothing to do; choose the preset full-redo if you want the raw picture",
            "preset",
            "full-redo",
        ),
        "resized": Wording(
            Cause.RESIZE,
            _INFO,
            "The picture comes back as {result_width} x {result_height}, not {width} x {height}",
            "Whole picture resizes everything; protected pixels equal the resized original",
            "Switch on Keep the original's size, or ask for the original's size",
            "keep_size",
            True,
        ),
        "resized_rounded": Wording(
            Cause.RESIZE,
            _INFO,
            "The picture comes back as {result_width} x {result_height}, not {width} x {height}",
            "Whole picture resizes everything, and some hosts round what was asked for to "
            "multiples of 64; protected pixels equal the resized original",
            "Switch on Keep the original's size, or inpaint only masked, which keeps every size",
            "keep_size",
            True,
        ),
        "cropped": Wording(
            Cause.RESIZE,
            _INFO,
            "The picture comes back as {result_width} x {result_height}, not {width} x {height}",
            "The host cuts sizes that are no multiple of 8; what is left is not shifted",
            "Switch on Keep the original's size, or ask for a multiple of 8",
            "keep_size",
            True,
        ),
        "soft_inpainting": Wording(
            Cause.SOFT_INPAINTING,
            _WARNING,
            "Soft Inpainting is on",
            "It decides while sampling how far it blends outside the mask; nobody can predict it",
            "Switch Soft Inpainting off, or switch on Force paste-back",
            "paste_back",
            True,
        ),
        "soft_inpainting_guarded": Wording(
            Cause.SOFT_INPAINTING,
            _INFO,
            "Soft Inpainting is on",
            "Its blending is kept where pixels may change and put back everywhere else",
            "Nothing to do",
        ),
    }
)


def _bucket(
    cause: Cause, head: str, fix: str, setting: str = "", value: MaybeValue = None
) -> Wording:
    """What changed pixels outside the mask; its why tells the largest difference."""
    what = f"{head}: {{pixels}} of the pixels changed outside the mask, {{share}}"
    return Wording(cause, _WARNING, what, "", fix, setting, value)


BUCKETS: Mapping[Cause, Wording] = MappingProxyType(
    {
        wording.cause: wording
        for wording in (
            _bucket(
                Cause.MASK_BLUR,
                "Mask blur {blur} reaches past the mask's edge",
                "Set mask blur to 0",
                "mask blur",
                0,
            ),
            _bucket(
                Cause.SOFT_MASK,
                "Grey pixels of the mask let the new picture through",
                "Set Soft mask to harden, or use a black and white mask",
                "soft_mask",
                "harden",
            ),
            _bucket(
                Cause.MASK_FORM,
                "The mask was scaled to the picture's size, which made its edge grey",
                "Give a mask of {width} x {height}",
            ),
            _bucket(
                Cause.OVERLAY_OFF,
                "The host's overlay option is off",
                "Switch on the host's option to overlay the original",
                "overlay_inpaint",
                True,
            ),
            _bucket(
                Cause.SOFT_INPAINTING,
                "Soft Inpainting blended there",
                "Switch Soft Inpainting off",
                "soft inpainting",
                False,
            ),
            _bucket(
                Cause.WHOLE_REDRAW,
                "The mask was blank when the host looked at it, so it redrew the whole picture",
                "Set mask blur to 0, and paint a mask that is not blank",
                "mask blur",
                0,
            ),
            _bucket(
                Cause.RESIZE,
                "The picture was resized for the run and back again",
                "Ask for the original's size, {init_width} x {init_height}",
            ),
            _bucket(
                Cause.LATENT_UPSCALE,
                "Latent upscale laid the small original over the top left of the larger result",
                "Choose the resize mode Just resize",
                "resize mode",
                "just resize",
            ),
            _bucket(
                Cause.COLOR_CORRECTION,
                "Color correction changed the colors",
                "Set Color correction to off",
                "color_correction",
                "off",
            ),
            _bucket(
                Cause.FACE_RESTORE,
                "Face restoration painted there",
                "Set Face restoration to off",
                "face_restoration",
                "off",
            ),
            _bucket(
                Cause.OTHER_SCRIPT,
                "{names} edited the picture",
                "Switch {names} off for this run",
            ),
            _bucket(
                Cause.JPEG, "The file is JPEG", "Set Lossy format to png", "lossy_format", "png"
            ),
            _bucket(
                Cause.WEBP, "The file is WebP", "Set Lossy format to png", "lossy_format", "png"
            ),
            _bucket(
                Cause.AVIF,
                "The file's format is lossy",
                "Set Lossy format to png",
                "lossy_format",
                "png",
            ),
            _bucket(
                Cause.PALETTE,
                "The file has a palette of few colors",
                "Set Lossy format to png",
                "lossy_format",
                "png",
            ),
            _bucket(
                Cause.STEALTH,
                "The host hides infotext in the lowest bits",
                "Set stealth infotext to alpha or none",
                "stealth_pnginfo_option",
                "None",
            )._replace(severity=_INFO),
            _bucket(
                Cause.SEVERAL,
                "Several causes share these pixels, or change them only together",
                "Mend the other causes first",
            ),
        )
    }
)
"""What each pixel outside the mask was changed by, counted after the run."""

LEVELS = (
    "The largest difference is {largest} of 255 levels: bleed",
    "The largest difference is {largest} of 255 levels: often called noise-like, but it is bleed "
    "all the same, and an autoencoder's own error is far above 2",
)
"""Why a bucket matters: beyond, and within, the threshold that custom calls noise."""

MEASURED: Mapping[str, Wording] = MappingProxyType(
    {
        "no_edit": Wording(
            Cause.SILENT_NOOP,
            _WARNING,
            "Nothing changed inside the mask; its pixels: {pixels}",
            "Denoising strength 0, an interrupted run or another script undid the edit",
            "Raise the denoising strength",
            "denoising strength",
            0.75,
        ),
        "seam": Wording(
            Cause.SEAM,
            _INFO,
            "The edit's edge may be visible: its step is {ratio} times the original's own",
            "{step} CIELAB units across the edge, the original has {own_step}",
            "Raise the feather, or lower the denoising strength",
            "feather",
        ),
        "model": Wording(
            Cause.VAE,
            _INFO,
            "The model pipeline changes pixels it is not asked to change: by {mean} levels on "
            "average",
            "At mid-grey red {red}, green {green}, blue {blue} levels; contrast {contrast} %; "
            "noise {noise} levels. Measured on the decoded picture far from the mask, where only "
            "paste-back hides it",
            "",
        ),
        "model_uncolored": Wording(
            Cause.VAE,
            _INFO,
            "The model pipeline changes pixels it is not asked to change: by {mean} levels on "
            "average",
            "Too few of them lie between 0 and 255 to tell how the colors moved. Measured on the "
            "decoded picture far from the mask, where only paste-back hides it",
            "",
        ),
        "model_black": Wording(
            Cause.VAE,
            _WARNING,
            "The decoded picture is black: outside the mask {share} of its levels are at 0",
            "Mostly the VAE's half precision has overflowed; the edit comes from the same picture",
            "Start the host with --no-half-vae, or choose another VAE",
        ),
        "model_clipped": Wording(
            Cause.VAE,
            _WARNING,
            "The decoded picture is clipped: outside the mask {share} of its levels are at 0 or "
            "255",
            "The model or its VAE drove the colors to their ends; the edit comes from the same "
            "picture",
            "Choose another VAE, start the host with --no-half-vae, or lower the CFG scale",
        ),
        "shift": Wording(
            Cause.SHIFT,
            _WARNING,
            "The model shifted the whole picture by {length} px",
            "{x} px across, {y} px down, on the decoded picture: inside the mask the edit has "
            "moved too, outside only paste-back hides it",
            "Ask for a width and height that are multiples of 64",
        ),
        "shift_model": Wording(
            Cause.SHIFT,
            _WARNING,
            "The model shifted the whole picture by {length} px",
            "{x} px across, {y} px down, on the decoded picture: inside the mask the edit has "
            "moved too, outside only paste-back hides it",
            "Choose another VAE or model",
        ),
        "transparency": Wording(
            Cause.TRANSPARENCY,
            _INFO,
            "The host laid what is transparent on its background color: {pixels} of the pixels",
            "The gallery and the reply show them so; the saved PNG has the original's own again",
            "Leave Keep alpha on",
            "keep_metadata",
            True,
        ),
        "padding": Wording(
            Cause.PADDING,
            _INFO,
            "Padding {padding} showed the model {pixels} more of the pixels as context",
            "By itself that changes none; the causes above changed {changed} of them",
            "",
        ),
        "strength_measured": Wording(
            Cause.STRENGTH,
            _INFO,
            "Denoising strength {strength} is high",
            "It opens no pixel outside by itself; it raises the risk at the seam, whose step here "
            "is {ratio} times the original's own",
            "Lower the denoising strength",
            "denoising strength",
            0.7,
        ),
        "early_script": Wording(
            Cause.OTHER_SCRIPT,
            _INFO,
            "{names} may have edited the picture before the original was laid over it",
            "It opens no pixel outside by itself; what it moved there counts for the causes above",
            "Switch {names} off for this run",
        ),
        "refiner_measured": Wording(
            Cause.REFINER,
            _INFO,
            "The refiner {refiner} painted under the same mask",
            "It opens no pixel outside by itself; what it moved there counts for the causes above",
            "Set Refiner to off",
            "refiner",
            "off",
        ),
        "file_lossy": Wording(
            Cause.JPEG,
            _WARNING,
            "{file} is {format}: {pixels} of the protected pixels changed in it (max {max})",
            "A lossy format changes pixels everywhere; the picture itself was exact",
            "Set Lossy format to png",
            "lossy_format",
            "png",
        ),
        "file_changed": Wording(
            Cause.OTHER_SCRIPT,
            _WARNING,
            "{file} differs from the picture in {pixels} of the protected pixels (max {max})",
            "Another extension changed it while it was saved",
            "",
        ),
        "file_hidden": Wording(
            Cause.STEALTH,
            _INFO,
            "{file} carries hidden infotext in {pixels} of the protected pixels (by 1 level)",
            "The host writes it into the lowest bits on purpose",
            "Set stealth infotext to alpha or none",
            "stealth_pnginfo_option",
            "None",
        ),
        "file_unhidden": Wording(
            Cause.STEALTH,
            _INFO,
            "{file} carries the original's own transparency instead of the hidden infotext",
            "Both lie in the same bits, and what is protected is the original's; the readable "
            "infotext in the file is not touched",
            "Switch off Keep alpha, ICC profile and DPI if the hidden infotext matters more",
            "keep_metadata",
            False,
        ),
        "reply_hidden": Wording(
            Cause.STEALTH,
            _INFO,
            "The picture in gallery and reply carries hidden infotext in {pixels} of the "
            "protected pixels (by 1 level)",
            "The host writes it into the lowest bits on purpose",
            "Set stealth infotext to alpha or none",
            "stealth_pnginfo_option",
            "None",
        ),
        "copy": Wording(
            Cause.EXPORT_4CHAN,
            _INFO,
            "{copy} is the host's extra JPEG of {width} x {height}",
            "{file} is not touched by it",
            "Switch off the host's extra JPEG",
            "export_for_4chan",
            False,
        ),
        "copy_counted": Wording(
            Cause.EXPORT_4CHAN,
            _INFO,
            "{copy} is the host's extra JPEG of {width} x {height}: {pixels} of the protected "
            "pixels changed in it (max {max})",
            "{file} is not touched by it",
            "Switch off the host's extra JPEG",
            "export_for_4chan",
            False,
        ),
    }
)
"""What is told after the run, beside the buckets. A sentence may be missing."""


REASONS: Mapping[str, str] = MappingProxyType(
    {
        "limit": "limit of {source}",
        "fits": "larger than the picture",
        "harden": "hard mask of {source}",
        "alive": "a larger blur would wipe out the mask",
        "cap": "cap of {source}",
        "off": "switched off by {source}",
        "png": "lossless files of {source}",
        "switch": "small mask, {source}",
        "strict": "this server keeps protection on",
        "composite": "the host makes a masked composite",
        "bits": "the host works in 8 bits",
        "hidden": "hidden infotext there is no transparency",
        "fitted": "only masked needs the mask at the picture's size",
        "edited": "another extension had changed it",
    }
)
"""Why the guard changes a setting of the host, or what it was given; `source` is one of `SOURCES`.
"""

SOURCES = ("preset {preset}", "your settings")


def word_finding(
    key: str, *, cause: Cause | None = None, fix_value: MaybeValue = None, **values: EvidenceValue
) -> Finding:
    """The finding of `WORDING[key]` with its placeholders filled in. KeyError if one is missing.

    `cause` and `fix_value` replace the table's where they depend on the run, as a file format's
    cause does.
    """
    wording = WORDING[key]
    if cause is not None:
        wording = wording._replace(cause=cause)
    if fix_value is not None:
        wording = wording._replace(value=fix_value)
    return replace(fill_in(wording, **values), evidence=dict(values), message=key)


def word_measured(key: str, **values: EvidenceValue) -> Finding:
    """The finding of `MEASURED[key]`, filled in. KeyError if a placeholder is missing."""
    return replace(fill_in(MEASURED[key], **values), message=key)


def fill_in(wording: Wording, **values: EvidenceValue) -> Finding:
    """What a person reads, and beside it what a translation is filled in with."""
    told: dict[str, EvidenceValue] = {
        name: f"{value:g}" if isinstance(value, float) else value for name, value in values.items()
    }
    fix = Fix(wording.fix.format(**told), wording.setting, wording.value)
    return Finding(
        cause=wording.cause,
        severity=wording.severity,
        what=wording.what.format(**told),
        why=wording.why.format(**told),
        fix=fix if wording.fix else None,
        phrases=Phrases(wording.what, wording.why, wording.fix),
        words=told,
    )


def tell_share(share: float) -> str:
    """A share of 0-1 for people of every language: "12.3 %", and never 0 or 100 by rounding."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"


def word_reason(key: str, preset: str) -> str:
    """Why a change was made, named after the preset, or the user's settings for "custom"."""
    source = SOURCES[1] if preset == "custom" else SOURCES[0].format(preset=preset)
    return REASONS[key].format(source=source)


def describe_wording() -> dict[str, dict[str, Any]]:
    """The table as plain values, for the page: key -> cause, severity, what, why, fix, ..."""
    return {
        key: {**wording._asdict(), "cause": wording.cause.value, "severity": wording.severity.value}
        for key, wording in WORDING.items()
    }

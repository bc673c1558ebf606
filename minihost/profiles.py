"""What the four hosts do differently, as capabilities of one frozen record each.

Code that plays a host asks for a capability (`shared.profile.blur_in_two_passes`), never for
a host's name, so that a fifth host is one more record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any


class Ramp(Enum):
    """How whole picture turns the blurred mask into the mask of the overlay."""

    DOUBLE = "twice the value, clipped"
    SQUARE_ROOT = "square root of the value"


def _frozen(**values: Any) -> Mapping[str, Any]:
    return MappingProxyType(values)


@dataclass(frozen=True)
class HostProfile:
    """One host's behaviour around the model.

    Attributes:
        name: Key in `PROFILES`.
        title: The host's name as people know it.
        version: What its infotext says under "Version".
        gradio_major: Gradio generation its page is written for, 3 or 4.
        recordings: Folder of its recorded jobs.
        blur_in_two_passes: Mask blur runs along x, then along y, with a strength each;
            otherwise one call blurs both axes and `mask_blur` is the field.
        ramp: See `Ramp`.
        offers_precise_mask: The setting `img2img_inpaint_precise_mask` exists; with it on,
            every overlay is a tuple (RGB image, float32 mask 0-1).
        refiner_waits_for_share: Without a share of the steps to switch at the refiner never
            takes over; otherwise it does at once.
        size_step: Width and height are brought to multiples of this many pixels.
        image_args_have_index: `PostprocessImageArgs` carries `index`.
        announces_init_images: Scripts get `before_process_init_images`.
        correction_keeps_luminosity: Colour correction gives the matched image the luminosity
            it had before; otherwise the matched image is taken as it is.
        correction_rounds: That blend rounds to levels; otherwise it truncates.
        resize_drops_alpha: Resizing turns an RGBA image into RGB first.
        grid_mode: Pillow mode of image grids.
        grid_text_of_last_batch: The grid's infotext names the last batch's first seed.
        stealth_option: Setting that hides the infotext in saved pixels, or None.
        stealth_extensions: File names with these endings get it.
        webp_keeps_stealth_alpha: WebP files keep the alpha channel the infotext hides in.
        replace_action: Value of `save_images_replace_action` that overwrites a file.
        knows_suffixed_name: After a number suffix the returned name is the real one.
        pattern_from_override: `samples_filename_pattern` is read from the request's own
            override settings, too.
        restores_with_callbacks: Putting overridden settings back runs their `onchange`.
        exif_extensions: Formats besides JPEG and WebP whose infotext goes into EXIF.
        keeps_extension_paths: Extensions' folders stay on `sys.path`; otherwise each is there
            only while its scripts are loaded.
        page_cuts_masks: The page cuts painted and uploaded masks at > 128 before the job.
        option_defaults: Settings whose default differs from the common one.
        extra_options: Settings only this host has, with their default.
    """

    name: str
    title: str
    version: str
    gradio_major: int
    recordings: str
    blur_in_two_passes: bool = True
    ramp: Ramp = Ramp.DOUBLE
    offers_precise_mask: bool = False
    refiner_waits_for_share: bool = False
    size_step: int = 1
    image_args_have_index: bool = False
    announces_init_images: bool = False
    correction_keeps_luminosity: bool = True
    correction_rounds: bool = False
    resize_drops_alpha: bool = True
    grid_mode: str = "RGBA"
    grid_text_of_last_batch: bool = False
    stealth_option: str | None = None
    stealth_extensions: tuple[str, ...] = (".png",)
    webp_keeps_stealth_alpha: bool = False
    replace_action: str = "Replace"
    knows_suffixed_name: bool = False
    pattern_from_override: bool = False
    restores_with_callbacks: bool = False
    exif_extensions: tuple[str, ...] = (".avif",)
    keeps_extension_paths: bool = True
    page_cuts_masks: bool = False
    option_defaults: Mapping[str, Any] = field(default_factory=_frozen)
    extra_options: Mapping[str, Any] = field(default_factory=_frozen)


A1111 = HostProfile(
    name="a1111",
    title="AUTOMATIC1111 stable-diffusion-webui",
    version="1.10.1",
    gradio_major=3,
    recordings="a1111-1.10.1",
    resize_drops_alpha=False,
    grid_mode="RGB",
    keeps_extension_paths=False,
)

REFORGE = HostProfile(
    name="reforge",
    title="reForge",
    version="f1.0.0v2-v1.10.1RC-1.10.1",
    gradio_major=3,
    recordings="reforge",
    correction_rounds=True,
    grid_text_of_last_batch=True,
    stealth_option="stealth_pnginfo_opt",
    stealth_extensions=(".png", ".webp"),
    webp_keeps_stealth_alpha=True,
    extra_options=_frozen(stealth_pnginfo_opt="Alpha"),
)

FORGE = HostProfile(
    name="forge",
    title="Forge",
    version="f2.0.1v1.10.1-1.10.1",
    gradio_major=4,
    recordings="forge-f2.0.1",
    image_args_have_index=True,
    announces_init_images=True,
    stealth_option="stealth_pnginfo_option",
    knows_suffixed_name=True,
    pattern_from_override=True,
    restores_with_callbacks=True,
    page_cuts_masks=True,
    extra_options=_frozen(stealth_pnginfo_option="Alpha"),
)

NEO = HostProfile(
    name="neo",
    title="Forge Neo",
    version="neo-2.26",
    gradio_major=4,
    recordings="forge-neo",
    blur_in_two_passes=False,
    ramp=Ramp.SQUARE_ROOT,
    offers_precise_mask=True,
    refiner_waits_for_share=True,
    size_step=64,
    image_args_have_index=True,
    announces_init_images=True,
    correction_keeps_luminosity=False,
    replace_action="Override",
    knows_suffixed_name=True,
    pattern_from_override=True,
    restores_with_callbacks=True,
    exif_extensions=(".avif", ".jxl", ".heif"),
    page_cuts_masks=True,
    option_defaults=_frozen(
        CLIP_stop_at_last_layers=2,
        randn_source="CPU",
        img2img_background_color="#808080",
        grid_format="jpg",
        grid_prevent_empty_spots=True,
        jpeg_quality=85,
        save_images_replace_action="Override",
    ),
    extra_options=_frozen(img2img_inpaint_precise_mask=False, show_refiner=False),
)

PROFILES: Mapping[str, HostProfile] = MappingProxyType(
    {profile.name: profile for profile in (A1111, REFORGE, FORGE, NEO)}
)


def find_profile(profile: str | HostProfile) -> HostProfile:
    """The profile itself, or the one of that name.

    Raises:
        KeyError: There is no such profile; the message lists the names.
    """
    if isinstance(profile, HostProfile):
        return profile
    if profile not in PROFILES:
        raise KeyError(f"no host profile {profile!r}; known: {', '.join(PROFILES)}")
    return PROFILES[profile]

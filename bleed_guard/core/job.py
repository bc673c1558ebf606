"""The records that travel between the guard's parts. All frozen, all plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bleed_guard.core.report import (
    NO_SEAM,
    BleedReport,
    ProfileBin,
    Protection,
    SeamStats,
    Verdict,
    WorstSpot,
    ZoneStats,
)

__all__ = [
    "NO_SEAM",
    "SIZE_SETTING",
    "BleedReport",
    "Box",
    "Cause",
    "Certainty",
    "Change",
    "Finding",
    "Fix",
    "GuardPlan",
    "InpaintJob",
    "MaskedContent",
    "Phrases",
    "ProfileBin",
    "Protection",
    "ResizeMode",
    "SeamStats",
    "Severity",
    "Verdict",
    "WorstSpot",
    "ZoneStats",
    "gap_box",
    "mask_box",
]


class Box(NamedTuple):
    """A rectangle in pixels, exclusive on the right and at the bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of this box in an H x W array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        return self.left >= self.right or self.top >= self.bottom

    def moved(self, right: int, down: int) -> Box:
        """This box that many px farther right and down."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def intersect(self, other: Box) -> Box:
        """What both hold; an empty box if they hold nothing in common."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def around(self, other: Box) -> Box:
        """The smallest box that holds both; empty ones hold nothing."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def grown(self, margin: int) -> Box:
        """This box and `margin` px on every side of it; an empty one stays as it is."""
        if self.is_empty:
            return self
        left, top, right, bottom = self
        return Box(left - margin, top - margin, right + margin, bottom + margin)

    def within(self, origin: Box) -> Box:
        """This box in coordinates that begin at the top left of `origin`."""
        left, top, right, bottom = self
        across, down = origin.left, origin.top
        return Box(left - across, top - down, right - across, bottom - down)


def mask_box(mask: np.ndarray) -> Box | None:
    """The smallest box around all non-zero pixels; None for a blank mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def gap_box(area: np.ndarray) -> Box | None:
    """The smallest box around all that a bool H x W leaves out; None if that is nothing."""
    rows = np.flatnonzero(~area.all(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(~area[rows[0] : rows[-1] + 1].all(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


class ResizeMode(IntEnum):
    """The host's `resize_mode`, in its numbering."""

    JUST_RESIZE = 0
    CROP_AND_RESIZE = 1
    RESIZE_AND_FILL = 2
    LATENT_UPSCALE = 3


class MaskedContent(IntEnum):
    """The host's `inpainting_fill`, in its numbering."""

    FILL = 0
    ORIGINAL = 1
    LATENT_NOISE = 2
    LATENT_NOTHING = 3


class Severity(str, Enum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Certainty(str, Enum):
    MEASURED = "measured"
    INFERRED = "inferred"


class Cause(str, Enum):
    """Why pixels outside the mask change, or may."""

    MASK_BLUR = "mask_blur"
    SOFT_MASK = "soft_mask"
    MASK_FORM = "mask_form"
    OVERLAY_OFF = "overlay_off"
    SOFT_INPAINTING = "soft_inpainting"
    WHOLE_REDRAW = "whole_redraw"
    RESIZE = "resize"
    SHIFT = "shift"
    LATENT_UPSCALE = "latent_upscale"
    TRANSPARENCY = "transparency"
    COLOR_SHIFT = "color_shift"
    COLOR_CORRECTION = "color_correction"
    FACE_RESTORE = "face_restore"
    OTHER_SCRIPT = "other_script"
    VAE = "vae"
    PADDING = "padding"
    STRENGTH = "strength"
    REFINER = "refiner"
    CFG_RESCALE = "cfg_rescale"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"
    PALETTE = "palette"
    DEPTH = "depth"
    STEALTH = "stealth"
    EXPORT_4CHAN = "export_4chan"
    BLANK_MASK = "blank_mask"
    FULL_MASK = "full_mask"
    INVERTED_MASK = "inverted_mask"
    SMALL_MASK = "small_mask"
    SILENT_NOOP = "silent_noop"
    SEAM = "seam"
    SIZE = "size"
    GUARD_OFF = "guard_off"
    GUARD_FAILED = "guard_failed"
    SEVERAL = "several"
    NONE = "none"


@dataclass(frozen=True)
class Fix:
    """What stops a cause: words for people, and the host's control and value where there is one."""

    text: str
    setting: str = ""
    value: bool | int | float | str | None = None


class Phrases(NamedTuple):
    """A finding's sentences with their {placeholders}, by which translations are known."""

    what: str
    why: str
    fix: str


@dataclass(frozen=True)
class Finding:
    """One thing the user is told: what, why, and what to do."""

    cause: Cause
    severity: Severity
    what: str
    why: str = ""
    fix: Fix | None = None
    pixels: int | None = None
    max: int | None = None
    where: Box | None = None
    evidence: dict[str, float | int | str] = field(default_factory=dict)
    certainty: Certainty = Certainty.MEASURED
    message: str = ""  # the key of its wording in core/wording.py
    phrases: Phrases | None = None
    words: dict[str, float | int | str] = field(default_factory=dict)  # for the placeholders

    @property
    def text(self) -> str:
        """The finding as one paragraph."""
        parts = (self.what, self.why, self.fix.text if self.fix else "")
        return " ".join(f"{part.rstrip('.')}." for part in parts if part)


SIZE_SETTING = "original's size"
"""Of a change: the host cannot do with a picture of that size."""


@dataclass(frozen=True)
class Change:
    """A setting of the host the guard changed for this run. Never silent: see `text`."""

    setting: str
    before: bool | int | float | str | None
    after: bool | int | float | str | None
    reason: str

    @property
    def text(self) -> str:
        """For instance "padding 64 -> 32, limit of preset guard"."""
        before, after = _tell_value(self.before), _tell_value(self.after)
        return f"{self.setting} {before} -> {after}, {self.reason}"


def _tell_value(value: bool | int | float | str | None) -> str:
    """A setting's value as a person reads it: nothing and False are "off", True is "on"."""
    if value is None or value == "" or isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class InpaintJob:
    """One inpaint as it stands before sampling, read from the host.

    `mask` is the user's own mask at its own size, after the host's inversion and before any
    blur: uint8 H x W, 255 = repaint. `init_size` and `size` are (width, height) in pixels; the
    second is what was asked for. Lengths (`padding`, `mask_blur`) are the host's values in px.
    """

    mask: np.ndarray
    init_size: tuple[int, int]
    size: tuple[int, int]
    only_masked: bool
    padding: int = 32
    mask_blur: int = 4
    resize_mode: ResizeMode = ResizeMode.JUST_RESIZE
    masked_content: MaskedContent = MaskedContent.ORIGINAL
    denoising_strength: float = 0.75
    has_overlay: bool = True
    has_soft_inpainting: bool = False
    has_color_correction: bool = False
    has_face_restoration: bool = False
    has_cfg_rescale: bool = False
    assembled_by: str = ""  # title of a script that makes one picture of several jobs
    varied_by: str = ""  # of one that runs the job with other settings and shows a grid of all
    refiner: str = ""
    image_format: str = "png"
    grid_format: str = "png"
    has_4chan_export: bool = False
    mask_mode: str = "L"
    mask_is_inverted: bool = False
    blur_doubles: bool = True  # whole picture: x2 and clip; False: square root (Forge Neo)
    has_precise_mask: bool = False  # the overlay's mask is float32 (Forge Neo's option)
    reply_format: str = ""  # of the API's reply, "" outside the API; overrides are gone by then
    reply_webp_is_lossless: bool = False
    saves_images: bool = True
    saves_grid: bool = False
    webp_is_lossless: bool = False
    makes_mask_composite: bool = False  # of the picture as generated and the finished one
    export_4chan_side: int = 4000  # px: the extra JPEG is written for sides above it
    edited_before: int = 0  # px outside the mask that are not the user's picture's any more

    @cached_property
    def box(self) -> Box | None:
        """The smallest box around all the mask is not 0 in; None for a blank one."""
        return mask_box(self.mask)

    @property
    def marked(self) -> np.ndarray:
        """The mask within its box: all of it that is not 0. uint8 h x w, empty for a blank one."""
        return self.mask[:0, :0] if self.box is None else self.mask[self.box.slices]

    @property
    def mask_resize_mode(self) -> ResizeMode:
        """How a mask of another size comes to the picture's: the hosts' resize takes latent
        upscale for fill, while whole picture stretches the latents and the mask with them."""
        if self.only_masked and self.resize_mode is ResizeMode.LATENT_UPSCALE:
            return ResizeMode.RESIZE_AND_FILL
        return self.resize_mode


@dataclass(frozen=True)
class GuardPlan:
    """What the guard will change before sampling, and what it has to say.

    `job` is what runs then, all changes made. `predicted_reach` is how far, in px of the result,
    the host alone would bleed then; `band` is how far its soft edge goes, which Protection.SOFT
    leaves open.
    """

    job: InpaintJob
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    protection: Protection = Protection.HARD
    predicted_reach: int = 0
    band: int = 0

    @property
    def leaves_size(self) -> bool:
        """Whether the original's size is not restored although that was asked for."""
        return any(change.setting == SIZE_SETTING for change in self.changes)

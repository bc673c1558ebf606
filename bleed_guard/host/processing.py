"""The only reader and writer of the host's job `p`."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType
from typing import Any, NamedTuple, TypeVar

import numpy as np
from modules import images
from PIL import Image

from bleed_guard.core.arrays import take_rgb
from bleed_guard.core.composite import Seam
from bleed_guard.core.geometry import (
    LATENT_CELL,
    build_mask,
    build_reference,
    crop_top_left,
    flatten_image,
)
from bleed_guard.core.job import (
    Box,
    Change,
    GuardPlan,
    InpaintJob,
    MaskedContent,
    ResizeMode,
    gap_box,
    mask_box,
)
from bleed_guard.core.mask import (
    HARD_LEVEL,
    grow_box,
    is_deep,
    protected_area,
    read_mask,
)
from bleed_guard.core.membrane import find_margin
from bleed_guard.core.overlay import Overlay
from bleed_guard.core.stripes import NOWHERE, read_layer, read_pixels
from bleed_guard.core.traces import find_sample_box
from bleed_guard.core.wording import REASONS
from bleed_guard.host import compat

CFG_RESCALE_TITLES = (
    "rescalecfg",
    "rescalecfg for reforge",
    "rescale cfg",
    "cfg rescale",
    "cfg rescale extension",
)
"""Built into one host, with a slider from 0; extensions elsewhere."""

ASSEMBLING_TITLES = ("sd upscale", "outpainting mk2", "poor man's outpainting")
"""Selectable scripts that make one picture, of another size, out of several jobs."""

TILING_TITLES = ("ultimate sd upscale",)
"""Selectable scripts that enlarge the picture and redraw all of it, tile by tile: the masks are
theirs, and so is what these blend beyond their edges."""

VARYING_TITLES = ("x/y/z plot",)
"""Selectable scripts that run the job with other settings each time: the grid of all carries the
first one's infotext and comments."""

REPEATING_TITLES = ("x/y/z plot", "prompt matrix", "prompts from file or textbox")
"""Selectable scripts that run the user's job several times, with the picture as it is; others may
bring pictures of their own."""

DISPATCHERS = "modules.script"
"""What the names of the hosts' modules that call hooks and callbacks begin with."""

DEFAULT_BACKGROUND = "#ffffff"

Choice = TypeVar("Choice", ResizeMode, MaskedContent)


class UnmappableError(Exception):
    """The protected area cannot be mapped onto this output; the message says why."""


class Place(NamedTuple):
    """Where a result lies: over which init image, in which crop of it, at which (width, height).

    `asked_size` is the host's, which loses what is no multiple of 8 and comes back at `size`.
    `latent_cell` is how many of its px a latent covers.
    """

    init_image: Image.Image
    crop_box: Box | None
    asked_size: tuple[int, int]
    size: tuple[int, int]
    background: str
    latent_cell: float = LATENT_CELL


@dataclass(frozen=True)
class Canvas:
    """What a result is laid over.

    `layer` is the reference with an alpha that is 255 where protected, else 0, uint8 H x W x 4;
    `mask` is uint8 H x W, `protected` bool H x W.
    """

    place: Place
    layer: np.ndarray
    mask: np.ndarray
    protected: np.ndarray
    parts: dict[Box, np.ndarray] = field(default_factory=dict)
    host_overlays: dict[int, Overlay] = field(default_factory=dict)

    @classmethod
    def over(
        cls, layer: np.ndarray, mask: np.ndarray, protected: np.ndarray, place: Place
    ) -> Canvas:
        """The canvas of a reference, uint8 H x W x 4 with 255 in the fourth place, which becomes
        its layer."""
        canvas = cls(place, np.ascontiguousarray(layer), mask, protected)
        part = canvas.edit_box.slices
        canvas.layer[part][..., 3] = protected[part] * np.uint8(255)
        return canvas

    @property
    def reference(self) -> np.ndarray:
        """The picture that every protected pixel is of, made anew: uint8 H x W x 3."""
        return take_rgb(self.layer)

    def part(self, box: Box) -> np.ndarray:
        """The part `box` of the reference, not to be written to; a batch shares it."""
        if box != self.edit_box and box.intersect(self.edit_box) == box:
            return self.part(self.edit_box)[box.within(self.edit_box).slices]
        if box not in self.parts:
            self.parts[box] = take_rgb(self.layer[box.slices])
        return self.parts[box]

    @cached_property
    def protected_count(self) -> int:
        return int(np.count_nonzero(self.protected))

    @property
    def init_image(self) -> Image.Image:
        return self.place.init_image

    @property
    def crop_box(self) -> Box | None:
        return self.place.crop_box

    @property
    def asked_size(self) -> tuple[int, int]:
        return self.place.asked_size

    @property
    def background(self) -> str:
        return self.place.background

    @property
    def size(self) -> tuple[int, int]:
        return self.layer.shape[1], self.layer.shape[0]

    @property
    def has_original_size(self) -> bool:
        """Neither resized nor, at an odd size, cut: its pixels are the original's."""
        return self.size == self.asked_size == self.init_image.size

    def host_overlay(self, image: Image.Image) -> Overlay:
        """Where an RGBA overlay of the host lets anything through; a batch shares it."""
        known = self.host_overlays.get(id(image))
        if known is None or known.image is not image:
            known = self.host_overlays[id(image)] = Overlay.of(image)
        return known

    @cached_property
    def edit_box(self) -> Box:
        """Around all that may change, and the margin the blends look at; empty if nothing may."""
        box = gap_box(self.protected)
        margin = find_margin(self.place.latent_cell)
        return NOWHERE if box is None else grow_box(box, margin, self.protected.shape)

    @cached_property
    def sample_box(self) -> Box | None:
        """Where the decoded picture is looked at for the diagnosis; None if all touch the mask."""
        return find_sample_box(self.mask, self.crop_box)

    @cached_property
    def mask_box(self) -> Box:
        """Around the hard mask, all of which may change; empty if it is blank."""
        left, top, _, _ = part = self.edit_box
        box = mask_box(self.mask[part.slices] >= HARD_LEVEL)
        return NOWHERE if box is None else box.moved(left, top)

    @cached_property
    def editable(self) -> np.ndarray:
        """uint8 h x w of the `edit_box`, 255 where the picture may change."""
        return ~self.protected[self.edit_box.slices] * np.uint8(255)

    @cached_property
    def seam(self) -> Seam:
        """The edge of what may change, within the `edit_box`."""
        part, crop = self.edit_box, self.crop_box
        known = None if crop is None else crop.intersect(part).within(part)
        return Seam.along(self.part(part), self.editable, known, self.place.latent_cell)

    @property
    def overlay(self) -> Image.Image:
        """The guard's overlay for the host: the layer, which Pillow shares and does not change."""
        return Image.frombuffer("RGBA", self.size, self.layer, "raw", "RGBA", 0, 1)

    def flatten_original(self) -> np.ndarray:
        """The init image at its own size: uint8 H x W x 3."""
        return flatten_image(self.init_image, self.background)


def read_job(p: Any) -> InpaintJob | None:
    """The inpaint `p` is about to run; None if it is not one."""
    image_mask = getattr(p, "image_mask", None)
    inits = getattr(p, "init_images", None)
    if image_mask is None or not inits:
        return None
    invert = bool(getattr(p, "inpainting_mask_invert", 0))
    return InpaintJob(
        mask=read_mask(image_mask, invert=invert),
        init_size=inits[0].size,
        size=(int(p.width), int(p.height)),
        only_masked=bool(p.inpaint_full_res),
        padding=int(p.inpaint_full_res_padding or 0),
        mask_blur=_read_blur(p),
        resize_mode=_read_choice(p.resize_mode, ResizeMode, ResizeMode.RESIZE_AND_FILL),
        masked_content=_read_choice(p.inpainting_fill, MaskedContent, MaskedContent.FILL),
        denoising_strength=float(p.denoising_strength),
        mask_mode=image_mask.mode,
        mask_is_inverted=invert,
        blur_doubles=not compat.takes_mask_root(),
        **_read_surroundings(p),
    )


def _read_surroundings(p: Any) -> dict[str, Any]:
    """What else of the host takes part in this job, as fields of `InpaintJob`."""
    faces = getattr(p, "restore_faces", None)
    sampling = read_override(p, "face_restoration", False) if faces is None else faces
    is_api = bool(getattr(p, "is_api", False))
    return {
        "has_overlay": bool(read_override(p, "overlay_inpaint", True)),
        "has_soft_inpainting": is_script_on(p, "soft inpainting"),
        "has_color_correction": bool(read_override(p, "img2img_color_correction", False)),
        "has_face_restoration": bool(sampling),
        "has_cfg_rescale": is_script_on(p, *CFG_RESCALE_TITLES),
        "assembled_by": _read_script(p, ASSEMBLING_TITLES),
        "varied_by": _read_script(p, VARYING_TITLES),
        "refiner": _read_refiner(p),
        "image_format": str(read_override(p, "samples_format", "png")).lower(),
        "grid_format": str(read_override(p, "grid_format", "png")).lower(),
        "has_4chan_export": bool(read_override(p, "export_for_4chan", False)),
        "export_4chan_side": int(read_override(p, "target_side_length", 4000)),
        "has_precise_mask": bool(read_override(p, "img2img_inpaint_precise_mask", False)),
        "saves_images": _saves(p, "samples_save", "do_not_save_samples"),
        "saves_grid": _saves(p, "grid_save", "do_not_save_grid") and _makes_grid(p),
        "makes_mask_composite": _makes_mask_composite(p),
        "webp_is_lossless": bool(read_override(p, "webp_lossless", False)),
        "reply_format": _read_after_job(p, "samples_format", "png").lower() if is_api else "",
        "reply_webp_is_lossless": compat.keeps_webp_in_reply()
        and bool(_read_after_job(p, "webp_lossless", False)),
    }


def count_returned_masks(p: Any, *, has_mask: bool) -> int:
    """How many pictures the host puts behind each result in its reply: none where it has no mask
    to show, for it drops a blank one under only masked."""
    if not has_mask:
        return 0
    names = "return_mask", "return_mask_composite"
    return sum(bool(read_override(p, name, False)) for name in names)


def _makes_mask_composite(p: Any) -> bool:
    names = "return_mask_composite", "save_mask_composite"
    return any(read_override(p, name, False) for name in names)


def _saves(p: Any, option: str, refusal: str) -> bool:
    """Whether the host will write files of a kind: its setting, unless this job refuses."""
    return bool(read_override(p, option, True)) and not getattr(p, refusal, False)


def _makes_grid(p: Any) -> bool:
    """Whether there are images enough for a grid; the host skips it for one, unless told."""
    count = int(getattr(p, "n_iter", 1)) * int(getattr(p, "batch_size", 1))
    return count > 1 or not read_override(p, "grid_only_if_multiple", True)


def read_override(p: Any, name: str, default: Any) -> Any:
    """A host setting as it will stand during the job: overrides come into force after set-up."""
    overrides = getattr(p, "override_settings", None)
    if isinstance(overrides, Mapping) and name in overrides:
        return overrides[name]
    return compat.option(name, default)


def _read_after_job(p: Any, name: str, default: Any) -> Any:
    """A host setting as it will stand once the job is over, when the API encodes its reply: the
    host puts back what the overrides replaced, unless it was told not to or nothing was stored."""
    lasts = not getattr(p, "override_settings_restore_afterwards", True)
    if lasts or not compat.is_stored(name):
        return read_override(p, name, default)
    return compat.option(name, default)


def read_owner(p: Any) -> str:
    """Name of the user who is logged in and asked for this job; "" where there are no logins."""
    return str(getattr(p, "user", None) or "")


def read_batch_index(p: Any) -> int:
    """Number of the image the host is at within its batch."""
    return int(getattr(p, "batch_index", 0) or 0)


def read_iteration(p: Any) -> int:
    """Number of the batch the host is at."""
    return int(getattr(p, "iteration", 0) or 0)


def _read_choice(value: Any, kind: type[Choice], otherwise: Choice) -> Choice:
    """A number of the API's; what the hosts do not know they treat as `otherwise`, a word that a
    script left there too."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return otherwise
    return next((choice for choice in kind if choice == number), otherwise)


def _read_blur(p: Any) -> int:
    """A negative one is none to the hosts."""
    return int(max(getattr(p, "mask_blur_x", 0) or 0, getattr(p, "mask_blur_y", 0) or 0, 0))


def read_selected(p: Any) -> str:
    """Title of the selected script (the first argument, from 1 on); "" if there is none."""
    selectable = getattr(getattr(p, "scripts", None), "selectable_scripts", None) or ()
    chosen = next(iter(getattr(p, "script_args", None) or ()), 0)
    if not isinstance(chosen, int) or not 0 < chosen <= len(selectable):
        return ""
    return script_title(selectable[chosen - 1])


def _read_script(p: Any, titles: Sequence[str]) -> str:
    """Title of the selected script if it is one of these, in lower case; else ""."""
    title = read_selected(p)
    return title if title.lower() in titles else ""


def _read_refiner(p: Any) -> str:
    name = getattr(p, "refiner_checkpoint", None)
    return "" if name in (None, "", "None", "none") else str(name)


def read_inputs(p: Any) -> tuple[Any, ...]:
    """The mask and the pictures a job begins with, as they stand."""
    return getattr(p, "image_mask", None), *(getattr(p, "init_images", None) or ())


def are_same(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    """Whether these are the very same objects."""
    return len(first) == len(second) and all(map(operator.is_, first, second))


def is_nested(p: Any, *, is_running: bool = False) -> bool:
    """Whether this job, which the host may have begun already, runs inside another one, as a face
    fixer's does.

    Such a job has its own mask for its own purpose; the outer job is the one to protect.
    """
    if getattr(p, "_ad_inner", False):
        return True
    return sum(map(_is_job, _callers())) > is_running


def is_own_save() -> bool:
    """In a callback for saved images: whether the host itself saves, and not a hook or callback
    of another extension, which may save what it likes as this job's."""
    dispatchers, was_one = 0, False
    for frame in _callers():
        if _is_job(frame):
            return dispatchers == 1
        is_one = str(frame.f_globals.get("__name__")).startswith(DISPATCHERS)
        dispatchers += is_one and not was_one
        was_one = is_one
    return False


def _callers() -> Iterator[FrameType]:
    """The running calls, the nearest first."""
    frame = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_job(frame: FrameType) -> bool:
    return frame.f_code.co_name == "process_images_inner"


def read_unsketched(p: Any) -> Image.Image | None:
    """The picture below a sketch, wherever nobody painted; None if there is no such sketch.

    Some hosts blend Inpaint sketch's strokes into the init image with the mask blur, so that
    their colours reach beyond the mask before the job begins. The user's own picture is then
    known to the page's function only, which runs this job.
    """
    init, own = p.init_images[0], _find_local("modules.img2img", "img2img", "orig")
    if len(p.init_images) > 1 or not isinstance(own, Image.Image) or own.size != init.size:
        return None
    is_painted = read_mask(p.image_mask) > 0
    if is_painted.shape[::-1] != init.size:
        return None
    pixels = read_pixels(own), read_pixels(init)
    unsketched = Image.fromarray(np.where(is_painted[..., None], pixels[1], pixels[0]))
    unsketched.info = dict(init.info)
    return unsketched


class Edited(NamedTuple):
    """What an extension did before the job to the picture the user gave.

    `own` is the user's wherever the mask is off, if what is in its place by now differs there;
    `outside` counts the pixels that differ where the mask has not even its faintest grey.
    """

    own: Image.Image | None = None
    outside: int = 0


def read_edited(p: Any, mask: np.ndarray) -> Edited:
    """`mask` is uint8 H x W, at the picture's size.

    LaMa as masked content for one fills by the grey of a soft mask, beyond its edge too, and lays
    its small picture over all of the user's where the host's masks are opaque RGBA.
    """
    own, init = next(iter(read_given(p)[1:]), None), p.init_images[0]
    if not isinstance(own, Image.Image) or own is init or len(p.init_images) > 1:
        return Edited()
    if own.size != init.size or mask.shape[::-1] != init.size:
        return Edited()
    given, now = _to_opaque(_to_eight_bits(own)), _to_opaque(init)
    mode = "RGBA" if "A" in given.getbands() + now.getbands() else "RGB"
    pixels = np.asarray(given.convert(mode)), np.asarray(now.convert(mode))
    edited, is_outside = (pixels[0] != pixels[1]).any(axis=2), mask < HARD_LEVEL
    beyond = int(np.count_nonzero(edited & (mask == 0)))
    if not (edited & is_outside).any():
        return Edited()
    merged = Image.fromarray(np.where(is_outside[..., None], *pixels))
    merged.info = dict(own.info)
    return Edited(merged, beyond)


def gives_user_picture(p: Any) -> bool:
    """Whether the user's picture is what this job is about: no selected script makes its own of
    it, and nobody has given the job another mask."""
    selected = read_selected(p).lower()
    return read_given(p)[0] is p.image_mask and selected in ("", *REPEATING_TITLES)


def read_given(p: Any) -> tuple[Any, ...]:
    """The user's mask or None, then the pictures, noted before scripts and extensions bring their
    own."""
    return getattr(p, "bleed_guard_given", ()) or (None,)


def forget_given(p: Any) -> None:
    """It has been told of, or the job runs once more, with the pictures of the run before."""
    p.bleed_guard_given = ()


def _find_local(module: str, function: str, name: str) -> Any:
    """A variable of the nearest running call of a host's function; None if there is none."""
    for frame in _callers():
        if frame.f_code.co_name == function and frame.f_globals.get("__name__") == module:
            return frame.f_locals.get(name)
    return None


def is_script_on(p: Any, *titles: str) -> bool:
    """Whether an always-on script of one of these titles (lower case) is on: its first control,
    a toggle or a strength, is neither off nor 0."""
    for script in always_on_scripts(p):
        if script_title(script).lower() in titles:
            args = list(getattr(p, "script_args", None) or ())[script.args_from : script.args_to]
            return bool(args) and isinstance(args[0], int | float) and args[0] > 0
    return False


def always_on_scripts(p: Any) -> list[Any]:
    return list(getattr(getattr(p, "scripts", None), "alwayson_scripts", None) or ())


def script_title(script: Any) -> str:
    """A script's title, or its file's name where its own `title` fails."""
    try:
        return str(script.title() or "")
    except Exception:  # another extension's code: its failure is not this job's
        return str(getattr(script, "filename", ""))


def editing_scripts(p: Any, hook: str) -> tuple[str, ...]:
    """Titles of the other always-on scripts that implement `hook` and so may change a picture."""
    return tuple(
        script_title(script)
        for script in always_on_scripts(p)
        if _implements(script, hook) and not type(script).__module__.startswith("bleed_guard")
    )


def _implements(script: Any, hook: str) -> bool:
    for kind in type(script).__mro__:
        if hook in vars(kind):
            return kind.__module__ != "modules.scripts"
    return False


STALE_KEYS = ("Mask blur", "Inpaint area", "Masked area padding")
"""What the hosts write into the infotext only where it applies."""


def forget_earlier_job(p: Any) -> None:
    """The cells of an X/Y/Z grid share one dict of entries: one that does not apply any more,
    because the guard took the blur away, would stay in it. The host writes anew what applies."""
    for key in STALE_KEYS:
        p.extra_generation_params.pop(key, None)


def apply_plan(p: Any, plan: GuardPlan) -> None:
    """Write the plan's changes, and only these, to the host's job."""
    for change in plan.changes:
        writer = WRITERS.get(change.setting)
        if writer is not None:
            writer(p, change, plan.job)


def _write_refiner_off(p: Any, change: Change, job: InpaintJob) -> None:
    p.refiner_checkpoint = None
    p.refiner_checkpoint_info = None  # found already where the mask came in `process`
    p.refiner_switch_at = None


def _write_mask(p: Any, change: Change, job: InpaintJob) -> None:
    """The mask that is to run, inverted back where the host will invert it again."""
    p.image_mask = Image.fromarray(255 - job.mask if job.mask_is_inverted else job.mask)


MENDED_FIELDS = (
    "color_corrections",
    "denoising_strength",
    "image_mask",
    "init_images",
    "inpaint_full_res",
    "inpaint_full_res_padding",
    "mask_blur",
    "mask_blur_x",
    "mask_blur_y",
    "refiner_checkpoint",
    "refiner_checkpoint_info",
    "refiner_switch_at",
    "restore_faces",
)
"""What the guard writes to in the host's job."""

Replaced = Mapping[str, tuple[Any, Any]]
"""Field of the host's job -> its value before the guard, and the guard's."""


def read_fields(p: Any) -> dict[str, Any]:
    """The fields the guard may write to, as they stand; not properties that others stand for."""
    return {name: vars(p)[name] for name in MENDED_FIELDS if name in vars(p)}


def find_replaced(p: Any, before: Mapping[str, Any]) -> Replaced:
    """What of `read_fields` is another object by now."""
    after = read_fields(p)
    return {
        name: (value, after[name]) for name, value in before.items() if after[name] is not value
    }


def take_back(p: Any, replaced: Replaced, inputs: tuple[Any, ...] | None = None) -> None:
    """A job that runs once more, for the next file of a batch or the next loop: what nobody has
    set since the guard did is as the user wanted it, and looked at anew.

    `inputs` are the mask and the pictures the guard left: others may be in the same list by now.
    """
    are_edited = inputs is not None and not are_same(inputs[1:], read_inputs(p)[1:])
    for name, (before, after) in replaced.items():
        if getattr(p, name, None) is after and not (are_edited and name == "init_images"):
            setattr(p, name, before)


def _field_writer(*names: str) -> Any:
    def write(p: Any, change: Change, job: InpaintJob) -> None:
        for name in names:
            setattr(p, name, change.after)

    return write


def _write_blur(p: Any, change: Change, job: InpaintJob) -> None:
    """The hosts with a blur of its own for each axis write both through the one field."""
    blur, across, down = int(change.after or 0), p.mask_blur_x, p.mask_blur_y
    if across == down:
        p.mask_blur = blur
    else:
        p.mask_blur_x, p.mask_blur_y = min(across, blur), min(down, blur)


def _write_area(p: Any, change: Change, job: InpaintJob) -> None:
    p.inpaint_full_res = True


def _write_faces_off(p: Any, change: Change, job: InpaintJob) -> None:
    p.restore_faces = False


def _write_color_correction_off(p: Any, change: Change, job: InpaintJob) -> None:
    p.color_corrections = []  # the host makes its own only where this is None


WRITERS = {
    "padding": _field_writer("inpaint_full_res_padding"),
    "denoising strength": _field_writer("denoising_strength"),
    "mask blur": _write_blur,
    "mask": _write_mask,
    "inpaint area": _write_area,
    "refiner": _write_refiner_off,
    "face restoration": _write_faces_off,
    "color correction": _write_color_correction_off,
}


def prepare_inputs(p: Any, job: InpaintJob) -> tuple[Change, ...]:
    """Bring forms the host misreads to ones it reads right; each change is returned. `job` is
    what will run.

    16-bit pictures would be cut at 255 by the host's conversion, an infotext hidden in an alpha
    channel would be laid on the background, and in only masked a mask of another size makes the
    host crop at the wrong place.
    """
    changes = []
    if any(is_deep(image) for image in p.init_images):
        p.init_images = [_to_eight_bits(image) for image in p.init_images]
        changes.append(Change("init image", "16 bits", "8 bits", REASONS["bits"]))
    if any(_has_hidden_alpha(image) for image in p.init_images):
        p.init_images = [_to_opaque(image) for image in p.init_images]
        changes.append(Change("init image", "alpha 254-255", "opaque", REASONS["hidden"]))
    if is_deep(p.image_mask):
        p.image_mask = Image.fromarray(read_mask(p.image_mask))
        changes.append(Change("mask", "16 bits", "8 bits", REASONS["bits"]))
    mask_size, size = p.image_mask.size, job.init_size
    if job.only_masked and mask_size != size:
        before, after = (f"{width} x {height}" for width, height in (mask_size, size))
        changes.append(Change("mask size", before, after, REASONS["fitted"]))
        _write_mask(p, changes[-1], job)  # fitted by the plan
    return tuple(changes)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(flatten_image(image)) if is_deep(image) else image


def _has_hidden_alpha(image: Image.Image) -> bool:
    """Whether the alpha channel only hides an infotext in its lowest bit, as Forge writes it."""
    return image.mode == "RGBA" and image.getextrema()[-1] in ((254, 254), (254, 255))


def _to_opaque(image: Image.Image) -> Image.Image:
    """Laid on a background, alpha 254 shifts a pixel by a level, more with every pass."""
    return image.convert("RGB") if _has_hidden_alpha(image) else image


def read_place(p: Any, batch_index: int, decoded_size: tuple[int, int]) -> Place:
    """Where the image at `batch_index` lies, now that the host has sampled.

    `decoded_size` (width, height) is the picture's before compositing.
    """
    count = len(p.init_images)
    if batch_index >= count > 1:
        raise UnmappableError(
            f"another extension made more images of the batch than its {count} init images"
        )
    init = p.init_images[batch_index if count > 1 else 0]
    box = paste_box(p) if p.inpaint_full_res else None
    size = init.size if box is not None else (int(p.width), int(p.height))
    background = compat.option("img2img_background_color", DEFAULT_BACKGROUND)
    if box is None:
        return Place(init, box, size, decoded_size, background)
    scale = max(box.width / decoded_size[0], box.height / decoded_size[1])
    return Place(init, box, size, size, background, LATENT_CELL * scale)


def build_canvas(place: Place, job: InpaintJob, plan: GuardPlan) -> Canvas:
    """What an image is laid over.

    Raises UnmappableError where no pixel of the output can be told to belong to a pixel of the
    init image.
    """
    layer = build_reference(
        place.init_image,
        only_masked=place.crop_box is not None,
        size=place.asked_size,
        resize_mode=job.resize_mode,
        background=place.background,
        resize=_host_resize,
        read=read_layer,
    )
    layer = _crop_to(layer, place.size)
    mask = _crop_to(mask_at(plan.job, place.asked_size), place.size)
    protected = protected_area(mask, plan.protection, band=plan.band)
    return Canvas.over(layer, mask, protected, place)


def mask_at(job: InpaintJob, size: tuple[int, int]) -> np.ndarray:
    """The mask of the job that runs, before any blur, at `size` (width, height): uint8 H x W."""
    return build_mask(job.mask, size=size, resize_mode=job.mask_resize_mode)


def paste_box(p: Any) -> Box | None:
    """The region the host repainted in only masked, in px of the result."""
    if p.paste_to is None:
        return None
    x, y, width, height = p.paste_to
    return Box(x, y, x + width, y + height)


def _crop_to(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    cropped = crop_top_left(array, size)
    if cropped is None:
        height, width = array.shape[:2]
        raise UnmappableError(
            f"the picture came back as {size[0]} x {size[1]} where {width} x {height} was "
            "expected, so its pixels cannot be matched with the original's"
        )
    return cropped


def _host_resize(mode: ResizeMode, image: Image.Image, width: int, height: int) -> Image.Image:
    """The host's own resize, upscaler and all; a latent upscale stretches the whole picture."""
    stretched = ResizeMode.JUST_RESIZE if mode is ResizeMode.LATENT_UPSCALE else mode
    return images.resize_image(int(stretched), image, width, height)


def to_picture(decoded: Any) -> Image.Image:
    """The host's decoded tensor, float 3 x H x W of 0-1, as the host makes a picture of it: its
    levels are truncated."""
    array = decoded.detach().cpu().float().numpy() if hasattr(decoded, "detach") else decoded
    levels = 255.0 * np.moveaxis(np.asarray(array, np.float32), 0, 2)
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def place_decoded(decoded: Image.Image, canvas: Canvas, part: Box) -> np.ndarray:
    """`part` of the decoded picture where the host would put it: uint8 h x w x 3.

    Outside the host's crop the reference shows.
    """
    box = canvas.crop_box
    if box is None:
        return read_pixels(decoded, box=part)
    placed = canvas.part(part).copy()
    shown = box.intersect(part)
    if not shown.is_empty:
        fitted = images.resize_image(1, decoded.convert("RGB"), box.width, box.height)
        crop = fitted.crop(shown.moved(-box.left, -box.top))
        placed[shown.moved(-part.left, -part.top).slices] = np.asarray(crop)
    return placed


def place_bare(decoded: Image.Image, canvas: Canvas) -> np.ndarray:
    """A picture no overlay was laid on, at the result's size so that it can be compared.

    With the overlay option off and only masked the host returns the bare crop: stretched here.
    """
    if decoded.size != canvas.size:
        decoded = decoded.resize(canvas.size, Image.Resampling.LANCZOS)
    return read_pixels(decoded)

"""Scripts that stand in a replayed job: one writes everything down, one plays Soft Inpainting.

Import this after `minihost.activate`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules import script_callbacks, scripts
from PIL import Image

if TYPE_CHECKING:
    from minihost.recordings import Event, Recording, Replay

ABSENT = "<absent>"
SOFT_INPAINTING = "Soft Inpainting"

WATCHED = (
    "width",
    "height",
    "resize_mode",
    "denoising_strength",
    "mask_blur_x",
    "mask_blur_y",
    "mask_round",
    "inpainting_fill",
    "inpaint_full_res",
    "inpaint_full_res_padding",
    "inpainting_mask_invert",
    "paste_to",
    "restore_faces",
    "refiner_checkpoint",
    "refiner_switch_at",
    "batch_size",
    "n_iter",
    "iteration",
    "batch_index",
    "steps",
    "sampler_name",
    "scheduler",
    "cfg_scale",
    "override_settings",
    "do_not_save_samples",
    "image_mask",
    "mask_for_overlay",
    "init_images",
    "overlay_images",
    "latent_mask",
)
"""Fields of a job whose changes are recorded."""


def _describe(value: Any) -> Any:
    """A value as the recordings tell it: images by mode and size."""
    if isinstance(value, Image.Image):
        return {"mode": value.mode, "size": list(value.size)}
    if isinstance(value, list):
        return [_describe(item) for item in value]
    if isinstance(value, tuple):
        plain = all(isinstance(item, int) for item in value)
        return list(value) if plain else str(type(value))
    return value


class Recorder(scripts.Script):
    """Writes every hook and save callback of one job into a Replay."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.seen: dict[str, Any] = {}
        script_callbacks.on_before_image_saved(self.note_saving)
        script_callbacks.on_image_saved(self.note_saved)

    def title(self) -> str:
        return "Recorder"

    def note(self, hook: str, p: Any = None, **told: Any) -> None:
        """Adds an event; with a job, also what changed in it since the last one."""
        event: Event = {"hook": hook, **told}
        state = {} if p is None else {x: _describe(getattr(p, x, ABSENT)) for x in WATCHED}
        changed = {x: v for x, v in state.items() if x not in self.seen or self.seen[x] != v}
        self.seen.update(changed)
        if changed:
            event["p_changed"] = changed
        self.replay.events.append(event)

    def note_saving(self, params: script_callbacks.ImageSaveParams) -> None:
        """Callback before an image is saved."""
        self.note(
            "on_before_image_saved",
            image=_describe(params.image),
            ext=Path(params.filename).suffix,
            pnginfo_keys=sorted(params.pnginfo),
            p_is_none=params.p is None,
        )

    def note_saved(self, params: script_callbacks.ImageSaveParams) -> None:
        """Callback after an image is saved."""
        path = Path(params.filename)
        self.replay.saved.append(path)
        image = _describe(params.image)
        self.note("on_image_saved", image=image, ext=path.suffix, exists=path.is_file())

    def setup(self, p: Any, *args: Any) -> None:
        self.note("setup", p)

    def before_process(self, p: Any, *args: Any) -> None:
        self.note("before_process", p)

    def process(self, p: Any, *args: Any) -> None:
        self.note("process", p)

    def before_process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        self.note("before_process_batch", p, kwargs=sorted(kwargs))

    def process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        self.note("process_batch", p, kwargs=sorted(kwargs))

    def process_before_every_sampling(self, p: Any, *args: Any, **kwargs: Any) -> None:
        self.note("process_before_every_sampling", p, kwargs=sorted(kwargs))

    def on_mask_blend(self, p: Any, mba: Any, *args: Any) -> None:
        self.note("on_mask_blend", p, is_final=mba.is_final_blend)

    def post_sample(self, p: Any, ps: Any, *args: Any) -> None:
        self.note("post_sample", p, samples=list(ps.samples.shape))

    def postprocess_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        self.note("postprocess_batch", p, kwargs=sorted(kwargs))

    def postprocess_batch_list(self, p: Any, pp: Any, *args: Any, **kwargs: Any) -> None:
        self.note("postprocess_batch_list", p, n=len(pp.images), kwargs=sorted(kwargs))

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
        image, index = _describe(pp.image), getattr(pp, "index", ABSENT)
        self.note("postprocess_image", p, image=image, index=index)

    def postprocess_maskoverlay(self, p: Any, ppmo: Any, *args: Any) -> None:
        mask, overlay = ppmo.mask_for_overlay, ppmo.overlay_image
        self.replay.masks.append(None if mask is None else mask.copy())
        self.replay.overlays.append(overlay)
        self.note(
            "postprocess_maskoverlay",
            p,
            index=ppmo.index,
            mask_for_overlay=_describe(mask),
            overlay_image=_describe(overlay),
        )

    def postprocess_image_after_composite(self, p: Any, pp: Any, *args: Any) -> None:
        self.replay.composites.append(pp.image.copy())
        image, index = _describe(pp.image), getattr(pp, "index", ABSENT)
        self.note("postprocess_image_after_composite", p, image=image, index=index)

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        first = processed.index_of_first_image
        images = _describe(processed.images)
        self.note("postprocess", p, images=images, index_of_first_image=first)


class SoftInpainting(scripts.Script):
    """Soft Inpainting with the recorded outcome: its masks come from latents nobody recorded."""

    NAMES = (
        "enabled",
        "schedule bias",
        "preservation strength",
        "transition contrast boost",
        "mask influence",
        "difference threshold",
        "difference contrast",
    )

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def title(self) -> str:
        return SOFT_INPAINTING

    def process(self, p: Any, *args: Any) -> None:
        p.mask_round = False
        for name, value in zip(self.NAMES, args, strict=True):
            p.extra_generation_params[f"Soft inpainting {name}"] = value

    def postprocess_maskoverlay(self, p: Any, ppmo: Any, *args: Any) -> None:
        ppmo.mask_for_overlay = self.recording.read("mask_for_overlay", ppmo.index)
        ppmo.overlay_image = self.recording.read_overlay(ppmo.index)

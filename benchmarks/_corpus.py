"""A labelled corpus for the diagnosis: files as the mini host and real encoders make them.

Every job runs through the certified mini host. A stand-in for the model paints another photograph
into the mask and drifts the rest as asked; what follows is the host's own compositing, a script
behind it, its saving, and, for some causes, what people do to the file afterwards.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import matplotlib
import numpy as np
import skimage.data
from PIL import Image

from benchmarks._edits import HEIGHT, WIDTH, draw_masks, fit_photo, load_photos, to_levels
from bleed_guard.audit.infotext import read_infotext
from bleed_guard.core.job import Cause
from bleed_guard.core.mask import HARD_LEVEL
from minihost import activate, loader
from minihost.engines import EngineRequest

SOFT_ARGUMENTS = (True, 1.0, 0.5, 4.0, 0.0, 0.5, 2.0)
"""Soft Inpainting on, at its defaults."""

COMPANIONS = Path(loader.ROOT) / "companions"
Make = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""uint8 H x W x 3, the mask and dice -> the first one's shape: what a step makes of a picture."""


class Sample(NamedTuple):
    """Files and the truth about them: uint8 H x W x 3 twice, uint8 H x W, infotext or None.

    Any of `truth` is right for a single cause; of a pair all have to be named. `traceless` are
    causes that took part and changed no pixel outside the mask: no file can tell of them.
    """

    photo: str
    name: str
    truth: tuple[Cause, ...]
    original: np.ndarray
    result: np.ndarray
    mask: np.ndarray
    infotext: str | None
    traceless: tuple[Cause, ...] = ()


@dataclass(frozen=True)
class Steps:
    """What makes one cause: fields of the job, options of the host, and steps around it.

    `paints` is where the model paints new content: "mask", "all", "wide". `drift` is what it does
    to the rest, `script` what a script does behind the composite, `later` what is done to the
    file, `codec` the format and quality it is saved in.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    paints: str = ""
    drift: tuple[Make, ...] = ()
    script: tuple[Make, ...] = ()
    later: str = ""
    codec: tuple[str, int] = ("png", 0)
    mask: str = ""
    has_infotext: bool = True
    is_soft_inpainting: bool = False

    def plus(self, other: Steps) -> Steps:
        """Both, this one's steps first."""
        return Steps(
            fields={**self.fields, **other.fields},
            options={**self.options, **other.options},
            paints=other.paints or self.paints,
            drift=self.drift + other.drift,
            script=self.script + other.script,
            later=self.later or other.later,
            codec=other.codec if other.codec[1] else self.codec,
            mask=self.mask or other.mask,
            has_infotext=self.has_infotext and other.has_infotext,
            is_soft_inpainting=self.is_soft_inpainting or other.is_soft_inpainting,
        )


# ------------------------------------------------------------------------------------ photographs


def load_tuning() -> dict[str, np.ndarray]:
    """The photographs thresholds and weights may be fitted to."""
    return load_photos()


def load_judged() -> dict[str, np.ndarray]:
    """The photographs nothing was ever fitted to or looked at for."""
    data = skimage.data
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    sources: dict[str, Callable[[], np.ndarray]] = {
        "hopper": lambda: np.asarray(Image.open(hopper).convert("RGB")),
        "tissue": data.immunohistochemistry,
        "retina": data.retina,
        "coins": data.coins,
        "moon": data.moon,
        "brick": data.brick,
        "gravel": data.gravel,
        "page": data.page,
    }
    return {name: fit_photo(load()) for name, load in sources.items()}


# ------------------------------------------------------------------------------------------ steps


def move(x: float, y: float) -> Make:
    def make(picture: np.ndarray, mask: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
        size = picture.shape[1::-1]
        return cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)

    return make


def recolor(offset: tuple[int, int, int], contrast: float) -> Make:
    def make(picture: np.ndarray, mask: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        return to_levels((picture - 128.0) * contrast + 128 + np.array(offset))

    return make


def pass_autoencoder(sigma: float) -> Make:
    """An autoencoder's error: a little fine detail lost, grain, and 8 px blotches."""

    def make(picture: np.ndarray, mask: np.ndarray, dice: np.random.Generator) -> np.ndarray:
        height, width = picture.shape[:2]
        smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1)
        cells = dice.normal(0, sigma, (height // 8, width // 8, 3)).astype(np.float32)
        blotches = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = dice.normal(0, sigma, picture.shape)
        return to_levels(0.85 * picture + 0.15 * smooth + 0.7 * blotches + 0.7 * grain)

    return make


def stamp(picture: np.ndarray, mask: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """A watermark of letters in a corner."""
    made = picture.copy()
    height, width = picture.shape[:2]
    place = int(dice.integers(width // 2, 2 * width // 3)), height - height // 24
    size = 0.8 * width / WIDTH
    cv2.putText(made, "sample", place, cv2.FONT_HERSHEY_SIMPLEX, size, (250, 240, 20), 2)
    return made


def retouch(picture: np.ndarray, mask: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """A patch smoothed as a detailer does to what it takes for a face."""
    near = cv2.dilate(mask, np.ones((101, 101), np.uint8))
    near[:32], near[-32:], near[:, :32], near[:, -32:] = 255, 255, 255, 255
    rows, columns = np.nonzero(near == near.min())
    place = int(dice.integers(rows.size))
    weight = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(weight, (int(columns[place]), int(rows[place])), (24, 28), 0, 0, 360, (1.0,), -1)
    weight = cv2.GaussianBlur(weight, (0, 0), 3)[..., None]
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 4) + np.array([6, -2, 3])
    return to_levels(picture * (1 - weight) + smooth * weight)


# ------------------------------------------------------------------------------------------ causes

NO_OVERLAY = {"overlay_inpaint": False}
NOTHING_TOLD = Steps(has_infotext=False, options=NO_OVERLAY)


def only(**values: Any) -> Steps:
    return Steps(fields=values)


SINGLES: dict[Cause, dict[str, Steps]] = {
    Cause.NONE: {
        "whole picture": Steps(),
        "only masked": only(inpaint_full_res=True),
    },
    Cause.WHOLE_REDRAW: {
        "no mask": Steps(fields={"mask": None}, paints="all"),
        "untold": replace(NOTHING_TOLD, paints="all"),
    },
    Cause.OVERLAY_OFF: {
        "fine": Steps({"mask_blur": 4}, NO_OVERLAY, drift=(pass_autoencoder(3),)),
        "all repainted": Steps({"mask_blur": 4}, NO_OVERLAY, paints="all"),
        "coarse": Steps(options=NO_OVERLAY, drift=(pass_autoencoder(7),)),
    },
    Cause.VAE: {
        f"sigma {sigma}": replace(NOTHING_TOLD, drift=(pass_autoencoder(sigma),))
        for sigma in (2, 4, 8)
    },
    Cause.RESIZE: {
        f"{width} x {height}": Steps(
            {"width": width, "height": height, "inpaint_full_res": False}, later="resize"
        )
        for width, height in ((192, 144), (320, 240), (576, 432))
    },
    Cause.SHIFT: {
        f"{x}, {y} px": Steps(script=(move(x, y),)) for x, y in ((1, 0), (2, 2), (0.5, -1.5))
    },
    Cause.COLOR_SHIFT: {
        name: Steps(script=(recolor(offset, contrast),))
        for name, offset, contrast in (
            ("warm", (8, 2, -6), 1.0),
            ("dark", (-3, -3, -3), 1.0),
            ("flat", (0, 0, 0), 0.94),
        )
    },
    Cause.COLOR_CORRECTION: {
        "whole picture": Steps(options={"img2img_color_correction": True, **NO_OVERLAY}),
    },
    Cause.FACE_RESTORE: {
        name: Steps({"restore_faces": True}, {"face_restoration_model": name, **NO_OVERLAY})
        for name in ("CodeFormer", "GFPGAN")
    },
    Cause.MASK_BLUR: {
        "2": only(mask_blur=2),
        "4": Steps({"mask_blur": 4}, drift=(pass_autoencoder(3),)),
        "4, all repainted": Steps({"mask_blur": 4}, paints="all"),
        "4, only masked": Steps({"mask_blur": 4, "inpaint_full_res": True}, paints="all"),
        "9": Steps({"mask_blur": 9}, paints="wide"),
    },
    Cause.SOFT_MASK: {
        "rim": Steps(mask="rim", paints="wide"),
        "brush": Steps(mask="brush", paints="wide"),
    },
    Cause.SOFT_INPAINTING: {
        "default": Steps({"mask_blur": 4}, paints="wide", is_soft_inpainting=True),
    },
    Cause.PADDING: {
        f"{padding} px": Steps(
            {"mask_blur": 4, "inpaint_full_res": True, "inpaint_full_res_padding": padding},
            NO_OVERLAY,
            drift=(pass_autoencoder(4),),
            later="paste",
        )
        for padding in (16, 40)
    },
    Cause.OTHER_SCRIPT: {
        "stamp": Steps(script=(stamp,)),
        "retouch": Steps(script=(retouch,)),
    },
    Cause.JPEG: {f"q {quality}": Steps(codec=("jpg", quality)) for quality in (50, 80, 93)},
    Cause.WEBP: {f"q {quality}": Steps(codec=("webp", quality)) for quality in (50, 80)},
}
"""Cause -> its strengths, each alone."""

NEAR = (Cause.MASK_BLUR, Cause.SOFT_MASK, Cause.SOFT_INPAINTING, Cause.PADDING)
BEHIND = (Cause.SHIFT, Cause.COLOR_SHIFT, Cause.RESIZE)
UNPASTED = (Cause.VAE, Cause.OVERLAY_OFF, Cause.COLOR_CORRECTION, Cause.FACE_RESTORE)
FILES = (Cause.JPEG, Cause.WEBP)


def list_pairs() -> list[tuple[Cause, Cause]]:
    """Pairs a run can have of which neither hides the other, in the order they take place."""
    pairs = [(first, second) for first in (*NEAR, *BEHIND, *UNPASTED) for second in FILES]
    pairs += [(Cause.OTHER_SCRIPT, second) for second in FILES]
    pairs += [(first, Cause.OTHER_SCRIPT) for first in (*NEAR[:3], *BEHIND, Cause.VAE)]
    pairs += [(first, second) for first in NEAR[:3] for second in BEHIND]
    pairs += [(Cause.VAE, second) for second in (Cause.SHIFT, Cause.COLOR_SHIFT)]
    return [*pairs, (Cause.SHIFT, Cause.COLOR_SHIFT), (Cause.RESIZE, Cause.COLOR_SHIFT)]


# ---------------------------------------------------------------------------------------- running


class StandIn:
    """In the model's place: another photograph where it paints, drift everywhere."""

    label = "corpus"

    def __init__(self) -> None:
        self.steps = Steps()
        self.donor = np.zeros((1, 1, 3), np.uint8)
        self.dice = np.random.default_rng(0)

    def generate(self, request: EngineRequest) -> np.ndarray:
        base = request.image
        size = request.width, request.height
        donor = cv2.resize(self.donor, size, interpolation=cv2.INTER_AREA)
        area = request.pixel_mask()
        if self.steps.paints == "wide":
            area = cv2.dilate(area, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (41, 41)))
        elif self.steps.paints == "all":
            area = np.full_like(area, 255)
        assert base is not None
        picture = np.where(area[..., None] > 0, donor, base)
        for step in self.steps.drift:
            picture = step(picture, area, self.dice)
        return picture


def make_script(steps: Steps, original_mask: Image.Image, dice: np.random.Generator) -> Any:
    """A script that edits the composite."""
    from modules import scripts

    def edit(self: Any, p: Any, pp: Any, *args: Any) -> None:
        picture = np.asarray(pp.image.convert("RGB"))
        mask = np.asarray(original_mask.resize(pp.image.size))
        for step in steps.script:
            picture = step(picture, mask, dice)
        pp.image = Image.fromarray(picture)

    members = {
        "postprocess_image_after_composite": edit,
        "title": lambda self: "Corpus",
        "given": (),
    }
    return type("CorpusScript", (scripts.Script,), members)()


class CorpusHost:
    """A mini host without the guard, run again and again."""

    def __init__(self, folder: Path) -> None:
        self.engine = StandIn()
        activate("a1111", engine=self.engine, data_dir=folder)
        companions = loader.ExtensionFolder("companions", COMPANIONS)
        loader.load([companions])
        from modules import scripts, shared

        (entry,) = [e for e in scripts.scripts_data if e.script_class.__name__ == "SoftInpainting"]
        self._soft_inpainting = entry.script_class()
        self._soft_inpainting.given = list(SOFT_ARGUMENTS)
        self._standard = {
            "samples_format": "png",
            "jpeg_quality": 80,
            "overlay_inpaint": True,
            "img2img_color_correction": False,
            "face_restoration_model": "CodeFormer",
        }
        self._shared = shared

    def run(
        self, original: np.ndarray, mask: np.ndarray, donor: np.ndarray, steps: Steps, seed: int
    ) -> tuple[np.ndarray, str | None]:
        """The file a user ends up with, decoded, and its infotext."""
        dice = np.random.default_rng(seed)
        self.engine.steps, self.engine.donor, self.engine.dice = steps, donor, dice
        format_, quality = steps.codec if not steps.later else ("png", 0)
        options = {**self._standard, **steps.options, "samples_format": format_}
        for name, value in {**options, "jpeg_quality": quality or 80}.items():
            self._shared.opts.set(name, value)
        p = self._make_job(original, mask, steps, dice)
        data = self._save(p)
        infotext = read_infotext(data, "") or None
        if steps.later:
            data = _finish_file(data, original, p, steps)
        picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        return picture, infotext if steps.has_infotext else None

    def _make_job(
        self, original: np.ndarray, mask: np.ndarray, steps: Steps, dice: np.random.Generator
    ) -> Any:
        from modules import processing, scripts

        runner = scripts.ScriptRunner()
        soft = [self._soft_inpainting] if steps.is_soft_inpainting else []
        arguments: list[Any] = [0]
        for script in [*soft, make_script(steps, Image.fromarray(mask), dice)]:
            script.filename, script.alwayson = __file__, True
            script.args_from = len(arguments)
            arguments += script.given
            script.args_to = len(arguments)
            runner.scripts.append(script)
            runner.alwayson_scripts.append(script)
        fields: dict[str, Any] = {
            "prompt": "a wine glass",
            "seed": 1234,
            "steps": 1,
            "width": WIDTH,
            "height": HEIGHT,
            "mask_blur": 0,
            "inpainting_fill": 1,
            "inpaint_full_res": False,
            "mask": Image.fromarray(mask),
        }
        p = processing.StableDiffusionProcessingImg2Img(
            outpath_samples=self._shared.opts.outdir_img2img_samples,
            outpath_grids=self._shared.opts.outdir_img2img_grids,
            init_images=[Image.fromarray(original)],
            **{**fields, **steps.fields},
        )
        p.scripts, p.script_args = runner, tuple(arguments)
        return p

    def _save(self, p: Any) -> bytes:
        """Run the job; the bytes of the file it saved, which is removed."""
        from modules import processing

        with contextlib.closing(p):
            processing.process_images(p)
        folder = Path(self._shared.opts.outdir_img2img_samples)
        (path,) = [path for path in folder.rglob("*.*") if path.suffix != ".txt"]
        data = path.read_bytes()
        path.unlink()
        return data


def _finish_file(data: bytes, original: np.ndarray, p: Any, steps: Steps) -> bytes:
    """Bring a file of another size back onto the original, as people do, and save it."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    whole = Image.fromarray(original)
    if steps.later == "resize":
        whole = image.resize(whole.size, Image.Resampling.LANCZOS)
    else:
        left, top, width, height = p.paste_to
        whole.paste(image.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    target = io.BytesIO()
    suffix, quality = steps.codec
    formats = {"jpg": "JPEG", "webp": "WEBP", "png": "PNG"}
    whole.save(target, format=formats[suffix], **({"quality": quality} if quality else {}))
    return target.getvalue()


def soften(mask: np.ndarray, form: str) -> np.ndarray:
    """The mask with a grey rim 8 px wide, or painted with a soft brush."""
    if form == "rim":
        wide = cv2.dilate(mask, np.ones((17, 17), np.uint8))
        return np.where(mask > 0, mask, np.where(wide > 0, 90, 0)).astype(np.uint8)
    return cv2.GaussianBlur(mask, (0, 0), 4) if form == "brush" else mask


class Job(NamedTuple):
    """`second` is a pair's second cause alone, None where the first is certain to leave a trace."""

    name: str
    truth: tuple[Cause, ...]
    steps: Steps
    second: Steps | None = None


def list_jobs(turn: int) -> Iterator[Job]:
    """Every job of a photograph; strengths of pairs take turns."""
    for cause, strengths in SINGLES.items():
        for name, steps in strengths.items():
            yield Job(f"{cause.value} {name}", (cause,), steps)
    for number, (first, second) in enumerate(list_pairs()):
        parts = [list(SINGLES[cause].items()) for cause in (first, second)]
        (name, steps), (other, more) = (part[(turn + number) % len(part)] for part in parts)
        told = f"{first.value} {name} + {second.value} {other}"
        yield Job(told, (first, second), steps.plus(more), more if first in NEAR else None)


def _moves_nothing(photo: np.ndarray, truth: tuple[Cause, ...]) -> bool:
    """Color correction of a grey photograph: roundings by one level, which no format keeps."""
    return Cause.COLOR_CORRECTION in truth and not np.ptp(photo, axis=2).any()


def make_corpus(
    photos: Mapping[str, np.ndarray], only: Collection[str] | None = None
) -> Iterator[Sample]:
    """Every job on every photograph, or on those `only`; the masks take turns."""
    masks = list(draw_masks().values())
    names = list(photos)
    with tempfile.TemporaryDirectory() as folder:
        host = CorpusHost(Path(folder))
        for index, photo in enumerate(names):
            if only is not None and photo not in only:
                continue
            donor = photos[names[(index + 3) % len(names)]]
            for number, job in enumerate(list_jobs(index)):
                if _moves_nothing(photos[photo], job.truth):
                    continue
                mask = masks[(index + number) % len(masks)]
                files = Files(photos[photo], mask, donor, 1000 * index + number)
                yield _make_sample(host, photo, files, job)


class Files(NamedTuple):
    """What a job starts from: three arrays, and the dice's seed."""

    original: np.ndarray
    mask: np.ndarray
    donor: np.ndarray
    seed: int


def _make_sample(host: CorpusHost, photo: str, files: Files, job: Job) -> Sample:
    original, hard, donor, seed = files
    mask = soften(hard, job.steps.mask)
    result, infotext = host.run(original, mask, donor, job.steps, seed)
    traceless: tuple[Cause, ...] = ()
    if job.second is not None:
        without, _ = host.run(original, hard, donor, job.second, seed)
        if not ((result != without).any(axis=2) & (mask < HARD_LEVEL)).any():
            traceless = job.truth[:1]
    truth = tuple(cause for cause in job.truth if cause not in traceless)
    return Sample(photo, job.name, truth, original, result, mask, infotext, traceless)

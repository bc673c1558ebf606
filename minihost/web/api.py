"""`/sdapi/v1/...` as the hosts answer it, as far as extensions and their users' scripts need it."""

from __future__ import annotations

import base64
import binascii
import inspect
import io
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from functools import wraps
from secrets import compare_digest
from typing import Any

from fastapi import Depends, HTTPException
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import (
    errors,
    images,
    infotext_utils,
    processing,
    progress,
    script_callbacks,
    scripts,
    sd_models,
    sd_samplers,
    sd_schedulers,
    shared,
)
from PIL import ExifTags, Image, PngImagePlugin

from minihost.web.api_models import (
    Img2ImgRequest,
    JobRequest,
    JobResponse,
    PngInfoRequest,
    PngInfoResponse,
    Txt2ImgRequest,
)
from minihost.web.gradio_shim import gr, without_applications
from minihost.web.panels import create_panels
from minihost.web.routes import share_done

NOT_OF_THE_JOB = {
    "script_name",
    "script_args",
    "alwayson_scripts",
    "send_images",
    "save_images",
    "force_task_id",
    "include_init_images",
    "init_images",
    "sampler_index",
}

USER_COMMENT = 0x9286


def answering_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """An unexpected error becomes the hosts' JSON with status 500, and is told on the console."""

    @wraps(handler)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except HTTPException:
            raise
        except Exception as error:
            errors.report(f"API error: {handler.__name__}: {error}", exc_info=True)
            content = {
                "error": type(error).__name__,
                "detail": "",
                "body": "",
                "errors": str(error),
            }
            return JSONResponse(status_code=500, content=content)

    return wrapper


def decode_image(text: str) -> Image.Image:
    """The picture of a base64 text or data URL.

    Raises:
        HTTPException: 500, as in the hosts, when it is none.
    """
    encoded = text.split(",", 1)[1] if text.startswith("data:image/") else text
    try:
        image = images.read(io.BytesIO(base64.b64decode(encoded)))
        image.load()
    except (binascii.Error, OSError, ValueError, SyntaxError) as error:
        raise HTTPException(status_code=500, detail="Invalid encoded image") from error
    return image


def encode_image(image: Image.Image | str) -> str:
    """Base64 of the picture in the format the setting names NOW, with its texts.

    Raises:
        HTTPException: 500, when the setting names a format the reply cannot have.
    """
    if isinstance(image, str):
        return image
    file_format = shared.opts.samples_format.lower()
    buffer = io.BytesIO()
    if file_format == "png":
        image.save(buffer, format="PNG", pnginfo=png_texts(image))
    elif file_format in ("jpg", "jpeg", "webp"):
        name = "WEBP" if file_format == "webp" else "JPEG"
        flat = image.convert("RGB") if image.mode in ("RGBA", "P") else image
        exif = exif_with(image.info.get("parameters") or "")
        flat.save(buffer, format=name, exif=exif, quality=shared.opts.jpeg_quality)
    else:
        raise HTTPException(status_code=500, detail="Invalid image format")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def exif_with(infotext: str) -> bytes:
    """EXIF data whose user comment is the infotext."""
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {USER_COMMENT: b"UNICODE\0" + infotext.encode("utf-16-be")}
    return exif.tobytes()


def png_texts(image: Image.Image) -> PngImagePlugin.PngInfo | None:
    """The picture's texts for a PNG file; None when it has none."""
    info = PngImagePlugin.PngInfo()
    texts = {k: v for k, v in image.info.items() if isinstance(k, str) and isinstance(v, str)}
    for key, value in texts.items():
        info.add_text(key, value)
    return info if texts else None


def default_script_args(runner: Any) -> list[Any]:
    """Values of all script inputs as the page starts with them; place 0 selects no script."""
    length = max([script.args_to or 0 for script in runner.scripts] + [1])
    values: list[Any] = [None] * length
    values[0] = 0
    # As the hosts do, every panel is built once more for this.
    with without_applications(), gr.Blocks(analytics_enabled=False):
        for script in runner.scripts:
            panel = script.ui(script.is_img2img)
            if panel:
                values[script.args_from : script.args_to] = [item.value for item in panel]
    return values


def read_credentials(text: str) -> dict[str, str]:
    """Passwords by user, of "user:password,user:password"."""
    parts = (part.strip().partition(":") for part in text.split(","))
    return {user: password for user, _, password in parts if user}


def find_script(name: str, among: list[Any]) -> tuple[int, Any]:
    """Place and script of that title, whatever its case.

    Raises:
        HTTPException: 422 when there is none.
    """
    for place, script in enumerate(among):
        if script.title().lower() == name.lower():
            return place, script
    raise HTTPException(status_code=422, detail=f"Script '{name}' not found")


class Api:
    """The routes of one application.

    Args:
        app: A FastAPI application; the page's own, or an empty one.
        queue_lock: Held while a job runs; the page's jobs take the same one.
    """

    def __init__(self, app: Any, queue_lock: AbstractContextManager[Any]) -> None:
        self.app = app
        self.queue_lock = queue_lock
        self.credentials = read_credentials(shared.cmd_opts.api_auth or "")
        if not scripts.scripts_img2img.scripts:
            create_panels()
        self.defaults = {
            runner: default_script_args(runner)
            for runner in (scripts.scripts_txt2img, scripts.scripts_img2img)
        }
        self._add_routes()

    def _add_routes(self) -> None:
        self._add("POST", "txt2img", self.txt2img, JobResponse)
        self._add("POST", "img2img", self.img2img, JobResponse)
        self._add("POST", "png-info", self.png_info, PngInfoResponse)
        self._add("GET", "options", self.get_options)
        self._add("POST", "options", self.set_options)
        self._add("GET", "cmd-flags", lambda: vars(shared.cmd_opts))
        self._add("GET", "progress", self.progress)
        self._add("POST", "interrupt", self.interrupt)
        self._add("POST", "skip", lambda: shared.state.skip())
        self._add("GET", "scripts", self.scripts)
        self._add("GET", "script-info", self.script_info)
        self._add("GET", "sd-models", self.models)
        self._add("GET", "samplers", self.samplers)
        self._add("GET", "schedulers", self.schedulers)
        self._add("GET", "upscalers", self.upscalers)
        self._add("GET", "prompt-styles", self.styles)

    def _add(self, method: str, name: str, handler: Callable[..., Any], model: Any = None) -> None:
        self.app.add_api_route(
            f"/sdapi/v1/{name}",
            answering_errors(handler),
            methods=[method],
            response_model=model,
            dependencies=[Depends(self.check_login)] if self.credentials else [],
        )

    def check_login(self, credentials: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008
        """Let in who is named in --api-auth.

        Raises:
            HTTPException: 401 for everybody else.
        """
        password = self.credentials.get(credentials.username)
        if password is None or not compare_digest(credentials.password.encode(), password.encode()):
            raise HTTPException(
                status_code=401,
                detail="Incorrect username or password",
                headers={"WWW-Authenticate": "Basic"},
            )

    def txt2img(self, request: Txt2ImgRequest) -> JobResponse:
        """Run a text job."""
        return self._run(request, scripts.scripts_txt2img, {})

    def img2img(self, request: Img2ImgRequest) -> JobResponse:
        """Run an image job.

        Raises:
            HTTPException: 404 without an init image, 422 for an unknown script.
        """
        if request.init_images is None:
            raise HTTPException(status_code=404, detail="Init image not found")
        mask = decode_image(request.mask) if request.mask else None
        init_images = [decode_image(text) for text in request.init_images]
        given = {"init_images": init_images, "mask": mask}
        response = self._run(request, scripts.scripts_img2img, given)
        if not request.include_init_images:
            response.parameters |= {"init_images": None, "mask": None}
        return response

    def _run(self, request: JobRequest, runner: Any, given: dict[str, Any]) -> JobResponse:
        selected = None
        if request.script_name:
            selected = find_script(request.script_name, runner.selectable_scripts)
        script_args = self._script_args(request, runner, selected)
        task = request.force_task_id or progress.create_task_id("api")
        progress.add_task_to_queue(task)
        with self.queue_lock, closing(make_job(request, runner, given)) as p:
            shared.state.begin(job="api")
            progress.start_task(task)
            try:
                p.script_args = script_args if selected else tuple(script_args)
                processed = runner.run(p, *p.script_args) if selected else None
                if processed is None:
                    processed = processing.process_images(p)
            finally:
                progress.finish_task(task)
                shared.state.end()
        encoded = [encode_image(image) for image in processed.images] if request.send_images else []
        return JobResponse(images=encoded, parameters=dict(vars(request)), info=processed.js())

    def _script_args(
        self, request: JobRequest, runner: Any, selected: tuple[int, Any] | None
    ) -> list[Any]:
        args = list(self.defaults[runner])
        if selected:
            place, script = selected
            args[0] = place + 1
            args[script.args_from : script.args_to] = request.script_args or []
        for name, given in (request.alwayson_scripts or {}).items():
            _, script = find_script(name, runner.scripts)
            if not script.alwayson:
                detail = "Cannot have a selectable script in the always on scripts params"
                raise HTTPException(status_code=422, detail=detail)
            room = script.args_to - script.args_from
            values = list(given.get("args", []))[:room]
            args[script.args_from : script.args_from + len(values)] = values
        return args

    def png_info(self, request: PngInfoRequest) -> PngInfoResponse:
        """What a picture says about its making."""
        infotext, items = images.read_info_from_image(decode_image(request.image.strip()))
        parameters = infotext_utils.parse_generation_parameters(infotext or "")
        script_callbacks.infotext_pasted_callback(infotext or "", parameters)
        return PngInfoResponse(info=infotext or "", items=items, parameters=parameters)

    def get_options(self) -> dict[str, Any]:
        """All stored settings."""
        return dict(shared.opts.data)

    def set_options(self, request: dict[str, Any]) -> None:
        """Set and store settings."""
        for key, value in request.items():
            shared.opts.set(key, value, is_api=True)
        shared.opts.save(shared.config_filename)

    def progress(self) -> dict[str, Any]:
        """How far the running job is."""
        return {
            "progress": share_done(),
            "eta_relative": 0.0,
            "state": shared.state.dict(),
            "current_image": None,
            "textinfo": shared.state.textinfo,
            "current_task": progress.current_task,
        }

    def interrupt(self) -> dict[str, Any]:
        """End the running job."""
        shared.state.interrupt()
        return {}

    def scripts(self) -> dict[str, list[str]]:
        """Names of all scripts of both tabs."""
        runners = {"txt2img": scripts.scripts_txt2img, "img2img": scripts.scripts_img2img}
        return {
            tab: [script.name for script in runner.scripts if script.name is not None]
            for tab, runner in runners.items()
        }

    def script_info(self) -> list[dict[str, Any]]:
        """Every script's arguments: label, value, range."""
        found = [*scripts.scripts_txt2img.scripts, *scripts.scripts_img2img.scripts]
        return [asdict(script.api_info) for script in found if script.api_info is not None]

    def models(self) -> list[dict[str, Any]]:
        """The checkpoints, which have no file."""
        known = dict.fromkeys(sd_models.checkpoint_aliases.values())
        return [
            {
                "title": info.title,
                "model_name": info.model_name,
                "hash": None,
                "sha256": None,
                "filename": info.filename,
                "config": None,
            }
            for info in known
        ]

    def samplers(self) -> list[dict[str, Any]]:
        """The samplers a job may name."""
        return [
            {"name": sampler.name, "aliases": sampler.aliases, "options": sampler.options}
            for sampler in sd_samplers.all_samplers
        ]

    def schedulers(self) -> list[dict[str, Any]]:
        """The schedules a job may name."""
        return [
            {"name": scheduler.name, "label": scheduler.label, "aliases": None}
            for scheduler in sd_schedulers.schedulers
        ]

    def upscalers(self) -> list[dict[str, Any]]:
        """The upscalers by name."""
        return [
            {
                "name": upscaler.name,
                "model_name": None,
                "model_path": None,
                "model_url": None,
                "scale": None,
            }
            for upscaler in shared.sd_upscalers
        ]

    def styles(self) -> list[dict[str, Any]]:
        """The prompt styles."""
        return [
            {"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative_prompt}
            for style in shared.prompt_styles.styles.values()
        ]


def make_job(request: JobRequest, runner: Any, given: dict[str, Any]) -> Any:
    """The job of a request, with its scripts but without their values."""
    is_image_job = "init_images" in given
    cls = (
        processing.StableDiffusionProcessingImg2Img
        if is_image_job
        else processing.StableDiffusionProcessingTxt2Img
    )
    known = inspect.signature(cls).parameters
    values = {
        name: value
        for name, value in vars(request).items()
        if value is not None and name in known and name not in NOT_OF_THE_JOB
    }
    values["sampler_name"] = request.sampler_name or request.sampler_index
    values |= {name: value for name, value in given.items() if name in known}
    p = cls(sd_model=shared.sd_model, **values)
    p.is_api = True
    p.scripts = runner
    p.do_not_save_samples = p.do_not_save_grid = not request.save_images
    tab = "img2img" if is_image_job else "txt2img"
    p.outpath_samples = getattr(shared.opts, f"outdir_{tab}_samples")
    p.outpath_grids = getattr(shared.opts, f"outdir_{tab}_grids")
    return p

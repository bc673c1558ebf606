"""Routes beside the host's own API, behind the same doors; none where the host has no API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Depends, HTTPException, Request
from fastapi.routing import APIRoute

from bleed_guard.core.diagnose import describe_causes
from bleed_guard.core.record import GenerationRecord, RecordStore, describe_record
from bleed_guard.core.settings import PRESET_SETTINGS, SCHEMA, GuardSettings, Setting
from bleed_guard.host import presets

PREFIX = "/bleed-guard/v1"
HOST_ROUTE = "/sdapi/v1/options"
"""The host's API is on where this route is, and its dependencies are the host's --api-auth."""

LOGIN_ROUTE = "/config"
"""gradio's route whose dependencies are its own login check, for --gradio-auth."""

USER_ROUTE = "/user"
"""gradio's route whose endpoint tells the user who is logged in."""


def add_routes(app: Any, history: RecordStore) -> None:
    """on_app_started: GET schema, presets and last-report, if the host's API is on.

    They ask for what the host asks for: --api-auth's name and password if it is set, else
    --gradio-auth's login.
    """
    host_route = _find_route(app, HOST_ROUTE)
    if host_route is None:
        return
    guards = list(host_route.dependencies) or _find_login(app)
    find_user = _find_user(app)

    def last_report(request: Request) -> dict[str, Any]:
        record = history.latest(find_user(request))
        if record is None:
            raise HTTPException(404, "there is no guarded generation yet")
        return _describe_with_causes(record)

    for name, answer in (
        ("schema", describe_schema),
        ("presets", describe_presets),
        ("last-report", last_report),
    ):
        app.add_api_route(f"{PREFIX}/{name}", answer, methods=["GET"], dependencies=guards)


def _describe_with_causes(record: GenerationRecord) -> dict[str, Any]:
    """The record and, worked out now that somebody asks, the causes in each of its images."""
    plain = describe_record(record)
    for image, entry in zip(record.images, plain["images"], strict=True):
        entry["causes"] = describe_causes(image, tolerance=record.tolerance)
    return plain


def _find_route(app: Any, path: str) -> APIRoute | None:
    routes = (route for route in app.routes if isinstance(route, APIRoute))
    return next((route for route in routes if route.path == path), None)


def _find_login(app: Any) -> list[Depends]:  # type: ignore[valid-type]
    """gradio's login check; nothing where there is no page, as under --nowebui."""
    route = _find_route(app, LOGIN_ROUTE)
    return [] if route is None else list(route.dependencies)


def _find_user(app: Any) -> Callable[[Request], str]:
    route = _find_route(app, USER_ROUTE)
    return lambda request: (route.endpoint(request) or "") if route is not None else ""


def describe_schema() -> dict[str, Any]:
    """Every setting, in the order of the API's positional arguments."""
    return {"settings": [_describe_setting(setting) for setting in SCHEMA]}


def _describe_setting(setting: Setting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "label": setting.label,
        "help": setting.help,
        "type": type(setting.default).__name__,
        "default": setting.default,
        "choices": list(setting.choices),
        "minimum": setting.minimum,
        "maximum": setting.maximum,
        "step": setting.step,
        "infotext": setting.infotext,
    }


def describe_presets() -> dict[str, Any]:
    """What each preset decides: the built-in ones, then the users' own; and what is wrong with
    the file they are kept in, if anything is."""
    known = presets.load_all()
    return {
        "presets": {name: _describe_preset(preset) for name, preset in known.items()},
        "complaints": list(presets.shared_store().load().complaints),
    }


def _describe_preset(preset: GuardSettings) -> dict[str, Any]:
    return {key: getattr(preset, key) for key in PRESET_SETTINGS}

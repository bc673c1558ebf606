"""`/sdapi/v1/...` answers as the hosts do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from tests.minihost.conftest import as_base64, from_base64, host_names, probe_calls

Client = Callable[..., TestClient]


@pytest.fixture
def client(started: Callable[..., Any]) -> Client:
    """Starts a host and gives a client of its API: `client("forge", "--api-auth=a:b")`."""

    def connect(profile: str = "", *flags: str) -> TestClient:
        started(profile, *flags)
        from modules.call_queue import queue_lock

        from minihost.web.api import Api

        app = FastAPI()
        Api(app, queue_lock)
        return TestClient(app)

    return connect


@pytest.fixture
def job(picture: Image.Image, mask: Image.Image) -> dict[str, Any]:
    """An inpaint request with a hard edge."""
    return {
        "init_images": [as_base64(picture)],
        "mask": as_base64(mask),
        "mask_blur": 0,
        "inpaint_full_res": False,
        "inpainting_fill": 1,
        "width": 128,
        "height": 64,
        "seed": 7,
        "steps": 4,
    }


@pytest.mark.parametrize("profile", host_names())
def test_inpaint_changes_the_mask_only(
    client: Client, job: dict[str, Any], picture: Image.Image, mask: Image.Image, profile: str
) -> None:
    answer = client(profile).post("/sdapi/v1/img2img", json=job).json()
    (encoded,) = answer["images"]
    result = np.asarray(from_base64(encoded).convert("RGB"))
    changed = np.any(result != np.asarray(picture), axis=2)
    assert changed[np.asarray(mask) > 0].mean() > 0.9
    assert not changed[np.asarray(mask) == 0].any()
    assert json.loads(answer["info"])["all_seeds"] == [7]
    assert answer["parameters"]["init_images"] is None
    assert answer["parameters"]["mask_blur"] == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (3, "nobody")),
        ({"Probe": {"args": [5]}}, (5, "nobody")),
        ({"probe": {"args": [5, "me"]}}, (5, "me")),
        ({"PROBE": {"args": [5, "me", "too many", 4]}}, (5, "me")),
        ({"probe": {}}, (3, "nobody")),
    ],
    ids=["none", "first", "both", "more than there are", "no args"],
)
def test_always_on_arguments_are_positional(
    client: Client, job: dict[str, Any], given: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    answer = client().post("/sdapi/v1/img2img", json=job | {"alwayson_scripts": given})
    assert answer.status_code == 200
    assert probe_calls() == [expected]


def test_selectable_script_runs_with_its_arguments(client: Client, job: dict[str, Any]) -> None:
    named = {"script_name": "shout", "script_args": ["hello"]}
    answer = client().post("/sdapi/v1/img2img", json=job | named)
    assert answer.status_code == 200
    assert probe_calls()[0] == ("run", "hello")


@pytest.mark.parametrize(
    ("change", "status", "detail"),
    [
        ({"init_images": None}, 404, "Init image not found"),
        ({"init_images": ["no picture"]}, 500, "Invalid encoded image"),
        ({"script_name": "missing"}, 422, "Script 'missing' not found"),
        ({"alwayson_scripts": {"missing": {"args": []}}}, 422, "Script 'missing' not found"),
        (
            {"alwayson_scripts": {"shout": {"args": []}}},
            422,
            "Cannot have a selectable script in the always on scripts params",
        ),
    ],
)
def test_bad_requests_are_answered(
    client: Client, job: dict[str, Any], change: dict[str, Any], status: int, detail: str
) -> None:
    answer = client().post("/sdapi/v1/img2img", json=job | change)
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)


def test_failing_job_is_told_and_the_next_one_runs(client: Client, job: dict[str, Any]) -> None:
    api = client()
    failing = job | {"width": 256, "height": 128, "resize_mode": 3, "inpainting_fill": 2}
    answer = api.post("/sdapi/v1/img2img", json=failing)
    assert answer.status_code == 500
    assert answer.json()["error"]
    assert api.post("/sdapi/v1/img2img", json=job).status_code == 200


def test_reply_is_encoded_as_the_setting_stands_after_the_job(
    client: Client, job: dict[str, Any]
) -> None:
    api = client()
    api.post("/sdapi/v1/options", json={"samples_format": "png"})
    overridden = job | {"override_settings": {"samples_format": "jpg"}}
    (reply,) = api.post("/sdapi/v1/img2img", json=overridden).json()["images"]
    assert from_base64(reply).format == "PNG"
    api.post("/sdapi/v1/options", json={"samples_format": "jpg"})
    (reply,) = api.post("/sdapi/v1/img2img", json=job).json()["images"]
    assert from_base64(reply).format == "JPEG"


def test_override_of_a_setting_never_stored_leaks(client: Client, job: dict[str, Any]) -> None:
    api = client()
    overridden = job | {"override_settings": {"samples_format": "webp"}}
    (reply,) = api.post("/sdapi/v1/img2img", json=overridden).json()["images"]
    assert from_base64(reply).format == "WEBP"
    assert api.get("/sdapi/v1/options").json()["samples_format"] == "webp"


def test_png_info_reads_the_reply(client: Client, job: dict[str, Any]) -> None:
    api = client()
    (reply,) = api.post("/sdapi/v1/img2img", json=job).json()["images"]
    answer = api.post("/sdapi/v1/png-info", json={"image": reply}).json()
    assert "Probe strength: 3" in answer["info"]
    assert answer["parameters"]["Probe strength"] == "3"
    assert answer["parameters"]["Size-1"] == "128"


def test_script_info_names_the_arguments(client: Client) -> None:
    scripts = {info["name"]: info for info in client().get("/sdapi/v1/script-info").json()}
    assert scripts["probe"]["is_alwayson"] is True
    assert scripts["probe"]["is_img2img"] is True
    assert [argument["label"] for argument in scripts["probe"]["args"]] == ["Strength", "Name"]
    strength = scripts["probe"]["args"][0]
    assert (strength["value"], strength["minimum"], strength["maximum"]) == (3, 0, 10)


def test_scripts_are_listed_by_tab(client: Client) -> None:
    assert client().get("/sdapi/v1/scripts").json() == {
        "txt2img": ["shout"],
        "img2img": ["probe", "shout"],
    }


def test_text_job_runs_without_the_image_scripts(client: Client) -> None:
    request = {"prompt": "a cup", "width": 128, "height": 64, "steps": 2}
    answer = client().post("/sdapi/v1/txt2img", json=request).json()
    assert from_base64(answer["images"][0]).size == (128, 64)
    assert probe_calls() == []


def test_flags_of_extensions_are_known(client: Client) -> None:
    flags = client("", "--probe-level=4").get("/sdapi/v1/cmd-flags").json()
    assert flags["probe_level"] == 4


@pytest.mark.parametrize(
    ("credentials", "status"),
    [(None, 401), (("ann", "wrong"), 401), (("bob", "pw"), 401), (("ann", "pw"), 200)],
)
def test_api_auth_guards_every_route(
    client: Client, credentials: tuple[str, str] | None, status: int
) -> None:
    api = client("", "--api-auth=ann:pw")
    for route in ("options", "script-info", "progress"):
        login: dict[str, Any] = {"auth": credentials} if credentials else {}
        assert api.get(f"/sdapi/v1/{route}", **login).status_code == status


def test_lists_clients_ask_for(client: Client) -> None:
    api = client()
    assert api.get("/sdapi/v1/sd-models").json()[0]["model_name"] == "minihost"
    assert "Euler a" in [sampler["name"] for sampler in api.get("/sdapi/v1/samplers").json()]
    assert api.get("/sdapi/v1/progress").json()["state"]["job_count"] == 0
    assert api.post("/sdapi/v1/interrupt").status_code == 200
    assert api.post("/sdapi/v1/skip").status_code == 200

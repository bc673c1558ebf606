"""The client people use (PyPI's `webuiapi`) works against the mini host over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import webuiapi
from PIL import Image

from tests.serving import serving_api


@pytest.fixture
def api(started: Callable[..., Any]) -> Iterator[webuiapi.WebUIApi]:
    """A client logged in to a served API."""
    started("", "--api-auth=ann:pw")
    with serving_api() as port:
        client = webuiapi.WebUIApi(port=port)
        client.set_auth("ann", "pw")
        yield client


def test_inpaint(api: webuiapi.WebUIApi, picture: Image.Image, mask: Image.Image) -> None:
    result: Any = api.img2img(
        images=[picture],
        mask_image=mask,
        mask_blur=0,
        inpaint_full_res=False,
        inpainting_fill=1,
        width=128,
        height=64,
        steps=4,
        seed=7,
        alwayson_scripts={"Probe": {"args": [8]}},
    )
    changed = np.any(np.asarray(result.image.convert("RGB")) != np.asarray(picture), axis=2)
    assert changed[np.asarray(mask) > 0].mean() > 0.9
    assert not changed[np.asarray(mask) == 0].any()
    assert "Probe strength: 8" in result.info["infotexts"][0]
    assert "Probe strength: 8" in api.png_info(result.image).info


def test_options_are_read_and_written(api: webuiapi.WebUIApi) -> None:
    api.set_options({"jpeg_quality": 61})
    assert api.get_options()["jpeg_quality"] == 61


def test_lists(api: webuiapi.WebUIApi) -> None:
    assert api.get_scripts()["img2img"] == ["probe", "shout"]
    assert "Euler" in [sampler["name"] for sampler in api.get_samplers()]
    assert "minihost" in [model["model_name"] for model in api.get_sd_models()]
    assert api.get_cmd_flags()["api_auth"] == "ann:pw"
    assert api.get_progress()["progress"] == 0

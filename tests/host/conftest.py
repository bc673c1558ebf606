"""A host in this process, of the kind whose packages are installed, before `modules` is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio
import numpy as np
import pytest

import minihost
from tests.serving import serving_api


def installed_profile() -> str:
    """The host whose pins this environment has."""
    if gradio.__version__.startswith("3."):
        return "a1111"
    return "neo" if int(np.__version__.split(".")[0]) >= 2 else "forge"


minihost.activate(installed_profile())


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A fresh host with an empty data folder, which is returned."""
    minihost.activate(installed_profile(), data_dir=tmp_path)
    return tmp_path


@pytest.fixture
def guarded_host(tmp_path: Path) -> Any:
    """A fresh host with the extension: tests/host/guarded.py."""
    from tests.host.guarded import GuardedHost

    return GuardedHost(installed_profile(), tmp_path)


@pytest.fixture
def url(guarded_host: Any) -> Iterator[str]:
    """Address where that host serves its API."""
    with serving_api() as port:
        yield f"http://127.0.0.1:{port}"

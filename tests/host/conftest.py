"""A host in this process, of the kind whose packages are installed, before `modules` is needed."""

from __future__ import annotations

from pathlib import Path

import gradio
import numpy as np
import pytest

import minihost


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

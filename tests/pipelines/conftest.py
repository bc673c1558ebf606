# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
"""Fixtures of real Diffusers pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.pipelines.tiny import TinyPipeline

MODELS = ("sd15", "sdxl", "flux")


@pytest.fixture(scope="session", params=MODELS)
def tiny(request: pytest.FixtureRequest) -> TinyPipeline:
    return _make(request.param)


@pytest.fixture(scope="session")
def tiny_sd15() -> TinyPipeline:
    return _make("sd15")


def _make(name: str) -> TinyPipeline:
    pytest.importorskip("diffusers", reason="diffusers is not installed in this environment")
    from tests.pipelines.tiny import TinyPipeline

    return TinyPipeline(name)

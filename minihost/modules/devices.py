"""The host's devices, of which there is one: no tensor library is needed here."""

from __future__ import annotations

import contextlib

import numpy as np

cpu = device = device_codeformer = device_esrgan = device_gfpgan = device_interrogate = "cpu"
dtype = dtype_vae = dtype_unet = dtype_inference = np.float32
fp8 = False


def torch_gc() -> None:
    """Where a host frees its graphics memory."""


def get_optimal_device() -> str:
    """Name of the only device."""
    return device


def autocast(disable: bool = False) -> contextlib.AbstractContextManager[None]:
    """A context in which nothing is cast."""
    return contextlib.nullcontext()


def without_autocast(disable: bool = False) -> contextlib.AbstractContextManager[None]:
    """A context in which nothing is cast."""
    return contextlib.nullcontext()

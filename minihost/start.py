"""Starts a host in this process: the part of `minihost.activate` that needs `modules`."""

from __future__ import annotations

from pathlib import Path

from modules import (
    errors,
    extensions,
    extra_networks,
    infotext_utils,
    paths,
    progress,
    script_callbacks,
    script_loading,
    scripts,
    shared,
)

from minihost.engines import Engine, find_engine
from minihost.profiles import HostProfile


def start_host(
    profile: HostProfile,
    engine: str | Engine,
    *,
    data_dir: Path | str | None,
    flags: tuple[str, ...],
    model_name: str,
) -> None:
    """Points `modules` at the data folder and fills everything shared anew."""
    chosen = find_engine(engine)
    paths.configure(data_dir)
    shared.configure(profile, chosen, flags, model_name)
    errors.exception_records.clear()
    script_loading.loaded_scripts.clear()
    extra_networks.initialize()
    extensions.forget()
    script_callbacks.clear_callbacks()
    infotext_utils.reset()
    progress.forget()
    scripts.forget()

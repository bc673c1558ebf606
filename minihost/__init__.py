"""A miniature WebUI: the hosts' `modules` without a model, for tests and the demo.

`activate` makes this process look like one of the hosts: afterwards `from modules import
scripts` and the like work as they do inside AUTOMATIC1111, Forge, Forge Neo or reForge.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from minihost.profiles import PROFILES, HostProfile, find_profile

if TYPE_CHECKING:
    from minihost.engines import Engine

__all__ = ["PROFILES", "HostProfile", "activate", "find_profile"]

ROOT = Path(__file__).resolve().parent


def activate(
    profile: str | HostProfile = "a1111",
    *,
    engine: str | Engine = "drift",
    data_dir: Path | str | None = None,
    flags: Iterable[str] = (),
    model_name: str = "minihost",
) -> HostProfile:
    """Starts the host afresh in this process: settings, state, callbacks and scripts are new.

    Objects others have imported (`modules.shared.opts`, ...) stay the same objects.

    Args:
        profile: A name in `PROFILES`, or a profile.
        engine: A name in `minihost.engines.ENGINES`, or an engine.
        data_dir: Folder for settings and outputs; a temporary one, removed at exit, if None.
        flags: Command line flags as the host takes them ("--api", ...). Extensions' own
            flags are known once `modules.script_loading.preload_extensions` has run.
        model_name: What infotexts say under "Model".

    Raises:
        KeyError: There is no such profile or engine.
    """
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from minihost.start import start_host

    found = find_profile(profile)
    start_host(found, engine, data_dir=data_dir, flags=tuple(flags), model_name=model_name)
    return found

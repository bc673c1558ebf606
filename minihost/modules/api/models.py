"""What the API tells about scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class ScriptArg:
    """One argument of a script: its component's label, value and range."""

    label: str = ""
    value: Any = None
    minimum: Any = None
    maximum: Any = None
    step: Any = None
    choices: list[str] | None = None


@dataclass
class ScriptInfo:
    """A script as `/sdapi/v1/script-info` lists it; arguments in positional order."""

    name: str
    is_alwayson: bool
    is_img2img: bool
    args: list[ScriptArg] = field(default_factory=list)

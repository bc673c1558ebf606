"""The model that is not there: names for infotexts and file names."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

REFINER_SUFFIX = "-refiner"


@dataclass(frozen=True)
class CheckpointInfo:
    """A checkpoint's names; there is no file behind them."""

    name_for_extra: str

    @property
    def name(self) -> str:
        """File name."""
        return f"{self.name_for_extra}.safetensors"

    @property
    def title(self) -> str:
        """What lists show."""
        return self.name

    @property
    def short_title(self) -> str:
        """Title without folders."""
        return self.name_for_extra

    @property
    def model_name(self) -> str:
        """File name without its ending."""
        return self.name_for_extra

    @property
    def filename(self) -> str:
        """Where a host would find it."""
        return self.name


@dataclass
class SdModel:
    """Stands where the hosts keep the loaded model."""

    name: str
    sd_model_hash: str | None = None
    is_inpaint: bool = False
    is_sdxl: bool = False
    use_distilled_cfg_scale: bool = False
    cond_stage_key: str = "txt"
    comments: list[str] = field(default_factory=list)
    extra_generation_params: dict[str, Any] = field(default_factory=dict)
    model: Any = field(default_factory=lambda: SimpleNamespace(conditioning_key="crossattn"))

    @property
    def sd_checkpoint_info(self) -> CheckpointInfo:
        """The loaded checkpoint."""
        return CheckpointInfo(self.name)

    def load(self, name: str) -> None:
        """Another checkpoint takes its place."""
        self.name = name
        self.comments, self.extra_generation_params = [], {}


def _checkpoints() -> list[CheckpointInfo]:
    from modules import shared

    name = shared.sd_model.name
    return [CheckpointInfo(name), CheckpointInfo(name + REFINER_SUFFIX)]


def checkpoint_tiles(use_short: bool = False) -> list[str]:
    """Titles of the checkpoint and of its refiner."""
    return [info.short_title if use_short else info.title for info in _checkpoints()]


def get_closet_checkpoint_match(search_string: str | None) -> CheckpointInfo | None:
    """The checkpoint whose name contains the text (the hosts spell it so), or None."""
    if not search_string:
        return None
    for info in _checkpoints():
        if search_string in (info.title, info.short_title):
            return info
    return next((info for info in _checkpoints() if search_string in info.title), None)


def __getattr__(name: str) -> Any:
    if name == "checkpoint_aliases":
        found = _checkpoints()
        return {alias: info for info in found for alias in (info.title, info.short_title)}
    raise AttributeError(name)

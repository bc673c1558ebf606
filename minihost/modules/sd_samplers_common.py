"""What samplers have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_STRENGTH = 0.999
"""The hosts take a denoising strength of 1 for this."""


class SamplerData(NamedTuple):
    """One entry of the sampler list."""

    name: str
    aliases: list[str]
    options: dict[str, Any]

    def total_steps(self, steps: int) -> int:
        """Calls of the model for that many steps."""
        return steps * 2 if self.options.get("second_order") else steps


@dataclass
class Sampler:
    """The sampler of a running job: a name and how far it is."""

    config: SamplerData
    model_wrap_cfg: Any = None
    step: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


class InterruptedException(BaseException):
    """Sampling ends here: the user wishes so."""


def setup_img2img_steps(p: Any, steps: int | None = None) -> tuple[int, int]:
    """(steps of the schedule, number of the last skipped one from its end) of an image job.

    The model runs one step more than the second number says.
    """
    from modules import shared

    if shared.opts.img2img_fix_steps or steps is not None:
        requested = steps or p.steps
        total = (
            int(requested / min(p.denoising_strength, MAX_STRENGTH)) if p.denoising_strength else 0
        )
        return total, requested - 1
    return p.steps, int(min(p.denoising_strength, MAX_STRENGTH) * p.steps)

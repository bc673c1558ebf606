"""Samplers by name; one stand-in plays them all."""

from __future__ import annotations

from typing import Any

from modules import sd_schedulers
from modules.sd_samplers_common import InterruptedException, Sampler, SamplerData

__all__ = ["InterruptedException", "Sampler", "SamplerData"]

all_samplers = [
    SamplerData("DPM++ 2M", ["k_dpmpp_2m"], {"scheduler": "karras"}),
    SamplerData("DPM++ SDE", ["k_dpmpp_sde"], {"scheduler": "karras", "second_order": True}),
    SamplerData("Euler a", ["k_euler_a", "k_euler_ancestral"], {"uses_ensd": True}),
    SamplerData("Euler", ["k_euler"], {}),
    SamplerData("LMS", ["k_lms"], {}),
    SamplerData("Heun", ["k_heun"], {"second_order": True}),
    SamplerData("DDIM", ["ddim"], {}),
    SamplerData("UniPC", ["unipc"], {}),
]
samplers = samplers_for_img2img = all_samplers
all_samplers_map = {sampler.name: sampler for sampler in all_samplers}
samplers_map = {
    alias.lower(): sampler.name
    for sampler in all_samplers
    for alias in (sampler.name, *sampler.aliases)
}


def find_sampler_config(name: str | None) -> SamplerData | None:
    """The sampler of that name; the first one for None."""
    return all_samplers[0] if name is None else all_samplers_map.get(name)


def create_sampler(name: str | None, model: Any) -> Sampler:
    """A sampler for one job.

    Raises:
        ValueError: There is no such sampler.
    """
    config = find_sampler_config(name)
    if config is None:
        raise ValueError(f"bad sampler name: {name}")
    return Sampler(config)


def visible_samplers() -> list[SamplerData]:
    """The samplers the page offers."""
    return all_samplers


def visible_sampler_names() -> list[str]:
    """Their names."""
    return [sampler.name for sampler in all_samplers]


def get_sampler_and_scheduler(
    sampler_name: str | None, scheduler_name: str | None, *, convert_automatic: bool = True
) -> tuple[str, str]:
    """Sampler and scheduler by their names; old names like "Euler Karras" hold both."""
    name = sampler_name or all_samplers[0].name
    scheduler = sd_schedulers.schedulers_map.get(scheduler_name or "", sd_schedulers.schedulers[0])
    for candidate in sd_schedulers.schedulers:
        if name.endswith(f" {candidate.label}"):
            name, scheduler = name.removesuffix(f" {candidate.label}"), candidate
    sampler = all_samplers_map.get(name, all_samplers[0])
    if convert_automatic and sampler.options.get("scheduler") == scheduler.name:
        scheduler = sd_schedulers.schedulers[0]
    return sampler.name, scheduler.label


def fix_p_invalid_sampler_and_scheduler(p: Any) -> None:
    """Gives the job a sampler and a scheduler that exist."""
    p.sampler_name, p.scheduler = get_sampler_and_scheduler(
        p.sampler_name, p.scheduler, convert_automatic=False
    )

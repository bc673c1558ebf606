"""Extra networks of the prompt, `<lora:name:1>`; none is registered by itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from modules import errors

_IN_PROMPT = re.compile(r"<(\w+):([^>]+)>")

extra_network_registry: dict[str, ExtraNetwork] = {}


class ExtraNetworkParams:
    """What stands between the colons."""

    def __init__(self, items: Iterable[str] = ()) -> None:
        self.items = list(items)
        pairs = [item.split("=", 1) for item in self.items]
        self.positional = [pair[0] for pair in pairs if len(pair) == 1]
        self.named = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExtraNetworkParams) and self.items == other.items

    __hash__ = None  # type: ignore[assignment]  # changeable, as in the hosts


class ExtraNetwork:
    """Base of the networks extensions register."""

    def __init__(self, name: str) -> None:
        self.name = name

    def activate(self, p: Any, params_list: list[ExtraNetworkParams]) -> None:
        """Called for every batch, with an empty list when the prompt does not name it."""

    def deactivate(self, p: Any) -> None:
        """Called at the job's end."""


def initialize() -> None:
    """No network is registered."""
    extra_network_registry.clear()


def register_extra_network(extra_network: ExtraNetwork) -> None:
    """Makes prompts' `<name:...>` find it."""
    extra_network_registry[extra_network.name] = extra_network


def activate(p: Any, extra_network_data: dict[str, list[ExtraNetworkParams]]) -> None:
    """Activates all networks and tells the scripts."""
    for name, network in extra_network_registry.items():
        try:
            network.activate(p, extra_network_data.get(name, []))
        except Exception as error:
            errors.display(error, f"activating extra network {name}")
    if p.scripts is not None:
        p.scripts.after_extra_networks_activate(
            p,
            batch_number=p.iteration,
            prompts=p.prompts,
            seeds=p.seeds,
            subseeds=p.subseeds,
            extra_network_data=extra_network_data,
        )


def deactivate(p: Any, extra_network_data: dict[str, list[ExtraNetworkParams]]) -> None:
    """Deactivates all networks."""
    for name, network in extra_network_registry.items():
        try:
            network.deactivate(p)
        except Exception as error:
            errors.display(error, f"deactivating extra network {name}")


def parse_prompt(prompt: str) -> tuple[str, dict[str, list[ExtraNetworkParams]]]:
    """The prompt without its networks, and the networks by name."""
    found: defaultdict[str, list[ExtraNetworkParams]] = defaultdict(list)
    for name, arguments in _IN_PROMPT.findall(prompt):
        found[name].append(ExtraNetworkParams(arguments.split(":")))
    return _IN_PROMPT.sub("", prompt), found


def parse_prompts(prompts: list[str]) -> tuple[list[str], dict[str, list[ExtraNetworkParams]]]:
    """All prompts without their networks, and the first prompt's networks."""
    parsed = [parse_prompt(prompt) for prompt in prompts]
    return [text for text, _ in parsed], parsed[0][1] if parsed else {}

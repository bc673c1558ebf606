"""Prompt styles, kept in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class PromptStyle(NamedTuple):
    """A named piece of prompt; "{prompt}" in it stands for the user's own."""

    name: str
    prompt: str | None
    negative_prompt: str | None
    path: str | None = None


def _merge(style: str, prompt: str) -> str:
    if "{prompt}" in style:
        return style.replace("{prompt}", prompt)
    return ", ".join(part for part in (prompt.strip(), style.strip()) if part)


class StyleDatabase:
    """The styles by name."""

    def __init__(self) -> None:
        self.styles: dict[str, PromptStyle] = {}

    def get_style_prompts(self, styles: Iterable[str]) -> list[str]:
        """Positive texts of the named styles."""
        return [self.styles[x].prompt or "" for x in styles if x in self.styles]

    def get_negative_style_prompts(self, styles: Iterable[str]) -> list[str]:
        """Negative texts of the named styles."""
        return [self.styles[x].negative_prompt or "" for x in styles if x in self.styles]

    def apply_styles_to_prompt(self, prompt: str, styles: Iterable[str]) -> str:
        """The prompt with the styles' texts."""
        for text in self.get_style_prompts(styles):
            prompt = _merge(text, prompt)
        return prompt

    def apply_negative_styles_to_prompt(self, prompt: str, styles: Iterable[str]) -> str:
        """The negative prompt with the styles' texts."""
        for text in self.get_negative_style_prompts(styles):
            prompt = _merge(text, prompt)
        return prompt

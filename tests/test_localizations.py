"""Every string the page shows is translated in every language, and no translation is stale.

The host swaps a text on the page for the entry of that text; the page's script asks for an entry
by the text with its {placeholders}, through `say("...")`, and fills it in afterwards.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from bleed_guard.core.settings import SCHEMA
from bleed_guard.core.wording import BUCKETS, LEVELS, MEASURED, REASONS, SOURCES, WORDING
from minihost import activate

ROOT = Path(__file__).parents[1]
LANGUAGES = ("zh_CN", "zh_TW", "ja_JP", "ko_KR", "de_DE", "fr_FR", "es_ES")
SAME_EVERYWHERE = {"png", "cividis", "viridis", "inferno", "Soft Inpainting", "1,000"}
SAME_IN = {
    "de_DE": {"Format", "Linear", "Original", "Pixel", "Prompt", "Refiner", "Zone", "Zoom", "max"},
    "fr_FR": {
        "Format",
        "Original",
        "Pixel",
        "Prompt",
        "Refiner",
        "Second",
        "Zone",
        "Zones",
        "Zoom",
        "max",
    }
    | {"16 bits", "8 bits", "format", "membrane", "opaque", "scripts"},
    "es_ES": {"16 bits", "8 bits", "Original", "Prompt", "Refiner", "Zoom", "scripts"},
    "ja_JP": {"Refiner"},
    "zh_CN": {"Refiner"},
    "zh_TW": {"Refiner"},
}
SHOWN_ARGUMENTS = {"label", "placeholder", "info"}
PROPER_NAMES = {"Bleed", "Bleed Guard"}


@cache
def page_strings() -> set[str]:
    """All texts of the panel, the settings section, the messages, and the page's script."""
    found = {*_settings(), *_messages(), *_options(), *_components(), *_complaints(), *_script()}
    return {text for text in found if text} - PROPER_NAMES


def _settings() -> Iterator[str]:
    for setting in SCHEMA:
        yield from (setting.label, setting.help, *setting.choices)


def _messages() -> Iterator[str]:
    for wording in (*WORDING.values(), *BUCKETS.values(), *MEASURED.values()):
        yield from (wording.what, wording.why, wording.fix)
    yield from (*LEVELS, *REASONS.values(), *SOURCES)


def _options() -> Iterator[str]:
    """The host shows an option's remark in brackets behind its label."""
    activate()
    from bleed_guard.host.options import OPTIONS  # needs a host

    for option in OPTIONS:
        yield from (option.label, *option.choices)
        if option.info:
            yield f"({option.info.rstrip('.')})"


def _components() -> Iterator[str]:
    """Texts spelt out where bleed_guard/ui builds gradio components."""
    for path in sorted((ROOT / "bleed_guard" / "ui").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and "gr." in ast.unparse(node.func):
                shown = [word.value for word in node.keywords if word.arg in SHOWN_ARGUMENTS]
                for value in (*node.args[:1], *shown):
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value


def _complaints() -> Iterator[str]:
    """Sentences an answer of bleed_guard/ui may be in place of what was asked for."""
    for path in sorted((ROOT / "bleed_guard" / "ui").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                value = getattr(node.exc.args[0], "value", None)
                if isinstance(value, str) and value.endswith("."):
                    yield value


def _script() -> Iterator[str]:
    for path in sorted((ROOT / "javascript").glob("*.js")):
        for literal in re.findall(r'\bsay\(\s*("(?:[^"\\\n]|\\.)*")', path.read_text("utf-8")):
            yield json.loads(literal)


def load(language: str) -> dict[str, str]:
    entries: dict[str, str] = json.loads(
        (ROOT / "localizations" / f"{language}.json").read_text(encoding="utf-8")
    )
    return entries


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


def test_there_is_a_file_for_each_language_and_no_other() -> None:
    files = {path.name for path in (ROOT / "localizations").iterdir()}
    assert files == {f"{language}.json" for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_untranslated(language: str) -> None:
    assert page_strings() - set(load(language)) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_stale(language: str) -> None:
    assert set(load(language)) - page_strings() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_translations(language: str) -> None:
    same = {text for text, translation in load(language).items() if text == translation}
    assert same <= SAME_EVERYWHERE | SAME_IN.get(language, set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_fill_in_the_same_values(language: str) -> None:
    for text, translation in load(language).items():
        assert translation.strip() == translation
        assert placeholders(translation) == placeholders(text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_are_text_and_never_markup(language: str) -> None:
    for translation in load(language).values():
        assert not re.search(r"[<>&]", translation)

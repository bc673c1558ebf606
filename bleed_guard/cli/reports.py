"""The outcomes of a run of checks in the formats people and CI systems read. Pure text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bleed_guard import __version__
from bleed_guard.cli.arguments import without_control
from bleed_guard.cli.errors import Exit
from bleed_guard.cli.outcome import Outcome, worst_code
from bleed_guard.core.report import Verdict

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_text(outcome: Outcome) -> str:
    """One outcome for a terminal: a line, where to look, and what to do."""
    comparison = outcome.comparison
    if comparison is None:
        return without_control(outcome.error)
    name = without_control(outcome.paths.result)
    lines = [f"{outcome.verdict}: {name}: {outcome.sentence}"]
    lines += [f"  note: {note}" for note in comparison.notes]
    if outcome.code is not Exit.BLEED:
        return "\n".join(lines)
    if comparison.alpha_changed:
        lines.append(f"  transparency changed in {comparison.alpha_changed:,} of them")
    for spot in comparison.report.worst:
        unit = "level" if spot.difference == 1 else "levels"
        lines.append(f"  look at x {spot.x}, y {spot.y}: {spot.difference} {unit}")
    lines.append(f"  to repair: {repair_command(outcome)}")
    return "\n".join(lines)


def repair_command(outcome: Outcome) -> str:
    """The command that mends this result, ready to paste into a shell."""
    import shlex

    words = (*outcome.paths, *outcome.mask_flags, "-o", "repaired.png")
    return without_control(f"python -m bleed_guard fix {shlex.join(words)}")


def render_json(outcomes: Sequence[Outcome]) -> str:
    """One outcome as an object; several as `checks` of an object with the worst exit code."""
    import json

    if len(outcomes) == 1:
        return json.dumps(outcomes[0].to_json(), indent=2) + "\n"
    report = {
        "version": __version__,
        "exit": int(worst_code(outcomes)),
        "checks": [outcome.to_json() for outcome in outcomes],
    }
    return json.dumps(report, indent=2) + "\n"


def render_junit(outcomes: Sequence[Outcome]) -> str:
    """JUnit XML: a test case per result."""
    from xml.etree import ElementTree

    counts = {
        "tests": len(outcomes),
        "failures": sum(outcome.code is Exit.BLEED for outcome in outcomes),
        "errors": sum(outcome.comparison is None for outcome in outcomes),
    }
    attributes = {key: str(count) for key, count in counts.items()}
    root = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "bleed_guard", **attributes})
    for outcome in outcomes:
        name = without_control(outcome.paths.result)
        case = ElementTree.SubElement(suite, "testcase", classname="bleed_guard.check", name=name)
        if outcome.code is not Exit.CLEAN:
            kind = "error" if outcome.comparison is None else "failure"
            message = without_control(outcome.sentence)
            detail = ElementTree.SubElement(case, kind, message=message, type=outcome.verdict)
            detail.text = render_text(outcome)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def render_sarif(outcomes: Sequence[Outcome]) -> str:
    """SARIF 2.1.0, as code scanning reads it: a result per file that failed."""
    import json

    rules = {
        "bleed": "Pixels outside the inpaint mask changed",
        "unreadable": "The pictures could not be compared",
    }
    driver = {
        "name": "Bleed Guard",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": text}} for rule, text in rules.items()],
    }
    results = [_sarif_result(outcome) for outcome in outcomes if outcome.code is not Exit.CLEAN]
    run = {"tool": {"driver": driver}, "results": results}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _sarif_result(outcome: Outcome) -> dict[str, Any]:
    location = {
        "physicalLocation": {
            "artifactLocation": {"uri": as_uri(outcome.paths.result)},
            "region": {"startLine": 1},  # code scanning drops results without a line
        }
    }
    return {
        "ruleId": "unreadable" if outcome.comparison is None else "bleed",
        "level": "error",
        "message": {"text": without_control(outcome.sentence)},
        "locations": [location],
    }


def as_uri(path: str) -> str:
    """A file path as a URI; a relative path stays relative."""
    from pathlib import PurePath
    from urllib.parse import quote

    pure = PurePath(path)
    if pure.is_absolute():
        return pure.as_uri()
    return quote(pure.as_posix(), errors="surrogateescape")  # a name may be no UTF-8


def render_github(outcomes: Sequence[Outcome]) -> str:
    """Workflow commands of GitHub Actions: an annotation per result that is not clean."""
    lines = []
    for outcome in outcomes:
        if outcome.verdict == Verdict.CLEAN.value:
            continue
        level = "error" if outcome.code is not Exit.CLEAN else "notice"
        file = _escape_property(outcome.paths.result)
        title = _escape_property(f"Bleed Guard: {outcome.verdict}")
        lines.append(f"::{level} file={file},title={title}::{_escape_message(outcome.sentence)}\n")
    return "".join(lines)


def _escape_message(text: str) -> str:
    lines = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return without_control(lines)


def _escape_property(text: str) -> str:
    return _escape_message(text).replace(":", "%3A").replace(",", "%2C")


def render_markdown(outcomes: Sequence[Outcome]) -> str:
    """A table, for a pull request's comment or a job's summary."""
    lines = [
        "| result | verdict | changed | protected | max | reach | seam ratio |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    lines += [_markdown_row(outcome) for outcome in outcomes]
    return "\n".join(lines) + "\n"


def _markdown_row(outcome: Outcome) -> str:
    name = _escape_markdown(outcome.paths.result)
    if outcome.comparison is None:
        return f"| {name} | {outcome.verdict}: {_escape_markdown(outcome.error)} | | | | | |"
    report = outcome.comparison.report
    numbers = (f"{report.changed:,}", f"{report.protected:,}", report.max, f"{report.reach} px")
    cells = " | ".join(str(number) for number in numbers)
    return f"| {name} | {outcome.verdict} | {cells} | {report.seam.ratio:.2f} |"


def _escape_markdown(text: str) -> str:
    for char in "\\`*_[]<>|&":
        text = text.replace(char, f"&#{ord(char)};") if char != "&" else text
    return " ".join(text.split())


RENDERERS: Mapping[str, Callable[[Sequence[Outcome]], str]] = MappingProxyType(
    {
        "json": render_json,
        "junit": render_junit,
        "sarif": render_sarif,
        "markdown": render_markdown,
    }
)

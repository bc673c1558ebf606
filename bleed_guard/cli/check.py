"""`check`: is everything outside the mask as it was?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from bleed_guard import __version__
from bleed_guard.cli.compare import (
    CompareOptions,
    Comparison,
    Paths,
    Pictures,
    as_eight_bits,
    compare_pictures,
    load_pictures,
)
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.core.heatmap import render_heatmap
from bleed_guard.core.job import Verdict
from bleed_guard.images import Picture
from bleed_guard.saving import write_picture


def run_check(arguments: argparse.Namespace) -> Exit:
    """Compare, print the verdict, write what was asked for."""
    paths = Paths(arguments.original, arguments.result, arguments.mask)
    options = CompareOptions(tolerance=arguments.tolerance, has_detail=arguments.json is not None)
    pictures = load_pictures(paths, options)
    comparison = compare_pictures(paths, pictures, options)
    if arguments.heatmap:
        _write_heatmap(arguments.heatmap, pictures, paths)
    if arguments.json:
        _write_text(arguments.json, json.dumps(_as_json(comparison), indent=2) + "\n")
    if arguments.json != "-":
        print(describe(comparison))
    return Exit.BLEED if comparison.report.verdict is Verdict.BLEED else Exit.CLEAN


def describe(comparison: Comparison) -> str:
    """The outcome for people: one line, and what to do about it where something bled."""
    report, paths = comparison.report, comparison.paths
    line = f"{report.verdict.value}: {paths.result}: {report.changed:,} of "
    line += f"{report.protected:,} protected pixels changed"
    if report.verdict is Verdict.WITHIN_TOLERANCE:
        line += f" by more than {report.tolerance}; largest difference {report.max}"
    lines = [line, *(f"  note: {note}" for note in comparison.notes)]
    if report.verdict is not Verdict.BLEED:
        return "\n".join(lines)
    share = 100 * report.changed / report.protected
    lines[0] += (
        f" ({share:.2g} %), max {report.max}, mean {report.mean:.2g}, reach {report.reach} px"
    )
    if comparison.alpha_changed:
        lines.append(f"  transparency changed in {comparison.alpha_changed:,} of them")
    lines += [f"  x {spot.x}, y {spot.y}: {spot.difference} levels" for spot in report.worst]
    files = " ".join(paths)
    lines.append(f"  to repair: python -m bleed_guard fix {files} -o REPAIRED.png")
    return "\n".join(lines)


def tell_share(share: float) -> str:
    """A share of 0-1 for people: "12.3 %", and never "0.0 %" for what is not nothing."""
    percent = 100 * share
    return "less than 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %"


def _as_json(comparison: Comparison) -> dict[str, Any]:
    return {"version": __version__, **comparison.to_json()}


def _write_heatmap(target: str, pictures: Pictures, paths: Paths) -> None:
    if Path(target).resolve() in {Path(path).resolve() for path in paths}:
        raise CommandError(f"{target}: the heatmap would overwrite a picture it is made from")
    heatmap = render_heatmap(*as_eight_bits(pictures), pictures.mask)
    write_picture(target, Picture(target, heatmap))


def _write_text(target: str, text: str) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{target}: cannot be written ({error.strerror or error})") from None

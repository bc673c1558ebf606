"""`check`: is everything outside the mask as it was?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.options import add_comparing, add_mask, choice
from bleed_guard.cli.outcome import Outcome, worst_code
from bleed_guard.cli.pictures import CompareOptions, Paths, Pictures, load_pictures
from bleed_guard.cli.quick import compare_pictures
from bleed_guard.cli.reports import RENDERERS, render_github, render_text
from bleed_guard.cli.streams import say
from bleed_guard.cli.terminal import Show, can_draw, draw_heatmap
from bleed_guard.images import Picture, PictureError

STDOUT = "-"
REPORTS = {
    "json": "the full report as JSON",
    "junit": "JUnit XML",
    "sarif": "SARIF, for code scanning",
    "markdown": "a Markdown table",
    "html": "one offline HTML page with slider and heatmap",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "files",
        nargs="+",
        metavar="ORIGINAL RESULT MASK",
        help="the picture before and after the inpaint, and its mask; several triples at once",
    )
    add_comparing(parser)
    add_mask(parser)
    for name, what in REPORTS.items():
        parser.add_argument(f"--{name}", metavar="FILE", help=f"write {what}; - is stdout")
    parser.add_argument("--github", action="store_true", help="print GitHub annotations")
    parser.add_argument(
        "--heatmap",
        metavar="FILE",
        help="write the differences as a picture (-1, -2 ... for several)",
    )
    parser.add_argument(
        "--show",
        type=choice(Show),
        default=Show.AUTO,
        metavar="WHEN",
        help="draw the heatmap in the terminal: auto, always, never",
    )


def run(arguments: argparse.Namespace) -> Exit:
    """Compare every triple, print the verdicts, write what was asked for."""
    triples = split_triples(arguments.files)
    targets = {name: getattr(arguments, name) for name in (*RENDERERS, "html")}
    heatmaps = _name_heatmaps(arguments.heatmap, len(triples))
    is_quiet = _check_targets(targets, heatmaps, triples)
    outcomes, sections = [], []
    for number, (paths, heatmap) in enumerate(zip(triples, heatmaps, strict=True), 1):
        outcome, pictures = check_one(paths, read_options(arguments))
        outcomes.append(outcome)
        if outcome.error or not is_quiet:
            say(f"{render_text(outcome)}\n", is_error=bool(outcome.error))
        if arguments.html:
            from bleed_guard.cli.html import render_section

            sections.append(render_section(number, outcome, pictures))
        if pictures:
            _draw(arguments.show, heatmap, outcome, pictures, is_quiet)
    _write_reports(targets, outcomes, sections)
    if arguments.github:  # the runner reads both streams
        say(render_github(outcomes), is_error=is_quiet)
    return worst_code(outcomes)


def split_triples(files: Sequence[str]) -> list[Paths]:
    """ORIGINAL RESULT MASK, again and again; CommandError if one is missing."""
    if len(files) % 3:
        raise CommandError(
            f"expected ORIGINAL RESULT MASK, or several such triples, got {len(files)} files"
        )
    return [Paths(*files[at : at + 3]) for at in range(0, len(files), 3)]


def read_options(arguments: argparse.Namespace) -> CompareOptions:
    """What the command line says about how to compare."""
    wanting = (*RENDERERS, "html")
    return CompareOptions(
        tolerance=arguments.tolerance,
        allowance=arguments.max_changed,
        protection=arguments.protect,
        mask_blur=arguments.mask_blur,
        mask_channel=arguments.mask_channel,
        invert=arguments.invert,
        has_detail=any(getattr(arguments, name) for name in wanting),
    )


def check_one(paths: Paths, options: CompareOptions) -> tuple[Outcome, Pictures | None]:
    """One triple's outcome, and its pictures where they could be compared."""
    try:
        pictures = load_pictures(paths, options)
    except PictureError as error:
        return Outcome(paths, Exit.USAGE, error=str(error)), None
    except CommandError as error:
        return Outcome(paths, error.code, error=str(error)), None
    comparison = compare_pictures(paths, pictures, options)
    return Outcome(paths, comparison.code, comparison, mask_flags=options.mask_flags), pictures


def _draw(
    show: Show, heatmap: str | None, outcome: Outcome, pictures: Pictures, is_quiet: bool
) -> None:
    """The heatmaps: a file if asked for, and the terminal if something bled."""
    if heatmap:
        _write_heatmap(heatmap, pictures)
    if outcome.code is Exit.BLEED and not is_quiet and can_draw(show):
        say(f"{draw_heatmap(pictures)}\n")


def _write_heatmap(target: str, pictures: Pictures) -> None:
    from bleed_guard.cli.compare import as_eight_bits
    from bleed_guard.core.heatmap import render_heatmap
    from bleed_guard.saving import write_picture

    heatmap = render_heatmap(*as_eight_bits(pictures), pictures.mask)
    write_picture(target, Picture(target, heatmap))


def _name_heatmaps(target: str | None, count: int) -> list[str | None]:
    """The heatmap's file of each pair: of several heat-1.png, heat-2.png ... for heat.png."""
    if not target or count == 1:
        return [target] * count
    path = Path(target)
    stem, suffix = path.stem, path.suffix
    return [str(path.with_name(f"{stem}-{number}{suffix}")) for number in range(1, count + 1)]


def _check_targets(
    targets: dict[str, str | None], heatmaps: list[str | None], triples: list[Paths]
) -> bool:
    """Whether a report goes to stdout, which then holds nothing else. CommandError on a clash."""
    if sum(target == STDOUT for target in targets.values()) > 1:
        raise CommandError("only one report can go to stdout (-)")
    inputs = {Path(path).resolve() for paths in triples for path in paths}
    for target in _named(targets, heatmaps):
        if Path(target).resolve() in inputs:
            raise CommandError(f"{target}: the report would overwrite a picture it is made from")
    return STDOUT in targets.values()


def _named(targets: dict[str, str | None], heatmaps: list[str | None]) -> Iterator[str]:
    yield from (target for target in (*targets.values(), *heatmaps) if target and target != STDOUT)


def _write_reports(
    targets: dict[str, str | None], outcomes: list[Outcome], sections: list[str]
) -> None:
    for name, target in targets.items():
        if not target:
            continue
        if name == "html":
            from bleed_guard.cli.html import render_page

            text = render_page(sections, outcomes)
        else:
            text = RENDERERS[name](outcomes)
        write_text(target, text)


def write_text(target: str, text: str) -> None:
    """Write to a file, or to stdout for "-"; CommandError if it cannot be."""
    if target == STDOUT:
        say(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise CommandError(f"{target}: cannot be written ({error.strerror or error})") from None

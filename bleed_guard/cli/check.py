"""`check`: is everything outside the mask as it was?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bleed_guard.cli.beside import reading_beside
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.options import add_comparing, add_mask, choice
from bleed_guard.cli.outcome import Outcome, worst_code
from bleed_guard.cli.pictures import (
    CompareOptions,
    Paths,
    Pictures,
    fit_pictures,
    read_mask,
)
from bleed_guard.cli.quick import compare_beside, compare_pictures
from bleed_guard.cli.reports import RENDERERS, render_github, render_text
from bleed_guard.cli.streams import STDOUT, say
from bleed_guard.cli.terminal import Show, can_draw, draw_heatmap
from bleed_guard.images import Picture, PictureError, read_picture

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
    named = {name: getattr(arguments, name) for name in (*RENDERERS, "html")}
    targets = {name: target for name, target in named.items() if target}
    heatmaps = _choose_heatmaps(targets, arguments.heatmap, triples)
    is_quiet = STDOUT in targets.values()
    draws = not is_quiet and can_draw(arguments.show)
    outcomes, sections = [], []
    for number, (paths, heatmap) in enumerate(zip(triples, heatmaps, strict=True), 1):
        keeps_pictures = bool(draws or heatmap or arguments.html)
        options = read_options(arguments)
        outcome, pictures = check_one(paths, options, keeps_pictures=keeps_pictures)
        outcomes.append(outcome)
        if outcome.error or not is_quiet:
            say(f"{render_text(outcome)}\n", is_error=bool(outcome.error))
        if arguments.html:
            from bleed_guard.cli.html import render_section

            sections.append(render_section(number, outcome, pictures))
        if pictures and heatmap:
            _write_heatmap(heatmap, pictures)
        if pictures and draws and outcome.code is Exit.BLEED:
            say(f"{draw_heatmap(pictures)}\n")
    if targets:
        _write_reports(targets, outcomes, sections)
    if arguments.github:  # the runner reads both streams
        say(render_github(outcomes), is_error=is_quiet)
    return worst_code(outcomes)


def _choose_heatmaps(
    targets: dict[str, str], heatmap: str | None, triples: list[Paths]
) -> list[str | None]:
    """The heatmap's file of each triple. CommandError where files that are written clash."""
    if not targets and not heatmap:
        return [None] * len(triples)
    from bleed_guard.cli.targets import check_targets, name_heatmaps

    heatmaps = name_heatmaps(heatmap, len(triples))
    check_targets([*targets.values(), *filter(None, heatmaps)], triples)
    return heatmaps


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


def check_one(
    paths: Paths, options: CompareOptions, *, keeps_pictures: bool = True
) -> tuple[Outcome, Pictures | None]:
    """One triple's outcome, and its pictures where they could be compared and are asked for, or
    it took them all to compare them."""
    pictures = None
    try:
        with reading_beside(paths.result) as result:
            original, mask = read_picture(paths.original), read_mask(paths, options)
            comparison = None
            if not keeps_pictures:
                comparison = compare_beside(paths, original, result, mask, options)
            if comparison is None:
                pictures = fit_pictures(paths, original, result.whole, mask)
                comparison = compare_pictures(paths, pictures, options)
    except PictureError as error:
        return Outcome(paths, Exit.USAGE, error=str(error)), None
    except CommandError as error:
        return Outcome(paths, error.code, error=str(error)), None
    return Outcome(paths, comparison.code, comparison, mask_flags=options.mask_flags), pictures


def _write_heatmap(target: str, pictures: Pictures) -> None:
    from bleed_guard.cli.compare import as_eight_bits
    from bleed_guard.core.heatmap import render_heatmap
    from bleed_guard.saving import write_picture

    heatmap = render_heatmap(*as_eight_bits(pictures), pictures.mask)
    write_picture(target, Picture(target, heatmap))


def _write_reports(targets: dict[str, str], outcomes: list[Outcome], sections: list[str]) -> None:
    from bleed_guard.cli.targets import write_text

    for name, target in targets.items():
        if name == "html":
            from bleed_guard.cli.html import render_page

            text = render_page(sections, outcomes)
        else:
            text = RENDERERS[name](outcomes)
        write_text(target, text)

"""`check`: is everything outside the mask as it was?

Light on imports: what compares and tells is loaded while the first pictures are being read.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bleed_guard.cli.beside import reading_beside
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.options import add_comparing, add_mask, choice, file_name
from bleed_guard.cli.streams import STDOUT, say
from bleed_guard.cli.terminal import Show, can_draw, draw_heatmap

if TYPE_CHECKING:
    from bleed_guard.cli.outcome import Outcome
    from bleed_guard.cli.pictures import CompareOptions, Pictures

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
        parser.add_argument(
            f"--{name}", type=file_name, metavar="FILE", help=f"write {what}; - is stdout"
        )
    parser.add_argument("--github", action="store_true", help="print GitHub annotations")
    parser.add_argument(
        "--heatmap",
        type=file_name,
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
    named = {name: getattr(arguments, name) for name in REPORTS}
    targets = {name: target for name, target in named.items() if target}
    heatmaps = _choose_heatmaps(targets, arguments.heatmap, triples)
    is_quiet = STDOUT in targets.values()
    draws = not is_quiet and can_draw(arguments.show)
    outcomes, sections = [], []
    for number, (triple, heatmap) in enumerate(zip(triples, heatmaps, strict=True), 1):
        keeps_pictures = bool(draws or heatmap or arguments.html)
        outcome, pictures = check_one(triple, arguments, keeps_pictures=keeps_pictures)
        outcomes.append(outcome)
        if outcome.error or not is_quiet:
            _tell(outcome)
        if arguments.html:
            from bleed_guard.cli.html import render_section

            sections.append(render_section(number, outcome, pictures))
        if pictures and heatmap:
            _write_heatmap(heatmap, pictures)
        if pictures and draws and outcome.code is Exit.BLEED:
            say(f"{draw_heatmap(pictures)}\n")
    return _conclude(outcomes, sections, targets, arguments.github)


def split_triples(files: Sequence[str]) -> list[tuple[str, ...]]:
    """ORIGINAL RESULT MASK, again and again; CommandError if one is missing."""
    if len(files) % 3:
        raise CommandError(
            f"expected ORIGINAL RESULT MASK, or several such triples, got {len(files)} files"
        )
    return [tuple(files[at : at + 3]) for at in range(0, len(files), 3)]


def _choose_heatmaps(
    targets: dict[str, str], heatmap: str | None, triples: list[tuple[str, ...]]
) -> list[str | None]:
    """The heatmap's file of each triple. CommandError where files that are written clash."""
    if not targets and not heatmap:
        return [None] * len(triples)
    from bleed_guard.cli.targets import check_targets, name_heatmaps

    heatmaps = name_heatmaps(heatmap, len(triples))
    check_targets([*targets.values(), *filter(None, heatmaps)], triples)
    return heatmaps


def check_one(
    triple: tuple[str, ...], arguments: argparse.Namespace, *, keeps_pictures: bool
) -> tuple[Outcome, Pictures | None]:
    """One triple's outcome, and its pictures where they could be compared and are asked for, or
    it took them all to compare them."""
    reading = reading_beside(triple[1]), reading_beside(triple[0], processors=3)
    with reading[0] as result, reading[1] as original:
        from bleed_guard.cli.pictures import Paths
        from bleed_guard.cli.quick import check_files

        options = read_options(arguments)
        return check_files(Paths(*triple), original, result, options, keeps_pictures=keeps_pictures)


def read_options(arguments: argparse.Namespace) -> CompareOptions:
    """What the command line says about how to compare."""
    from bleed_guard.cli.pictures import NOTHING, CompareOptions
    from bleed_guard.core.report import Protection

    return CompareOptions(
        tolerance=arguments.tolerance,
        allowance=arguments.max_changed or NOTHING,
        protection=Protection(arguments.protect),
        mask_blur=arguments.mask_blur,
        mask_channel=arguments.mask_channel,
        invert=arguments.invert,
        has_detail=any(getattr(arguments, name) for name in REPORTS),
    )


def _tell(outcome: Outcome) -> None:
    from bleed_guard.cli.reports import render_text

    say(f"{render_text(outcome)}\n", is_error=bool(outcome.error))


def _write_heatmap(target: str, pictures: Pictures) -> None:
    from bleed_guard.cli.compare import as_eight_bits
    from bleed_guard.core.heatmap import render_heatmap
    from bleed_guard.images import Picture
    from bleed_guard.saving import write_picture

    heatmap = render_heatmap(*as_eight_bits(pictures), pictures.mask)
    write_picture(target, Picture(target, heatmap))


def _conclude(
    outcomes: list[Outcome], sections: list[str], targets: dict[str, str], is_on_github: bool
) -> Exit:
    """Write the reports; the exit code of all checks."""
    from bleed_guard.cli.outcome import worst_code

    if targets:
        _write_reports(targets, outcomes, sections)
    if is_on_github:  # the runner reads both streams
        from bleed_guard.cli.reports import render_github

        say(render_github(outcomes), is_error=STDOUT in targets.values())
    return worst_code(outcomes)


def _write_reports(targets: dict[str, str], outcomes: list[Outcome], sections: list[str]) -> None:
    from bleed_guard.cli.reports import RENDERERS
    from bleed_guard.cli.targets import write_text

    for name, target in targets.items():
        if name == "html":
            from bleed_guard.cli.html import render_page

            text = render_page(sections, outcomes)
        else:
            text = RENDERERS[name](outcomes)
        write_text(target, text)

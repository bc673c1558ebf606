"""`audit`: check a folder or a manifest of any length."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread

from bleed_guard.audit.engines import EngineName
from bleed_guard.audit.journal import state_of
from bleed_guard.audit.page import render_index
from bleed_guard.audit.pairs import Patterns, read_pairs
from bleed_guard.audit.run import AuditPlan, run_audit
from bleed_guard.audit.store import identify, is_url
from bleed_guard.audit.summary import render_summary
from bleed_guard.audit.worker import AuditOptions
from bleed_guard.cli.arguments import without_control
from bleed_guard.cli.errors import CommandError, Exit
from bleed_guard.cli.options import add_comparing, add_mask, choice, file_name, whole_number
from bleed_guard.cli.pictures import NOTHING, CompareOptions
from bleed_guard.cli.streams import STDOUT, say
from bleed_guard.cli.targets import write_text
from bleed_guard.core.report import Protection

EXIT_CODES = (
    "exit codes: 0 all clean, 1 bleed, 2 usage or files that could not be compared, 130 interrupted"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.epilog = EXIT_CODES
    parser.add_argument(
        "source",
        metavar="FOLDER|MANIFEST",
        help="a folder, or a .csv, .jsonl or .parquet with the columns original, result, mask; "
        "also a URL of any store fsspec knows",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=file_name,
        required=True,
        metavar="OUT",
        help="the results: .jsonl or .parquet",
    )
    for what, pattern in vars(Patterns()).items():
        parser.add_argument(
            f"--{what}",
            default=pattern,
            metavar="PATTERN",
            help=f"how a folder's {what} files are named ({pattern})",
        )
    add_comparing(parser)
    add_mask(parser)
    parser.add_argument(
        "--ignore-infotext",
        action="store_true",
        help="do not read mask blur, tolerance and protection from the pictures' parameters",
    )
    add_engine(parser)
    for name, what in (("html", "an index of the worst"), ("json", "the summary")):
        parser.add_argument(
            f"--{name}", type=file_name, metavar="FILE", help=f"write {what}; - is stdout"
        )
    parser.add_argument(
        "--restart", action="store_true", help="begin anew, even if an audit was interrupted"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing results file")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Where the work is done."""
    parser.add_argument(
        "--engine",
        type=choice(EngineName),
        default=EngineName.PROCESSES,
        metavar="NAME",
        help="processes: of this machine; serial: none; dask: a cluster",
    )
    parser.add_argument(
        "--workers",
        type=whole_number(0, 1024),
        default=0,
        metavar="N",
        help="one a core",
    )
    parser.add_argument(
        "--scheduler", default="", metavar="URL", help="Dask's scheduler, such as tcp://host:8786"
    )
    parser.add_argument(
        "--chunk",
        type=whole_number(1, 10_000),
        default=16,
        metavar="N",
        help="pairs at once",
    )


def run(arguments: argparse.Namespace) -> Exit:
    """Audit, print the summary, write what was asked for."""
    if arguments.json == STDOUT == arguments.html:
        raise CommandError("only one report can go to stdout (-)")
    plan = read_plan(arguments)
    reports = (arguments.html, arguments.json)
    check_targets(plan, [Path(report) for report in reports if report and report != STDOUT])
    with ending_as_ctrl_c():
        summary = run_audit(plan)
    if arguments.html:
        write_text(arguments.html, render_index(summary))
    if arguments.json:
        write_text(arguments.json, json.dumps(summary.to_json(), indent=2) + "\n")
    if STDOUT not in (arguments.json, arguments.html):
        say(f"{without_breaks(render_summary(summary))}\nwritten: {arguments.out}\n")
    return summary.code


@contextmanager
def ending_as_ctrl_c() -> Iterator[None]:
    """SIGTERM, which would leave the worker processes alive, ends an audit as Ctrl-C does."""
    if current_thread() is not main_thread():  # only that one may ask for signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def check_targets(plan: AuditPlan, reports: Sequence[Path]) -> None:
    """CommandError where one file is to be two of source, results and reports."""
    targets = [*reports, *{plan.out, plan.rows, state_of(plan.rows)}]
    files = targets if is_url(plan.source) else [*targets, Path(plan.source)]
    places = [file.resolve() for file in files]
    for file, place in zip(files, places, strict=True):
        if places.count(place) > 1:
            raise CommandError(
                f"{file}: is named twice, expected different files for the source, the results "
                "and each report"
            )
    _check_pictures(plan, targets)


def _check_pictures(plan: AuditPlan, targets: Sequence[Path]) -> None:
    """CommandError where a file that is there already would be replaced and is one of those to be
    checked. The list is read for it only where there is such a file."""
    there = {key: target for target in targets if (key := identify(str(target)))}
    if not there:
        return
    for _, *paths in read_pairs(plan.source, plan.patterns):
        for path in paths:
            key = identify(path)
            if key in there:
                raise CommandError(
                    f"{there[key]}: is a picture of the audit itself, expected another file for "
                    "the results and each report"
                )


def without_breaks(text: str) -> str:
    """Each line made safe for a terminal."""
    return "\n".join(without_control(line) for line in text.split("\n"))


def read_plan(arguments: argparse.Namespace) -> AuditPlan:
    """What the command line says. CommandError for what does not fit together."""
    out = Path(arguments.out)
    if out.suffix.lower() not in (".jsonl", ".parquet"):
        raise CommandError(f"{out}: expected a .jsonl or .parquet file for the results")
    compare = CompareOptions(
        tolerance=arguments.tolerance,
        allowance=arguments.max_changed or NOTHING,
        protection=Protection(arguments.protect),
        mask_blur=arguments.mask_blur,
        mask_channel=arguments.mask_channel,
        invert=arguments.invert,
        has_detail=False,
    )
    return AuditPlan(
        source=arguments.source,
        out=out,
        patterns=Patterns(arguments.original, arguments.result, arguments.mask),
        options=AuditOptions(compare, uses_infotext=not arguments.ignore_infotext),
        engine=arguments.engine,
        workers=arguments.workers,
        scheduler=arguments.scheduler,
        chunk=arguments.chunk,
        restart=arguments.restart,
        force=arguments.force,
    )

"""Run by the host before its own start: adds this extension's command line flags."""

import argparse


def preload(parser: argparse.ArgumentParser) -> None:
    """Add the flags to the host's parser; the values arrive in `shared.cmd_opts`.

    Args:
        parser: the parser of the WebUI's own command line.
    """
    parser.add_argument(
        "--bleed-guard-strict",
        action="store_true",
        help="Bleed Guard: inpaints are always protected; users cannot switch the guard off, "
        "choose the preset full-redo or widen the band in which pixels outside may change",
    )
    parser.add_argument(
        "--bleed-guard-data-dir",
        type=str,
        default=None,
        metavar="DIR",
        help="Bleed Guard: folder for the users' presets (default: the WebUI's data folder)",
    )

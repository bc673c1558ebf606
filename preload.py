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
        help="Bleed Guard: every inpaint is protected; users can switch off neither the guard nor "
        "its paste-back, and the preset full-redo protects like guard",
    )
    parser.add_argument(
        "--bleed-guard-data-dir",
        type=str,
        default=None,
        metavar="DIR",
        help="Bleed Guard: folder for what users save, such as presets (default: inside the "
        "WebUI's data folder)",
    )

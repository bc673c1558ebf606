"""The host's command line. `cmd_opts` is filled anew at every start."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from modules import cmd_args

parser = cmd_args.make_parser()
cmd_opts = parser.parse_args([])


def configure(flags: Iterable[str]) -> argparse.Namespace:
    """Reads the flags into the one `cmd_opts`; unknown ones wait for their extension."""
    global parser
    parser = cmd_args.make_parser()
    vars(cmd_opts).clear()
    parser.parse_known_args(list(flags), namespace=cmd_opts)
    return cmd_opts

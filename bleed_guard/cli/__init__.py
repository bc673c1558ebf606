"""The command line: `python -m bleed_guard check | fix | crop | paste | audit`."""

from __future__ import annotations

from collections.abc import Sequence

from bleed_guard.cli.errors import INTERRUPTED
from bleed_guard.cli.streams import open_streams, say


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, `sys.argv`'s by default; returns its exit code."""
    import sys

    open_streams()
    try:
        from bleed_guard.cli.arguments import run_command

        return run_command(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:  # while the command was still being loaded
        say("interrupted\n", is_error=True)
        return INTERRUPTED

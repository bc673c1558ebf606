"""The command line: `python -m bleed_guard check | fix`."""

from bleed_guard.cli.arguments import main

__all__ = ["main"]

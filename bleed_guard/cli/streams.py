"""What is printed: any name, to a terminal, a file, a reader who has gone, or nowhere."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

STDOUT = "-"
"""Stands for stdout where a file is named."""


def open_streams() -> None:
    """Make stdout and stderr take any text; where a caller closed one, it goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):  # names may hold what a terminal cannot show
            stream.reconfigure(errors="backslashreplace")


def say(text: str, *, is_error: bool = False) -> None:
    """Print to stdout or stderr, `text` as it is; a reader who has gone changes no verdict."""
    stream = sys.stderr if is_error else sys.stdout
    try:
        stream.write(text)
    except BrokenPipeError:
        _give_up(stream)


def settle_streams() -> None:
    """Write out what is still held back. OSError if that fails, once: the rest goes nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            _give_up(stream)
            if not isinstance(error, BrokenPipeError):
                raise


def _give_up(stream: TextIO) -> None:
    """From here on nothing is written; what is held back neither."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

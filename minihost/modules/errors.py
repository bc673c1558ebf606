"""How the host tells of errors: on the console, and in a record tests may read."""

from __future__ import annotations

import sys
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

exception_records: list[tuple[str, str]] = []
MAX_RECORDS = 500


def record_exception() -> None:
    """Keeps the exception being handled, newest last; the oldest go first."""
    kind, value, _ = sys.exc_info()
    if kind is None:
        return
    exception_records.append((f"{kind.__name__}: {value}", traceback.format_exc()))
    del exception_records[:-MAX_RECORDS]


def report(message: str, *, exc_info: bool = False) -> None:
    """Prints the message, marked, and the exception being handled when asked."""
    record_exception()
    for line in message.splitlines():
        print("***", line, file=sys.stderr)
    if exc_info:
        print(textwrap.indent(traceback.format_exc(), "    "), file=sys.stderr)
        print("---", file=sys.stderr)


def print_error_explanation(message: str) -> None:
    """Prints a longer explanation between two rules."""
    lines = message.strip().split("\n")
    rule = "=" * max(len(line) for line in lines)
    print("\n".join([rule, *lines, rule]), file=sys.stderr)


def display(error: Exception, task: str, *, full_traceback: bool = False) -> None:
    """Prints what went wrong during `task`."""
    record_exception()
    print(f"{task or 'error'}: {type(error).__name__}", file=sys.stderr)
    text = "".join(traceback.format_exception(error)) if full_traceback else f"{error}\n"
    print(textwrap.indent(text, "    "), end="", file=sys.stderr)


def run(code: Callable[[], Any], task: str) -> None:
    """Calls `code`; an exception is displayed and goes no further."""
    try:
        code()
    except Exception as error:
        display(error, task)

"""How a command ends: the exit codes, and the errors that carry one."""

from __future__ import annotations

from enum import IntEnum

INTERRUPTED = 130
"""What a shell gives for a program that Ctrl-C ended."""


class Exit(IntEnum):
    """Exit codes of every command."""

    CLEAN = 0  # nothing bled, or all within what is allowed
    BLEED = 1
    USAGE = 2  # wrong arguments, or a file that cannot be read or written
    SIZE = 3  # pictures whose sizes cannot be matched


class CommandError(Exception):
    """Ends a command; the message is one sentence for the user."""

    code = Exit.USAGE


class SizeError(CommandError):
    """Pictures whose sizes cannot be matched."""

    code = Exit.SIZE

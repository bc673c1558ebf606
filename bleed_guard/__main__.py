"""`python -m bleed_guard`."""

import gc
import os
import sys

from bleed_guard.cli import main


def hasten() -> None:
    """What lets numpy and the commands start sooner; they are imported after this."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # nothing here multiplies matrices
    gc.set_threshold(100_000)  # imports alone would call the collector a hundred times


def leave(code: int) -> None:
    """End at once: a check leaves nothing that taking the interpreter apart would put in order."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more: Python has its own way of telling that
        return
    os._exit(code)


if __name__ == "__main__":
    hasten()
    code = main()
    if sys.argv[1:2] == ["check"]:
        leave(code)
    sys.exit(code)

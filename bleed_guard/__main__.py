"""`python -m bleed_guard`."""

import gc
import os
import sys

from bleed_guard.cli import main


def leave(code: int) -> None:
    """End at once: a check leaves nothing that taking the interpreter apart would put in order."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more: Python has its own way of telling that
        return
    os._exit(code)


if __name__ == "__main__":
    # Nothing here multiplies matrices: numpy, imported by the command, starts sooner without
    # threads for it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    is_check = sys.argv[1:2] == ["check"]
    if is_check:
        gc.set_threshold(100_000)  # imports alone would call the collector a hundred times
    code = main()
    if is_check:
        leave(code)
    sys.exit(code)

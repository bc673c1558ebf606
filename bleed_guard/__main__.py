"""`python -m bleed_guard`."""

import gc
import os
import sys

from bleed_guard.cli import main

if __name__ == "__main__":
    # Nothing here multiplies matrices: numpy, imported by the command, starts sooner without
    # threads for it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    is_check = sys.argv[1:2] == ["check"]
    if is_check:
        gc.set_threshold(100_000)  # imports alone would call the collector a hundred times
    code = main()
    if is_check:  # it leaves nothing that taking the interpreter apart would put in order
        os._exit(code)
    sys.exit(code)

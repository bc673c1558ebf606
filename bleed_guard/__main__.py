"""`python -m bleed_guard`."""

import os
import sys

# Nothing here multiplies matrices: numpy starts sooner without threads for it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bleed_guard.cli import main

if __name__ == "__main__":
    sys.exit(main())

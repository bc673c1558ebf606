"""`python -m bleed_guard`."""

import sys

from bleed_guard.cli import main

if __name__ == "__main__":
    sys.exit(main())

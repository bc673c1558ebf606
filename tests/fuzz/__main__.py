"""The long fuzz run: `python dev.py python -m tests.fuzz`, from the repository's folder.

With atheris installed (a virtual environment of its own: numpy, OpenCV and Pillow as in
requirements/forge.txt, then `pip install atheris`) the run is guided by coverage; what follows
`--` goes to libFuzzer. Without it the cases are random. Ends with an error at the first case that
breaks a promise, and says how to run it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

CASE_BYTES = 512
CASES = 100_000
GUIDED_CASES = 34_000
"""Of one guided run: what watches the coverage takes some 95 KB of memory a case. Three runs with
a seed each and one corpus folder are the long run."""

SHARES = {"diagnosis": 1, "plan": 3, "measure": 3}
"""Of the cases, against 6 for the others: these take some milliseconds each."""


def main(arguments: Sequence[str]) -> None:
    """Run every target in turn, chosen by a case's first byte."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help="names of targets; default: all")
    parser.add_argument("--cases", type=int, default=0, help="default: 100,000, or 34,000 guided")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--file", type=Path, help="run the one case in this file again")
    own = list(arguments)
    passed_on = own[own.index("--") + 1 :] if "--" in own else []
    options = parser.parse_args(own[: len(own) - len(passed_on)] if passed_on else own)
    try:
        atheris: Any = import_module("atheris")
    except ImportError:
        atheris = None
    if atheris is None or options.file:
        from tests.fuzz.targets import TARGETS
    else:
        with atheris.instrument_imports(include=["bleed_guard"]):
            from tests.fuzz.targets import TARGETS
    from tests.fuzz.drawn import Drawn

    options.cases = options.cases or (CASES if atheris is None else GUIDED_CASES)
    names = [name for name in options.targets or TARGETS for _ in range(SHARES.get(name, 6))]
    counts: Counter[str] = Counter()
    started = time.monotonic()

    def run_case(data: bytes) -> None:
        name = names[data[0] % len(names)] if data else names[0]
        counts[name] += 1
        if sum(counts.values()) == options.cases:  # libFuzzer ends the process without a word
            tell(counts, time.monotonic() - started, is_guided=atheris is not None)
        TARGETS[name](Drawn(data[1:]))

    if options.file:
        run_case(options.file.read_bytes())
    elif atheris is None:
        drawn = random.Random(options.seed)
        for _ in range(options.cases):
            run_case(drawn.randbytes(drawn.randrange(CASE_BYTES)))
    else:
        limits = [f"-runs={options.cases}", f"-seed={options.seed}", f"-max_len={CASE_BYTES}"]
        atheris.Setup(
            [
                sys.argv[0],
                *limits,
                "-len_control=0",
                "-timeout=60",
                "-rss_limit_mb=4096",
                *passed_on,
            ],
            run_case,
        )
        atheris.Fuzz()


def tell(counts: Counter[str], seconds: float, *, is_guided: bool) -> None:
    """One line a target."""
    way = "guided by coverage" if is_guided else "random"
    print(f"{sum(counts.values()):,} cases, {way}, {seconds:.0f} s, no promise broken")
    for name, count in sorted(counts.items()):
        print(f"  {name:<12}{count:>9,}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

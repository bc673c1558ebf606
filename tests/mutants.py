"""Mutation testing of bleed_guard/core: a seeded sample of each module's mutants, and the score.

    pip install mutmut  # beside the packages of requirements/forge.txt and dev.txt
    python -m tests.mutants --each 100 membrane mask

Without names all modules; `--each 0` takes every mutant. mutmut (set up in pyproject.toml) works
in mutants/ and knows again what it has run. A mutant is killed if a test of tests/core fails, or
does not end.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "mutants" / "bleed_guard" / "core"
SEED = 8
SURVIVED = 0
UNTESTED = 33
"""mutmut's exit codes; None: not run."""


def read_codes(module: str) -> dict[str, int | None]:
    """Mutant -> exit code of its tests, for one module of core."""
    told = json.loads((CORE / f"{module}.py.meta").read_text())
    return dict(sorted(told["exit_code_by_key"].items()))


def list_modules() -> list[str]:
    """The modules of core that have mutants."""
    names = sorted(path.name.removesuffix(".py.meta") for path in CORE.glob("*.py.meta"))
    return [name for name in names if read_codes(name)]


def run_mutmut(*mutants: str) -> None:
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *mutants]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)


def draw(module: str, each: int) -> list[str]:
    """`each` of the module's mutants, the same ones every time; 0: all of them."""
    names = list(read_codes(module))
    return sorted(random.Random(SEED).sample(names, min(each or len(names), len(names))))


def tell(module: str, drawn: Sequence[str], codes: Mapping[str, int | None]) -> tuple[int, int]:
    """Print one row and the survivors; (killed, run) of the mutants that were drawn."""
    ended = [name for name in drawn if codes[name] is not None]
    survivors = [name for name in ended if codes[name] in (SURVIVED, UNTESTED)]
    killed = len(ended) - len(survivors)
    share = 100 * killed / max(len(ended), 1)
    print(f"| {module} | {len(codes)} | {len(ended)} | {killed} | {share:.1f} % |", flush=True)
    for name in survivors:
        print(f"    {name}", file=sys.stderr)
    return killed, len(ended)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sample and print the score of each module and of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="of bleed_guard/core; default: all")
    parser.add_argument("--each", type=int, default=100, help="mutants of a module; 0: all")
    options = parser.parse_args(arguments)
    if not CORE.exists():
        run_mutmut("bleed_guard.core.original_size*")
    print("| module | mutants | run | killed | score |\n|---|---|---|---|---|")
    sums = [0, 0]
    for module in options.modules or list_modules():
        drawn = draw(module, options.each)
        waiting = [name for name in drawn if read_codes(module)[name] is None]
        if waiting:
            run_mutmut(*waiting)
        for place, number in enumerate(tell(module, drawn, read_codes(module))):
            sums[place] += number
    print(f"| all | | {sums[1]} | {sums[0]} | {100 * sums[0] / max(sums[1], 1):.1f} % |")


if __name__ == "__main__":
    main()

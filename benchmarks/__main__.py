"""Run benchmarks by name: every module of this package with a `main` is one."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

import benchmarks


def list_names() -> list[str]:
    """Names of the benchmarks, sorted."""
    names = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in names if not name.startswith("_"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, one after the other; all of them if none is named.

    Returns the worst of their exit statuses.
    """
    known = list_names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    names = parser.parse_args(arguments).names
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are {', '.join(known)}")
    modules = [importlib.import_module(f"benchmarks.{name}") for name in names or known]
    return max(module.main() or 0 for module in modules)


if __name__ == "__main__":
    sys.exit(main())

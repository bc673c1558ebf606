"""The mini host's command line: `python -m minihost serve` and `python -m minihost demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from minihost import PROFILES
from minihost.demo import run_demo, run_headless_demo
from minihost.loader import OWN_EXTENSION, ExtensionFolder

DEFAULT_PORT = 7860


def make_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    parser = argparse.ArgumentParser(prog="python -m minihost", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser(
        "serve",
        help="serve the page; other flags go to the host and the extensions",
        allow_abbrev=False,
    )
    _add_common(serve)
    serve.add_argument("--data-dir", type=Path, help="settings and outputs (default: temporary)")
    serve.add_argument(
        "--extension",
        action="append",
        metavar="[NAME=]DIR",
        help="an extension's folder; may be given several times (default: this repository)",
    )
    demo = commands.add_parser("demo", help="a photograph and a mask, ready to inpaint")
    _add_common(demo)
    demo.add_argument(
        "--headless", action="store_true", help="no page: write the pictures and stop"
    )
    demo.add_argument("--out", type=Path, help="folder of the pictures, with --headless")
    demo.add_argument("--no-browser", action="store_true", help="do not open the browser")
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", choices=list(PROFILES), help="host to play")
    parser.add_argument("--engine", default="drift", help="stand-in for the model (drift)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"({DEFAULT_PORT})")


def default_profile() -> str:
    """The host whose gradio is installed here."""
    import gradio

    return "a1111" if gradio.__version__.startswith("3.") else "forge"


def command_serve(options: argparse.Namespace, flags: Sequence[str]) -> int:
    """Serve until interrupted."""
    from minihost.web.server import ServeOptions, serve

    folders = [ExtensionFolder.parse(text) for text in options.extension or []]
    serve(
        ServeOptions(
            profile=options.profile or default_profile(),
            engine=options.engine,
            extensions=tuple(folders) or (OWN_EXTENSION,),
            data_dir=options.data_dir,
            port=options.port,
            flags=tuple(flags),
        ),
        on_ready=lambda url: print(f"Running on {url}", flush=True),
    )
    return 0


def command_demo(options: argparse.Namespace) -> int:
    """Open the page with the demo's job on it, or run the job without a page."""
    profile = options.profile or default_profile()
    if options.headless:
        if options.out is None:
            print("--headless needs --out DIR", file=sys.stderr)
            return 2
        return run_headless_demo(options.out, profile, options.engine)
    run_demo(profile, options.engine, options.port, open_browser=not options.no_browser)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 is success, 2 a wrong command line."""
    parser = make_parser()
    options, flags = parser.parse_known_args(argv)
    if options.command == "serve":
        return command_serve(options, flags)
    if flags:
        parser.error(f"unknown arguments: {' '.join(flags)}")
    return command_demo(options)


if __name__ == "__main__":
    sys.exit(main())

"""The flags of the hosts that extensions and the page look at."""

from __future__ import annotations

import argparse
from pathlib import Path

from modules import paths

_SWITCHES = (
    "--allow-code",
    "--api",
    "--api-log",
    "--disable-all-extensions",
    "--disable-extra-extensions",
    "--enable-insecure-extension-access",
    "--freeze-settings",
    "--hide-ui-dir-config",
    "--listen",
    "--no-prompt-history",
    "--nowebui",
    "--share",
    "--skip-install",
    "--unix-filenames-sanitization",
)

_TEXTS = (
    "--api-auth",
    "--cors-allow-origins",
    "--cors-allow-origins-regex",
    "--freeze-settings-in-sections",
    "--freeze-specific-settings",
    "--gradio-auth",
    "--gradio-auth-path",
    "--server-name",
    "--subpath",
    "--theme",
    "--tls-certfile",
    "--tls-keyfile",
)


def make_parser() -> argparse.ArgumentParser:
    """A parser with the hosts' flags; files default to places in the data folder."""
    made = argparse.ArgumentParser(prog="minihost", allow_abbrev=False)
    for flag in _SWITCHES:
        made.add_argument(flag, action="store_true")
    for flag in _TEXTS:
        made.add_argument(flag, default=None)
    data = Path(paths.data_path)
    made.add_argument("--data-dir", default=str(data))
    made.add_argument("--ui-settings-file", default=str(data / "config.json"))
    made.add_argument("--ui-config-file", default=str(data / "ui-config.json"))
    made.add_argument("--styles-file", action="append", default=[])
    made.add_argument("--localizations-dir", default=str(Path(paths.script_path) / "localizations"))
    made.add_argument("--embeddings-dir", default=str(data / "embeddings"))
    made.add_argument("--gradio-allowed-path", action="append", default=[])
    made.add_argument("--filenames-max-length", type=int, default=128)
    made.add_argument("--timeout-keep-alive", type=int, default=30)
    made.add_argument("--port", type=int, default=None)
    return made


def __getattr__(name: str) -> argparse.ArgumentParser:
    if name == "parser":
        from modules import shared_cmd_options

        return shared_cmd_options.parser
    raise AttributeError(name)

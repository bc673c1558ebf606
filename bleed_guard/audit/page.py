"""The audit's index as one offline HTML page: the summary, the worst results, the errors."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from string import Template
from urllib.parse import quote

from bleed_guard import __version__
from bleed_guard.audit.store import is_url
from bleed_guard.audit.summary import ERRORS_KEPT, WORST_KEPT, Summary, tell_cause
from bleed_guard.cli.outcome import tell_share

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Bleed Guard audit</title>
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 1100px; padding: 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0 1.6rem; }
td, th { padding: .15rem 1rem .15rem 0; text-align: right; vertical-align: top; }
td:first-child, th:first-child { text-align: left; }
</style>
</head>
<body>
<h1>Bleed Guard audit</h1>
<p>$total results: $verdicts</p>
$causes
$worst
$errors
<p><small>Bleed Guard $version</small></p>
</body>
</html>
""")


def render_index(summary: Summary) -> str:
    """The whole page."""
    verdicts = ", ".join(
        f"{count:,} {escape(verdict)}" for verdict, count in summary.verdicts.most_common()
    )
    causes = [
        (tell_cause(cause), f"{count:,}", f"{summary.pixels[cause]:,}")
        for cause, count in summary.causes.most_common()
    ]
    worst = [
        (
            _link(record["result"]),
            tell_share(record["changed"] / record["protected"]),
            f"{record['changed']:,}",
            str(record["max"]),
            f"{record['reach']} px",
            tell_cause(record["cause"]),
        )
        for record in summary.worst()
    ]
    errors = [(escape(record["error"]),) for record in summary.errors]
    return PAGE.substitute(
        total=f"{summary.total:,}",
        verdicts=verdicts,
        causes=_table("Bleed by cause", ("cause", "results", "pixels"), causes),
        worst=_table(
            f"The worst (at most {WORST_KEPT})",
            ("result", "share", "changed", "max", "reach", "cause"),
            worst,
        ),
        errors=_table(f"Could not be compared (at most {ERRORS_KEPT})", ("what",), errors),
        version=__version__,
    )


def _link(path: str) -> str:
    """A link to the file; a URL of another scheme than http is text only."""
    if is_url(path) and not path.startswith(("http://", "https://")):
        return escape(path)
    target = path if is_url(path) else quote(os.fsencode(path))  # which need not be UTF-8
    return f'<a href="{escape(target)}">{escape(path)}</a>'


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with its title; "" without rows. The cells are HTML."""
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    if not lines:
        return ""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<h2>{title}</h2>\n<table>\n<tr>{head}</tr>\n{body}\n</table>"

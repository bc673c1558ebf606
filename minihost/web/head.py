"""What goes into the page's head: localization, scripts and styles; and what is kept out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio.routes

ASSETS = Path(__file__).resolve().parent / "assets"

# gradio's page asks Google for fonts and a CDN for an iframe helper; the mini host asks nobody.
OUTSIDE_LINK = re.compile(
    rb"<link[^>]*https://fonts\.[^>]*>|<script[^>]*https://cdnjs[^>]*>\s*</script>", re.IGNORECASE
)

_original_response = gradio.routes.templates.TemplateResponse


def web_path(path: Path) -> str:
    """Address of a file on gradio's own, authenticated file route; changes when the file does."""
    return f"file={path}?{path.stat().st_mtime}"


def script_tags(scripts: Iterable[Path]) -> str:
    """One script tag per file; `.mjs` files are modules."""
    tags = []
    for path in scripts:
        kind = "module" if path.suffix == ".mjs" else "text/javascript"
        tags.append(f'<script type="{kind}" src="{web_path(path)}"></script>')
    return "\n".join(tags)


def style_tags(styles: Iterable[Path]) -> str:
    """One stylesheet link per file."""
    return "\n".join(
        f'<link rel="stylesheet" property="stylesheet" href="{web_path(path)}">' for path in styles
    )


def install(head: str, styles: str) -> None:
    """Put `head` before the page's </head> and `styles` before its </body> from now on."""

    def template_response(*args: Any, **kwargs: Any) -> Any:
        response = _original_response(*args, **kwargs)
        body = OUTSIDE_LINK.sub(b"", response.body)
        body = body.replace(b"</head>", head.encode() + b"</head>", 1)
        body = body.replace(b"</body>", styles.encode() + b"</body>", 1)
        response.body = body
        response.init_headers()
        return response

    gradio.routes.templates.TemplateResponse = template_response

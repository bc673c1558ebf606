"""One image to take away: a zip of its pictures, its numbers and a page that shows them offline."""

from __future__ import annotations

import html
import io
import json
import zipfile
from base64 import b64encode
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from bleed_guard import __version__
from bleed_guard.core.heatmap import ColorMap, Scale, render_heatmap
from bleed_guard.core.job import Box
from bleed_guard.core.record import GenerationRecord, ImageRecord, Pictures
from bleed_guard.ui import element_ids
from bleed_guard.ui.encode import encode_photograph, encode_text, encode_values
from bleed_guard.ui.layers import (
    PAGE_PIXELS,
    PHOTOGRAPHS,
    Layer,
    base_factor,
    color_tables,
    render_base,
)
from bleed_guard.ui.report import (
    CAUSES,
    DISTANCE_LIMIT,
    describe_report,
    describe_view,
    find_distance,
    map_causes,
    pictures_of,
)

ROOT = Path(__file__).resolve().parents[2]
HEATMAP_SIZE = (4096, 4096)

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
connect-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Bleed Guard: $title</title>
<style>
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px; font-family: system-ui, sans-serif; }
$style
@media (prefers-color-scheme: dark) {
  body { $dark }
  #$root { --bleed-guard-quiet: #a9b1bd; }
}
</style>
</head>
<body>
<div id="$root" data-colors="$colors"></div>
<script type="application/json" id="${root}_data">$data</script>
<script>
$script
bleedGuard.startOffline();
</script>
<p><small>Bleed Guard $version</small></p>
</body>
</html>
""")
DARK = {
    "background": "#0b0f19",
    "--body-text-color": "#f3f4f6",
    "--block-background-fill": "#1f2937",
    "--background-fill-secondary": "#111827",
    "--border-color-primary": "#374151",
}


def pack_image(
    record: GenerationRecord, image: ImageRecord, color_map: str = ColorMap.CIVIDIS
) -> bytes:
    """The zip file, with the differences in the colours of `color_map`. LookupError if no pictures
    were kept."""
    pictures = pictures_of(image)
    content = describe_content(record, image)
    told = json.dumps(content, indent=1)
    page = build_page(content, record, image, color_map)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in _picture_files(pictures, color_map).items():
            archive.writestr(name, encode_photograph(array))
        archive.writestr("report.json", told, zipfile.ZIP_DEFLATED)
        archive.writestr("report.html", page, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def describe_content(record: GenerationRecord, image: ImageRecord) -> dict[str, Any]:
    """report.json: the record with this image only, and its reports."""
    plain = describe_view(record, PAGE_PIXELS)
    plain["images"] = [entry for entry in plain["images"] if entry["index"] == image.index]
    return {"version": __version__, "record": plain, "report": describe_report(record, image)}


def _picture_files(pictures: Pictures, color_map: str) -> dict[str, np.ndarray]:
    heatmap = render_heatmap(
        pictures.reference,
        pictures.unguarded,
        pictures.mask,
        scale=Scale.LOG,
        size=HEATMAP_SIZE,
        color_map=color_map,
    )
    return {
        "original.png": pictures.reference,
        "unguarded.png": pictures.unguarded,
        "result.png": pictures.result,
        "mask.png": pictures.mask,
        "heatmap.png": heatmap,
    }


def build_page(
    content: dict[str, Any], record: GenerationRecord, image: ImageRecord, color_map: str
) -> str:
    """report.html: the tab's own script and style with this image's layers inside."""
    layers = _embed_layers(pictures_of(image), image)
    data = {**content, "layers": layers, "pixels": _embed_pixels(record, image), "causes": CAUSES}
    tables = {name: encode_text(table) for name, table in color_tables(color_map).items()}
    return PAGE.substitute(
        title=html.escape(content["record"]["images"][0]["sentence"]),
        style=(ROOT / "style.css").read_text(encoding="utf-8"),
        script=(ROOT / "javascript" / "bleed_guard.js").read_text(encoding="utf-8"),
        root=element_ids.ROOT,
        colors=html.escape(json.dumps(tables)),
        data=json.dumps(data).replace("<", "\\u003c"),
        dark="; ".join(f"{name}: {value}" for name, value in DARK.items()),
        version=__version__,
    )


def _embed_layers(pictures: Pictures, image: ImageRecord) -> dict[str, Any]:
    """Each layer as the page's server would answer for it, with its file as a data URL."""
    return {layer.value: _embed_layer(pictures, layer, image.predicted_reach) for layer in Layer}


def _embed_layer(pictures: Pictures, layer: Layer, reach: int) -> dict[str, Any]:
    part = render_base(pictures, layer, reach, pixels=PAGE_PIXELS)
    if part.box.is_empty:
        return {"box": list(part.box), "file": ""}
    if layer in PHOTOGRAPHS:
        url = f"data:image/png;base64,{b64encode(encode_photograph(part.values)).decode()}"
    else:
        packed = b64encode(encode_values(part.values)).decode()
        url = f"data:application/octet-stream;base64,{packed}"
    return {"box": list(part.box), "file": url, "packed": True}


def _embed_pixels(record: GenerationRecord, image: ImageRecord) -> dict[str, str]:
    """What the inspector tells beside colours, of every pixel of the reduced view: data URLs."""
    pictures = pictures_of(image)
    height, width = pictures.shape
    step = base_factor((height, width), PAGE_PIXELS)
    distance = find_distance(pictures, Box(0, 0, width, height))[::step, ::step]
    arrays = {
        "mask": pictures.mask[::step, ::step],
        "protected": pictures.protected[::step, ::step].astype(np.uint8),
        "distance": np.minimum(distance, DISTANCE_LIMIT).astype("<u2"),
        "cause": map_causes(record, image)[::step, ::step],
    }
    return {
        name: f"data:application/octet-stream;base64,{b64encode(encode_values(array)).decode()}"
        for name, array in arrays.items()
    }

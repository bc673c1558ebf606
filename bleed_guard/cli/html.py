"""A single HTML file, offline: each pair with a slider, the heatmap, and the numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from string import Template

import cv2
import numpy as np
from PIL import Image

from bleed_guard import __version__
from bleed_guard.cli.compare import as_eight_bits
from bleed_guard.cli.outcome import Outcome
from bleed_guard.cli.pictures import Pictures
from bleed_guard.cli.reports import repair_command
from bleed_guard.core.heatmap import render_heatmap
from bleed_guard.core.job import BleedReport
from bleed_guard.images import shallow

LONGEST_SIDE = 1600
"""Pictures are shown no larger, so that the file stays small; heatmaps keep every maximum."""

PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Bleed Guard: $title</title>
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 1100px; padding: 1rem; }
h2 { overflow-wrap: anywhere; font-size: 1.05rem; margin: 2rem 0 .3rem; }
.verdict { border: 1px solid; border-radius: 4px; padding: 0 .4em; margin-right: .4em; }
.bleed, .error { color: #b3261e; } .clean { color: #1b6e3c; }
@media (prefers-color-scheme: dark) {
  .bleed, .error { color: #ff8a80; } .clean { color: #7ddc9f; }
}
.stage { position: relative; max-width: 100%; width: fit-content; }
.stage img { display: block; max-width: 100%; height: auto; image-rendering: auto; }
.stage .top { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--cut, 50%)); }
.line { position: absolute; top: 0; bottom: 0; left: var(--cut, 50%); border-left: 2px solid #fff;
  outline: 1px solid #000; pointer-events: none; }
.views label { margin-right: 1em; } input[type=range] { width: 100%; margin: .4rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .6rem 0; }
td, th { padding: .1rem .8rem .1rem 0; text-align: right; } td:first-child, th:first-child {
  text-align: left; } code { overflow-wrap: anywhere; } figure { margin: 0; }
</style>
</head>
<body>
<h1>Bleed Guard: $title</h1>
$sections
<p><small>Bleed Guard $version</small></p>
<script>
for (const pair of document.querySelectorAll("section[data-pair]")) {
  const stage = pair.querySelector(".stage");
  const top = pair.querySelector(".top");
  const slider = pair.querySelector("input[type=range]");
  slider.addEventListener("input", () => stage.style.setProperty("--cut", slider.value + "%"));
  for (const choice of pair.querySelectorAll("input[type=radio]")) {
    choice.addEventListener("change", () => {
      top.src = pair.querySelector("img[data-view=" + choice.value + "]").src;
    });
  }
}
</script>
</body>
</html>
""")

SECTION = Template("""\
<section data-pair>
<h2><span class="verdict $verdict_class">$verdict</span>$name</h2>
<p>$sentence</p>
$notes
<div class="stage">
<img src="$original" alt="original">
<img class="top" src="$heatmap" alt="compared with the original">
<div class="line"></div>
</div>
<input type="range" min="0" max="100" value="50" aria-label="how much of the original is shown">
<div class="views">
<label><input type="radio" name="view-$number" value="heatmap" checked> heatmap</label>
<label><input type="radio" name="view-$number" value="result"> result</label>
</div>
<img data-view="heatmap" src="$heatmap" alt="" hidden>
<img data-view="result" src="$result" alt="" hidden>
$table
$repair
</section>
""")

FAILED = Template("""\
<section>
<h2><span class="verdict error">error</span>$name</h2>
<p>$sentence</p>
</section>
""")


def render_page(sections: Sequence[str], outcomes: Sequence[Outcome]) -> str:
    """The whole page around what `render_section` gave for each outcome."""
    failed = sum(outcome.code != 0 for outcome in outcomes)
    title = f"{failed} of {len(outcomes)} failed" if failed else f"all {len(outcomes)} passed"
    return PAGE.substitute(title=title, sections="\n".join(sections), version=__version__)


def render_section(number: int, outcome: Outcome, pictures: Pictures | None) -> str:
    """One pair's part of the page; `pictures` is None where they could not be compared."""
    name, sentence = escape(outcome.paths.result), escape(outcome.sentence)
    if outcome.comparison is None or pictures is None:
        return FAILED.substitute(name=name, sentence=sentence)
    shape = _shown_size(pictures.original.size)
    heat = render_heatmap(*as_eight_bits(pictures), pictures.mask, size=shape, legend=False)
    notes = "".join(f"<p>{escape(note)}</p>" for note in outcome.comparison.notes)
    repair = f"<p>To repair: <code>{escape(repair_command(outcome))}</code></p>"
    return SECTION.substitute(
        number=number,
        name=name,
        verdict=outcome.verdict,
        verdict_class=outcome.verdict.replace(" ", "-"),
        sentence=sentence,
        notes=notes,
        original=as_data_uri(_shrink(shallow(pictures.original.pixels), shape)),
        result=as_data_uri(_shrink(shallow(pictures.result.pixels), shape)),
        heatmap=as_data_uri(_shrink(heat, shape)),
        table=_table(outcome.comparison.report),
        repair=repair if outcome.code else "",
    )


def as_data_uri(pixels: np.ndarray) -> str:
    """uint8 H x W x 3 -> a PNG inside a URI."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _table(report: BleedReport) -> str:
    """The zones' numbers."""
    head = "".join(f"<th>{name}</th>" for name in ("zone", "protected", "changed", "max", "mean"))
    rows = [
        f"<tr><td>{escape(zone.name)}</td><td>{zone.protected:,}</td><td>{zone.changed:,}</td>"
        f"<td>{zone.max}</td><td>{zone.mean:.3f}</td></tr>"
        for zone in report.zones
        if zone.protected
    ]
    seam = report.seam
    told = f"<p>Seam ratio {seam.ratio:.2f} over {seam.pairs:,} pixel pairs (1.00: no seam)</p>"
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>{told}"


def _shown_size(size: tuple[int, int]) -> tuple[int, int]:
    factor = min(1.0, LONGEST_SIDE / max(size))
    return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))


def _shrink(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if pixels.shape[1::-1] == size:
        return pixels
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)

"""The README's picture, from a real run of the demo: `python dev.py bench picture`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "before-after.png"
PANELS = (
    ("original", "the photograph"),
    ("unguarded", "inpainted by the host alone"),
    ("heatmap", "what that changed outside the mask"),
    ("result", "the same run with Bleed Guard"),
)
PANEL_WIDTH = 460
CAPTION_HEIGHT = 30


def main() -> None:
    """Run the demo without a browser and put its pictures side by side, two by two."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "minihost", "demo", "--headless", "--out", folder]
        subprocess.run(command, cwd=ROOT, check=True)
        panels = [draw_panel(Path(folder) / f"{name}.png", text) for name, text in PANELS]
    width, height = panels[0].size
    sheet = Image.new("RGB", (2 * width + 8, 2 * height + 8), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number % 2 * (width + 8), number // 2 * (height + 8)))
    TARGET.parent.mkdir(exist_ok=True)
    sheet.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(TARGET, optimize=True)
    print(f"wrote {TARGET.relative_to(ROOT)}")


def draw_panel(path: Path, caption: str) -> Image.Image:
    """One picture at the panel's width, its caption below."""
    picture = Image.open(path).convert("RGB")
    height = round(PANEL_WIDTH * 2 / 3)  # the photograph is 600 x 400; the heatmap has a legend
    scaled = picture.resize((PANEL_WIDTH, height), Image.Resampling.LANCZOS)
    panel = Image.new("RGB", (PANEL_WIDTH, height + CAPTION_HEIGHT), "white")
    panel.paste(scaled)
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 15)
    ImageDraw.Draw(panel).text((6, height + 6), caption, "black", font)
    return panel


if __name__ == "__main__":
    main()

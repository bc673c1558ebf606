"""The zip holds the very pixels, the numbers, and a page that needs nothing else."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from bleed_guard.core.heatmap import LEGEND_HEIGHT, ColorMap
from bleed_guard.ui.encode import encode_text
from bleed_guard.ui.layers import color_tables
from bleed_guard.ui.report import CAUSES
from bleed_guard.ui.takeaway import pack_image
from tests.ui.records import make_pictures, make_record

SCRIPT_PROMPT = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def archive() -> zipfile.ZipFile:
    record = make_record(prompt=SCRIPT_PROMPT)
    return zipfile.ZipFile(io.BytesIO(pack_image(record, record.images[0])))


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("original", "reference"),
        ("unguarded", "unguarded"),
        ("result", "result"),
        ("mask", "mask"),
    ],
)
def test_pictures_are_exact(archive: zipfile.ZipFile, name: str, picture: str) -> None:
    content = np.frombuffer(archive.read(f"{name}.png"), np.uint8)
    levels = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    expected = getattr(make_pictures(), picture)
    if levels.ndim == 3:
        levels = cv2.cvtColor(levels, cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(levels, expected)


def test_report_tells_the_run_and_what_was_measured(archive: zipfile.ZipFile) -> None:
    told = json.loads(archive.read("report.json"))
    assert told["record"]["images"][0]["sentence"].startswith("0 of ")
    assert told["report"]["max"] == 5
    assert told["record"]["prompt"] == SCRIPT_PROMPT


class _Page(HTMLParser):
    """Collects what a browser would run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_page_loads_nothing_and_a_prompt_in_it_is_no_markup(archive: zipfile.ZipFile) -> None:
    page = archive.read("report.html").decode()
    parser = _Page()
    parser.feed(page)
    tags = [tag for tag, _ in parser.tags]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert not any("src" in attributes or "href" in attributes for _, attributes in parser.tags)
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)


def test_page_has_every_layer_inside(archive: zipfile.ZipFile) -> None:
    page = archive.read("report.html").decode()
    data = json.loads(re.search(r'root_data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert data["layers"]["reference"]["file"].startswith("data:image/png;base64,")
    assert data["layers"]["levels-unguarded"]["file"].startswith("data:application/octet-stream")
    assert set(data["pixels"]) == {"mask", "protected", "distance", "cause"}
    assert data["causes"] == list(CAUSES)


def test_the_heatmap_has_the_users_colours() -> None:
    record = make_record()
    packed = pack_image(record, record.images[0], ColorMap.INFERNO)
    archive = zipfile.ZipFile(io.BytesIO(packed))
    levels = cv2.imdecode(np.frombuffer(archive.read("heatmap.png"), np.uint8), cv2.IMREAD_COLOR)
    table = color_tables(ColorMap.INFERNO)["log"]
    shown = {tuple(color) for color in levels[..., ::-1][:-LEGEND_HEIGHT].reshape(-1, 3)}
    assert shown <= {tuple(color) for color in table}
    colors = html.escape(json.dumps(encode_text(table)))
    assert colors in archive.read("report.html").decode()

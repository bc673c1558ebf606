"""What SECURITY.md promises: no network, nothing executed, hostile files told in one sentence."""

from __future__ import annotations

import ast
import functools
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from bleed_guard.audit.infotext import parse_infotext, read_infotext, read_mask_blur
from bleed_guard.audit.page import render_index
from bleed_guard.audit.pairs import Patterns, read_pairs
from bleed_guard.audit.summary import Summary
from bleed_guard.cli import main
from bleed_guard.core.settings import MOST_COMPLAINTS, GuardSettings
from bleed_guard.images import (
    PIXEL_LIMIT,
    PNG_SIGNATURE,
    PictureError,
    decode_mask,
    decode_picture,
    read_picture,
)
from bleed_guard.saving import png_chunk

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bleed_guard"
NETWORK = {"aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "ssl", "urllib",
           "urllib3", "websockets", "xmlrpc"}  # fmt: skip
CODE = {"code", "dill", "joblib", "marshal", "pickle", "runpy", "shelve", "subprocess"}
CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "load_module"}
MARKUP = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>$title'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SIDE = 60_000
"""px: a picture of this width and height takes gigabytes; its file, a few bytes."""


# ------------------------------------------------------------------------------- what it can do


@functools.cache
def walk_package() -> tuple[tuple[str, ast.AST], ...]:
    """Every node of the package's source, with the file it is in."""
    return tuple(
        (path.relative_to(PACKAGE).as_posix(), node)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )


def list_imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_nothing_can_reach_the_network_unpickle_or_run_a_program() -> None:
    found = {
        (file, name)
        for file, node in walk_package()
        for name in list_imports(node)
        if name.split(".")[0] in NETWORK | CODE and name != "urllib.parse"
    }
    assert found == set()


def test_addresses_are_read_by_the_audits_store_alone() -> None:
    files = {file for file, node in walk_package() if "fsspec" in list_imports(node)}
    assert files == {"audit/store.py"}


def test_no_text_is_run_as_code() -> None:
    found = set()
    for file, node in walk_package():
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            is_regex = name == "compile" and getattr(node.func, "value", None) is not None
            if name in CALLS and not is_regex:
                found.add((file, name))
            found |= {(file, word.arg) for word in node.keywords if word.arg == "allow_pickle"}
    assert found == set()


def test_routes_are_added_in_one_place() -> None:
    names = {"add_api_route", "add_route", "mount", "include_router", "add_websocket_route"}
    found = {
        file
        for file, node in walk_package()
        if isinstance(node, ast.Attribute) and node.attr in names
    }
    assert found == {"host/api.py"}


def test_the_page_loads_nothing_from_elsewhere() -> None:
    files = [*(ROOT / "javascript").glob("*.js"), ROOT / "style.css"]
    found = [
        address
        for file in files
        for address in re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", file.read_text("utf-8"))
        if address != "http://www.w3.org/2000/svg"  # a name, not an address
    ]
    assert found == []


# ---------------------------------------------------------------------------- files of strangers


def make_png(width: int, height: int, depth: int = 8, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"".join(
        [PNG_SIGNATURE, png_chunk(b"IHDR", header), *chunks, pixels, png_chunk(b"IEND", b"")]
    )


def make_tiff(width: int, height: int, bits: int) -> bytes:
    """A TIFF that claims a size and has no pixels."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    tags = {256: width, 257: height, 258: (bits,) * 3, 259: 8, 262: 2, 273: 8, 277: 3, 278: height,
            279: 10}  # fmt: skip
    for tag, value in tags.items():
        directory[tag] = value
    target = io.BytesIO()
    directory.save(target)
    return target.getvalue()


def change_size(name: str, at: int, form: str) -> bytes:
    """A small file of a format, with another size in its header."""
    target = io.BytesIO()
    Image.new("RGB", (4, 4)).save(target, name)
    data = bytearray(target.getvalue())
    struct.pack_into(form, data, at, SIDE, SIDE)
    return bytes(data)


BOMBS = {
    "png": make_png(SIDE, SIDE),
    "png16": make_png(SIDE, SIDE, 16),
    "png-animated": make_png(SIDE, SIDE, 8, png_chunk(b"acTL", b"\0" * 8)),
    "tiff": make_tiff(SIDE, SIDE, 8),
    "tiff16": make_tiff(SIDE, SIDE, 16),
    "bmp": change_size("BMP", 18, "<ii"),
    "gif": change_size("GIF", 6, "<HH"),
}


WIDER_THAN_OPENCV = {
    "png": make_png(1 << 21, 1),
    "png16": make_png(1 << 21, 1, 16),
    "tiff16": make_tiff(1 << 21, 1, 16),
}


@pytest.mark.parametrize("decode", [decode_picture, decode_mask])
@pytest.mark.parametrize("name", WIDER_THAN_OPENCV)
def test_a_picture_wider_than_a_decoder_takes_is_one_sentence(
    name: str, decode: Callable[..., Any]
) -> None:
    with pytest.raises(PictureError, match=r"^a file: "):
        decode(WIDER_THAN_OPENCV[name], "a file")


@pytest.mark.parametrize("decode", [decode_picture, decode_mask])
@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_is_refused_by_its_header(
    name: str, decode: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as some hosts have it
    with pytest.raises(PictureError, match=r"^a file: .*megapixels allowed"):
        decode(BOMBS[name], "a file")


def test_the_limit_is_pillows_own() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None
    assert PIXEL_LIMIT == 2 * Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("content", [BOMBS["png"], SVG, b"", b"<html>", b"\x80\x04K\x01."])
def test_a_hostile_file_is_one_sentence_on_the_command_line(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "original.png")
    (tmp_path / "result.png").write_bytes(content)
    files = [str(tmp_path / name) for name in ("original.png", "result.png", "original.png")]
    assert main(["check", *files]) > 1
    told = capsys.readouterr()
    lines = (told.out + told.err).strip().splitlines()
    assert sum("result.png" in line for line in lines) == 1
    assert "Traceback" not in told.out + told.err


def test_a_device_is_no_picture() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("needs /dev/zero, a file without an end")
    with pytest.raises(PictureError, match="this is a device"):
        read_picture("/dev/zero")


def test_a_text_in_a_picture_is_read_up_to_a_limit_and_in_time() -> None:
    """These took hours, gigabytes, or a traceback."""
    bomb = png_chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"a" * 9_000_000))
    assert len(read_infotext(make_png(4, 4, 8, bomb), "a file")) == 1 << 20
    plain = png_chunk(b"tEXt", b"parameters\0" + b" " * 2_000_000)
    assert parse_infotext(read_infotext(make_png(4, 4, 8, plain), "a file")) == {}
    assert parse_infotext(" " * 100_000) == {}
    assert parse_infotext("a b" * 50_000) == {}
    assert read_mask_blur({"Mask blur": "9" * 5000}) is None


def test_a_hundred_thousand_unknown_settings_are_answered_in_time() -> None:
    _, complaints = GuardSettings.from_args([{f"feathre{number}": 1 for number in range(100_000)}])
    assert len(complaints) == MOST_COMPLAINTS


def test_a_manifest_is_data(tmp_path: Path) -> None:
    manifest = tmp_path / "pairs.csv"
    manifest.write_text(f'original,result,mask\n"{MARKUP}",../../b.png,$(id)\n', encoding="utf-8")
    (pair,) = read_pairs(str(manifest), Patterns())
    assert [Path(file).name for file in pair[2:]] == ["b.png", "$(id)"]


# ------------------------------------------------------------------------- uploads and downloads


@pytest.fixture
def viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The Bleed tab's answers, with gradio's folder in the test's own."""
    from bleed_guard.ui.served import ServedFiles
    from bleed_guard.ui.viewer import Viewer

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    (tmp_path / "gradio").mkdir()
    records: list[Any] = []
    store = SimpleNamespace(
        add=records.append,
        get=lambda name, owner: next((one for one in records if one.id == name), None),
    )
    return Viewer(store, ServedFiles())  # type: ignore[arg-type]


def upload(tmp_path: Path, name: str, content: bytes | np.ndarray) -> dict[str, str]:
    path = tmp_path / "gradio" / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Image.fromarray(content).save(path)
    return {"path": str(path), "name": MARKUP}


def ask(viewer: Any, **files: Any) -> dict[str, Any]:
    return viewer.answer({"ask": "compare", **files}, "")


@pytest.mark.parametrize("name", ["png", "tiff16"])
def test_an_uploaded_bomb_is_one_sentence(viewer: Any, tmp_path: Path, name: str) -> None:
    bomb = upload(tmp_path, f"bomb.{name}", BOMBS[name])
    answer = ask(viewer, original=bomb, result=bomb)
    assert list(answer) == ["error"]
    assert "megapixels allowed" in answer["error"]


def test_an_upload_cannot_point_out_of_gradios_folder(viewer: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (4, 4)).save(secret)
    link = tmp_path / "gradio" / "link.png"
    link.symlink_to(secret)
    for path in (link, tmp_path / "gradio" / ".." / "secret.png", secret, "\0", "", "."):
        answer = ask(viewer, original={"path": str(path)}, result={"path": str(path)})
        assert list(answer) == ["error"], path


@pytest.mark.parametrize(
    "wanted",
    ["path", 3, [1], {"path": None}, {"id": {}}, {"path": {"a": 1}}, {"id": [], "image": {}}],
)
def test_a_question_of_any_form_is_answered(viewer: Any, wanted: Any) -> None:
    for question in (
        {"ask": "compare", "original": wanted, "result": wanted},
        {"ask": "thumbnails", "wanted": wanted},
        {"ask": "pixels", "id": wanted, "image": 0, "x": wanted, "y": 1},
        {"ask": "layers", "layers": wanted, "id": "a", "image": 0, "tile": wanted},
        {"ask": wanted},
    ):
        assert "error" in viewer.answer(question, ""), question


def test_markup_in_a_name_is_text_in_what_is_taken_away(viewer: Any, tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    original = upload(tmp_path, "a.png", pixels)
    result = upload(tmp_path, "b.png", pixels + np.uint8(9))
    record = ask(viewer, original=original, result=result)["id"]
    answer = viewer.answer({"ask": "takeaway", "id": record, "image": 0}, "")
    with zipfile.ZipFile(answer["file"]) as archive:
        assert all(re.fullmatch(r"[a-z]+\.(png|json|html)", name) for name in archive.namelist())
        page = archive.read("report.html").decode()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert re.fullmatch(r"bleed-guard-[0-9a-f]+-0\.zip", answer["name"])


def test_markup_in_a_name_is_text_in_the_reports(tmp_path: Path) -> None:
    folder = tmp_path / MARKUP.replace("/", "")
    folder.mkdir()
    for name, level in (("a", 0), ("b", 9)):
        Image.new("RGB", (8, 8), (level,) * 3).save(folder / f"{name}.png")
    Image.new("L", (8, 8)).save(folder / "m.png")
    page = tmp_path / "report.html"
    files = [str(folder / name) for name in ("a.png", "b.png", "m.png")]
    main(["check", *files, "--html", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    summary = Summary()
    bled = {"verdict": MARKUP, "changed": 1, "protected": 2, "max": 1, "reach": 1, "cause": "jpeg"}
    for result in (MARKUP, f"javascript://{MARKUP}"):
        summary.add({**bled, "result": result, "error": ""})
    summary.add({"verdict": "error", "result": "", "error": MARKUP})
    index = render_index(summary)
    assert "<img src=x" not in index
    assert "javascript:" not in re.sub(r">[^<]*<", "><", index)

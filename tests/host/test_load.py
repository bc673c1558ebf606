"""Many users at once, many generations in one process, large pictures: nothing mixes or grows.

In the suite a lean version; BLEED_GUARD_LOAD=1000 runs that many generations, eight times as many
requests, and pictures of 8192 x 8192 (4 GB of memory), and prints what it measured.
"""

from __future__ import annotations

import gc
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from bleed_guard.core.job import Verdict
from bleed_guard.host.history import HISTORY
from bleed_guard.ui.layers import Layer
from bleed_guard.ui.served import ServedFiles
from bleed_guard.ui.viewer import Viewer
from tests.host.guarded import GuardedHost, count_changed, installed_profiles
from tests.minihost.conftest import as_base64, from_base64

PROFILE = installed_profiles()[0]
LONG = int(os.environ.get("BLEED_GUARD_LOAD", "0"))
CLIENTS = 8
REQUESTS = LONG // CLIENTS or 3
"""Of each client."""

JOBS, WARM_UP = LONG or 60, 50 if LONG else 30
GROWTH_LIMIT = 16 * 2**20
SIDE = 8192 if LONG else 640
pytestmark = pytest.mark.timeout(7200 if LONG else 300)


def make_inputs(seed: int, size: tuple[int, int] = (128, 64)) -> tuple[Image.Image, np.ndarray]:
    """A photograph and the user's mask (uint8 H x W), of their own for every seed."""
    drawn = np.random.default_rng(seed)
    photo = Image.fromarray(drawn.integers(0, 256, (*size[::-1], 3), np.uint8))
    mask = np.zeros(size[::-1], np.uint8)
    left, top = 8 + seed % 7 * 4, 8 + seed % 5 * 4
    mask[top : top + size[1] // 3, left : left + size[0] // 3] = 255
    return photo, mask


def ask_for_a_job(url: str, seed: int) -> list[str]:
    """One request of the API, looked at from outside; what is wrong with the answer."""
    photo, mask = make_inputs(seed)
    request = {
        "init_images": [as_base64(photo)],
        "mask": as_base64(Image.fromarray(mask)),
        "width": photo.width,
        "height": photo.height,
        "inpaint_full_res": bool(seed % 2),
        "inpainting_fill": 1,
        "seed": seed,
        "steps": 1,
    }
    answer = requests.post(f"{url}/sdapi/v1/img2img", json=request, timeout=300)
    if answer.status_code != 200:
        return [f"{seed}: HTTP {answer.status_code} {answer.text[:200]}"]
    told = answer.json()
    pixels = np.asarray(from_base64(told["images"][0]).convert("RGB"))
    bled = count_changed(pixels, np.asarray(photo), mask == 0)
    report = json.loads(told["info"])["extra_generation_params"]["Bleed guard report"]
    wrong = [f"{seed}: {bled} pixels changed"] if bled else []
    return wrong + ([f"{seed}: {report}"] if "NOT GUARDED" in report else [])


def look_at_the_newest(viewer: Viewer) -> None:
    """What an open Bleed tab asks when a generation has ended."""
    newest = viewer.answer({"ask": "list"}, "")["records"][0]
    for image in newest["images"]:
        question = {"id": newest["id"], "image": image["index"]}
        for asked in (
            {"ask": "report"},
            {"ask": "layers", "layers": [layer.value for layer in Layer]},
            {"ask": "takeaway"},
        ):
            answer = viewer.answer({**asked, **question}, "")
            assert "error" not in answer, answer


def test_eight_clients_and_the_page_at_once(
    url: str, guarded_host: GuardedHost, tmp_path: Path
) -> None:
    from modules.call_queue import queue_lock

    viewer = Viewer(HISTORY, ServedFiles(tmp_path / "served"))

    def work(client: int) -> list[str]:
        seeds = range(client, CLIENTS * REQUESTS, CLIENTS)
        return [told for seed in seeds for told in ask_for_a_job(url, seed)]

    def use_the_page() -> list[str]:
        photo, mask = make_inputs(9999)
        wrong = []
        for _ in range(REQUESTS):
            with queue_lock:
                outcome = guarded_host.run(photo, Image.fromarray(mask))
            look_at_the_newest(viewer)
            if count_changed(outcome.pixels(0), np.asarray(photo), mask == 0):
                wrong.append("the page's image bleeds")
        return wrong

    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        page = pool.submit(use_the_page)
        answers = list(pool.map(work, range(CLIENTS)))
    assert sum(answers, page.result()) == []
    if LONG:
        print(f"\n{CLIENTS} clients x {REQUESTS} requests beside the page: 0 pixels changed")


def read_memory() -> int:
    """Bytes this process holds in memory."""
    gc.collect()
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("needs /proc/self/statm to read the memory of this process")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_many_generations_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = GuardedHost(PROFILE, tmp_path)
    HISTORY.clear()
    monkeypatch.setattr(HISTORY, "_memory_limit", 2**18)  # so that most of it goes to disk
    served = ServedFiles(tmp_path / "served", byte_limit=2**20)
    viewer = Viewer(HISTORY, served)
    photo, mask = make_inputs(1, (160, 120))
    threads, memory = set(threading.enumerate()), 0
    for number in range(JOBS):
        if number == WARM_UP:
            memory = read_memory()
        outcome = host.run(photo, Image.fromarray(mask))
        assert outcome.record.verdict is Verdict.CLEAN
        if number % 6 == 0:
            look_at_the_newest(viewer)
        for path in outcome.files:  # the user's own; only their number grows
            path.unlink()
    HISTORY.settle()
    growth = read_memory() - memory
    assert HISTORY._scratch is not None
    kept = list(HISTORY._scratch.path.glob("*.npy"))
    sent = [path for path in (tmp_path / "served").rglob("*") if path.is_file()]
    if LONG:
        print(
            f"\n{JOBS} generations: {growth / 2**20:.1f} MB more after the first {WARM_UP}, "
            f"{len(kept)} files of the history, {len(sent)} served"
        )
    assert growth <= GROWTH_LIMIT
    assert len(HISTORY.list()) == 20
    assert HISTORY.bytes_in_memory <= 2**18
    assert 0 < len(kept) <= 20 * 5, "five arrays a generation"
    assert 0 < sum(path.stat().st_size for path in sent) <= 2**20
    assert set(threading.enumerate()) <= threads
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("area", ["whole picture", "only masked"])
def test_large_pictures(area: str, tmp_path: Path) -> None:
    host = GuardedHost(PROFILE, tmp_path)
    host.set_options(export_for_4chan=False)  # its extra JPEG is lossy
    photo, mask = make_inputs(2, (SIDE, SIDE))
    fields: dict[str, Any] = {"width": SIDE, "height": SIDE}
    if area == "only masked":
        fields = {"width": 512, "height": 512, "inpaint_full_res": True}
    outcome = host.run(photo, Image.fromarray(mask), **fields)
    assert "NOT GUARDED" not in outcome.comments
    for pixels in (outcome.pixels(0), *outcome.read_files()):
        assert count_changed(pixels, np.asarray(photo), mask == 0) == 0

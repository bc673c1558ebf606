# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
"""Audits through Dask, fsspec and Parquet: what the hosts' environments do not have."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="Dask is not installed in this environment")
fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed in this environment")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed in this environment")

from bleed_guard.audit import worker  # noqa: E402
from bleed_guard.audit.engines import EngineName  # noqa: E402
from bleed_guard.audit.run import AuditPlan, run_audit  # noqa: E402
from bleed_guard.cli import main  # noqa: E402
from bleed_guard.cli.errors import CommandError  # noqa: E402
from tests.audit.conftest import make_pair, one_pixel  # noqa: E402

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """40 pairs, of which every tenth bled."""
    monkeypatch.chdir(tmp_path)
    for number in range(40):
        change = None if number % 10 else one_pixel
        make_pair(tmp_path / "pairs", f"p{number:02}", number, change)
    return tmp_path / "pairs"


class Cluster:
    """A scheduler and two workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        port = self.address.rpartition(":")[2]
        options = ["--host", "127.0.0.1", "--no-dashboard"]
        self.scheduler = self._start("scheduler", ["--port", port, *options])
        self.workers = [self._start_worker() for _ in range(2)]

    def _start_worker(self) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        local = ["--local-directory", str(self.folder)]
        return self._start("worker", [self.address, *options, *local])

    def _start(self, part: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", f"distributed.cli.dask_{part}", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with (self.folder / f"{part}.log").open("ab") as log:
            return subprocess.Popen(program, stdout=log, stderr=log, env=environment)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "dask").mkdir()
    running = Cluster(tmp_path / "dask")
    yield running
    running.stop()


def audit(source: object, out: str = "out.jsonl", **options):
    return run_audit(AuditPlan(str(source), Path(out), **options))


def read(out: str = "out.jsonl") -> list[dict]:
    return [{**json.loads(line), "ms": 0} for line in Path(out).read_text().splitlines()]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_a_cluster_gives_what_one_process_gives(folder, cluster):
    summary = audit(folder, engine=EngineName.DASK, scheduler=cluster.address, chunk=3)
    assert summary.verdicts == {"clean": 36, "bleed": 4}
    audit(folder, "serial.jsonl", engine=EngineName.SERIAL)
    assert read() == read("serial.jsonl")


def test_an_audit_of_a_relative_path_goes_on_in_a_cluster(folder, cluster, monkeypatch):
    real, count = worker.check_pair, 0

    def check(pair, options):
        nonlocal count
        count += 1
        if count > 6:
            raise KeyboardInterrupt
        return real(pair, options)

    with monkeypatch.context() as patched:
        patched.setattr(worker, "check_pair", check)
        with pytest.raises(KeyboardInterrupt):
            audit("pairs", engine=EngineName.SERIAL, chunk=3)
    assert len(read()) == 6
    summary = audit("pairs", engine=EngineName.DASK, scheduler=cluster.address, chunk=3)
    assert summary.verdicts == {"clean": 36, "bleed": 4}


def test_a_worker_killed_in_the_middle_costs_nothing(folder, cluster):
    for number in range(40, 400):
        make_pair(folder, f"p{number}", number)
    arguments = ["-o", "out.jsonl", "--engine", "dask", "--scheduler", cluster.address]
    running = subprocess.Popen(
        [sys.executable, "-m", "bleed_guard", "audit", str(folder), *arguments, "--chunk", "2"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    out = Path("out.jsonl")
    wait_for(lambda: out.exists() and out.stat().st_size > 0)
    victim = cluster.workers[0]
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert running.wait(timeout=120) == 1
    records = read()
    assert len(records) == 400
    assert sum(record["verdict"] == "bleed" for record in records) == 4
    assert not [record for record in records if record["verdict"] == "error"]


def test_a_scheduler_that_is_not_there_is_one_sentence(folder, monkeypatch):
    monkeypatch.setattr("bleed_guard.audit.engines.CONNECT_TIMEOUT", 1)
    with pytest.raises(CommandError, match="no Dask scheduler answers there"):
        audit(folder, engine=EngineName.DASK, scheduler="tcp://127.0.0.1:9")


def test_a_local_process_killed_in_the_middle_costs_nothing(folder):
    """The audit's own worker processes: whichever is there first is killed."""
    for number in range(40, 400):
        make_pair(folder, f"p{number}", number)
    arguments = ["-o", "out.jsonl", "--workers", "2", "--chunk", "2"]
    running = subprocess.Popen(
        [sys.executable, "-m", "bleed_guard", "audit", str(folder), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    out = Path("out.jsonl")
    wait_for(lambda: out.exists() and out.stat().st_size > 0)
    os.kill(find_worker(running.pid), signal.SIGKILL)
    assert running.wait(timeout=120) == 1
    assert [record["id"] for record in read()] == sorted(f"p{n:02}" for n in range(400))


def find_worker(parent: int) -> int:
    """A child of `parent` that was spawned to work."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(status[1]) == parent and b"spawn_main" in command:
            return int(entry.name)
    raise AssertionError("no worker was found")


def test_a_store_of_fsspec_is_read_and_walked(folder):
    """In memory, as s3 or gcs would be: the workers' reading goes through the same calls."""
    store = fsspec.filesystem("memory")
    store.put(str(folder), "/bucket/run", recursive=True)
    summary = audit("memory://bucket/run", engine=EngineName.SERIAL)
    assert summary.verdicts == {"clean": 36, "bleed": 4}
    store.rm("/bucket/run/p01.png")
    summary = audit("memory://bucket/run", "second.jsonl", engine=EngineName.SERIAL)
    (error,) = summary.errors
    assert "there is no such file" in error["error"]
    with pytest.raises(CommandError, match="there is no such folder"):
        audit("memory://bucket/none", "third.jsonl", engine=EngineName.SERIAL)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("foo://bar/baz", "foo://bar/baz: cannot be read (ValueError: Protocol not known: foo)\n"),
        (
            "foo://list.csv",
            "foo://list.csv: cannot be read (ValueError: Protocol not known: foo)\n",
        ),
        ("memory://gone.csv", "memory://gone.csv: cannot be read (FileNotFoundError: /gone.csv)\n"),
    ],
)
def test_a_store_that_cannot_be_read_is_one_sentence(folder, capsys, source, told):
    assert main(["audit", source, "-o", "out.jsonl", "--engine", "serial"]) == 2
    assert capsys.readouterr().err == told
    assert not list(folder.parent.glob("out*"))  # put right, the command begins as the first time


def test_a_folder_of_a_store_that_cannot_be_listed_does_not_pass(folder, monkeypatch, capsys):
    store = fsspec.filesystem("memory")
    store.put(str(folder), "/closed/a/b", recursive=True)
    real = store.ls

    def list_folder(path, **options):
        if path.endswith("/a/b"):
            raise PermissionError(f"not yours: {path}")
        return real(path, **options)

    monkeypatch.setattr(store, "ls", list_folder)
    assert main(["audit", "memory://closed", "-o", "out.jsonl", "--engine", "serial"]) == 2
    told = "memory://closed: cannot be read (PermissionError: not yours: /closed/a/b)\n"
    assert capsys.readouterr().err == told


def test_http_and_a_manifest_that_mixes_stores(folder):
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split()[5].decode()
        rows = [
            {
                "original": f"http://127.0.0.1:{port}/p{number:02}.orig.png",
                "result": f"file://{folder}/p{number:02}.png",
                "mask": f"p{number:02}.mask.png",
            }
            for number in range(12)
        ]
        (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
        summary = audit(folder / "list.jsonl", engine=EngineName.SERIAL)
        assert summary.verdicts == {"clean": 10, "bleed": 2}
    finally:
        server.kill()
        server.wait()


def test_parquet_in_and_out(folder):
    from pyarrow import parquet

    names = [f"p{number:02}" for number in range(15)]
    columns = {
        "original": [f"{name}.orig.png" for name in names],
        "result": [f"{name}.png" for name in names],
        "mask": [f"{name}.mask.png" for name in names],
        "prompt": ["a mug"] * 15,
    }
    parquet.write_table(pyarrow.table(columns), folder / "list.parquet", row_group_size=4)
    code = main(["audit", str(folder / "list.parquet"), "-o", "out.parquet", "--workers", "1"])
    assert code == 1
    table = parquet.read_table("out.parquet").to_pylist()
    assert [row["result"] for row in table] == [str(folder / name) for name in columns["result"]]
    assert [row["verdict"] for row in table].count("bleed") == 2
    assert sorted(path.name for path in Path().iterdir()) == ["out.parquet", "pairs"]


def test_names_that_are_no_unicode_are_escaped_in_parquet(folder):
    from pyarrow import parquet

    make_pair(folder, "caf\udce9", 8, one_pixel)
    assert main(["audit", str(folder), "-o", "out.parquet", "--engine", "serial"]) == 1
    ids = [row["id"] for row in parquet.read_table("out.parquet").to_pylist()]
    assert "caf\\udce9" in ids


def test_a_parquet_file_that_is_none_is_one_sentence(folder):
    (folder / "list.parquet").write_bytes(b"hello")
    with pytest.raises(CommandError, match=r"list\.parquet: is no Parquet file"):
        audit(folder / "list.parquet", engine=EngineName.SERIAL)

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bleed_guard.audit import worker
from bleed_guard.audit.engines import EngineName, ProcessEngine
from bleed_guard.audit.pairs import Pair, Patterns, read_pairs
from bleed_guard.audit.run import AuditPlan, run_audit
from bleed_guard.audit.worker import AuditOptions, check_pair
from bleed_guard.cli import audit as command
from bleed_guard.cli import main
from bleed_guard.cli.errors import CommandError
from tests.audit.conftest import everywhere, make_pair, one_pixel, save


def audit(source: object, out: str = "out.jsonl", **options):
    options.setdefault("engine", EngineName.SERIAL)
    return run_audit(AuditPlan(str(source), Path(out), **options))


def read(out: str = "out.jsonl") -> list[dict]:
    return [json.loads(line) for line in Path(out).read_text().splitlines()]


def test_a_folder_is_judged_by_cause(folder):
    summary = audit(folder)
    assert summary.verdicts == {"clean": 4, "bleed": 3}
    assert summary.causes == {"mask_blur": 1, "whole_redraw": 1, "several": 1}
    assert summary.pixels["several"] == 1
    assert [record["id"] for record in read()] == [
        "blurred",
        "redrawn",
        "speck",
        *(f"deep/er/clean{number}" for number in range(4)),
    ]


def test_processes_give_the_same_as_one(folder):
    audit(folder, "serial.jsonl")
    audit(folder, "processes.jsonl", engine=EngineName.PROCESSES, workers=2, chunk=2)
    without_time = [
        [{**record, "ms": 0} for record in read(name)]
        for name in ("serial.jsonl", "processes.jsonl")
    ]
    assert without_time[0] == without_time[1]


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("mask", None, "there is no such file"),
        ("orig", b"not a picture", "this is not a picture"),
        ("result", b"\x89PNG\r\n\x1a\n....", "this PNG is cut off"),
        ("size", (10, 10), "the result is 10 x 10 px, expected 48 x 32"),
    ],
)
def test_bad_files_are_reported_and_passed_over(folder, name, change, told):
    victim = {"mask": "speck.mask.png", "orig": "speck.orig.png"}.get(name, "speck.png")
    if change is None:
        (folder / victim).unlink()
    elif isinstance(change, bytes):
        (folder / victim).write_bytes(change)
    else:
        Image.new("RGB", change).save(folder / victim)
    summary = audit(folder)
    assert summary.total == 7
    (error,) = summary.errors
    assert error["id"] == "speck"
    assert told in error["error"]


def test_an_id_of_zero_is_an_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("zero.jsonl").write_text(
        '{"id": 0, "original": "o", "result": "r", "mask": "m"}\n'
        '{"id": "", "original": "o", "result": "r", "mask": "m"}\n'
    )
    assert [pair.id for pair in read_pairs("zero.jsonl", Patterns())] == ["0", "r"]


def test_manifests_name_files_relative_to_themselves(folder):
    rows = [
        {"original": f"{name}.orig.png", "result": f"{name}.png", "mask": f"{name}.mask.png"}
        for name in ("speck", "deep/er/clean0")
    ]
    with (folder / "list.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    for name in ("list.csv", "list.jsonl"):
        summary = audit(folder / name, f"{name}.out.jsonl")
        assert summary.verdicts == {"bleed": 1, "clean": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", "original,result,mask\nspeck.orig.png,speck.png,speck.mask.png\n"),
        ("list.jsonl", json.dumps({"original": "speck.orig.png", "result": "speck.png",
                                   "mask": "speck.mask.png"})),
    ],
)  # fmt: skip
def test_a_manifest_may_begin_with_a_byte_order_mark(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8-sig")
    assert audit(folder / name).verdicts == {"bleed": 1}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "original,result\na,b\n", "a.csv, entry 1: names no mask"),
        ("a.jsonl", '{"original": 1}\n', "a.jsonl, entry 1: names no original"),
        ("a.jsonl", "[1]\n", "a.jsonl, line 1: expected an object"),
        ("a.jsonl", "{\n", "a.jsonl, line 1: is no JSON"),
        ("a.jsonl", "[" * 100_000 + "\n", "a.jsonl, line 1: is no JSON"),
        ("a.csv", b"\xff\xfe\x00", "a.csv"),
        ("a.jsonl", b"\xff\xfe\x00", "a.jsonl: is not UTF-8"),
    ],
)
def test_a_broken_manifest_is_one_sentence(tmp_path, monkeypatch, name, text, told):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CommandError) as caught:
        audit(name)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_missing_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="nowhere: there is no such folder"):
        audit("nowhere")
    assert list(tmp_path.iterdir()) == []  # put right, the same command begins as the first time


def test_a_folder_that_cannot_be_read_does_not_pass(folder, monkeypatch, capsys):
    real = os.scandir
    closed = str(folder / "deep")

    def scan(path):
        if str(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    assert main(["audit", str(folder), "-o", "out.jsonl", "--engine", "serial"]) == 2
    assert capsys.readouterr().err == f"{closed}: cannot be read (Permission denied)\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("empty", "empty: holds no file named {name}.orig.png; name yours with --original\n"),
        ("empty.csv", "empty.csv: lists no pictures\n"),
    ],
)
def test_an_audit_of_nothing_does_not_pass(tmp_path, monkeypatch, capsys, source, told):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("empty.csv").write_text("original,result,mask\n")
    assert main(["audit", source, "-o", "out.jsonl", "--engine", "serial"]) == 2
    assert capsys.readouterr().err == told
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    "targets",
    [
        ("-o", "own.jsonl", "--restart"),
        ("-o", "pairs/../own.jsonl", "--force"),
        ("-o", "link.jsonl", "--force"),
        ("-o", "out.jsonl", "--json", "own.jsonl"),
        ("-o", "out.jsonl", "--html", "own.jsonl"),
        ("-o", "out.jsonl", "--json", "out.jsonl"),
        ("-o", "out.jsonl", "--json", "out.jsonl.state"),
        ("-o", "out.parquet", "--json", "out.parquet.jsonl"),
        ("-o", "out.jsonl", "--json", "both", "--html", "both"),
    ],
)
def test_no_file_is_named_twice(folder, capsys, targets):
    rows = [{"original": f"pairs/{name}.orig.png", "result": f"pairs/{name}.png",
             "mask": f"pairs/{name}.mask.png"} for name in ("speck", "redrawn")]  # fmt: skip
    own = Path("own.jsonl")
    own.write_text("\n".join(map(json.dumps, rows)))
    before = own.read_bytes()
    Path("link.jsonl").symlink_to("own.jsonl")
    assert main(["audit", "own.jsonl", *targets, "--engine", "serial"]) == 2
    err = capsys.readouterr().err
    assert "is named twice, expected different files for the source, the results and" in err
    assert err.count("\n") == 1
    assert own.read_bytes() == before
    assert {path.name for path in Path().iterdir()} == {"pairs", "own.jsonl", "link.jsonl"}


OWN_PICTURE = (
    "is a picture of the audit itself, expected another file for the results and each report\n"
)


@pytest.mark.parametrize("source", ["pairs", "list.csv", "list.jsonl"])
@pytest.mark.parametrize("report", ["pairs/speck.png", "pairs/redrawn.orig.png", "link.html"])
def test_no_report_overwrites_a_picture_of_the_audit(folder, capsys, source, report):
    names = [f"pairs/{name}" for name in ("speck", "redrawn")]
    rows = [{"original": f"{name}.orig.png", "result": f"{name}.png", "mask": f"{name}.mask.png"}
            for name in names]  # fmt: skip
    Path("list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    Path("list.csv").write_text(
        "\n".join(["original,result,mask", *(",".join(row.values()) for row in rows)])
    )
    Path("link.html").symlink_to("pairs/speck.mask.png")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    for option in ("--html", "--json"):
        arguments = ["audit", source, "-o", "out.jsonl", option, report, "--engine", "serial"]
        assert main(arguments) == 2
        assert capsys.readouterr().err == f"{report}: {OWN_PICTURE}"
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_results_do_not_overwrite_a_file_of_the_manifest(folder, capsys):
    shutil.copy(folder / "speck.png", "speck.jsonl")
    row = {"original": "pairs/speck.orig.png", "result": "speck.jsonl",
           "mask": "pairs/speck.mask.png"}  # fmt: skip
    Path("list.json").write_text(json.dumps(row))
    Path("list.json").rename("list.ndjson")
    before = Path("speck.jsonl").read_bytes()
    arguments = ["audit", "list.ndjson", "-o", "speck.jsonl", "--force", "--engine", "serial"]
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"speck.jsonl: {OWN_PICTURE}"
    assert Path("speck.jsonl").read_bytes() == before


def test_the_list_is_read_twice_only_where_a_report_is_there(folder, monkeypatch):
    reads = []
    monkeypatch.setattr(command, "read_pairs", lambda *source: reads.append(source) or iter(()))
    arguments = ["audit", "pairs", "-o", "out.jsonl", "--json", "out.json", "--engine", "serial"]
    main(arguments)
    assert not reads
    main([*arguments, "--force"])
    assert len(reads) == 1


def test_reports_are_replaced_by_the_next_audit(folder):
    arguments = ["audit", "pairs", "-o", "out.jsonl", "--json", "out.json", "--engine", "serial"]
    assert main(arguments) == main([*arguments, "--force"]) == 1


@pytest.mark.parametrize("option", ["-o", "--html", "--json"])
def test_results_that_cannot_be_written_are_one_sentence(folder, capsys, option):
    places = {"-o": "out.jsonl", "--html": "a.html", "--json": "a.json"}
    places[option] = f"gone/{places[option]}"
    arguments = [word for pair in places.items() for word in pair]
    assert main(["audit", str(folder), *arguments, "--engine", "serial"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(places[option])


def test_a_pattern_without_a_name_is_refused():
    with pytest.raises(CommandError, match=r"pattern of the mask must hold \{name\} once"):
        Patterns(mask="mask.png")


def test_patterns_reach_into_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    patterns = Patterns("before/{name}.png", "after/{name}_out.png", "masks/{name}.png")
    (tmp_path / "before" / "x").mkdir(parents=True)
    (tmp_path / "before" / "x" / "mug.png").touch()
    (pair,) = read_pairs(str(tmp_path), patterns)
    assert pair.id == "x/mug"
    assert pair.result.endswith("after/x/mug_out.png")
    assert pair.mask.endswith("masks/x/mug.png")


@pytest.mark.skipif(os.name == "nt", reason="names hold no line breaks there")
def test_a_name_with_a_line_break_is_audited_too(folder):
    make_pair(folder, "two\nlines", 8, one_pixel)
    assert audit(folder).verdicts == {"clean": 4, "bleed": 4}
    assert "two\nlines" in [record["id"] for record in read()]


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode there")
def test_names_that_are_no_unicode_are_linked_in_the_index(folder):
    make_pair(folder, "caf\udce9", 8, everywhere)
    arguments = ["audit", str(folder), "-o", "out.jsonl", "--engine", "serial"]
    assert main([*arguments, "--html", "index.html"]) == 1
    page = Path("index.html").read_text(encoding="utf-8")
    assert f'<a href="{folder}/caf%E9.png">{folder}/caf\\udce9.png</a>' in page


class Interrupted(BaseException):
    """Stands for Ctrl-C, a lost machine, a session's end."""


def interrupt_after(monkeypatch, pairs: int) -> None:
    real = worker.check_pair
    count = 0

    def check(pair, options):
        nonlocal count
        count += 1
        if count > pairs:
            raise Interrupted
        return real(pair, options)

    monkeypatch.setattr(worker, "check_pair", check)


@pytest.mark.parametrize("done", [0, 1, 3, 4, 6])
def test_an_interrupted_audit_goes_on_where_it_stopped(folder, monkeypatch, done):
    audit(folder, "whole.jsonl")
    with monkeypatch.context() as patched:
        interrupt_after(patched, done)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    checked = []
    real = worker.check_pair
    monkeypatch.setattr(
        worker, "check_pair", lambda pair, options: checked.append(pair) or real(pair, options)
    )
    summary = audit(folder, chunk=2)
    assert len(checked) == 7 - done // 2 * 2
    assert summary.verdicts == {"clean": 4, "bleed": 3}
    assert [{**r, "ms": 0} for r in read()] == [{**r, "ms": 0} for r in read("whole.jsonl")]
    assert not Path("out.jsonl.state").exists()


def test_a_chunk_half_written_is_cut_off(folder, monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_after(patched, 4)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    with Path("out.jsonl").open("a") as file:
        file.write('{"id": "torn')
    assert audit(folder, chunk=2).total == 7
    assert len(read()) == 7


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: make_pair(folder, "aaa"), "the list of files has changed since"),
        (lambda folder: make_pair(folder, "speck"), "a file that was checked has changed since"),
        (lambda folder: (folder / "redrawn.mask.png").unlink(), "a file that was checked has"),
        (lambda folder: os.utime(folder / "blurred.orig.png", (1, 1)), "a file that was checked"),
        (lambda folder: Path("out.jsonl").unlink(), "holds less than"),
        (lambda folder: Path("out.jsonl.state").write_text("{"), "cannot be used"),
    ],
)
def test_going_on_is_refused_when_something_changed(folder, monkeypatch, change, told):
    with monkeypatch.context() as patched:
        interrupt_after(patched, 4)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    change(folder)
    with pytest.raises(CommandError, match=told) as caught:
        audit(folder, chunk=2)
    assert "--restart" in str(caught.value)
    assert audit(folder, restart=True).total in (7, 8)


def test_a_file_replaced_while_it_is_checked_is_noticed(folder, monkeypatch):
    real = worker.check_pair

    def check(pair, options):
        if pair.id == "speck":
            raise Interrupted
        record = real(pair, options)
        os.utime(pair.result, (1, 1))
        return record

    with monkeypatch.context() as patched:
        patched.setattr(worker, "check_pair", check)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    with pytest.raises(CommandError, match="a file that was checked has changed since"):
        audit(folder, chunk=2)


def test_files_that_are_not_checked_yet_may_be_replaced(folder, monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_after(patched, 4)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    make_pair(folder, "deep/er/clean3", 3, one_pixel)
    assert audit(folder, chunk=2).verdicts == {"clean": 3, "bleed": 4}


def test_other_options_do_not_go_on(folder, monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_after(patched, 4)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    with pytest.raises(CommandError, match="was begun with other options"):
        audit(folder, options=AuditOptions(uses_infotext=False))


def test_finished_results_are_kept_unless_forced(folder):
    audit(folder)
    with pytest.raises(CommandError, match=r"out\.jsonl: the file exists"):
        audit(folder)
    assert audit(folder, force=True).total == 7


@pytest.mark.parametrize("option", ["--force", "--restart"])
def test_old_results_outlive_a_run_that_cannot_begin(folder, capsys, option):
    audit(folder)
    before = Path("out.jsonl").read_bytes()
    Path("broken.csv").write_text("original,result,mask\na,b\n")
    for source in ("missing.csv", "broken.csv", "missing"):
        assert main(["audit", source, "-o", "out.jsonl", "--engine", "serial", option]) == 2
        assert Path("out.jsonl").read_bytes() == before
    assert not Path("out.jsonl.state").exists()


def test_an_interrupted_audit_outlives_a_restart_that_cannot_begin(folder, monkeypatch):
    with monkeypatch.context() as patched:
        interrupt_after(patched, 4)
        with pytest.raises(Interrupted):
            audit(folder, chunk=2)
    with pytest.raises(CommandError):
        audit("missing", restart=True)
    assert audit(folder, chunk=2).total == len(read()) == 7


def test_longer_old_results_are_replaced_whole(folder):
    audit(folder)
    (folder / "speck.orig.png").unlink()
    assert audit(folder, force=True).total == len(read()) == 6


def test_pairs_are_read_no_further_ahead_than_needed(folder):
    """However long the list: what is handed out and not yet collected stays bounded."""
    taken = 0
    pair = next(read_pairs(str(folder), Patterns()))

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield [pair]

    engine = ProcessEngine(AuditOptions(), 1)
    try:
        results = engine.check(endless())
        for _ in range(3):
            next(results)
    finally:
        engine.close()
    assert taken <= 3 + 4


def test_settings_are_read_from_the_infotext(folder):
    def judge(infotext: str, **options) -> dict:
        make_pair(folder, "told", 9, everywhere, f"a mug\nSteps: 20, {infotext}")
        files = (str(folder / f"told{end}") for end in (".orig.png", ".png", ".mask.png"))
        return check_pair(Pair("told", *files), AuditOptions(**options))

    assert judge("Mask blur: 4")["verdict"] == "bleed"
    assert judge("Bleed guard tolerance: 1")["verdict"] == "within tolerance"
    assert judge("Bleed guard: full-redo")["verdict"] == "full redo"
    assert judge("Bleed guard tolerance: 1", uses_infotext=False)["verdict"] == "bleed"
    assert judge("Bleed guard tolerance: hello")["verdict"] == "bleed"


def test_a_soft_mask_is_named_as_the_cause(folder):
    make_pair(folder, "soft", 3)
    levels = np.asarray(Image.open(folder / "soft.png")).copy()
    mask = np.asarray(Image.open(folder / "soft.mask.png")).copy()
    mask[12:20, 28:34] = 90
    levels[14, 30] ^= 4
    save(folder / "soft.mask.png", mask)
    save(folder / "soft.png", levels)
    files = (str(folder / f"soft{end}") for end in (".orig.png", ".png", ".mask.png"))
    record = check_pair(Pair("soft", *files), AuditOptions())
    assert (record["verdict"], record["cause"]) == ("bleed", "soft_mask")


def test_a_jpeg_is_named_as_the_cause(folder):
    make_pair(folder, "lossy", 3)
    Image.open(folder / "lossy.png").save(folder / "lossy.jpg")
    files = (str(folder / f"lossy{end}") for end in (".orig.png", ".jpg", ".mask.png"))
    assert check_pair(Pair("lossy", *files), AuditOptions())["cause"] == "jpeg"


def test_the_command_prints_the_summary_and_writes_an_index(folder, capsys):
    make_pair(folder, "<b>&hostile", 8, one_pixel)
    (folder / "speck.mask.png").unlink()
    arguments = ["audit", str(folder), "-o", "out.jsonl", "--engine", "serial"]
    code = main([*arguments, "--html", "index.html", "--json", "summary.json"])
    told = capsys.readouterr().out
    assert code == 1
    assert "8 results" in told
    assert "mask blur" in told
    page = Path("index.html").read_text()
    assert "&lt;b&gt;&amp;hostile" in page
    assert "<b>" not in page
    assert "speck.mask.png: there is no such file" in page
    assert json.loads(Path("summary.json").read_text())["verdicts"] == {
        "clean": 4,
        "bleed": 3,
        "error": 1,
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [("clean", 0), ("error", 2), ("size", 2), ("bleed", 1), ("bleed and error", 1)],
)
def test_exit_codes(tmp_path, monkeypatch, change, code):
    monkeypatch.chdir(tmp_path)
    make_pair(tmp_path / "p", "a", 1, one_pixel if "bleed" in change else None)
    make_pair(tmp_path / "p", "b", 2)
    if "error" in change:
        (tmp_path / "p" / "b.mask.png").unlink()
    if change == "size":
        Image.new("RGB", (10, 10)).save(tmp_path / "p" / "b.png")
    assert main(["audit", "p", "-o", "out.jsonl", "--engine", "serial"]) == code


def test_the_help_tells_the_exit_codes_an_audit_has(capsys):
    with pytest.raises(SystemExit):
        main(["audit", "--help"])
    told = " ".join(capsys.readouterr().out.split()).partition("exit codes: ")[2]
    assert told == (
        "0 all clean, 1 bleed, 2 usage or files that could not be compared, 130 interrupted"
    )


def test_results_need_a_known_ending(folder, capsys):
    assert main(["audit", str(folder), "-o", "out.txt"]) == 2
    assert capsys.readouterr().err == (
        "out.txt: expected a .jsonl or .parquet file for the results\n"
    )


def test_an_interrupt_is_one_sentence(folder, monkeypatch, capsys):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_compare", interrupt)
    assert main(["audit", str(folder), "-o", "out.jsonl", "--engine", "serial"]) == 130
    told = "interrupted; the same command goes on where it stopped\n"
    assert capsys.readouterr().err == told


def release(pipe: Path) -> None:
    """Let go whoever waits for a named pipe to be written."""
    with contextlib.suppress(OSError):
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))


def children_of(parent: int) -> list[Path]:
    """The folders in /proc of a process' children that were spawned to work."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            is_worker = b"spawn_main" in (entry / "cmdline").read_bytes()
            if int(status[1]) == parent and is_worker:
                found.append(entry)
    return found


@contextlib.contextmanager
def waiting_audit(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[Path], Path]]:
    """An audit whose worker waits until somebody writes to a named pipe: the command, the folders
    of its workers in /proc and the pipe. No worker is left behind."""
    pipe = folder / "redrawn.png"
    pipe.unlink()
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "bleed_guard", "audit", str(folder), "-o", "out.jsonl"]
    running = subprocess.Popen(
        [*command, "--workers", "1", "--chunk", "1"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )
    out = Path("out.jsonl")
    while running.poll() is None and not (out.exists() and out.stat().st_size):
        time.sleep(0.02)
    workers = children_of(running.pid)
    try:
        yield running, workers, pipe
    finally:
        running.kill()
        running.communicate()
        for process in workers:
            if process.exists():
                os.kill(int(process.name), signal.SIGKILL)


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")


@on_linux
def test_a_termination_ends_the_workers_too(folder):
    with waiting_audit(folder) as (running, workers, pipe):
        running.send_signal(signal.SIGTERM)
        while running.poll() is None:
            release(pipe)
            time.sleep(0.02)
        assert running.stderr is not None
        assert running.stderr.read() == "interrupted; the same command goes on where it stopped\n"
        assert running.returncode == 130
        assert workers
        assert not [process for process in workers if process.exists()]


@on_linux
def test_workers_do_not_outlive_an_audit_that_is_killed(folder):
    with waiting_audit(folder) as (running, workers, _):
        assert workers
        running.kill()
        running.wait()
        for _ in range(500):
            if not any(process.exists() for process in workers):
                return
            time.sleep(0.02)
        pytest.fail("a worker lives on, 10 s after its audit was killed")


def test_a_missing_package_is_told_before_anything_is_checked(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["audit", str(folder), "-o", "out.parquet", "--engine", "serial"]) == 2
    assert capsys.readouterr().err == "Parquet needs pyarrow: pip install pyarrow\n"
    assert not list(folder.parent.glob("out*"))

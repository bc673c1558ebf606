from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image

GOOD = ("original.png", "clean.png", "mask.png")
BAD = ("original.png", "bleed.png", "mask.png")
GONE = ("original.png", "gone.png", "mask.png")


@pytest.mark.parametrize(
    ("allowed", "code"), [("0", 1), ("1", 0), ("0%", 1), ("0.03%", 1), ("0.04%", 0), ("100%", 0)]
)
def test_max_changed(files, run, allowed, code):
    got, out, _ = run("check", *BAD, "--max-changed", allowed)
    assert got == code
    assert out.startswith("bleed" if code else "within tolerance")


@pytest.mark.parametrize("percent", [29, 57, 58])
def test_a_percentage_is_exact(files, run, percent):
    """0.29 * 100 is 28.999999999999996 in floats."""
    before, after, mask = np.zeros((3, 10, 20), np.uint8)
    after[:, :10] = (np.arange(100) < percent).reshape(10, 10)
    mask[:, 10:] = 255
    for name, levels in (("before", before), ("after", after), ("half", mask)):
        Image.fromarray(levels).save(f"{name}.png")
    triple = ("before.png", "after.png", "half.png")
    assert run("check", *triple, "--max-changed", f"{percent}%")[0] == 0
    assert run("check", *triple, "--max-changed", f"{percent - 1}%")[0] == 1


@pytest.mark.parametrize("value", ["-1", "x", "101%", "-1%", "x%", "nan%", "inf%", "1.5"])
def test_max_changed_of_nonsense_is_one_sentence(files, run, value):
    code, _, err = run("check", *BAD, f"--max-changed={value}")
    assert code == 2
    assert f"a number of pixels or a percentage such as 0.5%, got '{value}'" in err


@pytest.mark.parametrize(
    ("protect", "blur", "code"), [("hard", 4, 1), ("soft", 4, 0), ("soft", 3, 1)]
)
def test_soft_protection_leaves_the_reach_of_the_mask_blur_out(
    files, run, pixels, protect, blur, code
):
    """Blur 4 reaches 10 px, blur 3 reaches 8: the changed pixel is 9 px from the mask."""
    pixels[16, 52] ^= 1
    Image.fromarray(pixels).save("near.png")
    arguments = ("original.png", "near.png", "mask.png", "--protect", protect, "--mask-blur", blur)
    assert run("check", *arguments)[0] == code


def test_invert_takes_black_as_repainted(files, run, mask):
    Image.fromarray(255 - mask).save("black.png")
    assert run("check", "original.png", "clean.png", "black.png")[0] == 1
    assert run("check", "original.png", "clean.png", "black.png", "--invert")[0] == 0


@pytest.mark.parametrize(("channel", "code"), [("auto", 0), ("alpha", 0), ("luma", 1)])
def test_mask_channel(files, run, mask, channel, code):
    """Alpha holds the mask, luma is black: nothing would be repainted."""
    Image.fromarray(np.dstack([np.zeros((*mask.shape, 3), np.uint8), mask])).save("rgba.png")
    got, _, _ = run("check", "original.png", "clean.png", "rgba.png", "--mask-channel", channel)
    assert got == code


def test_the_repair_that_is_offered_reads_the_mask_as_the_check_did(files, run, mask):
    Image.fromarray(255 - mask).save("black.png")
    read_so = ("--invert", "--mask-channel", "luma")
    _, out, _ = run("check", "original.png", "bleed.png", "black.png", *read_so)
    offered = out.split("python -m bleed_guard ")[1].split()
    assert run(*offered)[0] == 0
    assert run("check", "original.png", "repaired.png", "mask.png")[0] == 0
    edited, before = (np.asarray(Image.open(f"{name}.png")) for name in ("repaired", "original"))
    assert (edited[24, 34] != before[24, 34]).any()  # the middle of the edit is still there


def test_asking_for_the_alpha_of_a_mask_without_is_one_sentence(files, run):
    code, _, err = run("check", *GOOD, "--mask-channel", "alpha")
    assert (code, err) == (2, "mask.png: has no alpha channel to be the mask\n")


def test_several_pairs_and_the_worst_exit_code(files, run):
    code, out, _ = run("check", *GOOD, *GOOD)
    assert (code, out.count("clean:")) == (0, 2)
    assert run("check", *GOOD, *BAD)[0] == 1
    code, out, err = run("check", *BAD, *GONE, *GOOD)
    assert code == 2
    assert (out.count("bleed:"), out.count("clean:")) == (1, 1)
    assert err == "gone.png: there is no such file\n"


def test_a_triple_that_is_not_whole_is_one_sentence(files, run):
    code, _, err = run("check", *GOOD, "more.png")
    assert code == 2
    assert "ORIGINAL RESULT MASK, or several such triples, got 4 files" in err


def test_json_of_several(files, run):
    _, out, _ = run("check", *GOOD, *BAD, *GONE, "--json", "-")
    report = json.loads(out)
    assert report["exit"] == 2
    assert [check["verdict"] for check in report["checks"]] == ["clean", "bleed", "error"]
    assert report["checks"][2]["error"] == "gone.png: there is no such file"


def test_junit(files, run):
    run("check", *GOOD, *BAD, *GONE, "--junit", "report.xml")
    suite = ElementTree.parse("report.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    good, bad, gone = suite
    assert len(good) == 0
    assert "1 of 2,752 protected pixels changed" in bad[0].get("message", "")
    assert gone[0].tag == "error"


def test_sarif(files, run):
    run("check", *GOOD, *BAD, *GONE, "--sarif", "report.sarif")
    log = json.loads(Path("report.sarif").read_text())
    assert log["version"] == "2.1.0"
    (work,) = log["runs"]
    assert [result["ruleId"] for result in work["results"]] == ["bleed", "unreadable"]
    assert {rule["id"] for rule in work["tool"]["driver"]["rules"]} == {"bleed", "unreadable"}
    place = work["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "bleed.png"


def test_github_annotations(files, run):
    _, out, _ = run("check", *GOOD, *BAD, "--github")
    (line,) = [line for line in out.splitlines() if line.startswith("::")]
    assert line.startswith("::error file=bleed.png,title=Bleed Guard%3A bleed::1 of 2,752")
    assert "less than 0.1 %25" in line


def test_annotations_stay_out_of_a_report_on_stdout(files, run):
    _, out, err = run("check", *BAD, "--json", "-", "--github")
    assert json.loads(out)["verdict"] == "bleed"
    assert err.startswith("::error file=bleed.png")


def test_markdown(files, run):
    _, out, _ = run("check", *GOOD, *BAD, *GONE, "--markdown", "-")
    rows = out.splitlines()
    assert len(rows) == 5
    assert rows[3].startswith("| bleed.png | bleed | 1 | 2,752 | 1 | 17 px |")
    assert "there is no such file" in rows[4]


def test_only_one_report_goes_to_stdout(files, run):
    code, _, err = run("check", *GOOD, "--json", "-", "--markdown", "-")
    assert (code, err) == (2, "only one report can go to stdout (-)\n")


@pytest.mark.parametrize("option", ["--json", "--junit", "--sarif", "--markdown", "--html"])
def test_no_report_overwrites_a_picture(files, run, option):
    before = Path("mask.png").read_bytes()
    code, _, err = run("check", *GOOD, option, "mask.png")
    assert code == 2
    assert "would overwrite a picture" in err
    assert Path("mask.png").read_bytes() == before


@pytest.mark.parametrize("option", ["--json", "--html", "--heatmap"])
def test_a_report_that_cannot_be_written_is_one_sentence(files, run, option):
    code, _, err = run("check", *GOOD, option, "no/folder/report.png")
    assert code == 2
    assert err.startswith("no/folder/report.png: cannot be written (")


def test_html_is_one_offline_file(files, run):
    run("check", *GOOD, *BAD, *GONE, "--html", "report.html")
    page = Path("report.html").read_text()
    assert page.count("<section") == 3
    assert "2 of 3 failed" in page
    assert "//" not in page.replace("data:image/png;base64,", "").split("<body>")[0]
    assert not [word for word in ("http:", "https:", "<link", "<script src") if word in page]


HOSTILE = "<img src=x onerror=alert(1)>|`&\"'%\n::error::.png"


def test_hostile_file_names_stay_text(files, run):
    Path("bleed.png").rename(Path(HOSTILE.replace("/", "_")))
    bad = ("original.png", HOSTILE, "mask.png")
    _, out, _ = run(
        "check", *bad, "--html", "r.html", "--junit", "r.xml", "--sarif", "r.sarif", "--github"
    )
    assert "<img src=x" not in Path("r.html").read_text()
    assert ElementTree.parse("r.xml").getroot()[0][0].get("name") == HOSTILE.replace("\n", "\ufffd")
    uri = json.loads(Path("r.sarif").read_text())["runs"][0]["results"][0]["locations"][0]
    assert "<" not in uri["physicalLocation"]["artifactLocation"]["uri"]
    annotations = [line for line in out.splitlines() if line.startswith("::error")]
    assert len(annotations) == 1
    _, table, _ = run("check", *bad, "--markdown", "-")
    assert "<img" not in table
    assert len(table.splitlines()) == 3


REPORTS = ("--json", "--junit", "--sarif", "--markdown", "--html")


@pytest.mark.parametrize("option", REPORTS)
def test_a_name_that_is_no_utf_8_stays_in_its_report(files, run, option):
    name = os.fsdecode(b"caf\xe9.png")
    try:
        Path("bleed.png").rename(name)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    code, _, err = run("check", "original.png", name, "mask.png", option, "report")
    assert (code, err) == (1, "")
    report = Path("report").read_bytes().decode()
    assert "caf" in report
    if option == "--json":
        assert json.loads(report)["result"] == name
    if option == "--sarif":
        assert "caf%E9.png" in report


def test_heatmaps_of_several_pairs_are_numbered(files, run):
    run("check", *GOOD, *BAD, "--heatmap", "heat.png")
    assert Path("heat-1.png").exists()
    assert Path("heat-2.png").exists()


def test_a_numbered_heatmap_never_overwrites_a_picture(files, run):
    Path("original.png").rename("a-1.png")
    before = Path("a-1.png").read_bytes()
    triple = ("a-1.png", "clean.png", "mask.png")
    code, _, err = run("check", *triple, *triple, "--heatmap", "a.png")
    assert code == 2
    assert err == "a-1.png: the report would overwrite a picture it is made from\n"
    assert Path("a-1.png").read_bytes() == before


def test_the_terminal_shows_where(files, run):
    assert "\x1b[" not in run("check", *BAD)[1]  # captured output is no terminal
    drawn = run("check", *BAD, "--show", "always")[1]
    assert drawn.count("\N{UPPER HALF BLOCK}") == 48 * 36 // 2
    assert "\x1b[" not in run("check", *GOOD, "--show", "always")[1]


def test_the_terminal_shows_one_pixel_of_many(files, run):
    """A heatmap 72 characters wide keeps the maximum of what each covers."""
    picture = np.zeros((1200, 1600, 3), np.uint8)
    cv2.imwrite("large.png", picture)
    picture[7, 9] = 255
    cv2.imwrite("large_bleed.png", picture)
    _, drawn, _ = run("check", "large.png", "large_bleed.png", "mask.png", "--show", "always")
    cells = [cell.split(";48")[0] for cell in drawn.split("\x1b[") if cell.startswith("38;2;")]
    unchanged, in_mask = "38;2;24;24;27", "38;2;70;70;78"
    assert unchanged in cells
    assert len([cell for cell in cells if cell not in (unchanged, in_mask)]) == 1


def test_annotations_hold_no_escape_codes(files, run):
    name = "bl\x1b[31med.png"
    Path("bleed.png").rename(name)
    _, out, _ = run("check", "original.png", name, "mask.png", "--github")
    assert "::error file=bl\N{REPLACEMENT CHARACTER}[31med.png," in out
    assert "\x1b" not in out


@pytest.mark.parametrize("option", ["--json", "--html", "--heatmap"])
def test_an_empty_name_for_a_report_is_told(files, run, option):
    code, _, err = run("check", *BAD, option, "")
    assert code == 2
    assert f"{option}: expected the name of a file, got an empty one" in err

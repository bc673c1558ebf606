"""What other projects copy: the pre-commit hook, the GitHub Action, the package's extras."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bleed_guard.cli.arguments import COMMANDS

ROOT = Path(__file__).parents[2]
ACTION = (ROOT / "examples" / "github-action" / "bleed.yml").read_text()
HOOKS = (ROOT / ".pre-commit-hooks.yaml").read_text()
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def script_of(step: str) -> str:
    """The shell lines of a step of the action."""
    block = ACTION.split(f"- name: {step}\n")[1].split("run: |\n")[1]
    lines = []
    for line in block.splitlines(keepends=True):
        if line.strip() and not line.startswith(" " * 10):
            break
        lines.append(line)
    return textwrap.dedent("".join(lines))


@needs_bash
@pytest.mark.parametrize(("result", "code"), [("clean.png", 0), ("bleed.png", 1)])
def test_the_action_runs_as_a_shell_script(files, result, code):
    pictures = Path("pictures")
    pictures.mkdir()
    Path("original.png").rename(pictures / "a mug.orig.png")
    Path(result).rename(pictures / "a mug.png")
    Path("mask.png").rename(pictures / "a mug.mask.png")
    command = Path("bin/bleed-guard")
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bleed_guard "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script_of("Check every picture")],
        env={
            "PATH": f"{command.parent.resolve()}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PICTURES": "pictures",
            "GITHUB_STEP_SUMMARY": "step.md",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "pictures/a mug.png" in Path("step.md").read_text()
    assert ("::error file=pictures/a mug.png" in done.stdout) == bool(code)
    assert "<section" in Path("bleed.html").read_text()


def test_the_hooks_call_commands_that_exist():
    entries = re.findall(r"^  entry: bleed-guard (\w+)", HOOKS, re.MULTILINE)
    assert entries == ["check", "audit"]
    assert set(entries) <= set(COMMANDS)
    assert len(re.findall(r"^- id: ", HOOKS, re.MULTILINE)) == len(entries)


def test_the_audit_hook_runs_again_and_again(files, run):
    Path("original.png").rename("mug.orig.png")
    Path("mask.png").rename("mug.mask.png")
    Path("clean.png").rename("mug.png")
    entry = re.findall(r"^  entry: bleed-guard (audit.*)$", HOOKS, re.MULTILINE)[0]
    words = [*shlex.split(entry), ".", "-o", "out.jsonl", "--engine", "serial"]
    assert [run(*words)[0] for _ in range(2)] == [0, 0]
    Path("out.jsonl.state").write_text("left by a run that was interrupted")
    assert run(*words)[0] == 0


@pytest.mark.parametrize("extra", ["cli", "audit", "diffusers"])
def test_the_extras_are_declared(extra):
    text = (ROOT / "pyproject.toml").read_text()
    section = text.split("[project.optional-dependencies]\n")[1].split("\n\n")[0]
    assert re.search(rf"^{extra} = \[", section, re.MULTILINE)


def test_the_registry_of_comfyui_finds_its_metadata():
    section = (ROOT / "pyproject.toml").read_text().split("[tool.comfy]\n")[1].split("\n\n")[0]
    assert "PublisherId" in section
    assert 'DisplayName = "Bleed Guard"' in section

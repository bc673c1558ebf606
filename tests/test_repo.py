"""Rules about the repository: who imports whom, what the host will read, what a clone holds."""

from __future__ import annotations

import ast
import configparser
import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bleed_guard"
CORE_PACKAGES = {"numpy", "cv2", "PIL"}
MAX_CLONE_BYTES = 10_000_000
MAX_ADDRESS_LINES = 20


def tracked_files() -> list[Path]:
    """The files a clone holds."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone: the files of a clone are asked from git")
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = (ROOT / name for name in listed.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


@functools.cache
def imported_modules(path: Path) -> frozenset[str]:
    """Full names of all modules that the file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve(path, node)
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(names)


def resolve(path: Path, node: ast.ImportFrom) -> str:
    """Full name of the module in `from ... import`."""
    if not node.level:
        return node.module or ""
    folder = path.relative_to(ROOT).parts[:-1]
    parents = folder[: len(folder) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def importers(pattern: str) -> set[str]:
    """Files of the package that import a module whose name matches the pattern from its start."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(re.match(rf"(?:{pattern})(?:\.|$)", name) for name in imported_modules(path))
    }


def outside(files: set[str], *allowed: str) -> set[str]:
    return {file for file in files if not file.startswith(allowed)}


def test_only_the_host_folder_imports_the_webui() -> None:
    assert outside(importers("modules|modules_forge"), "bleed_guard/host/") == set()


def test_only_ui_and_the_options_import_gradio() -> None:
    allowed = ("bleed_guard/ui/", "bleed_guard/host/options.py")
    assert outside(importers("gradio"), *allowed) == set()


def test_core_stands_alone() -> None:
    for path in (PACKAGE / "core").rglob("*.py"):
        for name in imported_modules(path):
            top = name.split(".")[0]
            is_own = name == "bleed_guard" or name.startswith("bleed_guard.core")
            is_allowed = is_own or top in CORE_PACKAGES or top in sys.stdlib_module_names
            assert is_allowed, f"{path.name} imports {name}"
            assert top != "logging", f"{path.name} logs; core returns what there is to say"


def test_ui_knows_of_the_host_only_what_it_can() -> None:
    in_ui = {file for file in importers(r"bleed_guard\.host") if file.startswith("bleed_guard/ui/")}
    for file in in_ui:
        names = {name for name in imported_modules(ROOT / file) if "bleed_guard.host" in name}
        leaf = {"bleed_guard.host", "bleed_guard.host.compat"}
        assert {name for name in names if name not in leaf and ".compat." not in name} == set(), (
            file
        )


def test_library_parts_import_neither_host_nor_ui() -> None:
    everything = importers(r"bleed_guard\.(?:host|ui)")
    assert outside(everything, "bleed_guard/host/", "bleed_guard/ui/") == set()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.name
)
def test_a_file_in_scripts_is_an_address(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_ADDRESS_LINES


def test_a_clone_is_small() -> None:
    sizes = {path: path.stat().st_size for path in tracked_files()}
    largest = sorted(sizes, key=lambda path: -sizes[path])[:5]
    assert sum(sizes.values()) < MAX_CLONE_BYTES, [(str(path), sizes[path]) for path in largest]


def test_no_file_names_a_path_of_one_machine() -> None:
    machine = re.compile(rb"(?<![\w.])/(?:home|root|tmp|Users|work)/[A-Za-z0-9]")
    texts = {".py", ".js", ".toml", ".json", ".ini", ".txt", ".css", ".md", ".yml", ""}
    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix in texts and machine.search(path.read_bytes())
    ]
    assert found == []


def test_the_version_stands_in_one_place() -> None:
    version = re.search(r'__version__ = "([^"]+)"', (PACKAGE / "__init__.py").read_text())
    assert version is not None
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{version[1]}]" in changelog
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def read_metadata() -> configparser.ConfigParser:
    """metadata.ini as the hosts read it; plain ASCII reads the same in every code page."""
    config = configparser.ConfigParser()
    config.read(ROOT / "metadata.ini", encoding="ascii")
    return config


def test_metadata_leaves_the_order_to_the_running_host() -> None:
    """A section made beforehand is an error in the console of every host whose folder for this
    extension has another name."""
    assert read_metadata().sections() == ["Extension"]


def requirement_lines(name: str) -> dict[str, str]:
    """Package -> version of one requirement file."""
    text = (ROOT / "requirements" / name).read_text(encoding="ascii")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: version for name, _, version in (line.partition("==") for line in lines)}


@pytest.mark.parametrize("host", ["a1111", "forge", "neo"])
def test_tools_move_no_package_of_a_host(host: str) -> None:
    pins, tools = requirement_lines(f"{host}.txt"), requirement_lines("dev.txt")
    moved = {name for name in pins.keys() & tools.keys() if pins[name] != tools[name]}
    assert moved == set()

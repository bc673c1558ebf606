"""One command for everything a developer does: demo, test, bench, lint, python.

Standard library only. Every subcommand makes what it needs on first use - a virtual environment
per set of host packages under .venvs/, the JavaScript tools under node_modules/ - and uses it again
until its requirement files change.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent
VENVS = ROOT / ".venvs"
REPORTS = VENVS / "reports"

# The one Python version for which every package of all three hosts has a wheel: Pillow 9.5 and
# scikit-image 0.21 (A1111, Forge) stop there, numpy 2.3 (Forge Neo) and SciPy 1.16 begin there.
PYTHON_VERSION = "3.11"
PYTHON_NAMES = ("python3.11", "python3", "python")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_VARIABLE = "BLEED_GUARD_CHROMIUM"
TEST_PARTS = ("a1111", "forge", "neo", "browser", "js", "pipelines")
BROWSER_VENVS = ("a1111", "forge")
PART_VENVS = {"browser": BROWSER_VENVS, "js": ()}
"""The environments of the parts that do not have the one of their own name."""

OWN_FOLDERS = {"browser": "tests/browser", "js": "tests/js", "pipelines": "tests/pipelines"}
MORE_FOLDERS = {"pipelines": ["tests/core"]}
"""Run by a part besides: its OpenCV, numpy and Pillow are newer than any host's."""

PLAIN_FOLDERS = ("tests/core", "tests/cli", "tests/audit")
PLAIN_PACKAGES = ("numpy", "opencv-python", "pillow", "scikit-image", "scipy")
"""Tests that need no host, and all the packages that their outcome may depend on: where two hosts
pin the same versions, they run for the first of them alone."""

# The project never uses the network: what the packages would send or fetch by themselves is off.
QUIET_PACKAGES = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
BYTECODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(VENVS / "bytecode")}
"""Compiled modules are kept, apart from the sources, even where the user's shell forbids it: tests
start dozens of hosts, and each would compile gradio and all it needs again."""


class SetupError(Exception):
    """Something this machine lacks; the message says in one sentence what."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment and the requirement files it is made from.

    The hosts' files list every package, so pip is told not to look for more (`is_complete`): Forge
    Neo runs a Pillow that is newer than its gradio declares.
    """

    name: str
    requirements: tuple[str, ...]
    is_complete: bool = True

    @property
    def folder(self) -> Path:
        return VENVS / self.name

    @property
    def python(self) -> Path:
        parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        return self.folder.joinpath(*parts)

    @property
    def stamp(self) -> Path:
        """Written when the set-up is complete; holds the key the environment was made for."""
        return self.folder / "bleed-guard.stamp"

    def key(self) -> str:
        """Hash of all that decides what is installed."""
        digest = hashlib.sha256(repr((PYTHON_VERSION, self.is_complete)).encode())
        for name in self.requirements:
            digest.update((ROOT / "requirements" / name).read_bytes())
        return digest.hexdigest()

    def is_ready(self) -> bool:
        """Whether it is there, complete, and made from the requirement files as they stand.

        Its Python is a link: it points to nothing once the Python it was made from is gone.
        """
        if not (self.python.exists() and self.stamp.is_file()):
            return False
        return self.stamp.read_text() == self.key()


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("a1111", ("a1111.txt", "dev.txt")),
        Environment("forge", ("forge.txt", "dev.txt")),
        Environment("neo", ("neo.txt", "dev.txt")),
        Environment("pipelines", ("pipelines.txt", "dev.txt"), is_complete=False),
        Environment("tools", ("tools.txt",), is_complete=False),
    )
}


# ---------------------------------------------------------------------------------------- set-up


def is_right_python(executable: str) -> bool:
    """Whether `executable` is a Python of the needed version that can make virtual environments."""
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    return read_lines(executable, "-c", probe) == [PYTHON_VERSION]


def find_python() -> str:
    """Path of the Python that makes the environments: the running one if it fits.

    Raises:
        SetupError: none is installed.
    """
    candidates = [sys.executable, *PYTHON_NAMES]
    candidates += read_lines("py", f"-{PYTHON_VERSION}", "-c", "import sys; print(sys.executable)")
    candidates += read_lines("uv", "python", "find", PYTHON_VERSION)
    for candidate in candidates:
        executable = shutil.which(candidate)
        if executable and is_right_python(executable):
            return executable
    raise SetupError(
        f"Python {PYTHON_VERSION} with its venv module is missing (the hosts' pinned packages have "
        f"wheels for that version only): install it so that `python{PYTHON_VERSION}` is on the "
        f"PATH, for instance with `uv python install {PYTHON_VERSION}`."
    )


def read_lines(*command: str) -> list[str]:
    """What `command` prints, by line; nothing if it is not installed or fails."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return answer.stdout.splitlines()


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = ROOT,
    variables: Mapping[str, str] = QUIET_PACKAGES,
    output: Path | None = None,
) -> int:
    """Run `command` in the repository's root, or where the user is (None); its exit status.

    The project's own packages can be imported in both. What it prints goes to the file `output`
    if there is one.
    """
    sys.stdout.flush()
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    variables = {**os.environ, **BYTECODE, **variables, "PYTHONPATH": path}
    with output.open("wb") if output else contextlib.nullcontext() as file:
        return subprocess.call(
            [str(part) for part in command], cwd=cwd, env=variables, stdout=file, stderr=file
        )


def answer_of(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run `command` in the repository's root; what it prints is kept."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def run_quietly(command: Sequence[str | Path], complaint: str) -> None:
    """Run `command` and keep what it prints for the case that it fails.

    Raises:
        SetupError: it failed; its last lines have been printed.
    """
    answer = answer_of(command)
    if answer.returncode:
        print(*answer.stdout.splitlines()[-30:], sep="\n", file=sys.stderr, flush=True)
        raise SetupError(f"{complaint}; the lines above say why.")


def say(text: str) -> None:
    """Tell the user what goes on, on stderr: stdout belongs to the command that is run."""
    print(f"[dev] {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process at a time set up `name`; another one waits until it is done."""
    VENVS.mkdir(exist_ok=True)
    with (VENVS / f"{name}.lock").open("w") as handle:
        lock(handle.fileno())
        yield


def lock(file: int) -> None:
    """Wait for the lock of an open file; closing the file, or the process' end, gives it back."""
    if sys.platform == "win32":
        import msvcrt

        is_locked = False
        while not is_locked:
            with contextlib.suppress(OSError):  # locking gives up after ten seconds
                msvcrt.locking(file, msvcrt.LK_LOCK, 1)
                is_locked = True
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def ensure(name: str) -> Path:
    """Path of the Python of the environment `name`, made first where that is needed.

    Raises:
        SetupError: no fitting Python, or pip failed; what pip said has been printed.
    """
    environment = ENVIRONMENTS[name]
    if environment.is_ready():
        return environment.python
    with locked(name):
        if not environment.is_ready():
            make(environment)
    return environment.python


def make(environment: Environment) -> None:
    """Build the environment from nothing; the stamp goes in last, so that a torn one is redone."""
    is_tools = environment.name == "tools"
    tools = None if is_tools else ensure("tools")
    say(f"making .venvs/{environment.name} (once, {'seconds' if is_tools else 'up to a minute'})")
    python, key = find_python(), environment.key()
    shutil.rmtree(environment.folder, ignore_errors=True)
    complaint = f"the environment .venvs/{environment.name} could not be made"
    without_pip = [] if is_tools else ["--without-pip"]
    run_quietly([python, "-m", "venv", *without_pip, environment.folder], complaint)
    install(environment, tools or environment.python, complaint)
    environment.stamp.write_text(key)


def install(environment: Environment, tools: Path, complaint: str) -> None:
    """Install what the environment's requirement files name.

    uv is much faster than pip, but knows nothing of pip's configuration: what it cannot install,
    or would have to look for itself, is left to pip.

    Raises:
        SetupError: pip failed; what it said has been printed.
    """
    whole = ["--no-deps"] if environment.is_complete else []
    files = [part for name in environment.requirements for part in ("-r", f"requirements/{name}")]
    uv = [tools, "-m", "uv", "pip", "install", "--quiet", "--python", environment.python]
    if environment.is_complete and not answer_of([*uv, *whole, *files]).returncode:
        return
    pip = [tools, "-m", "pip", "--python", environment.python, "install", "--no-input"]
    pip += ["--no-warn-script-location", "--disable-pip-version-check"]
    pip += ["--no-compile"]  # half the time; Python compiles what is imported
    run_quietly([*pip, *whole, *files], complaint)


def ensure_node_modules() -> None:
    """Install the JavaScript tools of package-lock.json under node_modules/.

    Raises:
        SetupError: npm is missing or failed.
    """
    key = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    stamp = ROOT / "node_modules" / "bleed-guard.stamp"
    with locked("node_modules"):
        if stamp.is_file() and stamp.read_text() == key:
            return
        say("installing the JavaScript tools in node_modules/")
        install = [find_node("npm"), "ci", "--no-audit", "--no-fund"]
        run_quietly(install, "the JavaScript tools could not be installed")
        stamp.write_text(key)


def find_node(program: str = "node") -> str:
    """Path of Node.js or of a program that comes with it.

    Raises:
        SetupError: it is not installed.
    """
    path = shutil.which(program)
    if path is None:
        raise SetupError(f"`{program}` is missing: install Node.js 18 or newer with npm.")
    return path


def find_chromium() -> str:
    """Path of the Chromium that is installed on this system; none is downloaded.

    Raises:
        SetupError: none is installed.
    """
    named = os.environ.get(CHROMIUM_VARIABLE, "")
    for name in (named, *CHROMIUM_NAMES):
        if name and (path := shutil.which(name)):
            return path
    raise SetupError(
        "Chromium is missing: install it (Debian: `apt-get install chromium`) or name its path in "
        f"the variable {CHROMIUM_VARIABLE}."
    )


# ----------------------------------------------------------------------------------------- tests


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed (errors among them) and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_junit(path: Path) -> Counts:
    """Counts of the JUnit file pytest wrote.

    Raises:
        OSError, ElementTree.ParseError: there is none, or it is torn: pytest died.
    """
    suites = list(ElementTree.parse(path).getroot().iter("testsuite"))
    total, failures, errors, skipped = (
        sum(int(suite.get(key, 0)) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return Counts(max(total - failed - skipped, 0), failed, skipped)


def run_pytest(
    report: str,
    venv: str,
    arguments: Sequence[str],
    chromium: str = "",
    output: Path | None = None,
) -> Counts:
    """Run pytest in the environment `venv`; a run that dies counts as one failure."""
    python = ensure(venv)
    REPORTS.mkdir(parents=True, exist_ok=True)
    junit = REPORTS / f"{report}.xml"
    junit.unlink(missing_ok=True)
    command = [python, "-m", "pytest", f"--junitxml={junit}", *arguments]
    variables = {**QUIET_PACKAGES, CHROMIUM_VARIABLE: chromium}
    status = run(command, variables=variables, output=output)
    try:
        counts = read_junit(junit)
    except (OSError, ElementTree.ParseError):
        return Counts(failed=1)
    is_broken = status not in (0, 1, 5) or (status == 1 and not counts.failed)
    return counts + Counts(failed=1) if is_broken else counts


def test_pins(venv: str, extra: Sequence[str]) -> Counts:
    """The suite without the parts that have a run of their own, under one host's packages."""
    ignored = [f"--ignore={folder}" for folder in OWN_FOLDERS.values()]
    return run_pytest(venv, venv, ["-n", "2", *ignored, *extra])


def plain_pins(venv: str) -> tuple[str, ...]:
    """The versions of PLAIN_PACKAGES that a host pins."""
    lines = (ROOT / "requirements" / f"{venv}.txt").read_text().lower().splitlines()
    return tuple(line for line in sorted(lines) if line.partition("==")[0] in PLAIN_PACKAGES)


def test_browser(extra: Sequence[str]) -> Counts:
    """The browser tests under both Gradio versions, side by side: one leaves a processor idle.

    What they print is shown one after the other.
    """
    chromium = find_chromium()
    REPORTS.mkdir(parents=True, exist_ok=True)
    counts = Counts()
    with ThreadPoolExecutor() as pool:
        runs = {}
        for venv in BROWSER_VENVS:
            log = REPORTS / f"browser-{venv}.log"
            runs[venv, log] = pool.submit(run_pytest, f"browser-{venv}", venv, extra, chromium, log)
        for (venv, log), running in runs.items():
            counts += running.result()
            head(f"browser tests, packages of {venv}")
            print(log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
    return counts


def test_js(extra: Sequence[str]) -> Counts:
    """The JavaScript tests in Node.js' own runner, which also writes the counts as TAP."""
    node, files = find_node(), js_tests(extra)
    if not files:  # without a file Node.js would look for tests by itself, everywhere
        return Counts()
    REPORTS.mkdir(parents=True, exist_ok=True)
    tap = REPORTS / "js.tap"
    tap.unlink(missing_ok=True)
    reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"]
    reporters += ["--test-reporter=tap", f"--test-reporter-destination={tap}"]
    status = run([node, "--test", *reporters, *files])
    return read_tap(tap.read_text(encoding="utf-8") if tap.is_file() else "", status)


def js_tests(targets: Sequence[str]) -> list[Path]:
    """The JavaScript test files among `targets` and in their folders."""
    paths = [ROOT / target for target in targets if not target.startswith("-")]
    found = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.js"))]
    return sorted(path for path in found if path.name.endswith(".test.js"))


def read_tap(text: str, status: int) -> Counts:
    """Counts of the closing lines of Node.js' TAP; a failed run has at least one failure."""
    found = {key: int(number) for key, number in re.findall(r"^# (\w+) (\d+)$", text, re.MULTILINE)}
    failed = found.get("fail", 0) + found.get("cancelled", 0)
    skipped = found.get("skipped", 0) + found.get("todo", 0)
    return Counts(found.get("pass", 0), max(failed, int(status != 0)), skipped)


def test_pipelines(extra: Sequence[str]) -> Counts:
    """The tests that need torch, Diffusers and ComfyUI, and the core under the newest packages."""
    return run_pytest("pipelines", "pipelines", ["-n", "2", *extra])


def prepare(parts: Iterable[str]) -> None:
    """Make the environments that `parts` need, two at a time.

    One that cannot be made is told by its part.
    """
    needed = {venv for part in parts for venv in PART_VENVS.get(part, (part,))}
    with ThreadPoolExecutor(max_workers=2) as pool:
        for making in [pool.submit(ensure, venv) for venv in ENVIRONMENTS if venv in needed]:
            with contextlib.suppress(SetupError):
                making.result()


def run_part(part: str, arguments: Sequence[str]) -> Counts:
    """Run one part of the suite; a part that this machine cannot run counts as one failure."""
    runs: dict[str, Callable[[Sequence[str]], Counts]] = {
        "browser": test_browser,
        "js": test_js,
        "pipelines": test_pipelines,
    }
    try:
        return runs[part](arguments) if part in runs else test_pins(part, arguments)
    except SetupError as error:
        say(f"{part} tests FAILED: {error}")
        return Counts(failed=1)


def owner(path: str) -> str:
    """Which part runs the tests at `path`: the name of one, or "pins" for those of the hosts."""
    for part, folder in OWN_FOLDERS.items():
        if Path(path).as_posix().startswith(folder):
            return part
    return "pins"


def plan_parts(only: str | None, extra: Sequence[str]) -> dict[str, list[str]]:
    """Part to run -> its arguments. Paths among `extra` go to the part they belong to alone."""
    paths = [item for item in extra if (ROOT / item.split("::")[0]).exists()]
    options = [item for item in extra if item not in paths]
    parts, pins = {}, set()
    for part in [only] if only else TEST_PARTS:
        folder = OWN_FOLDERS.get(part, "tests")
        family = part if part in OWN_FOLDERS else "pins"
        whole = [folder, *MORE_FOLDERS.get(part, [])]
        if family == "pins":
            if plain_pins(part) in pins:
                whole += [f"--ignore={plain}" for plain in PLAIN_FOLDERS]
            pins.add(plain_pins(part))
        targets = [path for path in paths if owner(path) == family] if paths else whole
        if targets and (ROOT / folder).is_dir():
            parts[part] = [*targets, *options]
    return parts


def head(title: str) -> None:
    """Print the line that begins a part."""
    print(f"\n{f' {title} ':=^100}", flush=True)


# ----------------------------------------------------------------------------------- subcommands


def command_test(rest: Sequence[str]) -> int:
    """run the tests under every host's packages, in the browser and in Node.js"""
    parser = subparser("test", command_test, "all other arguments go to pytest: paths, -k, -x ...")
    parser.add_argument("--only", choices=TEST_PARTS, help="run this part alone")
    options, extra = parser.parse_known_args(rest)
    started, rows = time.monotonic(), {}
    parts = plan_parts(options.only, extra)
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(prepare, parts)  # each part waits for its own only
        for part, arguments in parts.items():
            head(f"{part} tests")
            rows[part] = run_part(part, arguments)
    head(f"all parts, {time.monotonic() - started:.0f} s")
    for part, counts in rows.items():
        print(f"  {part:<10} {counts}")
    total = sum(rows.values(), Counts())
    print(f"\n{total}", flush=True)
    return 0 if total.passed and not total.failed else 1


def command_demo(rest: Sequence[str]) -> int:
    """open the mini host with a photograph to inpaint (--headless --out DIR: no browser)"""
    parser = subparser("demo", command_demo, "all other arguments go to `python -m minihost demo`")
    parser.add_argument("--gradio", choices=("3", "4"), default="4", help="Gradio version (4)")
    options, extra = parser.parse_known_args(rest)
    venv = {"3": "a1111", "4": "forge"}[options.gradio]
    return run([ensure(venv), "-m", "minihost", "demo", *extra], cwd=None)


def command_bench(rest: Sequence[str]) -> int:
    """print the tables of README: seam, speed, ... (all, or the ones that are named)"""
    return run([ensure("forge"), "-m", "benchmarks", *rest])


def command_lint(rest: Sequence[str]) -> int:
    """check style and types of Python and JavaScript (--fix: mend what can be mended)"""
    parser = subparser("lint", command_lint, "")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended")
    is_fixing = parser.parse_args(rest).fix
    python, node = ensure("neo"), find_node()  # the newest packages have the best types
    ensure_node_modules()
    tools = ROOT / "node_modules"
    checks: dict[str, list[str | Path]] = {
        "ruff check": [python, "-m", "ruff", "check", *(["--fix"] if is_fixing else [])],
        "ruff format": [python, "-m", "ruff", "format", *([] if is_fixing else ["--check"])],
        "pyright": [node, tools / "pyright" / "index.js", "--pythonpath", python],
        "eslint": [node, tools / "eslint" / "bin" / "eslint.js", "."],
        "tsc": [node, tools / "typescript" / "bin" / "tsc", "--project", "jsconfig.json"],
    }
    failed = []
    for name, command in checks.items():
        head(name)
        if run(command):
            failed.append(name)
    print(f"\n{'failed: ' + ', '.join(failed) if failed else 'all clean'}")
    return 1 if failed else 0


def command_python(rest: Sequence[str]) -> int:
    """run the project's Python with the arguments that follow (first --venv NAME to choose it)"""
    venv = "forge"
    if rest and rest[0] == "--venv":
        if len(rest) < 2 or rest[1] not in ENVIRONMENTS:
            raise SetupError(f"--venv takes one of {', '.join(ENVIRONMENTS)}.")
        venv, rest = rest[1], rest[2:]
    return run([ensure(venv), *rest], cwd=None)


COMMANDS = {
    "demo": command_demo,
    "test": command_test,
    "bench": command_bench,
    "lint": command_lint,
    "python": command_python,
}


def subparser(name: str, command: Callable[..., int], epilog: str) -> argparse.ArgumentParser:
    """Parser of one subcommand's own options; what it does not know is passed on."""
    return argparse.ArgumentParser(
        prog=f"dev.py {name}", description=command.__doc__, epilog=epilog, allow_abbrev=False
    )


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand that the first argument names; returns the exit status."""
    overview = "\n".join(f"  {name:<8}{command.__doc__}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description=__doc__,
        epilog=f"commands:\n{overview}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="see below")
    name = parser.parse_args(arguments[:1]).command
    try:
        return COMMANDS[name](arguments[1:])
    except SetupError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

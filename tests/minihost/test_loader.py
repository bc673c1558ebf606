"""Extensions are found, executed and reloaded as the hosts do it."""

from __future__ import annotations

import configparser
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from minihost import PROFILES, activate, loader
from tests.minihost.conftest import host_names, write_extension

Started = Callable[..., loader.ExtensionFolder]


def load(tmp_path: Path, *folders: loader.ExtensionFolder) -> None:
    """Start the first host that fits and load the folders."""
    activate(host_names()[0], engine="noise", data_dir=tmp_path / "data")
    loader.load(folders)


def make(tmp_path: Path, name: str, files: dict[str, str]) -> loader.ExtensionFolder:
    """An extension of that name with these files."""
    return loader.ExtensionFolder(name, write_extension(tmp_path / name, files))


def test_script_classes_of_all_files_are_found_in_file_order(tmp_path: Path) -> None:
    script = """
        from modules import scripts

        class {name}(scripts.Script):
            def title(self):
                return "{name}"
    """
    folder = make(
        tmp_path,
        "two",
        {"scripts/b.py": script.format(name="Second"), "scripts/a.py": script.format(name="First")},
    )
    load(tmp_path, folder)
    from modules import scripts

    assert [data.script_class.__name__ for data in scripts.scripts_data] == ["First", "Second"]


@pytest.mark.parametrize("profile", host_names())
def test_scripts_import_their_own_package_as_on_that_host(
    started: Started, probe: Path, profile: str
) -> None:
    started(profile)
    assert sys.modules["probe_package"].__file__ == str(probe / "probe_package.py")
    assert (str(probe) in sys.path) is PROFILES[profile].keeps_extension_paths


def test_one_broken_script_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = make(tmp_path, "broken", {"scripts/broken.py": "1 / 0\n"})
    sound = make(
        tmp_path,
        "sound",
        {"scripts/sound.py": "from modules import scripts\nclass Sound(scripts.Script): pass\n"},
    )
    load(tmp_path, broken, sound)
    from modules import scripts

    assert [data.script_class.__name__ for data in scripts.scripts_data] == ["Sound"]
    assert "broken.py" in capsys.readouterr().err


def test_preload_adds_flags_and_their_values_arrive(started: Started) -> None:
    started("", "--probe-level=7")
    from modules import shared

    assert shared.cmd_opts.probe_level == 7


def test_unknown_flag_stops_the_start(started: Started) -> None:
    with pytest.raises(SystemExit):
        started("", "--no-such-flag")


def test_callbacks_of_one_kind_keep_the_order_of_metadata(tmp_path: Path) -> None:
    script = """
        from modules import script_callbacks

        def told(params):
            params.pnginfo["order"] = params.pnginfo.get("order", "") + "{mark}"

        script_callbacks.on_before_image_saved(told)
    """
    first = make(
        tmp_path,
        "first",
        {
            "scripts/first.py": script.format(mark="1"),
            "metadata.ini": """
                [callbacks/first/first.py/before_image_saved]
                After = last/last.py/before_image_saved
            """,
        },
    )
    last = make(tmp_path, "last", {"scripts/last.py": script.format(mark="2")})
    load(tmp_path, first, last)
    from modules import script_callbacks

    params = script_callbacks.ImageSaveParams(None, None, "x.png", {})
    script_callbacks.before_image_saved_callback(params)
    assert params.pnginfo["order"] == "21"


def test_reload_executes_scripts_again_and_keeps_packages(started: Started) -> None:
    folder = started()
    package = sys.modules["probe_package"]
    from modules import script_callbacks

    called: list[str] = []
    script_callbacks.on_app_started(lambda *_: called.append("old"))
    script_callbacks.on_script_unloaded(lambda: called.append("unloaded"))
    loader.reload([folder])
    script_callbacks.app_started_callback(None, None)
    assert called == ["unloaded"]
    assert sys.modules["probe_package"] is package
    assert len(package.loads) == 2


def test_scripts_and_styles_reach_the_page(started: Started, probe: Path) -> None:
    started()
    from minihost.web import head, page

    heads: list[tuple[str, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "install", lambda *texts: heads.append(texts))
        page.install_head()
    ((scripts, styles),) = heads
    assert f"file={probe / 'javascript/probe.js'}" in scripts
    assert '<script type="module"' in scripts
    assert f"file={probe / 'style.css'}" in styles


def test_localization_is_merged_into_the_language_of_its_name(
    started: Started, tmp_path: Path
) -> None:
    folder = started()
    more = make(tmp_path, "more", {"localizations/de_DE.json": '{"Name": "Name </script>"}'})
    loader.load([folder, more])
    from modules import localization

    statement = localization.localization_js("de_DE")
    assert json.loads(statement.removeprefix("window.localization = ")) == {
        "Strength": "Stärke",
        "Name": "Name </script>",
    }
    assert "</script>" not in statement
    assert localization.localization_js("None") == "window.localization = {}"


def test_disabled_extension_is_known_but_not_executed(tmp_path: Path, probe: Path) -> None:
    activate(host_names()[0], engine="noise", data_dir=tmp_path / "data")
    from modules import extensions, scripts, shared

    shared.opts.set("disabled_extensions", ["probe"])
    loader.load([loader.ExtensionFolder("probe", probe)])
    assert [extension.name for extension in extensions.extensions] == ["probe"]
    assert scripts.scripts_data == []


def test_second_extension_of_a_name_is_refused(
    tmp_path: Path, probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = write_extension(tmp_path / "other" / "probe", {"scripts/twin.py": "1 / 0\n"})
    load(tmp_path, loader.ExtensionFolder("probe", probe), loader.ExtensionFolder("Probe", twin))
    assert 'There is an extension "Probe" already' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "name"), [("{0}", "folder"), ("other={0}", "other")], ids=["folder's name", "given"]
)
def test_extension_is_named_by_its_folder_or_by_hand(tmp_path: Path, text: str, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert loader.ExtensionFolder.parse(text.format(folder)) == loader.ExtensionFolder(name, folder)


def test_missing_extension_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="nowhere"):
        loader.ExtensionFolder.parse(str(tmp_path / "nowhere"))


def test_this_repository_is_loaded_under_the_name_in_its_metadata() -> None:
    metadata = configparser.ConfigParser()
    metadata.read(loader.REPOSITORY / "metadata.ini", encoding="utf-8")
    parsed = loader.ExtensionFolder.parse(str(loader.REPOSITORY))
    assert parsed.name == metadata["Extension"]["Name"]

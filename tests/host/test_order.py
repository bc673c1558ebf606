"""Our callbacks come last, whatever else is installed and whatever our folder is called."""

from __future__ import annotations

from pathlib import Path

import pytest

import minihost
from minihost import loader
from tests.host.guarded import installed_profiles

LATECOMER = """
from modules import script_callbacks, scripts


class Latecomer(scripts.Script):
    def title(self):
        return "Latecomer"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def process(self, p, *args):
        pass

    def postprocess_image_after_composite(self, p, pp, *args):
        pass


script_callbacks.on_before_image_saved(lambda params: None)
"""


def link(folder: Path, parent: Path) -> Path:
    """As where all of the extensions' folder is one on another disk."""
    place = parent / folder.name
    place.symlink_to(folder, target_is_directory=True)
    return place


@pytest.mark.parametrize("is_linked", [False, True], ids=["", "linked"])
@pytest.mark.parametrize("folder", ["bleed-guard", "sd-webui-bleed-guard", "aaa"])
@pytest.mark.parametrize("profile", installed_profiles())
def test_the_guard_is_behind_an_extension_loaded_after_it(
    profile: str, folder: str, is_linked: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = loader.REPOSITORY, tmp_path / "zzz-latecomer"
    script = other / "scripts" / "latecomer.py"
    script.parent.mkdir(parents=True)
    script.write_text(LATECOMER)
    if is_linked:
        (tmp_path / "linked").mkdir()
        own, other = link(own, tmp_path / "linked"), link(other, tmp_path / "linked")
    minihost.activate(profile, engine="noise", data_dir=tmp_path / "data")
    folders = [
        loader.ExtensionFolder(folder, own),
        loader.ExtensionFolder("zzz-latecomer", other),
    ]
    loader.preload(folders[:1], ())
    loader.load(folders)
    from modules import script_callbacks, scripts

    script_callbacks.before_ui_callback()
    runner = scripts.scripts_img2img
    runner.initialize_scripts(True)
    for hook in ("process", "postprocess_image_after_composite"):
        ordered = runner.ordered_scripts(hook)
        assert [type(entry).__name__ for entry in ordered][-2:] == ["Latecomer", "BleedGuardScript"]
    saving = script_callbacks.ordered_callbacks("before_image_saved")
    assert saving[-1].callback.__module__ == "bleed_guard.host.script"
    assert "wrong extension" not in capsys.readouterr().err

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


@pytest.mark.parametrize("folder", ["bleed-guard", "sd-webui-bleed-guard", "aaa"])
@pytest.mark.parametrize("profile", installed_profiles())
def test_the_guard_is_behind_an_extension_loaded_after_it(
    profile: str, folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "zzz-latecomer" / "scripts" / "latecomer.py"
    script.parent.mkdir(parents=True)
    script.write_text(LATECOMER)
    minihost.activate(profile, engine="noise", data_dir=tmp_path / "data")
    folders = [
        loader.ExtensionFolder(folder, loader.REPOSITORY),
        loader.ExtensionFolder("zzz-latecomer", script.parents[1]),
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

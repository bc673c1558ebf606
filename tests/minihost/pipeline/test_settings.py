"""Settings: what overrides do and leave behind, types, callbacks, the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

StartHost = Callable[..., Any]


@pytest.mark.parametrize("host", ["a1111", "neo"])
@pytest.mark.parametrize(("stored", "after"), [(False, "jpg"), (True, "png")])
def test_an_overridden_setting_stays_unless_it_was_stored(
    host: str,
    stored: bool,
    after: str,
    start_host: StartHost,
    make_job: Callable[..., Any],
    tmp_path: Path,
) -> None:
    if stored:
        (tmp_path / "config.json").write_text('{"samples_format": "png"}')
    start_host(host)
    from modules import processing, shared

    processing.process_images(make_job(override_settings={"samples_format": "jpg"}))
    assert shared.opts.samples_format == after


def test_overrides_are_in_force_from_process_on(
    start_host: StartHost, make_job: Callable[..., Any], make_runner: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing, scripts, shared

    seen = []

    class Looks(scripts.Script):
        def setup(self, p: Any, *args: Any) -> None:
            seen.append(shared.opts.samples_format)

        before_process = process = setup

    shared.opts.samples_format = "png"
    runner = make_runner(Looks())
    p = make_job(runner=runner, override_settings={"samples_format": "jpg"})
    processing.process_images(p)
    assert seen == ["png", "png", "jpg"]
    assert shared.opts.samples_format == "png"


def test_overrides_that_shall_stay_do(start_host: StartHost, make_job: Callable[..., Any]) -> None:
    start_host()
    from modules import processing, shared

    shared.opts.samples_format = "png"
    overrides = {"samples_format": "jpg"}
    job = make_job(override_settings=overrides, override_settings_restore_afterwards=False)
    processing.process_images(job)
    assert shared.opts.samples_format == "jpg"


def test_overrides_are_restored_after_a_failure(
    start_host: StartHost, make_job: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing, shared

    shared.opts.samples_format = "png"
    job = make_job(override_settings={"samples_format": "jpg"}, init_images=[None])
    with pytest.raises(AttributeError):
        processing.process_images(job)
    assert shared.opts.samples_format == "png"


@pytest.mark.parametrize(("host", "calls"), [("a1111", 0), ("forge", 1)])
def test_restoring_calls_onchange_on_some_hosts(
    host: str, calls: int, start_host: StartHost, make_job: Callable[..., Any]
) -> None:
    start_host(host)
    from modules import processing, shared

    counted = []
    shared.opts.samples_format = "png"
    shared.opts.onchange("samples_format", lambda: counted.append(1), call=False)
    processing.process_images(make_job(override_settings={"samples_format": "jpg"}))
    assert len(counted) == calls


def test_an_extensions_setting(start_host: StartHost, tmp_path: Path) -> None:
    start_host()
    from modules import shared

    info = shared.OptionInfo(0.5, "Strength", section=("mine", "Mine"), infotext="My strength")
    shared.opts.add_option("my_strength", info)
    assert (shared.opts.my_strength, shared.opts.data["my_strength"]) == (0.5, 0.5)
    assert shared.opts.cast_value("my_strength", "0.75") == 0.75
    assert shared.opts.set("my_strength", 0.75)
    assert not shared.opts.set("my_strength", 0.75)
    shared.opts.save(shared.config_filename)
    assert json.loads((tmp_path / "config.json").read_text()) == {"my_strength": 0.75}


def test_a_change_that_fails_is_taken_back(start_host: StartHost, capsys: Any) -> None:
    start_host()
    from modules import shared

    def fail() -> None:
        raise OSError("no space")

    shared.opts.onchange("samples_format", fail, call=False)
    shared.opts.samples_format = "png"
    assert not shared.opts.set("samples_format", "webp")
    assert shared.opts.samples_format == "png"
    assert "no space" in capsys.readouterr().err


def test_the_api_cannot_set_what_is_restricted(start_host: StartHost) -> None:
    start_host()
    from modules import shared

    shared.opts.add_option("mine", shared.OptionInfo(1, "Mine", restrict_api=True))
    assert not shared.opts.set("mine", 2, is_api=True)
    assert shared.opts.set("mine", 2)
    with pytest.raises(KeyError):
        shared.opts.set("nobody", 1)


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (["--freeze-settings"], AssertionError),
        (["--freeze-specific-settings", "samples_format"], AssertionError),
        (["--freeze-settings-in-sections", "saving-images"], AssertionError),
        (["--hide-ui-dir-config"], RuntimeError),
    ],
)
def test_frozen_settings(flags: list[str], error: type[Exception], start_host: StartHost) -> None:
    start_host(flags=flags)
    from modules import shared

    name = "temp_dir" if error is RuntimeError else "samples_format"
    with pytest.raises(error):
        setattr(shared.opts, name, "jpg")


def test_a_broken_file_is_kept_aside(start_host: StartHost, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "config.json").write_text("{")
    start_host()
    from modules import shared

    assert shared.opts.samples_format == "png"
    assert (tmp_path / "config.broken.json").read_text() == "{"
    assert "config.broken.json" in capsys.readouterr().err


def test_sections_stay_together_under_their_category(start_host: StartHost) -> None:
    start_host()
    from modules import shared

    opts = shared.opts
    opts.add_option(
        "x", shared.OptionInfo(1, "X", section=("saving-images", "Saving images/grids"))
    )
    opts.add_option("y", shared.OptionInfo(1, "Y", section=("mine", "Mine")))
    opts.reorder()
    names = list(opts.data_labels)
    assert names.index("x") < names.index("sd_vae") < names.index("y") == len(names) - 1
    dumped = json.loads(opts.dumpjson())
    assert dumped["x"] == 1
    assert ["Mine", "Extensions"] in dumped["_categories"]

"""Scripts: how they are found and ordered, who calls them, and what their errors do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from PIL import Image

StartHost = Callable[..., Any]

SCRIPT = """
from modules import scripts, script_callbacks

class {name}(scripts.Script):
    loaded_from = scripts.basedir()
    def title(self):
        return "{name}"
    def show(self, is_img2img):
        return {visibility}
    def ui(self, is_img2img):
        return []
    def before_process(self, p, *args):
        p.order.append("{name}")

script_callbacks.on_before_image_saved(lambda params: params.p.order.append("saves {name}"))
"""


def _write_extension(
    root: Path, name: str, metadata: str = "", visibility: str = "scripts.AlwaysVisible"
) -> None:
    folder = root / "extensions" / name
    (folder / "scripts").mkdir(parents=True)
    code = SCRIPT.format(name=name.title(), visibility=visibility)
    (folder / "scripts" / f"{name}.py").write_text(code)
    (folder / "metadata.ini").write_text(dedent(metadata))


def _load() -> Any:
    from modules import extensions, scripts

    extensions.list_extensions()
    scripts.load_scripts()
    runner = scripts.ScriptRunner()
    runner.initialize_scripts(is_img2img=True)
    for script in runner.scripts:
        script.args_from = script.args_to = 1
    return runner


def _order(runner: Any, make_job: Callable[..., Any]) -> list[str]:
    from modules import processing

    p = make_job()
    p.order = []
    p.scripts, p.script_args = runner, (0,)
    processing.process_images(p)
    return p.order


def test_scripts_run_in_the_order_of_folders(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    for name in ("beta", "alpha"):
        _write_extension(tmp_path, name)
    assert _order(_load(), make_job) == ["Alpha", "Beta", "saves Alpha", "saves Beta"]


def test_metadata_moves_a_file_behind_another(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    _write_extension(tmp_path, "alpha", "[scripts/alpha.py]\nAfter = beta\n")
    _write_extension(tmp_path, "beta")
    assert _order(_load(), make_job) == ["Beta", "Alpha", "saves Beta", "saves Alpha"]


def test_metadata_moves_one_callback(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    section = "[callbacks/alpha/alpha.py/script_before_process/Alpha]"
    _write_extension(
        tmp_path, "alpha", f"{section}\nAfter = beta/beta.py/script_before_process/Beta\n"
    )
    _write_extension(tmp_path, "beta")
    assert _order(_load(), make_job) == ["Beta", "Alpha", "saves Alpha", "saves Beta"]


def test_the_user_moves_a_callback_to_the_front(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    from modules import shared

    for name in ("alpha", "beta"):
        _write_extension(tmp_path, name)
    setting = "prioritized_callbacks_script_before_process"
    shared.opts.data[setting] = ["beta/beta.py/script_before_process/Beta"]
    assert _order(_load(), make_job)[:2] == ["Beta", "Alpha"]


def test_a_disabled_extension_is_not_loaded(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    from modules import shared

    for name in ("alpha", "beta"):
        _write_extension(tmp_path, name)
    shared.opts.disabled_extensions = ["alpha"]
    assert _order(_load(), make_job) == ["Beta", "saves Beta"]


@pytest.mark.parametrize(("host", "stays"), [("a1111", False), ("forge", True)])
def test_an_extensions_folder_on_sys_path(
    host: str, stays: bool, start_host: StartHost, tmp_path: Path
) -> None:
    start_host(host)
    _write_extension(tmp_path, "alpha")
    runner = _load()
    folder = str(tmp_path / "extensions" / "alpha")
    assert runner.scripts[0].loaded_from == folder
    assert (folder in sys.path) is stays
    start_host(host)
    assert folder not in sys.path


def test_loading_again_leaves_one_of_each(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path
) -> None:
    start_host()
    _write_extension(tmp_path, "alpha")
    _load()
    assert _order(_load(), make_job) == ["Alpha", "saves Alpha"]


def test_a_broken_script_is_reported_and_the_rest_loaded(
    start_host: StartHost, make_job: Callable[..., Any], tmp_path: Path, capsys: Any
) -> None:
    start_host()
    _write_extension(tmp_path, "alpha")
    _write_extension(tmp_path, "broken", visibility="undefined_name")
    (tmp_path / "extensions/broken/scripts/broken.py").write_text("1 / 0")
    assert _order(_load(), make_job) == ["Alpha", "saves Alpha"]
    assert "Error loading script: broken.py" in capsys.readouterr().err


def test_a_hook_that_fails_is_reported_and_the_job_goes_on(
    start_host: StartHost,
    make_job: Callable[..., Any],
    make_runner: Callable[..., Any],
    capsys: Any,
) -> None:
    start_host()
    from modules import errors, processing, scripts

    class Fails(scripts.Script):
        def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
            raise ValueError("of no use")

    done = processing.process_images(make_job(runner=make_runner(Fails())))
    assert len(done.images) == 1
    assert "Error running postprocess_image" in capsys.readouterr().err
    assert errors.exception_records[-1][0] == "ValueError: of no use"


def test_an_api_job_leaves_out_setup_of_page_scripts(
    start_host: StartHost, make_job: Callable[..., Any], make_runner: Callable[..., Any]
) -> None:
    start_host()
    from modules import scripts

    calls = []

    class Page(scripts.ScriptBuiltinUI):
        def setup(self, p: Any, *args: Any) -> None:
            calls.append(p.is_api)

    runner = make_runner(Page())
    make_job(runner=runner)
    p = make_job()
    p.is_api = True
    p.scripts, p.script_args = runner, (0,)
    assert calls == [False]


def test_the_selected_script_does_the_job_instead(start_host: StartHost) -> None:
    start_host()
    from modules import scripts

    class Selected(scripts.Script):
        def run(self, p: Any, *args: Any) -> Any:
            return p, args

    runner = scripts.ScriptRunner()
    script = Selected()
    script.args_from, script.args_to = 1, 3
    runner.selectable_scripts.append(script)
    assert runner.run("job", 0, "a", "b") is None
    assert runner.run("job", 1, "a", "b", "other") == ("job", ("a", "b"))


def test_loopback_keeps_one_job_and_calls_setup_once(
    start_host: StartHost, make_job: Callable[..., Any], make_runner: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing, scripts

    calls = []

    class Counts(scripts.Script):
        def setup(self, p: Any, *args: Any) -> None:
            calls.append("setup")

        def before_process(self, p: Any, *args: Any) -> None:
            calls.append(np.asarray(p.init_images[0])[0, 0].tolist())

    p = make_job(runner=make_runner(Counts()), do_not_save_grid=True)
    processing.process_images(p)
    p.init_images = [Image.new("RGB", (96, 64), "navy")]
    done = processing.process_images(p)
    assert done.images[0].getpixel((0, 0)) == (0, 0, 128)
    assert calls == ["setup", [20, 10, 90], [0, 0, 128]]


def test_a_nested_job_leaves_the_outer_one_alone(
    start_host: StartHost,
    make_job: Callable[..., Any],
    make_runner: Callable[..., Any],
    photo: Image.Image,
    mask: Image.Image,
) -> None:
    start_host()
    from modules import processing, scripts

    class Detailer(scripts.Script):
        def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
            inner = make_job(init_images=[pp.image], seed=99, mask_blur=0)
            pp.image = processing.process_images(inner).images[0]

    p = make_job(runner=make_runner(Detailer()), mask_blur=0)
    done = processing.process_images(p)
    outside = np.asarray(mask) == 0
    assert (np.asarray(done.images[0])[outside] == np.asarray(photo)[outside]).all()
    assert p.seeds == [7]
    assert p.iteration == 0


@pytest.mark.parametrize(
    ("wish", "made", "saved"), [("interrupt", 1, 0), ("stop_generating", 1, 1), ("skip", 2, 1)]
)
def test_a_wish_to_end(
    wish: str,
    made: int,
    saved: int,
    start_host: StartHost,
    make_job: Callable[..., Any],
    make_runner: Callable[..., Any],
) -> None:
    start_host()
    from modules import processing, script_callbacks, scripts, shared

    files = []
    script_callbacks.on_image_saved(lambda params: files.append(params.filename))

    class Ends(scripts.Script):
        def on_mask_blend(self, p: Any, mba: Any, *args: Any) -> None:
            if p.iteration == 0 and not mba.is_final_blend:
                getattr(shared.state, wish)()

    p = make_job(runner=make_runner(Ends()), n_iter=2, do_not_save_grid=True)
    done = processing.process_images(p)
    assert (len(done.images), len(files)) == (made, saved)


def test_what_scripts_do_to_latents_shows(
    start_host: StartHost, make_job: Callable[..., Any], make_runner: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing, scripts

    class Brightens(scripts.Script):
        def post_sample(self, p: Any, ps: Any, *args: Any) -> None:
            ps.samples = ps.samples.clone() + 0.5

    plain = processing.process_images(make_job(mask=None))
    bright = processing.process_images(make_job(mask=None, runner=make_runner(Brightens())))
    means = [np.asarray(done.images[0]).mean() for done in (plain, bright)]
    assert 40 < means[1] - means[0] < 64


def test_decoded_images_are_exact_to_the_level(
    start_host: StartHost, make_job: Callable[..., Any], make_runner: Callable[..., Any]
) -> None:
    start_host()
    from modules import processing, scripts

    from minihost.engines import RecordedEngine

    seen = []

    class Looks(scripts.Script):
        def postprocess_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
            seen.append(kwargs["images"].cpu().numpy())

    levels = np.resize(np.arange(256, dtype=np.uint8), (64, 96, 3))
    start_host(engine=RecordedEngine([levels]))
    done = processing.process_images(make_job(mask=None, runner=make_runner(Looks())))
    assert (np.asarray(done.images[0]) == levels).all()
    assert (seen[0].shape, seen[0].dtype) == ((1, 3, 64, 96), np.float32)
    assert (seen[0].min(), seen[0].max()) == (0, 1)


def test_named_arguments_are_set(start_host: StartHost) -> None:
    start_host()
    from types import SimpleNamespace

    from modules import scripts

    runner = scripts.ScriptRunner()
    script = scripts.Script()
    script.name, script.args_from = "guard", 1
    script.controls = [SimpleNamespace(elem_id="guard_on"), SimpleNamespace(elem_id="guard_px")]
    runner.scripts.append(script)
    assert runner.set_named_arg((0, False, 4), "guard", "px", 9, fuzzy=True) == (0, False, 9)
    assert runner.set_named_arg([0, False, 4], "guard", "guard_on", True) == [0, True, 4]
    with pytest.raises(RuntimeError, match="arg_elem_id px not found"):
        runner.set_named_arg([0, False, 4], "guard", "px", 9)

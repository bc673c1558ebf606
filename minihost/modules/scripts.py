"""Scripts of extensions: their base class, how they are found, and who calls their hooks."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from modules import errors, extensions, paths, script_callbacks, script_loading, shared, timer, util
from modules.script_args import (
    ImageArgs,
    IndexedImageArgs,
    MaskBlendArgs,
    PostprocessBatchListArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
)
from modules.script_runner import ScriptRunner, wrap_call
from modules.scripts_postprocessing import ScriptPostprocessing, ScriptPostprocessingRunner

__all__ = [
    "AlwaysVisible",
    "MaskBlendArgs",
    "OnComponent",
    "PostProcessMaskOverlayArgs",
    "PostSampleArgs",
    "PostprocessBatchListArgs",
    "Script",
    "ScriptBuiltinUI",
    "ScriptRunner",
    "wrap_call",
]

AlwaysVisible = object()
topological_sort = util.topological_sort


def __getattr__(name: str) -> Any:
    if name == "PostprocessImageArgs":
        return IndexedImageArgs if shared.profile.image_args_have_index else ImageArgs
    raise AttributeError(f"module 'modules.scripts' has no attribute {name!r}")


@dataclass
class OnComponent:
    """A component that was just made, or None before it is made."""

    component: Any


class Script:
    """Base of all scripts. One instance serves all users and jobs.

    A script that is always visible gets every hook of a job, in the order they stand here; a
    selectable one only `run`. `args` are the values of the components `ui` gave back.

    Attributes:
        section: Name of the section of the page the controls stand in, or None.
        args_from, args_to: Where the script's arguments stand in `p.script_args`.
        infotext_fields: Set by `ui`: pairs (component, infotext name or function).
        paste_field_names: Set by `ui`: names that "send to" buttons carry over.
        api_info: What the API tells about the script.
        setup_for_ui_only: `setup` is left out for jobs of the API.
        sorting_priority: Larger stands further down.
    """

    name: str | None = None
    section: str | None = None
    filename: str | None = None
    args_from: int | None = None
    args_to: int | None = None
    alwayson = False
    is_txt2img = False
    is_img2img = False
    tabname: str | None = None
    group: Any = None
    create_group = True
    infotext_fields: list[Any] | None = None
    paste_field_names: list[str] | None = None
    api_info: Any = None
    on_before_component_elem_id: list[tuple[str, Callable[..., Any]]] | None = None
    on_after_component_elem_id: list[tuple[str, Callable[..., Any]]] | None = None
    setup_for_ui_only = False
    controls: list[Any] | None = None
    sorting_priority = 0

    def title(self) -> str:
        """What the page calls the script; every script has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no title")

    def ui(self, is_img2img: bool) -> list[Any] | None:
        """Makes the controls; gives those whose values are the hooks' arguments."""

    def show(self, is_img2img: bool) -> Any:
        """False: not there; True: can be selected; AlwaysVisible: always there."""
        return True

    def run(self, p: Any, *args: Any) -> Any:
        """Does the whole job instead of the host; gives a Processed."""

    def setup(self, p: Any, *args: Any) -> None:
        """The job object is there; nothing has begun."""

    def before_process(self, p: Any, *args: Any) -> None:
        """The job begins; overridden settings are not yet in force."""

    def process(self, p: Any, *args: Any) -> None:
        """Prompts and seeds are known, overridden settings are in force."""

    def before_process_init_images(self, p: Any, pp: dict[str, Any], *args: Any) -> None:
        """The mask is read: `pp` has "crop_region" and "image_mask". Only some hosts call it."""

    def before_process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """A batch begins; kwargs: batch_number, prompts, seeds, subseeds."""

    def after_extra_networks_activate(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """As process_batch, before it; also extra_network_data."""

    def process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """A batch's prompt is parsed; kwargs: batch_number, prompts, seeds, subseeds."""

    def process_before_every_sampling(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """Sampling begins; kwargs: x, noise, c, uc."""

    def on_mask_blend(self, p: Any, mba: MaskBlendArgs, *args: Any) -> None:
        """Original and new latents are blended: at every step and at the end."""

    def post_sample(self, p: Any, ps: PostSampleArgs, *args: Any) -> None:
        """Sampling is over, nothing is decoded."""

    def postprocess_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """A batch is decoded; kwargs: batch_number, images (float32 B x 3 x H x W, 0-1)."""

    def postprocess_batch_list(
        self, p: Any, pp: PostprocessBatchListArgs, *args: Any, **kwargs: Any
    ) -> None:
        """As postprocess_batch; the list may get other images."""

    def postprocess_image(self, p: Any, pp: ImageArgs, *args: Any) -> None:
        """One image, before anything is laid over it."""

    def postprocess_maskoverlay(self, p: Any, ppmo: PostProcessMaskOverlayArgs, *args: Any) -> None:
        """The overlay of one image; it may be replaced."""

    def postprocess_image_after_composite(self, p: Any, pp: ImageArgs, *args: Any) -> None:
        """One image as it will be saved and shown."""

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        """The job is done."""

    def before_component(self, component: Any, **kwargs: Any) -> None:
        """A component of the page is about to be made; `kwargs` are its arguments."""

    def after_component(self, component: Any, **kwargs: Any) -> None:
        """A component of the page was made."""

    def before_hr(self, p: Any, *args: Any) -> None:
        """The second pass of a text job begins."""

    def on_before_component(self, callback: Callable[..., Any], *, elem_id: str) -> None:
        """Has `callback(OnComponent)` called before that component is made."""
        self.on_before_component_elem_id = self.on_before_component_elem_id or []
        self.on_before_component_elem_id.append((elem_id, callback))

    def on_after_component(self, callback: Callable[..., Any], *, elem_id: str) -> None:
        """Has `callback(OnComponent)` called after that component is made."""
        self.on_after_component_elem_id = self.on_after_component_elem_id or []
        self.on_after_component_elem_id.append((elem_id, callback))

    def describe(self) -> str:
        """Nobody asks."""
        return ""

    def _tab_prefix(self) -> str:
        on_both_tabs = self.show(True) == self.show(False)
        return ("img2img_" if self.is_img2img else "txt2img_") if on_both_tabs else ""

    def elem_id(self, item_id: str) -> str:
        """An element id made of tab, title and `item_id`."""
        title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{self._tab_prefix()}{title}_{item_id}"


class ScriptBuiltinUI(Script):
    """Base of scripts that are part of the page."""

    setup_for_ui_only = True

    def elem_id(self, item_id: str) -> str:
        """An element id made of tab and `item_id`."""
        return f"{self._tab_prefix()}{item_id}"

    def show(self, is_img2img: bool) -> Any:
        return AlwaysVisible


class ScriptFile(NamedTuple):
    """A script's extension folder, file name and path."""

    basedir: str
    filename: str
    path: str


class ScriptClassData(NamedTuple):
    """A script class and where it is from."""

    script_class: type
    path: str
    basedir: str
    module: ModuleType


@dataclass
class ScriptWithDependencies:
    """A script file and what its extension's metadata.ini says about it."""

    script_canonical_name: str
    file: ScriptFile
    requires: list[str] = field(default_factory=list)
    load_before: list[str] = field(default_factory=list)
    load_after: list[str] = field(default_factory=list)


scripts_data: list[ScriptClassData] = []
postprocessing_scripts_data: list[ScriptClassData] = []
scripts_txt2img = ScriptRunner()
scripts_img2img = ScriptRunner()
scripts_postproc = ScriptPostprocessingRunner()
scripts_current: ScriptRunner | None = None
current_basedir = paths.script_path
_kept_paths: list[str] = []


def forget() -> None:
    """No script is loaded; folders of extensions leave `sys.path`."""
    global scripts_txt2img, scripts_img2img, scripts_postproc, scripts_current
    scripts_data.clear()
    postprocessing_scripts_data.clear()
    for folder in _kept_paths:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    _kept_paths.clear()
    scripts_txt2img, scripts_img2img = ScriptRunner(), ScriptRunner()
    scripts_postproc, scripts_current = ScriptPostprocessingRunner(), None


def basedir() -> str:
    """Folder of the extension whose script is being loaded; the host's own otherwise."""
    return current_basedir


def _own_scripts(folder: str, extension: str) -> Iterator[ScriptWithDependencies]:
    root = Path(paths.script_path) / folder
    for file in sorted(root.iterdir()) if root.is_dir() else ():
        if file.is_file() and file.suffix.lower() == extension:
            made = ScriptFile(paths.script_path, file.name, str(file))
            yield ScriptWithDependencies(file.name, made)


def _scripts_of(
    owner: extensions.Extension, folder: str, extension: str
) -> Iterator[ScriptWithDependencies]:
    prefix = "builtin/" if owner.is_builtin else ""
    read = owner.metadata.get_script_requirements
    for file in owner.list_files(folder, extension):
        section = f"{folder}/{file.filename}"
        yield ScriptWithDependencies(
            f"{prefix}{owner.canonical_name}/{file.filename}",
            file,
            requires=read("Requires", section, folder),
            load_before=read("Before", section, folder),
            load_after=read("After", section, folder),
        )


def _load_order(
    found: dict[str, ScriptWithDependencies], of_extension: dict[str, list[str]]
) -> list[str]:
    """Names so that each comes after those it names in After, or that name it in Before.

    Either may name a script or an extension, which stands for all its scripts.
    """
    after = {name: list(script.load_after) for name, script in found.items()}
    for name, script in found.items():
        for other in script.load_before:
            for target in [other, *of_extension.get(other, [])]:
                if target in after:
                    after[target].append(name)
        named = [other for other in after[name] if other in of_extension and other not in found]
        after[name] = [other for other in after[name] if other not in named]
        after[name] += [script for other in named for script in of_extension[other]]
    return util.topological_sort(after)


def list_scripts(
    scriptdirname: str, extension: str, *, include_extensions: bool = True
) -> list[ScriptFile]:
    """Files with that ending in that folder of the host and of active extensions, in order."""
    found = {x.script_canonical_name: x for x in _own_scripts(scriptdirname, extension)}
    of_extension: dict[str, list[str]] = {}
    for owner in extensions.active() if include_extensions else ():
        listed = {x.script_canonical_name: x for x in _scripts_of(owner, scriptdirname, extension)}
        of_extension[owner.canonical_name] = list(listed)
        found.update(listed)
    for name, script in found.items():
        for missing in script.requires:
            if missing not in found and missing not in of_extension:
                errors.report(f'Script "{name}" requires "{missing}" to be loaded, but it is not.')
    return [found[name].file for name in _load_order(found, of_extension)]


def list_files_with_name(filename: str) -> list[str]:
    """Files of that name in the root of the host and of active extensions."""
    roots = [paths.script_path, *(extension.path for extension in extensions.active())]
    files = (Path(root) / filename for root in roots)
    return [str(file) for file in files if file.is_file()]


def _register_classes(module: ModuleType, file: ScriptFile) -> None:
    for member in list(vars(module).values()):
        if not inspect.isclass(member):
            continue
        data = ScriptClassData(member, file.path, file.basedir, module)
        if issubclass(member, Script):
            scripts_data.append(data)
        elif issubclass(member, ScriptPostprocessing):
            postprocessing_scripts_data.append(data)


@contextlib.contextmanager
def _importing_from(folder: str) -> Iterator[None]:
    """The folder leads `sys.path` and is `basedir()`."""
    global current_basedir
    known = list(sys.path)
    if folder != paths.script_path:
        sys.path.insert(0, folder)
    current_basedir = folder
    try:
        yield
    finally:
        sys.path[:] = known
        current_basedir = paths.script_path


def _keep_on_path(files: list[ScriptFile]) -> None:
    for file in files:
        if file.basedir not in sys.path:
            sys.path.insert(0, file.basedir)
            _kept_paths.append(file.basedir)


def load_scripts() -> None:
    """Executes all script files anew; callbacks registered before are gone."""
    forget()
    script_callbacks.clear_callbacks()
    files = list_scripts("scripts", ".py")
    if shared.profile.keeps_extension_paths:
        _keep_on_path(files)
    for file in files:
        try:
            with _importing_from(file.basedir):
                _register_classes(script_loading.load_module(file.path), file)
        except Exception:
            errors.report(f"Error loading script: {file.filename}", exc_info=True)
        timer.startup_timer.record(file.filename)


def reload_script_body_only() -> None:
    """Executes the files of the scripts in use anew; the page stays as it is."""
    modules: dict[str, ModuleType] = {}
    scripts_txt2img.reload_sources(modules)
    scripts_img2img.reload_sources(modules)


reload_scripts = load_scripts

"""What everything in the host shares. The objects stay the same from start to start."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from modules import options, shared_cmd_options, shared_state, styles, util
from modules.sd_models import SdModel
from modules.upscaler import UpscalerData, list_upscalers

from minihost.engines import DriftEngine, Engine
from minihost.profiles import A1111, HostProfile

if TYPE_CHECKING:
    from modules.face_restoration import FaceRestoration


OptionInfo = options.OptionInfo
OptionHTML = options.OptionHTML
options_section = options.options_section
natural_sort_key = util.natural_sort_key
listfiles = util.listfiles
walk_files = util.walk_files
html = util.html

profile: HostProfile = A1111
"""Which host is played (no real host has this name)."""
engine: Engine = DriftEngine()
"""What stands in for the model (no real host has this name)."""

cmd_opts = shared_cmd_options.cmd_opts
state = shared_state.State()
options_templates: dict[str, options.OptionInfo] = {}
restricted_opts: set[str] = set()
opts = options.Options(options_templates, restricted_opts)
config_filename = ""
styles_filename: list[str] = []
prompt_styles = styles.StyleDatabase()
sd_model = SdModel("minihost")
face_restorers: list[FaceRestoration] = []
sd_upscalers: list[UpscalerData] = list_upscalers()
hypernetworks: dict[str, Any] = {}
loaded_hypernetworks: list[Any] = []
settings_components: dict[str, Any] = {}
tab_names: list[str] = []
demo: Any = None
device = "cpu"
xformers_available = False
parallel_processing_allowed = True
progress_print_out = sys.stdout
latent_upscale_default_mode = "Latent"
latent_upscale_modes = {"Latent": {"mode": "bilinear", "antialias": False}}


class TotalTQDM:
    """The console's progress bar over a whole job: silent here."""

    def reset(self) -> None:
        """Starts over."""

    def update(self) -> None:
        """One step is done."""

    def updateTotal(self, new_total: int) -> None:  # noqa: N802 - the hosts' name
        """There are that many steps."""

    def clear(self) -> None:
        """The job is over."""


total_tqdm = TotalTQDM()


def configure(
    new_profile: HostProfile, new_engine: Engine, flags: tuple[str, ...], model_name: str
) -> None:
    """Fills the shared objects anew: flags, settings from the config file, state, model."""
    global profile, engine, options_templates, restricted_opts, config_filename, demo
    from modules import face_restoration, shared_options

    profile, engine = new_profile, new_engine
    shared_cmd_options.configure(flags)
    config_filename = cmd_opts.ui_settings_file
    options_templates = shared_options.make_templates(profile)
    restricted_opts = set(shared_options.restricted_opts)
    opts.data_labels, opts.restricted_opts = options_templates, restricted_opts
    opts.load(config_filename)
    state.reset()
    sd_model.load(model_name)
    sd_upscalers[:] = list_upscalers()
    face_restorers[:] = face_restoration.list_restorers()
    settings_components.clear()
    tab_names.clear()
    demo = None


def reload_gradio_theme(theme_name: str | None = None) -> None:
    """Themes are the page's own here."""


def list_checkpoint_tiles(use_short: bool = False) -> list[str]:
    """Titles of the checkpoints a user can choose."""
    from modules import sd_models

    return sd_models.checkpoint_tiles(use_short)

"""The hosts' settings that the pipeline and the page read, with the hosts' names and defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules import paths
from modules.options import OptionInfo, categories, options_section

from minihost.profiles import HostProfile

restricted_opts = {
    "samples_filename_pattern",
    "directories_filename_pattern",
    "outdir_samples",
    "outdir_txt2img_samples",
    "outdir_img2img_samples",
    "outdir_extras_samples",
    "outdir_grids",
    "outdir_txt2img_grids",
    "outdir_img2img_grids",
    "outdir_save",
    "outdir_init_images",
    "temp_dir",
    "clean_temp_dir_at_start",
}

_CATEGORIES = {
    "saving": "Saving images",
    "sd": "Stable Diffusion",
    "ui": "User Interface",
    "system": "System",
    "postprocessing": "Postprocessing",
}


def _component(name: str) -> Callable[..., Any]:
    def create(**kwargs: Any) -> Any:
        import gradio

        return getattr(gradio, name)(**kwargs)

    return create


def _slider(default: float, label: str, low: float, high: float, step: float) -> OptionInfo:
    arguments = {"minimum": low, "maximum": high, "step": step}
    return OptionInfo(default, label, _component("Slider"), arguments)


def _choice(default: Any, label: str, choices: list[str]) -> OptionInfo:
    return OptionInfo(default, label, _component("Dropdown"), {"choices": choices})


def _saving(profile: HostProfile) -> dict[str, OptionInfo]:
    formats = ["png", "jpg", "jpeg", "webp", *(x[1:] for x in profile.exif_extensions)]
    actions = {"Replace": "Add number suffix", "Override": "Number Suffix"}
    replace = profile.replace_action
    return {
        "samples_save": OptionInfo(True, "Always save all generated images"),
        "samples_format": _choice("png", "File format for images", formats),
        "samples_filename_pattern": OptionInfo("", "Images filename pattern"),
        "save_images_add_number": OptionInfo(True, "Add number to filename when saving"),
        "save_images_replace_action": _choice(
            replace, "Saving the image to an existing file", [replace, actions[replace]]
        ),
        "grid_save": OptionInfo(True, "Always save all generated image grids"),
        "grid_format": _choice("png", "File format for grids", formats),
        "grid_extended_filename": OptionInfo(False, "Add seed and prompt to filename of grids"),
        "grid_only_if_multiple": OptionInfo(True, "Do not save grids consisting of one picture"),
        "grid_prevent_empty_spots": OptionInfo(False, "Prevent empty spots in grid"),
        "n_rows": _slider(-1, "Grid row count; -1 detects, 0 is the batch size", -1, 16, 1),
        "grid_background_color": OptionInfo("#ffffff", "Background color for image grids"),
        "save_images_before_face_restoration": OptionInfo(
            False, "Save a copy of image before doing face restoration."
        ),
        "save_images_before_color_correction": OptionInfo(
            False, "Save a copy of image before applying color correction to img2img results"
        ),
        "save_mask": OptionInfo(False, "For inpainting, save a copy of the greyscale mask"),
        "save_mask_composite": OptionInfo(False, "For inpainting, save a masked composite"),
        "jpeg_quality": _slider(80, "Quality for saved jpeg and avif images", 1, 100, 1),
        "webp_lossless": OptionInfo(False, "Use lossless compression for webp images"),
        "export_for_4chan": OptionInfo(True, "Save copy of large images as JPG"),
        "img_downscale_threshold": OptionInfo(4.0, "File size limit for the above option, MB"),
        "target_side_length": OptionInfo(4000, "Width/height limit for the above option, pixels"),
        "save_selected_only": OptionInfo(True, "Save button saves the selected image only"),
        "save_init_img": OptionInfo(False, "Save init images when using img2img"),
        "save_incomplete_images": OptionInfo(False, "Save incomplete images"),
        "temp_dir": OptionInfo("", "Directory for temporary images; leave empty for default"),
        "clean_temp_dir_at_start": OptionInfo(False, "Cleanup temporary directory at start"),
    }


def _saving_paths() -> dict[str, OptionInfo]:
    out = Path(paths.data_path) / "outputs"
    kinds = ("txt2img-images", "img2img-images", "extras-images", "txt2img-grids", "img2img-grids")
    folders = {kind: str(out / kind) for kind in kinds}
    return {
        "outdir_samples": OptionInfo("", "Output directory for images"),
        "outdir_txt2img_samples": OptionInfo(folders["txt2img-images"], "txt2img images"),
        "outdir_img2img_samples": OptionInfo(folders["img2img-images"], "img2img images"),
        "outdir_extras_samples": OptionInfo(folders["extras-images"], "Images from extras tab"),
        "outdir_grids": OptionInfo("", "Output directory for grids"),
        "outdir_txt2img_grids": OptionInfo(folders["txt2img-grids"], "txt2img grids"),
        "outdir_img2img_grids": OptionInfo(folders["img2img-grids"], "img2img grids"),
        "outdir_save": OptionInfo(str(Path(paths.data_path) / "log/images"), "Save button"),
        "outdir_init_images": OptionInfo(str(out / "init-images"), "Init images"),
        "save_to_dirs": OptionInfo(True, "Save images to a subdirectory"),
        "grid_save_to_dirs": OptionInfo(True, "Save grids to a subdirectory"),
        "use_save_to_dirs_for_ui": OptionInfo(False, "Save button saves to a subdirectory"),
        "directories_filename_pattern": OptionInfo("[date]", "Directory name pattern"),
        "directories_max_prompt_words": _slider(8, "Max words for [prompt_words]", 1, 20, 1),
    }


def _model() -> dict[str, OptionInfo]:
    checkpoint = OptionInfo(None, "Stable Diffusion checkpoint", infotext="Model hash")
    vae = OptionInfo("Automatic", "SD VAE", infotext="VAE")
    clip_skip = _slider(1, "Clip skip", 1, 12, 1)
    clip_skip.infotext = "Clip skip"
    source = _choice("GPU", "Random number generator source.", ["GPU", "CPU", "NV"])
    source.infotext = "RNG"
    return {
        "sd_model_checkpoint": checkpoint,
        "sd_vae": vae,
        "CLIP_stop_at_last_layers": clip_skip,
        "randn_source": source,
        "tiling": OptionInfo(False, "Tiling", infotext="Tiling"),
        "sd_vae_encode_method": OptionInfo("Full", "VAE for encode", infotext="VAE Encoder"),
        "sd_vae_decode_method": OptionInfo("Full", "VAE for decode", infotext="VAE Decoder"),
        "eta_noise_seed_delta": OptionInfo(0, "Eta noise seed delta", infotext="ENSD"),
        "token_merging_ratio": OptionInfo(
            0.0, "Token merging ratio", infotext="Token merging ratio"
        ),
        "token_merging_ratio_img2img": OptionInfo(0.0, "Token merging ratio for img2img"),
        "token_merging_ratio_hr": OptionInfo(
            0.0, "Token merging ratio for high-res pass", infotext="Token merging ratio hr"
        ),
        "sd_noise_schedule": OptionInfo("Default", "Noise schedule", infotext="Noise Schedule"),
        "refiner_switch_by_sample_steps": OptionInfo(
            False, "Switch to refiner by steps", infotext="Refiner switch by sampling steps"
        ),
        "use_old_hires_fix_width_height": OptionInfo(False, "Old meaning of hires fix sizes"),
        "auto_backcompat": OptionInfo(True, "Automatic backward compatibility"),
        "s_min_uncond": OptionInfo(0.0, "Negative Guidance minimum sigma", infotext="NGMS"),
        "s_churn": OptionInfo(0.0, "sigma churn", infotext="Sigma churn"),
        "s_tmin": OptionInfo(0.0, "sigma tmin", infotext="Sigma tmin"),
        "s_tmax": OptionInfo(0.0, "sigma tmax", infotext="Sigma tmax"),
        "s_noise": OptionInfo(1.0, "sigma noise", infotext="Sigma noise"),
    }


def _img2img() -> dict[str, OptionInfo]:
    return {
        "inpainting_mask_weight": OptionInfo(
            1.0, "Inpainting conditioning mask strength", infotext="Conditional mask weight"
        ),
        "initial_noise_multiplier": OptionInfo(
            1.0, "Noise multiplier for img2img", infotext="Noise multiplier"
        ),
        "img2img_extra_noise": OptionInfo(0.0, "Extra noise", infotext="Extra noise"),
        "img2img_color_correction": OptionInfo(
            False, "Apply color correction to img2img results to match original colors."
        ),
        "img2img_fix_steps": OptionInfo(
            False, "With img2img, do exactly the amount of steps the slider specifies."
        ),
        "img2img_background_color": OptionInfo(
            "#ffffff", "With img2img, fill transparent parts of the input with this color."
        ),
        "return_mask": OptionInfo(
            False, "For inpainting, include the greyscale mask in results for web"
        ),
        "return_mask_composite": OptionInfo(
            False, "For inpainting, include masked composite in results for web"
        ),
        "overlay_inpaint": OptionInfo(True, "Overlay original for inpaint"),
    }


def _postprocessing() -> dict[str, OptionInfo]:
    return {
        "upscaler_for_img2img": _choice(
            None, "Upscaler for img2img", ["None", "Lanczos", "Nearest"]
        ),
        "face_restoration": OptionInfo(False, "Restore faces", infotext="Face restoration"),
        "face_restoration_model": _choice(
            "CodeFormer", "Face restoration model", ["CodeFormer", "GFPGAN"]
        ),
        "code_former_weight": _slider(0.5, "CodeFormer weight", 0, 1, 0.01),
    }


def _interface() -> dict[str, OptionInfo]:
    return {
        "localization": OptionInfo("None", "Localization"),
        "quicksettings_list": OptionInfo([], "Quicksettings list"),
        "ui_tab_order": OptionInfo([], "UI tab order"),
        "hidden_tabs": OptionInfo([], "Hidden UI tabs"),
        "return_grid": OptionInfo(True, "Show grid in gallery"),
        "do_not_show_images": OptionInfo(False, "Do not show any images in gallery"),
        "send_seed": OptionInfo(True, "Send seed when sending prompt or image"),
        "send_size": OptionInfo(True, "Send size when sending prompt or image"),
        "gallery_height": OptionInfo("", "Gallery height"),
        "live_previews_enable": OptionInfo(True, "Show live previews of the created image"),
        "live_previews_image_format": OptionInfo("png", "Live preview file format"),
        "show_progressbar": OptionInfo(True, "Show progressbar"),
        "interrupt_after_current": OptionInfo(True, "Don't Interrupt in the middle"),
        "infotext_styles": OptionInfo("Apply if any", "Infer styles from pasted infotext"),
        "infotext_skip_pasting": OptionInfo([], "Disregard fields from pasted infotext"),
        "disable_weights_auto_swap": OptionInfo(True, "Disregard checkpoint of pasted infotext"),
    }


def _infotext() -> dict[str, OptionInfo]:
    return {
        "enable_pnginfo": OptionInfo(True, "Write infotext to metadata of the generated image"),
        "save_txt": OptionInfo(False, "Create a text file with infotext next to every image"),
        "add_model_name_to_info": OptionInfo(True, "Add model name to infotext"),
        "add_model_hash_to_info": OptionInfo(True, "Add model hash to infotext"),
        "add_vae_name_to_info": OptionInfo(True, "Add VAE name to infotext"),
        "add_vae_hash_to_info": OptionInfo(True, "Add VAE hash to infotext"),
        "add_user_name_to_info": OptionInfo(False, "Add user name to infotext"),
        "add_version_to_infotext": OptionInfo(True, "Add program version to infotext"),
    }


def _system() -> dict[str, OptionInfo]:
    return {
        "disabled_extensions": OptionInfo([], "Disable these extensions"),
        "disable_all_extensions": OptionInfo("none", "Disable all extensions"),
        "api_enable_requests": OptionInfo(True, "Allow http:// and https:// URLs in API input"),
        "api_forbid_local_requests": OptionInfo(True, "Forbid URLs to local resources"),
        "memmon_poll_rate": OptionInfo(0, "VRAM usage polls per second during generation"),
        "persistent_cond_cache": OptionInfo(True, "Persistent cond cache"),
    }


def make_templates(profile: HostProfile) -> dict[str, OptionInfo]:
    """All settings of one host, in the order of its settings page."""
    for key, label in _CATEGORIES.items():
        categories.register_category(key, label)
    sections = {
        ("saving-images", "Saving images/grids", "saving"): _saving(profile),
        ("saving-paths", "Paths for saving", "saving"): _saving_paths(),
        ("sd", "Stable Diffusion", "sd"): _model(),
        ("img2img", "img2img", "sd"): _img2img(),
        ("postprocessing", "Postprocessing", "postprocessing"): _postprocessing(),
        ("ui", "User interface", "ui"): _interface(),
        ("infotext", "Infotext", "ui"): _infotext(),
        ("system", "System", "system"): _system(),
        ("host", profile.title, "system"): {
            key: OptionInfo(default, key) for key, default in profile.extra_options.items()
        },
    }
    templates: dict[str, OptionInfo] = {}
    for section, options in sections.items():
        templates.update(options_section(section, options))
    for key, default in profile.option_defaults.items():
        templates[key].default = default
    return templates

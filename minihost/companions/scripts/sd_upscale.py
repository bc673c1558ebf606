"""SD upscale: the picture is enlarged, then every tile of it is an image job."""

from __future__ import annotations

from typing import Any

from modules import images, processing, scripts, shared


class SDUpscale(scripts.Script):
    """Selectable; as the hosts' script of that title."""

    def title(self) -> str:
        return "SD upscale"

    def show(self, is_img2img: bool) -> bool:
        return is_img2img

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio

        names = [upscaler.name for upscaler in shared.sd_upscalers]
        return [
            gradio.Slider(0, 256, 64, step=16, label="Tile overlap"),
            gradio.Radio(names, value=names[0], type="index", label="Upscaler"),
            gradio.Slider(1, 4, 2, step=0.05, label="Scale Factor"),
        ]

    def run(self, p: Any, *args: Any) -> Any:
        overlap, upscaler_index, scale = args
        processing.fix_seed(p)
        upscaler = shared.sd_upscalers[upscaler_index]
        p.extra_generation_params["SD upscale overlap"] = overlap
        p.extra_generation_params["SD upscale upscaler"] = upscaler.name
        p.n_iter, seed, info = 1, p.seed, ""
        p.do_not_save_grid = p.do_not_save_samples = True
        image = images.flatten(p.init_images[0], shared.opts.img2img_background_color)
        image = upscaler.scaler.upscale(image, scale, upscaler.data_path)
        grid = images.split_grid(image, p.width, p.height, overlap)
        places = [place for _, _, row in grid.tiles for place in row]
        count = p.batch_size
        for start in range(0, len(places), count):
            batch = places[start : start + count]
            p.batch_size, p.init_images = len(batch), [place[2] for place in batch]
            processed = processing.process_images(p)
            info, p.seed = info or processed.info, processed.seed + 1
            found = processed.images[processed.index_of_first_image :]
            for place, result in zip(batch, found, strict=False):
                place[2] = result.convert("RGB")
        combined = images.combine_grid(grid)
        if shared.opts.samples_save:
            folder, kind = p.outpath_samples, shared.opts.samples_format
            images.save_image(combined, folder, "", seed, p.prompt, kind, info=info, p=p)
        return processing.Processed(p, [combined], seed, info)

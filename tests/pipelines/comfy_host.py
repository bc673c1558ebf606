# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
"""ComfyUI's calling convention in miniature: a graph of nodes in its API format is validated and
run, and pictures are loaded and saved the way its own nodes do it. Written from its documented
behaviour; what a model would paint is noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

Graph = dict[str, dict[str, Any]]
PRIMITIVES = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}


class InvalidGraphError(Exception):
    """The host would refuse to queue this graph."""


def run_graph(graph: Graph, nodes: dict[str, type]) -> dict[str, tuple[Any, ...]]:
    """Run every output node and what it needs; node id -> outputs, and {"ui": ...} of output nodes.

    Raises InvalidGraphError for a graph the host would refuse.
    """
    for name in graph:
        _validate(name, graph, nodes)
    done: dict[str, tuple[Any, ...]] = {}
    with torch.inference_mode():
        for name, node in graph.items():
            if getattr(nodes[node["class_type"]], "OUTPUT_NODE", False):
                _run_node(name, graph, nodes, done)
    return done


def _run_node(
    name: str, graph: Graph, nodes: dict[str, type], done: dict[str, tuple[Any, ...]]
) -> None:
    if name in done:
        return
    kind = nodes[graph[name]["class_type"]]
    given = {}
    for key, value in graph[name]["inputs"].items():
        if isinstance(value, list):
            _run_node(value[0], graph, nodes, done)
            value = done[value[0]][value[1]]
        given[key] = value
    answer = getattr(kind(), kind.FUNCTION)(**given)
    if isinstance(answer, dict):
        assert all(isinstance(shown, list) for shown in answer.get("ui", {}).values())
        answer = answer.get("result", ())
    assert len(answer) == len(kind.RETURN_TYPES)
    for value, type_name in zip(answer, kind.RETURN_TYPES, strict=True):
        _check_value(value, type_name)
    done[name] = answer


def _check_value(value: Any, type_name: str) -> None:
    """What other nodes rely on for each type."""
    if type_name == "IMAGE":
        assert value.dtype == torch.float32
        assert value.ndim == 4
        assert value.shape[-1] == 3
    elif type_name == "MASK":
        assert value.dtype == torch.float32
        assert value.ndim == 3
    elif type_name in PRIMITIVES:
        assert isinstance(value, PRIMITIVES[type_name])


def _validate(name: str, graph: Graph, nodes: dict[str, type]) -> None:
    kind, given = nodes[graph[name]["class_type"]], graph[name]["inputs"]
    for key, (wanted, *options) in kind.INPUT_TYPES()["required"].items():
        if key not in given:
            raise InvalidGraphError(f"{name}: required input {key} is missing")
        value = given[key]
        if isinstance(value, list):
            source = nodes[graph[value[0]]["class_type"]]
            if source.RETURN_TYPES[value[1]] != wanted:
                raise InvalidGraphError(
                    f"{name}.{key}: {source.RETURN_TYPES[value[1]]} is no {wanted}"
                )
        else:
            _validate_value(f"{name}.{key}", value, wanted, options[0] if options else {})


def _validate_value(place: str, value: Any, wanted: Any, options: dict[str, Any]) -> None:
    if isinstance(wanted, list):
        if wanted and value not in wanted:
            raise InvalidGraphError(f"{place}: {value!r} is not in {wanted}")
    elif not isinstance(value, PRIMITIVES[wanted]):
        raise InvalidGraphError(f"{place}: {value!r} is no {wanted}")
    elif not options.get("min", value) <= value <= options.get("max", value):
        raise InvalidGraphError(f"{place}: {value} is out of bounds")


def load_image(path: str | Path) -> tuple[torch.Tensor, torch.Tensor]:
    """As the host's LoadImage: IMAGE of uint8 / 255, MASK of the alpha channel inverted."""
    picture = ImageOps.exif_transpose(Image.open(path))
    levels = np.array(picture.convert("RGB")).astype(np.float32) / 255.0
    mask = np.zeros((64, 64), np.float32)
    if "A" in picture.getbands():
        mask = 1.0 - np.array(picture.getchannel("A")).astype(np.float32) / 255.0
    return torch.from_numpy(levels)[None], torch.from_numpy(mask)[None]


def save_image(images: torch.Tensor, folder: Path) -> list[Path]:
    """As the host's SaveImage: 255 * x, clipped, cut off to uint8, a PNG each."""
    paths = []
    for number, image in enumerate(images):
        levels = np.clip(255.0 * image.cpu().numpy(), 0, 255).astype(np.uint8)
        path = folder / f"saved_{number:05}.png"
        Image.fromarray(levels).save(path, compress_level=4)
        paths.append(path)
    return paths


def make_core_nodes(folder: Path) -> dict[str, type]:
    """The host's own nodes that the example workflows use, reading and writing in `folder`."""

    class LoadImage:
        RETURN_TYPES = ("IMAGE", "MASK")
        FUNCTION = "load"

        @classmethod
        def INPUT_TYPES(cls):  # noqa: N802
            return {"required": {"image": ([],)}}

        def load(self, image):
            return load_image(folder / image)

    class SaveImage:
        RETURN_TYPES = ()
        FUNCTION = "save"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls):  # noqa: N802
            return {"required": {"images": ("IMAGE",), "filename_prefix": ("STRING", {})}}

        def save(self, images, filename_prefix):
            save_image(images, folder)
            return {"ui": {"images": []}, "result": ()}

    class PreviewImage:
        RETURN_TYPES = ()
        FUNCTION = "save"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls):  # noqa: N802
            return {"required": {"images": ("IMAGE",)}}

        def save(self, images):
            return {"ui": {"images": []}, "result": ()}

    models = {
        "CheckpointLoaderSimple": _stand_in(("MODEL", "CLIP", "VAE"), {"ckpt_name": ([],)}),
        "CLIPTextEncode": _stand_in(("CONDITIONING",), {"text": ("STRING", {}), "clip": ("CLIP",)}),
        "VAEEncode": _Encode,
        "SetLatentNoiseMask": _SetMask,
        "KSampler": _Sample,
        "VAEDecode": _Decode,
    }
    return {"LoadImage": LoadImage, "SaveImage": SaveImage, "PreviewImage": PreviewImage, **models}


def _stand_in(returned: tuple[str, ...], inputs: dict[str, Any]) -> type:
    class StandIn:
        RETURN_TYPES = returned
        FUNCTION = "run"

        @classmethod
        def INPUT_TYPES(cls):  # noqa: N802
            return {"required": inputs}

        def run(self, **_given):
            return returned

    return StandIn


class _Encode(_stand_in(("LATENT",), {"pixels": ("IMAGE",), "vae": ("VAE",)})):
    def run(self, pixels, vae):
        """Sides that are no multiple of 8 are cut evenly, as the host cuts them."""
        height, width = (side // 8 * 8 for side in pixels.shape[1:3])
        top, left = ((pixels.shape[axis] % 8) // 2 for axis in (1, 2))
        return (pixels[:, top : top + height, left : left + width],)


class _SetMask(_stand_in(("LATENT",), {"samples": ("LATENT",), "mask": ("MASK",)})):
    def run(self, samples, mask):
        return (samples,)


class _Sample(
    _stand_in(
        ("LATENT",),
        {
            "model": ("MODEL",),
            "seed": ("INT", {"min": 0}),
            "steps": ("INT", {"min": 1}),
            "cfg": ("FLOAT", {}),
            "sampler_name": ([],),
            "scheduler": ([],),
            "positive": ("CONDITIONING",),
            "negative": ("CONDITIONING",),
            "latent_image": ("LATENT",),
            "denoise": ("FLOAT", {}),
        },
    )
):
    def run(self, latent_image, seed, **_given):
        noise = torch.rand(latent_image.shape, generator=torch.Generator().manual_seed(seed))
        return (latent_image * 0.9 + noise * 0.1,)


class _Decode(_stand_in(("IMAGE",), {"samples": ("LATENT",), "vae": ("VAE",)})):
    def run(self, samples, vae):
        return (samples,)

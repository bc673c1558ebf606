"""Write the example workflows: each as JSON, and as a PNG that ComfyUI opens when dropped on it.

python examples/comfyui/make_workflows.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

HERE = Path(__file__).parent
COLUMN, ROW = 300, 260


class Node(NamedTuple):
    """One node: type, place in the grid, outputs (name, type), links (input -> (node, slot)),
    widgets (name -> value) in the order the host shows them."""

    type: str
    place: tuple[int, int]
    outputs: tuple[tuple[str, str], ...] = ()
    links: dict[str, tuple[str, int]] = {}  # noqa: RUF012 - never changed
    widgets: dict[str, Any] = {}  # noqa: RUF012 - never changed


IMAGE_AND_MASK = (("IMAGE", "IMAGE"), ("MASK", "MASK"))
CHECK_OUTPUTS = (("heatmap", "IMAGE"), ("report", "STRING"), ("changed", "INT"))

INPAINT = {
    "image": Node("LoadImage", (0, 0), IMAGE_AND_MASK, widgets={"image": "original.png"}),
    "mask": Node(
        "BleedGuardMask",
        (0, 2),
        (("mask", "MASK"), ("predicted_reach", "MASK"), ("reach_px", "INT")),
        {"mask": ("image", 1)},
        {"harden": True, "grow": 0, "soften_inward": 0, "mask_blur": 4},
    ),
    "model": Node(
        "CheckpointLoaderSimple",
        (1, 0),
        (("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")),
        widgets={"ckpt_name": "model.safetensors"},
    ),
    "prompt": Node(
        "CLIPTextEncode",
        (2, 0),
        (("CONDITIONING", "CONDITIONING"),),
        {"clip": ("model", 1)},
        {"text": "a wine glass on a wooden table"},
    ),
    "negative": Node(
        "CLIPTextEncode",
        (2, 1),
        (("CONDITIONING", "CONDITIONING"),),
        {"clip": ("model", 1)},
        {"text": ""},
    ),
    "encode": Node(
        "VAEEncode",
        (1, 1),
        (("LATENT", "LATENT"),),
        {"pixels": ("image", 0), "vae": ("model", 2)},
    ),
    "masked": Node(
        "SetLatentNoiseMask",
        (1, 2),
        (("LATENT", "LATENT"),),
        {"samples": ("encode", 0), "mask": ("mask", 0)},
    ),
    "sample": Node(
        "KSampler",
        (3, 0),
        (("LATENT", "LATENT"),),
        {
            "model": ("model", 0),
            "positive": ("prompt", 0),
            "negative": ("negative", 0),
            "latent_image": ("masked", 0),
        },
        {
            "seed": 1,
            "control_after_generate": "fixed",
            "steps": 20,
            "cfg": 7.0,
            "sampler_name": "euler",
            "scheduler": "normal",
            "denoise": 0.75,
        },
    ),
    "decode": Node(
        "VAEDecode",
        (4, 0),
        (("IMAGE", "IMAGE"),),
        {"samples": ("sample", 0), "vae": ("model", 2)},
    ),
    "paste": Node(
        "BleedGuardPasteBack",
        (4, 1),
        (("image", "IMAGE"),),
        {"original": ("image", 0), "generated": ("decode", 0), "mask": ("mask", 0)},
        {"preset": "guard", "blend": "membrane + feather", "feather": 4},
    ),
    "save": Node(
        "SaveImage", (5, 0), (), {"images": ("paste", 0)}, {"filename_prefix": "bleed_guard"}
    ),
    "check": Node(
        "BleedGuardCheck",
        (5, 1),
        CHECK_OUTPUTS,
        {"original": ("image", 0), "result": ("paste", 0), "mask": ("mask", 0)},
        {"tolerance": 0, "stop_on_bleed": True},
    ),
    "heatmap": Node("PreviewImage", (6, 1), (), {"images": ("check", 0)}),
}

CHECK = {
    "original": Node("LoadImage", (0, 0), IMAGE_AND_MASK, widgets={"image": "original.png"}),
    "result": Node("LoadImage", (0, 1), IMAGE_AND_MASK, widgets={"image": "result.png"}),
    "check": Node(
        "BleedGuardCheck",
        (1, 0),
        CHECK_OUTPUTS,
        {"original": ("original", 0), "result": ("result", 0), "mask": ("original", 1)},
        {"tolerance": 0, "stop_on_bleed": False},
    ),
    "heatmap": Node("PreviewImage", (2, 0), (), {"images": ("check", 0)}),
}

WORKFLOWS = {"inpaint_guarded": INPAINT, "check": CHECK}
FRONT_END_ONLY = ("control_after_generate",)


def build_prompt(nodes: dict[str, Node]) -> dict[str, Any]:
    """The API format: node id -> class and inputs, links as [node id, output slot]."""
    ids = _number(nodes)
    prompt = {}
    for name, node in nodes.items():
        links = {key: [str(ids[source]), slot] for key, (source, slot) in node.links.items()}
        widgets = {key: value for key, value in node.widgets.items() if key not in FRONT_END_ONLY}
        prompt[str(ids[name])] = {"class_type": node.type, "inputs": {**links, **widgets}}
    return prompt


def build_workflow(nodes: dict[str, Node]) -> dict[str, Any]:
    """The format the page opens: nodes with their places, and a list of links."""
    ids = _number(nodes)
    links: list[list[Any]] = []
    for name, node in nodes.items():
        for slot, (source, output) in enumerate(node.links.values()):
            kind = nodes[source].outputs[output][1]
            links.append([len(links) + 1, ids[source], output, ids[name], slot, kind])
    return {
        "last_node_id": len(nodes),
        "last_link_id": len(links),
        "nodes": [_describe(name, node, ids, links) for name, node in nodes.items()],
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def _describe(name: str, node: Node, ids: dict[str, int], links: list[list[Any]]) -> dict[str, Any]:
    own = [link for link in links if link[3] == ids[name]]
    inputs = [
        {"name": key, "type": link[5], "link": link[0]}
        for key, link in zip(node.links, own, strict=True)
    ]
    outputs = [
        {
            "name": label,
            "type": kind,
            "slot_index": slot,
            "links": [link[0] for link in links if link[1:3] == [ids[name], slot]],
        }
        for slot, (label, kind) in enumerate(node.outputs)
    ]
    column, row = node.place
    return {
        "id": ids[name],
        "type": node.type,
        "pos": [column * COLUMN, row * ROW],
        "size": [COLUMN - 40, ROW - 60],
        "flags": {},
        "order": ids[name] - 1,
        "mode": 0,
        "inputs": inputs,
        "outputs": outputs,
        "properties": {"Node name for S&R": node.type},
        "widgets_values": list(node.widgets.values()),
    }


def _number(nodes: dict[str, Node]) -> dict[str, int]:
    return {name: number for number, name in enumerate(nodes, 1)}


def draw(nodes: dict[str, Node]) -> Image.Image:
    """A plan of the graph, as the picture that carries it."""
    scale = 0.5
    columns = 1 + max(node.place[0] for node in nodes.values())
    rows = 1 + max(node.place[1] for node in nodes.values())
    size = (int(columns * COLUMN * scale), int(rows * ROW * scale))
    picture = Image.new("RGB", size, "#202124")
    brush = ImageDraw.Draw(picture)

    def corner(node: Node) -> tuple[float, float]:
        return node.place[0] * COLUMN * scale + 10, node.place[1] * ROW * scale + 10

    width, height = (COLUMN - 40) * scale, (ROW - 60) * scale
    for node in nodes.values():
        left, top = corner(node)
        for source, _ in node.links.values():
            from_left, from_top = corner(nodes[source])
            start = (from_left + width, from_top + height / 2)
            brush.line((*start, left, top + height / 2), fill=(120, 150, 190), width=2)
    for node in nodes.values():
        left, top = corner(node)
        ours = node.type.startswith("BleedGuard")
        color = (30, 90, 70) if ours else (58, 60, 66)
        brush.rounded_rectangle((left, top, left + width, top + height), 6, fill=color)
        brush.text((left + 6, top + 6), node.type, fill=(235, 235, 235))
    return picture


def main() -> None:
    """Write every workflow beside this file."""
    for name, nodes in WORKFLOWS.items():
        workflow, prompt = build_workflow(nodes), build_prompt(nodes)
        target = HERE / f"{name}.json"
        target.write_text(json.dumps(workflow, indent=1) + "\n", encoding="utf-8")
        text = PngInfo()
        text.add_text("workflow", json.dumps(workflow))
        text.add_text("prompt", json.dumps(prompt))
        draw(nodes).save(target.with_suffix(".png"), pnginfo=text, optimize=True)


if __name__ == "__main__":
    main()

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed in this environment")

import torch

from bleed_guard.comfy import NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS
from bleed_guard.core.settings import BLEND_NAMES
from tests.pipelines.comfy_host import (
    InvalidGraphError,
    load_image,
    make_core_nodes,
    run_graph,
    save_image,
)

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "examples" / "comfyui").glob("*.json"))
SIZE = (96, 64)


def make_levels(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Every one of the 256 levels somewhere: uint8 H x W x 3."""
    levels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), np.uint8)
    levels.reshape(-1)[:256] = np.arange(256)
    return levels


def as_image(*levels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(levels).astype(np.float32) / 255.0)


def make_mask(size: tuple[int, int] = SIZE, left: int = 32) -> torch.Tensor:
    mask = torch.zeros(1, size[1], size[0])
    mask[:, 16:48, left : left + 32] = 1
    return mask


def noise_like(image: torch.Tensor, seed: int = 1) -> torch.Tensor:
    return torch.rand(image.shape, generator=torch.Generator().manual_seed(seed))


def paste(original, generated, mask, *, preset="custom", blend="feather", feather=4):
    node = NODE_CLASS_MAPPINGS["BleedGuardPasteBack"]()
    return node.paste(original, generated, mask, preset, blend, feather)[0]


def check(original, result, mask, *, tolerance=0, stop=False):
    node = NODE_CLASS_MAPPINGS["BleedGuardCheck"]()
    return node.check(original, result, mask, tolerance, stop)["result"]


@pytest.mark.parametrize("blend", BLEND_NAMES)
def test_the_saved_file_holds_the_originals_pixels(tmp_path, blend):
    """Through real PNG files, read and written as the host does it."""
    levels = make_levels()
    Image.fromarray(levels).save(tmp_path / "original.png")
    original, _ = load_image(tmp_path / "original.png")
    mask = make_mask()
    result = paste(original, noise_like(original), mask, blend=blend)
    (path,) = save_image(result, tmp_path)
    outside = mask[0].numpy() == 0
    assert np.array_equal(np.asarray(Image.open(path))[outside], levels[outside])
    assert torch.equal(result[0][outside], original[0][outside])


def test_inside_a_hard_mask_the_floats_are_the_generated_ones():
    original = as_image(make_levels())
    generated = noise_like(original)
    inside = make_mask()[0] == 1
    result = paste(original, generated, make_mask(), blend="hard")
    assert torch.equal(result[0][inside], generated[0][inside])


def test_batches_start_over_where_they_are_shorter():
    originals = as_image(make_levels(1), make_levels(2))
    masks = torch.cat([make_mask(left=0), make_mask(left=64)])
    generated = noise_like(torch.empty(4, SIZE[1], SIZE[0], 3))
    result = paste(originals, generated, masks, blend="hard")
    assert result.shape == (4, 64, 96, 3)
    for number in range(4):
        inside = masks[number % 2] == 1
        assert torch.equal(result[number][~inside], originals[number % 2][~inside])
        assert torch.equal(result[number][inside], generated[number][inside])


def test_one_original_for_a_batch_of_results():
    original = as_image(make_levels())
    result = paste(original, noise_like(torch.empty(3, 64, 96, 3)), make_mask())
    assert [check(original, image[None], make_mask())[2] for image in result] == [0, 0, 0]


@pytest.mark.parametrize("shape", [(1, 32, 48), (32, 48), (1, 1, 32, 48)])
def test_a_mask_of_another_size_or_shape(shape):
    original = as_image(make_levels())
    mask = torch.zeros(32, 48)
    mask[8:24, 16:32] = 1
    result = paste(original, noise_like(original), mask.reshape(shape), blend="hard")
    outside = make_mask()[0].numpy() == 0
    far = np.ones_like(outside)
    far[14:50, 30:66] = False  # but for the rim where the mask was smoothed
    assert torch.equal(result[0][outside & far], original[0][outside & far])
    assert not torch.equal(result[0][20:44, 36:60], original[0][20:44, 36:60])


def test_a_size_that_is_no_multiple_of_8_comes_back_at_the_originals(tmp_path):
    """The host cuts 93 x 61 to 88 x 56 in the middle; the edit is laid back where it was."""
    original = as_image(make_levels(size=(93, 61)))
    mask = make_mask((93, 61))
    core = make_core_nodes(tmp_path)
    (generated,) = core["VAEEncode"]().run(original, None)
    assert generated.shape == (1, 56, 88, 3)
    edited = generated.clone()
    edited[:, 20:30, 40:50] = 0.5
    result = paste(original, edited, mask, blend="hard")
    wanted = original.clone()
    wanted[:, 22:32, 42:52] = 0.5
    assert torch.equal(result, wanted)


@pytest.mark.parametrize(("cell", "top", "left"), [(16, 6, 6), (32, 14, 14)])
def test_a_vae_of_larger_cells_cuts_more_and_the_edit_lies_where_it_was(cell, top, left):
    """As Flux.2's and Wan 2.2's: 125 x 93 becomes 112 x 80, or 96 x 64."""
    original = as_image(make_levels(size=(125, 93)))
    rows, columns = 93 // cell * cell, 125 // cell * cell
    edited = original[:, top : top + rows, left : left + columns].clone()
    edited[:, 20:30, 40:50] = 0.5
    result = paste(original, edited, make_mask((125, 93)), blend="hard")
    wanted = original.clone()
    wanted[:, 20 + top : 30 + top, 40 + left : 50 + left] = 0.5
    assert torch.equal(result, wanted)


def test_an_enlarged_result_comes_back_at_the_originals_size():
    original = as_image(make_levels())
    result = paste(original, noise_like(torch.empty(1, 128, 192, 3)), make_mask())
    assert result.shape == original.shape
    assert check(original, result, make_mask())[2] == 0


def test_presets_set_blend_and_feather_and_full_redo_leaves_it_alone():
    original = as_image(make_levels())
    generated = noise_like(original)
    tight = paste(original, generated, make_mask(), preset="tight-edit", feather=40)
    assert torch.equal(tight, paste(original, generated, make_mask(), blend="hard"))
    redo = paste(original, generated, make_mask(), preset="full-redo")
    assert torch.equal(redo, generated)


def test_a_channel_too_many_or_nan_does_not_break_it():
    levels = make_levels()
    original = as_image(np.dstack([levels, levels[..., 0]]))
    generated = noise_like(as_image(levels))
    generated[0, 20, 40] = float("nan")
    result = paste(original, generated, make_mask(), blend="hard")
    assert result.shape == (1, 64, 96, 3)
    assert not torch.isnan(result).any()
    assert torch.equal(result[0, 0], original[0, 0, :, :3])


@pytest.mark.parametrize(
    ("image", "mask", "told"),
    [
        ((1, 8, 8, 3), (0, 8, 8), "the mask is 0 x 8 x 8, expected batch x height x width"),
        ((1, 8, 8, 3), (1, 8, 8, 1), "the mask is 1 x 8 x 8 x 1, expected batch x height x width"),
        ((0, 8, 8, 3), (1, 8, 8), "the image is 0 x 8 x 8 x 3, expected batch x height"),
        ((8, 8, 3), (1, 8, 8), "the image is 8 x 8 x 3, expected batch x height"),
    ],
    ids=["nothing found", "channel last", "no images", "no batch"],
)
def test_a_shape_that_is_none_is_one_sentence(image, mask, told):
    for run in (paste, check):
        with pytest.raises(ValueError, match=told):
            run(torch.zeros(1, 8, 8, 3), torch.zeros(image), torch.zeros(mask))


def test_check_counts_what_the_file_will_hold():
    """A float that moved, but not by a level, is no change in the file."""
    original = as_image(make_levels())
    moved = (original + 0.3 / 255).clamp(0, 1)
    assert check(original, moved, make_mask())[2] == 0
    moved[0, 0, 0] = 1 - original[0, 0, 0]
    heatmap, report, changed = check(original, moved, make_mask())
    assert changed == 1
    assert json.loads(report)["sentence"] == "1 of 5,120 protected pixels changed"
    assert heatmap.shape[0] == 1
    assert heatmap[0, 0, 0].sum() > heatmap[0, 0, 1].sum()


def test_check_tolerance():
    original = as_image(make_levels() // 2)
    assert check(original, original + 3 / 255, make_mask(), tolerance=3)[2] == 0
    assert check(original, original + 3 / 255, make_mask(), tolerance=2)[2] == 5120


def test_check_can_stop_the_workflow():
    original = as_image(make_levels())
    assert check(original, original, make_mask(), stop=True)[2] == 0
    with pytest.raises(ValueError, match=r"Bleed Guard: 5,1\d\d of 5,120 protected pixels changed"):
        check(original, noise_like(original), make_mask(), stop=True)


def shape(mask, *, harden=False, grow=0, soften=0, blur=4):
    return NODE_CLASS_MAPPINGS["BleedGuardMask"]().shape(mask, harden, grow, soften, blur)


def test_mask_harden_cuts_at_a_half():
    mask = torch.tensor([[[0.0, 0.49, 0.5, 1.0]]])
    assert shape(mask, harden=True)[0].tolist() == [[[0, 0, 1, 1]]]
    assert torch.allclose(shape(mask)[0], mask, atol=1 / 255)


@pytest.mark.parametrize(("grow", "pixels"), [(0, 32), (3, 38), (-3, 26)])
def test_mask_grows_and_shrinks(grow, pixels):
    grown = shape(make_mask(), grow=grow)[0]
    assert int(grown[0, 32].sum()) == pixels


def test_mask_softens_inward_only():
    soft = shape(make_mask(), soften=4)[0]
    assert soft[make_mask() == 0].max() == 0
    assert soft[0, 32, 32:38].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])


def test_mask_predicts_the_reach_of_a_mask_blur():
    """Blur 4 reaches 10 px a side: measured on the hosts."""
    _, reach, pixels = shape(make_mask(), blur=4)
    assert pixels == 10
    row = reach[0, 32]
    assert float(row.max()) == 1
    assert int(row.sum()) <= 32 + 20
    assert shape(make_mask(), blur=0)[1].sum() == 32 * 32


def test_every_node_is_named_and_described():
    assert set(NODE_CLASS_MAPPINGS) == set(NODE_DISPLAY_NAME_MAPPINGS)
    for node in NODE_CLASS_MAPPINGS.values():
        assert node.DESCRIPTION
        assert node.CATEGORY
        assert len(node.RETURN_NAMES) == len(node.RETURN_TYPES)


@pytest.mark.parametrize("change", [{"feather": 65}, {"blend": "glue"}, {"mask": None}])
def test_the_host_refuses_values_out_of_bounds(tmp_path, change):
    nodes = {**make_core_nodes(tmp_path), **NODE_CLASS_MAPPINGS}
    inputs = {
        "original": ["1", 0],
        "generated": ["1", 0],
        "mask": ["1", 1],
        "preset": "custom",
        "blend": "feather",
        "feather": 4,
        **change,
    }
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "original.png"}},
        "2": {
            "class_type": "BleedGuardPasteBack",
            "inputs": {key: value for key, value in inputs.items() if value is not None},
        },
    }
    with pytest.raises(InvalidGraphError):
        run_graph(graph, nodes)


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_example_workflows_run(tmp_path, path):
    graph = json.loads(Image.open(path.with_suffix(".png")).text["prompt"])
    levels = make_levels()
    alpha = np.where(make_mask()[0].numpy() > 0, 0, 255).astype(np.uint8)
    rgba = Image.fromarray(np.dstack([levels, alpha]))
    for node in graph.values():
        if node["class_type"] == "LoadImage":
            rgba.save(tmp_path / node["inputs"]["image"])
    done = run_graph(graph, {**make_core_nodes(tmp_path), **NODE_CLASS_MAPPINGS})
    for name, node in graph.items():
        if node["class_type"] == "BleedGuardCheck":
            assert done[name][2] == 0
    for saved in tmp_path.glob("saved_*.png"):
        assert np.array_equal(np.asarray(Image.open(saved))[alpha > 0], levels[alpha > 0])


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_the_picture_of_a_workflow_holds_that_workflow(path):
    workflow = json.loads(path.read_text())
    assert json.loads(Image.open(path.with_suffix(".png")).text["workflow"]) == workflow
    ends = {link[0]: link for link in workflow["links"]}
    for node in workflow["nodes"]:
        for slot, entry in enumerate(node.get("inputs", [])):
            if entry["link"] is not None:
                assert ends[entry["link"]][3:6] == [node["id"], slot, entry["type"]]


def test_a_clone_in_custom_nodes_is_a_node_pack(tmp_path):
    """Imported by path under the host's own name for it; nothing heavy is loaded by that."""
    program = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location(sys.argv[1], sys.argv[1] + "/__init__.py")
module = importlib.util.module_from_spec(spec)
sys.modules[sys.argv[1]] = module
spec.loader.exec_module(module)
print(sorted(module.NODE_CLASS_MAPPINGS))
heavy = {"cv2", "numpy", "PIL", "torch", "gradio", "scipy", "modules"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "BleedGuardPasteBack" in done.stdout

"""Infotexts: written, read, pasted."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

StartHost = Callable[..., Any]

TEXT = """a cup, <lora:mug:1>
on a table
Negative prompt: blurry
bad
Steps: 20, Sampler: Euler a, Seed: 7, Size: 96x64, Guard: "a, b: \\"c\\"", Version: 1.10.1"""


def test_a_text_is_read(start_host: StartHost) -> None:
    start_host()
    from modules.infotext_utils import parse_generation_parameters

    found = parse_generation_parameters(TEXT)
    assert found["Prompt"] == "a cup, <lora:mug:1>\non a table"
    assert found["Negative prompt"] == "blurry\nbad"
    assert (found["Size-1"], found["Size-2"]) == ("96", "64")
    assert found["Guard"] == 'a, b: "c"'
    assert (found["Inpaint area"], found["Masked area padding"]) == ("Whole picture", 32)
    assert "Seed" not in parse_generation_parameters(TEXT, skip_fields=["Seed"])


def test_a_line_with_few_parameters_is_prompt(start_host: StartHost) -> None:
    start_host()
    from modules.infotext_utils import parse_generation_parameters

    assert parse_generation_parameters("a cup\nsize: small")["Prompt"] == "a cup\nsize: small"


def test_a_quoted_value_is_read_back(start_host: StartHost) -> None:
    start_host()
    from modules.infotext_utils import parse_generation_parameters, quote

    letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="x")

    @given(st.text(letters, min_size=1).map(str.strip).filter(lambda x: x and x[0] != '"'))
    def check(value: str) -> None:
        text = f"p\nSteps: 3, Seed: 7, Guard: {quote(value)}, Version: 1"
        assert parse_generation_parameters(text)["Guard"] == value

    check()


def test_what_a_job_wrote_is_read(start_host: StartHost, make_job: Callable[..., Any]) -> None:
    start_host("forge", model_name="m")
    from modules import processing
    from modules.infotext_utils import parse_generation_parameters

    p = make_job(inpaint_full_res=True, inpaint_full_res_padding=8, negative_prompt="no")
    p.extra_generation_params["Guard"] = "0 of 5, exact"
    p.extra_generation_params["Per image"] = ["first"]
    p.extra_generation_params["Called"] = lambda p, index, **_: f"{p.width} {index}"
    p.extra_generation_params["Silent"] = None
    found = parse_generation_parameters(processing.process_images(p).infotexts[0])
    assert (found["Guard"], found["Per image"], found["Called"]) == (
        "0 of 5, exact",
        "first",
        "96 0",
    )
    assert "Silent" not in found
    assert (found["Inpaint area"], found["Masked area padding"]) == ("Only masked", "8")
    assert (found["Prompt"], found["Negative prompt"], found["Model"]) == ("a cup", "no", "m")


def test_a_value_that_fails_is_left_out(
    start_host: StartHost, make_job: Callable[..., Any], capsys: Any
) -> None:
    start_host()
    from modules import processing

    p = make_job()
    p.extra_generation_params["Guard"] = lambda **_: 1 / 0
    assert "Guard" not in processing.process_images(p).infotexts[0]
    assert 'Error creating infotext for key "Guard"' in capsys.readouterr().err


def test_comments_and_facts_come_back_as_json(
    start_host: StartHost, make_job: Callable[..., Any]
) -> None:
    import json

    start_host()
    from modules import processing

    p = make_job(batch_size=2)
    p.comment("not guarded")
    done = processing.process_images(p)
    assert done.comments == "not guarded\n"
    facts = json.loads(done.js())
    assert (facts["all_seeds"], facts["index_of_first_image"]) == ([7, 8], 1)
    assert facts["infotexts"] == done.infotexts
    assert len(done.infotexts) == len(done.images) == 3


def test_settings_of_a_text_become_overrides(start_host: StartHost) -> None:
    start_host()
    from modules import infotext_utils

    found = infotext_utils.get_override_settings({"Clip skip": "2", "ENSD": "0", "Seed": "7"})
    assert found == [("Clip skip", "CLIP_stop_at_last_layers", 2)]
    overrides = infotext_utils.create_override_settings_dict(["Clip skip: 2", "RNG: CPU"])
    assert overrides == {"CLIP_stop_at_last_layers": 2, "randn_source": "CPU"}


@pytest.mark.parametrize(
    ("value", "pasted", "given"),
    [
        (4, "8", 8.0),
        (0.5, "0.75", 0.75),
        (True, "False", False),
        (False, "True", True),
        ("hard", "feather", "feather"),
    ],
)
def test_pasting_casts_as_the_hosts_do(
    value: Any, pasted: str, given: Any, start_host: StartHost
) -> None:
    start_host()
    from modules import infotext_utils

    clicks: list[Any] = []
    button = SimpleNamespace(click=lambda **options: clicks.append(options))
    component = SimpleNamespace(value=value)
    infotext_utils.connect_paste(button, [(component, "Guard")], None, None, "img2img")
    text = f"p\nSteps: 3, Seed: 7, Guard: {pasted}, Version: 1"
    (update,) = clicks[0]["fn"](text)
    assert update["value"] == given
    assert type(update["value"]) is type(given)


def test_the_old_name_is_the_same_module(start_host: StartHost) -> None:
    start_host()
    from modules import generation_parameters_copypaste, infotext_utils

    assert generation_parameters_copypaste.quote is infotext_utils.quote


def test_styles_and_networks_of_a_prompt(
    start_host: StartHost, make_job: Callable[..., Any]
) -> None:
    start_host()
    from modules import extra_networks, processing, shared, styles

    calls: list[Any] = []

    class Lora(extra_networks.ExtraNetwork):
        def activate(self, p: Any, params_list: list[Any]) -> None:
            calls.append([params.positional for params in params_list])

    extra_networks.register_extra_network(Lora("lora"))
    shared.prompt_styles.styles["warm"] = styles.PromptStyle("warm", "{prompt}, sunlit", "cold")
    p = make_job(prompt="a <lora:mug:0.5> cup", styles=["warm"])
    done = processing.process_images(p)
    shared.prompt_styles.styles.clear()
    assert calls == [[["mug", "0.5"]]]
    assert done.infotexts[0].startswith("a  cup, sunlit\nNegative prompt: cold\n")

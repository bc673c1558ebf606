"""The users' presets: names, the JSON form, and bad files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bleed_guard.core.presets import (
    LARGEST_FILE,
    MOST_PRESETS,
    add_preset,
    all_presets,
    check_name,
    delete_preset,
    format_presets,
    merge_presets,
    parse_presets,
    rename_preset,
)
from bleed_guard.core.settings import PRESETS, SCHEMA, GuardSettings

FACES = GuardSettings(feather=9, tolerance=3, enabled=False)
HELD = GuardSettings(preset="faces", feather=9)


def make_file(presets: object, **top: Any) -> str:
    return json.dumps({"bleed_guard_presets": 1, "presets": presets, **top})


def test_a_preset_keeps_its_guards_and_nothing_else() -> None:
    assert add_preset({}, " faces ", FACES) == {"faces": HELD}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "a preset needs a name"),
        ("  ", "a preset needs a name"),
        (7, "a preset needs a name"),
        ("Guard", "Guard is a built-in preset: choose another name"),
        ("custom", "custom is a built-in preset: choose another name"),
        ("x" * 41, "a preset's name has at most 40 characters, not 41"),
        ("512x512", "a preset's name starts with a letter"),
        ("a, b", "a preset's name starts with a letter"),
        ('say "hi"', "a preset's name starts with a letter"),
        ("<b>", "a preset's name starts with a letter"),
        ("a\nb", "a preset's name starts with a letter"),
    ],
)
def test_names_that_cannot_be(name: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        check_name(name)


@pytest.mark.parametrize("name", ["faces", "Gesichter fein (2)", "细节", "a-b_c.d+e"])
def test_names_that_can(name: str) -> None:
    assert check_name(name) == name


def test_rename_and_delete() -> None:
    presets = add_preset(add_preset({}, "faces", FACES), "hands", GuardSettings())
    assert list(rename_preset(presets, "faces", "eyes")) == ["hands", "eyes"]
    assert rename_preset(presets, "faces", "eyes")["eyes"].preset == "eyes"
    assert rename_preset(presets, "faces", "faces") == presets
    assert list(delete_preset(presets, "faces")) == ["hands"]
    with pytest.raises(ValueError, match="there is a preset hands already"):
        rename_preset(presets, "faces", "hands")
    with pytest.raises(ValueError, match="there is no preset 'feet'"):
        delete_preset(presets, "feet")
    with pytest.raises(ValueError, match="guard is built in"):
        delete_preset(presets, "guard")


def test_there_is_a_limit() -> None:
    presets = {f"p{number}": HELD for number in range(MOST_PRESETS)}
    with pytest.raises(ValueError, match="there are 200 presets already"):
        add_preset(presets, "one more", FACES)
    assert add_preset(presets, "p3", FACES)["p3"].preset == "p3"


def test_an_import_never_replaces() -> None:
    mine = add_preset({}, "faces", FACES)
    theirs = add_preset({}, "faces", GuardSettings(feather=1))
    merged, added = merge_presets(mine, theirs)
    assert {name: preset.feather for name, preset in merged.items()} == {"faces": 9, "faces (2)": 1}
    assert list(added) == ["faces (2)"]
    long = add_preset({}, "x" * 40, FACES)
    assert list(merge_presets(long, long)[1]) == ["x" * 36 + " (2)"]


def test_built_in_presets_come_first() -> None:
    assert list(all_presets({"z": HELD, "a": HELD})) == [*PRESETS, "a", "z"]


feathers = st.dictionaries(
    st.from_regex(r"[a-z][a-z ]{0,8}[a-z]", fullmatch=True).filter(
        lambda name: name not in ("guard", "custom")
    ),
    st.integers(0, 64),
    max_size=5,
)


@given(feathers)
def test_what_is_written_is_read_back(feather_by_name: dict[str, int]) -> None:
    presets: Any = {}
    for name, feather in feather_by_name.items():
        presets = add_preset(presets, name, GuardSettings(feather=feather))
    assert parse_presets(format_presets(presets)) == (presets, ())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "this is not a preset file: Expecting value"),
        ("[" * 100_000, "this is not a preset file: "),
        ("[]", "this is not a preset file of format 1"),
        ("{}", "this is not a preset file of format 1"),
        (make_file({}, bleed_guard_presets=2), "this is not a preset file of format 1"),
        (make_file([]), "this preset file has no list of presets"),
        (" " * (LARGEST_FILE + 1), "a preset file has at most 1048576 characters"),
    ],
    ids=["empty", "deep", "list", "no format", "newer", "no presets", "huge"],
)
def test_a_file_that_is_none(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_presets(text)


@pytest.mark.parametrize(
    ("name", "values", "kept", "complaint"),
    [
        ("a", {"feather": 5}, 5, None),
        ("a", {"feather": "5"}, 4, "preset a: feather must be a number, not '5'"),
        ("a", {"feather": 5, "fether": 1}, 5, "preset a: unknown setting 'fether'; did you mean"),
        ("a", {"feather": 5, "tolerance": 9}, 5, "preset a: tolerance is not a preset's to decide"),
        ("a", [], None, "preset 'a' left out: its settings are not a JSON object"),
        ("guard", {}, None, "preset 'guard' left out: guard is a built-in preset"),
    ],
)
def test_what_does_not_fit_is_told_and_the_rest_kept(
    name: str, values: object, kept: int | None, complaint: str | None
) -> None:
    presets, complaints = parse_presets(make_file({name: values, "good": {"feather": 1}}))
    assert presets["good"].feather == 1
    assert (presets[name].feather if name in presets else None) == kept
    assert len(complaints) == (complaint is not None)
    assert all(told.startswith(complaint or "") for told in complaints)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_answered(values: object) -> None:
    presets, _ = parse_presets(make_file({"a": values}))
    assert set(presets) <= {"a"}


def test_an_export_spells_every_guard_out() -> None:
    written = json.loads(format_presets({"faces": HELD}))["presets"]["faces"]
    free = {"enabled", "preset", "strength_warning", "tolerance", "keep_size", "keep_metadata"}
    assert set(written) == {setting.name for setting in SCHEMA} - free

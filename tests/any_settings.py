"""Hypothesis strategies of the guard's settings, from their schema."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from bleed_guard.core.settings import SCHEMA, GuardSettings, Setting


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    """Any value the setting accepts, numbers on the steps of their slider."""
    if setting.choices:
        return st.sampled_from(setting.choices)
    if isinstance(setting.default, bool):
        return st.booleans()
    low, high, step = setting.minimum, setting.maximum, setting.step
    assert low is not None
    assert high is not None
    assert step is not None
    kind = type(setting.default)
    return st.integers(0, round((high - low) / step)).map(
        lambda number: kind(round(low + number * step, 6))
    )


any_settings = st.builds(GuardSettings, **{setting.name: values_of(setting) for setting in SCHEMA})

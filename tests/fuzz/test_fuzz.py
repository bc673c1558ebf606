"""A few thousand fuzzed cases, other ones in every run but CI's; the long run: tests/fuzz."""

from __future__ import annotations

import gradio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.drawn import Drawn
from tests.fuzz.targets import TARGETS

CASES = 300
IS_GRADIO_3 = gradio.__version__.startswith("3.")


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=CASES if IS_GRADIO_3 else CASES // 10)
@given(data=st.binary(max_size=512))
def test_no_case_breaks_a_promise(name: str, data: bytes) -> None:
    TARGETS[name](Drawn(data))

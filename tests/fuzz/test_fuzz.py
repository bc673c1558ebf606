"""A few thousand fuzzed cases, other ones in every run but CI's; the long run: tests/fuzz."""

from __future__ import annotations

import gradio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import SHARES
from tests.fuzz.drawn import Drawn
from tests.fuzz.targets import TARGETS

CASES = 300
IS_GRADIO_3 = gradio.__version__.startswith("3.")


@pytest.mark.parametrize("name", TARGETS)
def test_no_case_breaks_a_promise(name: str) -> None:
    cases = CASES // 5 if name in SHARES else CASES  # the slower ones

    @settings(max_examples=cases if IS_GRADIO_3 else cases // 10)
    @given(data=st.binary(max_size=512))
    def run(data: bytes) -> None:
        TARGETS[name](Drawn(data))

    run()

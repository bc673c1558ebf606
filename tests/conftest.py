"""What every test shares: Hypothesis' settings, and the recordings unpacked."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

from tests.recordings import archive

# No deadline: a busy machine must not fail a test. In CI the examples are the same every time.
settings.register_profile("bleed_guard", deadline=None, derandomize="CI" in os.environ)
# For mutation testing (see pyproject.toml): few examples, and no search for the smallest failure.
settings.register_profile(
    "mutants",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("bleed_guard")
archive.unpack()

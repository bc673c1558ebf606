"""Old name of `modules.infotext_utils`: importing it gives that very module."""

from __future__ import annotations

import sys

from modules import infotext_utils
from modules.infotext_utils import *  # noqa: F403 - for type checkers; replaced in a moment

sys.modules[__name__] = infotext_utils

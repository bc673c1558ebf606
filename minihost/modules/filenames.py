"""File names: patterns like "[seed]-[prompt_spaces]" and running numbers."""

from __future__ import annotations

import datetime
import hashlib
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modules import errors, shared
from PIL import Image

INVALID = '#<>:"/\\|?*\n\r\t'
SKIP_WITH_TEXT_BEFORE = object()
"""What a pattern gives when it, and the text before it, shall not appear."""

_PATTERN = re.compile(r"(.*?)(?:\[([^\[\]]+)\]|$)")
_ARGUMENT = re.compile(r"(.*)<([^>]*)>$")
_NO_LETTERS = re.compile(r"[\s" + re.escape(string.punctuation) + "]+")


def sanitize_filename_part(text: str | None, replace_spaces: bool = True) -> str | None:
    """The text without what file names cannot hold, cut to the flag's length."""
    if text is None:
        return None
    if replace_spaces:
        text = text.replace(" ", "_")
    invalid = "/" if shared.cmd_opts.unix_filenames_sanitization else INVALID
    text = text.translate({ord(letter): "_" for letter in invalid})
    return text.lstrip(" ")[: shared.cmd_opts.filenames_max_length].rstrip(" .")


def get_next_sequence_number(path: str, basename: str) -> int:
    """One more than the largest number of the folder's "basename-NUMBER..." files; 0 first."""
    prefix = f"{basename}-" if basename else ""
    largest = -1
    for file in Path(path).iterdir():
        if file.name.startswith(prefix):
            number = Path(file.name[len(prefix) :]).stem.split("-")[0]
            largest = max(largest, int(number)) if number.isdigit() else largest
    return largest + 1


class FilenameGenerator:
    """Fills a pattern for one image.

    Args:
        p: The job, or None.
        zip: The name is for an archive of several images.
    """

    def __init__(
        self,
        p: Any,
        seed: int | None,
        prompt: str | None,
        image: Image.Image,
        zip: bool = False,
        basename: str = "",
    ) -> None:
        self.p = p
        self.seed = seed
        self.prompt = prompt
        self.image = image
        self.zip = zip
        self.basename = basename

    def apply(self, x: str) -> str:
        """The pattern filled; unknown ones stay as they are."""
        filled = ""
        for match in _PATTERN.finditer(x):
            text, pattern = match.groups()
            if pattern is None:
                filled += text
                continue
            value = self._value(pattern)
            if value is not SKIP_WITH_TEXT_BEFORE:
                filled += text + (f"[{pattern}]" if value is None else str(value))
        return filled

    def _value(self, pattern: str) -> Any:
        name, arguments = pattern, []
        while match := _ARGUMENT.match(name):
            name, argument = match.groups()
            arguments.insert(0, argument)
        function = _PATTERNS.get(name.lower())
        if function is None:
            return None
        try:
            return function(self, *arguments)
        except Exception:
            errors.report(f"Error adding [{pattern}] to filename", exc_info=True)
            return None

    def _of_job(self, name: str) -> Any:
        value = getattr(self.p, name, None)
        return sanitize_filename_part(value, False) if isinstance(value, str) else value

    def _in_batch(self, value: int, *, shown: bool) -> Any:
        return value if shown and not self.zip else SKIP_WITH_TEXT_BEFORE

    def _words(self) -> str | None:
        words = [word for word in _NO_LETTERS.split(self.prompt or "") if word] or ["empty"]
        count = shared.opts.directories_max_prompt_words
        return sanitize_filename_part(" ".join(words[:count]), replace_spaces=False)

    def _now(self, pattern: str = "%Y%m%d%H%M%S", zone: str = "") -> str | None:
        now = datetime.datetime.now(datetime.timezone.utc)
        if zone:
            import zoneinfo

            now = now.astimezone(zoneinfo.ZoneInfo(zone))
        else:
            now = now.astimezone()
        return sanitize_filename_part(now.strftime(pattern or "%Y%m%d%H%M%S"), False)


def _hash(data: bytes, length: str = "") -> str:
    return hashlib.sha256(data).hexdigest()[: int(length) if length else None]


_PATTERNS: dict[str, Callable[..., Any]] = {
    "basename": lambda g: g.basename or "img",
    "seed": lambda g: "" if g.seed is None else g.seed,
    "seed_first": lambda g: g.p.all_seeds[0],
    "seed_last": lambda g: g._in_batch(g.p.all_seeds[-1], shown=g.p.batch_size > 1),
    "steps": lambda g: g._of_job("steps"),
    "cfg": lambda g: g._of_job("cfg_scale"),
    "width": lambda g: g.image.width,
    "height": lambda g: g.image.height,
    "sampler": lambda g: g._of_job("sampler_name"),
    "scheduler": lambda g: g._of_job("scheduler"),
    "denoising": lambda g: g._of_job("denoising_strength") or SKIP_WITH_TEXT_BEFORE,
    "user": lambda g: g._of_job("user"),
    "styles": lambda g: sanitize_filename_part(", ".join(g.p.styles) or "None", False),
    "model_hash": lambda g: g._of_job("sd_model_hash"),
    "model_name": lambda g: sanitize_filename_part(shared.sd_model.name, False),
    "date": lambda g: g._now("%Y-%m-%d"),
    "datetime": FilenameGenerator._now,
    "job_timestamp": lambda g: shared.state.job_timestamp,
    "prompt": lambda g: sanitize_filename_part(g.prompt),
    "prompt_spaces": lambda g: sanitize_filename_part(g.prompt, False),
    "prompt_no_styles": lambda g: sanitize_filename_part(g.prompt, False),
    "prompt_words": FilenameGenerator._words,
    "prompt_hash": lambda g, length="8": _hash((g.prompt or "").encode(), length or "8"),
    "image_hash": lambda g, length="": _hash(g.image.tobytes(), length),
    "batch_number": lambda g: g._in_batch(g.p.batch_index + 1, shown=g.p.batch_size > 1),
    "batch_size": lambda g: g.p.batch_size,
    "generation_number": lambda g: g._in_batch(
        g.p.iteration * g.p.batch_size + g.p.batch_index + 1,
        shown=g.p.n_iter > 1 or g.p.batch_size > 1,
    ),
    "clip_skip": lambda g: shared.opts.CLIP_stop_at_last_layers,
    "none": lambda g: "",
}

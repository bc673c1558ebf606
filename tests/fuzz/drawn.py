"""Values drawn from bytes: what a fuzzer mutates becomes numbers, texts, arrays, JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

Choice = TypeVar("Choice")
TEXTS = (
    "",
    "guard",
    "custom",
    "<script>",
    "..",
    "/",
    "\0",
    '"',
    "\\",
    "é",
    "\ud83d",
    "nan",
    "9" * 400,
)
NUMBERS = (0, 1, -1, 255, 256, 2**31, -(2**63), 0.5, float("inf"), float("nan"), 1e300)


class Drawn:
    """Draws from the bytes given; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def bytes(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        self._at += count
        return part.ljust(count, b"\0")

    def rest(self) -> bytes:
        part, self._at = self._data[self._at :], len(self._data)
        return part

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int.from_bytes(self.bytes(2), "little") % (high - low + 1)

    def flag(self) -> bool:
        return bool(self.bytes(1)[0] & 1)

    def choose(self, choices: Sequence[Choice]) -> Choice:
        return choices[self.integer(0, len(choices) - 1)]

    def size(self, limit: int = 24) -> tuple[int, int]:
        return self.integer(1, limit), self.integer(1, limit)

    def array(self, shape: tuple[int, ...], dtype: Any = np.uint8) -> np.ndarray:
        """Few bytes fill any shape: they are levels, repeated or as the seed of noise."""
        count = int(np.prod(shape))
        if self.flag():
            seed = int.from_bytes(self.bytes(4), "little")
            drawn = np.random.default_rng(seed)
            return drawn.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
        levels = np.frombuffer(self.bytes(self.integer(1, 32)), np.uint8)
        return np.resize(levels, count).astype(dtype).reshape(shape)

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        """uint8 H x W: boxes of any level, or any levels at all."""
        if self.flag():
            return self.array(shape)
        mask = np.zeros(shape, np.uint8)
        for _ in range(self.integer(0, 3)):
            top, left = self.integer(0, shape[0] - 1), self.integer(0, shape[1] - 1)
            bottom, right = top + self.integer(0, 16), left + self.integer(0, 16)
            mask[top:bottom, left:right] = self.choose((255, 255, 128, 127, 1))
        return mask

    def text(self) -> str:
        if self.flag():
            return self.choose(TEXTS)
        return self.bytes(self.integer(0, 24)).decode("utf-8", "surrogateescape")

    def value(self, depth: int = 3) -> Any:
        """What JSON can hold."""
        kind = self.integer(0, 6 if depth else 4)
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.integer(0, 4))]
        if kind == 6:
            return {self.text(): self.value(depth - 1) for _ in range(self.integer(0, 4))}
        makers = (lambda: None, self.flag, lambda: self.choose(NUMBERS), self.text)
        return makers[kind]() if kind < 4 else self.integer(-300, 300)

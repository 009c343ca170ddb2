"""How statements tell that the normal order ends: they give one of these instead of None."""

from __future__ import annotations

from typing import Any

__all__ = ["BREAK", "CONTINUE", "RETURN", "VALUE", "Jump"]


class _Signal:
    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


RETURN = _Signal("return")
"""The function ends; its value is in the frame."""
VALUE = _Signal("value")
"""The block ends with a value, which is in the frame."""
BREAK = _Signal("break")
CONTINUE = _Signal("continue")


class Jump(Exception):
    """Carries a signal out of a block that stands inside an expression, with the frame that holds its value."""

    def __init__(self, signal: Any, frame: list[Any]) -> None:
        super().__init__(signal.name)
        self.signal = signal
        self.frame = frame

"""Streamed text on its way into the run's journal: the first piece at once, then what has gathered, thirty times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symbi.contracts.runs import RunService

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["ChunkWriter"]

INTERVAL_SECONDS = 0.03


class ChunkWriter:
    """Takes pieces of one answer and tells them; call `flush` at the end."""

    def __init__(self, context: PluginContext, run_id: str, effect: int) -> None:
        self._context = context
        self._runs: Any = context.services.maybe(RunService)
        self._run_id = run_id
        self._effect = effect
        self._text: list[str] = []
        self._last = float("-inf")

    def add(self, text: str) -> None:
        """Take a piece of text."""
        self._text.append(text)
        now = self._context.clock.monotonic()
        if now - self._last >= INTERVAL_SECONDS:
            self._last = now
            self.flush()

    def flush(self) -> None:
        """Tell what has gathered."""
        text = "".join(self._text)
        self._text.clear()
        if text and self._runs is not None:
            self._runs.tell(self._run_id, "chunk", {"effect": self._effect, "text": text})

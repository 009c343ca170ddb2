"""The tracker of one step's attempts, as coordinators know it: stop when an error repeats nearly word for word, or after too many attempts."""

from __future__ import annotations

from typing import Literal

import msgspec

from symbi_adaptive.similarity import similarity

__all__ = ["ProgressTracker", "StepVerdict"]


class StepVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to go on with a step; `reason` is `stuck` or `attempts`."""

    go_on: bool
    reason: Literal["", "stuck", "attempts"] = ""
    similarity: float = 0.0


class ProgressTracker:
    """`begin_step` resets; `record_and_check` compares with the error before (similarity 0.85) and counts attempts (2)."""

    def __init__(self, *, max_reattempts: int = 2, threshold: float = 0.85) -> None:
        self._most = max_reattempts
        self._threshold = threshold
        self._last: dict[str, str] = {}
        self._attempts: dict[str, int] = {}

    def begin_step(self, step: str) -> None:
        """Forget what is known of the step."""
        self._last.pop(step, None)
        self._attempts.pop(step, None)

    def record_and_check(self, step: str, error: str) -> StepVerdict:
        """Take note of a failed attempt and say whether another makes sense."""
        before = self._last.get(step)
        alike = similarity(before, error) if before is not None else 0.0
        self._last[step] = error
        if before is not None and alike >= self._threshold:
            return StepVerdict(go_on=False, reason="stuck", similarity=alike)
        self._attempts[step] = self._attempts.get(step, 0) + 1
        if self._attempts[step] >= self._most:
            return StepVerdict(go_on=False, reason="attempts", similarity=alike)
        return StepVerdict(go_on=True, similarity=alike)

"""Sees when a loop is stuck: the same call again, a cycle of calls, the same error, the same result; runs in the agent host (RSN-52)."""

from __future__ import annotations

import fnmatch
from collections import deque
from typing import Any

import msgspec

from symbi.contracts.reasoning import WatchVerdict
from symbi_adaptive.config import Steps
from symbi_adaptive.similarity import alike

__all__ = ["Watch", "make_watch"]

QUOTED = 1000
LEAST_RESULT = 200
"""Shorter results are alike by nature (`{"written": 5}`) and say nothing about being stuck."""


class Watch:
    """Implements `symbi.contracts.reasoning.ToolWatch`; deterministic, bounded in memory by its window."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._calls: deque[str] = deque(maxlen=max(steps.window, steps.max_cycle * steps.stop))
        self._results: dict[str, str] = {}
        self._errors: dict[str, tuple[str, int]] = {}
        self._same: dict[str, tuple[str, int]] = {}

    def before(self, name: str, arguments: dict[str, Any]) -> WatchVerdict:
        """Judge a call by how often it, its cycle, its tool's error or its tool's result has come before."""
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._steps.exempt):
            return WatchVerdict()
        key = _key(name, arguments)
        self._calls.append(key)
        count, what = self._worst(name, key)
        last = self._results.get(key) or self._same.get(name, ("", 0))[0]
        quoted = f" Its last result was: {last[:QUOTED]}" if last else ""
        return self._ladder(count, f"{name}: {what}.{quoted}")

    def _ladder(self, count: int, reason: str) -> WatchVerdict:
        steps = self._steps
        if count >= steps.stop or (count >= steps.block and steps.on_limit_reached == "abort_task"):
            return WatchVerdict(action="stop", reason=f"stuck: {reason}")
        if count >= steps.block:
            return WatchVerdict(action="block", reason=f"{reason} Do something else, or answer.")
        if count >= steps.warn:
            return WatchVerdict(action="warn", reason=f"{reason} Repeating it will be refused.")
        return WatchVerdict()

    def _worst(self, name: str, key: str) -> tuple[int, str]:
        """Return the highest count and what was counted."""
        count = list(self._calls)[-self._steps.window :].count(key)
        found = [(count, f"the same call with the same arguments, {count} times")]
        cycle, times = self._cycle()
        if cycle > 1:
            found.append((times, f"a cycle of {cycle} calls, {times} times"))
        _, errors = self._errors.get(name, ("", 0))
        # The ladder begins where the compatible tracker says stop: after `max_reattempts_per_step` repeats of one error.
        if errors > self._steps.max_reattempts_per_step:
            times = errors - self._steps.max_reattempts_per_step + self._steps.warn - 1
            found.append((times, f"nearly the same error, {errors} times"))
        _, same = self._same.get(name, ("", 0))
        if same >= self._steps.warn:
            found.append((same, f"nearly the same result, {same} times, whatever the arguments"))
        return max(found, key=lambda pair: pair[0])

    def _cycle(self) -> tuple[int, int]:
        """Return the length of the cycle of calls that the newest ones make, and how often it has come round."""
        calls = list(self._calls)
        for length in range(2, self._steps.max_cycle + 1):
            newest = calls[-length:]
            if len(newest) < length or len(set(newest)) == 1:
                continue
            times, end = 1, len(calls) - length
            while end >= length and calls[end - length : end] == newest:
                times, end = times + 1, end - length
            if times >= 2:
                return length, times
        return 0, 0

    def after(self, name: str, arguments: dict[str, Any], result: str, *, failed: bool) -> None:
        """Take note of what came of a call."""
        self._results[_key(name, arguments)] = result[: 2 * QUOTED]
        if len(self._results) > 200:
            self._results.pop(next(iter(self._results)))
        known = self._errors if failed else self._same
        if not failed and len(result) < LEAST_RESULT:
            self._errors.pop(name, None)
            return
        last, count = known.get(name, ("", 0))
        again = count and alike(last, result, self._steps.similarity_threshold)
        known[name] = (result[:4000], count + 1 if again else 1)
        (self._same if failed else self._errors).pop(name, None)


def _key(name: str, arguments: dict[str, Any]) -> str:
    return name + msgspec.json.encode(arguments, order="sorted").decode()


def make_watch(settings: dict[str, Any]) -> Watch:
    """Make the watch of one run from its settings."""
    return Watch(msgspec.convert(settings, Steps))

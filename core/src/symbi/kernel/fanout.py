"""Calling several foreign parts at once: each has a name and a deadline, and none can delay or break another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

__all__ = ["Outcome", "call", "fan_out"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one call: `value` or `error`, and how long it took in milliseconds."""

    name: str
    value: Any = None
    error: BaseException | None = None
    ms: float = 0.0

    @property
    def ok(self) -> bool:
        """Tell whether it returned."""
        return self.error is None


async def call(name: str, function: Callable[[], Awaitable[Any]], *, deadline: float) -> Outcome:
    """Await `function()` for at most `deadline` seconds and return what came of it; only a cancellation from outside gets through."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(deadline):
            value = await function()
    except TimeoutError:
        return Outcome(
            name=name, error=TimeoutError(f"{name} did not answer within {deadline:g} s"), ms=_since(started)
        )
    except Exception as error:
        return Outcome(name=name, error=error, ms=_since(started))
    return Outcome(name=name, value=value, ms=_since(started))


async def fan_out(functions: Mapping[str, Callable[[], Awaitable[Any]]], *, deadline: float) -> dict[str, Outcome]:
    """Await all functions side by side, each within `deadline` seconds, and return their outcomes by name."""
    outcomes = await asyncio.gather(*(call(name, function, deadline=deadline) for name, function in functions.items()))
    return {outcome.name: outcome for outcome in outcomes}


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)

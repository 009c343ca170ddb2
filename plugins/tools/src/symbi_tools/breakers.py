"""Circuit breakers, one for each tool of each server: what keeps failing is left alone for a while (spec `reasoning.md` RSN-30)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from symbi.contracts.errors import Unavailable

__all__ = ["Breaker", "BreakerConfig", "Breakers", "CircuitOpen"]

State = Literal["closed", "open", "half_open"]


class CircuitOpen(Unavailable):
    """The tool has failed too often lately; it is not called at present. No failure of its own."""

    code = "CIRCUIT_OPEN"


class BreakerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a circuit opens and closes; 0 failures switches breakers off."""

    failures: int = 5
    """So many failures in a row open the circuit."""
    recovery_seconds: float = 30.0
    """After so long a few calls are tried."""
    trials: int = 2
    """So many calls may be under way while it is tried, and so many must succeed in a row to close it."""


class Breaker:
    """One circuit; `now` is monotonic seconds."""

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self.state: State = "closed"
        self.failures = 0
        self._opened_at = 0.0
        self._trying = 0
        self._good = 0

    def enter(self, now: float) -> bool:
        """Tell whether a call may be made; one that may is followed by `leave`."""
        if self.state == "open" and now - self._opened_at >= self._config.recovery_seconds:
            self.state, self._trying, self._good = "half_open", 0, 0
        if self.state == "open":
            return False
        if self.state == "half_open":
            if self._trying >= self._config.trials:
                return False
            self._trying += 1
        return True

    def leave(self, *, good: bool | None, now: float) -> None:
        """Take note of how a call ended; `good` None for one that says nothing about the tool (cancelled, refused)."""
        if self.state == "half_open":
            self._trying = max(0, self._trying - 1)
        if good is None:
            return
        if not good:
            self.failures += 1
            if self.state == "half_open" or self.failures >= self._config.failures:
                self.state, self._opened_at = "open", now
            return
        if self.state == "half_open":
            self._good += 1
            if self._good < self._config.trials:
                return
            self.state = "closed"
        if self.state == "closed":
            self.failures = 0


class Breakers:
    """The circuits of all tools, by server and tool."""

    def __init__(self, config: BreakerConfig, now: Callable[[], float]) -> None:
        self._config = config
        self._now = now
        self._all: dict[tuple[str, str], Breaker] = {}

    def enter(self, server: str, tool: str) -> Callable[[bool | None], None]:
        """Return what is to be told how the call ended; raises `CircuitOpen` where none may be made now."""
        if self._config.failures <= 0:
            return lambda good: None
        breaker = self._all.setdefault((server, tool), Breaker(self._config))
        if not breaker.enter(self._now()):
            raise CircuitOpen(f"the tool {tool!r} has failed {breaker.failures} times and is left alone for the moment")
        return lambda good: breaker.leave(good=good, now=self._now())

    def states(self) -> dict[str, State]:
        """Return the circuits that are not closed, as `server/tool`."""
        return {
            f"{server}/{tool}": breaker.state
            for (server, tool), breaker in self._all.items()
            if breaker.state != "closed"
        }

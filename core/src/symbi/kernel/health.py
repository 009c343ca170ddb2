"""Health of the whole: what every part says of itself, gathered under a deadline and kept for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from symbi.contracts.errors import SymbiError
from symbi.contracts.health import Health, HealthState, healthy, unhealthy
from symbi.kernel.fanout import fan_out

__all__ = ["HealthBoard", "HealthReport"]

_RANK: dict[HealthState, int] = {"healthy": 0, "degraded": 1, "unhealthy": 2}


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """The health of the runtime: the worst of its critical parts, and each part's own verdict."""

    state: HealthState
    components: dict[str, Health]

    @property
    def error(self) -> str:
        """Return one sentence with every part that is not healthy, or the empty text."""
        return "; ".join(f"{name}: {each.reason}" for name, each in self.components.items() if each.state != "healthy")


class HealthBoard:
    """Knows the checks; a failing part that is not critical degrades the whole, a critical one makes it unhealthy."""

    def __init__(self, *, deadline: float = 2.0, keep_seconds: float = 1.0) -> None:
        self._checks: dict[str, tuple[Callable[[], Awaitable[Health]], bool]] = {}
        self._standing: dict[str, Health] = {}
        self._deadline = deadline
        self._keep = keep_seconds
        self._cached: tuple[float, HealthReport] | None = None
        self._gathering: asyncio.Task[HealthReport] | None = None

    def add(self, name: str, check: Callable[[], Awaitable[Health]], *, critical: bool = False) -> None:
        """Add a check under a name; a name again replaces it."""
        self._checks[name] = (check, critical)
        self._cached = None

    def remove(self, name: str) -> None:
        """Take a check out; an unknown name is ignored."""
        self._checks.pop(name, None)

    def note(self, name: str, verdict: Health | None) -> None:
        """Set a standing verdict of a part that cannot be asked (a service that did not open); None clears it."""
        self._cached = None
        if verdict is None:
            self._standing.pop(name, None)
        else:
            self._standing[name] = verdict

    async def report(self) -> HealthReport:
        """Return the health now; gathered at most once a second, callers in between share the answer."""
        now = asyncio.get_running_loop().time()
        if self._cached is not None and now - self._cached[0] < self._keep:
            return self._cached[1]
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.get_running_loop().create_task(self._gather(), name="health")
        return await asyncio.shield(self._gathering)

    async def _gather(self) -> HealthReport:
        outcomes = await fan_out({name: check for name, (check, _) in self._checks.items()}, deadline=self._deadline)
        components = dict(self._standing)
        worst: HealthState = "degraded" if any(each.state != "healthy" for each in components.values()) else "healthy"
        for name, outcome in outcomes.items():
            verdict = outcome.value if outcome.ok else unhealthy(_sentence(outcome.error))
            components[name] = verdict if isinstance(verdict, Health) else healthy()
            state = components[name].state
            if state == "unhealthy" and not self._checks[name][1]:
                state = "degraded"
            worst = max(worst, state, key=_RANK.__getitem__)
        report = HealthReport(state=worst, components=dict(sorted(components.items())))
        self._cached = (asyncio.get_running_loop().time(), report)
        return report


def _sentence(error: BaseException | None) -> str:
    return str(error) if isinstance(error, SymbiError | TimeoutError) else f"{type(error).__name__}: {error}"


def check_of(service: Any) -> Callable[[], Awaitable[Health]] | None:
    """Return the `health` coroutine method of a service, or None where it has none."""
    method = getattr(service, "health", None)
    return method if asyncio.iscoroutinefunction(method) else None

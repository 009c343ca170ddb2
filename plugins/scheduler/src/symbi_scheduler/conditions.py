"""Run conditions of a schedule: kept with real values when a fire starts; what cannot be checked denies it (R-GATE)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.errors import InvalidRequest, PolicyDenied
from symbi.contracts.scheduling import ScheduleOptions
from symbi_scheduler.cron import load_zone

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["check_conditions", "check_hours", "within_hours"]

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


async def check_conditions(
    context: PluginContext, options: ScheduleOptions, agent: AgentView, *, timezone: str, now: int
) -> None:
    """Raise `PolicyDenied` naming the condition that does not hold now."""
    if options.allowed_hours is not None and not within_hours(options.allowed_hours, timezone, now):
        start, end = options.allowed_hours
        raise PolicyDenied(f"outside the allowed hours {start}-{end} ({timezone})", code="OUTSIDE_ALLOWED_HOURS")
    if options.allowed_environments is not None:
        found = environment(context.environ)
        if found not in options.allowed_environments:
            raise PolicyDenied(f"not allowed in the environment {found!r}", code="ENVIRONMENT_NOT_ALLOWED")
    if options.require_capabilities:
        spec = await context.services.get(AgentService).spec(agent)
        missing = sorted(set(options.require_capabilities) - set(spec.capabilities))
        if missing:
            raise PolicyDenied(f"the agent lacks the capability {', '.join(missing)}", code="CAPABILITY_MISSING")


def environment(environ: Mapping[str, str]) -> str:
    """The name of the environment this runtime works in."""
    return (environ.get("SYMBI_ENV") or environ.get("SYMBIONT_ENV") or "development").strip().lower()


def within_hours(hours: tuple[str, str], timezone: str, now: int) -> bool:
    """Whether the local time of the zone lies in [start, end), across midnight where end is earlier."""
    start, end = (_minutes(text) for text in hours)
    seconds = now // 1000
    local = (seconds + load_zone(timezone).at(seconds).offset) % 86400 // 60
    return start <= local < end if start <= end else local >= start or local < end


def check_hours(options: ScheduleOptions) -> None:
    """Raise InvalidRequest for hours that cannot be read."""
    for text in options.allowed_hours or ():
        _minutes(text)


def _minutes(text: str) -> int:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise InvalidRequest(f"allowed_hours: {text[:20]!r} is not HH:MM", details={"field": "options.allowed_hours"})
    return int(found[1]) * 60 + int(found[2])

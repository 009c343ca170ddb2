"""Health: what a part says of itself."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["Health", "HealthState", "degraded", "healthy", "unhealthy"]

HealthState = Literal["healthy", "degraded", "unhealthy"]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The health of one part: its state, one sentence why, the remedy, and figures that help to judge it."""

    state: HealthState
    reason: str = ""
    remedy: str = ""
    figures: dict[str, Any] = {}


def healthy(reason: str = "", **figures: Any) -> Health:
    """Return a healthy verdict."""
    return Health(state="healthy", reason=reason, figures=figures)


def degraded(reason: str, *, remedy: str = "", **figures: Any) -> Health:
    """Return a degraded verdict: it works, but less well than it should."""
    return Health(state="degraded", reason=reason, remedy=remedy, figures=figures)


def unhealthy(reason: str, *, remedy: str = "", **figures: Any) -> Health:
    """Return an unhealthy verdict: it does not work."""
    return Health(state="unhealthy", reason=reason, remedy=remedy, figures=figures)

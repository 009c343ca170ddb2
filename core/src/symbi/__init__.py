"""Symbi: a runtime that runs AI agents under policy. These are the few names that a plugin module needs; importing them is cheap."""

from __future__ import annotations

from symbi.contracts.offers import (
    Command,
    EventListener,
    HealthCheck,
    MetricsSource,
    Offer,
    RouteGroup,
    Service,
    Tables,
)
from symbi.kernel.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = [
    "Command",
    "EventListener",
    "HealthCheck",
    "MetricsSource",
    "Offer",
    "RouteGroup",
    "Service",
    "Tables",
    "hookimpl",
]

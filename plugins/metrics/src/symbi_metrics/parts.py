"""What other plugins and the event bus count, as instruments; labels are platforms, never names of channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from symbi.contracts.metrics import Instrument, Point
from symbi_metrics.instruments import level

__all__ = ["channel_instruments", "event_instruments"]

_MESSAGES = {"inbound": ("in", "success"), "outbound": ("out", "success"), "failed": ("out", "failure")}
_OTHERS = {"retried": ("symbi.channel.retries", "{retry}"), "deduplicated": ("symbi.channel.deduplicated", "{message}")}


def channel_instruments(figures: Mapping[str, Any]) -> tuple[Instrument, ...]:
    """Return the instruments of the block `channels`, summed by platform."""
    each = figures.get("each")
    if not isinstance(each, Mapping) or not each:
        return ()
    sums: dict[str, Counter[str]] = {}
    for channel in each.values():
        kept = sums.setdefault(str(channel.get("platform", "")), Counter())
        for name in (*_MESSAGES, *_OTHERS):
            kept[name] += int(channel.get(name, 0))
    messages = tuple(
        Point(
            attributes={"symbi.channel.platform": platform, "symbi.channel.direction": way, "symbi.outcome": outcome},
            value=float(counts[name]),
        )
        for platform, counts in sums.items()
        for name, (way, outcome) in _MESSAGES.items()
    )
    first = Instrument(
        name="symbi.channel.messages",
        kind="counter",
        unit="{message}",
        description="Messages of channels.",
        points=messages,
    )
    others = (
        level(
            instrument,
            unit,
            f"Messages of channels that were {name}.",
            {platform: float(counts[name]) for platform, counts in sums.items()},
            attribute="symbi.channel.platform",
            kind="counter",
        )
        for name, (instrument, unit) in _OTHERS.items()
    )
    return (first, *others)


def event_instruments(figures: Mapping[str, int]) -> tuple[Instrument, ...]:
    """Return the instruments of the event bus: events that a slow listener lost, and listeners that failed."""
    return (
        level(
            "symbi.events.dropped",
            "{event}",
            "Events that a listener was too slow to take.",
            {"": float(figures["dropped"])},
            kind="counter",
        ),
        level(
            "symbi.events.failures",
            "{failure}",
            "Events that a listener failed on.",
            {"": float(figures["failures"])},
            kind="counter",
        ),
    )

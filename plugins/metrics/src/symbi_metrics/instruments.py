"""Counting and timing in process: plain numbers on the hot path, bounded series, no library."""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal

from symbi.contracts.metrics import Instrument, Point

__all__ = ["CALLS", "LONG", "MOST_SERIES", "SHORT", "TOKENS", "Counter", "Histogram", "level"]

SHORT = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Bounds in seconds for what takes micro- to milliseconds: decisions, lateness."""
LONG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
"""Bounds in seconds for what may take an hour: runs, requests."""
CALLS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bounds in seconds that the GenAI conventions advise for calls of models."""
TOKENS = tuple(float(4**power) for power in range(14))
"""Bounds in tokens that the GenAI conventions advise."""
MOST_SERIES = 200
"""The series that one instrument may have; whatever comes after them is counted in one of overflow."""
_OVERFLOW = (("otel.metric.overflow", "true"),)


class _Series:
    __slots__ = ("buckets", "count", "sum")

    def __init__(self, size: int) -> None:
        self.count = 0
        self.sum = 0.0
        self.buckets = [0] * size


class Histogram:
    """A histogram; beyond `MOST_SERIES` attribute sets everything goes to one overflow series."""

    def __init__(self, name: str, description: str, bounds: tuple[float, ...], *, unit: str = "s") -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self.bounds = bounds
        self._series: dict[tuple[tuple[str, str], ...], _Series] = {}

    def record(self, value: float, attributes: tuple[tuple[str, str], ...]) -> None:
        """Count one value."""
        series = self._series.get(attributes)
        if series is None:
            attributes = attributes if len(self._series) < MOST_SERIES else _OVERFLOW
            series = self._series.setdefault(attributes, _Series(len(self.bounds) + 1))
        series.count += 1
        series.sum += value
        series.buckets[bisect_left(self.bounds, value)] += 1

    def read(self) -> Instrument:
        """Return what was counted so far."""
        points = tuple(
            Point(attributes=dict(key), count=each.count, sum=each.sum, buckets=tuple(each.buckets))
            for key, each in list(self._series.items())
        )
        return Instrument(
            name=self.name,
            kind="histogram",
            unit=self.unit,
            description=self.description,
            points=points,
            bounds=self.bounds,
        )


class Counter:
    """A number that only rises, by attribute set; bounded as a histogram is."""

    def __init__(self, name: str, unit: str, description: str) -> None:
        self.name = name
        self.unit = unit
        self.description = description
        self._values: dict[tuple[tuple[str, str], ...], float] = {}

    def add(self, amount: float, attributes: tuple[tuple[str, str], ...] = ()) -> None:
        """Add to one series."""
        if attributes not in self._values and len(self._values) >= MOST_SERIES:
            attributes = _OVERFLOW
        self._values[attributes] = self._values.get(attributes, 0.0) + amount

    def read(self) -> Instrument:
        """Return what was counted so far."""
        points = tuple(Point(attributes=dict(key), value=value) for key, value in list(self._values.items()))
        return Instrument(name=self.name, kind="counter", unit=self.unit, description=self.description, points=points)


def level(
    name: str,
    unit: str,
    description: str,
    values: dict[str, float],
    *,
    attribute: str = "",
    kind: Literal["counter", "updown", "gauge"] = "updown",
) -> Instrument:
    """Return an instrument with one series for each of `values`, told apart by `attribute` (one series without one)."""
    points = tuple(
        Point(attributes={attribute: key} if attribute else {}, value=value) for key, value in values.items()
    )
    return Instrument(name=name, kind=kind, unit=unit, description=description, points=points)

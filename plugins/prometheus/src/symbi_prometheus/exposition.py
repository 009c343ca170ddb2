"""Writing instruments as Prometheus text (0.0.4) or OpenMetrics text (1.0.0).

Names follow the OpenTelemetry-to-Prometheus rules: dots become underscores, `s` → `_seconds`, `By` → `_bytes`, counters end in `_total`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from symbi.contracts.metrics import Instrument, MetricsSnapshot, Point

__all__ = ["OPENMETRICS", "TEXT", "expose"]

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4"  # Litestar adds the charset to whatever is text/*
_UNITS = {"s": "seconds", "By": "bytes"}
_ODD = re.compile(r"[^a-zA-Z0-9_]")


def expose(snapshot: MetricsSnapshot, *, version: str, openmetrics: bool) -> str:
    """Return the text of a snapshot, `symbi_build_info` included."""
    info = Instrument(
        name="symbi.build.info",
        kind="gauge",
        unit="",
        description="The version that runs.",
        points=(Point(attributes={"version": version}, value=1),),
    )
    lines: list[str] = []
    for instrument in (info, *snapshot.instruments):
        lines.extend(_family(instrument, openmetrics))
    if openmetrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def _family(instrument: Instrument, openmetrics: bool) -> Iterator[str]:
    unit = _UNITS.get(instrument.unit, "")
    name = _ODD.sub("_", instrument.name)
    if unit and not name.endswith(f"_{unit}"):
        name = f"{name}_{unit}"
    kind = {"counter": "counter", "histogram": "histogram"}.get(instrument.kind, "gauge")
    sample = f"{name}_total" if kind == "counter" else name
    family = name if openmetrics else sample
    yield f"# HELP {family} {_escaped(instrument.description, quotes=False)}"
    yield f"# TYPE {family} {kind}"
    if openmetrics and unit:
        yield f"# UNIT {family} {unit}"
    for point in instrument.points:
        if kind == "histogram":
            yield from _histogram(sample, instrument.bounds, point)
        else:
            yield f"{sample}{_labels(point.attributes)} {_number(point.value)}"


def _histogram(name: str, bounds: tuple[float, ...], point: Point) -> Iterator[str]:
    total = 0
    for bound, count in zip((*map(_number, map(float, bounds)), "+Inf"), point.buckets, strict=True):
        total += count
        yield f"{name}_bucket{_labels(point.attributes, ('le', bound))} {total}"
    yield f"{name}_count{_labels(point.attributes)} {point.count}"
    yield f"{name}_sum{_labels(point.attributes)} {_number(point.sum)}"


def _labels(attributes: dict[str, str], *more: tuple[str, str]) -> str:
    pairs: Iterable[tuple[str, str]] = (*sorted(attributes.items()), *more)
    text = ",".join(f'{_ODD.sub("_", name)}="{_escaped(value)}"' for name, value in pairs if name)
    return f"{{{text}}}" if text else ""


def _escaped(value: str, *, quotes: bool = True) -> str:
    value = value.replace("\\", r"\\").replace("\n", r"\n")
    return value.replace('"', r"\"") if quotes else value


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)

"""From our instruments to the SDK's data points."""

from __future__ import annotations

from typing import Any

from symbi.contracts.metrics import Instrument, Point

__all__ = ["Converter"]


class Converter:
    """Turns instruments into `MetricsData`; with delta temporality it remembers what was sent."""

    def __init__(self, resource: Any, *, version: str, delta: bool) -> None:
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self._resource = resource
        self._scope = InstrumentationScope("symbi", version)
        self._delta = delta
        self._sent: dict[tuple[str, tuple[tuple[str, str], ...]], Point] = {}
        self._since = 0

    def convert(self, instruments: tuple[Instrument, ...], *, start_ns: int, now_ns: int) -> Any:
        """Return the data of one export; `start_ns` is when counting began."""
        from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics

        begin = max(start_ns, self._since) if self._delta else start_ns
        metrics = [self._metric(each, begin, now_ns) for each in instruments]
        scope = ScopeMetrics(scope=self._scope, metrics=metrics, schema_url="")
        return MetricsData(
            resource_metrics=[ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")]
        )

    def sent(self, instruments: tuple[Instrument, ...], now_ns: int) -> None:
        """Remember what has arrived, for the next delta."""
        if self._delta:
            self._since = now_ns
            self._sent = {(each.name, _key(point)): point for each in instruments for point in each.points}

    def _metric(self, instrument: Instrument, start: int, now: int) -> Any:
        from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Metric, Sum

        temporality = AggregationTemporality.DELTA if self._delta else AggregationTemporality.CUMULATIVE
        if instrument.kind == "histogram":
            points = [self._histogram(instrument, point, start, now) for point in instrument.points]
            data: Any = Histogram(data_points=points, aggregation_temporality=temporality)
        elif instrument.kind == "gauge":
            data = Gauge(data_points=[_number(point, point.value, start, now) for point in instrument.points])
        else:
            monotonic = instrument.kind == "counter"
            values = [
                _number(point, self._value(instrument, point, monotonic), start, now) for point in instrument.points
            ]
            kept = temporality if monotonic else AggregationTemporality.CUMULATIVE
            data = Sum(data_points=values, aggregation_temporality=kept, is_monotonic=monotonic)
        return Metric(name=instrument.name, description=instrument.description, unit=instrument.unit, data=data)

    def _value(self, instrument: Instrument, point: Point, monotonic: bool) -> float:
        before = self._sent.get((instrument.name, _key(point))) if self._delta and monotonic else None
        return point.value - before.value if before else point.value

    def _histogram(self, instrument: Instrument, point: Point, start: int, now: int) -> Any:
        from opentelemetry.sdk.metrics.export import HistogramDataPoint

        before = self._sent.get((instrument.name, _key(point))) if self._delta else None
        buckets = (
            tuple(count - old for count, old in zip(point.buckets, before.buckets, strict=True))
            if before
            else point.buckets
        )
        return HistogramDataPoint(
            attributes=_attributes(point),
            start_time_unix_nano=start,
            time_unix_nano=now,
            count=point.count - (before.count if before else 0),
            sum=point.sum - (before.sum if before else 0.0),
            bucket_counts=buckets,
            explicit_bounds=instrument.bounds,
            min=None,  # type: ignore[arg-type]  # neither is kept, and zero would be a lie
            max=None,  # type: ignore[arg-type]
            exemplars=[],
        )


def _number(point: Point, value: float, start: int, now: int) -> Any:
    from opentelemetry.sdk.metrics.export import NumberDataPoint

    whole = int(value) if value == int(value) else value
    return NumberDataPoint(
        attributes=_attributes(point), start_time_unix_nano=start, time_unix_nano=now, value=whole, exemplars=[]
    )


def _attributes(point: Point) -> dict[str, str]:
    return {name: value for name, value in point.attributes.items() if name}


def _key(point: Point) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(point.attributes.items()))

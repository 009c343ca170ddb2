"""Metrics: one snapshot from real sources, exported in the background."""

from __future__ import annotations

from symbi_metrics.collector import MetricsCollector
from symbi_metrics.composite import CompositeExporter

__all__ = ["CompositeExporter", "MetricsCollector"]

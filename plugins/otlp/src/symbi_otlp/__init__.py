"""OpenTelemetry over OTLP: metrics and traces."""

from __future__ import annotations

from symbi_otlp.config import OtlpConfig
from symbi_otlp.exporter import OtlpExporter

__all__ = ["OtlpConfig", "OtlpExporter"]

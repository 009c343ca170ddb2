"""The exporter `file`."""

from __future__ import annotations

from symbi_file.exporter import FileMetricsExporter

__all__ = ["FileMetricsExporter"]

"""The exporter `file`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbi_file.exporter import FileMetricsExporter

__all__ = ["FileMetricsExporter"]

_HOMES = {"FileMetricsExporter": "exporter"}


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that declaring the plugin stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

"""What the plugin `file` offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.metrics import Exporter

__all__: list[str] = []


@hookimpl
def exporters() -> Iterator[Exporter]:
    from symbi.contracts.metrics import Exporter

    yield Exporter(
        name="file",
        config="symbi_file.config:FileConfig",
        open="symbi_file.exporter:open_file",
        summary="Writes each snapshot to a file, atomically.",
    )

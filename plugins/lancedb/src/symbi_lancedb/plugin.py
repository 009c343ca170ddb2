"""What the plugin `lancedb` offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.vectors import VectorBackend

__all__: list[str] = []


@hookimpl
def vector_backends() -> Iterable[VectorBackend]:
    """Offer LanceDB, which is what `[vector_db]` means where it names nothing."""
    from symbi.contracts.vectors import VectorBackend

    yield VectorBackend(
        name="lancedb",
        config="symbi_lancedb.config:LancedbConfig",
        open="symbi_lancedb.vectors:open_vectors",
        summary="Keeps vectors in a LanceDB folder; indexed when large.",
    )

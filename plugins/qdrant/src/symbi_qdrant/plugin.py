"""What the plugin `qdrant` offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import hookimpl

if TYPE_CHECKING:
    from symbi.contracts.vectors import VectorBackend

__all__: list[str] = []


@hookimpl
def vector_backends() -> Iterable[VectorBackend]:
    """Offer Qdrant: a server, or a folder."""
    from symbi.contracts.vectors import VectorBackend

    yield VectorBackend(
        name="qdrant",
        config="symbi_qdrant.config:QdrantConfig",
        open="symbi_qdrant.vectors:open_vectors",
        summary="Keeps vectors on a Qdrant server, or in a folder.",
    )

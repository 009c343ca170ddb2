"""What the plugin `sqlitevec` offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from symbi import Tables, hookimpl

if TYPE_CHECKING:
    from symbi.contracts.vectors import VectorBackend

__all__: list[str] = []


@hookimpl
def vector_backends() -> Iterable[VectorBackend]:
    """Offer the backend that lives in the record store."""
    from symbi.contracts.vectors import VectorBackend

    yield VectorBackend(
        name="sqlitevec",
        config="symbi_sqlitevec.config:SqlitevecConfig",
        open="symbi_sqlitevec.vectors:open_vectors",
        summary="Keeps vectors in the record store, in one transaction with the rows; searches exactly.",
    )


@hookimpl
def tables() -> Iterable[Tables]:
    """Offer the tables of vectors."""
    yield Tables(name="sqlitevec", load="symbi_sqlitevec.tables:METADATA", migrations="")

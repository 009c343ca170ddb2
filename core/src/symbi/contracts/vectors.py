"""Vector stores: who may see which vector is part of every call, and the store itself enforces it (spec `context.md` §5, CTX-1…CTX-4).

A backend is offered with `VectorBackend` and opened as a `VectorStore`. It keeps vectors and the few attributes that searches filter by;
texts stay in the record store. Similarity is the cosine, -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from symbi.contracts.errors import Conflict, InvalidRequest, Unavailable
from symbi.contracts.health import Health
from symbi.contracts.offers import Offer

__all__ = [
    "FILTERS",
    "LEVELS",
    "SHARED",
    "CollectionInfo",
    "EmbeddingMismatch",
    "Filters",
    "Grant",
    "Level",
    "Scope",
    "StoredVector",
    "TransactionalVectorStore",
    "Vector",
    "VectorBackend",
    "VectorBackendFailed",
    "VectorHit",
    "VectorRecord",
    "VectorStore",
    "check_filters",
    "check_vector",
    "level_rank",
]

Vector = Sequence[float]
"""One vector; `array.array("f")` is what is cheapest to hand over."""

Level = Literal["public", "restricted", "confidential", "secret"]
LEVELS: tuple[Level, ...] = ("public", "restricted", "confidential", "secret")
"""How closely something is kept, least first; a rank is the place in this order."""

SHARED = "@shared"
"""The owner of what belongs to no agent: the knowledge of the whole tenant."""

FilterValue = str | int | Sequence[str]
Filters = Mapping[str, FilterValue]

FILTERS: Mapping[str, type] = {
    "tenant": str,
    "agent": str,
    "kind": str,
    "type": str,
    "session": str,
    "document": str,
    "level": int,
    "since": int,
    "until": int,
}
"""What a search may be narrowed by. Texts may be one or several; `level` is the highest rank; `since` and `until` bound `created_at`, inclusively."""


class VectorBackendFailed(Unavailable):
    """The backend cannot be reached or has refused; nothing of the call may be taken as done."""

    code = "VECTOR_BACKEND_FAILED"


class EmbeddingMismatch(Conflict):
    """A collection was made with another model or dimension than the one in use now; vectors of two models are never mixed (CTX-30)."""

    code = "EMBEDDING_MISMATCH"


def level_rank(level: str) -> int:
    """Return the rank of a level, 0 for `public`; raises `InvalidRequest` for a word that is none."""
    try:
        return LEVELS.index(level.lower())
    except ValueError:
        raise InvalidRequest(
            f"{level!r} is no level", hint=f"one of {', '.join(LEVELS)}", details={"field": "level"}
        ) from None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What another owner lets a scope see: the records `ids` of `agent` (None = all of them) up to the rank `level`."""

    agent: str
    ids: tuple[str, ...] | None = None
    level: int = 0


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a call is made; every call takes one, and there is none that means everybody (CTX-1).

    Reads see what `agent` owns in `tenant`, and what `grants` add; with `session` set, only what belongs to that session or to none. Writes
    and deletions touch only what `agent` owns. Raises `InvalidRequest` where tenant or agent is empty.
    """

    tenant: str
    agent: str
    session: str | None = None
    grants: tuple[Grant, ...] = ()

    def __post_init__(self) -> None:
        for field in ("tenant", "agent"):
            value = getattr(self, field)
            if not value or "\0" in value or len(value) > 200:
                raise InvalidRequest(
                    f"a scope's {field} must have 1 to 200 characters and no NUL", details={"field": field}
                )


class VectorRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One vector with what it can be filtered by; who owns it is said by the scope of the call that writes it.

    `kind` is `memory`, `chunk` or `line`, `type` the memory type, `level` a rank, `created_at` UTC milliseconds.
    """

    id: str
    vector: Vector
    kind: str = "memory"
    type: str = ""
    session: str = ""
    document: str = ""
    level: int = 0
    created_at: int = 0


class StoredVector(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its owner, as it moves from one backend to another."""

    tenant: str
    agent: str
    record: VectorRecord


class VectorHit(msgspec.Struct, frozen=True, kw_only=True):
    """One result: the id that was given when it was written, its owner, and the cosine."""

    id: str
    agent: str
    similarity: float


class CollectionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a collection holds; `model` names the embedder whose vectors are in it, `indexed` says that searches may be approximate."""

    name: str
    dimension: int
    model: str
    count: int = 0
    indexed: bool = False


class VectorStore(Protocol):
    """An opened backend. Every method raises `VectorBackendFailed` when the backend does, and never pretends that something was done."""

    async def ensure(self, collection: str, *, dimension: int, model: str) -> CollectionInfo:
        """Make the collection where it is missing; raises `EmbeddingMismatch` where it holds vectors of another model or dimension."""

    async def info(self, collection: str) -> CollectionInfo | None:
        """Return what the collection is, or None where there is none."""

    async def upsert(self, collection: str, records: Sequence[VectorRecord], *, scope: Scope) -> None:
        """Write the records as owned by the scope's agent; an id that it has already is replaced, another owner's equal id is not touched.

        Durable when it returns. Raises `InvalidRequest` for a vector of the wrong dimension or with values that are no finite numbers.
        """

    async def search(
        self,
        collection: str,
        vector: Vector,
        *,
        scope: Scope,
        limit: int,
        filters: Filters | None = None,
        minimum: float = -1.0,
    ) -> list[VectorHit]:
        """Return up to `limit` records that the scope may see, nearest first, none below the cosine `minimum`.

        Filters narrow, they never widen: naming another agent finds nothing. A collection that does not exist gives nothing.
        """

    async def get(self, collection: str, ids: Sequence[str], *, scope: Scope) -> list[VectorRecord]:
        """Return the records with these ids that the scope may see; unknown ones are left out."""

    async def delete(self, collection: str, ids: Sequence[str], *, scope: Scope) -> int:
        """Remove records that the scope's agent owns and return how many there were; others stay."""

    async def count(self, collection: str, *, scope: Scope) -> int:
        """Return how many records the scope's agent owns; grants do not count."""

    async def total(self, collection: str) -> int:
        """Return how many records there are of everybody: a figure for metrics, without contents."""

    async def export(self, collection: str, *, after: str = "", limit: int = 1000) -> tuple[list[StoredVector], str]:
        """Return a page of all owners' records and where the next begins (empty at the end): for moving and repairing, never for answering."""

    async def restore(self, collection: str, records: Sequence[StoredVector]) -> None:
        """Write records with their owners: the other half of `export`."""

    async def drop(self, collection: str) -> None:
        """Remove the collection; one that does not exist is no error."""

    async def optimize(self, collection: str, *, erase: bool = False) -> None:
        """Put the collection's files in order; with `erase` whatever was deleted is gone from the disk when this returns."""

    async def health(self) -> Health:
        """Say whether the backend answers."""


@runtime_checkable
class TransactionalVectorStore(Protocol):
    """A backend that lives in the record store, so that a row and its vector are one transaction (CTX-4). `conn` is the store's connection."""

    def upsert_in(self, conn: Any, collection: str, records: Sequence[VectorRecord], *, scope: Scope) -> None:
        """Do what `upsert` does, in the transaction of `conn`."""

    def delete_in(self, conn: Any, collection: str, ids: Sequence[str], *, scope: Scope) -> int:
        """Do what `delete` does, in the transaction of `conn`."""


class VectorBackend(Offer, frozen=True, kw_only=True):
    """A declaration of the hook `vector_backends`; opens to a `VectorStore`. Chosen by `[vector_db] backend`."""


def check_filters(filters: Filters | None) -> dict[str, Any]:
    """Return the filters with every text as a tuple; raises `InvalidRequest` for a name or a type that is none."""
    found: dict[str, Any] = {}
    for name, value in (filters or {}).items():
        kind = FILTERS.get(name)
        if kind is None:
            raise InvalidRequest(f"{name!r} is no filter", hint=f"one of {', '.join(FILTERS)}", details={"field": name})
        if kind is str:
            values = (value,) if isinstance(value, str) else value
            if isinstance(values, int) or not all(isinstance(each, str) for each in values):
                raise InvalidRequest(f"the filter {name!r} takes texts", details={"field": name})
            found[name] = tuple(values)
        elif isinstance(value, int) and not isinstance(value, bool):
            found[name] = value
        else:
            raise InvalidRequest(f"the filter {name!r} takes a whole number", details={"field": name})
    return found


def check_vector(vector: Vector, dimension: int) -> None:
    """Raise `InvalidRequest` unless the vector has `dimension` finite numbers, not all zero."""
    if len(vector) != dimension:
        raise InvalidRequest(
            f"the vector has {len(vector)} dimensions, the collection has {dimension}",
            code="VECTOR_DIMENSION",
            hint="symbi memory reembed",
        )
    total = sum(value * value for value in vector)
    if not 0.0 < total < float("inf"):
        raise InvalidRequest("a vector must have finite numbers that are not all zero", code="VECTOR_INVALID")

"""Between records and points; scopes and filters as conditions of every read (CTX-1, CTX-2)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from symbi.contracts.vectors import Grant, Scope, StoredVector, VectorRecord

if TYPE_CHECKING:
    from qdrant_client import models

__all__ = ["PAYLOAD_INDEXES", "owned", "point", "point_id", "readable", "record"]

_TEXTS = ("tenant", "agent", "kind", "type", "session", "document")
_ATTRIBUTES = ("kind", "type", "session", "document", "level", "created_at")
PAYLOAD_INDEXES: Mapping[str, str] = {
    "tenant": "keyword",
    "agent": "keyword",
    "kind": "keyword",
    "document": "keyword",
    "level": "integer",
    "created_at": "integer",
}


def point_id(tenant: str, agent: str, item: str) -> str:
    """Return the id of a point: an owner's ids are apart from every other owner's."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{tenant}\0{agent}\0{item}"))


def point(stored: StoredVector) -> models.PointStruct:
    """Return a record as a point."""
    from qdrant_client import models

    record = stored.record
    payload = {
        "tenant": stored.tenant,
        "agent": stored.agent,
        "item": record.id,
        **{name: getattr(record, name) for name in _ATTRIBUTES},
    }
    return models.PointStruct(
        id=point_id(stored.tenant, stored.agent, record.id),
        vector=[float(value) for value in record.vector],
        payload=payload,
    )


def record(found: Any) -> StoredVector:
    """Return a point as a record with its owner."""
    payload: dict[str, Any] = found.payload
    return StoredVector(
        tenant=payload["tenant"],
        agent=payload["agent"],
        record=VectorRecord(
            id=payload["item"], vector=tuple(found.vector or ()), **{name: payload[name] for name in _ATTRIBUTES}
        ),
    )


def owned(scope: Scope, ids: Sequence[str] | None = None) -> models.Filter:
    """Return the condition of what the scope's agent owns, of these ids where some are given."""
    from qdrant_client import models

    must: list[Any] = [_one_of("tenant", (scope.tenant,)), _one_of("agent", (scope.agent,))]
    if ids is not None:
        must.append(models.HasIdCondition(has_id=[point_id(scope.tenant, scope.agent, each) for each in ids]))
    return models.Filter(must=must)


def readable(scope: Scope, filters: Mapping[str, Any], ids: Sequence[str] | None = None) -> models.Filter:
    """Return the condition of what the scope may see, AND each filter."""
    from qdrant_client import models

    owners: list[Any] = [_one_of("agent", (scope.agent,))]
    owners += [_granted(grant) for grant in scope.grants if grant.agent != scope.agent]
    must: list[Any] = [_one_of("tenant", (scope.tenant,)), models.Filter(should=owners)]
    if scope.session is not None:
        must.append(_one_of("session", ("", scope.session)))
    if ids is not None:
        must.append(_one_of("item", ids))
    for name, value in filters.items():
        if name in _TEXTS:
            must.append(_one_of(name, value))
        elif name == "level":
            must.append(_range("level", lte=value))
        elif name == "since":
            must.append(_range("created_at", gte=value))
        elif name == "until":
            must.append(_range("created_at", lte=value))
    return models.Filter(must=must)


def _granted(grant: Grant) -> models.Filter:
    from qdrant_client import models

    must: list[Any] = [_one_of("agent", (grant.agent,)), _range("level", lte=grant.level)]
    if grant.ids is not None:
        must.append(_one_of("item", grant.ids))
    return models.Filter(must=must)


def _one_of(key: str, values: Iterable[str]) -> models.FieldCondition:
    from qdrant_client import models

    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def _range(key: str, **bounds: int) -> models.FieldCondition:
    from qdrant_client import models

    return models.FieldCondition(key=key, range=models.Range(**bounds))

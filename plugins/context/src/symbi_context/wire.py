"""Between JSON and our structs: bodies of requests in, items and hits out; times are RFC 3339 on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from symbi.contracts.context import (
    ErasureProof,
    Grantee,
    Hit,
    MemoryItem,
    NewMemory,
    Passage,
    SearchAnswer,
    SearchQuery,
)
from symbi.contracts.errors import InvalidRequest
from symbi.kernel.clock import rfc3339, to_ms

__all__ = [
    "grant_shown",
    "hit_shown",
    "item_shown",
    "moment",
    "new_memory",
    "passage_shown",
    "proof_shown",
    "search_query",
    "search_shown",
]

DEFAULT_THRESHOLD = 0.7
_TIMES = ("created_at", "accessed_at", "valid_from", "valid_to", "archived_at")


class TimeRange(msgspec.Struct, forbid_unknown_fields=True):
    """The seed's `time_range`."""

    start: Any = None
    end: Any = None


class SearchBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The seed's search, with our additions after it."""

    query_type: str = "hybrid"
    search_terms: list[str] = []
    time_range: TimeRange | None = None
    memory_types: list[str] = []
    relevance_threshold: float | None = DEFAULT_THRESHOLD
    max_results: int = 10
    as_of: Any = None
    kinds: tuple[str, ...] = ("memory", "line", "chunk")
    store: str = ""
    documents: list[str] = []
    archived: bool = False
    fusion: str | None = None


def search_query(body: Mapping[str, Any]) -> SearchQuery:
    """Return the query that a body asks for; raises `InvalidRequest` naming the field."""
    asked = _converted(body, SearchBody)
    span = asked.time_range or TimeRange()
    found: SearchQuery = _converted(
        {
            "query_type": asked.query_type.lower(),
            "terms": asked.search_terms,
            "start": moment(span.start, "time_range.start"),
            "end": moment(span.end, "time_range.end"),
            "types": [each.lower() for each in asked.memory_types],
            "kinds": asked.kinds,
            "threshold": asked.relevance_threshold,
            "limit": asked.max_results,
            "as_of": moment(asked.as_of, "as_of"),
            "store": asked.store,
            "documents": asked.documents,
            "archived": asked.archived,
            "fusion": asked.fusion,
        },
        SearchQuery,
    )
    return found


def new_memory(body: Mapping[str, Any]) -> NewMemory:
    """Return the memory that a body describes; `content` is taken for `text`, types in any case."""
    values = dict(body)
    if "content" in values and "text" not in values:
        values["text"] = values.pop("content")
    for name in ("valid_from", "valid_to"):
        if name in values:
            values[name] = moment(values[name], name)
    for name in ("type", "level"):
        if isinstance(values.get(name), str):
            values[name] = values[name].lower()
    unknown = set(values) - set(NewMemory.__struct_fields__)
    if unknown:
        raise InvalidRequest(
            f"a memory has no {sorted(unknown)[0]}",
            hint="put it in data or metadata",
            details={"field": sorted(unknown)[0]},
        )
    found: NewMemory = _converted(values, NewMemory)
    return found


def moment(value: Any, field: str) -> int | None:
    """Return a time as UTC milliseconds; text must say its zone, numbers are milliseconds already."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    try:
        found = datetime.fromisoformat(str(value))
        if found.tzinfo is None:
            raise ValueError
        return to_ms(found.astimezone(UTC))
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"{field} must be a time with its zone, such as 2026-01-31T23:59:59Z", details={"field": field}
        ) from None


def item_shown(item: MemoryItem) -> dict[str, Any]:
    """Return an item as JSON."""
    shown: dict[str, Any] = msgspec.to_builtins(item)
    for name in _TIMES:
        shown[name] = None if shown[name] is None else rfc3339(shown[name])
    return shown


def hit_shown(hit: Hit) -> dict[str, Any]:
    """Return a hit as JSON: upstream's fields, then ours."""
    item = hit.item
    return {
        "id": item.id,
        "content": item.text,
        "item_type": {"memory": f"memory:{item.type}", "chunk": "knowledge", "line": "conversation"}[item.kind],
        "relevance_score": round(hit.relevance, 4),
        "timestamp": rfc3339(item.created_at),
        "metadata": item.metadata,
        "score": round(hit.score, 4),
        "kind": item.kind,
        "type": item.type,
        "agent": item.agent,
        "level": item.level,
        "session": item.session,
        "source": item.source,
        "data": item.data,
        "explain": hit.explain,
    }


def search_shown(answer: SearchAnswer) -> dict[str, Any]:
    """Return an answer as JSON."""
    return {
        "results": [hit_shown(hit) for hit in answer.hits],
        "degraded": answer.degraded,
        "reason": answer.reason,
        "took_ms": answer.took_ms,
    }


def passage_shown(passage: Passage) -> dict[str, Any]:
    """Return a passage as JSON."""
    found: dict[str, Any] = msgspec.to_builtins(passage)
    return found


def grant_shown(grant: Grantee) -> dict[str, Any]:
    """Return a grant as JSON."""
    shown: dict[str, Any] = msgspec.to_builtins(grant)
    for name in ("created_at", "expires_at", "revoked_at"):
        shown[name] = None if shown[name] is None else rfc3339(shown[name])
    return shown


def proof_shown(proof: ErasureProof) -> dict[str, Any]:
    """Return a proof as JSON."""
    return {**msgspec.to_builtins(proof), "at": rfc3339(proof.at), "complete": proof.complete}


def _converted(values: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        text = str(error)
        field = text.rpartition("$.")[2].rstrip("`") if "$." in text else "body"
        raise InvalidRequest(text, details={"field": field}) from None

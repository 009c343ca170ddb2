"""The effects `remember`, `recall` and `forget`: what an agent asks of its memory, after the gate has allowed it."""

from __future__ import annotations

from typing import Any

import msgspec

from symbi.contracts.context import ContextService, Forget, Hit, NewMemory, SearchQuery
from symbi.contracts.effects import EffectCall, EffectContext
from symbi.contracts.errors import InvalidRequest
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi_context.service import Context
from symbi_context.wire import new_memory, search_query

__all__ = ["forget", "recall", "remember", "shown"]

_MEMORY_FIELDS = frozenset(NewMemory.__struct_fields__) | {"content"}
_ABOUT = frozenset({"record", "text", "content", "$args"})
_MOST = 100


async def remember(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any]:
    """Keep `record` (a text, or an object with `text` and more) in the agent's memory, in the store named by the call."""
    service = _service(context)
    record = call.arguments.get("record", call.arguments.get("text", call.arguments.get("content")))
    extra = {name: value for name, value in call.arguments.items() if name in _MEMORY_FIELDS - _ABOUT}
    memory = _draft(record, extra)
    memory = msgspec.structs.replace(
        memory,
        store=call.name or memory.store,
        session=memory.session or run.session or "",
        source=memory.source or f"run:{run.run_id}",
    )
    scope = await service.scope(run.agent_id, principal=run.principal)
    kept = await service.remember(scope, memory, principal=run.principal)
    return {"id": kept.id, "status": "remembered", "conflicts": list(kept.conflicts)}


async def recall(call: EffectCall, run: EffectContext, context: PluginContext) -> list[dict[str, Any]]:
    """Search what the agent remembers and knows; the results are data, whoever wrote them."""
    service = _service(context)
    query = await _query(call, service)
    scope = await service.scope(run.agent_id, principal=run.principal)
    answer = await service.search(scope, query)
    return [shown(hit, run.agent_id) for hit in answer.hits]


async def forget(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any]:
    """Erase `id` (one or several), or everything about a `subject` or of a `session`, of the agent's own memory."""
    given = call.arguments
    ids = given.get("id", given.get("ids", ()))
    ids = (ids,) if isinstance(ids, str) else ids
    if not isinstance(ids, list | tuple) or not all(isinstance(each, str) for each in ids):
        raise InvalidRequest("forget takes an id, or a list of ids", details={"field": "id"})
    what = Forget(ids=tuple(ids), subject=str(given.get("subject") or ""), session=str(given.get("session") or ""))
    service = _service(context)
    scope = await service.scope(run.agent_id, principal=run.principal)
    proof = await service.forget(scope, what, principal=run.principal)
    return {"forgotten": proof.erased, "complete": proof.complete, "digest": proof.digest}


def _service(context: PluginContext) -> Context:
    service = context.services.get(ContextService)
    assert isinstance(service, Context)  # this plugin provides it
    return service


def _draft(record: Any, extra: dict[str, Any]) -> NewMemory:
    if isinstance(record, str):
        return new_memory({**extra, "text": record})
    if isinstance(record, dict):
        text = record.get("text", record.get("content"))
        if isinstance(text, str):
            known = {
                name: value
                for name, value in record.items()
                if name in _MEMORY_FIELDS and name not in ("text", "content")
            }
            other = {name: value for name, value in record.items() if name not in _MEMORY_FIELDS}
            data = {**other, **known.pop("data", {})} if isinstance(known.get("data", {}), dict) else known.pop("data")
            return new_memory({**extra, **known, "text": text, "data": data})
        if record:
            shown = "; ".join(f"{name}: {_words(value)}" for name, value in record.items())
            return new_memory({**extra, "text": shown, "data": record})
    if isinstance(record, list | int | float | bool):
        return new_memory({**extra, "text": _words(record), "data": {"value": record}})
    raise InvalidRequest("remember needs a text or an object", details={"field": "record"})


def _words(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def _query(call: EffectCall, service: Context) -> SearchQuery:
    given = dict(call.arguments)
    asked = given.pop("query", "")
    limit = given.pop("limit", given.pop("max_results", 10))
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise InvalidRequest("limit must be a whole number", details={"field": "limit"})
    body = (
        {**given, **asked}
        if isinstance(asked, dict)
        else {**given, "search_terms": asked if isinstance(asked, list) else [asked]}
    )
    body.setdefault("query_type", "hybrid")
    body.setdefault("relevance_threshold", None)
    query = search_query({**body, "max_results": max(1, min(limit, _MOST)), "store": call.name})
    declared = await service.declarations.find(call.name) if call.name else None
    if declared is None or query.fusion is not None:
        return query
    by_word, by_sense = declared.keyword_weight, declared.vector_weight
    if by_word is None and by_sense is None:
        return query
    by_sense = by_sense if by_sense is not None else 1 - (by_word or 0.0)
    by_word = by_word if by_word is not None else 1 - by_sense
    return msgspec.structs.replace(query, fusion="weighted", weights=(by_word, by_sense))


def shown(hit: Hit, agent: str) -> dict[str, Any]:
    """Return a hit as an agent sees it."""
    item = hit.item
    found = {
        "id": item.id,
        "text": item.text,
        "kind": item.kind,
        "type": item.type,
        "score": round(hit.score, 4),
        "relevance": round(hit.relevance, 4),
        "created_at": rfc3339(item.created_at),
        "source": item.source,
        "own": item.agent == agent,
        "data": item.data,
    }
    return {name: value for name, value in found.items() if value not in ("", {})}

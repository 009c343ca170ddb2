"""The routes of documents: add, list, remove, retrieve."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec
from litestar import delete, get, post

from symbi.contracts.context import NewDocument
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import Level
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi_context.asking import asked
from symbi_context.wire import passage_shown, proof_shown

__all__ = ["KNOWLEDGE"]


class DocumentBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/knowledge`; without `agent` the document belongs to the whole tenant."""

    uri: str
    content: str | None = None
    content_base64: str | None = None
    agent: str | None = None
    title: str = ""
    media: str = ""
    level: Level = "public"
    chunker: str = ""
    metadata: dict[str, str] = {}


class RetrieveBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/knowledge/search`."""

    query: str
    agent: str | None = None
    limit: int = 5
    sources: list[str] = []
    excluded: list[str] = []
    preferred: list[str] = []
    level: Level | None = None
    time_limit: float = 10.0


@post("/context/knowledge", status_code=200, request_max_body_size=64 * 1024 * 1024)
async def add_document(data: DocumentBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Keep a document; the same content again is no work."""
    document = NewDocument(
        uri=data.uri, content=_content(data), title=data.title, media=data.media, level=data.level, chunker=data.chunker,
        metadata=data.metadata,
    )  # fmt: skip
    found = await asked(
        context,
        principal,
        data.agent,
        "knowledge_write",
        shared=True,
        level=data.level,
        arguments={"uri": data.uri, "level": data.level},
    )
    result: dict[str, Any] = msgspec.to_builtins(await found.service.ingest(found.scope, document, principal=principal))
    return result


@get("/context/knowledge")
async def list_documents(principal: Principal, context: PluginContext, agent: str | None = None) -> dict[str, Any]:
    """List the documents of an agent, or of the whole tenant."""
    found = await asked(context, principal, agent, "knowledge_read", shared=True)
    documents = await found.service.documents.all(found.scope)
    return {
        "documents": [
            {**each, **{name: rfc3339(each[name]) for name in ("created_at", "updated_at")}} for each in documents
        ]
    }


@delete("/context/knowledge", status_code=200)
async def remove_document(
    uri: str, principal: Principal, context: PluginContext, agent: str | None = None
) -> dict[str, Any]:
    """Remove a document (by id or uri) with every piece of it."""
    found = await asked(context, principal, agent, "knowledge_write", shared=True, arguments={"uri": uri})
    what = await found.service.documents.find(found.scope, uri)
    return proof_shown(await found.service.forget(found.scope, what, principal=principal))


@post("/context/knowledge/search", status_code=200)
async def retrieve(data: RetrieveBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Find passages, with the factors of their rank and the text for a prompt."""
    found = await asked(context, principal, data.agent, "knowledge_read", shared=True)
    answer = await found.service.retrieve(
        found.scope, data.query, limit=data.limit, sources=data.sources, excluded=data.excluded, preferred=data.preferred,
        level=data.level, time_limit=data.time_limit,
    )  # fmt: skip
    return {
        "passages": [passage_shown(each) for each in answer.passages],
        "prompt": answer.prompt,
        "degraded": answer.degraded,
        "reason": answer.reason,
    }


def _content(data: DocumentBody) -> str | bytes:
    if (data.content is None) == (data.content_base64 is None):
        raise InvalidRequest("exactly one of content and content_base64 must be given", details={"field": "content"})
    if data.content is not None:
        return data.content
    try:
        return base64.b64decode(data.content_base64 or "", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("content_base64 is no base64", details={"field": "content_base64"}) from None


KNOWLEDGE = [add_document, list_documents, remove_document, retrieve]

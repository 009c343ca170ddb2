"""Documents: kept in chunks, unchanged ones are no work, a changed one replaces its chunks in one transaction (CTX-40)."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from symbi.contracts.context import Forget, IngestResult, MemoryItem, MemoryNotFound, NewDocument
from symbi.contracts.errors import CapacityExceeded, InvalidRequest, PayloadTooLarge
from symbi.contracts.vectors import LEVELS, Level, Scope, level_rank
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.chunkers import Span, chunk
from symbi_context.config import ContextConfig
from symbi_context.extract import chunker_of, extract, media_of
from symbi_context.tables import DOCUMENTS, ITEMS
from symbi_context.vectors import Vectors

__all__ = ["Documents"]


class _Prepared(msgspec.Struct, frozen=True):
    """A document that is ready to be written."""

    uri: str
    title: str
    media: str
    digest: str
    level: Level
    metadata: dict[str, str]
    text: str
    spans: list[Span]


class Documents:
    """Keeps the documents of owners."""

    def __init__(self, config: ContextConfig, context: PluginContext, vectors: Vectors) -> None:
        self._config = config
        self._context = context
        self._vectors = vectors

    async def ingest(self, scope: Scope, document: NewDocument) -> IngestResult:
        """Keep a document; its chunks can be found by words when this returns, and by meaning where an embedder answers."""
        digest = self._digest(document)
        known = await self._context.store.read(_by_uri, scope, document.uri)
        if known is not None and known.digest == digest:
            embedded = self._vectors.on and not await self._vectors.waiting()
            return IngestResult(id=known.id, uri=known.uri, status="unchanged", chunks=known.chunks, embedded=embedded)
        prepared = await asyncio.to_thread(_prepare, document, digest)
        now, ticket = self._context.clock.now_ms(), self._context.ids.uuid()
        ids = [self._context.ids.uuid() for _ in prepared.spans]
        fresh = self._context.ids.uuid()
        found = await self._context.store.write(self._replace, scope, prepared, fresh, ids, now, ticket)
        left = await self._vectors.drain() if self._vectors.on else 1
        status = "updated" if known is not None else "added"
        return IngestResult(id=found, uri=document.uri, status=status, chunks=len(ids), embedded=not left)  # type: ignore[arg-type]  # one of two

    async def all(self, scope: Scope) -> list[dict[str, Any]]:
        """Return the owner's documents by uri."""
        return await self._context.store.read(_list, scope)

    async def find(self, scope: Scope, wanted: str) -> Forget:
        """Return what erases the document with this id or uri; raises `MemoryNotFound`."""
        found = await self._context.store.read(_id_of, scope, wanted)
        if found is None:
            raise MemoryNotFound(
                f"there is no document {wanted!r} here", hint="symbi knowledge list shows what there is"
            )
        return Forget(document=found)

    def _digest(self, document: NewDocument) -> str:
        content = document.content.encode("utf-8", "replace") if isinstance(document.content, str) else document.content
        if len(content) > self._config.max_document_bytes:
            raise PayloadTooLarge(
                f"the document has {len(content)} bytes, the limit is {self._config.max_document_bytes}",
                hint="split it, or raise [context] max_document_bytes",
            )
        if not document.uri or len(document.uri) > 1000 or "\0" in document.uri:
            raise InvalidRequest("uri must have 1 to 1000 characters", details={"field": "uri"})
        level_rank(document.level)
        facts = [document.title, document.media, document.level, document.chunker, document.metadata]
        return hashlib.sha256(msgspec.json.encode(facts, order="sorted") + b"\0" + content).hexdigest()

    def _replace(
        self, conn: Connection, scope: Scope, document: _Prepared, fresh: str, ids: list[str], now: int, ticket: str
    ) -> str:
        known = _by_uri(conn, scope, document.uri)
        found = known.id if known is not None else fresh
        if known is not None:
            old = list(conn.execute(select(ITEMS.c.id).where(rows.own(scope), ITEMS.c.document == found)).scalars())
            conn.execute(delete(ITEMS).where(rows.own(scope), ITEMS.c.document == found))
            if self._vectors.on:
                rows.queue(conn, "drop", [(item, scope.tenant, scope.agent) for item in old], ticket=ticket, at=now)
        count = select(func.count()).select_from(ITEMS).where(rows.own(scope), ITEMS.c.kind == "chunk")
        if int(conn.execute(count).scalar_one()) + len(ids) > self._config.max_chunks:
            raise CapacityExceeded(
                f"{scope.agent} may keep {self._config.max_chunks} pieces of documents",
                hint="remove some documents, or raise [context] max_chunks",
            )
        values = {
            "title": document.title, "media": document.media, "digest": document.digest, "level": level_rank(document.level),
            "metadata": document.metadata, "characters": len(document.text), "chunks": len(ids), "updated_at": now,
        }  # fmt: skip
        if known is not None:
            conn.execute(update(DOCUMENTS).where(DOCUMENTS.c.id == found).values(**values))
        else:
            owner = {"tenant": scope.tenant, "agent": scope.agent}
            conn.execute(insert(DOCUMENTS).values(id=found, uri=document.uri, created_at=now, **owner, **values))
        rows.add(conn, [self._row(scope, document, found, number, item, now) for number, item in enumerate(ids)])
        if self._vectors.on:
            rows.queue(conn, "put", [(item, scope.tenant, scope.agent) for item in ids], ticket=ticket, at=now)
        return found

    def _row(self, scope: Scope, document: _Prepared, found: str, number: int, item: str, now: int) -> dict[str, Any]:
        start, end = document.spans[number]
        piece = MemoryItem(
            id=item, kind="chunk", agent=scope.agent, text=document.text[start:end], type="semantic", importance=0.5,
            level=document.level, created_at=now, accessed_at=now, document=found, source=document.uri[:400],
            data={"title": document.title, "uri": document.uri},
        )  # fmt: skip
        return rows.values_of(piece, tenant=scope.tenant, start=start, end=end, ordinal=number)


def _prepare(document: NewDocument, digest: str) -> _Prepared:
    media = media_of(document)
    text, title = extract(document, media)
    spans = chunk(text, chunker_of(document, media))
    return _Prepared(document.uri, title, media, digest, document.level, document.metadata, text, spans)


def _by_uri(conn: Connection, scope: Scope, uri: str) -> Any:
    own = (DOCUMENTS.c.tenant == scope.tenant, DOCUMENTS.c.agent == scope.agent)
    return conn.execute(select(DOCUMENTS).where(*own, DOCUMENTS.c.uri == uri)).first()


def _id_of(conn: Connection, scope: Scope, wanted: str) -> str | None:
    own = (DOCUMENTS.c.tenant == scope.tenant, DOCUMENTS.c.agent == scope.agent)
    either = (DOCUMENTS.c.id == wanted) | (DOCUMENTS.c.uri == wanted)
    found: str | None = conn.execute(select(DOCUMENTS.c.id).where(*own, either)).scalar()
    return found


def _list(conn: Connection, scope: Scope) -> list[dict[str, Any]]:
    own = (DOCUMENTS.c.tenant == scope.tenant, DOCUMENTS.c.agent == scope.agent)
    names = ("id", "uri", "title", "media", "metadata", "characters", "chunks", "created_at", "updated_at")
    return [
        {**{name: getattr(row, name) for name in names}, "level": LEVELS[row.level]}
        for row in conn.execute(select(DOCUMENTS).where(*own).order_by(DOCUMENTS.c.uri))
    ]

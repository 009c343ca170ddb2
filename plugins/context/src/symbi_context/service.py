"""The service of memory: each of its parts does one thing, this joins them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, func, select

from symbi.contracts.context import (
    Block,
    Compaction,
    ContextService,
    ErasureProof,
    Forget,
    Grantee,
    IngestResult,
    MemoryItem,
    NewDocument,
    NewMemory,
    Retrieval,
    SearchAnswer,
    SearchQuery,
    Summarise,
    Turn,
)
from symbi.contracts.errors import ConfigError
from symbi.contracts.health import Health
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import Level, Scope
from symbi.kernel.context import PluginContext
from symbi_context.access import AccessLog
from symbi_context.blocks import Blocks
from symbi_context.compaction import Compactor
from symbi_context.config import ContextConfig
from symbi_context.declarations import Declarations
from symbi_context.documents import Documents
from symbi_context.erasure import Erasure
from symbi_context.memories import Memories
from symbi_context.prompting import Prompter
from symbi_context.retention import Retention
from symbi_context.retrieval import Bounds, Retriever
from symbi_context.search import Searcher
from symbi_context.sessions import Sessions
from symbi_context.sharing import Sharing
from symbi_context.tables import DOCUMENTS, ITEMS
from symbi_context.vectors import Vectors

__all__ = ["Context", "open_context"]


class Context(ContextService):
    """The memory of all agents, and the taker of `memory` declarations."""

    declaration_kinds = frozenset({"memory"})

    def __init__(self, config: ContextConfig, context: PluginContext, vectors: Vectors) -> None:
        self.config = config
        self._context = context
        self.vectors = vectors
        self.memories = Memories(config, context, vectors)
        self.sharing = Sharing(context, tenant=config.tenant)
        self.blocks_of = Blocks(config, context)
        self.sessions = Sessions(config, context, self.memories)
        self.documents = Documents(config, context, vectors)
        self.erasure = Erasure(context, vectors)
        self.retention = Retention(config, context, self.erasure)
        self.declarations = Declarations(context)
        self.accesses = AccessLog(context, on=config.count_access)
        self._searcher = Searcher(config, context, vectors)
        self.retriever = Retriever(config, context, self._searcher)
        self._prompter = Prompter(config, self.blocks_of, self._searcher, vectors)

    async def scope(
        self, agent: str, *, principal: Principal, session: str | None = None, groups: Sequence[str] = ()
    ) -> Scope:
        return await self.sharing.scope(agent, principal=principal, session=session, groups=groups)

    async def operator_scope(self, agent: str, *, principal: Principal) -> Scope:
        """Return the scope in which a person looks at an agent's memory: policy is asked about the person, not the agent."""
        return await self.sharing.scope(agent, principal=principal, session=None, groups=(), operator=True)

    async def remember(self, scope: Scope, memory: NewMemory, *, principal: Principal) -> MemoryItem:
        return await self.memories.remember(scope, memory)

    async def get(self, scope: Scope, item: str) -> MemoryItem:
        found = await self.memories.get(scope, item)
        self.accesses.note([item])
        return found

    async def revise(self, scope: Scope, item: str, changes: Mapping[str, Any], *, principal: Principal) -> MemoryItem:
        return await self.memories.revise(scope, item, changes)

    async def history(self, scope: Scope, item: str) -> Sequence[MemoryItem]:
        return await self.memories.history(scope, item)

    async def search(self, scope: Scope, query: SearchQuery) -> SearchAnswer:
        answer = await self._searcher.search(scope, query)
        self.accesses.note(hit.item.id for hit in answer.hits)
        return answer

    async def forget(self, scope: Scope, what: Forget, *, principal: Principal) -> ErasureProof:
        return await self.erasure.forget(scope, what, principal=principal)

    async def share(
        self,
        scope: Scope,
        recipient: str,
        *,
        principal: Principal,
        items: Sequence[str] = (),
        level: Level = "public",
        expires_at: int | None = None,
    ) -> Grantee:
        return await self.sharing.share(
            scope, recipient, principal=principal, items=items, level=level, expires_at=expires_at
        )

    async def revoke(self, scope: Scope, grant: str, *, principal: Principal) -> Grantee:
        return await self.sharing.revoke(scope, grant, principal=principal)

    async def blocks(self, scope: Scope) -> Sequence[Block]:
        return await self.blocks_of.list(scope)

    async def set_block(
        self, scope: Scope, label: str, text: str, *, expected: int | None = None, limit: int | None = None
    ) -> Block:
        return await self.blocks_of.set(scope, label, text, expected=expected, limit=limit)

    async def add_line(self, scope: Scope, session: str, role: str, text: str) -> MemoryItem:
        return await self.sessions.add_line(scope, session, role, text)

    async def ingest(self, scope: Scope, document: NewDocument, *, principal: Principal) -> IngestResult:
        return await self.documents.ingest(scope, document)

    async def retrieve(
        self,
        scope: Scope,
        query: str,
        *,
        limit: int = 5,
        sources: Sequence[str] = (),
        excluded: Sequence[str] = (),
        preferred: Sequence[str] = (),
        level: Level | None = None,
        time_limit: float = 10.0,
    ) -> Retrieval:
        bounds = Bounds(sources=tuple(sources), excluded=tuple(excluded), preferred=tuple(preferred), level=level)
        found = await self.retriever.retrieve(scope, query, limit=limit, bounds=bounds, time_limit=time_limit)
        self.accesses.note(passage.id for passage in found.passages)
        return found

    async def prompt(self, scope: Scope, query: str = "", *, limit: int = 8) -> str:
        return await self._prompter.prompt(scope, query, limit=limit)

    async def compact(
        self,
        turns: Sequence[Turn],
        *,
        limit_tokens: int,
        scope: Scope | None = None,
        summarise: Summarise | None = None,
    ) -> Compaction:
        async def archive(gone: Sequence[Turn]) -> Sequence[str]:
            assert scope is not None
            return await self._archive_turns(scope, gone)

        compactor = Compactor(limit=limit_tokens, summarise=summarise, archive=archive if scope is not None else None)
        return await compactor.compact(turns)

    async def reconcile(
        self, source: str, kind: str, declarations: Sequence[dict[str, Any]], *, owner: Principal
    ) -> Sequence[str]:
        """Take the `memory` blocks of one agent file."""
        return await self.declarations.reconcile(source, declarations, owner=owner)

    async def stats(self) -> dict[str, Any]:
        """Return totals of everybody, without contents."""
        counts = await self._context.store.read(_counts)
        done = self.retriever.count
        return {
            **counts,
            "vectors": await self.vectors.total(),
            "vectors_waiting": await self.vectors.waiting(),
            "backend": self.vectors.backend,
            "embedder": self.vectors.embedder,
            "degraded": not self.vectors.on,
            "reason": self.vectors.reason,
            "embedding_cache_hit_rate": round(self.vectors.remembered / max(1, self.vectors.asked), 4),
            "retrievals": done,
            "retrievals_without_evidence": self.retriever.empty,
            "retrieval_average_ms": round(self.retriever.total_ms / done, 2) if done else 0.0,
        }

    async def health(self) -> Health:
        """Say how vectors do; the record store speaks for itself."""
        return await self.vectors.health()

    async def _archive_turns(self, scope: Scope, gone: Sequence[Turn]) -> list[str]:
        now = self._context.clock.now_ms()
        items = [
            MemoryItem(
                id=self._context.ids.uuid(), kind="line", agent=scope.agent, text=turn.content.replace("\0", "\ufffd"), type="episodic",
                importance=0.5, level=turn.level, created_at=turn.at or now, accessed_at=now, session=scope.session or "",
                data={"role": turn.role, "compacted": True},
            )
            for turn in gone
            if turn.content.strip()
        ]  # fmt: skip
        if items:
            await self.memories.keep_all(scope, items)
        return [item.id for item in items]

    async def list(
        self, scope: Scope, *, types: Sequence[str] = (), limit: int = 100, archived: bool = False
    ) -> Sequence[MemoryItem]:
        return await self.memories.list(scope, types=types, limit=limit, archived=archived)


@asynccontextmanager
async def open_context(config: ContextConfig, context: PluginContext) -> AsyncIterator[Context]:
    """Open the service; nothing heavy is loaded for it."""
    if config.encryption_required:
        raise ConfigError(
            "context.encryption_required: Symbi does not encrypt its files, so it does not start where that is required",
            path="context.encryption_required",
            hint="put the data directory on an encrypted disk, and set it to false",
        )
    service = Context(config, context, context.services.get(Vectors))
    tasks = [context.tasks.supervise("accesses", service.accesses.run)]
    if config.archive_interval_hours > 0:
        tasks.append(context.tasks.supervise("retention", service.retention.run))
    try:
        yield service
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await service.accesses.flush()


def _counts(conn: Connection) -> dict[str, int]:
    found = {"memories": 0, "chunks": 0, "lines": 0, "archived": 0}
    names = {"memory": "memories", "chunk": "chunks", "line": "lines"}
    archived = ITEMS.c.archived_at.is_not(None)
    for kind, gone, count in conn.execute(
        select(ITEMS.c.kind, archived, func.count()).group_by(ITEMS.c.kind, archived)
    ):
        found["archived" if gone else names[kind]] += count
    found["documents"] = int(conn.execute(select(func.count()).select_from(DOCUMENTS)).scalar_one())
    return found

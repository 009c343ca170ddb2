"""Vectors below memory: which backend and embedder, opened on first use; what the backend has yet to hear waits in the outbox (CTX-4, CTX-9)."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select

from symbi.contracts.embedders import Embedder, EmbedderInfo, EmbedderOffer
from symbi.contracts.errors import ConfigError, SymbiError, Unavailable
from symbi.contracts.health import Health, degraded, healthy, unhealthy
from symbi.contracts.vectors import Scope, TransactionalVectorStore, Vector, VectorRecord, VectorStore
from symbi.kernel.context import PluginContext
from symbi.kernel.points import EMBEDDERS, VECTOR_BACKENDS
from symbi_context import rows
from symbi_context.config import ContextConfig, VectorDbConfig
from symbi_context.tables import ITEMS, OUTBOX

__all__ = ["Ready", "Vectors", "open_vectors"]

_NONE = ("none", "noop", "off")
_DRAIN = 64
_CACHED = 2048


class Ready(msgspec.Struct, frozen=True):
    """An opened backend and embedder that fit each other."""

    store: Any
    embedder: Any
    info: EmbedderInfo
    collection: str


class Vectors:
    """Chooses, opens and feeds the vector backend. `reason` says why there is none, where there is none."""

    def __init__(
        self, config: VectorDbConfig, memory: ContextConfig, context: PluginContext, stack: AsyncExitStack
    ) -> None:
        self.collection = config.collection_name
        self.backend, self.embedder, self.reason = _choice(config, memory, context)
        self._context = context
        self._stack = stack
        self._stores: dict[str, VectorStore] = {}
        self._embedder: Embedder | None = None
        self._ready: Ready | None = None
        self._lock = asyncio.Lock()
        self._draining = asyncio.Lock()
        self._emptying = False
        self.asked = self.remembered = 0
        self._problem = ""
        self._wake = asyncio.Event()
        self._cache: OrderedDict[bytes, Vector] = OrderedDict()

    @property
    def on(self) -> bool:
        """Tell whether meaning can be searched at all."""
        return not self.reason

    async def ready(self) -> Ready:
        """Return backend and embedder, opening them on first use.

        Raises `Unavailable` where there is none or it cannot be reached, `EmbeddingMismatch` where the collection holds another model's vectors.
        """
        if self.reason:
            raise Unavailable(self.reason, code="VECTORS_OFF")
        async with self._lock:
            if self._ready is None:
                try:
                    embedder = await self._open_embedder()
                    info = await embedder.describe()
                    store = await self._open_store(self.backend)
                    await store.ensure(self.collection, dimension=info.dimension, model=info.model)
                except SymbiError as error:
                    self._problem = str(error)
                    raise
                self._ready = Ready(store, embedder, info, self.collection)
                self._problem = ""
            return self._ready

    async def store(self, name: str = "") -> VectorStore:
        """Return a backend, whether or not there is an embedder for it."""
        async with self._lock:
            return await self._open_store(name or self.backend)

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> list[Vector]:
        """Return the texts' vectors; what was embedded a moment ago is remembered by model and text (CTX-33)."""
        ready = await self.ready()
        purpose = "query" if query else "passage"
        keys = [
            hashlib.sha256(f"{ready.info.model}\0{purpose}\0{text}".encode("utf-8", "replace")).digest()
            for text in texts
        ]
        self.asked += len(keys)
        self.remembered += sum(key in self._cache for key in keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._cache}
        fresh = await ready.embedder.embed(list(missing.values()), purpose=purpose) if missing else []
        found = dict(zip(missing, fresh, strict=True))
        vectors = [found[key] if key in found else self._cache[key] for key in keys]
        self._cache.update(found)
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return vectors

    async def transactional(self) -> TransactionalVectorStore | None:
        """Return the backend where it can share a transaction with the rows, else None."""
        if not self.on:
            return None
        store = (await self.ready()).store
        return store if isinstance(store, TransactionalVectorStore) else None

    async def drain(self, ids: Sequence[str] | None = None) -> int:
        """Bring the backend up to date: everything that waits, or only `ids`. Returns how much still waits.

        What fails stays, with the reason in health; raises nothing but what cancels it.
        """
        if not self.on:
            return 0
        wanted = None if ids is None or len(ids) > _DRAIN else tuple(ids)
        if wanted is not None and self._emptying:
            return await self.waiting()  # whoever empties the outbox comes to these too, and may have much before them
        async with self._draining:
            self._emptying = wanted is None
            try:
                while True:
                    waiting = await self._context.store.read(_waiting, wanted, _DRAIN)
                    if not waiting:
                        break
                    await self._feed(waiting)
                self._problem = ""
            except SymbiError as error:
                self._problem = str(error)
                self._context.logger.warning("vectors wait: %s", error)
            finally:
                self._emptying = False
        return await self.waiting()

    async def waiting(self) -> int:
        """Return how many changes the backend has yet to hear of."""
        return await self._context.store.read(_count)

    async def total(self) -> int:
        """Return how many vectors there are; opens nothing."""
        store = self._stores.get(self.backend)
        return await store.total(self.collection) if store is not None else await self._context.store.read(_items)

    def nudge(self) -> None:
        """Let the background look at the outbox now."""
        self._wake.set()

    async def reset(self, ticket: str) -> int:
        """Throw the collection away and queue every item anew, for another model; returns how many wait then."""
        if self.reason:
            raise Unavailable(self.reason, code="VECTORS_OFF")
        async with self._draining:
            async with self._lock:
                self._ready = None
                self._cache.clear()
                store = await self._open_store(self.backend)
                await store.drop(self.collection)
            count = await self._context.store.write(_queue_all, ticket, self._context.clock.now_ms())
        self.nudge()
        return count

    async def health(self) -> Health:
        """Say what is in use, what is wrong with it, and how much waits."""
        if self.reason:
            return degraded(self.reason, remedy="pip install symbi-embed symbi-lancedb", search="words and time only")
        waiting = await self.waiting()
        figures = {"backend": self.backend, "embedder": self.embedder, "waiting": waiting}
        if self._problem:
            return unhealthy(self._problem, remedy="symbi doctor", **figures)
        opened = [each for each in (self._stores.get(self.backend), self._embedder) if hasattr(each, "health")]
        for part in opened:
            found: Health = await part.health()  # type: ignore[union-attr]  # checked above
            if found.state != "healthy":
                return msgspec.structs.replace(found, figures={**figures, **found.figures})
        return healthy("open" if self._ready else "opens on first use", **figures)

    async def run(self) -> None:
        """Look at the outbox at start, when nudged, and at growing intervals while something fails."""
        pause = 1.0
        while True:
            left = await self.drain() if await self.waiting() else 0
            pause = min(pause * 2, 60.0) if left else 1.0
            self._wake.clear()
            try:
                async with asyncio.timeout(pause if left else 300.0):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _open_embedder(self) -> Embedder:
        if self._embedder is not None:
            return self._embedder
        opened: Embedder = await self._stack.enter_async_context(self._context.open(EMBEDDERS, self.embedder))
        self._embedder = opened
        return opened

    async def _open_store(self, name: str) -> VectorStore:
        if not name:
            raise Unavailable(self.reason, code="VECTORS_OFF")
        if name not in self._stores:
            self._stores[name] = await self._stack.enter_async_context(self._context.open(VECTOR_BACKENDS, name))
        return self._stores[name]

    async def _feed(self, waiting: list[Any]) -> None:
        """Tell the backend of some changes, then take them out of the outbox."""
        ready = await self.ready()
        store: VectorStore = ready.store
        wanted = [entry.item for entry in waiting if entry.op == "put"]
        found = await self._context.store.read(rows.by_ids, wanted)
        vectors = dict(zip(found, await self.embed([rows.embedded_text(row) for row in found.values()]), strict=True))
        owners: dict[tuple[str, str], tuple[list[VectorRecord], list[str]]] = {}
        for entry in waiting:
            puts, drops = owners.setdefault((entry.tenant, entry.agent), ([], []))
            row = found.get(entry.item) if entry.op == "put" else None
            if row is not None:
                puts.append(rows.record_of(row, vectors[entry.item]))
            else:
                drops.append(entry.item)
        for (tenant, agent), (puts, drops) in owners.items():
            scope = Scope(tenant=tenant, agent=agent)
            await store.upsert(self.collection, puts, scope=scope)
            await store.delete(self.collection, drops, scope=scope)
        await self._context.store.write(rows.clear, [(entry.item, entry.ticket) for entry in waiting])


@asynccontextmanager
async def open_vectors(config: VectorDbConfig, context: PluginContext) -> AsyncIterator[Vectors]:
    """Choose backend and embedder; neither is opened before it is used, unless something waits for them."""
    memory = context.settings.section("context", ContextConfig)
    async with AsyncExitStack() as stack:
        vectors = Vectors(config, memory, context, stack)
        task = context.tasks.supervise("outbox", vectors.run) if vectors.on else None
        try:
            yield vectors
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def _choice(config: VectorDbConfig, memory: ContextConfig, context: PluginContext) -> tuple[str, str, str]:
    """Return the names of backend and embedder, or why meaning cannot be searched; raises `ConfigError` for names that nobody offers."""
    backends, embedders = context.catalogue(VECTOR_BACKENDS), context.catalogue(EMBEDDERS)
    asked = context.environ.get("SYMBIONT_VECTOR_BACKEND") or config.backend
    backend = asked or next((name for name in ("lancedb", "sqlitevec", *sorted(backends)) if name in backends), "")
    embedder = memory.embedder or context.environ.get("EMBEDDING_PROVIDER") or _offline(embedders)
    reason = ""
    if not config.enabled or backend in _NONE:
        backend, reason = "", "[vector_db] is switched off, so only words and time are searched"
    elif not backend:
        reason = "no vector backend is installed, so only words and time are searched"
    elif backend not in backends:
        raise ConfigError(
            f"vector_db.backend: no installed plugin offers {backend!r} (installed: {', '.join(sorted(backends)) or 'none'})",
            path="vector_db.backend",
            hint=f"pip install symbi-{backend}, or choose another",
        )
    if embedder in _NONE or not embedder:
        reason = reason or "no embedder is installed or chosen, so only words and time are searched"
        embedder = ""
    elif embedder not in embedders:
        raise ConfigError(
            f"context.embedder: no installed plugin offers {embedder!r} (installed: {', '.join(sorted(embedders)) or 'none'})",
            path="context.embedder",
            hint="pip install symbi-embed, or choose another",
        )
    if reason and context.environ.get("SYMBIONT_REQUIRE_REAL_EMBEDDINGS", "").lower() in ("1", "true", "yes"):
        raise ConfigError(
            f"SYMBIONT_REQUIRE_REAL_EMBEDDINGS is set, and {reason}",
            path="context.embedder",
            hint="pip install symbi-embed",
        )
    return backend, embedder, reason


def _offline(embedders: Any) -> str:
    offers: list[EmbedderOffer] = [embedders[name] for name in sorted(embedders)]
    return next((offer.name for offer in offers if offer.default), "")


def _waiting(conn: Connection, ids: Sequence[str] | None, limit: int) -> list[Any]:
    statement = select(OUTBOX).order_by(OUTBOX.c.queued_at, OUTBOX.c.item).limit(limit)
    if ids is not None:
        statement = statement.where(OUTBOX.c.item.in_(ids))
    return list(conn.execute(statement))


def _count(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(OUTBOX)).scalar_one())


def _items(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(ITEMS)).scalar_one())


def _queue_all(conn: Connection, ticket: str, at: int) -> int:
    conn.execute(delete(OUTBOX))
    found = conn.execute(select(ITEMS.c.id, ITEMS.c.tenant, ITEMS.c.agent)).all()
    rows.queue(conn, "put", [(row.id, row.tenant, row.agent) for row in found], ticket=ticket, at=at)
    return len(found)

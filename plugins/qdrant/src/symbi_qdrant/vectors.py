"""The Qdrant backend: a server or a local folder behind the same asynchronous client, which is imported when it is needed."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from symbi.contracts.errors import NotFound, SymbiError
from symbi.contracts.health import Health, healthy, unhealthy
from symbi.contracts.vectors import (
    CollectionInfo,
    EmbeddingMismatch,
    Filters,
    Scope,
    StoredVector,
    Vector,
    VectorBackendFailed,
    VectorHit,
    VectorRecord,
    VectorStore,
    check_filters,
    check_vector,
)
from symbi.kernel.context import PluginContext
from symbi_qdrant.config import QdrantConfig
from symbi_qdrant.points import PAYLOAD_INDEXES, owned, point, readable, record

__all__ = ["QdrantVectors", "open_vectors"]

_DEFAULT_URL = "http://localhost:6333"


class QdrantVectors(VectorStore):
    """Keeps vectors in Qdrant. What a collection holds (model, dimension) stands in a collection of its own beside it."""

    def __init__(self, config: QdrantConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._facts: dict[str, tuple[int, str]] = {}

    async def ensure(self, collection: str, *, dimension: int, model: str) -> CollectionInfo:
        client = await self._connected()
        found = await self.info(collection)
        if found is None:
            with self._vendor("making a collection"):
                await self._make(client, collection, dimension)
                await self._note(client, collection, dimension, model)
            found = CollectionInfo(name=collection, dimension=dimension, model=model)
        if (found.dimension, found.model) != (dimension, model):
            raise EmbeddingMismatch(
                f"the collection {collection!r} holds vectors of {found.model} ({found.dimension} dimensions), not of {model} ({dimension})",
                hint="symbi memory reembed",
            )
        return found

    async def info(self, collection: str) -> CollectionInfo | None:
        facts = await self._known(collection)
        if facts is None:
            return None
        dimension, model = facts
        return CollectionInfo(name=collection, dimension=dimension, model=model, count=await self.total(collection))

    async def upsert(self, collection: str, records: Sequence[VectorRecord], *, scope: Scope) -> None:
        await self.restore(
            collection, [StoredVector(tenant=scope.tenant, agent=scope.agent, record=each) for each in records]
        )

    async def restore(self, collection: str, records: Sequence[StoredVector]) -> None:
        if not records:
            return
        facts = await self._known(collection)
        if facts is None:
            raise NotFound(f"there is no collection {collection!r}")
        for each in records:
            check_vector(each.record.vector, facts[0])
        unique = {(each.tenant, each.agent, each.record.id): each for each in records}
        found = list(unique.values())
        with self._vendor("writing"):
            for start in range(0, len(found), self._config.batch):
                points = [point(each) for each in found[start : start + self._config.batch]]
                await self._client.upsert(collection, points=points, wait=True)

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
        wanted = check_filters(filters)
        facts = await self._known(collection)
        if facts is None or limit < 1 or () in wanted.values():
            return []
        check_vector(vector, facts[0])
        with self._vendor("searching"):
            answer = await self._client.query_points(
                collection,
                query=[float(value) for value in vector],
                query_filter=readable(scope, wanted),
                limit=limit,
                with_payload=["item", "agent"],
            )
        hits = [
            VectorHit(
                id=each.payload["item"], agent=each.payload["agent"], similarity=max(-1.0, min(1.0, float(each.score)))
            )
            for each in answer.points
        ]
        return sorted((hit for hit in hits if hit.similarity >= minimum), key=lambda hit: -hit.similarity)

    async def get(self, collection: str, ids: Sequence[str], *, scope: Scope) -> list[VectorRecord]:
        if not ids or await self._known(collection) is None:
            return []
        with self._vendor("reading"):
            found = await self._scroll(collection, readable(scope, {}, ids), len(ids) * (1 + len(scope.grants)))
        return [each.record for each in found[0]]

    async def delete(self, collection: str, ids: Sequence[str], *, scope: Scope) -> int:
        if not ids or await self._known(collection) is None:
            return 0
        from qdrant_client import models

        condition = owned(scope, list(dict.fromkeys(ids)))
        with self._vendor("deleting"):
            gone = (await self._client.count(collection, count_filter=condition, exact=True)).count
            if gone:
                await self._client.delete(
                    collection, points_selector=models.FilterSelector(filter=condition), wait=True
                )
        return int(gone)

    async def count(self, collection: str, *, scope: Scope) -> int:
        return await self._count(collection, scope)

    async def total(self, collection: str) -> int:
        return await self._count(collection, None)

    async def export(self, collection: str, *, after: str = "", limit: int = 1000) -> tuple[list[StoredVector], str]:
        if await self._known(collection) is None:
            return [], ""
        with self._vendor("exporting"):
            return await self._scroll(collection, None, limit, after)

    async def drop(self, collection: str) -> None:
        client = await self._connected()
        with self._vendor("dropping"):
            for name in (collection, _facts_name(collection)):
                if await client.collection_exists(name):
                    await client.delete_collection(name)
        self._facts.pop(collection, None)

    async def optimize(self, collection: str, *, erase: bool = False) -> None:
        """Do nothing: Qdrant puts its segments in order by itself, and takes deleted points out of them when it does."""

    async def health(self) -> Health:
        """Ask the server; a folder that nobody has used yet is not opened for it."""
        where = self._where()
        if self._client is None and "url" not in where:
            return healthy("not opened yet", **_shown(where))
        try:
            async with asyncio.timeout(5):
                await (await self._connected()).get_collections()
        except TimeoutError:
            return unhealthy(
                f"qdrant at {where.get('url')} did not answer within 5 s", remedy="check the server and [vector_db] url"
            )
        except Exception as error:
            text = error.message if isinstance(error, SymbiError) else _first_line(error)
            return unhealthy(f"qdrant: {text}", remedy="check the server and [vector_db] url", **_shown(where))
        return healthy(**_shown(where))

    async def close(self) -> None:
        """Close the connections, or give the folder back."""
        if self._client is not None:
            await self._client.close()

    def _where(self) -> dict[str, Any]:
        """Return the client's arguments: the environment wins, then this table, then `[vector_db] url`."""
        environ, config = self._context.environ, self._config
        general = self._context.settings.raw("vector_db")
        url = environ.get("QDRANT_URL") or config.url
        if not url and config.path:
            if config.path == ":memory:":
                return {"location": ":memory:"}
            return {"path": str(self._context.settings.folder / config.path)}
        url = url or (general.get("url") if isinstance(general, dict) else "") or _DEFAULT_URL
        key = environ.get("QDRANT_API_KEY") or (config.api_key.reveal() if config.api_key else None)
        return {"url": url, "api_key": key}

    async def _connected(self) -> Any:
        async with self._opening:
            if self._client is None:
                try:
                    library = await asyncio.to_thread(importlib.import_module, "qdrant_client")
                except ImportError as error:
                    raise VectorBackendFailed(
                        f"qdrant-client cannot be imported: {error}", hint="pip install qdrant-client"
                    ) from None
                where = self._where()
                with self._vendor("opening"):
                    self._client = library.AsyncQdrantClient(
                        **where, timeout=max(1, round(self._config.timeout_seconds)), check_compatibility=False
                    )
            return self._client

    async def _known(self, collection: str) -> tuple[int, str] | None:
        """Return dimension and model of a collection, or None where there is none."""
        if collection in self._facts:
            return self._facts[collection]
        client = await self._connected()
        with self._vendor("opening a collection"):
            if not await client.collection_exists(collection):
                return None
            noted = []
            if await client.collection_exists(_facts_name(collection)):
                noted = (await client.scroll(_facts_name(collection), limit=1, with_payload=True))[0]
            if not noted:
                raise VectorBackendFailed(
                    f"qdrant: the collection {collection!r} was not made by Symbi",
                    hint="choose another [vector_db] collection_name",
                )
        payload = noted[0].payload
        self._facts[collection] = (int(payload["dimension"]), str(payload["model"]))
        return self._facts[collection]

    async def _make(self, client: Any, collection: str, dimension: int) -> None:
        from qdrant_client import models

        if not await client.collection_exists(collection):
            vectors = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
            await client.create_collection(collection, vectors_config=vectors)
        if "url" in self._where():
            for field, kind in PAYLOAD_INDEXES.items():
                await client.create_payload_index(collection, field_name=field, field_schema=kind, wait=True)

    async def _note(self, client: Any, collection: str, dimension: int, model: str) -> None:
        from qdrant_client import models

        name = _facts_name(collection)
        if not await client.collection_exists(name):
            vectors = models.VectorParams(size=1, distance=models.Distance.DOT)
            await client.create_collection(name, vectors_config=vectors)
        facts = models.PointStruct(id=1, vector=[1.0], payload={"dimension": dimension, "model": model})
        await client.upsert(name, points=[facts], wait=True)
        self._facts[collection] = (dimension, model)

    async def _count(self, collection: str, scope: Scope | None) -> int:
        if await self._known(collection) is None:
            return 0
        condition = owned(scope) if scope is not None else None
        with self._vendor("counting"):
            return int((await self._client.count(collection, count_filter=condition, exact=True)).count)

    async def _scroll(
        self, collection: str, condition: Any, limit: int, after: str = ""
    ) -> tuple[list[StoredVector], str]:
        offset = msgspec.json.decode(after) if after else None
        found, following = await self._client.scroll(
            collection, scroll_filter=condition, limit=limit, offset=offset, with_payload=True, with_vectors=True
        )
        return [record(each) for each in found], msgspec.json.encode(
            following
        ).decode() if following is not None else ""

    @contextmanager
    def _vendor(self, doing: str) -> Iterator[None]:
        """Turn whatever the client raises into an error of ours, without its key."""
        try:
            yield
        except SymbiError:
            raise
        except Exception as error:
            text = f"qdrant: {doing} failed: {type(error).__name__}: {_first_line(error)}"
            raise VectorBackendFailed(text, hint="check the server and [vector_db] url") from error


@asynccontextmanager
async def open_vectors(config: QdrantConfig, context: PluginContext) -> AsyncIterator[QdrantVectors]:
    """Open the backend; neither the library nor the server is touched before it is used."""
    store = QdrantVectors(config, context)
    try:
        yield store
    finally:
        await store.close()


def _facts_name(collection: str) -> str:
    return f"{collection}__symbi"


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def _shown(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if name != "api_key"}

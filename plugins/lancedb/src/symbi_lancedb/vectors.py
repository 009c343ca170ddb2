"""The LanceDB backend: a table a collection, scoped keys, one writer and one optimizer, an index when large."""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import importlib
import re
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from symbi.contracts.errors import InvalidRequest, NotFound, SymbiError
from symbi.contracts.health import Health, degraded, healthy, unhealthy
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
from symbi_lancedb.conditions import owned, quoted, readable
from symbi_lancedb.config import LancedbConfig
from symbi_lancedb.locking import WriteLock
from symbi_lancedb.tables import batch, key_of, records, schema

__all__ = ["LanceVectors", "open_vectors"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_KEEP_VERSIONS = timedelta(minutes=10)


class LanceVectors(VectorStore):
    """Keeps vectors in a LanceDB folder. The library is imported in a thread when the first call needs it."""

    def __init__(self, config: LancedbConfig, context: PluginContext) -> None:
        self._config = config
        self._context = context
        folder = context.settings.folder / config.path if config.path else context.data_dir / "vectors" / "lancedb"
        self._folder: Path = folder
        self._lock = WriteLock(folder / "symbi.lock", patience=config.lock_seconds)
        self._opening = asyncio.Lock()
        self._database: Any = None
        self._tables: dict[str, Any] = {}
        self._facts: dict[str, tuple[int, str]] = {}
        self._indexed: set[str] = set()
        self._writes: dict[str, int] = {}
        self._optimizer: asyncio.Task[None] | None = None
        self._problem = ""
        self._export_keys: dict[str, list[str]] = {}

    async def ensure(self, collection: str, *, dimension: int, model: str) -> CollectionInfo:
        found = await self.info(collection)
        if found is None:
            async with self._lock.held():
                with _vendor("making a collection"):
                    made = await self._database.create_table(
                        _named(collection), schema=schema(dimension, model), exist_ok=True
                    )
                await self._remember(collection, made)
            found = await self.info(collection)
        if found is None:
            raise VectorBackendFailed(f"lancedb: the collection {collection!r} was made and is not there")
        if (found.dimension, found.model) != (dimension, model):
            raise EmbeddingMismatch(
                f"the collection {collection!r} holds vectors of {found.model} ({found.dimension} dimensions), not of {model} ({dimension})",
                hint="symbi memory reembed",
            )
        return found

    async def info(self, collection: str) -> CollectionInfo | None:
        table = await self._table(collection)
        if table is None:
            return None
        dimension, model = self._facts[collection]
        with _vendor("counting"):
            count = await table.count_rows()
        return CollectionInfo(
            name=collection, dimension=dimension, model=model, count=count, indexed=collection in self._indexed
        )

    async def upsert(self, collection: str, records: Sequence[VectorRecord], *, scope: Scope) -> None:
        await self.restore(
            collection, [StoredVector(tenant=scope.tenant, agent=scope.agent, record=each) for each in records]
        )

    async def restore(self, collection: str, records: Sequence[StoredVector]) -> None:
        if not records:
            return
        table = await self._table(collection)
        if table is None:
            raise NotFound(f"there is no collection {collection!r}")
        for each in records:
            check_vector(each.record.vector, self._facts[collection][0])
        async with self._lock.held():
            with _vendor("writing"):
                rows = batch(records, await table.schema())
                await table.merge_insert("key").when_matched_update_all().when_not_matched_insert_all().execute(rows)
        self._wrote(collection)

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
        condition = readable(scope, check_filters(filters))
        table = await self._table(collection)
        if table is None or limit < 1:
            return []
        check_vector(vector, self._facts[collection][0])
        with _vendor("searching"):
            import numpy as np

            query = (
                table.vector_search(np.asarray(vector, dtype=np.float32))
                .distance_type("cosine")
                .where(condition)
                .select(["id", "agent", "_distance"])
            )
            query = query.limit(limit)
            if collection in self._indexed:
                query = query.refine_factor(self._config.refine_factor).ef(max(self._config.search_breadth, limit * 4))
            found = (await query.to_arrow()).to_pydict()
        hits = [
            VectorHit(id=item, agent=agent, similarity=max(-1.0, min(1.0, 1.0 - distance)))
            for item, agent, distance in zip(found["id"], found["agent"], found["_distance"], strict=True)
        ]
        return sorted((hit for hit in hits if hit.similarity >= minimum), key=lambda hit: -hit.similarity)

    async def get(self, collection: str, ids: Sequence[str], *, scope: Scope) -> list[VectorRecord]:
        table = await self._table(collection)
        if table is None or not ids:
            return []
        listed = ", ".join(quoted(each) for each in ids)
        with _vendor("reading"):
            found = await table.query().where(f"({readable(scope, {})}) AND id IN ({listed})").to_arrow()
        return [each.record for each in records(found)]

    async def delete(self, collection: str, ids: Sequence[str], *, scope: Scope) -> int:
        table = await self._table(collection)
        if table is None or not ids:
            return 0
        keys = ", ".join(quoted(key_of(scope.tenant, scope.agent, each)) for each in ids)
        async with self._lock.held():
            with _vendor("deleting"):
                condition = f"{owned(scope)} AND key IN ({keys})"
                gone = int(await table.count_rows(condition))
                if gone:
                    await table.delete(condition)
        self._wrote(collection)
        return gone

    async def count(self, collection: str, *, scope: Scope) -> int:
        return await self._count(collection, owned(scope))

    async def total(self, collection: str) -> int:
        return await self._count(collection, None)

    async def export(self, collection: str, *, after: str = "", limit: int = 1000) -> tuple[list[StoredVector], str]:
        table = await self._table(collection)
        if table is None:
            return [], ""
        with _vendor("exporting"):
            if not after or collection not in self._export_keys:
                found = await table.query().select(["key"]).to_arrow()
                self._export_keys[collection] = sorted(found.column("key").to_pylist())
            keys = self._export_keys[collection]
            start = bisect.bisect_right(keys, after)
            page = keys[start : start + limit]
            listed = ", ".join(quoted(each) for each in page)
            rows = records(await table.query().where(f"key IN ({listed})").to_arrow()) if page else []
        if start + limit >= len(keys):
            self._export_keys.pop(collection, None)
            return rows, ""
        return rows, page[-1]

    async def drop(self, collection: str) -> None:
        if await self._table(collection) is None:
            return
        async with self._lock.held():
            with _vendor("dropping"):
                await self._database.drop_table(_named(collection), ignore_missing=True)
        for known in (self._tables, self._facts, self._writes):
            known.pop(collection, None)
        self._indexed.discard(collection)

    async def optimize(self, collection: str, *, erase: bool = False) -> None:
        table = await self._table(collection)
        if table is None:
            return
        async with self._lock.held():
            with _vendor("optimizing"):
                if erase:
                    table = await self._rewritten(collection, table)
                    await table.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
                else:
                    await self._index(collection, table)
                    await table.optimize(cleanup_older_than=_KEEP_VERSIONS)
        if erase:
            self._tidy(
                collection
            )  # an index is made anew behind the caller's back; until then every vector is compared

    async def health(self) -> Health:
        """Say whether the folder can be used; the library is not loaded for it."""
        if self._problem:
            return degraded(self._problem, remedy="symbi doctor", folder=str(self._folder))
        if self._database is None:
            return healthy("not opened yet", folder=str(self._folder))
        try:
            async with asyncio.timeout(5):
                await self._database.list_tables()
        except Exception as error:
            return unhealthy(f"lancedb: {error}", remedy="check the folder and its disk", folder=str(self._folder))
        return healthy(folder=str(self._folder), collections=len(self._tables))

    async def close(self) -> None:
        """Let a running optimizer end."""
        if self._optimizer is not None:
            self._optimizer.cancel()
            await asyncio.gather(self._optimizer, return_exceptions=True)

    async def _db(self) -> Any:
        async with self._opening:
            if self._database is None:
                try:
                    lancedb = await asyncio.to_thread(importlib.import_module, "lancedb")
                except ImportError as error:
                    raise VectorBackendFailed(
                        f"lancedb cannot be imported: {error}", hint="pip install lancedb"
                    ) from None
                # An erasure means it: older versions go although a reader of another process may still use them.
                warnings.filterwarnings("ignore", message=r"optimize\(cleanup_older_than=0\)")
                with _vendor(f"opening {self._folder}"):
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    # Every read sees what other handles and processes have committed; without it a second handle never does (measured).
                    self._database = await lancedb.connect_async(
                        str(self._folder), read_consistency_interval=timedelta(0)
                    )
            return self._database

    async def _table(self, collection: str) -> Any:
        known = self._tables.get(collection)
        if known is not None:
            return known
        database = await self._db()
        with _vendor("opening a collection"):
            if _named(collection) not in await _names(database):
                return None
            table = await database.open_table(collection)
        await self._remember(collection, table)
        return table

    async def _remember(self, collection: str, table: Any) -> None:
        metadata = (await table.schema()).metadata or {}
        try:
            self._facts[collection] = (int(metadata[b"symbi.dimension"]), metadata[b"symbi.model"].decode())
        except (KeyError, ValueError):
            raise VectorBackendFailed(
                f"lancedb: the table {collection!r} was not made by Symbi",
                hint="choose another [vector_db] collection_name",
            ) from None
        if any("vector" in index.columns for index in await table.list_indices()):
            self._indexed.add(collection)
        self._tables[collection] = table

    async def _count(self, collection: str, condition: str | None) -> int:
        table = await self._table(collection)
        if table is None:
            return 0
        with _vendor("counting"):
            return int(await table.count_rows(condition))

    def _wrote(self, collection: str) -> None:
        self._writes[collection] = self._writes.get(collection, 0) + 1
        if self._writes[collection] >= self._config.optimize_writes:
            self._tidy(collection)

    def _tidy(self, collection: str) -> None:
        """Start the optimizer, unless it runs."""
        if self._optimizer is None or self._optimizer.done():
            self._writes[collection] = 0
            self._optimizer = self._context.tasks.start("optimize", self._optimize_quietly(collection))

    async def _optimize_quietly(self, collection: str) -> None:
        try:
            await self.optimize(collection)
            self._problem = ""
        except SymbiError as error:
            self._problem = f"the last optimization failed: {error.message}"
            self._context.logger.warning("%s", self._problem)

    async def _index(self, collection: str, table: Any) -> None:
        wanted = self._config.index_rows
        if collection in self._indexed or not wanted or await table.count_rows() < wanted:
            return
        from lancedb.index import BTree, HnswSq

        await table.create_index("agent", config=BTree())
        await table.create_index("vector", config=HnswSq(distance_type="cosine"))
        self._indexed.add(collection)

    async def _rewritten(self, collection: str, table: Any) -> Any:
        """Write the rows that are left to new files: compaction alone may keep a deleted row's bytes."""
        rows = await table.to_arrow()
        fresh = await self._database.create_table(_named(collection), rows, mode="overwrite")
        self._indexed.discard(collection)
        self._tables.pop(collection, None)
        await self._remember(collection, fresh)
        return fresh


@asynccontextmanager
async def open_vectors(config: LancedbConfig, context: PluginContext) -> AsyncIterator[LanceVectors]:
    """Open the backend; neither the library nor the folder is touched before it is used."""
    store = LanceVectors(config, context)
    try:
        yield store
    finally:
        with contextlib.suppress(Exception):
            await store.close()


def _named(collection: str) -> str:
    if not _NAME.fullmatch(collection):
        raise InvalidRequest(f"{collection!r} is no name of a collection", details={"field": "collection_name"})
    return collection


async def _names(database: Any) -> set[str]:
    names: set[str] = set()
    token: str | None = None
    while True:
        answer = await database.list_tables(page_token=token) if token else await database.list_tables()
        names.update(answer.tables)
        token = answer.page_token
        if not token:
            return names


@contextmanager
def _vendor(doing: str) -> Iterator[None]:
    """Turn whatever the library raises into an error of ours."""
    try:
        yield
    except SymbiError:
        raise
    except Exception as error:
        text = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise VectorBackendFailed(
            f"lancedb: {doing} failed: {text}", hint="check the disk and the folder of the database"
        ) from error

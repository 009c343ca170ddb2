"""The routes of keeping house: figures, retention, restoring, another model, another backend. For administrators."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post

from symbi.contracts.errors import Conflict, InvalidRequest
from symbi.contracts.principal import Principal
from symbi.http.access import require_admin
from symbi.kernel.context import PluginContext
from symbi_context.asking import asked, service_of
from symbi_context.wire import item_shown

__all__ = ["KEEPING"]


class ArchiveBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/archive`; without `agent` it is about everybody."""

    agent: str | None = None
    dry_run: bool = False


class RestoreBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/archive/{item}/restore`."""

    agent: str


class MoveBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /context/move`: one page of vectors; `after` is what the page before answered."""

    to: str
    after: str = ""
    limit: int = 1000


@get("/context/stats", guards=[require_admin])
async def stats(context: PluginContext) -> dict[str, Any]:
    """Show totals of everybody, without contents."""
    return await service_of(context).stats()


@post("/context/archive", status_code=200, guards=[require_admin])
async def archive(data: ArchiveBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Apply retention now; with `dry_run` only count."""
    scope = (await asked(context, principal, data.agent, "memory_write")).scope if data.agent else None
    report: dict[str, Any] = msgspec.to_builtins(
        await service_of(context).retention.apply(scope=scope, dry_run=data.dry_run)
    )
    return report


@post("/context/archive/{item:str}/restore", status_code=200, guards=[require_admin])
async def restore(item: str, data: RestoreBody, principal: Principal, context: PluginContext) -> dict[str, Any]:
    """Bring an archived memory back."""
    found = await asked(context, principal, data.agent, "memory_write")
    return item_shown(await found.service.retention.restore(found.scope, item))


@post("/context/reembed", status_code=200, guards=[require_admin])
async def reembed(context: PluginContext) -> dict[str, Any]:
    """Throw the vectors away and make them anew with the present model, in the background; `/context/stats` shows how many wait."""
    return {"waiting": await service_of(context).vectors.reset(context.ids.uuid()), "status": "started"}


@post("/context/move", status_code=200, guards=[require_admin])
async def move(data: MoveBody, context: PluginContext) -> dict[str, Any]:
    """Copy one page of vectors to another backend; `next` is empty on the last."""
    vectors = service_of(context).vectors
    if data.to == vectors.backend:
        raise InvalidRequest(f"{data.to} is the backend in use", details={"field": "to"})
    if not 1 <= data.limit <= 10_000:
        raise InvalidRequest("limit must be from 1 to 10000", details={"field": "limit"})
    source, target = await vectors.store(), await vectors.store(data.to)
    info = await source.info(vectors.collection)
    if info is None:
        return {"moved": 0, "next": "", "total": 0}
    if not data.after and await vectors.waiting():
        await vectors.drain()
    await target.ensure(vectors.collection, dimension=info.dimension, model=info.model)
    page, following = await source.export(vectors.collection, after=data.after, limit=data.limit)
    await target.restore(vectors.collection, page)
    if not following and await target.total(vectors.collection) < info.count:
        raise Conflict(
            f"{data.to} has fewer vectors than {vectors.backend}",
            hint="move again: what is there already is not doubled",
        )
    return {"moved": len(page), "next": following, "total": info.count}


KEEPING = [stats, archive, restore, reembed, move]

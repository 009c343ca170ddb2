"""The route `GET /api/v1/audit`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from symbi.contracts.audit import AuditLog, AuditRecord
from symbi.http import require_scope
from symbi.kernel.services import Services

__all__ = ["HANDLERS", "AuditPage"]


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the log; `next` is the `after` of the next page, null when this was the last."""

    records: list[AuditRecord]
    next: int | None


@get("/audit", guards=[require_scope("audit:read")], summary="Read the audit log")
async def read_audit(
    services: Services,
    after: Annotated[int, Parameter(ge=0)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    kind: str = "",
    actor: str = "",
    subject: str = "",
    newest_first: bool = False,
) -> AuditPage:
    """Return records in order of `seq`, filtered by `kind` (a prefix of words), `actor` (the id of a principal) and `subject`, `limit` at a time."""
    log = services.get(AuditLog)
    found = list(
        await log.read(
            after=after, limit=limit + 1, kind=kind, principal=actor, subject=subject, newest_first=newest_first
        )
    )
    more = len(found) > limit
    return AuditPage(records=found[:limit], next=found[limit - 1].seq if more else None)


HANDLERS = [read_audit]

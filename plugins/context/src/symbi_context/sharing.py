"""Sharing: grants with level and expiry, and the scopes made of them, as far as policy lets the reader go (CTX-24)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from symbi.contracts.agents import AgentService
from symbi.contracts.audit import AuditLog
from symbi.contracts.context import Grantee, MemoryNotFound
from symbi.contracts.errors import InvalidRequest
from symbi.contracts.policy import AgentFacts, Gate, PolicyRequest, ResourceFacts, Source
from symbi.contracts.principal import Principal
from symbi.contracts.vectors import LEVELS, SHARED, Grant, Level, Scope, level_rank
from symbi.kernel.context import PluginContext
from symbi_context import rows
from symbi_context.memories import unknown_item
from symbi_context.tables import DOCUMENTS, GRANTS, ITEMS

__all__ = ["Sharing"]

_MOST_ITEMS = 1000


class Sharing:
    """Keeps grants and makes scopes."""

    def __init__(self, context: PluginContext, *, tenant: str) -> None:
        self._context = context
        self._tenant = tenant

    async def scope(
        self, agent: str, *, principal: Principal, session: str | None, groups: Sequence[str], operator: bool = False
    ) -> Scope:
        """Return the scope of an agent; the shared knowledge and grants count up to the level that policy lets the reader see.

        With `operator` the principal itself reads, else the agent.
        """
        facts = None if operator or agent == SHARED else await self.facts(agent)
        knowledge = self.clearance(principal, facts, "knowledge_read", "Knowledge")
        grants: list[Grant] = []
        if agent != SHARED and knowledge >= 0:
            grants.append(Grant(agent=SHARED, level=knowledge))
        found = await self._context.store.read(
            _valid, self._tenant, [agent, *(f"group:{group}" for group in groups)], self._context.clock.now_ms()
        )
        memory = self.clearance(principal, facts, "memory_read", "Memory") if found else -1
        for grant in found:
            level = min(grant.level, memory)
            if level >= 0 and grant.owner != agent:
                ids = (
                    await self._context.store.read(_expanded, self._tenant, grant.owner, list(grant.items))
                    if grant.items
                    else None
                )
                grants.append(Grant(agent=grant.owner, ids=ids, level=level))
        return Scope(tenant=self._tenant, agent=agent, session=session, grants=tuple(grants))

    def clearance(self, principal: Principal, facts: AgentFacts | None, action: str, kind: str) -> int:
        """Return the highest rank of level that policy lets the reader see, -1 for none; without a gate, what is public."""
        gate = self._context.services.maybe(Gate)
        if gate is None:
            return 0
        allowed = -1
        for rank, level in enumerate(LEVELS):
            resource = ResourceFacts(type=kind, id="shared", attributes={"level": level, "rank": rank})
            source: Source = "api" if facts is None else "program"
            request = PolicyRequest(
                principal=principal, action=action, target="shared", agent=facts, resource=resource, source=source
            )
            if not gate.evaluate(request).allowed:
                break
            allowed = rank
        return allowed

    async def facts(self, agent: str) -> AgentFacts:
        """Return what the runtime knows of an agent."""
        agents = self._context.services.maybe(AgentService)
        view = await agents.resolve(agent) if agents is not None else None
        if view is None:
            return AgentFacts(id=agent, name=agent)
        return AgentFacts(id=view.id, name=view.name, owner=view.owner, revision=view.revision)

    async def share(
        self,
        scope: Scope,
        recipient: str,
        *,
        principal: Principal,
        items: Sequence[str],
        level: Level,
        expires_at: int | None,
    ) -> Grantee:
        """Write a grant; its record is in the audit log before it counts."""
        now = self._context.clock.now_ms()
        if not recipient or len(recipient) > 200 or recipient == scope.agent or recipient == SHARED:
            raise InvalidRequest("recipient must be another agent's id, or group:NAME", details={"field": "recipient"})
        if len(items) > _MOST_ITEMS:
            raise InvalidRequest(f"at most {_MOST_ITEMS} items may be named", details={"field": "items"})
        if expires_at is not None and expires_at <= now:
            raise InvalidRequest("expires_at must be in the future", details={"field": "expires_at"})
        grant = Grantee(
            id=self._context.ids.uuid(), owner=scope.agent, recipient=recipient, items=tuple(dict.fromkeys(items)),
            level=level, created_at=now, expires_at=expires_at,
        )  # fmt: skip
        level_rank(level)
        await self._record("memory.shared", principal, grant)
        await self._context.store.write(_share, scope, grant)
        return grant

    async def revoke(self, scope: Scope, grant: str, *, principal: Principal) -> Grantee:
        """End a grant at once."""
        found = await self._context.store.write(_revoke, scope, grant, self._context.clock.now_ms())
        await self._record("memory.unshared", principal, found)
        return found

    async def grants(self, scope: Scope) -> list[Grantee]:
        """Return what the agent has shared and what is shared with it, newest first."""
        return await self._context.store.read(_grants, scope)

    async def _record(self, kind: str, principal: Principal, grant: Grantee) -> None:
        log = self._context.services.maybe(AuditLog)
        if log is not None:
            details = {
                "recipient": grant.recipient,
                "items": list(grant.items),
                "level": grant.level,
                "expires_at": grant.expires_at,
            }
            await log.append(
                kind, principal=principal, subject=f"{grant.owner}:{grant.id}", outcome="done", details=details
            )


def _grantee(row: Any) -> Grantee:
    return Grantee(
        id=row.id, owner=row.owner, recipient=row.recipient, items=tuple(row.items), level=LEVELS[row.level],
        created_at=row.created_at, expires_at=row.expires_at, revoked_at=row.revoked_at,
    )  # fmt: skip


def _valid(conn: Connection, tenant: str, recipients: list[str], now: int) -> list[Any]:
    statement = select(GRANTS).where(
        GRANTS.c.tenant == tenant,
        GRANTS.c.recipient.in_(recipients),
        GRANTS.c.revoked_at.is_(None),
        or_(GRANTS.c.expires_at.is_(None), GRANTS.c.expires_at > now),
    )
    return list(conn.execute(statement))


def _expanded(conn: Connection, tenant: str, owner: str, named: list[str]) -> tuple[str, ...]:
    """Return the ids of items, those of named documents' pieces included."""
    pieces = conn.execute(select(ITEMS.c.id).where(rows.owned_by(tenant, owner), ITEMS.c.document.in_(named))).scalars()
    return (*named, *pieces)


def _share(conn: Connection, scope: Scope, grant: Grantee) -> None:
    known = set(rows.by_ids(conn, grant.items, rows.own(scope)))
    known |= set(
        conn.execute(
            select(DOCUMENTS.c.id).where(
                DOCUMENTS.c.tenant == scope.tenant, DOCUMENTS.c.agent == scope.agent, DOCUMENTS.c.id.in_(grant.items)
            )
        ).scalars()
    )
    missing = [item for item in grant.items if item not in known]
    if missing:
        raise unknown_item(missing[0])
    conn.execute(
        insert(GRANTS).values(
            id=grant.id,
            tenant=scope.tenant,
            owner=grant.owner,
            recipient=grant.recipient,
            items=list(grant.items),
            level=level_rank(grant.level),
            created_at=grant.created_at,
            expires_at=grant.expires_at,
            revoked_at=None,
        )
    )


def _revoke(conn: Connection, scope: Scope, grant: str, now: int) -> Grantee:
    mine = (GRANTS.c.id == grant, GRANTS.c.tenant == scope.tenant, GRANTS.c.owner == scope.agent)
    conn.execute(update(GRANTS).where(*mine, GRANTS.c.revoked_at.is_(None)).values(revoked_at=now))
    row = conn.execute(select(GRANTS).where(*mine)).first()
    if row is None:
        raise MemoryNotFound(f"there is no grant {grant!r} of this agent", hint="GET /api/v1/context/grants lists them")
    return _grantee(row)


def _grants(conn: Connection, scope: Scope) -> list[Grantee]:
    statement = select(GRANTS).where(
        GRANTS.c.tenant == scope.tenant, or_(GRANTS.c.owner == scope.agent, GRANTS.c.recipient == scope.agent)
    )
    return [_grantee(row) for row in conn.execute(statement.order_by(GRANTS.c.created_at.desc(), GRANTS.c.id))]

"""Reading and writing agent rows; every function runs inside one transaction of the store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from symbi.contracts.agents import AgentView
from symbi_agents.tables import AGENTS, REPORTS

__all__ = ["active_count", "add", "archive", "by_id", "by_name", "by_source", "change", "every", "report", "report_of"]


def add(conn: Connection, view: AgentView, *, limit: int) -> bool:
    """Insert an agent; False where `limit` agents are registered already."""
    if active_count(conn) >= limit:
        return False
    conn.execute(insert(AGENTS).values(**_row(view)))
    return True


def change(conn: Connection, view: AgentView) -> None:
    """Write an agent's changed facts."""
    values = _row(view)
    values.pop("id")
    values.pop("created_at")
    conn.execute(update(AGENTS).where(AGENTS.c.id == view.id).values(**values))


def archive(conn: Connection, agent_id: str, *, at: int) -> bool:
    """Mark an agent as gone; False where it is unknown or gone already."""
    return (
        conn.execute(
            update(AGENTS).where(AGENTS.c.id == agent_id, AGENTS.c.archived_at.is_(None)).values(archived_at=at)
        ).rowcount
        == 1
    )


def active_count(conn: Connection) -> int:
    """Return how many agents are registered."""
    return int(
        conn.execute(select(func.count()).select_from(AGENTS).where(AGENTS.c.archived_at.is_(None))).scalar_one()
    )


def every(conn: Connection) -> list[AgentView]:
    """Return the registered agents, oldest first."""
    return [
        _view(row)
        for row in conn.execute(
            select(AGENTS).where(AGENTS.c.archived_at.is_(None)).order_by(AGENTS.c.created_at, AGENTS.c.id)
        )
    ]


def by_id(conn: Connection, agent_id: str) -> AgentView | None:
    """Return one registered agent by id."""
    return _one(conn, AGENTS.c.id == agent_id)


def by_name(conn: Connection, name: str) -> AgentView | None:
    """Return the newest registered agent with this display name, else with this declared name."""
    return _one(conn, AGENTS.c.name == name) or _one(conn, AGENTS.c.agent == name)


def by_source(conn: Connection, prefix: str) -> list[AgentView]:
    """Return the registered agents whose source begins with `prefix`."""
    statement = select(AGENTS).where(
        AGENTS.c.archived_at.is_(None), AGENTS.c.source.startswith(prefix, autoescape=True)
    )
    return [_view(row) for row in conn.execute(statement)]


def report(conn: Connection, agent_id: str, values: dict[str, Any]) -> None:
    """Write what an external agent said of itself."""
    if conn.execute(update(REPORTS).where(REPORTS.c.agent_id == agent_id).values(**values)).rowcount == 0:
        conn.execute(insert(REPORTS).values(agent_id=agent_id, **values))


def report_of(conn: Connection, agent_id: str) -> Row[Any] | None:
    """Return what an external agent last said of itself."""
    return conn.execute(select(REPORTS).where(REPORTS.c.agent_id == agent_id)).first()


def _one(conn: Connection, condition: Any) -> AgentView | None:
    row = conn.execute(
        select(AGENTS)
        .where(condition, AGENTS.c.archived_at.is_(None))
        .order_by(AGENTS.c.created_at.desc(), AGENTS.c.id)
        .limit(1)
    ).first()
    return _view(row) if row else None


def _row(view: AgentView) -> dict[str, Any]:
    fields = (
        "id",
        "name",
        "agent",
        "text",
        "revision",
        "language",
        "mode",
        "source",
        "owner",
        "metadata",
        "heartbeat_interval_seconds",
        "created_at",
        "updated_at",
    )
    return {field: getattr(view, field) for field in fields}


def _view(row: Row[Any]) -> AgentView:
    values = dict(row._mapping)
    archived = values.pop("archived_at") is not None
    return AgentView(**values, archived=archived)

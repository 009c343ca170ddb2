"""Installing and loading packages (toolreview.md §1.7: conditions are enforced at load)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from symbi.contracts.signing import Signer, Verification
from symbi.store import upsert
from symbi_review.errors import ApiError
from symbi_review.flow.conditions import expiry_ms
from symbi_review.installed.functions import pin_of
from symbi_review.tables import INSTALLED

__all__ = ["LoadedTool", "accept", "install", "load_all", "remove"]

_TIER = 1  # what the runner is: a process of its own with limits and an audit hook, no container


class LoadedTool(msgspec.Struct, frozen=True, kw_only=True):
    """An installed package that verifies now, or the reason why it may not be used."""

    tool_name: str
    tool_version: str
    package_sha256: str
    installed_at: int
    problem: str = ""
    source_code: str = ""
    description: str = ""
    permissions: tuple[str, ...] = ()
    risk_score: int = 0
    expires_at: int | None = None


def _judge(found: Verification, now: int) -> tuple[str, tuple[str, ...], int | None]:
    """(problem, what the tool may do, when that ends): declared permissions, narrowed by the conditions of the approval."""
    if not found.ok or found.statement is None or found.metadata is None:
        return found.reason, (), None
    predicate = found.statement["predicate"]
    conditions = [str(text) for text in predicate.get("conditions", [])]
    until = expiry_ms(conditions)
    if until is not None and now > until:
        return "its approval has expired", (), until
    for condition in conditions:
        if condition.startswith("sandbox_tier>=") and int(condition[-1]) > _TIER:
            return f"it needs {condition}, and this runtime runs tools in tier {_TIER}", (), until
    if found.language not in ("python", ""):
        return f"tools in {found.language} cannot be run here", (), until
    granted = {str(word) for word in found.metadata.get("permissions", [])} or {
        str(word) for word in predicate["permissions"]["observed"]
    }
    return "", tuple(sorted(_narrow(granted, conditions))), until


def _narrow(granted: set[str], conditions: list[str]) -> set[str]:
    for condition in conditions:
        head, _, rest = condition.partition(":")
        words = {word.strip() for word in rest.split(",") if word.strip()}
        if head == "permissions":
            granted = {word for word in granted if word in words or word.partition(":")[0] in words}
        elif head == "hosts":
            granted = {word for word in granted if not word.startswith("net.outbound")} | {
                f"net.outbound:{host}" for host in words
            }
        elif head == "env":
            granted = {word for word in granted if not word.startswith("env.read")} | {
                f"env.read:{name}" for name in words
            }
    return granted


async def install(service: Any, content: bytes, by: str) -> dict[str, Any]:
    """Verify and install; a version that does not follow the installed one, with another face, is blocked until it is accepted."""
    signer: Signer = await service.signer()
    found = await signer.verify(content, require_fresh=True)
    problem, permissions, _ = _judge(found, service.now())
    if problem or found.metadata is None or found.statement is None:
        raise ApiError(
            400,
            "VALIDATION_ERROR",
            f"The package cannot be installed: {problem}.",
            details={"field": "content", "reason": "refused", "problem": problem},
        )
    name = str(found.metadata["tool_name"])
    pin = pin_of(str(found.metadata.get("description", "")), found.source_code or "")
    previous = found.statement["predicate"].get("previous_package_sha256")

    def work(conn: Connection) -> str | None:
        old = conn.execute(select(INSTALLED).where(INSTALLED.c.tool_name == name)).first()
        changed = old is not None and old.pin != pin and previous != old.package_sha256
        blocked = (
            "its description or schema differs from the pinned version, and the package does not follow it"
            if changed
            else None
        )
        row = {
            "tool_name": name,
            "tool_version": str(found.metadata["tool_version"]) if found.metadata else "",
            "package_sha256": found.package_sha256,
            "content": content,
            "pin": pin,
            "installed_at": service.now(),
            "installed_by": by,
            "blocked": blocked,
        }
        upsert(conn, INSTALLED, row, key=("tool_name",))
        return blocked

    blocked = await service.store.write(work)
    return {
        "tool_name": name,
        "package_sha256": found.package_sha256,
        "status": "blocked" if blocked else "installed",
        "reason": blocked,
        "permissions": list(permissions),
    }


async def load_all(service: Any) -> list[LoadedTool]:
    """Every installed package, verified now."""
    rows = await service.store.read(lambda c: c.execute(select(INSTALLED).order_by(INSTALLED.c.tool_name)).all())
    return [await _load(service, row) for row in rows]


async def _load(service: Any, row: Any) -> LoadedTool:
    base: dict[str, Any] = {
        "tool_name": row.tool_name,
        "tool_version": row.tool_version,
        "package_sha256": row.package_sha256,
        "installed_at": row.installed_at,
    }
    signer: Signer = await service.signer()
    found = await signer.verify(bytes(row.content))
    problem, permissions, until = _judge(found, service.now())
    problem = problem or row.blocked or ""
    metadata = found.metadata or {}
    if not problem and (
        found.package_sha256 != row.package_sha256
        or pin_of(str(metadata.get("description", "")), found.source_code or "") != row.pin
    ):
        problem = "it is not the package that was installed"
    if problem or found.statement is None:
        return LoadedTool(**base, problem=problem or found.reason)
    return LoadedTool(
        **base,
        source_code=found.source_code or "",
        description=str(metadata.get("description", "")),
        permissions=permissions,
        risk_score=int(found.statement["predicate"].get("risk_score") or 0),
        expires_at=until,
    )


async def accept(service: Any, name: str) -> bool:
    """Let a blocked package in; False when there is none."""
    return bool(
        await service.store.write(
            lambda c: c.execute(update(INSTALLED).where(INSTALLED.c.tool_name == name).values(blocked=None)).rowcount
        )
    )


async def remove(service: Any, name: str) -> bool:
    """Remove a package; False when there is none."""
    return bool(
        await service.store.write(lambda c: c.execute(delete(INSTALLED).where(INSTALLED.c.tool_name == name)).rowcount)
    )

"""The routes below `/api/v1/mcp`: pinned definitions, and their approval."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post

from symbi.contracts.errors import NotFound
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.http.access import require_admin
from symbi.kernel.clock import rfc3339
from symbi.kernel.context import PluginContext
from symbi_mcp import pins
from symbi_mcp.pins import Pin

__all__ = ["HANDLERS"]


class Approve(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of an approval; without a tool it is for all of the server's, as they were last seen. `digest` binds it to what was read."""

    tool: str | None = None
    digest: str | None = None


def _shown(pin: Pin) -> dict[str, Any]:
    approved = rfc3339(pin.approved_at) if pin.approved_at is not None else None
    names = ("server", "tool", "state", "digest", "approved_digest", "approved_by", "definition")
    return {**{name: getattr(pin, name) for name in names}, "approved_at": approved, "seen_at": rfc3339(pin.seen_at)}


@get("/mcp/tools")
async def list_pins(context: PluginContext) -> dict[str, Any]:
    """List the definitions as last seen, and whether they are approved, new or changed."""
    return {"tools": [_shown(pin) for pin in await context.store.read(pins.pins_of)]}


@post("/mcp/servers/{server:str}/approve", status_code=200, guards=[require_admin])
async def approve_pins(server: str, data: Approve, context: PluginContext, principal: Principal) -> dict[str, Any]:
    """Approve what was last seen of a server's tools."""
    known: list[Pin] = await context.store.read(pins.pins_of, server)
    chosen = [pin for pin in known if data.tool in (None, pin.tool) and data.digest in (None, pin.digest)]
    if not chosen:
        raise NotFound("no such tool has been seen (or it has changed since)", code="MCP_TOOL_NOT_FOUND")
    request = PolicyRequest(
        principal=principal,
        action="tool_install",
        target=server,
        arguments={"server": server, "tools": [pin.tool for pin in chosen]},
        resource=ResourceFacts(type="Resource", id=f"mcp:{server}"),
        source="human",
        surface="run",
    )
    await context.services.get(Gate).authorize(request)
    changed = []
    for pin in chosen:
        changed += await context.store.write(
            pins.approve, server, pin.tool, by=principal.id, now=context.clock.now_ms()
        )
    return {"approved": [pin.tool for pin in changed]}


HANDLERS = [list_pins, approve_pins]

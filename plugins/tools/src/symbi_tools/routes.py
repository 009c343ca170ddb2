"""The route that lists tools."""

from __future__ import annotations

from typing import Any

from litestar import get

from symbi.contracts.tools import ToolService
from symbi.http.access import require_admin
from symbi.kernel.services import Services

__all__ = ["HANDLERS"]


@get("/tools", guards=[require_admin])
async def list_tools(services: Services) -> dict[str, Any]:
    """List every tool that agents may be allowed to call."""
    return {"tools": await services.get(ToolService).list()}


HANDLERS = [list_tools]

"""Installed packages over HTTP."""

from __future__ import annotations

import base64
import binascii

from symbi_review.api.answers import Answer, Call
from symbi_review.durations import rfc3339
from symbi_review.errors import invalid, not_found
from symbi_review.installed import store
from symbi_review.validation import text_field

__all__ = ["accept", "install", "list_installed", "remove"]


async def install(call: Call) -> Answer:
    """POST /signing/installed {content: base64 of a package}."""
    call.caller.need("tool:admin")
    text = text_field(call.body, "content", most=2 << 20, required=True, message="The package is required")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("content", "invalid_format", "content must be base64") from None
    return Answer(await store.install(call.service, content, call.caller.key), status=201)


async def list_installed(call: Call) -> Answer:
    """GET /signing/installed."""
    call.caller.need("tool:admin", "tool:audit", "tool:approve")
    tools = await store.load_all(call.service)
    rows = [
        {
            "tool_name": tool.tool_name,
            "tool_version": tool.tool_version,
            "status": "blocked" if tool.problem else "installed",
            "reason": tool.problem or None,
            "permissions": list(tool.permissions),
            "package_sha256": tool.package_sha256,
            "installed_at": rfc3339(tool.installed_at),
            "expires_at": rfc3339(tool.expires_at),
        }
        for tool in tools
    ]
    return Answer({"tools": rows})


async def accept(call: Call) -> Answer:
    """POST /signing/installed/{name}/accept {reason}: let a changed package in."""
    call.caller.need("tool:admin")
    text_field(call.body, "reason", most=4096, required=True, message="A reason is required")
    if not await store.accept(call.service, call.params["name"]):
        raise not_found()
    return Answer({"tool_name": call.params["name"], "status": "installed"})


async def remove(call: Call) -> Answer:
    """POST /signing/installed/{name}/remove."""
    call.caller.need("tool:admin")
    if not await store.remove(call.service, call.params["name"]):
        raise not_found()
    return Answer({"tool_name": call.params["name"], "status": "removed"})

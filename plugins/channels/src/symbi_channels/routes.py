"""`/api/v1/channels`: administrators only, except for the platforms' own requests, which carry signatures."""

from __future__ import annotations

from typing import Any, cast

from litestar import MediaType, Request, Response, delete, get, post, put

from symbi.contracts.channels import ChannelService, HookRequest, SentMessage
from symbi.contracts.errors import CapacityExceeded, InvalidRequest, NotFound
from symbi.contracts.principal import Principal
from symbi.http import read_limit, require_admin
from symbi.kernel.services import Services
from symbi_channels import records
from symbi_channels.service import Channels
from symbi_channels.views import mapping_view, summary
from symbi_channels.wire import NewChannel, NewConfig, NewMapping, NewMessage

__all__ = ["HANDLERS"]

_ADMIN: list[Any] = [require_admin]


def _channels(services: Services) -> Channels:
    return cast("Channels", services.get(ChannelService))


@get("/channels", guards=_ADMIN)
async def list_channels(services: Services) -> list[dict[str, str]]:
    """List the channels."""
    return [dict(each) for each in await _channels(services).summaries()]


@post("/channels", status_code=200, guards=_ADMIN)
async def register_channel(data: NewChannel, principal: Principal, services: Services) -> dict[str, str]:
    """Register a channel; it does not run before it is started."""
    return summary(
        await _channels(services).editor.register(data.name, data.platform, data.config, principal=principal)
    )


@get("/channels/{channel_id:str}", guards=_ADMIN)
async def show_channel(channel_id: str, services: Services) -> dict[str, Any]:
    """Return one channel, its secrets left out."""
    return await _channels(services).views.detail(channel_id)


@put("/channels/{channel_id:str}", guards=_ADMIN)
async def update_channel(channel_id: str, data: NewConfig, principal: Principal, services: Services) -> dict[str, Any]:
    """Replace the configuration; secrets left out keep their value, and a running channel is opened anew."""
    channels = _channels(services)
    row = await channels.editor.update(channel_id, data.config, principal=principal)
    return await channels.views.detail(row.id)


@delete("/channels/{channel_id:str}", status_code=200, guards=_ADMIN)
async def delete_channel(channel_id: str, principal: Principal, services: Services) -> dict[str, Any]:
    """Stop and delete a channel."""
    return {"id": await _channels(services).editor.delete(channel_id, principal=principal), "deleted": True}


@post("/channels/{channel_id:str}/start", status_code=200, guards=_ADMIN)
async def start_channel(channel_id: str, principal: Principal, services: Services) -> dict[str, str]:
    """Start a channel; 409 when it runs already."""
    row = await _channels(services).fleet.start(channel_id, principal=principal)
    return {"id": row.id, "action": "started", "status": "ok"}


@post("/channels/{channel_id:str}/stop", status_code=200, guards=_ADMIN)
async def stop_channel(channel_id: str, principal: Principal, services: Services) -> dict[str, str]:
    """Stop a channel; 409 when it does not run."""
    row = await _channels(services).fleet.stop(channel_id, principal=principal)
    return {"id": row.id, "action": "stopped", "status": "ok"}


@get("/channels/{channel_id:str}/health", guards=_ADMIN)
async def channel_health(channel_id: str, services: Services) -> dict[str, Any]:
    """Probe the platform (the answer may be some seconds old)."""
    return await _channels(services).views.health(channel_id)


@get("/channels/{channel_id:str}/mappings", guards=_ADMIN)
async def list_mappings(channel_id: str, services: Services) -> list[dict[str, Any]]:
    """List who people of the platform are here."""
    channel, rows = await _channels(services).people.all(channel_id)
    return [mapping_view(channel, row) for row in rows]


@post("/channels/{channel_id:str}/mappings", status_code=200, guards=_ADMIN)
async def add_mapping(channel_id: str, data: NewMapping, principal: Principal, services: Services) -> dict[str, Any]:
    """Map a person of the platform; 409 when the person is mapped."""
    return mapping_view(*await _channels(services).people.add(channel_id, data, principal=principal))


@delete("/channels/{channel_id:str}/mappings/{user_id:str}", guards=_ADMIN)
async def remove_mapping(channel_id: str, user_id: str, principal: Principal, services: Services) -> None:
    """Forget who a person is."""
    await _channels(services).people.remove(channel_id, user_id, principal=principal)


@get("/channels/{channel_id:str}/audit", guards=_ADMIN)
async def channel_audit(request: Request[Any, Any, Any], channel_id: str, services: Services) -> dict[str, Any]:
    """Return what happened in a channel, newest first; `?before=` is the `seq` of the last record seen."""
    text = request.query_params.get("before", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidRequest("before must be a sequence number", details={"field": "before", "source": "query"})
    return await _channels(services).views.audit(channel_id, limit=read_limit(request, default=50), before=int(text))


@post("/channels/{channel_id:str}/messages", status_code=200, guards=_ADMIN)
async def send_message(channel_id: str, data: NewMessage, principal: Principal, services: Services) -> SentMessage:
    """Send one message; `queued` when the platform has not taken it within some seconds, 409 when the channel does not run."""
    return await _channels(services).post(
        channel_id, data.text, principal=principal, target=data.target or "", thread=data.thread_id or ""
    )


@post("/channels/{channel_id:str}/hooks/{name:str}", status_code=200, opt={"auth": "open"}, media_type=MediaType.TEXT)
async def platform_hook(
    request: Request[Any, Any, Any], channel_id: str, name: str, services: Services
) -> Response[bytes]:
    """Take a request of the platform; it is checked by its signature, and answered before an agent acts."""
    channels = _channels(services)
    body = await request.body()
    if len(body) > channels.hub.config.max_hook_bytes:
        return _plain(413, "the body is too large")
    row = await channels.context.store.read(records.find, channel_id)
    if not row.wanted or row.status != "running":
        raise NotFound(f"no channel {channel_id!r} listens", code="CHANNEL_NOT_FOUND")
    runner = await channels.fleet.opened(row)
    headers = {key.lower(): value for key, value in request.headers.items()}
    asked = HookRequest(name=name, headers=headers, body=body, query=dict(request.query_params.items()))
    try:
        reply = await runner.channel.handle(asked, runner.accept)
    except CapacityExceeded as error:
        return _plain(503, error.message)
    return Response(reply.body, status_code=reply.status, media_type=reply.content_type)


def _plain(status: int, text: str) -> Response[bytes]:
    return Response(text.encode(), status_code=status, media_type="text/plain; charset=utf-8")


HANDLERS = [
    list_channels,
    register_channel,
    show_channel,
    update_channel,
    delete_channel,
    start_channel,
    stop_channel,
    channel_health,
    list_mappings,
    add_mapping,
    remove_mapping,
    channel_audit,
    send_message,
    platform_hook,
]

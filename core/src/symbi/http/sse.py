"""Server-sent events: ids to resume from, a heartbeat while nothing happens, and an end when the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec
from litestar.response import Stream

from symbi.contracts.errors import InvalidRequest

if TYPE_CHECKING:
    from litestar.connection import Request

__all__ = ["ServerEvent", "event_stream", "last_event_id"]

HEARTBEAT_SECONDS = 15.0


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `data` becomes one line of JSON, `id` is what a client sends back as `Last-Event-ID`."""

    data: Any
    id: int | str | None = None
    event: str | None = None

    def encode(self) -> bytes:
        """Return the event as it goes over the wire; line breaks in `id` and `event` are dropped."""
        lines = [
            f"{name}: {_one_line(value)}\n".encode()
            for name, value in (("id", self.id), ("event", self.event))
            if value is not None
        ]
        return b"".join([*lines, b"data: ", msgspec.json.encode(self.data), b"\n\n"])


def last_event_id(request: Request[Any, Any, Any]) -> int:
    """Return the number in `Last-Event-ID` (or `?after=`), 0 where there is none; raises `InvalidRequest` for anything else."""
    text = request.headers.get("last-event-id") or str(request.query_params.get("after") or "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidRequest(
            "Last-Event-ID must be a whole number", details={"field": "Last-Event-ID", "reason": "whole number"}
        )
    return int(text)


def event_stream(
    request: Request[Any, Any, Any], events: AsyncIterator[ServerEvent], *, heartbeat_seconds: float = HEARTBEAT_SECONDS
) -> Stream:
    """Return the response that sends the events as they come; `events` is closed when the client goes or the server stops."""
    stopping: asyncio.Event = request.app.state.stopping
    return Stream(
        _lines(events, stopping, heartbeat_seconds),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _lines(
    events: AsyncIterator[ServerEvent], stopping: asyncio.Event, heartbeat_seconds: float
) -> AsyncIterator[bytes]:
    yield b": open\n\n"
    iterator = aiter(events)
    stop = asyncio.ensure_future(stopping.wait())
    following: asyncio.Future[ServerEvent] | None = None
    waiting: set[asyncio.Future[Any]]
    try:
        while True:
            following = following or asyncio.ensure_future(_next(iterator))
            waiting = {following, stop}
            await asyncio.wait(waiting, timeout=heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                try:
                    event = following.result()
                except StopAsyncIteration:
                    return
                following = None
                yield event.encode()
            elif stop.done():
                return
            else:
                yield b": still here\n\n"
    finally:
        stop.cancel()
        await _close(iterator, following)


async def _next(iterator: AsyncIterator[ServerEvent]) -> ServerEvent:
    return await anext(iterator)


async def _close(iterator: AsyncIterator[ServerEvent], following: asyncio.Future[ServerEvent] | None) -> None:
    if following is not None:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()


def _one_line(value: int | str) -> str:
    return str(value).replace("\r", "").replace("\n", "").replace("\0", "")

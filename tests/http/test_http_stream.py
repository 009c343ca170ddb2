"""Server-sent events: ids, heartbeats, resuming, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request, get
from litestar.response import Stream

from symbi.contracts.errors import NotFound
from symbi.http import ServerEvent, event_stream, last_event_id
from symbi.http.sse import _lines

CLOSED: list[str] = []


@get("/numbers", opt={"auth": "open"})
async def numbers(request: Request[Any, Any, Any]) -> Stream:
    async def follow(after: int) -> AsyncIterator[ServerEvent]:
        for number in range(after + 1, 4):
            yield ServerEvent(id=number, event="number", data={"n": number})

    return event_stream(request, follow(last_event_id(request)))


@get("/missing", opt={"auth": "open"})
async def missing() -> Stream:
    raise NotFound("no such run")


async def test_events_carry_ids_and_resume(make_client: Any) -> None:
    async with make_client([numbers, missing]) as client:
        whole = await client.get("/api/v1/numbers")
        assert whole.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert whole.headers["cache-control"] == "no-store"
        assert whole.text == ": open\n\n" + "".join(f'id: {n}\nevent: number\ndata: {{"n":{n}}}\n\n' for n in (1, 2, 3))
        later = await client.get("/api/v1/numbers", headers={"Last-Event-ID": "2"})
        assert later.text == ': open\n\nid: 3\nevent: number\ndata: {"n":3}\n\n'
        assert (await client.get("/api/v1/numbers?after=2")).text == later.text
        assert (await client.get("/api/v1/numbers", headers={"Last-Event-ID": "x"})).status_code == 400
        assert (await client.get("/api/v1/missing")).json()["code"] == "NOT_FOUND"


async def silent() -> AsyncIterator[ServerEvent]:
    try:
        await asyncio.Event().wait()
        yield ServerEvent(data=None)
    finally:
        CLOSED.append("closed")


async def test_heartbeats_while_nothing_happens_and_an_end_when_the_server_stops() -> None:
    CLOSED.clear()
    stopping = asyncio.Event()
    lines = _lines(silent(), stopping, 0.01)
    assert [await anext(lines) for _ in range(3)] == [b": open\n\n", b": still here\n\n", b": still here\n\n"]
    stopping.set()
    with pytest.raises(StopAsyncIteration):
        while True:
            await anext(lines)
    assert CLOSED == ["closed"]


async def test_source_is_closed_when_the_client_goes() -> None:
    CLOSED.clear()
    lines = _lines(silent(), asyncio.Event(), 0.01)
    for _ in range(3):
        await anext(lines)
    await lines.aclose()  # type: ignore[attr-defined]  # an async generator
    assert CLOSED == ["closed"]


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_an_event_is_always_one_event(id_: str, event: str, data: dict[str, str]) -> None:
    lines = ServerEvent(id=id_, event=event, data=data).encode().decode().split("\n")
    assert [line.partition(":")[0] for line in lines] == ["id", "event", "data", "", ""]

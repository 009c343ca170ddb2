"""Events: signed webhooks at least once, server-sent events that resume (toolreview.md §1.3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import select

from symbi_review.tables import EVENTS
from symbi_review.webhooks import sign_delivery


@asynccontextmanager
async def receiver(answers: list[int]) -> AsyncIterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A small HTTP server on loopback that keeps what it gets."""
    got: list[tuple[dict[str, str], bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        got.append((headers, body))
        status = answers.pop(0) if answers else 200
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", got


async def test_webhooks_are_signed_and_tried_again(make_desk: Any) -> None:
    async with (
        receiver([500]) as (url, got),
        make_desk(webhooks=[{"url": url, "secret": "hook-secret", "events": ["tool.signed"]}]) as desk,
    ):
        review_id = await desk.submit()
        await desk.until(review_id, "signed")
        for _ in range(200):
            if len(got) >= 2:
                break
            await asyncio.sleep(0.05)
        headers, body = got[-1]
        assert headers["x-symbi-event"] == "tool.signed"
        assert headers["x-symbi-signature"] == sign_delivery("hook-secret", headers["x-symbi-timestamp"], body)
        assert json.loads(body)["id"] == headers["x-symbi-delivery"] == got[0][0]["x-symbi-delivery"]
        assert json.loads(body)["review_id"] == review_id


async def test_the_outbox_tells_the_story_in_order(desk: Any) -> None:
    review_id = await desk.submit()
    await desk.until(review_id, "signed")
    kinds = await desk.service.store.read(
        lambda c: [k for (k,) in c.execute(select(EVENTS.c.type).order_by(EVENTS.c.seq))]
    )
    assert kinds == ["tool.submitted", "analysis.completed", "tool.approved", "tool.signed"]


async def test_streams_resume_where_they_ended(desk: Any) -> None:
    from symbi_review.api.answers import Call
    from symbi_review.api.watching import _events

    review_id = await desk.submit()
    await desk.until(review_id, "signed")
    call = Call(service=desk.service, caller=None, params={}, query={}, body={}, headers={}, request=None)  # type: ignore[arg-type]
    stream = _events(call, review_id, 2)
    first = await anext(stream)
    assert (first.id, first.event) == (3, "tool.approved")
    await stream.aclose()  # type: ignore[attr-defined]

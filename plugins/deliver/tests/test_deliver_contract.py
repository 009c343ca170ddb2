"""Every target of this plugin passes the contract of delivery targets, against real servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from symbi.testing.delivery import DeliveryTargetContract


class TestFile(DeliveryTargetContract):
    plugin = "symbi_deliver.plugin"
    name = "file"

    @pytest.fixture
    def config(self) -> dict[str, Any]:
        return {"path": "results/all.jsonl"}


class TestStdout(DeliveryTargetContract):
    plugin = "symbi_deliver.plugin"
    name = "stdout"


class TestWebhook(DeliveryTargetContract):
    plugin = "symbi_deliver.plugin"
    name = "webhook"
    tables = {"deliver": {"allow_private_hosts": True}}

    @pytest_asyncio.fixture
    async def config(self) -> AsyncIterator[dict[str, Any]]:  # type: ignore[override]
        async with await asyncio.start_server(_answer, "127.0.0.1", 0) as server:
            yield {"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"}


class TestEmail(DeliveryTargetContract):
    plugin = "symbi_deliver.plugin"
    name = "email"

    @pytest_asyncio.fixture
    async def config(self) -> AsyncIterator[dict[str, Any]]:  # type: ignore[override]
        async with await asyncio.start_server(_mail, "127.0.0.1", 0) as server:
            own = {"smtp_host": "127.0.0.1", "smtp_port": server.sockets[0].getsockname()[1], "smtp_security": "none"}
            self.tables = {"deliver": {**own, "smtp_from": "symbi@example.org", "allow_private_hosts": True}}
            yield {"to": ["you@example.org"]}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    await reader.readexactly(length)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def _mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 ready\r\n")
    data = False
    while line := await reader.readline():
        if data:
            data = line != b".\r\n"
            if not data:
                writer.write(b"250 taken\r\n")
            continue
        data = line.upper().startswith(b"DATA")
        writer.write(b"354 go\r\n" if data else b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")
    writer.close()

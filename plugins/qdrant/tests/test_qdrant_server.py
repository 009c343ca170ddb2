"""A server that is down, refuses, hangs or needs a key: a loopback stand-in speaks just enough of Qdrant's REST for that (CTX-9)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from symbi.contracts.vectors import VectorBackendFailed, VectorRecord
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.vectors import a_scope, a_vector
from symbi_qdrant import plugin

KEY = "a-very-secret-qdrant-key"


@asynccontextmanager
async def a_server(answer):
    """Serve `answer(method, path) -> (status, body) | None` (None = hang) and collect what was asked."""
    asked = []

    async def serve(reader, writer):
        try:
            while line := (await reader.readline()).decode():
                method, path, _ = line.split()
                headers = {}
                while header := (await reader.readline()).decode().strip():
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                await reader.readexactly(int(headers.get("content-length", 0)))
                asked.append((method, path, headers))
                found = answer(method, path)
                if found is None:
                    await asyncio.sleep(60)
                status, body = found
                text = json.dumps(body).encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                    % (status, len(text))
                    + text
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


@asynccontextmanager
async def opened(make_kernel, url, *, environ=None, **settings):
    tables = {"plugins": {"qdrant": {"url": url, **settings}}}
    async with (
        make_kernel([plugin], tables=tables, environ=environ) as kernel,
        kernel.open(VECTOR_BACKENDS, "qdrant") as store,
    ):
        yield store


async def test_ctx_9_a_server_that_is_down_is_an_error_and_shows_in_health(make_kernel):
    async with opened(make_kernel, "http://127.0.0.1:9") as store:
        with pytest.raises(VectorBackendFailed, match="check the server"):
            await store.ensure("c", dimension=16, model="m")
        with pytest.raises(VectorBackendFailed):
            await store.upsert("c", [VectorRecord(id="x", vector=a_vector(1))], scope=a_scope())
        with pytest.raises(VectorBackendFailed):
            await store.search("c", a_vector(1), scope=a_scope(), limit=1)
        assert (await store.health()).state == "unhealthy"


async def test_the_key_is_sent_and_never_shown(make_kernel):
    async with a_server(lambda method, path: (401, {"status": {"error": "Invalid API key"}})) as (url, asked):
        async with opened(make_kernel, url, environ={"QDRANT_API_KEY": KEY}) as store:
            with pytest.raises(VectorBackendFailed) as caught:
                await store.ensure("c", dimension=16, model="m")
            health = await store.health()
        assert asked[0][2]["api-key"] == KEY
        assert KEY not in f"{caught.value} {caught.value.details} {health}"
        assert "401" in str(caught.value)


async def test_a_server_that_hangs_is_given_up(make_kernel):
    async with a_server(lambda method, path: None) as (url, _), opened(make_kernel, url, timeout_seconds=1) as store:
        with pytest.raises(VectorBackendFailed):
            async with asyncio.timeout(5):
                await store.ensure("c", dimension=16, model="m")


async def test_qdrant_url_wins_over_the_settings(make_kernel):
    async with a_server(lambda method, path: (200, {"result": {"exists": False}})) as (url, asked):
        async with opened(make_kernel, "http://127.0.0.1:9", environ={"QDRANT_URL": url}) as store:
            assert await store.info("c") is None
        assert asked


async def test_a_foreign_collection_is_not_touched(make_kernel):
    def answer(method, path):
        return 200, {"result": {"exists": "__symbi" not in path}}

    async with a_server(answer) as (url, asked), opened(make_kernel, url) as store:
        with pytest.raises(VectorBackendFailed, match="not made by Symbi"):
            await store.ensure("c", dimension=16, model="m")
        assert all(method == "GET" for method, _, _ in asked)


def test_ctx_61_opening_the_backend_imports_no_library(tmp_path):
    code = f"""
import asyncio, sys
from pathlib import Path
from symbi_qdrant import plugin
from symbi.kernel.points import VECTOR_BACKENDS
from symbi.testing.kernels import open_kernel
async def main():
    async with open_kernel(Path({str(tmp_path)!r}), [plugin]) as kernel, kernel.open(VECTOR_BACKENDS, "qdrant"):
        pass
asyncio.run(main())
assert not {{"qdrant_client", "grpc", "numpy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)

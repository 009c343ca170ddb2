"""A run that waits for a person: held, approved with an edit, gone on after a restart (issue "Approvals", RSN-61)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from symbi.contracts.principal import LOCAL_ADMIN
from symbi.http.app import create_app
from symbi.http.entry import act_as

PLUGINS = [
    f"symbi_{name}.plugin"
    for name in ("policy", "cedar", "approvals", "audit", "agents", "runs", "process", "tools", "dsl")
]
POLICY = """
@id("writes-wait")
@obligation("approval:operators")
permit (principal == Symbi::Agent::"writer", action == Symbi::Action::"tool_call::write_file", resource);
"""
WRITER = """
metadata { version = "1.0", description = "writes a file" }
agent writer {
    capabilities = ["write_file"]
    with timeout = 60s {
        let written = write_file("a.txt", "hello");
        return written
    }
}
"""


@pytest.fixture
def server(make_kernel: Any, tmp_path: Path) -> Any:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "writer.cedar").write_text(POLICY)
    tables = {"policy": {"directory": str(tmp_path / "policies"), "watch": False}}

    @asynccontextmanager
    async def build() -> AsyncIterator[httpx.AsyncClient]:
        async with make_kernel(PLUGINS, tables=tables) as kernel:
            transport = httpx.ASGITransport(act_as(create_app(kernel, host="127.0.0.1"), LOCAL_ADMIN))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1", timeout=20) as client:
                yield client

    return build


async def started(client: httpx.AsyncClient) -> str:
    created = await client.post("/agents", json={"name": "writer", "dsl": WRITER})
    assert created.status_code == 200, created.text
    run = await client.post(f"/agents/{created.json()['id']}/execute", json={})
    assert run.status_code == 200, run.text
    return str(run.json()["execution_id"])


async def pending(client: httpx.AsyncClient) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while not (found := (await client.get("/approvals?status=pending")).json()):
            await asyncio.sleep(0.05)
    return dict(found[0])


async def ended(client: httpx.AsyncClient, run_id: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (run := (await client.get(f"/runs/{run_id}")).json())["status"] not in (
            "completed",
            "failed",
            "terminated",
            "lost",
        ):
            await asyncio.sleep(0.05)
    return dict(run)


async def test_approved_with_an_edit(server: Any) -> None:
    async with server() as client:
        run_id = await started(client)
        held = await pending(client)
        assert held["run_id"] == run_id
        assert held["arguments"] == {"path": "a.txt", "content": "hello"}
        refused = await client.post(f"/approvals/{held['id']}/approve", json={"arguments": {"bogus": 1}})
        assert refused.status_code == 400
        edited = {"path": "b.txt", "content": "edited"}
        assert (await client.post(f"/approvals/{held['id']}/approve", json={"arguments": edited})).status_code == 200
        run = await ended(client, run_id)
        assert (run["status"], run["result"]) == ("completed", {"path": "b.txt", "bytes": 6})


async def test_denied_fails_the_run(server: Any) -> None:
    async with server() as client:
        run_id = await started(client)
        held = await pending(client)
        await client.post(f"/approvals/{held['id']}/deny", json={"reason": "not today"})
        run = await ended(client, run_id)
        assert (run["status"], run["error"]["code"]) == ("failed", "policy_denied")
        assert "not today" in run["error"]["message"]


async def test_a_run_that_waited_goes_on_after_a_restart(server: Any) -> None:
    async with server() as client:
        run_id = await started(client)
        held = await pending(client)
    async with server() as client:
        assert (await client.get(f"/approvals/{held['id']}")).json()["status"] == "pending"
        await client.post(f"/approvals/{held['id']}/approve")
        run = await ended(client, run_id)
        assert (run["status"], run["result"]) == ("completed", {"path": "a.txt", "bytes": 5})

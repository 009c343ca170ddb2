"""`GET /api/v1/audit` over the real application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from symbi.contracts.audit import AuditLog
from symbi.http.app import create_app
from symbi.testing.kernels import open_kernel

TOKEN = "a-long-enough-token-0123456789"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with open_kernel(tmp_path, ["symbi_audit.plugin"], environ={"API_AUTH_TOKEN": TOKEN}) as kernel:
        log = kernel.services.get(AuditLog)
        for number in range(5):
            await log.append("policy.decision", principal="user:ann", subject=f"tool:{number}", outcome="allow")
        transport = httpx.ASGITransport(create_app(kernel), client=("127.0.0.1", 50000))  # type: ignore[arg-type]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8080/api/v1", headers=headers
        ) as client:
            yield client


async def test_pages_go_through_the_whole_log(client: httpx.AsyncClient) -> None:
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        answer = await client.get("/audit", params={"after": after, "limit": 2})
        assert answer.status_code == 200, answer.text
        seen += [record["seq"] for record in answer.json()["records"]]
        after = answer.json()["next"]
    assert seen == list(range(1, 7))


async def test_filters_and_newest_first(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/audit", params={"kind": "policy", "actor": "user:ann", "newest_first": True, "limit": 2}
    )
    assert [record["subject"] for record in answer.json()["records"]] == ["tool:4", "tool:3"]
    assert (await client.get("/audit", params={"subject": "tool:3"})).json()["next"] is None


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "1001"}, {"after": "-1"}, {"after": "x"}])
async def test_bad_parameters_are_400(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await client.get("/audit", params=params)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error", "code", "details"}


async def test_the_log_needs_a_credential(client: httpx.AsyncClient) -> None:
    assert (await client.get("/audit", headers={"Authorization": ""})).status_code == 401

"""`/api/v1/approvals` and `symbi approvals` (runtime-api.md §1.6, A-01, F-07)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from symbi.cli.state import CliState
from symbi.contracts.approvals import Approvals
from symbi.contracts.policy import AgentFacts, PolicyRequest
from symbi.contracts.principal import LOCAL_ADMIN, Principal
from symbi.http.app import create_app
from symbi.http.entry import act_as
from symbi.kernel.kernel import Kernel
from symbi.testing.kernels import closed_manager, test_settings
from symbi_approvals.cli import approvals as command

PLUGIN = "symbi_approvals.plugin"
SCOPED = Principal(id="key:a", kind="key", agents=frozenset({"a1"}))


async def held(kernel: Any, call_id: str = "c1") -> str:
    request = PolicyRequest(
        principal=Principal(id="key:asker", kind="key"), action="delegate", target="bob", agent=AgentFacts(id="a1"),
        arguments={"message": "hi"}, run_id="r", call_id=call_id,
    )  # fmt: skip
    found = await kernel.services.get(Approvals).hold(request, reason="why", group="operators", policy_revision="p")
    return str(found.id)


@asynccontextmanager
async def client_of(kernel: Any, principal: Principal = LOCAL_ADMIN) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(act_as(create_app(kernel, host="127.0.0.1"), principal), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as client:
        yield client


async def test_list_show_approve_deny(make_kernel: Any) -> None:
    async with make_kernel([PLUGIN]) as kernel, client_of(kernel) as client:
        first, second = await held(kernel), await held(kernel, "c2")
        listed = (await client.get("/approvals")).json()
        assert {each["id"] for each in listed} == {first, second}
        assert {
            "id",
            "agent_id",
            "kind",
            "summary",
            "reason",
            "context_snapshot",
            "created_at",
            "expires_at",
            "status",
        } <= set(listed[0])
        assert listed[0]["kind"] == "delegate"
        done = await client.post(f"/approvals/{first}/approve")
        assert (done.status_code, done.json()["status"]) == (200, "approved")
        done = await client.post(f"/approvals/{second}/deny", json={"reason": "no"})
        assert (done.status_code, done.json()["status"], done.json()["resolution_reason"]) == (200, "denied", "no")
        assert (await client.get(f"/approvals/{first}")).json()["votes"][0]["principal"] == "local"
        assert [each["id"] for each in (await client.get("/approvals?status=denied")).json()] == [second]


async def test_the_codes_of_the_specification(make_kernel: Any) -> None:
    async with make_kernel([PLUGIN]) as kernel, client_of(kernel) as client:
        missing = await client.post("/approvals/0123456789abcdef/approve")
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        first = await held(kernel)
        await client.post(f"/approvals/{first}/deny")
        for answer in ("approve", "deny"):
            again = await client.post(f"/approvals/{first}/{answer}")
            assert (again.status_code, again.json()["code"]) == (409, "already_resolved")
        for body in ({"reason": 1}, {"arguments": [1]}, {"unknown": 1}):
            assert (await client.post(f"/approvals/{first}/approve", json=body)).status_code == 400
        assert (await client.get("/approvals?status=maybe")).status_code == 400
        assert (await client.get("/approvals?limit=0")).status_code == 400


async def test_a_01_f_07_a_scoped_key_sees_and_decides_nothing(make_kernel: Any) -> None:
    async with make_kernel([PLUGIN]) as kernel, client_of(kernel, SCOPED) as client:
        first = await held(kernel)
        for method, path in (
            ("GET", ""),
            ("GET", f"/{first}"),
            ("POST", f"/{first}/approve"),
            ("POST", f"/{first}/deny"),
        ):
            answer = await client.request(method, f"/approvals{path}")
            assert (answer.status_code, answer.json()["code"]) == (403, "ADMIN_REQUIRED")


async def test_two_clients_at_once(make_kernel: Any) -> None:
    async with make_kernel([PLUGIN]) as kernel, client_of(kernel) as one, client_of(kernel) as two:
        first = await held(kernel)
        answers = await asyncio.gather(*(each.post(f"/approvals/{first}/approve") for each in (one, two, one, two)))
        assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]


async def test_an_edit_over_http(make_kernel: Any) -> None:
    async with make_kernel([PLUGIN]) as kernel, client_of(kernel) as client:
        first = await held(kernel)
        done = await client.post(f"/approvals/{first}/approve", json={"arguments": {"message": "bye"}})
        assert done.json()["edited"] is True
        assert await kernel.services.get(Approvals).arguments_of(first) == {"message": "bye"}


@pytest.fixture
def run(tmp_path: Path) -> Any:
    settings = test_settings(tmp_path)

    def call(*arguments: str) -> Any:
        state = CliState()
        state.__dict__.update(settings=settings, manager=closed_manager(PLUGIN))
        return CliRunner().invoke(command, list(arguments), obj=state)

    return call


def test_commands_work_on_the_store_without_a_server(run: Any, tmp_path: Path) -> None:
    async def prepare() -> list[str]:
        async with Kernel(test_settings(tmp_path), manager=closed_manager(PLUGIN)) as kernel:
            return [await held(kernel, str(number)) for number in range(2)]

    first, second = asyncio.run(prepare())
    listed = json.loads(run("list", "--status", "pending", "--json").stdout)
    assert {each["id"] for each in listed["approvals"]} == {first, second}
    assert "delegate::bob" in run("show", first).stdout
    approved = run("approve", first, "--arguments", '{"message": "x"}')
    assert approved.exit_code == 0
    assert f"{first} is approved" in approved.stdout
    assert json.loads(run("deny", second, "--reason", "no", "--json").stdout)["status"] == "denied"
    again = run("deny", second)
    assert again.exit_code == 1
    assert "already_resolved" in again.stderr
    assert run("approve", first, "--arguments", "{").exit_code == 2
    assert run("show", "nothing").exit_code == 1

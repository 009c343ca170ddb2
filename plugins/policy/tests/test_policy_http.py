"""`/api/v1/policy` over the application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from symbi.contracts.principal import LOCAL_ADMIN, Principal
from symbi.http.app import create_app
from symbi.http.entry import act_as
from symbi.testing.policy import Rule

CLOCK = Rule(id="clock", effect="permit", agent="hello", tool="clock")
SCOPED = Principal(id="key:a", kind="key", agents=frozenset({"x"}))


@asynccontextmanager
async def client_of(kernel: Any, principal: Principal = LOCAL_ADMIN) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(act_as(create_app(kernel, host="127.0.0.1"), principal), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api/v1") as client:
        yield client


async def test_status_and_evaluate(house: Any) -> None:
    async with house(CLOCK) as h, client_of(h.kernel) as client:
        status = (await client.get("/policy")).json()
        assert (status["state"], status["engine"], status["insecure"]) == ("enforcing", "reference", False)
        assert status["revision"] == h.gate.revision
        assert status["files"][0]["path"] == "rules.json"
        answer = await client.post("/policy/evaluate", json={"tool_name": "clock", "agent": "hello"})
        assert answer.status_code == 200
        assert answer.json()["decision"] == "allow"
        assert answer.json()["revision"] == h.gate.revision
        other = await client.post("/policy/evaluate", json={"tool_name": "clock", "agent": "other"})
        assert other.json()["decision"] == "deny"
        assert h.audit.records == []
        assert (await client.post("/policy/evaluate", json={"tool_name": 5})).status_code == 400


async def test_reload_and_rollback(house: Any) -> None:
    async with house(CLOCK) as h, client_of(h.kernel) as client:
        first = h.gate.revision
        h.write(Rule(id="other", effect="permit"))
        assert (await client.post("/policy/reload")).json()["revision"] != first
        (h.directory / "bad.json").write_text("[")
        refused = await client.post("/policy/reload")
        assert (refused.status_code, refused.json()["code"]) == (400, "POLICY_INVALID")
        assert (await client.get("/policy")).json()["errors"][0]["path"] == "bad.json"
        assert (await client.post("/policy/rollback", json={})).json()["revision"] == first
        history = (await client.get("/policy/history")).json()["sets"]
        assert [each["author"] for each in history] == ["local", "local", "start"]
        assert (await client.post("/policy/rollback", json={"revision": "zz"})).status_code == 404


async def test_status_warns_of_tools_that_nobody_provides(house: Any) -> None:
    from symbi.contracts.tools import ToolService, ToolSpec

    class Tools:
        async def list(self) -> list[ToolSpec]:
            return [ToolSpec(name="search", description="", parameters={})]

    async with house(CLOCK) as h, client_of(h.kernel) as client:
        h.gate.sets.actions = ("tool_call::serach", "tool_call::search", "respond")
        assert (await client.get("/policy")).json()["warnings"] == []
        h.kernel.services.provide(ToolService, Tools(), plugin="test")
        (warning,) = (await client.get("/policy")).json()["warnings"]
        assert warning["message"] == "no tool is called 'serach'; did you mean 'search'?"


async def test_a_scoped_key_learns_nothing(house: Any) -> None:
    async with house(CLOCK) as h, client_of(h.kernel, SCOPED) as client:
        for method, path in (
            ("GET", "/policy"),
            ("POST", "/policy/evaluate"),
            ("POST", "/policy/reload"),
            ("POST", "/policy/rollback"),
        ):
            assert (await client.request(method, path, json={})).status_code == 403

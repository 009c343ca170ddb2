"""`Idempotency-Key`: F-35 and decisions.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar import get, post

from symbi.contracts.errors import Conflict
from symbi.http.idempotency import CLAIM_SECONDS, _take
from symbi.testing.clock import FakeClock

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CALLS: list[Any] = []
GATE = asyncio.Event()


@post("/start", status_code=200, opt={"idempotent": True})
async def start(data: dict[str, Any], idempotency_key: str | None) -> dict[str, Any]:
    CALLS.append(idempotency_key)
    if data.get("wait"):
        await GATE.wait()
    if data.get("fail") and len(CALLS) == 1:
        raise (RuntimeError if data["fail"] == "bug" else Conflict)("not now")
    return {"number": len(CALLS)}


@post("/start/{name:str}", status_code=201, opt={"idempotent": True, "auth": "loopback"})
async def start_named(name: str) -> dict[str, Any]:
    CALLS.append(name)
    return {"number": len(CALLS)}


@post("/plain", status_code=200)
async def plain() -> dict[str, Any]:
    CALLS.append("plain")
    return {"number": len(CALLS)}


@get("/start", opt={"auth": "open"})
async def look() -> int:
    return len(CALLS)


HANDLERS = [start, start_named, plain, look]


@pytest.fixture(autouse=True)
def _clean() -> None:
    CALLS.clear()
    globals()["GATE"] = asyncio.Event()  # an event belongs to one loop, and every test has its own


def key(value: str = "k1") -> dict[str, str]:
    return {**BEARER, "Idempotency-Key": value}


async def test_f35_same_key_and_body_happens_once(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        first = await client.post("/api/v1/start", json={"a": 1}, headers=key())
        again = await client.post("/api/v1/start", json={"a": 1}, headers=key())
        assert first.json() == again.json() == {"number": 1}
        assert (again.status_code, again.headers["content-type"]) == (200, "application/json")
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert CALLS == ["k1"]


async def test_another_body_is_422(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        await client.post("/api/v1/start", json={"a": 1}, headers=key())
        other = await client.post("/api/v1/start", json={"a": 2}, headers=key())
        assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
        assert len(CALLS) == 1


async def test_while_the_first_runs_it_is_409(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        first = asyncio.ensure_future(client.post("/api/v1/start", json={"wait": True}, headers=key()))
        while not CALLS:
            await asyncio.sleep(0.01)
        busy = await client.post("/api/v1/start", json={"wait": True}, headers=key())
        assert (busy.status_code, busy.json()["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
        GATE.set()
        assert (await first).json() == {"number": 1}
        assert (await client.post("/api/v1/start", json={"wait": True}, headers=key())).json() == {"number": 1}


async def test_many_at_once_start_one(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        answers = await asyncio.gather(*(client.post("/api/v1/start", json={}, headers=key()) for _ in range(20)))
    assert len(CALLS) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}


async def test_keys_belong_to_a_principal_and_a_path(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        numbers = [
            (await client.post("/api/v1/start", json={}, headers=key())).json()["number"],
            (await client.post("/api/v1/start/a", json={}, headers=key())).json()["number"],
            (await client.post("/api/v1/start/b", json={}, headers=key())).json()["number"],
            (await client.post("/api/v1/start/b", json={}, headers={"Idempotency-Key": "k1"})).json()["number"],
        ]
        assert numbers == [1, 2, 3, 4]
        assert (await client.post("/api/v1/start/a", json={}, headers=key())).status_code == 201


@pytest.mark.parametrize("fault", ["bug", "conflict"])
async def test_an_error_frees_the_key(make_client: Any, fault: str) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.post("/api/v1/start", json={"fail": fault}, headers=key())).status_code in (409, 500)
        assert (await client.post("/api/v1/start", json={"fail": fault}, headers=key())).json() == {"number": 2}


@pytest.mark.parametrize("bad", ["", "x" * 256, "a b", "é"])
async def test_bad_keys_are_400(make_client: Any, bad: str) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.post(
            "/api/v1/start", json={}, headers={**BEARER, "Idempotency-Key": bad.encode("latin-1")}
        )
        assert (answer.status_code, answer.json()["details"]["field"]) == (400, "Idempotency-Key")


async def test_other_routes_do_not_look_at_the_key(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert [(await client.post("/api/v1/plain", headers=key())).json()["number"] for _ in range(2)] == [1, 2]


async def test_answers_survive_a_restart_and_end_after_their_time(make_client: Any) -> None:
    clock = FakeClock()
    async with make_client(HANDLERS, clock=clock) as client:
        await client.post("/api/v1/start", json={}, headers=key())
    async with make_client(HANDLERS, clock=clock) as client:
        assert (await client.post("/api/v1/start", json={}, headers=key())).headers["idempotency-replayed"] == "true"
        await clock.advance(25 * 3600)
        assert (await client.post("/api/v1/start", json={}, headers=key())).json() == {"number": 2}


async def test_a_claim_lives_while_its_holder_does_and_lapses_after(make_client: Any) -> None:
    clock = FakeClock()
    async with make_client(HANDLERS, clock=clock) as client:
        first = asyncio.ensure_future(client.post("/api/v1/start", json={"wait": True}, headers=key()))
        while not CALLS:
            await asyncio.sleep(0.01)
        for _ in range(6):
            await clock.advance(CLAIM_SECONDS / 3)
            await asyncio.sleep(0.05)
        assert (await client.post("/api/v1/start", json={"wait": True}, headers=key())).status_code == 409
        GATE.set()
        await first
        store, now = client.kernel.store, clock.now_ms()
        assert (await store.write(_take, "slot", "r", "dead", now, now + 10**8)).outcome == "claimed"
        assert (await store.write(_take, "slot", "r", "next", now + 1000, now + 10**8)).outcome == "busy"
        assert (
            await store.write(_take, "slot", "r", "next", now + CLAIM_SECONDS * 1000, now + 10**8)
        ).outcome == "claimed"

"""Limits: body size and time, JSON depth, rates, who the client is (runtime-api.md §3.2; A-17, A-21, A-22, F-01, F-21, F-27)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request, get, post

from symbi.contracts.errors import InvalidRequest
from symbi.http import read_count, read_limit, read_page
from symbi.http.buckets import Buckets
from symbi.http.clients import Clients, group_of
from symbi.http.requests import check_depth
from symbi.testing.clock import FakeClock

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CALLS: list[str] = []


@post("/echo", status_code=200)
async def echo(data: Any) -> Any:
    CALLS.append("echo")
    return data


@post("/small", status_code=200, request_max_body_size=100)
async def small(data: Any) -> Any:
    CALLS.append("small")
    return data


@post("/unread", status_code=200)
async def unread() -> str:
    CALLS.append("unread")
    return "done"


@get("/page")
async def page(request: Request[Any, Any, Any]) -> list[int]:
    return [read_limit(request), read_count(request), *read_page(request)]


HANDLERS = [echo, small, unread, page]


@pytest.fixture(autouse=True)
def _clean() -> None:
    CALLS.clear()


async def chunks(size: int, *, chunk: int = 1000) -> AsyncIterator[bytes]:
    yield b'"'
    for _ in range(size // chunk):
        yield b"x" * chunk
    yield b'"'


async def test_a17_large_bodies_are_413_before_the_handler(make_client: Any) -> None:
    async with make_client(HANDLERS, server={"max_body_bytes": 10_000}) as client:
        for path in ("/api/v1/echo", "/api/v1/unread"):
            answer = await client.post(path, content=b'"' + b"x" * 10_000 + b'"', headers=BEARER)
            assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
        assert CALLS == []
        assert (
            await client.post("/api/v1/echo", content=b'"' + b"x" * 9_998 + b'"', headers=BEARER)
        ).status_code == 200


async def test_chunked_bodies_are_counted_too(make_client: Any) -> None:
    async with make_client(HANDLERS, server={"max_body_bytes": 10_000}) as client:
        answer = await client.post("/api/v1/echo", content=chunks(20_000), headers=BEARER)
        assert (answer.status_code, answer.json()["details"]) == (413, {"limit_bytes": 10_000})
        assert (await client.post("/api/v1/echo", content=chunks(5_000), headers=BEARER)).status_code == 200


async def test_a_route_may_have_a_limit_of_its_own(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.post("/api/v1/small", content=b'"' + b"x" * 99 + b'"', headers=BEARER)).status_code == 413
        assert (await client.post("/api/v1/small", content=b'"' + b"x" * 98 + b'"', headers=BEARER)).status_code == 200
        assert (await client.post("/api/v1/echo", content=b'"' + b"x" * 99 + b'"', headers=BEARER)).status_code == 200


async def test_a_body_that_does_not_arrive_is_408(make_client: Any) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b'"'
        await asyncio.sleep(5)

    async with make_client(HANDLERS, server={"body_timeout_seconds": 0.1}) as client:
        answer = await client.post("/api/v1/echo", content=drip(), headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (408, "BODY_TIMEOUT")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"[" * 64 + b"]" * 64, 200), (b"[" * 65 + b"]" * 65, 400), (b"[" * 100_000, 400), (b'{"a":' * 5000, 400)],
)
async def test_depth_is_bounded(make_client: Any, body: bytes, status: int) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.post("/api/v1/echo", content=body, headers=BEARER)).status_code == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=30,
)


def depth_of(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


@given(JSON, st.integers(1, 5))
def test_depth_check_agrees_with_the_value(value: Any, most: int) -> None:
    body = json.dumps(value).encode()
    if depth_of(value) > most:
        with pytest.raises(InvalidRequest):
            check_depth(body, most=most)
    else:
        check_depth(body, most=most)


@given(st.binary(max_size=300))
def test_depth_check_takes_anything(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        check_depth(body, most=3)


async def test_no_rate_limit_on_loopback(make_client: Any) -> None:
    async with make_client() as client:
        assert {(await client.get("/api/v1/health")).status_code for _ in range(700)} == {200}


async def test_f21_elsewhere_600_a_minute_with_retry_after_and_free_liveness_and_preflight(make_client: Any) -> None:
    clock = FakeClock()
    async with make_client(server={"host": "0.0.0.0"}, peer="203.0.113.9", clock=clock) as client:
        statuses = [(await client.get("/api/v1/health")).status_code for _ in range(601)]
        assert statuses == [200] * 600 + [429]
        limited = await client.get("/api/v1/health")
        assert (limited.headers["retry-after"], limited.json()["code"]) == ("1", "RATE_LIMITED")
        assert (await client.get("/api/v1/health/live")).status_code == 200
        assert (await client.options("/api/v1/health")).status_code == 204
        await clock.advance(1)
        assert [(await client.get("/api/v1/health")).status_code for _ in range(11)] == [200] * 10 + [429]


async def test_a21_a_client_without_an_address_is_refused_where_rates_are_limited(make_client: Any) -> None:
    async with make_client(server={"rate_limit_per_minute": 10}) as client:
        client._transport.client = None  # httpx puts what it is given into the scope
        assert (await client.get("/api/v1/health")).json()["code"] == "CLIENT_UNKNOWN"


async def test_f01_forging_the_leftmost_hop_does_not_escape_the_limit(make_client: Any) -> None:
    async with make_client(server={"rate_limit_per_minute": 5, "trusted_proxies": ["127.0.0.1"]}) as client:
        statuses = [
            (await client.get("/api/v1/health", headers={"X-Forwarded-For": f"10.0.0.{n}, 203.0.113.9"})).status_code
            for n in range(6)
        ]
        assert statuses == [200] * 5 + [429]
        assert (await client.get("/api/v1/health", headers={"X-Forwarded-For": "203.0.113.10"})).status_code == 200


async def test_a21_headers_of_untrusted_peers_are_ignored(make_client: Any) -> None:
    async with make_client(server={"rate_limit_per_minute": 5}) as client:
        statuses = [
            (await client.get("/api/v1/health", headers={"X-Forwarded-For": f"10.0.0.{n}"})).status_code
            for n in range(6)
        ]
        assert statuses == [200] * 5 + [429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", b"203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", b"1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", b"10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", b"203.0.113.9, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("10.0.0.1", b"[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:10.0.0.1", b"203.0.113.9:1234", "203.0.113.9"),
        ("203.0.113.1", b"1.1.1.1", "203.0.113.1"),
        ("unix", b"1.1.1.1", "unix"),
    ],
)
def test_f01_rightmost_untrusted_hop(peer: str, forwarded: bytes, client: str) -> None:
    assert Clients(["10.0.0.0/8"]).address(peer, forwarded) == client


@given(st.binary(max_size=200))
def test_forwarded_headers_never_raise(value: bytes) -> None:
    assert Clients(["10.0.0.0/8"]).address("10.0.0.1", value)


def test_f21_ipv6_counts_by_64() -> None:
    assert group_of("2001:db8:1:2:3::4") == group_of("2001:db8:1:2:ffff::1") != group_of("2001:db8:1:3::1")
    assert group_of("203.0.113.9") == "203.0.113.9"
    assert group_of("::ffff:203.0.113.9") == "203.0.113.9"


def test_a22_the_table_is_bounded_and_a_flood_shares_one_bucket() -> None:
    now = [0.0]
    buckets = Buckets(burst=2, per_second=1, monotonic=lambda: now[0], capacity=3)
    assert [buckets.take(f"c{n}") for n in range(3)] == [0.0] * 3
    assert [buckets.take(f"flood{n}") > 0 for n in range(4)] == [False, False, True, True]
    assert len(buckets) == 3
    now[0] = 1.0
    assert buckets.take("newcomer") == 0.0
    assert len(buckets) == 3
    assert buckets.take("c2") == 0.0
    assert buckets.take("c2") == 0.0
    assert buckets.take("c2") > 0


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 3)), max_size=60), st.integers(1, 5))
def test_no_bucket_ever_gives_more_than_burst_and_rate(calls: list[tuple[str, float]], burst: int) -> None:
    now = [0.0]
    buckets = Buckets(burst=burst, per_second=1.0, monotonic=lambda: now[0], capacity=3)
    given_out: dict[str, int] = {}
    for key, pause in calls:
        now[0] += pause
        wait = buckets.take(key)
        assert 0.0 <= wait <= 1.0
        given_out[key] = given_out.get(key, 0) + (wait == 0.0)
    # a key may be forgotten only when its bucket is full again, so forgetting gives nothing away
    assert all(count <= 2 * (burst + now[0]) for count in given_out.values())
    assert len(buckets) <= 3


async def test_f27_page_bounds(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.get("/api/v1/page", headers=BEARER)).json() == [50, 5, 1, 20]
        assert (await client.get("/api/v1/page?limit=1000&count=1&page=3", headers=BEARER)).json() == [1000, 1, 3, 1000]
        for query in (
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=1.5",
            "count=1001",
            "page=0",
            "limit=٣",
            "limit=1e3",
        ):
            answer = await client.get(f"/api/v1/page?{query}", headers=BEARER)
            assert answer.status_code == 400, query
            assert answer.json()["details"]["field"] == query.split("=")[0]

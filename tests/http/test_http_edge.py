"""The outermost layer: security headers, host names, CORS, HEAD, OPTIONS, request ids, trace context (runtime-api.md §3.2-§3.5)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Response, get
from litestar.response import Stream

from symbi.contracts.errors import ConfigError
from symbi.http.hosts import HostGuard, split_host
from symbi.http.sending import SECURITY_HEADERS
from symbi.http.settings import ServerSettings, is_loopback
from symbi.http.tracing import begin_trace, current_request_id, current_traceparent, parse_traceparent

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@get("/trace", opt={"auth": "open"})
async def trace() -> dict[str, str | None]:
    return {"request_id": current_request_id(), "traceparent": current_traceparent()}


@get("/framed", opt={"auth": "open"})
async def framed() -> Response[str]:
    return Response("x", headers={"content-security-policy": "default-src 'none'", "cache-control": "max-age=60"})


@get("/endless", opt={"auth": "open"})
async def endless() -> Stream:
    async def lines() -> Any:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    return Stream(lines())


HANDLERS = [trace, framed, endless]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/api/v1/health", {}),
        ("GET", "/api/v1/nothing", {}),
        ("GET", "/api/v1/status", {}),
        ("GET", "/api/v1/health", {"Host": "evil.example"}),
        ("DELETE", "/api/v1/health", {}),
        ("OPTIONS", "/api/v1/health", {}),
        ("OPTIONS", "/api/v1/health", {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}),
        ("HEAD", "/api/v1/health", {}),
        ("GET", "/docs", {}),
    ],
)
async def test_security_headers_are_on_every_answer(make_client: Any, method: str, path: str, headers: Any) -> None:
    async with make_client() as client:
        answer = await client.request(method, path, headers=headers)
    for name, value in SECURITY_HEADERS:
        assert answer.headers[name.decode()] == value.decode()
    assert answer.headers["x-request-id"]
    assert answer.headers["traceparent"]
    assert "server" not in answer.headers


async def test_a_handler_keeps_the_headers_that_it_sets(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.get("/api/v1/framed")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert answer.headers.get_list("cache-control") == ["max-age=60"]
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.1.2.3", "localhost."]
)
async def test_loopback_names_are_admitted(make_client: Any, host: str) -> None:
    async with make_client() as client:
        assert (await client.get("/api/v1/health/live", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.2:8080",
        "",
        "[::1",
        "127.0.0.1:x",
        "127.0.0.1@evil",
    ],
)
async def test_other_names_are_refused_on_loopback(make_client: Any, host: str) -> None:
    async with make_client() as client:
        answer = await client.get("/api/v1/health/live", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "HOST_NOT_ALLOWED")


async def test_listed_hosts_are_admitted_and_elsewhere_they_are_the_only_ones(make_client: Any) -> None:
    async with make_client(server={"allowed_hosts": ["symbi.example"]}) as client:
        assert (await client.get("/api/v1/health/live", headers={"Host": "symbi.example"})).status_code == 200
    guard = HostGuard(bound_to_loopback=False, allowed=["symbi.example"])
    assert guard.admits(b"Symbi.Example:443")
    assert not guard.admits(b"other.example")
    assert not guard.admits(None)
    assert HostGuard(bound_to_loopback=False, allowed=[]).admits(b"any.example")


@given(st.binary(max_size=80))
def test_host_parsing_never_raises_and_never_calls_a_stranger_loopback(host: bytes) -> None:
    name = split_host(host)
    if HostGuard(bound_to_loopback=True, allowed=[]).admits(host):
        assert name is not None
        assert is_loopback(name)


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:127.0.0.1", True),
        ("example", False),
    ],
)
def test_is_loopback(host: str, near: bool) -> None:
    assert is_loopback(host) is near


async def test_cors_answers_only_listed_origins(make_client: Any) -> None:
    good, bad = "https://app.example", "https://evil.example"
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with make_client(server={"cors_origins": [good]}) as client:
        allowed = await client.options("/api/v1/status", headers={"Origin": good, **asking})
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, good)
        assert "Authorization" in allowed.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in allowed.headers
        refused = await client.options("/api/v1/status", headers={"Origin": bad, **asking})
        assert (refused.status_code, refused.json()["code"]) == (403, "ORIGIN_NOT_ALLOWED")
        assert (await client.get("/api/v1/status", headers={"Origin": good})).headers[
            "access-control-allow-origin"
        ] == good
        plain = await client.get("/api/v1/health", headers={"Origin": bad})
        assert "access-control-allow-origin" not in plain.headers
        assert plain.headers["vary"] == "Origin"


@pytest.mark.parametrize("origins", [["*"], ["https://*.example"], ["app.example"], ["https://a.example/path"]])
async def test_a09_bad_origins_refuse_the_start(make_client: Any, origins: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"server.*cors_origins"):
        async with make_client(server={"cors_origins": origins}):
            pass


@pytest.mark.parametrize(
    "table",
    [
        {"port": 70000},
        {"trusted_proxies": ["x"]},
        {"prot": 1},
        {"max_body_bytes": 0},
        {"rate_limit_per_minute": -1},
        {"grace_seconds": -1},
    ],
)
async def test_wrong_settings_refuse_the_start(make_client: Any, table: Any) -> None:
    with pytest.raises(ConfigError, match="server"):
        async with make_client(server=table):
            pass


async def test_head_is_get_without_the_body(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        head, got = await client.head("/docs"), await client.get("/docs")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
        assert (await client.head("/api/v1/nothing")).status_code == 404
        async with asyncio.timeout(5):
            assert (await client.head("/api/v1/endless")).status_code == 200


async def test_options_says_what_is_allowed(make_client: Any) -> None:
    async with make_client() as client:
        answer = await client.options("/api/v1/status")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_request_id_is_taken_over_where_it_is_clean(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.get("/api/v1/trace", headers={"X-Request-ID": "abc-1.2_3"})
        assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-1.2_3"
        for bad in ("a b", "x" * 200, "a\tb", "é"):
            made = (await client.get("/api/v1/trace", headers={"X-Request-ID": bad.encode("latin-1")})).headers[
                "x-request-id"
            ]
            assert made != bad
            assert len(made) == 16


async def test_w3c_trace_goes_on_with_a_new_span(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.get("/api/v1/trace", headers={"traceparent": PARENT})
    assert answer.headers["traceparent"] == answer.json()["traceparent"]
    version, trace_id, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert span != "b7ad6b7169203331"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00",
        PARENT.upper().encode(),
        PARENT.replace("00-", "ff-", 1).encode(),
        PARENT.encode() + b"-more",
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
    ],
)
def test_bad_traceparents_are_ignored(value: bytes) -> None:
    assert parse_traceparent(value) is None
    assert begin_trace(None, value).trace_id != "0af7651916cd43dd8448eb211c80319c"


def test_later_versions_of_traceparent_may_carry_more() -> None:
    assert parse_traceparent(PARENT.replace("00-", "01-", 1).encode() + b"-more") == (
        "0af7651916cd43dd8448eb211c80319c",
        "01",
    )


def test_defaults_are_those_of_the_interface_page() -> None:
    settings = ServerSettings()
    assert (settings.host, settings.port, settings.cors_origins, settings.trusted_proxies, settings.docs) == (
        "127.0.0.1",
        8080,
        (),
        (),
        True,
    )
    assert settings.max_body_bytes == 2 * 1024 * 1024


async def test_access_log_is_one_line_without_the_query(make_client: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with make_client() as client:
        with caplog.at_level(logging.INFO, "symbi.http.access"):
            await client.get("/api/v1/a%0aforged%20line?token=hunter2")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "symbi.http.access"]
    assert line.startswith("GET '/api/v1/a\\nforged line' 404 ")
    assert "hunter2" not in line
    assert "\n" not in line

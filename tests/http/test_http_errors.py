"""Every error is the one JSON body: decisions.md (status codes), F-25, A-11."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from litestar import get, post, put
from litestar.exceptions import HTTPException, NotAuthorizedException

from symbi.contracts import errors as tree
from symbi.http.errors import status_of
from symbi.http.requests import RequestBody

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Inner(RequestBody, frozen=True, kw_only=True):
    name: str
    count: int = 0


class Body(RequestBody, frozen=True, kw_only=True):
    title: str
    steps: list[Inner] = []


class Tolerant(msgspec.Struct, frozen=True, kw_only=True):
    title: str


@post("/things", status_code=200)
async def make_thing(data: Body) -> dict[str, Any]:
    return {"title": data.title, "steps": len(data.steps)}


@post("/tolerant", status_code=200)
async def tolerant(data: Tolerant) -> str:
    return data.title


@post("/optional", status_code=200)
async def optional(data: Inner | None = None) -> dict[str, Any]:
    return {"name": data.name if data else None}


@put("/things/{number:int}")
async def put_thing(number: int, factor: int) -> int:
    return number * factor


@get("/raise/{name:str}")
async def raise_it(name: str) -> None:
    if name == "bug":
        raise RuntimeError("/secret/path leaked")
    if name == "limited":
        raise tree.RateLimited("slow down", retry_after=2.2)
    if name == "http":
        raise HTTPException(detail="nope", status_code=418)
    if name == "PluginFailed":
        raise tree.SymbiError("at /var/lib", code="METRICS_FAILED")
    if name == "litestar401":
        raise NotAuthorizedException
    raise getattr(tree, name)("the message", hint="the next step", details={"a": 1})


HANDLERS = [make_thing, tolerant, optional, put_thing, raise_it]


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/api/v1/nothing", {}, 404, "NOT_FOUND"),
        ("GET", "/", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/things/x%00y/%ff", {}, 404, "NOT_FOUND"),
        ("PUT", "/api/v1/things/abc", {}, 404, "NOT_FOUND"),
        ("DELETE", "/api/v1/things", {}, 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/api/v1/things", {}, 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/api/v1/things", {"content": b"{"}, 400, "INVALID_JSON"),
        ("POST", "/api/v1/things", {"content": b"\xff\xfe"}, 400, "INVALID_JSON"),
        ("POST", "/api/v1/things", {"content": b""}, 400, "INVALID_REQUEST"),
        ("POST", "/api/v1/things", {"json": [1]}, 400, "INVALID_REQUEST"),
        ("POST", "/api/v1/things", {"json": {}}, 400, "INVALID_REQUEST"),
        ("POST", "/api/v1/things", {"data": {"title": "x"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("PUT", "/api/v1/things/3", {}, 400, "INVALID_REQUEST"),
        ("PUT", "/api/v1/things/3?factor=x", {}, 400, "INVALID_REQUEST"),
        ("GET", "/api/v1/raise/bug", {}, 500, "INTERNAL_ERROR"),
        ("GET", "/api/v1/raise/limited", {}, 429, "RATE_LIMITED"),
        ("GET", "/api/v1/raise/http", {}, 418, "INVALID_REQUEST"),
        ("GET", "/api/v1/raise/litestar401", {}, 401, "UNAUTHORIZED"),
        ("GET", "/api/v1/raise/NotFound", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/raise/Conflict", {}, 409, "CONFLICT"),
        ("GET", "/api/v1/raise/InvalidRequest", {}, 400, "INVALID_REQUEST"),
        ("GET", "/api/v1/raise/PolicyDenied", {}, 403, "POLICY_DENIED"),
        ("GET", "/api/v1/raise/IdempotencyMismatch", {}, 422, "IDEMPOTENCY_MISMATCH"),
        ("GET", "/api/v1/raise/PayloadTooLarge", {}, 413, "PAYLOAD_TOO_LARGE"),
        ("GET", "/api/v1/raise/ServiceUnavailable", {}, 503, "SERVICE_UNAVAILABLE"),
        ("GET", "/api/v1/raise/StoreUnavailable", {}, 503, "STORE_UNAVAILABLE"),
        ("GET", "/api/v1/raise/StoreCorrupt", {}, 500, "STORE_CORRUPT"),
        ("GET", "/api/v1/raise/PluginFailed", {}, 500, "METRICS_FAILED"),
        ("GET", "/api/v1/raise/Timeout", {}, 504, "TIMEOUT"),
    ],
)
async def test_f25_every_error_has_the_one_body(
    make_client: Any, method: str, path: str, options: Any, status: int, code: str
) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.request(method, path, headers=BEARER, **options)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error", "code", "details"}
    assert isinstance(answer.json()["error"], str)
    assert answer.json()["error"]
    assert answer.json()["details"] is None or isinstance(answer.json()["details"], dict)


async def test_a11_a_500_is_generic_and_its_id_is_in_the_log(
    make_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client(HANDLERS) as client:
        with caplog.at_level(logging.ERROR, "symbi.http"):
            answer = await client.get("/api/v1/raise/bug", headers=BEARER)
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    error_id = answer.json()["details"]["error_id"]
    assert any(error_id in record.getMessage() for record in caplog.records)


async def test_message_carries_the_hint_and_details_go_through(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        body = (await client.get("/api/v1/raise/NotFound", headers=BEARER)).json()
    assert body == {"error": "the message (the next step)", "code": "NOT_FOUND", "details": {"a": 1}}


async def test_retry_after_is_whole_seconds_rounded_up(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.get("/api/v1/raise/limited", headers=BEARER)).headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": 5}, "title"),
        ({"title": "x", "extra": 1}, "extra"),
        ({"title": "x", "steps": [{"name": "a"}, {"name": "b", "count": "3"}]}, "steps[1].count"),
        ({"title": "x", "steps": [{"count": 1}]}, "steps[0].name"),
        ({"title": "x", "steps": [{"name": "a", "typo": 1}]}, "steps[0].typo"),
        ({"title": None}, "title"),
    ],
)
async def test_a_wrong_field_is_named_by_its_path(make_client: Any, body: Any, field: str) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.post("/api/v1/things", json=body, headers=BEARER)
    details = answer.json()["details"]
    assert answer.status_code == 400
    assert details["field"].replace("[...]", "[1]" if field.startswith("steps[1]") else "[0]") == field
    assert details["reason"]


async def test_query_faults_are_named_too(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        details = (await client.put("/api/v1/things/3?factor=x", headers=BEARER)).json()["details"]
    assert (details["field"], details["source"]) == ("factor", "query")


async def test_unknown_fields_pass_only_where_the_struct_takes_them(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        assert (await client.post("/api/v1/tolerant", json={"title": "a", "more": 1}, headers=BEARER)).text == "a"


async def test_json_content_type_without_a_body_is_no_error(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.post("/api/v1/optional", headers={**BEARER, "Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {"name": None})


async def test_405_says_what_is_allowed(make_client: Any) -> None:
    async with make_client() as client:
        assert (await client.delete("/api/v1/health")).headers["allow"] == "GET, HEAD, OPTIONS"


def test_every_error_class_has_a_status() -> None:
    kinds = [kind for name in tree.__all__ if isinstance(kind := getattr(tree, name), type)]
    statuses = {kind.__name__: status_of(kind.__new__(kind)) for kind in kinds}
    assert {name for name, status in statuses.items() if status == 500} == {
        "SymbiError",
        "PluginError",
        "StoreError",
        "StoreCorrupt",
        "StoreTooNew",
    }

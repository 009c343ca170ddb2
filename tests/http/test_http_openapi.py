"""The description of the API, its page, and a short fuzz of everything that it describes."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from litestar import get, post

from symbi.http.requests import RequestBody

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Step(RequestBody, frozen=True, kw_only=True):
    name: str
    after: list[str] = []


class Plan(RequestBody, frozen=True, kw_only=True):
    title: str
    steps: list[Step] = []


@post("/plans", status_code=200, opt={"idempotent": True})
async def make_plan(data: Plan) -> dict[str, int]:
    """Make a plan."""
    return {"steps": len(data.steps)}


@get("/plans/{number:int}")
async def get_plan(number: int, limit: int = 5) -> dict[str, int]:
    """Return a plan."""
    return {"number": number, "limit": limit}


HANDLERS = [make_plan, get_plan]


async def test_document_is_openapi_3_1_with_every_route_and_the_error_body(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        answer = await client.get("/openapi.json")
        document = answer.json()
        assert answer.status_code == 200
        assert document["openapi"].startswith("3.1")
        assert {"/api/v1/health", "/api/v1/plugins", "/api/v1/plans", "/api/v1/plans/{number}"} <= set(
            document["paths"]
        )
        responses = document["paths"]["/api/v1/plans"]["post"]["responses"]
        assert responses["default"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
        assert document["components"]["schemas"]["Error"]["required"] == ["error", "code", "details"]
        assert "services" not in answer.text
        assert '"principal"' not in answer.text
        assert "x-symbi-omitted" not in document
        assert document["paths"]["/api/v1/health"]["get"]["security"] == []
        plans = document["paths"]["/api/v1/plans"]["post"]
        assert "security" not in plans
        assert [parameter["name"] for parameter in plans["parameters"]] == ["Idempotency-Key"]


async def test_nothing_of_litestars_own_pages_is_served(make_client: Any) -> None:
    async with make_client(HANDLERS) as client:
        for path in ("/schema", "/schema/openapi.json", "/schema/swagger", "/schema/redoc"):
            assert (await client.get(path, headers=BEARER)).status_code == 404


async def test_docs_page_loads_nothing_from_elsewhere(make_client: Any) -> None:
    async with make_client() as client:
        page = await client.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert sorted(linked) == ["/docs/docs.css", "/docs/docs.js"]
        for path in linked:
            part = await client.get(path)
            assert part.status_code == 200
            assert "://" not in part.text
        assert (await client.get("/docs/..%2fapp.py")).status_code == 404


async def test_a25_docs_can_be_turned_off_and_the_document_needs_a_token_elsewhere(make_client: Any) -> None:
    async with make_client(server={"docs": False}) as client:
        assert (await client.get("/openapi.json")).status_code == 404
        assert (await client.get("/docs")).status_code == 404
    async with make_client(server={"host": "0.0.0.0"}) as client:
        assert (await client.get("/openapi.json")).status_code == 401
        assert (await client.get("/openapi.json", headers=BEARER)).status_code == 200


async def test_a_plugin_that_cannot_be_described_is_left_out_and_named(
    make_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symbi.http import openapi

    async with make_client(HANDLERS) as client:
        description = client.app.state.description
        whole = openapi.Description._of

        def picky(self: Any, routers: list[Any]) -> dict[str, Any]:
            if any(router.opt.get("plugin") == "demo" for router in routers):
                raise TypeError("no schema for this")
            return whole(self, routers)

        monkeypatch.setattr(openapi.Description, "_of", picky)
        document = (await client.get("/openapi.json")).json()
        assert document["x-symbi-omitted"] == ["demo"]
        assert "/api/v1/health" in document["paths"]
        assert "/api/v1/plans" not in document["paths"]
        assert description is client.app.state.description


async def test_fuzz_of_every_route_never_leaves_the_contract(make_client: Any) -> None:
    import asyncio

    import httpx

    async with make_client(HANDLERS) as client:
        document = (await client.get("/openapi.json")).json()
        loop = asyncio.get_running_loop()

        def send(method: str, url: str, **options: Any) -> httpx.Response:
            return asyncio.run_coroutine_threadsafe(client.request(method, url, **options), loop).result(30)

        await asyncio.to_thread(_fuzz, document, send)


def _fuzz(document: dict[str, Any], send: Any) -> None:
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            arguments = case.as_transport_kwargs(base_url="http://127.0.0.1:8080")
            answer = send(
                arguments["method"],
                arguments["url"],
                params=arguments.get("params"),
                json=arguments.get("json"),
                headers={**BEARER, "Host": "127.0.0.1"},
            )
            assert answer.status_code < 500, (case, answer.text)
            if answer.status_code >= 400:
                assert set(answer.json()) == {"error", "code", "details"}

        check()

"""Plugins' routes: tried in a scratch application, faults contained, collisions named with both sides."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from litestar import Controller, get, post

from symbi.contracts.errors import PluginError
from symbi.contracts.principal import Principal
from symbi.http.bridge import Bridge
from symbi.http.litestar_app import PlainLitestar
from symbi.kernel.context import PluginContext
from symbi.kernel.services import Services

TOKEN = "a-long-enough-token-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

_spec = importlib.util.spec_from_file_location("http_conftest", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_conftest)
RoutesPlugin = _conftest.RoutesPlugin


@get("/good", opt={"auth": "open"})
async def good() -> str:
    return "good"


@get("/context")
async def which(context: PluginContext, services: Services, principal: Principal) -> dict[str, Any]:
    return {"plugin": context.name, "services": type(services).__name__, "principal": principal.id}


@get("/good")
async def taken() -> str:
    return "never"


@get("/things/{thing_id:str}", opt={"auth": "open"})
async def thing(thing_id: str) -> str:
    return thing_id


@get("/things/{other:str}", opt={"auth": "open"})
async def thing_again(other: str) -> str:
    return other


@get("/things/{number:int}", opt={"auth": "open"})
async def thing_number(number: int) -> int:
    return number


@post("/things/{thing_id:str}", opt={"auth": "open"}, status_code=200)
async def change_thing(thing_id: str) -> str:
    return thing_id


class Controlled(Controller):
    path = "/controlled"

    @get("/", opt={"auth": "open"})
    async def index(self) -> str:
        return "controlled"


def faults(client: Any) -> dict[str, list[str]]:
    return {
        record.name: [fault.error for fault in record.faults] for record in client.kernel.plugins() if record.faults
    }


async def test_handlers_get_what_they_ask_for_by_name(make_client: Any) -> None:
    async with make_client(plugins=[RoutesPlugin("alpha", [which])]) as client:
        assert (await client.get("/api/v1/context", headers=BEARER)).json() == {
            "plugin": "alpha",
            "services": "Services",
            "principal": "token",
        }


async def test_controllers_prefixes_and_callables_work(make_client: Any) -> None:
    plugins = [
        RoutesPlugin("alpha", [Controlled]),
        RoutesPlugin("beta", [good], prefix="/pages"),
        RoutesPlugin("gamma", lambda: [thing]),
    ]
    async with make_client(plugins=plugins) as client:
        assert (await client.get("/api/v1/controlled")).text == "controlled"
        assert (await client.get("/pages/good")).text == "good"
        assert (await client.get("/api/v1/things/x")).text == "x"
        assert faults(client) == {}


@pytest.mark.parametrize(
    "broken", [[], None, 5, "no_such_module:HANDLERS", "symbi.contracts.errors:NOTHING", ["text"], [lambda: None]]
)
async def test_broken_routes_cost_only_their_plugin(make_client: Any, broken: Any) -> None:
    async with make_client(plugins=[RoutesPlugin("bad", broken), RoutesPlugin("fine", [good])]) as client:
        assert (await client.get("/api/v1/good")).text == "good"
        assert set(faults(client)) == {"bad"}
        rows = {row["name"]: row for row in (await client.get("/api/v1/plugins", headers=BEARER)).json()["plugins"]}
        assert rows["bad"]["state"] == "degraded"
        assert rows["bad"]["error"].startswith("routes: ")
        assert rows["fine"]["state"] == "ready"
        assert rows["fine"]["error"] is None


@pytest.mark.parametrize("second", [[taken], [thing, taken]])
async def test_a_taken_path_is_refused_and_both_are_named(make_client: Any, second: Any) -> None:
    async with make_client(plugins=[RoutesPlugin("alpha", [good]), RoutesPlugin("beta", second)]) as client:
        assert (await client.get("/api/v1/good")).text == "good"
        (error,) = faults(client)["beta"]
        assert "GET /api/v1/good" in error
        assert "alpha" in error
        assert "beta" in error
        assert (
            await client.get("/api/v1/things/x")
        ).status_code == 404  # the whole group is left out, never half of it


async def test_paths_that_differ_only_in_a_parameters_name_collide(make_client: Any) -> None:
    async with make_client(
        plugins=[
            RoutesPlugin("alpha", [thing]),
            RoutesPlugin("beta", [thing_again]),
            RoutesPlugin("gamma", [thing_number]),
        ]
    ) as client:
        assert (await client.get("/api/v1/things/x")).text == "x"
        assert set(faults(client)) == {"beta", "gamma"}


async def test_routes_that_only_clash_when_put_together_cost_the_later_plugin(make_client: Any) -> None:
    @post("/things/{number:int}", opt={"auth": "open"}, status_code=200)
    async def change_number(number: int) -> int:
        return number

    plugins = [RoutesPlugin("alpha", [thing]), RoutesPlugin("beta", [change_number]), RoutesPlugin("gamma", [good])]
    async with make_client(plugins=plugins) as client:
        assert (await client.get("/api/v1/things/x")).text == "x"
        assert (await client.get("/api/v1/good")).text == "good"
        assert set(faults(client)) <= {"beta"}
        answer = await client.post("/api/v1/things/5")
        assert answer.status_code == (405 if faults(client) else 200)


async def test_the_same_path_with_another_method_is_no_collision(make_client: Any) -> None:
    async with make_client(plugins=[RoutesPlugin("alpha", [thing]), RoutesPlugin("beta", [change_thing])]) as client:
        assert (await client.post("/api/v1/things/y")).text == "y"
        assert (await client.get("/api/v1/things/y")).text == "y"
        assert (await client.options("/api/v1/things/y")).headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert (await client.delete("/api/v1/things/y")).headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert faults(client) == {}


async def test_another_method_may_name_the_parameter_otherwise(make_client: Any) -> None:
    @post("/things/{key:str}", opt={"auth": "open"}, status_code=200)
    async def change(key: str) -> str:
        return f"changed {key}"

    async with make_client(plugins=[RoutesPlugin("alpha", [thing]), RoutesPlugin("beta", [change])]) as client:
        assert (await client.post("/api/v1/things/y")).text == "changed y"
        assert (await client.get("/api/v1/things/y")).text == "y"


async def test_nobody_takes_the_cores_paths(make_client: Any) -> None:
    @get("/health")
    async def fake_health() -> str:
        return "always fine"

    async with make_client(plugins=[RoutesPlugin("liar", [fake_health])]) as client:
        assert (await client.get("/api/v1/health")).json()["status"] == "healthy"
        assert "symbi-core" in faults(client)["liar"][0]


def test_litestar_hook_that_is_overridden_still_exists() -> None:
    from litestar import Litestar

    assert callable(Litestar._get_default_plugins)
    assert [type(plugin).__name__ for plugin in PlainLitestar._get_default_plugins([])] == ["MsgspecDIPlugin"]
    assert Bridge.__doc__
    assert issubclass(PluginError, Exception)

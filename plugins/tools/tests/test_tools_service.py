"""The tool service: schema before everything, time and size bounded, clashes seen."""

from __future__ import annotations

import asyncio
import types
from contextlib import asynccontextmanager

import pytest

from symbi import hookimpl
from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import ConfigError, InvalidRequest, NotFound, SymbiError, Timeout
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.tools import ToolService, Toolset, ToolSpec


def run_in(folder, deadline_ms=None):
    return EffectContext(
        run_id="r", agent_id="a", agent="x", principal=LOCAL_ADMIN, attempt=1, surface="run", depth=0, chain=(), session=None,
        working_folder=str(folder), deadline_ms=deadline_ms,
    )  # fmt: skip


def spec(name, **more):
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1}, "m": {"type": "string"}},
        "required": ["n"],
        "additionalProperties": False,
    }
    return ToolSpec(name=name, description="…", parameters=more.pop("parameters", schema), **more)


def toolset(name, *specs, answer=lambda name, arguments: arguments, default=True):
    class Provider:
        async def tools(self):
            return specs

        async def call(self, name, arguments, *, run):
            result = answer(name, arguments)
            return await result if asyncio.iscoroutine(result) else result

    @asynccontextmanager
    async def open_it(config, context):
        yield Provider()

    return types.SimpleNamespace(tools=hookimpl(lambda: [Toolset(name=name, open=open_it, default=default)]))


@pytest.fixture
def opened(make_kernel):
    @asynccontextmanager
    async def make(*plugins, **tools):
        async with make_kernel(
            ["symbi_tools.plugin", *plugins],
            tables={"tools": {"disabled": ["http", "files", "basic", "manifests"], **tools}},
        ) as kernel:
            yield kernel.services.get(ToolService)

    return make


async def test_arguments_are_checked_against_the_schema(opened, tmp_path):
    async with opened(toolset("t", spec("good"))) as tools:
        await tools.validate("good", {"n": 1})
        with pytest.raises(InvalidRequest) as caught:
            await tools.validate("good", {"n": 0, "z": 1})
        assert caught.value.error_code == "TOOL_ARGUMENTS_INVALID"
        assert {error["path"] for error in caught.value.details["errors"]} == {"", "n"}
        with pytest.raises(NotFound, match="there are: good"):
            await tools.validate("bad", {})


async def test_a_broken_schema_refuses_every_call(opened):
    async with opened(toolset("t", spec("odd", parameters={"type": "nonsense"}))) as tools:
        with pytest.raises(InvalidRequest, match="schema of the tool 'odd' is broken"):
            await tools.validate("odd", {})


async def test_positional_arguments_are_bound_by_order(opened):
    async with opened(toolset("t", spec("good"))) as tools:
        assert await tools.bind("good", [3], {"m": "x"}) == {"n": 3, "m": "x"}
        with pytest.raises(InvalidRequest, match="given twice"):
            await tools.bind("good", [3], {"n": 4})
        with pytest.raises(InvalidRequest, match="at most 2"):
            await tools.bind("good", [1, 2, 3], {})


async def test_a_tool_that_never_ends_is_ended(opened, tmp_path):
    async with opened(toolset("t", spec("slow", timeout_seconds=0.05), answer=lambda *_: asyncio.sleep(60))) as tools:
        with pytest.raises(Timeout, match=r"within 0\.05 s"):
            await tools.call("slow", {"n": 1}, run=run_in(tmp_path))


async def test_a_call_does_not_outlive_the_run(opened, tmp_path, fake_clock):
    async with opened(toolset("t", spec("slow"), answer=lambda *_: asyncio.sleep(60))) as tools:
        with pytest.raises(Timeout):
            await tools.call("slow", {"n": 1}, run=run_in(tmp_path, deadline_ms=1))


@pytest.mark.parametrize(
    ("answer", "code"), [("x" * 2_000_000, "TOOL_RESULT_TOO_LARGE"), (object(), "TOOL_FAILED"), ({1: {2}}, None)]
)
async def test_results_are_json_of_bounded_size(opened, tmp_path, answer, code):
    async with opened(toolset("t", spec("big"), answer=lambda *_: answer)) as tools:
        if code is None:
            assert await tools.call("big", {"n": 1}, run=run_in(tmp_path)) == {"1": [2]}
            return
        with pytest.raises(SymbiError) as caught:
            await tools.call("big", {"n": 1}, run=run_in(tmp_path))
        assert caught.value.error_code == code


async def test_a_tool_that_raises_anything_fails_without_its_words(opened, tmp_path):
    def answer(*_):
        raise RuntimeError("password=hunter2")

    async with opened(toolset("t", spec("bad"), answer=answer)) as tools:
        with pytest.raises(SymbiError) as caught:
            await tools.call("bad", {"n": 1}, run=run_in(tmp_path))
        assert "hunter2" not in str(caught.value)


async def test_two_toolsets_that_claim_one_tool_are_seen(opened):
    async with opened(toolset("a", spec("same", risk="low")), toolset("b", spec("same", risk="high"))) as tools:
        assert [tool.risk for tool in await tools.list()] == ["low"]
        assert "already offered by 'a'" in (await tools.health()).reason


async def test_toolsets_that_do_not_open_by_themselves_must_be_named(opened):
    async with opened(toolset("shy", spec("hidden"), default=False)) as tools:
        assert await tools.get("hidden") is None
    async with opened(toolset("shy", spec("hidden"), default=False), toolsets=["shy"]) as tools:
        assert (await tools.get("hidden")).server == "shy"
    with pytest.raises(ConfigError, match="no toolset 'none'"):
        async with opened(toolsets=["none"]):
            pass

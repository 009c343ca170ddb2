"""A kernel with runs, the loop, a scripted model and stand-ins for agents, tools and the gate, that a test scripts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from symbi import Service, hookimpl
from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.errors import InvalidRequest, NotFound, SymbiError
from symbi.contracts.models import ChatEnd, ChatRequest, ModelError, ModelProvider, ModelUsage, TextDelta, ToolCallDelta
from symbi.contracts.policy import Gate
from symbi.contracts.principal import LOCAL_ADMIN
from symbi.contracts.reasoning import Adaptive
from symbi.contracts.runs import RunEvent, RunOptions, RunService, RunView
from symbi.contracts.tools import ToolService, ToolSpec
from symbi.testing.gates import FakeGate
from symbi.testing.kernels import open_kernel
from symbi.testing.models import Reply

Answer = Reply | ModelError


class World:
    """What the stand-ins know and what they were asked."""

    def __init__(self) -> None:
        self.gate = FakeGate()
        self.agents: dict[str, tuple[AgentView, AgentSpec]] = {}
        self.tools: dict[str, ToolSpec] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.tool: Callable[[str, dict[str, Any]], Any] = lambda name, arguments: {"tool": name, **arguments}
        self.tool_seconds = 0.0
        self.asked: list[ChatRequest] = []
        self.script: list[Answer] | Callable[[ChatRequest], Answer] = []
        self.adaptive: Any = None
        self.memory: list[tuple[str, dict[str, Any]]] = []
        self.closed = 0
        for name in ("echo", "send", "search"):
            self.add_tool(name, idempotent=name != "send")
        self.add("helper")

    def add_tool(self, name: str, **facts: Any) -> None:
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        self.tools[name] = ToolSpec(
            name=name, description=f"The tool {name}.", parameters=schema, server="test", **facts
        )

    def add(self, name: str, **facts: Any) -> None:
        view = AgentView(
            id=f"id-{name}", name=name, agent=name, text=f"agent {name} {{}}", revision=f"rev-{name}", language="none", mode="ephemeral",
            source="api", owner="local", metadata={}, created_at=0, updated_at=0,
        )  # fmt: skip
        self.agents[view.id] = (view, AgentSpec(name=name, line=1, description=f"The agent {name}.", **facts))

    def conversation(self, request: int = -1) -> list[tuple[str, str]]:
        return [(message.role, message.content) for message in self.asked[request].messages]


class FakeAgents:
    def __init__(self, world: World) -> None:
        self.world = world

    async def resolve(self, name_or_id: str) -> AgentView | None:
        found = self.world.agents.get(name_or_id) or self.world.agents.get(f"id-{name_or_id}")
        return found[0] if found else None

    async def spec(self, agent: AgentView) -> AgentSpec:
        return self.world.agents[agent.id][1]

    async def list(self, *, principal: Any = None) -> list[AgentView]:
        return [view for view, _ in self.world.agents.values()]


class FakeTools:
    def __init__(self, world: World) -> None:
        self.world = world

    async def list(self) -> list[ToolSpec]:
        return list(self.world.tools.values())

    async def get(self, name: str) -> ToolSpec | None:
        return self.world.tools.get(name)

    async def bind(self, name: str, positional: Any, named: dict[str, Any]) -> dict[str, Any]:
        return named

    async def validate(self, name: str, arguments: dict[str, Any]) -> None:
        if name not in self.world.tools:
            raise NotFound(f"no tool {name}", code="TOOL_NOT_FOUND")
        if not isinstance(arguments.get("n", 0), int):
            raise InvalidRequest(f"{name}: n: must be a whole number", code="TOOL_ARGUMENTS_INVALID")

    async def call(self, name: str, arguments: dict[str, Any], *, run: Any) -> Any:
        world = self.world
        world.calls.append((name, arguments))
        world.in_flight += 1
        world.most_in_flight = max(world.most_in_flight, world.in_flight)
        try:
            await asyncio.sleep(world.tool_seconds * (1 + arguments.get("slow", 0)))
            result = world.tool(name, arguments)
        finally:
            world.in_flight -= 1
        if isinstance(result, SymbiError):
            raise result
        return result


class FakeModel:
    default_model = "scripted-1"

    def __init__(self, world: World) -> None:
        self.world = world

    async def stream(self, request: ChatRequest) -> AsyncIterator[Any]:
        world = self.world
        world.asked.append(request)
        if callable(world.script):
            answer = world.script(request)
        else:
            answer = world.script.pop(0) if world.script else Reply(text="the script is over")
        if isinstance(answer, ModelError):
            raise answer
        try:
            await asyncio.sleep(answer.delay)
            for start in range(0, len(answer.text), 4):
                yield TextDelta(text=answer.text[start : start + 4])
                await asyncio.sleep(answer.pause)
            for index, (name, arguments) in enumerate(answer.calls):
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                known = answer.call_ids[index] if index < len(answer.call_ids) else f"c{len(world.asked)}-{index}"
                yield ToolCallDelta(index=index, id=known, name=name, arguments=text)
            usage = answer.usage or {}
            used = ModelUsage(
                prompt_tokens=usage.get("prompt_tokens", 0),
                completion_tokens=usage.get("completion_tokens", 0),
                cost_usd=usage.get("cost"),
            )
            finish: Any = answer.finish or ("tool_calls" if answer.calls else "stop")
            yield ChatEnd(finish=finish, model=request.model, provider="scripted", usage=used)
        finally:
            world.closed += 1


class StandIns:
    __name__ = "standins"

    def __init__(self, world: World) -> None:
        self.world = world

    @hookimpl
    def services(self) -> Any:
        things = [
            ("agents", AgentService, FakeAgents(self.world)),
            ("gate", Gate, self.world.gate),
            ("tools", ToolService, FakeTools(self.world)),
        ]
        if self.world.adaptive is not None:
            things.append(("adaptive", Adaptive, self.world.adaptive))
        for name, protocol, thing in things:
            yield Service(name=name, provides=protocol, open=opener(thing))

    @hookimpl
    def llm_providers(self) -> Any:
        yield ModelProvider(name="scripted", open=opener(FakeModel(self.world)))

    @hookimpl
    def effect_handlers(self) -> Any:
        from symbi.contracts.effects import EffectHandler

        async def remember(call: Any, run: Any, context: Any) -> Any:
            self.world.memory.append((call.kind, call.arguments))
            return [{"text": "the sky is green"}] if call.kind == "recall" else {"id": "m1"}

        for kind in ("recall", "remember"):
            yield EffectHandler(kind=kind, handle=remember, summary=kind)


def opener(thing: Any) -> Any:
    @contextlib.asynccontextmanager
    async def open_it(config: Any, context: Any) -> AsyncIterator[Any]:
        yield thing

    return open_it


class House:
    def __init__(self, kernel: Any, world: World) -> None:
        self.kernel = kernel
        self.world = world
        self.runs: Any = kernel.services.get(RunService)

    async def start(self, given: Any = "do it", agent: str = "helper", **options: Any) -> RunView:
        view: RunView = await self.runs.start(agent, given, principal=LOCAL_ADMIN, options=RunOptions(**options))
        return view

    async def run(self, given: Any = "do it", agent: str = "helper", **options: Any) -> RunView:
        started = await self.start(given, agent, **options)
        view: RunView = await self.runs.wait(started.run_id, timeout=30)
        return view

    async def events(self, run: RunView) -> list[RunEvent]:
        return [event async for event in self.runs.events(run.run_id, follow=False)]

    async def notes(self, run: RunView, event: str) -> list[dict[str, Any]]:
        logs = [each.data for each in await self.events(run) if each.kind == "log"]
        return [data["values"] for data in logs if data.get("values", {}).get("event") == event]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def open_house(tmp_path: Path, world: World) -> Any:
    @contextlib.asynccontextmanager
    async def build(
        *,
        executor: str = "inline",
        llm: Any = None,
        plugins: Iterable[Any] = (),
        folder: Path = tmp_path,
        execution: Any = None,
        **limits: Any,
    ) -> AsyncIterator[House]:
        tables: dict[str, Any] = {
            "llm": {"provider": "scripted", **(llm or {})},
            "reasoning": {"recovery_seconds": 0.01, "knowledge_tools": False, **limits},
            "execution": {"executor": executor, "grace_seconds": 1.0, **(execution or {})},
        }
        names = ["symbi_runs.plugin", "symbi_process.plugin", "symbi_reasoning.plugin", StandIns(world), *plugins]
        async with open_kernel(folder, names, tables=tables) as kernel:
            yield House(kernel, world)

    return build


@pytest.fixture
async def house(open_house: Any) -> AsyncIterator[House]:
    async with open_house() as opened:
        yield opened

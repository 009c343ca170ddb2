"""Stand-ins for agents, gate, approvals and tools, that a test scripts; also used by the crash harness and the benchmark."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from symbi import Service, hookimpl
from symbi.contracts.agents import AgentService, AgentView, ExecutionMode
from symbi.contracts.approvals import Approval, Approvals
from symbi.contracts.definitions import AgentSpec, Parameter, Program
from symbi.contracts.effects import EffectContext
from symbi.contracts.errors import NotFound, PolicyDenied
from symbi.contracts.languages import AgentLanguage
from symbi.contracts.policy import Decision, Gate, PolicyHeld, PolicyRequest, Receipt, action_hash
from symbi.contracts.tools import ToolService, ToolSpec

AT = "2026-01-01T00:00:00Z"


class World:
    """What the stand-ins know and what they were asked; one for each test, shared by all kernels of it."""

    def __init__(self) -> None:
        self.agents: dict[str, tuple[AgentView, AgentSpec]] = {}
        self.deny: set[str] = set()
        self.hold: set[str] = set()
        self.requests: list[PolicyRequest] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.approvals: dict[str, Approval] = {}
        self.resolved = asyncio.Event()
        self.tools: dict[str, ToolSpec] = {}
        self.tool_gate: asyncio.Event | None = None
        for name, idempotent in (("echo", True), ("send", False)):
            self.tools[name] = ToolSpec(
                name=name, description=name, parameters={"type": "object"}, idempotent=idempotent
            )

    def add(
        self,
        name: str,
        entry: str,
        *,
        mode: ExecutionMode = "ephemeral",
        parameters: Sequence[Parameter] = (),
        **more: Any,
    ) -> str:
        """Register an agent whose program is an entry of `runs_entries.py`; return its id."""
        text = f"{entry} {sorted(more.items())}"
        program = Program(language=entry, source=text, agent=name, entry="with")
        spec = AgentSpec(
            name=name, line=1, has_body=True, program=program, parameters=tuple(parameters), digest=text, **more
        )
        view = AgentView(
            id=f"id-{name}", name=name, agent=name, text=text, revision=text[:60], language="test", mode=mode, source="api",
            owner="local", metadata={}, created_at=0, updated_at=0,
        )  # fmt: skip
        self.agents[view.id] = (view, spec)
        return view.id

    def resolve_approval(self, status: Any, *, reason: str = "") -> None:
        """Answer the approval that is pending."""
        pending = next(each for each in self.approvals.values() if each.status == "pending")
        self.approvals[pending.id] = msgspec.structs.replace(
            pending, status=status, resolution_reason=reason, resolved_by="boss"
        )
        self.resolved.set()


class FakeAgents:
    def __init__(self, world: World) -> None:
        self.world = world

    async def resolve(self, name_or_id: str) -> AgentView | None:
        found = self.world.agents.get(name_or_id) or self.world.agents.get(f"id-{name_or_id}")
        return found[0] if found else None

    async def spec(self, agent: AgentView) -> AgentSpec:
        if agent.id.startswith("adhoc:"):
            program = Program(language=agent.text.removesuffix("{}"), source=agent.text, agent="adhoc", entry="with")
            return AgentSpec(name="adhoc", line=1, has_body=True, program=program)
        return self.world.agents[agent.id][1]

    async def list(self, *, principal: Any = None) -> Sequence[AgentView]:
        return [view for view, _ in self.world.agents.values()]


class FakeGate:
    revision = "r1"

    def __init__(self, world: World) -> None:
        self.world = world

    def evaluate(self, request: PolicyRequest, *, rules: Any = None) -> Decision:
        label = request.label()
        if label in self.world.deny:
            return Decision(decision="deny", reason=f"{label} is forbidden", policies=("p1",))
        return Decision(decision="allow", reason="allowed", policies=("p0",))

    async def authorize(self, request: PolicyRequest, *, rules: Any = None) -> Decision:
        self.world.requests.append(request)
        decision = self.evaluate(request)
        if not decision.allowed:
            raise PolicyDenied(decision.reason, details=decision.denial())
        return decision

    async def admit(self, request: PolicyRequest, *, rules: Any = None, approval: str | None = None) -> Receipt:
        decision = await self.authorize(request)
        if request.label() in self.world.hold:
            held = self.world.approvals.get(approval or "")
            if held is None or held.status != "approved" or held.action_hash != action_hash(request):
                made = await FakeApprovals(self.world).hold(
                    request, reason="ask first", group="g", policy_revision="r1"
                )
                raise PolicyHeld(
                    "ask first", approval_id=made.id, decision=Decision(decision="hold", reason="ask first")
                )
        return Receipt(
            id="x",
            action_hash=action_hash(request),
            policy_revision="r1",
            agent_revision="",
            request=request,
            decision=decision,
        )

    def redeem(self, receipt: Receipt) -> PolicyRequest:
        return receipt.request


class FakeApprovals:
    def __init__(self, world: World) -> None:
        self.world = world

    async def hold(
        self, request: PolicyRequest, *, reason: str, group: str, policy_revision: str, **more: Any
    ) -> Approval:
        made = Approval(
            id=f"a{len(self.world.approvals) + 1}", agent_id=request.agent.id if request.agent else "", run_id=request.run_id, kind="tool_call",
            action=request.action, target=request.target, summary=request.label(), reason=reason, group=group, status="pending",
            created_at=AT, expires_at=AT, action_hash=action_hash(request), policy_revision=policy_revision, agent_revision="", requested_by="x",
        )  # fmt: skip
        self.world.approvals[made.id] = made
        return made

    async def get(self, approval_id: str) -> Approval:
        return self.world.approvals[approval_id]

    async def wait(self, approval_id: str) -> Approval:
        while self.world.approvals[approval_id].status == "pending":
            self.world.resolved.clear()
            await self.world.resolved.wait()
        return self.world.approvals[approval_id]


class FakeTools:
    def __init__(self, world: World) -> None:
        self.world = world

    async def list(self) -> Sequence[ToolSpec]:
        return list(self.world.tools.values())

    async def get(self, name: str) -> ToolSpec | None:
        return self.world.tools.get(name)

    async def bind(self, name: str, positional: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
        return {**named, **{f"p{n}": value for n, value in enumerate(positional)}}

    async def validate(self, name: str, arguments: dict[str, Any]) -> None:
        if name not in self.world.tools:
            raise NotFound(f"no tool {name}")

    async def call(self, name: str, arguments: dict[str, Any], *, run: EffectContext) -> Any:
        self.world.calls.append((name, arguments))
        if self.world.tool_gate is not None:
            await self.world.tool_gate.wait()
        return {"tool": name, **arguments}


class StandIns:
    """A plugin that offers the stand-ins of one world."""

    __name__ = "standins"

    def __init__(self, world: World) -> None:
        self.world = world
        self.tools_type: type[FakeTools] = FakeTools

    @hookimpl
    def services(self) -> Any:
        def opener(thing: Any) -> Any:
            @contextlib.asynccontextmanager
            async def open_it(config: Any, context: Any) -> AsyncIterator[Any]:
                yield thing

            return open_it

        for name, protocol, fake in (
            ("agents", AgentService, FakeAgents),
            ("gate", Gate, FakeGate),
            ("approvals", Approvals, FakeApprovals),
            ("tools", ToolService, self.tools_type),
        ):
            yield Service(name=name, provides=protocol, open=opener(fake(self.world)))

    @hookimpl
    def agent_languages(self) -> Any:
        import runs_entries

        for name in runs_entries.ENTRIES:
            yield AgentLanguage(name=name, suffixes=(), entry=f"runs_entries:{name}", open=lambda config, context: None)

"""The service that keeps agents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from symbi.contracts.agents import AgentArchived, AgentChanged, AgentService, AgentView, ExecutionMode
from symbi.contracts.audit import AuditLog
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.errors import CapacityExceeded, InvalidRequest, NotFound
from symbi.contracts.health import Health, healthy
from symbi.contracts.policy import Gate, PolicyRequest, ResourceFacts
from symbi.contracts.principal import Principal
from symbi.contracts.runs import RunService
from symbi.kernel.context import PluginContext
from symbi.kernel.points import AGENT_LANGUAGES
from symbi_agents import records
from symbi_agents.config import AgentsConfig
from symbi_agents.definitions import Definitions

__all__ = ["Agents", "open_agents"]

_NAME_LIMIT = 200


class Agents(AgentService):
    """Keeps agents in the record store; definitions are checked before they are kept."""

    def __init__(self, config: AgentsConfig, context: PluginContext, definitions: Definitions) -> None:
        self._config = config
        self._context = context
        self.definitions = definitions

    async def create(
        self,
        name: str,
        text: str,
        *,
        principal: Principal,
        mode: ExecutionMode = "ephemeral",
        metadata: dict[str, str] | None = None,
        heartbeat_interval_seconds: int | None = None,
        agent_id: str | None = None,
        source: str = "api",
        language: str | None = None,
    ) -> AgentView:
        """Check a definition and keep it as a new agent, durable when this returns.

        Raises `InvalidRequest` (name, definition with its diagnostics), `PolicyDenied`, `CapacityExceeded`.
        """
        name = _checked_name(name)
        spec = (
            None
            if mode == "external" and not text.strip()
            else await self.definitions.one(text, name=name, language=language)
        )
        now = self._context.clock.now_ms()
        view = AgentView(
            id=agent_id or self._context.ids.uuid(),
            name=name,
            agent=spec.name if spec else name,
            text=text,
            revision=spec.digest if spec else "",
            language=language or self._config.language,
            mode=mode,
            source=source,
            owner=principal.id,
            metadata=metadata or {},
            created_at=now,
            updated_at=now,
            heartbeat_interval_seconds=heartbeat_interval_seconds,
        )
        await self._authorize("agent_create", view, principal)
        if not await self._context.store.write(records.add, view, limit=self._config.max_agents):
            raise CapacityExceeded(
                f"{self._config.max_agents} agents are registered already",
                hint="delete some, or raise [agents] max_agents",
            )
        self._context.events.publish(AgentChanged(agent=view, created=True))
        return view

    async def update(
        self, agent_id: str, *, principal: Principal, name: str | None = None, text: str | None = None
    ) -> AgentView:
        """Replace an agent's name, definition or both; runs under way keep the definition they began with.

        Raises `NotFound`, `InvalidRequest`, `PolicyDenied`.
        """
        agent = await self.get(agent_id)
        if name is None and text is None:
            raise InvalidRequest(
                "at least one of name and dsl must be given",
                details={"field": "name", "reason": "missing_required_field"},
            )
        changed = msgspec.structs.replace(agent, updated_at=self._context.clock.now_ms())
        if name is not None:
            changed = msgspec.structs.replace(changed, name=_checked_name(name))
        if text is not None:
            spec = await self.definitions.one(text, name=changed.name, language=agent.language)
            changed = msgspec.structs.replace(changed, text=text, agent=spec.name, revision=spec.digest)
        await self._authorize("agent_update", agent, principal)
        await self._context.store.write(records.change, changed)
        self._context.events.publish(AgentChanged(agent=changed, created=False))
        return changed

    async def delete(self, agent_id: str, *, principal: Principal) -> None:
        """Stop an agent's runs and take it out of the registry; its history stays. Raises `NotFound`, `PolicyDenied`."""
        agent = await self.get(agent_id)
        await self._authorize("agent_delete", agent, principal)
        if not await self._context.store.write(records.archive, agent.id, at=self._context.clock.now_ms()):
            raise _unknown(agent_id)
        runs = self._context.services.maybe(RunService)
        if runs is not None:
            await runs.stop_agent(agent.id, principal=principal, reason="the agent was deleted")
        self._context.events.publish(AgentArchived(agent_id=agent.id, name=agent.name))

    async def get(self, agent_id: str) -> AgentView:
        """Return a registered agent by id; raises `NotFound`."""
        found = await self._context.store.read(records.by_id, agent_id)
        if found is None:
            raise _unknown(agent_id)
        return found

    async def resolve(self, name_or_id: str) -> AgentView | None:
        return await self._context.store.read(records.by_id, name_or_id) or await self._context.store.read(
            records.by_name, name_or_id
        )

    async def spec(self, agent: AgentView) -> AgentSpec:
        return await self.definitions.of(agent)

    async def list(self, *, principal: Principal | None = None) -> Sequence[AgentView]:
        found = await self._context.store.read(records.every)
        return [agent for agent in found if principal is None or principal.may_use_agent(agent.id)]

    async def count(self) -> int:
        """Return how many agents are registered."""
        return await self._context.store.read(records.active_count)

    async def status_counts(self) -> dict[str, int]:
        """Return what `GET /status` says of agents."""
        return {"agent_count": await self.count()}

    async def health(self) -> Health:
        """Say how many agents there are."""
        return healthy(agents=await self.count())

    async def _authorize(self, action: str, agent: AgentView, principal: Principal) -> None:
        """Ask the gate, which records its decision; without one, record the action itself before it happens."""
        gate = self._context.services.maybe(Gate)
        if gate is not None:
            resource = ResourceFacts(type="Agent", id=agent.name, attributes={"mode": agent.mode, "owner": agent.owner})
            await gate.authorize(
                PolicyRequest(
                    principal=principal,
                    action=action,
                    target=agent.name,
                    resource=resource,
                    surface="api",
                    source="api",
                )
            )
            return
        log = self._context.services.maybe(AuditLog)
        if log is not None:
            await log.append(
                action.replace("_", "."),
                principal=principal,
                subject=agent.id,
                details={"name": agent.name, "revision": agent.revision},
            )


@asynccontextmanager
async def open_agents(config: AgentsConfig, context: PluginContext) -> AsyncIterator[Agents]:
    """Open the service with every language that is installed."""
    async with AsyncExitStack() as stack:
        languages = {}
        for name, offer in context.catalogue(AGENT_LANGUAGES).items():
            languages[name] = (await stack.enter_async_context(context.open(AGENT_LANGUAGES, name)), offer.suffixes)
        yield Agents(
            config, context, Definitions(languages, default=config.language, max_bytes=config.max_definition_bytes)
        )


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _NAME_LIMIT or any(ord(char) < 32 or char == "\x7f" for char in name):
        raise InvalidRequest(
            f"name must have 1 to {_NAME_LIMIT} printable characters", details={"field": "name", "reason": "invalid"}
        )
    return name


def _unknown(agent_id: str) -> NotFound:
    return NotFound(f"no agent has the id {agent_id!r}", code="AGENT_NOT_FOUND", hint="GET /api/v1/agents lists them")

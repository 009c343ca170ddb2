"""What attempts share: agents as they were, opened executors, installed languages, handlers of effects."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.effects import EffectHandler
from symbi.contracts.errors import NotFound, SymbiError
from symbi.contracts.executors import AgentExecutor
from symbi.contracts.languages import Language
from symbi.contracts.policy import AgentRules
from symbi.kernel.points import AGENT_EXECUTORS, AGENT_LANGUAGES, EFFECT_HANDLERS
from symbi_runs import statements
from symbi_runs.config import ExecutionConfig
from symbi_runs.records import RunRecord
from symbi_runs.statements import StoredEffect

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Furniture"]


class Furniture:
    """Opens executors and languages when they are first needed, once; closes them all at the end."""

    def __init__(self, context: PluginContext, config: ExecutionConfig, stack: contextlib.AsyncExitStack) -> None:
        self.context = context
        self.config = config
        self._stack = stack
        self._executors: dict[str, AgentExecutor] = {}
        self._opened: dict[str, Language] = {}
        self.unavailable: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._handlers: dict[str, EffectHandler] | None = None
        self._languages: dict[str, str] | None = None

    async def executors(self, tier: str) -> dict[str, AgentExecutor]:
        """Return the opened executors; those for stronger tiers are opened when a run needs one."""
        names = [self.config.executor]
        if tier != "tier0":
            names += [name for name in self.config.executors if name in self.context.catalogue(AGENT_EXECUTORS)]
        for name in names:
            if name not in self._executors:
                await self._open_executor(name)
        return self._executors

    async def _open_executor(self, name: str) -> None:
        async with self._lock:
            if name in self._executors:
                return
            try:
                opened = await self._stack.enter_async_context(self.context.open(AGENT_EXECUTORS, name))
            except SymbiError as error:
                if name == self.config.executor:
                    raise
                self.unavailable[name] = str(error)
                self.context.logger.warning("the executor %s is not available: %s", name, error)
                return
            self._executors[name] = opened

    async def language(self, name: str) -> Language:
        """Return an opened language; raises `ConfigError` for one that is not installed."""
        async with self._lock:
            if name not in self._opened:
                self._opened[name] = await self._stack.enter_async_context(self.context.open(AGENT_LANGUAGES, name))
        return self._opened[name]

    async def first_agent(self, text: str) -> str:
        """Return the name of the first agent that a text declares, or nothing where that cannot be told."""
        if "symbi" not in self.context.catalogue(AGENT_LANGUAGES):
            return ""
        parsed = (await self.language("symbi")).parse(text)
        return parsed.agents[0].name if parsed.agents else ""

    async def rules_of(self, agent: AgentView, spec: AgentSpec, record: RunRecord) -> AgentRules | None:
        """Return the agent's own rules with what their guards may read; None for an agent that has none."""
        if spec.rules.empty:
            return None
        return AgentRules(
            language=await self.language(spec.rules.language),
            rules=spec.rules,
            capabilities=frozenset(spec.capabilities),
            sandbox=spec.sandbox,
            environment={"parameters": record.input, **(record.input if isinstance(record.input, dict) else {})},
        )

    async def agent_of(self, record: RunRecord) -> tuple[AgentView, AgentSpec]:
        """Return the agent with the definition that the run was started with, whatever it is now."""
        agents = self.context.services.get(AgentService)
        found = await agents.resolve(record.agent_id) if not record.agent_id.startswith("adhoc:") else None
        if found is not None and found.revision == record.revision:
            return found, await agents.spec(found)
        kept = await self.context.store.read(statements.definition, record.revision)
        if kept is None:
            raise NotFound(f"the definition {record.revision[:12]} of run {record.id} is not kept any more")
        language, text = kept
        view = _as_it_was(found, record, language, text)
        return view, await agents.spec(view)

    async def stored_effects(self, record: RunRecord) -> dict[int, StoredEffect]:
        """Return what the journal holds of the run's effects; nothing is asked for a first attempt."""
        if record.attempt <= 1:
            return {}
        return await self.context.store.read(statements.effects_of, record.id, record.epoch)

    def handlers(self) -> dict[str, EffectHandler]:
        """Return who carries out which kind of effect."""
        if self._handlers is None:
            self._handlers = dict(self.context.catalogue(EFFECT_HANDLERS))
        return self._handlers

    def languages(self) -> dict[str, str]:
        """Return the entries of the installed languages."""
        if self._languages is None:
            self._languages = {name: offer.entry for name, offer in self.context.catalogue(AGENT_LANGUAGES).items()}
        return self._languages


def _as_it_was(found: AgentView | None, record: RunRecord, language: str, text: str) -> AgentView:
    if found is not None:
        return msgspec.structs.replace(found, text=text, revision=record.revision, language=language)
    mode: Any = record.mode
    return AgentView(
        id=record.agent_id,
        name=record.agent,
        agent=record.agent,
        text=text,
        revision=record.revision,
        language=language,
        mode=mode,
        source="api",
        owner=record.principal_id,
        metadata={},
        created_at=record.created_at,
        updated_at=record.created_at,
    )

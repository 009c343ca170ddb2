"""The service behind agents without a body: their job for the agent host, the brief of their run, their budgets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.effects import EffectCall, EffectContext
from symbi.contracts.errors import SymbiError
from symbi.contracts.reasoning import Adaptive, Models, ReasoningHost, Task
from symbi.kernel.points import AGENT_LANGUAGES
from symbi_reasoning.accounts import Accounts
from symbi_reasoning.chat.tickets import Tickets
from symbi_reasoning.config import ReasoningConfig
from symbi_reasoning.figures import Figures
from symbi_reasoning.offers import offers_of
from symbi_reasoning.texts import system_text, user_text

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["Reasoning", "brief", "open_reasoning"]

ENTRY = "symbi_reasoning.loop.host:run"
_LOWERED = (
    "max_iterations",
    "max_tool_calls",
    "max_output_tokens",
    "timeout_seconds",
    "max_denials",
    "max_concurrent_tools",
)
MOST_TEXT = 20_000


class Reasoning(ReasoningHost):
    """Implements `symbi.contracts.reasoning.ReasoningHost`."""

    def __init__(self, config: ReasoningConfig, context: PluginContext) -> None:
        self.config = config
        self.context = context
        self.accounts = Accounts(config, context)
        self.figures = Figures()
        self.tickets = Tickets(context.clock.monotonic)
        self._briefs: dict[str, str] = {}

    async def job(self, agent: AgentView, spec: AgentSpec, given: Any) -> tuple[str, Any, dict[str, Any]]:
        """Return the loop with what the definition says; nothing in it depends on the time or on what is installed."""
        about = {
            "name": spec.name,
            "description": spec.description,
            "system_prompt": spec.system_prompt or "",
            "definition": (await self._definition(agent))[:MOST_TEXT],
            "tools": list(spec.tools or spec.allowed_tools),
            "model": spec.model or "",
            "memory": spec.memory or "",
            "options": {name: value for name, value in spec.options.items() if _is_json(value)},
        }
        return ENTRY, {"about": about, "text": user_text(given)}, {"capabilities": list(spec.capabilities)}

    async def _definition(self, agent: AgentView) -> str:
        if agent.revision not in self._briefs:
            if len(self._briefs) > 500:
                self._briefs.clear()
            text = agent.text
            if agent.language in self.context.catalogue(AGENT_LANGUAGES):
                async with self.context.open(AGENT_LANGUAGES, agent.language) as language:
                    text = language.brief(agent.text)
            self._briefs[agent.revision] = text
        return self._briefs[agent.revision]

    async def brief(self, given: dict[str, Any], run: EffectContext) -> dict[str, Any]:
        """Return what a run's loop begins with: models, words, tools, limits, and what `adaptive` adds."""
        about, text = dict(given.get("about") or {}), str(given.get("text") or "")
        services = self.context.services
        options = dict(about.get("options") or {})
        task = Task(
            agent=run.agent,
            agent_id=run.agent_id,
            text=text,
            about=str(about.get("description") or ""),
            options=options,
            run=run,
        )
        choices = await services.get(Models).choices(str(about.get("model") or "") or None)
        offers = await offers_of(self.context, self.config, run, task, about, tier=str(given.get("tier") or "tier0"))
        account = await self.accounts.of(run)
        adaptive = services.maybe(Adaptive)
        found: dict[str, Any] = {
            "models": [choice.name for choice in choices],
            "system": system_text(about, await adaptive.conventions(task) if adaptive else ""),
            "tools": [msgspec.to_builtins(tool) for tool in offers.tools],
            "hidden": offers.hidden,
            "history": await self._history(run),
            "limits": self._limits(options),
            "recall": bool(about.get("memory")) and offers.recalls,
            "tokens_left": account.left,
            "schema": options.get("output_schema") if isinstance(options.get("output_schema"), dict) else None,
        }
        if adaptive is not None:
            prefetch = await adaptive.prefetch(task, offers.specs)
            found["prefetch"] = [msgspec.to_builtins(each) for each in prefetch]
            found["prefetch_tokens"] = adaptive.prefetch_tokens()
            found["watch"] = adaptive.watch(task)
        self.figures.started += 1
        return found

    def _limits(self, options: dict[str, Any]) -> dict[str, Any]:
        limits: dict[str, Any] = msgspec.to_builtins(self.config)
        for name in _LOWERED:
            asked = options.get(name)
            if isinstance(asked, int | float) and not isinstance(asked, bool) and asked > 0:
                limits[name] = type(limits[name])(min(limits[name], asked))
        return limits

    async def _history(self, run: EffectContext) -> list[dict[str, Any]]:
        from symbi_reasoning.chat.threads import history_of

        if not run.session:
            return []
        return await history_of(self.context, run, self.config.history_turns)


def _is_json(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError):
        return False
    return True


async def brief(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any]:
    """Tell the loop what it begins with (effect `brief`)."""
    host = context.services.get(ReasoningHost)
    if not isinstance(host, Reasoning):
        raise SymbiError("another plugin hosts reasoning here")
    return await host.brief(call.arguments, run)


@asynccontextmanager
async def open_reasoning(config: ReasoningConfig, context: PluginContext) -> AsyncIterator[Reasoning]:
    """Open the host."""
    yield Reasoning(config, context)

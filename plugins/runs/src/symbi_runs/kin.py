"""Runs and the runs they start: who may start whom, what is started once, what is counted and stopped together (RSN-60)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentService, AgentView
from symbi.contracts.effects import EffectContext, EffectFailed
from symbi.contracts.errors import SymbiError
from symbi.contracts.runs import END_STATES, RunOptions, RunView
from symbi_runs import statements
from symbi_runs.records import RunRecord
from symbi_runs.starting import find_agent

if TYPE_CHECKING:
    from symbi_runs.service import Runs

__all__ = ["Kin"]


ORPHANED = {"code": "cancelled", "message": "the run that asked for it is over"}


def _spawned(record: RunRecord) -> bool:
    return bool((record.options.get("origin") or {}).get("spawned"))


class Kin:
    """Parents and children among the runs of one service."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def check(self, agent: str, run: EffectContext) -> AgentView:
        """Return the agent that the run means; raises `EffectFailed` where it may not delegate to it: too deep, or a circle."""
        most = self._runs.config.max_depth
        if run.depth + 1 > most:
            raise EffectFailed(
                f"agents may delegate {most} deep, and this run is at {run.depth}", code="depth_exceeded"
            )
        found = await self._meant(agent, run)
        if found is None or found.archived:
            raise EffectFailed(f"no agent {agent!r}", code="agent_not_found")
        if found.id == run.agent_id or found.id in run.chain:
            raise EffectFailed(f"agent {agent!r} is already at work above this run", code="delegation_cycle")
        return found

    async def start(self, agent: str, given: Any, *, run: EffectContext, options: RunOptions) -> RunView:
        """Start a run for another; the effect that asks for it has passed the gate."""
        target = await self.check(agent, run)
        if target.id.startswith("adhoc:"):
            options = msgspec.structs.replace(options, definition=target.text)
        return await self._runs.start_run(agent, given, run.principal, options, gated=False)

    def key(self, run_id: str, seq: int, number: int) -> str:
        """Return the key under which an effect's child is started once, however often its parent is resumed."""
        attempt = self._runs.attempts.get(run_id)
        return f"child:{run_id}:{attempt.record.epoch if attempt else 0}:{seq}:{number}"

    def count_usage(self, run_id: str, child: RunView) -> None:
        """Add what a child has used to its parent's account."""
        attempt = self._runs.attempts.get(run_id)
        if attempt is not None and attempt.desk is not None:
            attempt.desk.add_usage(tokens=child.usage.tokens, cost_usd=child.usage.cost_usd)

    def count_of(self, run_id: str) -> int:
        """Return how many children of the run are under way here."""
        return sum(1 for each in self._runs.attempts.values() if each.record.options.get("parent_run_id") == run_id)

    def stop(self, run_id: str) -> None:
        """Stop the children of a run that was stopped, or failed; those that it spawned go on by themselves."""
        for child in list(self._runs.attempts.values()):
            if child.record.options.get("parent_run_id") == run_id and not _spawned(child.record):
                child.stop(dict(ORPHANED))

    async def why_not(self, record: RunRecord) -> dict[str, Any] | None:
        """Return why a run that is about to begin must not: nobody waits for it any more."""
        parent = record.options.get("parent_run_id")
        if parent is None or _spawned(record):
            return None
        found = await self._runs.context.store.read(statements.load_run, parent)
        return dict(ORPHANED) if found is None or found.status in END_STATES else None

    async def _meant(self, agent: str, run: EffectContext) -> AgentView | None:
        """Return one of the agents of the run's own text where it was run from a text, else a registered one."""
        text = await self._own_text(run)
        if text is not None:
            with contextlib.suppress(SymbiError):
                view, _ = await find_agent(self._runs.context, agent, RunOptions(definition=text))
                if view.agent == agent:
                    return view
        return await self._runs.context.services.get(AgentService).resolve(agent)

    async def _own_text(self, run: EffectContext) -> str | None:
        attempt = self._runs.attempts.get(run.run_id)
        if attempt is None or not run.agent_id.startswith("adhoc:"):
            return None
        kept = await self._runs.context.store.read(statements.definition, attempt.record.revision)
        return kept[1] if kept is not None else None

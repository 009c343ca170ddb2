"""Runs that start runs: delegate, spawn, parallel, race. Each child is started once, however often its parent is resumed (RSN-60)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from symbi.contracts.effects import EffectCall, EffectContext, EffectFailed
from symbi.contracts.errors import PolicyDenied, SymbiError
from symbi.contracts.languages import POSITIONAL
from symbi.contracts.runs import RunOptions, RunService, RunView
from symbi_runs.actions import tasks_of

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext
    from symbi_runs.service import Runs

__all__ = ["delegate", "parallel", "race", "spawn"]


async def delegate(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Start the agent, wait for it, return its result; its failure is the caller's."""
    runs = _runs(context)
    child = await _start(runs, call, run, call.name, call.arguments, 0)
    with runs.lend_slot(run.run_id):
        return _result(await _wait(runs, child, run, context))


async def spawn(call: EffectCall, run: EffectContext, context: PluginContext) -> dict[str, Any]:
    """Start the agent and return at once."""
    child = await _start(_runs(context), call, run, call.name, call.arguments, 0, spawned=True)
    return {"run_id": child.run_id, "agent_id": child.agent_id, "name": child.agent}


async def parallel(call: EffectCall, run: EffectContext, context: PluginContext) -> list[Any]:
    """Start all agents, wait for all, return their results in order; `{error}` stands for one that failed."""
    runs = _runs(context)
    children = await _start_all(runs, call, run)
    with runs.lend_slot(run.run_id):
        ended = await asyncio.gather(*(_wait(runs, child, run, context) for child in children))
    return [_result_or_error(child) for child in ended]


async def race(call: EffectCall, run: EffectContext, context: PluginContext) -> Any:
    """Start all agents and return the result of the first to end, even if it failed; the rest are stopped."""
    runs = _runs(context)
    children = await _start_all(runs, call, run)
    with runs.lend_slot(run.run_id):
        waits = [asyncio.create_task(_wait(runs, child, run, context)) for child in children]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            first = next(task for task in waits if task in done).result()
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
    for child in children:
        if child.run_id != first.run_id:
            await runs.stop_if_running(child.run_id, reason="another agent was first")
    return _result_or_error(first)


def _runs(context: PluginContext) -> Runs:
    from symbi_runs.service import Runs

    runs = context.services.get(RunService)
    if not isinstance(runs, Runs):
        raise EffectFailed("the runs service in use cannot delegate", code="no_delegation")
    return runs


async def _start_all(runs: Runs, call: EffectCall, run: EffectContext) -> list[RunView]:
    tasks = tasks_of(call)
    # Every target is looked at before any is started.
    for task in tasks:
        await runs.kin.check(task["agent"], run)
    return [
        await _start(runs, call, run, task["agent"], {**task, "agent": None}, number)
        for number, task in enumerate(tasks)
    ]


async def _start(
    runs: Runs,
    call: EffectCall,
    run: EffectContext,
    agent: str,
    arguments: dict[str, Any],
    number: int,
    *,
    spawned: bool = False,
) -> RunView:
    options = RunOptions(
        trigger="delegation",
        idempotency_key=runs.kin.key(run.run_id, call.seq, number),
        parent_run_id=run.run_id,
        depth=run.depth + 1,
        chain=(*run.chain, run.agent_id),
        session=run.session,
        surface=run.surface,
        timeout_seconds=_seconds(arguments.get("timeout")),
        traceparent=run.traceparent,
        origin={"spawned": True} if spawned else {},
    )
    return await runs.kin.start(agent, _child_input(arguments), run=run, options=options)


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _child_input(arguments: dict[str, Any]) -> Any:
    """Return what the child gets: `input` as it is, else the named arguments, else the message alone."""
    if "input" in arguments:
        return arguments["input"]
    given = {
        name: value
        for name, value in arguments.items()
        if name not in ("agent", "timeout", "protocol_label", POSITIONAL)
    }
    positional = arguments.get(POSITIONAL)
    if not given and isinstance(positional, list) and positional:
        return positional[0]
    return given


async def _wait(runs: Runs, child: RunView, run: EffectContext, context: PluginContext) -> RunView:
    left = None if run.deadline_ms is None else max(0.0, (run.deadline_ms - context.clock.now_ms()) / 1000)
    ended = await runs.wait(child.run_id, timeout=left)
    runs.kin.count_usage(run.run_id, ended)
    return ended


def _result(child: RunView) -> Any:
    if child.status == "completed":
        return child.result
    error = child.error or {}
    code, text = (
        str(error.get("code", child.status)),
        f"agent {child.agent!r} {child.status}: {error.get('message', '')}",
    )
    if code == "policy_denied":
        raise PolicyDenied(text, details={"run_id": child.run_id})
    raise EffectFailed(text, code=code)


def _result_or_error(child: RunView) -> Any:
    try:
        return _result(child)
    except SymbiError as error:
        return {"error": error.message, "code": error.error_code, "run_id": child.run_id}

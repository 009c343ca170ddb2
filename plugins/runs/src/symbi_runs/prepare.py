"""From a claimed run to the job that an executor gets: which program, which limits, which place."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from symbi.contracts.agents import AgentView
from symbi.contracts.definitions import AgentSpec
from symbi.contracts.errors import InvalidRequest, ServiceUnavailable, Unavailable
from symbi.contracts.executors import AgentExecutor, ResourceLimits, SandboxTier
from symbi_runs.config import ExecutionConfig
from symbi_runs.records import RunRecord

if TYPE_CHECKING:
    from symbi.kernel.context import PluginContext

__all__ = ["STRENGTH", "choose_executor", "fit_input", "limits_of", "program_of", "tier_of", "wall_seconds"]

STRENGTH: tuple[SandboxTier, ...] = ("tier0", "tier1", "tier2", "tier3")
MIB = 1024 * 1024


def fit_input(spec: AgentSpec, given: Any) -> dict[str, Any]:
    """Return the arguments of a run by name; a single value goes to a single parameter.

    Raises `InvalidRequest` where they do not fit the agent's parameters.
    """
    arguments = _named(spec, given)
    if not spec.parameters:
        return arguments
    missing = [each.name for each in spec.parameters if each.required and each.name not in arguments]
    if missing:
        raise InvalidRequest(
            f"agent {spec.name!r} needs {', '.join(missing)}",
            hint="give them by name in the input",
            details={"field": missing[0], "reason": "missing_required_field"},
        )
    _check_types(spec, arguments)
    defaults = {each.name: each.default for each in spec.parameters if not each.required and each.default is not None}
    return {**defaults, **arguments}


def _named(spec: AgentSpec, given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, dict):
        # A message from another agent or a channel, for an agent that calls its one parameter otherwise.
        if set(given) == {"message"} and len(spec.parameters) == 1 and spec.parameters[0].name != "message":
            return {spec.parameters[0].name: given["message"]}
        return given
    if len(spec.parameters) == 1:
        return {spec.parameters[0].name: given}
    if not spec.parameters:
        return {"message": given}
    raise InvalidRequest(
        f"the input of agent {spec.name!r} must be an object", details={"field": "input", "reason": "object"}
    )


def _check_types(spec: AgentSpec, arguments: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    for parameter in spec.parameters:
        if parameter.name not in arguments or not parameter.schema:
            continue
        try:
            error = next(Draft202012Validator(parameter.schema).iter_errors(arguments[parameter.name]), None)
        except SchemaError:
            continue
        if error is not None:
            place = ".".join(str(part) for part in (parameter.name, *error.absolute_path))
            raise InvalidRequest(f"{place}: {error.message[:300]}", details={"field": place, "reason": "type"})


def wall_seconds(config: ExecutionConfig, spec: AgentSpec, record: RunRecord) -> float | None:
    """Return how long the run may take in all; None for one that stays until it is stopped and declares no limit."""
    asked = record.run_options().timeout_seconds or spec.timeout_seconds
    if asked is None:
        return None if record.mode == "persistent" else config.default_timeout_seconds
    return min(asked, config.max_timeout_seconds)


def limits_of(config: ExecutionConfig, spec: AgentSpec) -> ResourceLimits:
    """Return the limits that the definition declares, with the runtime's grace; the run's time is kept by the attempt (`wall.py`)."""
    return ResourceLimits(
        memory_bytes=spec.max_memory_mb * MIB if spec.max_memory_mb else None,
        cpu_seconds=spec.cpu_seconds,
        cpu_cores=spec.max_cpu_cores,
        file_bytes=spec.storage_mb * MIB if spec.storage_mb else None,
        grace_seconds=config.grace_seconds,
    )


def tier_of(config: ExecutionConfig, spec: AgentSpec) -> SandboxTier | str:
    """Return the sandbox tier that the run needs; raises `Unavailable` where tier 0 is not allowed here."""
    tier = spec.sandbox or "tier0"
    if tier == "tier0" and not config.tier0:
        if spec.sandbox is None:
            return "tier1"
        raise Unavailable(
            "this runtime does not run agents without a sandbox",
            hint="declare a sandbox, or set [execution] tier0 = true",
        )
    return tier


def choose_executor(
    executors: Mapping[str, AgentExecutor], tier: str, *, first: str, missing: Mapping[str, str] | None = None
) -> tuple[AgentExecutor, SandboxTier]:
    """Return the executor that provides the tier, or the next stronger one that any provides; never a weaker one."""
    names = sorted(executors, key=lambda name: name != first)
    wanted = STRENGTH[STRENGTH.index(tier) :] if tier in STRENGTH else (tier,)
    for each in wanted:
        for name in names:
            if each in executors[name].tiers:
                return executors[name], each  # type: ignore[return-value]  # one of the tiers above
    offered = sorted({each for executor in executors.values() for each in executor.tiers})
    why = "".join(f"; {name}: {reason}" for name, reason in (missing or {}).items())
    raise Unavailable(
        f"the agent needs sandbox {tier}, and this machine provides {', '.join(offered) or 'none'}{why}",
        hint="pip install symbi-bwrap and bubblewrap for tier1, or let the agent declare a weaker sandbox",
    )


async def program_of(
    context: PluginContext, agent: AgentView, spec: AgentSpec, record: RunRecord, languages: Mapping[str, str]
) -> tuple[str, Any, dict[str, Any]]:
    """Return what the agent host is to import, what that interprets, and further facts for it.

    The body of the agent where it has one, else the reasoning loop with the definition as its brief.
    """
    if spec.program is not None:
        entry = languages.get(spec.program.language)
        if entry is None:
            raise ServiceUnavailable(
                f"the agent language {spec.program.language!r} is not installed", hint="pip install symbi-dsl"
            )
        return entry, msgspec.to_builtins(spec.program), {"capabilities": list(spec.capabilities)}
    host = _reasoning_host(context)
    if host is None:
        raise ServiceUnavailable(
            f"agent {agent.name!r} has no body, and no reasoning plugin is installed",
            code="no_program",
            hint="pip install symbi-reasoning, or give the agent a body",
        )
    entry, program, facts = await host.job(agent, spec, record.input)
    return entry, program, facts


def _reasoning_host(context: PluginContext) -> Any:
    if importlib.util.find_spec("symbi.contracts.reasoning") is None:
        return None
    from importlib import import_module

    protocol = getattr(import_module("symbi.contracts.reasoning"), "ReasoningHost", None)
    return context.services.maybe(protocol) if protocol is not None else None
